/* SPDX-License-Identifier: MIT */
/*
 * zone_alert - what needs somebody now: judged each minute, told when it begins, while it lasts, and when it
 * is over.
 *
 * What fires and who was told is the job's state, committed with the message: after a restart nothing is
 * told twice and nothing is forgotten.
 */
#include <bmad/job.h>

#include <string.h>

#include "jobs/zone/alert_options.h"
#include "jobs/zone/alert_view.h"
#include "jobs/zone/alert_watch.h"
#include "jobs/zone/measure.h"
#include "jobs/zone/object.h"

struct evaluation {
	struct arena arena;
	struct zone zone;
	struct scene scene;
	struct watch watch;
	const char **reasons; /* [stations], of the stops that are open; NULL: not read, or none */
};

static void evaluation_done(struct evaluation *e)
{
	arena_done(&e->arena);
}

/* -- an alert as data ------------------------------------------------------------------------------ */

static const char *const severity_names[] = {"warning", "critical"};

static const struct station *station_of(const struct evaluation *e, const struct watched *item)
{
	bool is_station = alert_rules[item->rule].scope == OF_STATION && item->target != NOBODY;

	return is_station ? &e->zone.stations[item->target] : NULL;
}

static const struct line *line_of(const struct evaluation *e, const struct watched *item)
{
	const struct station *station = station_of(e, item);

	if (station)
		return &e->zone.lines[station->line];
	if (alert_rules[item->rule].scope == OF_LINE && item->target != NOBODY)
		return &e->zone.lines[item->target];
	return NULL;
}

static void put_place(struct json *object, const struct evaluation *e, const struct watched *item)
{
	const struct station *station = station_of(e, item);
	const struct line *line = line_of(e, item);

	json_set_string(object, "line_id", line ? line->id : NULL);
	json_set_string(object, "line", line ? line->name : NULL);
	json_set_string(object, "station_id", station ? station->id : NULL);
	json_set_string(object, "station", station ? station->name : NULL);
}

static void put_value(struct json *object, const struct evaluation *e, const struct watched *item)
{
	enum rule_unit unit = alert_rules[item->rule].unit;

	if (unit == UNIT_PCT || unit == UNIT_MIN || item->reading.value == NO_VALUE)
		set_tenths(object, "value", item->reading.value);
	else
		json_set_int(object, "value", item->reading.value);
	json_set_int(object, "threshold", e->watch.settings[item->rule].raise);
	json_set_string(object, "unit", rule_unit_names[unit]);
}

static utc_t since_of(const struct watched *item)
{
	return item->due == DUE_CLEAR ? item->alert.was_since : item->alert.since;
}

static void put_times(struct json *object, const struct evaluation *e, const struct watched *item)
{
	char local[TIME_TEXT];

	json_set_instant(object, "since", since_of(item));
	json_set_string(object, "since_local", tz_format(e->zone.tz, since_of(item), local));
	set_minutes(object, "duration_min", e->scene.now - since_of(item));
}

static void put_cause(struct json *object, const struct evaluation *e, const struct watched *item)
{
	if (item->reading.cause == NOBODY) {
		json_set_null(object, "cause");
		return;
	}
	const struct station *station = &e->zone.stations[item->reading.cause];
	struct json *cause = json_set_object(object, "cause");
	json_set_string(cause, "station_id", station->id);
	json_set_string(cause, "station", station->name);
}

static bool is_carried_over(const struct evaluation *e, const struct watched *item)
{
	utc_t fired = item->due == DUE_CLEAR ? item->alert.was_fired : item->alert.fired;

	return fired < e->scene.plan.shift.start;
}

static const char *reason_of(const struct evaluation *e, const struct watched *item)
{
	if (item->target == NOBODY)
		return "not watched any more";
	return item->rule == STATION_DOWN && e->reasons ? e->reasons[item->target] : NULL;
}

static void add_alert(struct json *list, const struct evaluation *e, const struct watched *item)
{
	struct json *object = json_add_object(list);

	json_set_string(object, "rule", alert_rules[item->rule].name);
	json_set_string(object, "key", item->key);
	put_place(object, e, item);
	put_value(object, e, item);
	put_times(object, e, item);
	json_set_string(object, "severity", severity_names[e->watch.settings[item->rule].severity]);
	put_cause(object, e, item);
	json_set_bool(object, "carried_over", is_carried_over(e, item));
	json_set_string(object, "reason", reason_of(e, item));
}

/* -- the data object ------------------------------------------------------------------------------- */

