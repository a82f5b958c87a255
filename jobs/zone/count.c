/* SPDX-License-Identifier: MIT */
/* Counts a shift: its plan, its rows bucket by bucket, and how much of each bucket its stops cover. */
#include "jobs/zone/count.h"

static struct tally *tally_at(const struct count *count, int64_t no, size_t station)
{
	return &count->tallies[(size_t)(no - 1) * count->plan.zone->station_count + station];
}

static struct err *load_tallies(struct sql *db, struct arena *arena, struct count *count)
{
	const struct zone *zone = count->plan.zone;
	size_t buckets = (size_t)count->last;
	struct window *windows = arena_alloc(arena, buckets * sizeof(*windows));

	for (size_t i = 0; i < buckets; i++) {
		struct bucket bucket = shift_bucket(&count->plan.shift, (int64_t)i + 1);

		windows[i] = (struct window){bucket.start, bucket.end, bucket.end + count->grace};
	}
	count->tallies = arena_alloc(arena, buckets * zone->station_count * sizeof(*count->tallies));
	return tally_load(db, zone, (struct windows){windows, buckets}, count->as_of, arena, count->tallies);
}

static void tally_stops(struct count *count, size_t station, int64_t no)
{
	size_t stop_count;
	const struct stop *stops = stops_of(&count->stops, station, &stop_count);
	struct bucket bucket = shift_bucket(&count->plan.shift, no);
	struct tally *tally = tally_at(count, no, station);
	unsigned there = 0;

	for (size_t i = 0; i < stop_count; i++)
		there |= IN_SET(stops[i].category);
	tally->n[N_OWN_S] = stops_seconds(stops, stop_count, OWN_LOSS, bucket.start, bucket.end);
	for (unsigned category = 0; category < CATEGORIES; category++)
		if (there & IN_SET(category))
			tally->n[N_STOP_S + category] =
			    stops_seconds(stops, stop_count, IN_SET(category), bucket.start, bucket.end);
}

static struct err *load_stops(struct sql *db, struct arena *arena, struct count *count)
{
	const struct plan *plan = &count->plan;
	utc_t end = shift_bucket(&plan->shift, count->last).end;

	PASS(stops_load(db, plan->zone, plan->shift.start, end, count->as_of, arena, &count->stops));
	for (size_t station = 0; station < plan->zone->station_count; station++)
		for (int64_t no = 1; no <= count->last; no++)
			tally_stops(count, station, no);
	return NULL;
}

struct err *count_shift(struct sql *db, const struct zone *zone, const struct shift *shift, int64_t last,
    utc_t as_of, int64_t grace, struct arena *arena, struct count *out_count)
{
	struct count count = {.as_of = as_of, .grace = grace, .last = last};

	PASS(plan_load(db, zone, shift, arena, &count.plan));
	PASS(load_tallies(db, arena, &count));
	PASS(load_stops(db, arena, &count));
	*out_count = count;
	return NULL;
}

struct tally count_station(const struct count *count, size_t station, int64_t from, int64_t to)
{
	struct tally sum = {0};

	for (int64_t no = from; no <= to; no++)
		tally_add(&sum, tally_at(count, no, station));
	return sum;
}

struct tally count_line(const struct count *count, size_t line, int64_t from, int64_t to)
{
	const struct zone *zone = count->plan.zone;
	struct tally sum = {0};

	for (int64_t no = from; no <= to; no++)
		for (size_t station = 0; station < zone->station_count; station++)
			if (line == ALL_LINES || zone->stations[station].line == line)
				tally_add(&sum, tally_at(count, no, station));
	return sum;
}

int64_t count_target(const struct count *count, size_t line, int64_t from, int64_t to)
{
	return plan_target(&count->plan, line, from, to);
}
