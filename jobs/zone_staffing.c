/* SPDX-License-Identifier: MIT */
/*
 * zone_staffing - who is there, half an hour into a shift, and again when a number changes.
 *
 * What was posted last is the job's state; a run of a time before that changes nothing in it.
 */
#include <bmad/job.h>

#include <string.h>

#include "jobs/zone/object.h"
#include "jobs/zone/slots.h"
#include "jobs/zone/staffing.h"
#include "jobs/zone/staffing_view.h"

#define FIRST_S 1800 /* into the shift */
#define STEP_S  300
#define STATE_S (INT64_C(7) * 86400) /* what was posted so long ago says nothing any more */

struct zone_staffing_options {
	const char *source;
	const char *zone;
};

static const struct option options[] = {
    OPTION(struct zone_staffing_options, source, OPT_NAME, .section = "sources", .required = true,
        .help = "the plant's database"),
    OPTION(struct zone_staffing_options, zone, OPT_TEXT, .required = true, .help = "the zone's zone_id"),
    OPTION_END,
};

struct update {
	struct arena arena;
	struct zone zone;
	struct plan plan;
	struct staffing staffing, previous;
	const char *period; /* `2024-11-02|NIGHT` */
	/* what was posted of this shift */
	bool posted;
	const struct json *posted_staffing;
};

static void update_done(struct update *update)
{
	arena_done(&update->arena);
}

static struct err *load(struct run *run, const struct zone_staffing_options *o, struct update *u)
{
	char date[TIME_TEXT];
	struct sql *db;

	run_step(run, "read zone %s from source %s", o->zone, o->source);
	TRY(run_source(run, o->source, &db), "open the source");
	TRY(sql_begin(db), "read zone %s", o->zone);
	TRY(zone_load(db, o->zone, &u->arena, &u->zone), "read zone %s", o->zone);
	struct shift shift = shift_at(&u->zone, run_slot(run));
	struct shift before = shift_before(&u->zone, &shift);
	PASS(plan_load(db, &u->zone, &shift, &u->arena, &u->plan));
	PASS(staffing_load(db, &u->zone, &shift, run_slot(run), &u->arena, &u->staffing));
	PASS(staffing_load(db, &u->zone, &before, run_slot(run), &u->arena, &u->previous));
	u->period = arena_format(&u->arena, "%s|%s", date_format(shift.date, date), shift.type);
	return sql_end(db);
}

/* -- what was posted ------------------------------------------------------------------------------- */

static const char *state_key(struct update *u)
{
	return arena_format(&u->arena, "posted|%s", u->zone.id);
}

/* True if the state is of a later time than this run: then it is none of this run's business. */
static struct err *load_posted(struct run *run, struct update *u, bool *out_later)
{
	const struct json *state;
	utc_t at = 0;

	PASS(run_state_get(run, state_key(u), &state));
	const char *text = json_text(json_get(state, "at"));
	if (text)
		TRY(utc_parse(text, &at), "read state %s", state_key(u));
	*out_later = at > run_slot(run);
	const char *period = json_text(json_get(state, "shift"));
	u->posted = !*out_later && period && !strcmp(period, u->period);
	u->posted_staffing = u->posted ? json_get(state, "staffing") : NULL;
	return NULL;
}

static void save_posted(struct run *run, struct update *u, const struct json *staffing)
{
	struct json *state = json_object();

	json_set_instant(state, "at", run_slot(run));
	json_set_string(state, "shift", u->period);
	json_set(state, "staffing", json_copy(staffing));
	run_state_set(run, state_key(u), state, run_slot(run) + STATE_S);
}

/* -- the data object ------------------------------------------------------------------------------- */

static int64_t missing(const struct staffing_role *role)
{
	return role->counted ? role->planned - role->actual : 0;
}

/* Names of the roles that lack heads, the most missing first; equals by name. */
static void put_short_roles(struct json *data, const struct staffing *staffing)
{
	struct json *list = json_set_array(data, "short_roles");
	int64_t below = INT64_MAX;

	for (;;) {
		int64_t most = 0;

		for (size_t i = 0; i < staffing->role_count; i++)
			if (missing(&staffing->roles[i]) > most && missing(&staffing->roles[i]) < below)
				most = missing(&staffing->roles[i]);
		if (!most)
			return;
		for (size_t i = 0; i < staffing->role_count; i++)
			if (missing(&staffing->roles[i]) == most)
				json_add_string(list, staffing->roles[i].name);
		below = most;
	}
}

