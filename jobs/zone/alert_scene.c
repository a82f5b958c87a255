/* SPDX-License-Identifier: MIT */
/* Reads and answers what the rules of alerts ask about the last hour of a zone. */
#include "jobs/zone/alert_scene.h"

#define HOUR_S      3600
#define HALF_HOUR_S 1800

/* -- reading --------------------------------------------------------------------------------------- */

static utc_t not_before(utc_t at, utc_t limit)
{
	return at > limit ? at : limit;
}

static struct err *load_windows(
    struct sql *db, const struct scene_needs *needs, struct arena *arena, struct scene *scene)
{
	const struct window windows[] = {
	    {scene->hour_ago, scene->now, scene->now}, {scene->half_hour_ago, scene->now, scene->now}};
	size_t stations = scene->zone->station_count;
	struct tally *tallies = arena_alloc(arena, 2 * stations * sizeof(*tallies));

	scene->hour = tallies;
	scene->half_hour = tallies + stations;
	return tally_load(db, scene->zone, (struct windows){windows, 2}, needs->as_of, arena, tallies);
}

static struct err *read_station(struct scene *scene, const struct sql_rows *rows)
{
	size_t station;

	PASS(zone_station(scene->zone, sql_text(rows, 0), &station));
	scene->cycles[station] = (struct last_cycles){!sql_is_null(rows, 1), sql_int(rows, 1)};
	if (sql_is_null(rows, 2))
		return NULL;
	scene->any_row = true;
	scene->newest = not_before(sql_instant(rows, 2), scene->newest);
	return NULL;
}

/* By subqueries from the newest row down, so that only the last few rows of a station are read. */
static struct err *load_stations(
    struct sql *db, const struct scene_needs *needs, struct arena *arena, struct scene *scene)
{
	static const char text[] =
	    "/* last cycles */ select s.station_id,"
	    " (select case when count(*) = :cycles then sum(c.cycle_ms) end from"
	    "  (select e.cycle_ms from unit_event e where e.station_id = s.station_id and e.ts >= :from"
	    "   and e.ts < :to and e.recorded_at <= :as_of and e.cycle_ms is not null"
	    "   order by e.ts desc, e.event_id desc limit :cycles) c) as cycle_ms,"
	    " (select e.ts from unit_event e where e.station_id = s.station_id and e.ts >= :from"
	    "   and e.ts < :to and e.recorded_at <= :as_of order by e.ts desc limit 1) as newest"
	    " from line l cross join station s where l.zone_id = :zone and s.line_id = l.line_id";
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_INT, SQL_INSTANT};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", scene->zone->id),
	    SQL_INSTANT_PARAM("from", scene->plan.shift.start),
	    SQL_INSTANT_PARAM("to", scene->now),
	    SQL_INSTANT_PARAM("as_of", needs->as_of),
	    SQL_INT_PARAM("cycles", needs->cycles),
	};
	struct sql_rows *rows;

	scene->cycles = arena_alloc(arena, scene->zone->station_count * sizeof(*scene->cycles));
	PASS(sql_query(db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_station(scene, rows));
	return sql_close(rows);
}

struct err *scene_load(struct sql *db, const struct zone *zone, const struct scene_needs *needs,
    struct arena *arena, struct scene *out_scene)
{
	struct shift shift = shift_at(zone, needs->now);
	int64_t stops_s = needs->stops_s > HOUR_S ? needs->stops_s : HOUR_S;
	struct scene scene = {
	    .zone = zone,
	    .now = needs->now,
	    .hour_ago = not_before(needs->now - HOUR_S, shift.start),
	    .half_hour_ago = not_before(needs->now - HALF_HOUR_S, shift.start),
	    .newest = shift.start,
	    .slow_pct = needs->slow_pct,
	};

