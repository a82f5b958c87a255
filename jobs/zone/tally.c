/* SPDX-License-Identifier: MIT */
/*
 * Counts rows over windows: one query a table, by the indexes on (station_id, ts), so that what is before
 * the windows costs nothing.
 */
#include "jobs/zone/tally.h"

#include <string.h>

#include <bmad/buf.h>

#define FIGURE_MAX INT64_C(1000000000000000) /* so that no sum of a shift leaves 64 bits */

struct tallying {
	struct sql *db;
	const struct zone *zone;
	struct windows windows;
	utc_t as_of;
	struct arena *arena;
	struct tally *out;
};

/* -- the queries ----------------------------------------------------------------------------------- */

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
    " count(case when e.result = 'PASS' then 1 end) as pass,"
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

static const char output_part[] =
    "select s.station_id, # as bucket, count(*) as output"
    " from station s cross join line l cross join unit_event e"
    " where l.line_id = s.line_id and l.zone_id = :zone and e.station_id = s.station_id"
    " and e.ts >= :from# and e.ts < :to# and e.recorded_at <= :as_of and " FIRST_HERE
    " group by s.station_id";

/*
 * One query over all windows: a part for each, put together with "union all". Its text depends on the
 * number of windows only, so it can be kept prepared.
 */
struct window_query {
	const char *text;
	struct sql_param *params;
	size_t count;
};

/* PART with each # replaced by NO. */
static void add_part(struct buf *text, const char *part, size_t no)
{
	for (const char *mark; (mark = strchr(part, '#')); part = mark + 1) {
		buf_add(text, part, (size_t)(mark - part));
		buf_format(text, "%zu", no);
	}
	buf_add_text(text, part);
}

static void add_instant(
    struct arena *arena, struct window_query *query, const char *kind, size_t no, utc_t at)
{
	const char *name = arena_format(arena, "%s%zu", kind, no);

	query->params[query->count++] = (struct sql_param)SQL_INSTANT_PARAM(name, at);
}

/* PART counts one window, number #, which lasts from :from# to :to# and is reported at :late#. */
static struct window_query window_query(const struct tallying *t, const char *name, const char *part)
{
	size_t size = (3 * t->windows.count + 2) * sizeof(struct sql_param);
	struct window_query query = {.params = arena_alloc(t->arena, size)};
	cleanup(buf_done) struct buf text = {0};

	buf_format(&text, "/* %s */", name);
	for (size_t i = 0; i < t->windows.count; i++) {
		const struct window *window = &t->windows.items[i];

		buf_add_text(&text, i ? " union all " : " ");
		add_part(&text, part, i + 1);
		add_instant(t->arena, &query, "from", i + 1, window->from);
		add_instant(t->arena, &query, "to", i + 1, window->to);
		add_instant(t->arena, &query, "late", i + 1, window->late);
	}
	query.params[query.count++] = (struct sql_param)SQL_TEXT_PARAM("zone", t->zone->id);
	query.params[query.count++] = (struct sql_param)SQL_INSTANT_PARAM("as_of", t->as_of);
	query.text = arena_copy(t->arena, buf_text(&text));
	return query;
}

/* -- their rows ------------------------------------------------------------------------------------ */

/* Columns: station_id, number of the window, then the figures from FIRST on. */
static struct err *read_figures(
    const struct tallying *t, const struct sql_rows *rows, enum figure first, size_t figures)
{
	size_t window = (size_t)sql_int(rows, 1) - 1;
	size_t station;

	PASS(zone_station(t->zone, sql_text(rows, 0), &station));
	struct tally *tally = &t->out[window * t->zone->station_count + station];
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
    const struct tallying *t, const char *name, const char *part, enum figure first, size_t figures)
{
	enum sql_type columns[2 + UNIT_FIGURES] = {SQL_TEXT | SQL_REQUIRED};
	struct window_query query = window_query(t, name, part);
	struct sql_rows *rows;

	for (size_t i = 1; i < 2 + figures; i++)
		columns[i] = SQL_INT | SQL_REQUIRED;
	PASS(sql_query(t->db, query.text, query.params, query.count, columns, 2 + figures, &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_figures(t, rows, first, figures));
	return sql_close(rows);
}

/* -- the front desk -------------------------------------------------------------------------------- */

struct err *tally_load(struct sql *db, const struct zone *zone, struct windows windows, utc_t as_of,
    struct arena *arena, struct tally *out)
{
	const struct tallying t = {db, zone, windows, as_of, arena, out};

	PASS(load_figures(&t, "units", units_part, N_ROWS, UNIT_FIGURES - N_ROWS));
	return load_figures(&t, "NCM", ncm_part, N_NCM, NCM_END - N_NCM);
}

struct err *tally_load_output(struct sql *db, const struct zone *zone, struct windows windows, utc_t as_of,
    struct arena *arena, struct tally *out)
{
	const struct tallying t = {db, zone, windows, as_of, arena, out};

	return load_figures(&t, "output", output_part, N_OUTPUT, 1);
}

struct err *tally_shift_output(struct sql *db, const struct zone *zone, const struct shift *shift,
    utc_t as_of, struct arena *arena, int64_t *out_output)
{
	const struct window window = {shift->start, shift->end, shift->end};
	struct tally *tallies = arena_alloc(arena, zone->station_count * sizeof(*tallies));

	PASS(tally_load_output(db, zone, (struct windows){&window, 1}, as_of, arena, tallies));
	*out_output = 0;
	for (size_t i = 0; i < zone->station_count; i++)
		*out_output += tallies[i].n[N_OUTPUT];
	return NULL;
}

void tally_add(struct tally *sum, const struct tally *tally)
{
	for (size_t i = 0; i < FIGURES; i++)
		sum->n[i] += tally->n[i];
}
