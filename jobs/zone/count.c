/* SPDX-License-Identifier: MIT */
/*
 * Counts a shift: five queries, each for one shift of one zone only.
 *
 * The database counts unit and NCM rows, bucket by bucket and station by station, by the indexes on
 * (station_id, ts). Stops come as rows, because a union of intervals is plain here and is not in SQL.
 */
#include "jobs/zone/count.h"

#include <string.h>

#include "base/buf.h"
#include "jobs/zone/measure.h"

#define TARGET_MAX INT64_C(1000000000)
#define FIGURE_MAX INT64_C(1000000000000000) /* so that no sum of a shift leaves 64 bits */

struct counting {
	struct sql *db;
	struct arena *arena;
	struct count *count;
};

/* -- calendar and targets -------------------------------------------------------------------------- */

static struct err *load_crew(const struct counting *c)
{
	static const char text[] = "/* crew calendar */ select crew, scheduled from crew_calendar"
	                           " where zone_id = :zone and shift_date = :date and shift_type = :type";
	static const enum sql_type columns[] = {SQL_TEXT, SQL_BOOL | SQL_REQUIRED};
	const struct shift *shift = &c->count->shift;
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", c->count->zone->id),
	    SQL_DATE_PARAM("date", shift->date),
	    SQL_TEXT_PARAM("type", shift->type),
	};
	struct sql_rows *rows;

	PASS(sql_query(c->db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	c->count->scheduled = true; /* without a row as well */
	while (sql_next(rows)) {
		c->count->has_crew_row = true;
		c->count->crew = arena_copy(c->arena, sql_text(rows, 0));
		c->count->scheduled = sql_bool(rows, 1);
	}
	return sql_close(rows);
}

/* A line's target for an hour of the day, as far as it is known. */
struct hour_target {
	bool known;
	int64_t effective_from; /* the later one holds */
	int64_t units;
};

static struct err *read_target(
    const struct counting *c, const struct sql_rows *rows, struct hour_target (*targets)[24])
{
	int64_t hour = sql_int(rows, 1), units = sql_int(rows, 2), from = sql_date(rows, 3);
	size_t line;

	if (hour < 0 || hour > 23)
		return ERR(ERR_PERMANENT,
		    "table hour_target, line %s: start_hour: expected 0 to 23, found %lld", sql_text(rows, 0),
		    (long long)hour);
	if (units < 0 || units > TARGET_MAX)
		return ERR(ERR_PERMANENT,
		    "table hour_target, line %s, hour %lld: target_units: expected 0 to %lld, found %lld",
		    sql_text(rows, 0), (long long)hour, (long long)TARGET_MAX, (long long)units);
	PASS(zone_line(c->count->zone, sql_text(rows, 0), &line));
	struct hour_target *target = &targets[line][hour];
	if (!target->known || from > target->effective_from)
		*target = (struct hour_target){.known = true, .effective_from = from, .units = units};
	return NULL;
}

static struct err *read_targets(const struct counting *c, struct hour_target (*targets)[24])
{
	static const char text[] =
	    "/* hour targets */ select t.line_id, t.start_hour, t.target_units, t.effective_from"
	    " from line l cross join hour_target t"
	    " where l.zone_id = :zone and t.line_id = l.line_id and t.effective_from <= :date";
	static const enum sql_type columns[] = {
	    SQL_TEXT | SQL_REQUIRED, SQL_INT | SQL_REQUIRED, SQL_INT | SQL_REQUIRED, SQL_DATE | SQL_REQUIRED};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", c->count->zone->id),
	    SQL_DATE_PARAM("date", c->count->shift.date),
	};
	struct sql_rows *rows;

	PASS(sql_query(c->db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_target(c, rows, targets));
	return sql_close(rows);
}

static void set_target(struct count *count, size_t line, int64_t no, const struct hour_target *hours)
{
	struct bucket bucket = shift_bucket(&count->shift, no);
	const struct hour_target *target = &hours[bucket_hour(count->zone, &bucket)];

	if (target->known)
		count->targets[(size_t)(no - 1) * count->zone->line_count + line] =
		    target_share(target->units, bucket.end - bucket.start);
	else
		count->no_target[line] = true;
}

/* Nothing is planned for a shift that is not scheduled, and nothing is missing then. */
static struct err *load_targets(const struct counting *c)
{
	struct count *count = c->count;
	size_t lines = count->zone->line_count;
	struct hour_target(*targets)[24] = arena_alloc(c->arena, lines * sizeof(*targets));

	count->targets = arena_alloc(c->arena, (size_t)count->hours * lines * sizeof(*count->targets));
	count->no_target = arena_alloc(c->arena, lines * sizeof(*count->no_target));
	if (!count->scheduled)
		return NULL;
	PASS(read_targets(c, targets));
	for (size_t line = 0; line < lines; line++)
		for (int64_t no = 1; no <= count->hours; no++)
			set_target(count, line, no, targets[line]);
	return NULL;
}

/* -- units and NCM, counted by the database -------------------------------------------------------- */

/*
 * One query over all buckets: a part per bucket, put together with "union all". Its text depends on the
 * number of buckets only, so it can be kept prepared.
 */
struct bucket_query {
	const char *text;
	struct sql_param *params;
	size_t count;
};

/* PART with each # replaced by NO. */
static void add_part(struct buf *text, const char *part, int64_t no)
{
	for (const char *mark; (mark = strchr(part, '#')); part = mark + 1) {
		buf_add(text, part, (size_t)(mark - part));
		buf_format(text, "%lld", (long long)no);
	}
	buf_add_text(text, part);
}

static void add_instant(
    struct arena *arena, struct bucket_query *query, const char *kind, int64_t no, utc_t at)
{
	const char *name = arena_format(arena, "%s%lld", kind, (long long)no);

	query->params[query->count++] = (struct sql_param)SQL_INSTANT_PARAM(name, at);
}

/* PART counts one bucket, number #, which lasts from :from# to :to# and is posted at :late#. */
static struct bucket_query bucket_query(const struct counting *c, const char *name, const char *part)
{
	const struct count *count = c->count;
	size_t size = (3 * (size_t)count->last + 2) * sizeof(struct sql_param);
	struct bucket_query query = {.params = arena_alloc(c->arena, size)};
	cleanup(buf_done) struct buf text = {0};

	buf_format(&text, "/* %s */", name);
	for (int64_t no = 1; no <= count->last; no++) {
		struct bucket bucket = shift_bucket(&count->shift, no);

		buf_add_text(&text, no > 1 ? " union all " : " ");
		add_part(&text, part, no);
		add_instant(c->arena, &query, "from", no, bucket.start);
		add_instant(c->arena, &query, "to", no, bucket.end);
		add_instant(c->arena, &query, "late", no, bucket.end + count->grace);
	}
	query.params[query.count++] = (struct sql_param)SQL_TEXT_PARAM("zone", count->zone->id);
	query.params[query.count++] = (struct sql_param)SQL_INSTANT_PARAM("as_of", count->as_of);
	query.text = arena_copy(c->arena, buf_text(&text));
	return query;
}

static struct tally *tally_at(const struct count *count, int64_t no, size_t station)
{
	return &count->tallies[(size_t)(no - 1) * count->zone->station_count + station];
}

/* Columns: station_id, bucket, then the figures from FIRST on. */
static struct err *read_figures(
    struct count *count, const struct sql_rows *rows, enum figure first, size_t figures)
{
	size_t station;

	PASS(zone_station(count->zone, sql_text(rows, 0), &station));
	struct tally *tally = tally_at(count, sql_int(rows, 1), station);
	for (size_t i = 0; i < figures; i++) {
		int64_t value = sql_int(rows, i + 2);

		if (value > FIGURE_MAX || value < -FIGURE_MAX)
			return ERR(ERR_PERMANENT, "column %s of station %s: %lld is out of range",
			    sql_column_name(rows, i + 2), sql_text(rows, 0), (long long)value);
		tally->n[first + i] = value;
	}
	return NULL;
}

static struct err *load_figures(
    const struct counting *c, const char *name, const char *part, enum figure first, size_t figures)
{
	enum sql_type columns[2 + UNIT_FIGURES] = {SQL_TEXT | SQL_REQUIRED};
	struct bucket_query query = bucket_query(c, name, part);
	struct sql_rows *rows;

	for (size_t i = 1; i < 2 + figures; i++)
		columns[i] = SQL_INT | SQL_REQUIRED;
	PASS(sql_query(c->db, query.text, query.params, query.count, columns, 2 + figures, &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_figures(c->count, rows, first, figures));
	return sql_close(rows);
}

/*
 * True of a pass that no earlier one of the same unit at the same station precedes, at any time, not only
 * in this shift. "Earlier" is put as "not later", because otherwise a planner takes the index on
 * (station_id, ts) for it and reads the station's whole past for each row; so it is left the one on
 * (station_id, unit_id).
 */
#define FIRST_HERE                                                                                           \
	"s.is_exit = 1 and e.result = 'PASS' and not exists (select 1 from unit_event p"                     \
	" where p.station_id = e.station_id and p.unit_id = e.unit_id and p.result = 'PASS'"                 \
	" and p.recorded_at <= :as_of"                                                                       \
	" and not (p.ts > e.ts or (p.ts = e.ts and p.event_id >= e.event_id)))"

/*
 * "cross join", which is a plain join to other databases, makes SQLite go through the tables in this
 * order: without statistics of them it may choose to read all events first. Stations come in the order of
 * their key, which is that of the groups, and so nothing is sorted.
 */
static const char units_part[] =
    "select s.station_id, # as bucket,"
    " count(*) as row_count,"
    " count(case when " FIRST_HERE " then 1 end) as output,"
    " count(case when e.recorded_at > :late# and " FIRST_HERE " then 1 end) as late,"
    " count(case when e.result = 'FAIL' then 1 end) as fail,"
    " count(case when e.attempt = 1 then 1 end) as first_tries,"
    " count(case when e.attempt = 1 and e.result = 'PASS' then 1 end) as first_passes,"
    " coalesce(sum(case when e.cycle_ms > s.ideal_cycle_ms then e.cycle_ms - s.ideal_cycle_ms end), 0)"
    " as slow_ms,"
    " count(e.cycle_ms) as cycles,"
    " coalesce(sum(e.cycle_ms), 0) as cycle_ms"
    " from station s cross join line l cross join unit_event e"
    " where l.line_id = s.line_id and l.zone_id = :zone and e.station_id = s.station_id"
    " and e.ts >= :from# and e.ts < :to# and e.recorded_at <= :as_of"
    " group by s.station_id";

static const char ncm_part[] =
    "select s.station_id, # as bucket,"
    " sum(n.qty) as qty,"
    " sum(case when n.disposition = 'SCRAP' then n.qty else 0 end) as scrap,"
    " sum(case when n.disposition = 'HOLD' then n.qty else 0 end) as hold,"
    " sum(case when n.disposition = 'REWORK' then n.qty else 0 end) as rework"
    " from station s cross join line l cross join ncm_event n"
    " where l.line_id = s.line_id and l.zone_id = :zone and n.station_id = s.station_id"
    " and n.ts >= :from# and n.ts < :to# and n.recorded_at <= :as_of"
    " group by s.station_id";

static struct err *load_tallies(const struct counting *c)
{
	struct count *count = c->count;
	size_t tallies = (size_t)count->last * count->zone->station_count;

	count->tallies = arena_alloc(c->arena, tallies * sizeof(*count->tallies));
	PASS(load_figures(c, "units", units_part, N_ROWS, UNIT_FIGURES - N_ROWS));
	return load_figures(c, "NCM", ncm_part, N_NCM, NCM_END - N_NCM);
}

/* -- stops ----------------------------------------------------------------------------------------- */

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

static struct err *read_stops(const struct counting *c, struct stop_list *list)
{
	static const char text[] =
	    "/* stops */ select d.station_id, d.start_ts, d.end_ts, d.category"
	    " from line l cross join station s cross join downtime_event d"
	    " where l.zone_id = :zone and s.line_id = l.line_id and d.station_id = s.station_id"
	    " and d.start_ts < :to and (d.end_ts is null or d.end_ts > :from)"
	    " and d.recorded_at <= :as_of";
	static const enum sql_type columns[] = {
	    SQL_TEXT | SQL_REQUIRED, SQL_INSTANT | SQL_REQUIRED, SQL_INSTANT, SQL_TEXT | SQL_REQUIRED};
	const struct count *count = c->count;
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", count->zone->id),
	    SQL_INSTANT_PARAM("from", count->shift.start),
	    SQL_INSTANT_PARAM("to", shift_bucket(&count->shift, count->last).end),
	    SQL_INSTANT_PARAM("as_of", count->as_of),
	};
	struct sql_rows *rows;

	PASS(sql_query(c->db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_stop(count->zone, rows, list));
	return sql_close(rows);
}

/* Sorted, with the place where each station's begin. */
static void index_stops(const struct counting *c, const struct stop_list *list)
{
	struct count *count = c->count;
	size_t stations = count->zone->station_count;
	size_t at = 0;

	count->stops = arena_alloc(c->arena, list->count * sizeof(*count->stops));
	if (list->count)
		memcpy(count->stops, list->items, list->count * sizeof(*count->stops));
	stops_sort(count->stops, list->count);
	count->first_stop = arena_alloc(c->arena, (stations + 1) * sizeof(*count->first_stop));
	for (size_t station = 0; station <= stations; station++) {
		while (at < list->count && count->stops[at].station < station)
			at++;
		count->first_stop[station] = at;
	}
}

static void tally_stops(struct count *count, size_t station, int64_t no)
{
	const struct stop *stops = count->stops + count->first_stop[station];
	size_t stop_count = count->first_stop[station + 1] - count->first_stop[station];
	struct bucket bucket = shift_bucket(&count->shift, no);
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

static struct err *load_stops(const struct counting *c)
{
	cleanup(stop_list_done) struct stop_list list = {0};
	struct count *count = c->count;

	PASS(read_stops(c, &list));
	index_stops(c, &list);
	for (size_t station = 0; station < count->zone->station_count; station++)
		for (int64_t no = 1; no <= count->last; no++)
			tally_stops(count, station, no);
	return NULL;
}

/* -- the whole ------------------------------------------------------------------------------------- */

struct err *zone_count(struct sql *db, const struct zone *zone, const struct shift *shift, int64_t last,
    utc_t as_of, int64_t grace, struct arena *arena, struct count *out_count)
{
	struct count count = {
	    .zone = zone,
	    .shift = *shift,
	    .as_of = as_of,
	    .grace = grace,
	    .hours = shift_hours(shift),
	    .last = last,
	};
	const struct counting c = {db, arena, &count};

	PASS(load_crew(&c));
	PASS(load_targets(&c));
	PASS(load_tallies(&c));
	PASS(load_stops(&c));
	*out_count = count;
	return NULL;
}

static void add(struct tally *sum, const struct tally *tally)
{
	for (size_t i = 0; i < FIGURES; i++)
		sum->n[i] += tally->n[i];
}

struct tally count_station(const struct count *count, size_t station, int64_t from, int64_t to)
{
	struct tally sum = {0};

	for (int64_t no = from; no <= to; no++)
		add(&sum, tally_at(count, no, station));
	return sum;
}

struct tally count_line(const struct count *count, size_t line, int64_t from, int64_t to)
{
	struct tally sum = {0};

	for (int64_t no = from; no <= to; no++)
		for (size_t station = 0; station < count->zone->station_count; station++)
			if (line == ALL_LINES || count->zone->stations[station].line == line)
				add(&sum, tally_at(count, no, station));
	return sum;
}

int64_t count_target(const struct count *count, size_t line, int64_t from, int64_t to)
{
	size_t lines = count->zone->line_count;
	int64_t sum = 0;

	for (int64_t no = from; no <= to; no++)
		for (size_t i = 0; i < lines; i++)
			if (line == ALL_LINES || line == i)
				sum += count->targets[(size_t)(no - 1) * lines + i];
	return sum;
}