	PASS(plan_load(db, zone, &shift, arena, &scene.plan));
	PASS(load_windows(db, needs, arena, &scene));
	PASS(load_stations(db, needs, arena, &scene));
	PASS(stops_load(db, zone, needs->now - stops_s, needs->now, needs->as_of, arena, &scene.stops));
	PASS(staffing_load(db, zone, &shift, needs->as_of, arena, &scene.staffing));
	*out_scene = scene;
	return NULL;
}

/* -- counts ---------------------------------------------------------------------------------------- */

static int64_t greatest_divisor(int64_t a, int64_t b)
{
	return b ? greatest_divisor(b, a % b) : a;
}

int64_t scene_target(const struct scene *scene, size_t line, int64_t *out_target)
{
	const struct plan *plan = &scene->plan;
	struct bucket last = shift_bucket(&plan->shift, plan->hours);
	int64_t length = last.end - last.start; /* the only one that may be shorter */
	int64_t whole = BUCKET_S / greatest_divisor(BUCKET_S, length) * length;

	*out_target = 0;
	for (int64_t no = 1; no <= plan->hours; no++) {
		struct bucket bucket = shift_bucket(&plan->shift, no);
		utc_t from = not_before(scene->hour_ago, bucket.start);
		utc_t to = bucket.end < scene->now ? bucket.end : scene->now;

		if (to > from)
			*out_target += plan_target(plan, line, no, no) * (to - from) *
			               (whole / (bucket.end - bucket.start));
	}
	return whole;
}

struct tally scene_line(const struct scene *scene, size_t line)
{
	struct tally sum = {0};

	for (size_t i = 0; i < scene->zone->station_count; i++)
		if (scene->zone->stations[i].line == line)
			tally_add(&sum, &scene->hour[i]);
	return sum;
}

/* -- stops ----------------------------------------------------------------------------------------- */

bool scene_station_planned(const struct scene *scene, size_t station, utc_t from)
{
	return from < scene->now &&
	       stops_at(&scene->stops, station, IN_SET(PLANNED), from, scene->now) == scene->now - from;
}

bool scene_line_planned(const struct scene *scene, size_t line, utc_t from)
{
	bool any = false;

	for (size_t i = 0; i < scene->zone->station_count; i++) {
		if (line != ALL_LINES && scene->zone->stations[i].line != line)
			continue;
		if (!scene_station_planned(scene, i, from))
			return false;
		any = true;
	}
	return any;
}

int64_t scene_open_s(const struct scene *scene, size_t station)
{
	size_t count;
	const struct stop *stops = stops_of(&scene->stops, station, &count);

	for (size_t i = 0; i < count; i++) /* the first that is open is open longest */
		if ((OWN_LOSS & IN_SET(stops[i].category)) && stops[i].end > scene->now)
			return scene->now - stops[i].start;
	return 0;
}

int64_t scene_running_s(const struct scene *scene, size_t station)
{
	size_t count;
	const struct stop *stops = stops_of(&scene->stops, station, &count);
	utc_t last = 0;

	for (size_t i = 0; i < count; i++)
		if (OWN_LOSS & IN_SET(stops[i].category))
			last = not_before(stops[i].end, last);
	if (!last)
		return UTC_NEVER;
	return last < scene->now ? scene->now - last : 0;
}

static bool holds_others_up(const struct scene *scene, size_t station)
{
	const struct tally *tally = &scene->half_hour[station];
	int64_t ideal = scene->zone->stations[station].ideal_cycle_ms;

	return stops_at(&scene->stops, station, OWN_LOSS, scene->half_hour_ago, scene->now) > 0 ||
	       100 * tally->n[N_CYCLE_MS] > scene->slow_pct * ideal * tally->n[N_CYCLES];
}

size_t scene_cause(const struct scene *scene, size_t station, int step)
{
	const struct zone *zone = scene->zone;
	size_t line = zone->stations[station].line;

	/* Stations stand in the order of flow; below the first one the index is out of range too. */
	for (size_t i = station + (size_t)step; i < zone->station_count; i += (size_t)step) {
		if (zone->stations[i].line != line)
			break;
		if (holds_others_up(scene, i))
			return i;
	}
	return SIZE_MAX;
}
