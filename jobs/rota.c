/* SPDX-License-Identifier: MIT */
/*
 * rota - pairs people of two groups for daily support, and publishes that as iCalendar and in a Google
 * calendar.
 *
 * What is published stands in the job's state before anything outside is written: a run that is cut short
 * leaves what the next one brings to its end. A change by hand (`bmad rota swap`) is a run of this job too,
 * which is given the change instead of drawing.
 */
#include <bmad/job.h>
#include <bmad/mem.h>
#include <bmad/text.h>

#include <string.h>

#include "jobs/rota/google.h"
#include "jobs/rota/ics.h"
#include "jobs/rota/published.h"
#include "jobs/rota/reports.h"
#include "jobs/rota/view.h"
#include "jobs/vendor/google_calendar.h"

#define PLAN_STATE "plan"

static const char *const replacements[] = {[REPLACE_OWN] = "own", [REPLACE_ALL] = "all", NULL};

#define FIELD(member) .offset = offsetof(struct rota_options, member)

/* clang-format off */
static const struct option ics_options[] = {
    {.name = "path", .type = OPT_PATH, FIELD(ics_path), .help = "the file; by default ID.ics beside the store"},
    {.name = "per_person", .type = OPT_PATH, FIELD(ics_per_person), .help = "a folder for one more file per person, named after them"},
    OPTION_END,
};

static const struct option google_options[] = {
    {.name = "api", .type = OPT_NAME, .section = "apis", FIELD(google_api), .help = "the API that the calendar is reached by"},
    {.name = "calendar_env", .type = OPT_TEXT, FIELD(google_env), .help = "which of the calendars is written"},
    {.name = "calendars", .type = OPT_MAP, FIELD(google_calendars), .help = "names, such as test and live, to the ids of calendars"},
    {.name = "replace", .type = OPT_CHOICE, .choices = replacements, .fallback = "own", FIELD(google_replace),
        .help = "which events may go: those of this rota, or all of a calendar that is dedicated to it"},
    {.name = "max_deletes", .type = OPT_INT, .fallback = "20", .max = 1000000, FIELD(google_max_deletes),
        .help = "more events than that go only with --apply"},
    OPTION_END,
};

static const struct option options[] = {
    OPTION(struct rota_options, id, OPT_TEXT, .fallback = "support", .help = "name of this rota, a part of every event's id"),
    OPTION(struct rota_options, groups, OPT_LIST, .required = true, .help = "two of {name, members}: each day one of each is on duty"),
    OPTION(struct rota_options, start_group, OPT_TEXT, .required = true, .help = "the group that leads first"),
    OPTION(struct rota_options, start_date, OPT_TEXT, .required = true, .help = "the first day that may be used, as 2024-08-19"),
    OPTION(struct rota_options, cycles, OPT_INT, .required = true, .min = 1, .max = ROTA_DAYS_MAX, .help = "in each cycle everyone leads once"),
    OPTION(struct rota_options, seed, OPT_INT, .unset = -1, .max = ROTA_SEED_MAX, .help = "what the names are drawn with; by default drawn itself, and kept"),
    {.name = "continue", .type = OPT_BOOL, .fallback = "false", FIELD(carry_on), .help = "go on after the last published day"},
    OPTION(struct rota_options, holidays, OPT_TEXTS, .help = "days like weekends: dates, and paths or URLs of .ics files"),
    OPTION(struct rota_options, leave, OPT_LIST, .help = "{name, from, to}: who is away, both days included"),
    OPTION(struct rota_options, summary_template, OPT_TEXT, .fallback = "Support: {{lead}} (lead), {{assist}} (assist)", .help = "the title of events"),
    OPTION(struct rota_options, output, OPT_TEXTS, .fallback = "[ics]", .help = "ics, google or both"),
    {.name = "ics", .type = OPT_GROUP, .group = ics_options},
    {.name = "google", .type = OPT_GROUP, .group = google_options},
    OPTION_END,
};
/* clang-format on */

static const char *const by_hand[] = {"apply", "confirm=", "include-past", "force", NULL};

static struct err *rota_check_options(const void *structure)
{
	const struct rota_options *own = structure;
	struct titles *titles = NULL;
	struct rules rules;
	struct err *e = rules_read(own, &rules);