/* Critical ones first, then the older, then by key. */
static bool comes_first(const struct evaluation *e, const struct watched *a, const struct watched *b)
{
	int difference = e->watch.settings[b->rule].severity - e->watch.settings[a->rule].severity;

	if (difference)
		return difference < 0;
	if (since_of(a) != since_of(b))
		return since_of(a) < since_of(b);
	return strcmp(a->key, b->key) < 0;
}

static void put_list(struct json *data, const char *key, const struct evaluation *e,
    const struct watched *const *due, size_t count, enum alert_due kind)
{
	struct json *list = json_set_array(data, key);

	for (size_t i = 0; i < count; i++)
		if (due[i]->due == kind)
			add_alert(list, e, due[i]);
}

/* What is due, in order; nothing of it when it is held back. */
static const struct watched **arrange(struct evaluation *e, size_t *out_count)
{
	const struct watched **due = arena_alloc(&e->arena, (watch_due(&e->watch) + 1) * sizeof(*due));
	size_t count = 0;

	for (size_t i = 0; i < e->watch.count; i++) {
		const struct watched *item = &e->watch.items[i];
		size_t at = count;

		if (item->due == DUE_NOTHING)
			continue;
		for (; at > 0 && comes_first(e, item, due[at - 1]); at--)
			due[at] = due[at - 1];
		due[at] = item;
		count++;
	}
	*out_count = count;
	return due;
}

static void put_shift_name(struct json *data, const struct plan *plan)
{
	struct json *shift = json_set_object(data, "shift");
	char date[TIME_TEXT];

	json_set_string(shift, "date", date_format(plan->shift.date, date));
	json_set_string(shift, "type", plan->shift.type);
	json_set_string(shift, "crew", plan->crew.name);
}

static struct json *make(struct run *run, struct evaluation *e, bool held_back)
{
	struct json *data = run_data(run);
	size_t count;
	const struct watched *const *due = arrange(e, &count);
	size_t shown = held_back ? 0 : count;

	json_set_string(data, "report", "zone_alert");
	put_zone(data, &e->zone);
	json_set_instant(data, "as_of", run_slot(run));
	put_shift_name(data, &e->scene.plan);
	put_list(data, "raised", e, due, shown, DUE_RAISE);
	put_list(data, "repeated", e, due, shown, DUE_REPEAT);
	put_list(data, "cleared", e, due, shown, DUE_CLEAR);
	json_set_int(data, "firing_total", (int64_t)watch_firing(&e->watch));
	json_set_int(data, "suppressed", (int64_t)watch_silenced(&e->watch));
	json_set_int(data, "held_back", held_back ? (int64_t)count : 0);
	return data;
}

/* The loudest that the message is about; a clear is as loud as what it takes back, to reach whom that did. */
static enum severity severity_of(const struct evaluation *e)
{
	enum severity severity = SEVERITY_WARNING;

	for (size_t i = 0; i < e->watch.count; i++)
		if (e->watch.items[i].due != DUE_NOTHING &&
		    e->watch.settings[e->watch.items[i].rule].severity > 0)
			severity = SEVERITY_CRITICAL;
	return severity;
}

/* -- reading --------------------------------------------------------------------------------------- */

static struct err *read_reason(struct evaluation *e, const struct sql_rows *rows)
{
	enum category category;
	size_t station;

	PASS(category_parse(sql_text(rows, 1), &category));
	PASS(zone_station(&e->zone, sql_text(rows, 0), &station));
	if ((OWN_LOSS & IN_SET(category)) && !e->reasons[station])
		e->reasons[station] = arena_copy(&e->arena, sql_text(rows, 2));
	return NULL;
}

/* Why stations stand still: of each the open stop that began first. */
static struct err *load_reasons(struct sql *db, utc_t as_of, struct evaluation *e)
{
	static const char text[] =
	    "/* open stops */ select d.station_id, d.category, d.reason"
	    " from line l cross join station s cross join downtime_event d"
	    " where l.zone_id = :zone and s.line_id = l.line_id and d.station_id = s.station_id"
	    " and d.start_ts < :now and (d.end_ts is null or d.end_ts > :now) and d.recorded_at <= :as_of"
	    " order by d.start_ts, d.downtime_id";
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_TEXT | SQL_REQUIRED, SQL_TEXT};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", e->zone.id),
	    SQL_INSTANT_PARAM("now", e->scene.now),
	    SQL_INSTANT_PARAM("as_of", as_of),
	};
	struct sql_rows *rows;

	e->reasons = arena_alloc(&e->arena, e->zone.station_count * sizeof(*e->reasons));
	PASS(sql_query(db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_reason(e, rows));
	return sql_close(rows);
}

