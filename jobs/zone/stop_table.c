/* SPDX-License-Identifier: MIT */
/*
 * Reads downtime_event. Stops come as rows, because a union of intervals is plain here and is not in SQL.
 */
#include "jobs/zone/stop_table.h"

#include <string.h>

struct stop_list {
	struct stop *items;
	size_t count, capacity;
};

static void stop_list_done(struct stop_list *list)
{
	free(list->items);
}

static struct err *read_stop(const struct zone *zone, const struct sql_rows *rows, struct stop_list *list)
{
	struct stop stop = {
	    .start = sql_instant(rows, 1),
	    .end = sql_is_null(rows, 2) ? UTC_NEVER : sql_instant(rows, 2),
	};

	TRY(category_parse(sql_text(rows, 3), &stop.category),
	    "table downtime_event, station %s, start_ts %lld", sql_text(rows, 0), (long long)stop.start);
	PASS(zone_station(zone, sql_text(rows, 0), &stop.station));
	if (stop.end <= stop.start)
		return NULL; /* an event of no length says nothing */
	mem_grow(list->items, list->count, list->capacity);
	list->items[list->count++] = stop;
	return NULL;
}

static struct err *read_stops(
    struct sql *db, const struct zone *zone, utc_t from, utc_t to, utc_t as_of, struct stop_list *list)
{
	static const char text[] =
	    "/* stops */ select d.station_id, d.start_ts, d.end_ts, d.category"
	    " from line l cross join station s cross join downtime_event d"
	    " where l.zone_id = :zone and s.line_id = l.line_id and d.station_id = s.station_id"
	    " and d.start_ts < :to and (d.end_ts is null or d.end_ts > :from)"
	    " and d.recorded_at <= :as_of";
	static const enum sql_type columns[] = {
	    SQL_TEXT | SQL_REQUIRED, SQL_INSTANT | SQL_REQUIRED, SQL_INSTANT, SQL_TEXT | SQL_REQUIRED};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", zone->id),
	    SQL_INSTANT_PARAM("from", from),
	    SQL_INSTANT_PARAM("to", to),
	    SQL_INSTANT_PARAM("as_of", as_of),
	};
	struct sql_rows *rows;

	PASS(sql_query(db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_stop(zone, rows, list));
	return sql_close(rows);
}

/* Sorted, with the place where each station's begin. */
static struct stop_table index_stops(
    const struct zone *zone, const struct stop_list *list, struct arena *arena)
{
	struct stop_table table = {
	    .stops = arena_alloc(arena, list->count * sizeof(*table.stops)),
	    .first = arena_alloc(arena, (zone->station_count + 1) * sizeof(*table.first)),
	};
	size_t at = 0;

	if (list->count)
		memcpy(table.stops, list->items, list->count * sizeof(*table.stops));
	stops_sort(table.stops, list->count);
	for (size_t station = 0; station <= zone->station_count; station++) {
		while (at < list->count && table.stops[at].station < station)
			at++;
		table.first[station] = at;
	}
	return table;
}

struct err *stops_load(struct sql *db, const struct zone *zone, utc_t from, utc_t to, utc_t as_of,
    struct arena *arena, struct stop_table *out_table)
{
	cleanup(stop_list_done) struct stop_list list = {0};

	PASS(read_stops(db, zone, from, to, as_of, &list));
	*out_table = index_stops(zone, &list, arena);
	return NULL;
}

const struct stop *stops_of(const struct stop_table *table, size_t station, size_t *out_count)
{
	*out_count = table->first[station + 1] - table->first[station];
	return table->stops + table->first[station];
}

int64_t stops_at(const struct stop_table *table, size_t station, unsigned set, utc_t from, utc_t to)
{
	size_t count;
	const struct stop *stops = stops_of(table, station, &count);

	return stops_seconds(stops, count, set, from, to);
}
