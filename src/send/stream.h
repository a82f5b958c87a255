/* SPDX-License-Identifier: MIT */
/*
 * What the files of the sender share: the sender, its streams, and the messages in hand.
 *
 * A stream is one channel at work: its lane, the rows taken from the outbox for it (waiting, then on the
 * wire) and what it knows of the rows still there. A delivery is one message from TAKE to the acknowledged
 * SETTLE; it is always in exactly one list: waiting, flying, or the sender's settling (a batch on its way to
 * the store included).
 */
#ifndef SEND_STREAM_H
#define SEND_STREAM_H

#include <sys/queue.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/peer.h"
#include "send/heads.h"
#include "send/lane.h"
#include "send/sender.h"
#include "send/wire.h"

struct event;
struct event_base;

/* How a delivery ended, for the store and for the log. */
struct delivery_end {
	const char *state; /* of the settlement; "untried": given back */
	const char *reason, *answer, *provider_id;
	int64_t attempts; /* made since it was taken */
	int64_t not_before_ms;
	bool ambiguous;
	bool replaced;     /* dead here, it goes by another channel: the store said so */
	const char *event; /* the log line; NULL: none */
	enum log_level level;
	long status;
	int64_t ms;
};

struct delivery {
	TAILQ_ENTRY(delivery) link;
	struct stream *stream;
	struct arena arena; /* everything below */
	struct outgoing message;
	bool signing, signed_again; /* the sign-in of this attempt is on the wire; there was a second one */
	struct mono started;
	int64_t attempts; /* made since it was taken */
	bool shortened;
	struct delivery_end end;
};
TAILQ_HEAD(deliveries, delivery);

TAILQ_HEAD(streams, stream);
struct stream {
	struct sender *sender;
	const struct conf_channel *channel;
	const void *options; /* resolved; NULL: could not be, its rows wait */
	struct wire_limits limits;
	struct conf_api api; /* of a type with a session, resolved */
	char *token;         /* NULL: not signed in */
	struct lane lane;
	struct heads heads;
	struct deliveries waiting, flying;
	int64_t waiting_count;
	int64_t delivered;
	struct event *timer;
	bool taking;     /* a TAKE is on its way */
	bool due;        /* the outbox may have rows for us now */
	int64_t next_ms; /* when it will (wall clock); 0: unknown */
	bool orphaned;   /* the answer to a TAKE was lost: rows may be marked ours that we do not know */
	bool yielding;   /* wrote a portion, goes on after the other streams */
	bool starved;    /* waits for room on the wire */
	bool lane_changed;
	char last_probe[UUID_TEXT]; /* message: the next probe is another one */
	struct mono well_told;      /* when main was told last that the channel works; 0: it is to be told */
	struct stream *group; /* the first of its rate_group, whose queue all of them use; NULL: alone */
	struct streams queue;
	bool queued;
	TAILQ_ENTRY(stream) starved_link, changed_link, queue_link;
};

/* A person's word that came from main. */
struct command {
	TAILQ_ENTRY(command) link;
	uint64_t sequence;
};
TAILQ_HEAD(commands, command);

struct sender {
	const struct sender_setup *setup;
	struct arena arena;
	char instance[UUID_TEXT];
	struct event_base *base;
	struct wire *wire;
	struct peer *parent;
	struct peer *store; /* NULL: not connected */
	struct event *reconnect;
	int64_t reconnect_ms;
	bool lanes_known; /* what earlier senders left behind has been read */
	bool ready;       /* said HELLO on this connection: may take and settle */
	bool draining;
	struct stream *streams; /* one per channel of the configuration, in its order */
	size_t stream_count;
	struct streams starved, changed;
	int64_t flying;
	int64_t taking;
	/* settle.c */
	struct deliveries settling;
	struct event *settle_now, *settle_again;
	bool settle_busy;
	/* command.c: answered when the store has what they changed */
	struct commands commands;
};

/* -- stream.c -------------------------------------------------------------------------------------- */

void stream_init(struct stream *stream, struct sender *sender, const struct conf_channel *channel);
void stream_done(struct stream *stream);
/* Starts, takes and arms what the moment allows. */
void stream_turn(struct stream *stream);
/* The outbox has something new. */
void stream_wake(struct stream *stream);
/* The outbox has a row that was settled as retrying: due AT_MS. */
void stream_retry_at(struct stream *stream, int64_t at_ms);
/* Gives back what is not on the wire. */
void stream_give_back(struct stream *stream);
/* DELIVERY, in no list, is the next to be started. */
void stream_put_back(struct delivery *delivery);
/* After a lost connection: gives back rows that the store counts as ours and that never came. */
void stream_recover(struct stream *stream);