	if (!e)
		e = titles_create(own->summary_template, &titles);
	titles_destroy(titles);
	rules_done(&rules);
	return e;
}

/* -- a run and what it works on --------------------------------------------------------------------- */

struct work {
	struct run *run;
	const struct rota_options *own;
	const struct json *given;
	struct arena arena;
	struct rules rules;
	struct holidays holidays;
	struct titles *titles;
	struct published published;
	struct rota part; /* what this run made; none after a change by hand */
	struct rota_start start;
	struct google_wish wish;
	struct google_calendar calendar;
	struct google_plan plan;
};

static void work_done(struct work *work)
{
	google_plan_done(&work->plan);
	google_calendar_done(&work->calendar);
	published_done(&work->published);
	titles_destroy(work->titles);
	holidays_done(&work->holidays);
	rules_done(&work->rules);
	arena_done(&work->arena);
}

static bool is_given(const struct work *work, const char *flag)
{
	return json_true(json_get(work->given, flag));
}

static int64_t day_in(const struct tz *tz, utc_t at)
{
	struct tz_local local;

	tz_to_local(tz, at, &local);
	return days_from_civil(local.civil.year, local.civil.month, local.civil.day);
}

static struct err *read_published(struct work *work)
{
	const struct json *value;

	PASS(run_state_get(work->run, ROTA_STATE, &value));
	const char *id = json_text(json_get(value, "id"));
	if (id && strcmp(id, work->own->id) != 0) {
		run_warn(work->run,
		    "the rota '%s' that this job published before is another one, and is left behind", id);
		value = NULL;
	}
	PASS(published_read(value, &work->rules, &work->published));
	work->published.id = work->own->id;
	return NULL;
}

/* -- a new part ------------------------------------------------------------------------------------- */

static int64_t random_seed(void)
{
	uint64_t bits;

	random_bytes(&bits, sizeof(bits));
	return (int64_t)(bits & (uint64_t)ROTA_SEED_MAX);
}

/* The same part again has the seed that it was made with. */
static int64_t seed_of(const struct work *work)
{
	const struct published *published = &work->published;
	bool again =
	    published->rota.count && (!work->own->carry_on || published->start.day == work->start.day);

	if (work->own->seed >= 0)
		return work->own->seed;
	return again ? published->seed : random_seed();
}

static void warn(void *arg, const char *text)
{
	run_warn(arg, "%s", text);
}

static struct err *make_part(struct work *work)
{
	struct published *published = &work->published;
	const struct rules *rules = &work->rules;
	bool uneven;

	published_start(published, rules, work->own->carry_on, &work->start, &uneven);
	if (uneven)
		run_warn(work->run, "the rota begins anew in the middle of a block: counts will be uneven");
	int64_t days = rules->cycles * (int64_t)(rules->groups[0].count + rules->groups[1].count);
	TRY(holidays_load(work->run, &work->own->holidays, work->start.day, work->start.day + 2 * days + 732,
	        &work->holidays),
	    "read the holidays");
	int64_t seed = seed_of(work);
	run_value(work->run, "seed", (double)seed);
	if (work->own->seed < 0)
		run_tell(work->run, "the rota is drawn with seed %lld", (long long)seed);
	run_step(work->run, "make the rota");
	PASS(rota_make(rules, &work->start, (uint64_t)seed, &work->holidays, &work->arena, &work->part));
	published->seed = seed;
	PASS(published_replace(
	    published, rules, &work->start, &work->part, is_given(work, "force"), warn, work->run));
	/* As people see it. */
	work->part.days = &published->rota.days[published->rota.count - work->part.count];
	return NULL;
}

/* -- a change by hand ------------------------------------------------------------------------------- */

static struct err *given_day(const struct json *change, const char *key, int64_t *out_day)
{
	const char *text = json_text(json_get(change, key));

	return date_parse(text ? text : "", out_day);
}

static struct err *swap(struct work *work, const struct json *change)
{
	int64_t day, other;

	PASS(given_day(change, "date1", &day));
	PASS(given_day(change, "date2", &other));
	return published_swap(&work->published, &work->rules, day, other, json_text(json_get(change, "role")),
	    is_given(work, "force"));
}

