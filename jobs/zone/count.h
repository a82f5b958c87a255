/* SPDX-License-Identifier: MIT */
/*
 * What happened in a shift up to one of its buckets, counted by station and bucket.
 *
 * count_shift() reads it as it stood at `as_of`: rows recorded later do not exist. All measures over a
 * window of whole buckets are sums of these tallies; seconds of stops too, because a union over a window
 * is the sum of its parts over the buckets.
 */
#ifndef ZONE_COUNT_H
#define ZONE_COUNT_H

#include <bmad/sql.h>

#include "jobs/zone/plan.h"
#include "jobs/zone/stop_table.h"
#include "jobs/zone/tally.h"

struct count {
	struct plan plan;
	utc_t as_of;
	int64_t grace;
	int64_t last; /* buckets counted: 1 to last */

	struct tally *tallies; /* [last][stations] */
	struct stop_table stops;
};

/* Counts SHIFT up to bucket LAST. Everything lives in ARENA. */
struct err *count_shift(struct sql *db, const struct zone *zone, const struct shift *shift, int64_t last,
    utc_t as_of, int64_t grace, struct arena *arena, struct count *out_count) MUST_CHECK;

/* -- pure: over buckets FROM to TO, of one line or station, or of ALL_LINES ------------------------- */

struct tally count_line(const struct count *count, size_t line, int64_t from, int64_t to);
struct tally count_station(const struct count *count, size_t station, int64_t from, int64_t to);
int64_t count_target(const struct count *count, size_t line, int64_t from, int64_t to);

#endif
