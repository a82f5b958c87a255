/* SPDX-License-Identifier: MIT */
/*
 * Shifts and their hour buckets: half-open intervals of UTC, named in the zone's local time. Pure.
 *
 * A shift lasts from its start to the next start among all of the zone's definitions, so a night over a
 * clock change has 11, 11.5, 12.5 or 13 hours. Buckets are counted in elapsed time from the shift's start.
 */
#ifndef ZONE_SHIFT_H
#define ZONE_SHIFT_H

#include <stdint.h>

#include "jobs/zone/plant.h"

#define BUCKET_S     3600
#define BUCKET_LABEL 64

struct shift {
	int64_t date; /* the local date on which it starts, in days since 1970-01-01 */
	const char *type;
	utc_t start, end;
};

struct bucket {
	int64_t no; /* from 1 */
	utc_t start, end;
};

/* The shift that contains AT; at a boundary the later one. */
struct shift shift_at(const struct zone *zone, utc_t at);
/* The shift that ends where SHIFT starts. */
struct shift shift_before(const struct zone *zone, const struct shift *shift);

/* How many buckets SHIFT has, and one of them; the last may be shorter than an hour. */
int64_t shift_hours(const struct shift *shift);
struct bucket shift_bucket(const struct shift *shift, int64_t no);

/*
 * The bucket that an hourly report at RIPE is about: the last one over at RIPE of the shift that contains
 * it, or the last of the shift before while there is none. Sets *OUT_SHIFT.
 */
struct bucket bucket_ripe(const struct zone *zone, utc_t ripe, struct shift *out_shift);

/* `06:00-07:00 PST`, or `01:00 PDT-01:00 PST` where the abbreviation changes. Returns OUT. */
char *bucket_label(const struct zone *zone, const struct bucket *bucket, char out[BUCKET_LABEL]);
/* Hour of the local day at the bucket's start: what its target goes by. */
int bucket_hour(const struct zone *zone, const struct bucket *bucket);

#endif