/* -- session.c: channels that go by an API --------------------------------------------------------- */

struct err *session_resolve(struct stream *stream, struct arena *arena) MUST_CHECK;
/* The request that DELIVERY's attempt needs next: its own, or first the one that signs in. */
struct err *session_compose(struct delivery *delivery, struct wire_request *out_request) MUST_CHECK;
/*
 * Takes an answer that may be about signing in. True: the attempt goes on with the next session_compose();
 * else *OUT says how it ended.
 */
bool session_answered(
    struct delivery *delivery, const struct wire_answer *answer, struct classification *out);
/* How long to wait before trying DELIVERY again. */
int64_t session_wait_ms(const struct delivery *delivery);

/* -- attempt.c -------------------------------------------------------------------------------------- */

/* DELIVERY, in no list, goes on the wire or is written; it ends in the settling list, or is put back. */
void attempt_start(struct delivery *delivery);
/* It came back from the wire: for wire_create(). */
void attempt_answered(void *sender, void *delivery, const struct wire_answer *answer);

/* -- changes.c ------------------------------------------------------------------------------------- */

/* The one place where it is told that a lane was shut or opened; the store hears of it too. */
void lane_changed(struct stream *stream, struct lane_news news);

/* -- group.c --------------------------------------------------------------------------------------- */

/* After the streams before it: STREAM shares the rate of those of its rate_group. */
void group_join(struct stream *stream);
/* STREAM may have got or lost a reason to stand in the queue. */
void group_update(struct stream *stream);
/* It may start one, as far as the others are concerned. */
bool group_has_turn(const struct stream *stream);
/* It has started one. */
void group_served(struct stream *stream);

/* -- command.c ------------------------------------------------------------------------------------- */

/* Pauses or resumes channels, as SEQUENCE of main asks. */
void command_do(struct sender *sender, uint64_t sequence, const struct channels_pause *pause);
/* The store has kept what COMMANDS, which become empty, changed. */
void command_answer(struct sender *sender, struct commands *commands);

/* -- delivery.c ------------------------------------------------------------------------------------ */

struct delivery *delivery_create(struct stream *stream, const struct taken_message *taken);
void delivery_destroy(struct delivery *delivery);
/*
 * Turns what an attempt ended with into the outcome: state, next attempt, log event. REPEAT_MS is how long to
 * wait before the next one. PROBE: it showed that a suspended destination still refuses, and is not at fault.
 */
void delivery_judge(struct delivery *delivery, const struct classification *judged, int64_t repeat_ms,
    bool probe, int64_t wall_ms);
/* Its destination takes less than its provider says: half as long, once; false: it cannot be, or was. */
bool delivery_shorten(struct delivery *delivery);
void delivery_expire(struct delivery *delivery);
void delivery_log(const struct delivery *delivery);

/* -- settle.c -------------------------------------------------------------------------------------- */

void settle_init(struct sender *sender);
void settle_done(struct sender *sender);
/* Takes DELIVERY, whose outcome is set; the store hears of it at the end of this turn of the loop. */
void settle_add(struct sender *sender, struct delivery *delivery);
/* The lane changed in a way that must outlive this process. */
void settle_lane(struct stream *stream);
/* The store hears of what there is at the end of this turn of the loop. */
void settle_soon(struct sender *sender);
/* The store is back. */
void settle_resume(struct sender *sender);
bool settle_is_idle(const struct sender *sender);

/* -- notice.c -------------------------------------------------------------------------------------- */

/* The lane stands still, for REASON (NULL: unknown), or works again. */
void notice_lane(struct stream *stream, enum notice_kind kind, const char *reason);
/* How all lanes stand, as earlier senders left them: main may not have heard of it. */
void notice_start(struct sender *sender);
/* These are settled: what was lost, and that the channel works. */
void notice_settled(struct sender *sender, const struct deliveries *deliveries);

/* -- sender.c -------------------------------------------------------------------------------------- */

/* The stream of channel NAME, or NULL. */
struct stream *sender_stream(struct sender *sender, const char *name);
/* Ends the loop if the sender was told to drain and nothing is left. */
void sender_check_drained(struct sender *sender);
/* There is room on the wire again: turns who waited for it. */
void sender_feed(struct sender *sender);

#endif
