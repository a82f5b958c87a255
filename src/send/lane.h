/* SPDX-License-Identifier: MIT */
/*
 * A lane: what one destination may be sent, and when. Pure: time and randomness come in.
 *
 *	lane_init(&lane, channel);
 *	room = lane_room(&lane, now, waiting);      rows to take from the outbox
 *	if (lane_may_start(&lane, now))
 *		lane_start(&lane, now);
 *	change = lane_end(&lane, &answer, now);     one of those started came back
 *
 * A lane knows its rate, how many are in flight, how long the destination asked to be left alone, and
 * whether it refused for good (suspended: one probe an hour). Messages it does not know: stream.c does.
 */
#ifndef SEND_LANE_H
#define SEND_LANE_H

#include <bmad/json.h>
#include <bmad/time.h>

#include "send/backoff.h"
#include "send/channel.h"
#include "send/rate.h"

#define LANE_AHEAD_MAX 256 /* rows marked in one commit ahead of the wire */
#define PROBE_MS       INT64_C(3600000)

struct lane {
	int64_t in_flight_max;
	bool hold; /* an ambiguous message must not be repeated: nothing is taken ahead */
	struct backoff backoff;
	int64_t max_age_ms;
	struct rate_limit rate;

	int64_t in_flight;
	int64_t ahead; /* how many to take at a time; grows while they are used up quickly */
	struct mono taken_at;
	struct mono not_before; /* the destination asked for quiet until then */
	int64_t refusals;       /* answers in a row that asked for it */
	bool paused;            /* by such an answer, and nothing got through since */
	bool suspended;
	struct mono probe_at;
	char reason[200]; /* of the pause or suspension */
};

/* How one that was started ended. */
struct lane_answer {
	enum verdict verdict;
	long status;
	int64_t retry_after_ms; /* -1: it asked for nothing */
	int64_t left_ms;        /* of the message's life: no pause is longer */
	const char *reason;
	double random;
};

enum lane_change { LANE_SAME, LANE_PAUSED, LANE_SUSPENDED, LANE_RESUMED };

void lane_init(struct lane *lane, const struct conf_channel *channel);
void lane_done(struct lane *lane);

/* How many rows to take from the outbox now, with WAITING taken and not started; 0: none. */
int64_t lane_room(struct lane *lane, struct mono now, int64_t waiting);
/* So many were taken: adapts how far ahead to go. */
void lane_took(struct lane *lane, struct mono now, int64_t count);

bool lane_may_start(struct lane *lane, struct mono now);
/* When to ask again, apart from what lane_end() changes; NOW if one may start. */
struct mono lane_next(struct lane *lane, struct mono now);
/* It is quiet for longer than rows may well be held: what was taken ahead goes back. */
bool lane_is_closed(const struct lane *lane, struct mono now);

/* COST: of the message by the rate (channel_cost()). */
void lane_start(struct lane *lane, struct mono now, int64_t cost);
enum lane_change lane_end(struct lane *lane, const struct lane_answer *answer, struct mono now);

/* What must outlive the process, and back. Waits become instants of the wall clock, WALL_MS is its reading.
 */
struct json *lane_to_json(const struct lane *lane, struct mono now, int64_t wall_ms);
void lane_from_json(struct lane *lane, const struct json *value, struct mono now, int64_t wall_ms);

#endif
