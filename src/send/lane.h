/* SPDX-License-Identifier: MIT */
/*
 * A lane: what one destination may be sent, and when. Pure: time and randomness come in.
 *
 *	lane_init(&lane, channel);
 *	room = lane_room(&lane, now, waiting);      rows to take from the outbox
 *	if (lane_may_start(&lane, now))
 *		lane_start(&lane, now, cost);
 *	change = lane_end(&lane, &answer, now);     one of those started came back
 *
 * A lane knows its rate, how many are in flight, how long the destination asked to be left alone, whether its
 * breaker is open, whether it refused for good (suspended) and whether a person paused it. Messages it does
 * not know: stream.c does.
 */
#ifndef SEND_LANE_H
#define SEND_LANE_H

#include <bmad/json.h>
#include <bmad/time.h>

#include "send/backoff.h"
#include "send/breaker.h"
#include "send/channel.h"
#include "send/rate.h"

#define LANE_AHEAD_MAX 256 /* rows marked in one commit ahead of the wire */
#define LANE_PROBE_MS  INT64_C(3600000)

struct lane {
	int64_t in_flight_max;
	bool hold; /* an ambiguous message must not be repeated: nothing is taken ahead */
	struct backoff backoff;
	int64_t max_age_ms;
	struct rate_limit own_rate;
	struct rate_limit *rate; /* its own, or that of its rate_group */
	int64_t destination;     /* a number that changes when another destination is meant; 0: unknown */

	int64_t in_flight;
	int64_t ahead; /* how many to take at a time; grows while they are used up quickly */
	struct mono taken_at;

	struct mono not_before; /* nothing goes out until then, for whatever reason of the destination's */
	int64_t refusals;       /* answers in a row that asked for it */
	bool quiet;             /* by such an answer, and nothing got through since */
	struct breaker breaker;
	bool suspended;
	bool for_good; /* no probe: only a person's word ends the suspension */
	struct mono probe_at;
	char reason[200]; /* of the quiet, the open breaker or the suspension */

	bool held; /* paused by hand */
	struct mono held_until;
	char held_by[40];
};

/* How one that was started ended. */
struct lane_answer {
	enum verdict verdict;
	long status;
	bool for_good;          /* GONE, and nothing but a person's word may bring it back */
	bool certificate;       /* of the destination is wrong: not mended in minutes */
	int64_t retry_after_ms; /* -1: it asked for nothing */
	int64_t left_ms;        /* of the message's life: no quiet is longer */
	const char *reason;
	double random;
};

/* What is told of, and why. */
enum lane_change { LANE_SAME, LANE_PAUSED, LANE_SUSPENDED, LANE_RESUMED };
enum lane_cause { LANE_BY_HAND, LANE_BY_ANSWER, LANE_BY_BREAKER, LANE_BY_CERTIFICATE };

struct lane_news {
	enum lane_change change;
	enum lane_cause cause;
};

void lane_init(struct lane *lane, const struct conf_channel *channel);
void lane_done(struct lane *lane);

/* How many rows to take from the outbox now, with WAITING taken and not started; 0: none. */
int64_t lane_room(struct lane *lane, struct mono now, int64_t waiting);
/* The one row to be taken is a probe: the oldest there is, not the one that was the last probe. */
bool lane_probes(const struct lane *lane);
/* So many were taken: adapts how far ahead to go. */
void lane_took(struct lane *lane, struct mono now, int64_t count);

/* Something could start if the rate lets it. */
bool lane_is_open(const struct lane *lane, struct mono now);
bool lane_may_start(struct lane *lane, struct mono now);
/* When to ask again, apart from what lane_end() changes; NOW if one may start. */
struct mono lane_next(struct lane *lane, struct mono now);
/* Nothing keeps it from sending but its rate and what is in flight. */
bool lane_is_well(const struct lane *lane);
/* It is shut for longer than rows may well be held: what was taken ahead goes back. */
bool lane_is_closed(const struct lane *lane, struct mono now);
/* Until when its messages had better go another way; INT64_MAX: until a person says so; 0: they had not. */
struct mono lane_diverts(const struct lane *lane, struct mono now, int64_t after_ms);

/* COST: of the message by the rate (channel_cost()). */
void lane_start(struct lane *lane, struct mono now, int64_t cost);
struct lane_news lane_end(struct lane *lane, const struct lane_answer *answer, struct mono now);

/* The destination said, whatever it made of the last message, that nothing more is taken for WAIT_MS. */
void lane_rest(struct lane *lane, struct mono now, int64_t wait_ms);

/* A person's word. UNTIL: INT64_MAX until resumed. Resuming opens a lane, whatever shut it. */
struct lane_news lane_hold(struct lane *lane, struct mono until, const char *by);
struct lane_news lane_release(struct lane *lane);
/* A pause by hand may have come to its end. */
struct lane_news lane_tick(struct lane *lane, struct mono now);

/* -- lane_json.c: over a restart ------------------------------------------------------------------ */

/* All that must outlive the process, and back. Waits become instants of the wall clock, WALL_MS is its
 * reading. */
struct json *lane_to_json(const struct lane *lane, struct mono now, int64_t wall_ms);
void lane_from_json(struct lane *lane, const struct json *value, struct mono now, int64_t wall_ms);

/* The same for people: what such a record says of a channel. */
struct lane_view {
	const char *state;  /* "enabled", "disabled", "paused", "suspended", "breaker_open", "waiting" */
	int64_t until_ms;   /* wall clock: when it ends or is tried again; 0: not by itself */
	const char *reason; /* borrowed from the record; NULL: none */
	const char *by;     /* who paused it */
};
void lane_view(const struct json *value, bool enabled, int64_t wall_ms, struct lane_view *out_view);

#endif