static struct err *cover(struct work *work, const struct json *change)
{
	int64_t day;

	PASS(given_day(change, "date", &day));
	return published_cover(&work->published, &work->rules, day, json_text(json_get(change, "role")),
	    json_text(json_get(change, "name")), is_given(work, "force"));
}

static struct err *make_or_change(struct work *work)
{
	const struct json *swapped = json_get(work->given, "swap"), *covered = json_get(work->given, "cover");

	if (!swapped && !covered)
		return make_part(work);
	if (!work->published.rota.count)
		return ERR(ERR_CONFIG, "no rota is published yet: bmad --once %s", run_job(work->run));
	return swapped ? swap(work, swapped) : cover(work, covered);
}

/* -- Google ----------------------------------------------------------------------------------------- */

static bool writes_google(const struct work *work)
{
	return work->rules.outputs & OUTPUT_GOOGLE;
}

static const char *calendar_of(const struct rota_options *own)
{
	return own->google_env ? json_text(json_get(own->google_calendars, own->google_env)) : NULL;
}

static struct err *plan_google(struct work *work)
{
	const struct rota_options *own = work->own;
	const struct rota *rota = &work->published.rota;
	struct google_wish *wish = &work->wish;

	*wish = (struct google_wish){
	    .calendar = calendar_of(own),
	    .rota_id = own->id,
	    .rota = rota,
	    .titles = work->titles,
	    .from = rota->days[0].day < work->rules.start_date ? rota->days[0].day : work->rules.start_date,
	    .today = day_in(run_tz(work->run), run_now(work->run)),
	    .tz = run_tz(work->run),
	    .include_past = is_given(work, "include_past"),
	    .apply = is_given(work, "apply"),
	    .dry = run_is_dry(work->run),
	    .replace_all = own->google_replace == REPLACE_ALL,
	    .max_deletes = own->google_max_deletes,
	    .confirm = json_text(json_get(work->given, "confirm")),
	};
	PASS(run_api(work->run, own->google_api, &wish->api));
	PASS(google_calendar_account(wish->api, &work->arena, &wish->account));
	PASS(google_read(work->run, wish, &work->calendar));
	return google_plan(wish, &work->calendar, &work->plan);
}

/* The plan as the state keeps it, with a mark for each step that is done. */
static struct json *plan_state(const struct work *work, const struct google_plan *plan)
{
	struct json *state = json_object(), *steps = json_set_array(state, "steps");
	char date[TIME_TEXT];

	json_set_string(state, "calendar", work->wish.calendar);
	for (size_t i = 0; i < plan->count; i++) {
		const struct google_step *step = &plan->steps[i];
		const char op[] = {step->op, '\0'};

		if (step->op == '!')
			continue;
		struct json *item = json_add_object(steps);
		json_set_string(item, "op", op);
		json_set_string(item, "date", date_format(step->day, date));
		json_set_bool(item, "done", step->done);
	}
	return state;
}

static struct err *mark_step(void *arg, const struct google_plan *plan)
{
	struct work *work = arg;

	run_state_set(work->run, PLAN_STATE, plan_state(work, plan), 0);
	return run_state_keep(work->run);
}

static struct err *write_google(struct work *work)
{
	if (work->wish.replace_all && work->plan.deletes)
		PASS(google_save(&work->wish, &work->plan, run_folder(work->run), run_now(work->run)));
	run_step(work->run, "write calendar %s", work->wish.calendar);
	TRY(google_apply(&work->wish, &work->plan, mark_step, work), "write calendar %s",
	    work->wish.calendar);
	run_value(work->run, "calendar_changes", (double)work->plan.changes);
	return NULL;
}

/* -- iCalendar -------------------------------------------------------------------------------------- */

static void add_name(const char **names, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(names[i], name))
			return;
	names[(*count)++] = name;
}

/* Whoever is or was in the rota: the calendar of one who left must not go on showing days. */
static struct texts everybody(struct work *work)
{
	const struct rota *rotas[] = {&work->published.rota, &work->published.gone};
	size_t count = 0, most = work->rules.groups[0].count + work->rules.groups[1].count;

