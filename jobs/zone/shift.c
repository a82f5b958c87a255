/* SPDX-License-Identifier: MIT */
/* Shifts and their hour buckets. */
#include "jobs/zone/shift.h"

#include <stdio.h>
#include <string.h>

#include <bmad/mem.h>

/*
 * Starts looked at on each side of an instant. Three days, because a zone that crosses the date line
 * skips or repeats a whole day.
 */
#define DAYS_AROUND 3
#define STARTS_MAX  ((2 * DAYS_AROUND + 1) * ZONE_STARTS_MAX)

struct start {
	utc_t at;
	int64_t date;
	int minute; /* of the local day */
	const char *type;
};

static int64_t local_date(const struct zone *zone, utc_t at)
{
	struct tz_local local;

	tz_to_local(zone->tz, at, &local);
	return days_from_civil(local.civil.year, local.civil.month, local.civil.day);
}

static struct start start_on(const struct zone *zone, int64_t date, const struct shift_start *definition)
{
	struct civil civil = {.hour = definition->hour, .minute = definition->minute};

	civil_from_days(date, &civil.year, &civil.month, &civil.day);
	return (struct start){
	    .at = tz_to_utc(zone->tz, &civil),
	    .date = date,
	    .minute = definition->hour * 60 + definition->minute,
	    .type = definition->type,
	};
}

/*
 * In the order of time. Two local times can be one instant where a clock change leaves out what lies
 * between: the one that the calendar has later comes later, and so the shift of the other is empty.
 */
static int compare_starts(const void *left, const void *right)
{
	const struct start *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->date != b->date)
		return a->date < b->date ? -1 : 1;
	return a->minute - b->minute;
}

static size_t starts_around(const struct zone *zone, utc_t at, struct start out[STARTS_MAX])
{
	int64_t date = local_date(zone, at);
	size_t count = 0;

	for (int64_t day = date - DAYS_AROUND; day <= date + DAYS_AROUND; day++)
		for (size_t i = 0; i < zone->start_count; i++)
			out[count++] = start_on(zone, day, &zone->starts[i]);
	qsort(out, count, sizeof(*out), compare_starts);
	return count;
}

struct shift shift_at(const struct zone *zone, utc_t at)
{
	struct start starts[STARTS_MAX];
	size_t count = starts_around(zone, at, starts);
	size_t i = 0;

	/* The last start not after AT; there is one on each side by DAYS_AROUND. */
	while (i + 2 < count && starts[i + 1].at <= at)
		i++;
	return (struct shift){
	    .date = starts[i].date,
	    .type = starts[i].type,
	    .start = starts[i].at,
	    .end = starts[i + 1].at,
	};
}

struct shift shift_before(const struct zone *zone, const struct shift *shift)
{
	return shift_at(zone, shift->start - 1);
}

int64_t shift_hours(const struct shift *shift)
{
	return (shift->end - shift->start + BUCKET_S - 1) / BUCKET_S;
}

struct bucket shift_bucket(const struct shift *shift, int64_t no)
{
	struct bucket bucket = {.no = no, .start = shift->start + (no - 1) * BUCKET_S};

	bucket.end = bucket.start + BUCKET_S;
	if (bucket.end > shift->end)
		bucket.end = shift->end;
	return bucket;
}

struct bucket bucket_ripe(const struct zone *zone, utc_t ripe, struct shift *out_shift)
{
	struct shift shift = shift_at(zone, ripe);
	int64_t no = (ripe - shift.start) / BUCKET_S;

	if (no == 0) {
		shift = shift_before(zone, &shift);
		no = shift_hours(&shift);
	}
	*out_shift = shift;
	return shift_bucket(&shift, no);
}

char *bucket_label(const struct zone *zone, const struct bucket *bucket, char out[BUCKET_LABEL])
{
	struct tz_local from, to;

	tz_to_local(zone->tz, bucket->start, &from);
	tz_to_local(zone->tz, bucket->end, &to);
	bool same = !strcmp(from.abbr, to.abbr);
	snprintf(out, BUCKET_LABEL, "%02d:%02d%s%.16s-%02d:%02d %.16s", from.civil.hour, from.civil.minute,
	    same ? "" : " ", same ? "" : from.abbr, to.civil.hour, to.civil.minute, to.abbr);
	return out;
}

int bucket_hour(const struct zone *zone, const struct bucket *bucket)
{
	struct tz_local local;

	tz_to_local(zone->tz, bucket->start, &local);
	return local.civil.hour;
}
