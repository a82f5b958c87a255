/* SPDX-License-Identifier: MIT */
/* Reads the tables crew_calendar and hour_target for one shift. */
#include "jobs/zone/plan.h"

#include "jobs/zone/measure.h"

#define TARGET_MAX INT64_C(1000000000)

struct planning {
	struct sql *db;
	struct arena *arena;
	struct plan *plan;
};

struct err *crew_load(struct sql *db, const char *zone_id, const struct shift *shift, struct arena *arena,
    struct crew *out_crew)
{
	static const char text[] = "/* crew calendar */ select crew, scheduled from crew_calendar"
	                           " where zone_id = :zone and shift_date = :date and shift_type = :type";
	static const enum sql_type columns[] = {SQL_TEXT, SQL_BOOL | SQL_REQUIRED};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", zone_id),
	    SQL_DATE_PARAM("date", shift->date),
	    SQL_TEXT_PARAM("type", shift->type),
	};
	struct sql_rows *rows;

	*out_crew = (struct crew){.scheduled = true};
	PASS(sql_query(db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		*out_crew = (struct crew){true, sql_bool(rows, 1), arena_copy(arena, sql_text(rows, 0))};
	return sql_close(rows);
}

/* A line's target for an hour of the day, as far as it is known. */
struct hour_target {
	bool known;
	int64_t effective_from; /* the later one holds */
	int64_t units;
};

static struct err *read_target(
    const struct planning *p, const struct sql_rows *rows, struct hour_target (*targets)[24])
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
	PASS(zone_line(p->plan->zone, sql_text(rows, 0), &line));
	struct hour_target *target = &targets[line][hour];
	if (!target->known || from > target->effective_from)
		*target = (struct hour_target){.known = true, .effective_from = from, .units = units};
	return NULL;
}

static struct err *read_targets(const struct planning *p, struct hour_target (*targets)[24])
{
	static const char text[] =
	    "/* hour targets */ select t.line_id, t.start_hour, t.target_units, t.effective_from"
	    " from line l cross join hour_target t"
	    " where l.zone_id = :zone and t.line_id = l.line_id and t.effective_from <= :date";
	static const enum sql_type columns[] = {
	    SQL_TEXT | SQL_REQUIRED, SQL_INT | SQL_REQUIRED, SQL_INT | SQL_REQUIRED, SQL_DATE | SQL_REQUIRED};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", p->plan->zone->id),
	    SQL_DATE_PARAM("date", p->plan->shift.date),
	};
	struct sql_rows *rows;

	PASS(sql_query(p->db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_target(p, rows, targets));
	return sql_close(rows);
}

static void set_target(struct plan *plan, size_t line, int64_t no, const struct hour_target *hours)
{
	struct bucket bucket = shift_bucket(&plan->shift, no);
	const struct hour_target *target = &hours[bucket_hour(plan->zone, &bucket)];

	if (target->known)
		plan->targets[(size_t)(no - 1) * plan->zone->line_count + line] =
		    target_share(target->units, bucket.end - bucket.start);
	else
		plan->no_target[line] = true;
}

/* Nothing is planned for a shift that is not scheduled, and nothing is missing then. */
static struct err *load_targets(const struct planning *p)
{
	struct plan *plan = p->plan;
	size_t lines = plan->zone->line_count;
	struct hour_target(*targets)[24] = arena_alloc(p->arena, lines * sizeof(*targets));

	plan->targets = arena_alloc(p->arena, (size_t)plan->hours * lines * sizeof(*plan->targets));
	plan->no_target = arena_alloc(p->arena, lines * sizeof(*plan->no_target));
	if (!plan->crew.scheduled)
		return NULL;
	PASS(read_targets(p, targets));
	for (size_t line = 0; line < lines; line++)
		for (int64_t no = 1; no <= plan->hours; no++)
			set_target(plan, line, no, targets[line]);
	return NULL;
}

struct err *plan_load(struct sql *db, const struct zone *zone, const struct shift *shift, struct arena *arena,
    struct plan *out_plan)
{
	struct plan plan = {.zone = zone, .shift = *shift, .hours = shift_hours(shift)};
	const struct planning p = {db, arena, &plan};

	PASS(crew_load(db, zone->id, shift, arena, &plan.crew));
	PASS(load_targets(&p));
	*out_plan = plan;
	return NULL;
}

int64_t plan_target(const struct plan *plan, size_t line, int64_t from, int64_t to)
{
	size_t lines = plan->zone->line_count;
	int64_t sum = 0;

	for (int64_t no = from; no <= to; no++)
		for (size_t i = 0; i < lines; i++)
			if (line == ALL_LINES || line == i)
				sum += plan->targets[(size_t)(no - 1) * lines + i];
	return sum;
}