	for (size_t r = 0; r < ARRAY_SIZE(rotas); r++)
		most += 2 * rotas[r]->count;
	const char **names = arena_alloc(&work->arena, most * sizeof(*names));
	for (size_t g = 0; g < 2; g++)
		for (size_t i = 0; i < work->rules.groups[g].count; i++)
			add_name(names, &count, work->rules.groups[g].members[i]);
	for (size_t r = 0; r < ARRAY_SIZE(rotas); r++)
		for (size_t i = 0; i < rotas[r]->count; i++) {
			add_name(names, &count, rotas[r]->days[i].lead);
			add_name(names, &count, rotas[r]->days[i].assist);
		}
	return (struct texts){names, count};
}

static struct ics_calendar ics_of(const struct work *work)
{
	return (struct ics_calendar){
	    .id = work->own->id,
	    .rota = &work->published.rota,
	    .titles = work->titles,
	    .now = run_now(work->run),
	};
}

static struct err *write_ics(struct work *work)
{
	const struct ics_calendar calendar = ics_of(work);
	const struct texts names = everybody(work);
	cleanup(buf_done) struct buf name = {0};

	percent_add(&name, work->own->id);
	const char *path = work->own->ics_path ? work->own->ics_path
	                                       : arena_format(&work->arena, "%s/%s.ics",
	                                             run_folder(work->run), buf_text(&name));
	run_step(work->run, "write %s", path);
	return ics_publish(&calendar, path, work->own->ics_per_person, &names);
}

/* -- publishing ------------------------------------------------------------------------------------- */

static void set_published(struct work *work, bool complete)
{
	work->published.complete = complete;
	run_state_set(work->run, ROTA_STATE, published_json(&work->published, &work->rules), 0);
}

static struct err *publish(struct work *work)
{
	if (run_is_dry(work->run))
		return NULL;
	set_published(work, false);
	if (writes_google(work))
		run_state_set(work->run, PLAN_STATE, plan_state(work, &work->plan), 0);
	PASS(run_state_keep(work->run));
	if (work->rules.outputs & OUTPUT_ICS)
		PASS(write_ics(work));
	if (writes_google(work))
		PASS(write_google(work));
	set_published(work, true);
	return NULL;
}

static struct err *report(struct work *work)
{
	cleanup(buf_done) struct buf calendar = {0};
	const struct ics_calendar ics = ics_of(work);
	struct json *data = run_data(work->run);

	put_rota(data, &work->part);
	put_days_worked(data, &work->part, &work->rules);
	put_config(data, &work->part, &work->rules, work->own->google_env, calendar_of(work->own),
	    work->published.seed);
	json_set(data, "plan", writes_google(work) ? google_plan_json(&work->plan) : json_array());
	PASS(ics_write(&ics, NULL, &calendar));
	cleanup(free_text) char *text = json_print(json_get(data, "rota"));
	cleanup(free_text) char *key = mem_format(
	    "rota|%s|%016llx", work->own->id, (unsigned long long)fnv1a(FNV_START, text, strlen(text)));
	const struct attachment attached = {
	    .name = "rota.ics",
	    .content_type = "text/calendar",
	    .bytes = buf_text(&calendar),
	    .length = calendar.length,
	};
	return run_queue(work->run,
	    &(struct message){.kind = "report", .key = key, .attachments = &attached, .attachment_count = 1},
	    data);
}

static struct err *rota_run(struct run *run)
{
	cleanup(work_done) struct work work = {.run = run, .own = run_options(run), .given = run_given(run)};

	PASS(rules_read(work.own, &work.rules));
	PASS(titles_create(work.own->summary_template, &work.titles));
	PASS(read_published(&work));
	PASS(make_or_change(&work));
	if (writes_google(&work))
		PASS(plan_google(&work));
	PASS(publish(&work));
	return work.part.count ? report(&work) : NULL;
}

const struct job_module rota_module = {
    .name = "rota",
    .summary = "a support rota: a pair for every working day, as iCalendar and in Google Calendar",
    .options = options,
    .options_size = sizeof(struct rota_options),
    .restartable = true,
    .by_hand = by_hand,
    .check = rota_check_options,
    .run = rota_run,
    .view = rota_view,
};
