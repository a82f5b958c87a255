/* SPDX-License-Identifier: MIT */
/* What is to be done to a calendar, and what forbids it. Pure. */
#include "jobs/rota/google.h"

#include <stdio.h>
#include <string.h>

#include <bmad/buf.h>
#include <bmad/file.h>
#include <bmad/text.h>
#include <bmad/time.h>

#include "jobs/rota/ics.h"

#define DEDICATED  "bmad-rota: dedicated"
#define SAVED_MODE 0600

/* -- guards ----------------------------------------------------------------------------------------- */

/* The description has the line, perhaps among others. */
static bool is_dedicated(const char *description)
{
	size_t length = strlen(DEDICATED);

	for (const char *at = description; at && (at = strstr(at, DEDICATED)); at += length) {
		bool begins = at == description || at[-1] == '\n' || at[-1] == '\r';

		if (begins && (!at[length] || at[length] == '\n' || at[length] == '\r'))
			return true;
	}
	return false;
}

static struct err *check_plan(
    const struct google_wish *wish, const struct google_calendar *calendar, const struct google_plan *plan)
{
	const char *role = calendar->role;

	if (wish->replace_all && !is_dedicated(calendar->description))
		return ERR(ERR_PERMANENT,
		    "replace: all works only on a calendar whose description has the line '%s'", DEDICATED);
	if (wish->dry)
		return NULL;
	if (role && strcmp(role, "writer") != 0 && strcmp(role, "owner") != 0)
		return ERR(ERR_PERMANENT, "the calendar is shared as '%s' only: %s may not change events",
		    role, wish->account ? wish->account : "the account");
	if (wish->replace_all && !text_equal(wish->confirm, wish->calendar))
		return ERR(ERR_PERMANENT, "replace: all must be confirmed: --confirm %s", wish->calendar);
	if ((int64_t)plan->deletes > wish->max_deletes && !wish->apply)
		return ERR(ERR_PERMANENT,
		    "%zu events would go, more than max_deletes (%lld): see them with --dry-run, then run "
		    "with --apply",
		    plan->deletes, (long long)wish->max_deletes);
	return NULL;
}

/* -- matching --------------------------------------------------------------------------------------- */

/* The event that stands for DAY: of its date, best with its own id; else one of its id that somebody moved.
 */
static struct google_event *match(
    struct google_calendar *calendar, int64_t floor, int64_t day, const char *id)
{
	struct google_event *found = NULL;

	for (size_t i = 0; i < calendar->count; i++) {
		struct google_event *event = &calendar->events[i];
		bool named = !strcmp(event->id, id);

		if (event->matched || !event->own || event->recurring || event->day < floor)
			continue;
		if (event->day == day && named)
			return event;
		if (event->day == day && (!found || found->day != day))
			found = event;
		if (named && !found)
			found = event;
	}
	return found;
}

static struct google_step *add_step(struct google_plan *plan, char op, int64_t day)
{
	struct google_step *step = &plan->steps[plan->count++];

	*step = (struct google_step){.op = op, .day = day};
	plan->deletes += op == '-';
	plan->changes += op != '!';
	return step;
}

static struct err *plan_day(const struct google_wish *wish, struct google_calendar *calendar,
    const struct rota_day *day, struct google_plan *plan)
{
	char id[EVENT_ID_TEXT], pair[EVENT_PAIR_TEXT];
	const char *title;
	struct google_event *event =
	    match(calendar, plan->floor, day->day, event_id(wish->rota_id, day->day, 0, id));

	PASS(titles_make(wish->titles, day, &plan->arena, &title));
	event_pair(day->lead, day->assist, pair);
	if (event)
		event->matched = true;
	if (event && google_event_shows(event, day->day, title, pair))
		return NULL;
	struct google_step *step = add_step(plan, event ? '~' : '+', day->day);
	step->wanted = day;
	step->event = event;
	step->title = title;
	return NULL;
}

static void plan_rest(const struct google_wish *wish, const struct google_calendar *calendar,
    struct google_plan *plan, bool removed)
{
	for (size_t i = 0; i < calendar->count; i++) {
		const struct google_event *event = &calendar->events[i];
		bool goes = event->removable && (event->own || wish->replace_all);

		if (event->matched || event->day < plan->floor || goes != removed)
			continue;
		struct google_step *step = add_step(plan, removed ? '-' : '!', event->day);
		step->event = event;
		step->title = event->title ? event->title : "";
	}
}

struct err *google_plan(
    const struct google_wish *wish, struct google_calendar *calendar, struct google_plan *out)
{
	size_t most = calendar->count + wish->rota->count;

	*out = (struct google_plan){.floor = wish->from};
	if (!wish->include_past && wish->today > wish->from)
		out->floor = wish->today;
	out->steps = arena_alloc(&out->arena, (most + 1) * sizeof(*out->steps));
	for (size_t i = 0; i < wish->rota->count; i++)
		if (wish->rota->days[i].day >= out->floor)
			PASS(plan_day(wish, calendar, &wish->rota->days[i], out));
	plan_rest(wish, calendar, out, true);
	plan_rest(wish, calendar, out, false);
	return check_plan(wish, calendar, out);
}