static void put_change(struct json *data, const struct update *u)
{
	if (!u->posted) {
		json_set_null(data, "change");
		return;
	}
	struct json *change = json_set_object(data, "change");
	json_set(change, "before", json_copy(u->posted_staffing));
	json_set(change, "after", json_copy(json_get(data, "staffing")));
}

static void put_previous(struct json *data, const struct staffing *previous)
{
	if (!previous->role_count) {
		json_set_null(data, "previous");
		return;
	}
	struct json *object = json_set_object(data, "previous");
	json_set_int(object, "planned", previous->planned);
	json_set(object, "actual", previous->counted ? json_int(previous->actual) : json_null());
}

static struct json *make(struct run *run, const struct update *u)
{
	struct json *data = run_data(run);

	json_set_string(data, "report", "zone_staffing");
	put_zone(data, &u->zone);
	json_set_instant(data, "as_of", run_slot(run));
	put_shift(data, &u->plan);
	put_staffing(data, &u->staffing);
	put_short_roles(data, &u->staffing);
	put_change(data, u);
	put_previous(data, &u->previous);
	return data;
}

/* -- the run --------------------------------------------------------------------------------------- */

/* Why there is nothing to post; NULL: there is. */
static const char *reason_for_silence(
    const struct update *u, utc_t slot, bool later, const struct json *staffing)
{
	if (slot < u->plan.shift.start + FIRST_S)
		return "the shift has not lasted 30 minutes";
	if (!u->plan.crew.scheduled && !u->staffing.planned && !u->staffing.actual)
		return "nobody is scheduled";
	if (u->posted && !later && json_equal(staffing, u->posted_staffing))
		return "no number has changed";
	return NULL;
}

/* The first update of a shift has the shift's key, each later one its slot's beside it. */
static const char *message_key(struct run *run, struct update *u)
{
	char slot[TIME_TEXT];

	if (!u->posted)
		return arena_format(&u->arena, "zone-staffing|%s|%s", u->zone.id, u->period);
	return arena_format(
	    &u->arena, "zone-staffing|%s|%s|%s", u->zone.id, u->period, utc_format(run_slot(run), slot));
}

static struct err *zone_staffing_slots(struct run *run, utc_t from, utc_t to)
{
	const struct zone_staffing_options *o = run_options(run);
	struct zone_slots of = {.source = o->source, .zones = {&o->zone, 1}};

	return zone_slots_staffing(run, &of, FIRST_S, STEP_S, from, to);
}

static struct err *zone_staffing_run(struct run *run)
{
	const struct zone_staffing_options *o = run_options(run);
	cleanup(update_done) struct update u = {0};
	bool later = false;

	PASS(load(run, o, &u));
	PASS(load_posted(run, &u, &later));
	struct json *data = make(run, &u);
	const struct json *staffing = json_get(data, "staffing");
	const char *silence = reason_for_silence(&u, run_slot(run), later, staffing);
	run_value(run, "planned", (double)u.staffing.planned);
	run_value(run, "actual", (double)u.staffing.actual);
	if (silence) {
		run_decide(run, "zone %s, %s: nothing to post: %s", u.zone.id, u.period, silence);
		return NULL;
	}
	if (!later)
		save_posted(run, &u, staffing);
	return run_queue(run, &(struct message){.kind = "report", .key = message_key(run, &u)}, data);
}

static struct err *zone_staffing_connect(struct run *run)
{
	cleanup(update_done) struct update u = {0};

	return load(run, run_options(run), &u);
}

const struct job_module zone_staffing_module = {
    .name = "zone_staffing",
    .summary = "a zone's heads by role, 30 minutes into each shift and when a number changes",
    .schedule = "@module",
    .options = options,
    .options_size = sizeof(struct zone_staffing_options),
    .restartable = true,
    .connect = zone_staffing_connect,
    .slots = zone_staffing_slots,
    .run = zone_staffing_run,
    .view = zone_staffing_view,
};