static struct err *evaluate(struct run *run, const struct zone_alert_options *o, struct sql *db,
    const struct json *state, struct evaluation *e)
{
	const struct scene_needs needs = {
	    .now = run_slot(run) - o->grace_ms / 1000,
	    .as_of = run_slot(run),
	    .cycles = o->rules[CYCLE_SLOW].amount,
	    .stops_s = o->rules[STATION_DOWN].clear * 60,
	    .slow_pct = o->rules[CYCLE_SLOW].raise,
	};

	TRY(scene_load(db, &e->zone, &needs, &e->arena, &e->scene), "read the last hour");
	e->watch = (struct watch){
	    .scene = &e->scene,
	    .settings = o->rules,
	    .policy =
	        {
	            .repeat_s = o->repeat_ms / 1000,
	            .cooldown_s = o->cooldown_ms / 1000,
	            .max_per_hour = o->max_per_hour,
	            .send_clear = o->send_clear,
	        },
	};
	PASS(watch_init(&e->watch, state, &e->arena));
	watch_evaluate(&e->watch);
	return watch_due(&e->watch) ? load_reasons(db, run_slot(run), e) : NULL;
}

static struct err *load(
    struct run *run, const struct zone_alert_options *o, const struct json *state, struct evaluation *e)
{
	struct sql *db;

	run_step(run, "read zone %s from source %s", o->zone, o->source);
	TRY(run_source(run, o->source, &db), "open the source");
	TRY(sql_begin(db), "read zone %s", o->zone);
	TRY(zone_load(db, o->zone, &e->arena, &e->zone), "read zone %s", o->zone);
	TRY(evaluate(run, o, db, state, e), "judge zone %s", o->zone);
	return sql_end(db);
}

/* -- the run --------------------------------------------------------------------------------------- */

static void narrate(struct run *run, const struct evaluation *e)
{
	for (size_t i = 0; i < e->watch.count; i++) {
		const struct watched *item = &e->watch.items[i];

		if (item->alert.phase != ALERT_OK || item->due != DUE_NOTHING)
			run_decide(run, "%s: %s%s%s", item->key, alert_phase_names[item->alert.phase],
			    item->silenced ? ", its cause is told instead" : "",
			    item->due != DUE_NOTHING ? ", due" : "");
	}
}

static struct err *post(struct run *run, struct evaluation *e, bool held_back)
{
	struct json *data = make(run, e, held_back);
	char slot[TIME_TEXT];
	struct message message = {
	    .kind = "alert",
	    .key = arena_format(&e->arena, "zone-alert|%s|%s", e->zone.id, utc_format(run_slot(run), slot)),
	    .severity = severity_of(e),
	    .alert = arena_format(&e->arena, "zone-alert|%s", e->zone.id),
	    .clear = !held_back && watch_is_over(&e->watch),
	};

	return run_queue(run, &message, data);
}

/* What is due goes out, or is held back, which is said once. */
static struct err *settle(struct run *run, struct evaluation *e)
{
	struct watch *watch = &e->watch;
	bool allowed = alert_quota_allows(&watch->quota, &watch->policy, e->scene.now);
	bool told = watch->quota.told;

	if (!watch_due(watch))
		return NULL;
	if (allowed || !told)
		PASS(post(run, e, !allowed));
	if (allowed)
		watch_tell(watch);
	else
		watch_hold(watch);
	return NULL;
}

static struct err *zone_alert_run(struct run *run)
{
	const struct zone_alert_options *o = run_options(run);
	cleanup(evaluation_done) struct evaluation e = {0};
	const char *key = arena_format(&e.arena, "alerts|%s", o->zone);
	const struct json *state;
	utc_t last;

	PASS(run_state_get(run, key, &state));
	PASS(watch_state_time(state, &last));
	if (last > run_slot(run) - o->grace_ms / 1000) {
		run_decide(run, "zone %s has been judged at a later time already", o->zone);
		return NULL;
	}
	PASS(load(run, o, state, &e));
	narrate(run, &e);
	PASS(settle(run, &e));
	run_value(run, "firing", (double)watch_firing(&e.watch));
	run_state_set(run, key, watch_state(&e.watch), 0);
	return NULL;
}

static struct err *zone_alert_connect(struct run *run)
{
	cleanup(evaluation_done) struct evaluation e = {0};

	return load(run, run_options(run), NULL, &e);
}

const struct job_module zone_alert_module = {
    .name = "zone_alert",
    .summary = "what goes wrong in a zone, each minute: when it begins, while it lasts, when it is over",
    .schedule = "* * * * *",
    .misfire = "none",
    .options = zone_alert_options,
    .options_size = sizeof(struct zone_alert_options),
    .restartable = true,
    .connect = zone_alert_connect,
    .run = zone_alert_run,
    .view = zone_alert_view,
};