void google_plan_done(struct google_plan *plan)
{
	arena_done(&plan->arena);
}

struct json *google_plan_json(const struct google_plan *plan)
{
	struct json *list = json_array();
	char date[TIME_TEXT];

	for (size_t i = 0; i < plan->count; i++) {
		const struct google_step *step = &plan->steps[i];
		const char op[] = {step->op, '\0'};
		struct json *item = json_add_object(list);

		json_set_string(item, "op", op);
		json_set_string(item, "date", date_format(step->day, date));
		if (step->wanted) {
			json_set_string(item, "lead", step->wanted->lead);
			json_set_string(item, "assist", step->wanted->assist);
		}
		if (step->op == '~') {
			json_set_string(item, "old", step->event->title ? step->event->title : "");
			json_set_string(item, "new", step->title);
		}
		json_set_string(item, "title", step->title);
		if (step->event)
			json_set_string(item, "id", step->event->id);
	}
	return list;
}

/* -- what goes, kept -------------------------------------------------------------------------------- */

static void add_moment(struct buf *out, const char *name, const struct json *moment)
{
	const char *date = json_text(json_get(moment, "date")),
	           *time = json_text(json_get(moment, "dateTime"));
	cleanup(buf_done) struct buf value = {0};
	struct civil civil;
	utc_t at;

	if (date) {
		cleanup(free_text) char *named = mem_format("%s;VALUE=DATE", name);

		for (; *date; date++)
			if (*date != '-')
				buf_add_char(&value, *date);
		ics_line(out, named, buf_text(&value));
		return;
	}
	struct err *e = time ? utc_parse(time, &at) : NULL;
	if (time && !e) {
		civil_from_utc(at, &civil);
		buf_format(&value, "%04d%02d%02dT%02d%02d%02dZ", civil.year, civil.month, civil.day,
		    civil.hour, civil.minute, civil.second);
		ics_line(out, name, buf_text(&value));
	}
	err_ignore(e);
}

static void add_text(struct buf *out, const char *name, const struct json *item, const char *key)
{
	if (json_text(json_get(item, key)))
		ics_text_line(out, name, json_text(json_get(item, key)));
}

static void add_saved(struct buf *out, const struct json *item, const char *now)
{
	bool named = json_text(json_get(item, "iCalUID"));

	ics_line(out, "BEGIN", "VEVENT");
	add_text(out, "UID", item, named ? "iCalUID" : "id");
	ics_line(out, "DTSTAMP", now);
	add_moment(out, "DTSTART", json_get(item, "start"));
	add_moment(out, "DTEND", json_get(item, "end"));
	add_text(out, "SUMMARY", item, "summary");
	add_text(out, "DESCRIPTION", item, "description");
	add_text(out, "LOCATION", item, "location");
	ics_line(out, "END", "VEVENT");
}

static struct err *save(
    const char *folder, const char *id, const char *now, const char *ending, const char *text)
{
	cleanup(buf_done) struct buf path = {0};

	buf_format(&path, "%s/", folder);
	percent_add(&path, id);
	buf_format(&path, "-replaced-%s.%s", now, ending);
	return file_replace_path(buf_text(&path), text, strlen(text), SAVED_MODE);
}

struct err *google_save(
    const struct google_wish *wish, const struct google_plan *plan, const char *folder, utc_t now)
{
	cleanup(buf_done) struct buf calendar = {0};
	struct json *items = json_array();
	struct civil civil;
	char stamp[TIME_TEXT];

	civil_from_utc(now, &civil);
	snprintf(stamp, sizeof(stamp), "%04d%02d%02dT%02d%02d%02dZ", civil.year, civil.month, civil.day,
	    civil.hour, civil.minute, civil.second);
	ics_line(&calendar, "BEGIN", "VCALENDAR");
	ics_line(&calendar, "VERSION", "2.0");
	ics_line(&calendar, "PRODID", "-//bmad//rota " BMAD_VERSION "//EN");
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].op != '-')
			continue;
		json_add(items, json_copy(plan->steps[i].event->item));
		add_saved(&calendar, plan->steps[i].event->item, stamp);
	}
	ics_line(&calendar, "END", "VCALENDAR");
	cleanup(free_text) char *text = json_print_pretty(items);
	json_destroy(items);
	TRY(save(folder, wish->rota_id, stamp, "json", text), "save the events that go");
	return ERR_AT(
	    save(folder, wish->rota_id, stamp, "ics", buf_text(&calendar)), "save the events that go");
}
