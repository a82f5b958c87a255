/* SPDX-License-Identifier: MIT */
/*
 * Rate limits: at most so many in a window, several windows at once ("4/s" and "60/30s"). Pure.
 *
 * Each window remembers when its last messages went out. A token bucket would be smaller, but lets up to
 * twice the count through one window (a full bucket and its refill), and providers count windows.
 */
#ifndef SEND_RATE_H
#define SEND_RATE_H

#include <stddef.h>

#include <bmad/json.h>
#include <bmad/option.h>
#include <bmad/time.h>

struct rate_mark {
	int64_t first_ms, last_ms; /* monotonic times of the first and last counted here */
	int64_t count;
};

struct rate_window {
	int64_t allowed;
	int64_t window_ms;
	int64_t slice_ms;        /* what goes out within a slice shares a mark */
	int64_t used;            /* sum of the marks */
	struct rate_mark *marks; /* a ring, oldest at `first` */
	size_t first, count, capacity;
};

/* The zero value limits nothing. */
struct rate_limit {
	struct rate_window *windows;
	size_t count;
};

void rate_init(struct rate_limit *limit, const struct rates *rates);
void rate_done(struct rate_limit *limit);

/* How many may go out now; INT64_MAX without a limit. */
int64_t rate_room(struct rate_limit *limit, struct mono now);
/*
 * Counts what goes out now and costs COUNT of them (a text of three segments costs 3). It may cost more than
 * there is room for, or than a window allows at all: what is over is paid back by waiting longer afterwards.
 */
void rate_take(struct rate_limit *limit, struct mono now, int64_t count);
/* When the next may go out; NOW if one may. */
struct mono rate_next(struct rate_limit *limit, struct mono now);

/*
 * What went out within the longest window, as [wall-clock ms, count] pairs, and back. At most 64 pairs: finer
 * ones are told as if all of them were as late as the last. NULL: nothing is counted. Reading one that knows
 * of nothing newer than what is counted already changes nothing, so of several the newest wins.
 */
struct json *rate_to_json(struct rate_limit *limit, struct mono now, int64_t wall_ms);
void rate_from_json(struct rate_limit *limit, const struct json *value, struct mono now, int64_t wall_ms);

#endif
