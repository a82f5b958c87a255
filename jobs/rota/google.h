/* SPDX-License-Identifier: MIT */
/*
 * The rota in a Google calendar: what is there is read whole, compared with what is wanted, and only then
 * changed, step by step. Whatever cuts it short, the next run reads again and does the rest.
 *
 *	PASS(google_read(run, &wish, &calendar));	list only
 *	PASS(google_plan(&wish, &calendar, &plan));	pure, with all guards
 *	PASS(google_save(...));				what replace = all takes away
 *	PASS(google_apply(run, &wish, &plan, ...));
 */
#ifndef JOBS_ROTA_GOOGLE_H
#define JOBS_ROTA_GOOGLE_H

#include <bmad/run.h>

#include "jobs/rota/event.h"

struct google_wish {
	struct api *api;
	const char *calendar; /* its id */
	const char *account;  /* the address that signs in; NULL: not known */
	const char *rota_id;
	const struct rota *rota;
	const struct titles *titles;
	int64_t from;        /* events before this day are left alone */
	int64_t today;       /* and so are those before this one, unless `include_past` */
	const struct tz *tz; /* the job's, until the calendar has told its own */
	bool include_past, apply, dry;
	bool replace_all;
	int64_t max_deletes;
	const char *confirm; /* NULL: not given */
};

struct google_event {
	const char *id, *title, *pair;
	const struct json *item; /* as it was read */
	int64_t day, end;        /* of whole days; INT64_MIN: none that can be told */
	bool timed;              /* it begins at a time of day */
	bool own, recurring;
	bool removable; /* neither recurring nor with other people */
	bool matched;
};

struct google_calendar {
	struct arena arena;
	struct google_event *events; /* from `from` on */
	size_t count, capacity;
	const char *description, *role; /* NULL: not told */
};

struct google_step {
	char op; /* '+' insert, '~' patch, '-' delete, '!' left alone */
	int64_t day;
	const struct rota_day *wanted;    /* of + and ~ */
	const struct google_event *event; /* of all but + */
	const char *title;                /* wanted, or of the event */
	bool done;
};

struct google_plan {
	struct arena arena;
	struct google_step *steps; /* in the order in which they are done */
	size_t count;
	size_t deletes, changes; /* changes: all but ! */
	int64_t floor;           /* nothing before it is changed */
};

/* Guards that need no call: what a rota is never written to. */
struct err *google_check(const struct google_wish *wish) MUST_CHECK;
/* All pages. OUT is cleared; google_calendar_done() in any case. */
struct err *google_read(
    struct run *run, const struct google_wish *wish, struct google_calendar *out) MUST_CHECK;
void google_calendar_done(struct google_calendar *calendar);

/* EVENT of JSON as the API gives it, for CALENDAR and ROTA_ID; texts are borrowed from ITEM. */
struct google_event google_event_of(const struct json *item, const char *calendar, const char *rota_id);
/* It shows DAY with TITLE and PAIR already. */
bool google_event_shows(const struct google_event *event, int64_t day, const char *title, const char *pair);

/* Pure. PERMANENT error if a guard forbids to do the plan (a dry run only sees those of the calendar). */
struct err *google_plan(
    const struct google_wish *wish, struct google_calendar *calendar, struct google_plan *out) MUST_CHECK;
void google_plan_done(struct google_plan *plan);
/* [{op, date, ...}], as data objects have it. */
struct json *google_plan_json(const struct google_plan *plan);

/* With replace = all: the events that go, as iCalendar and as JSON, in FOLDER. */
struct err *google_save(
    const struct google_wish *wish, const struct google_plan *plan, const char *folder, utc_t now) MUST_CHECK;

/* Does what is not done; MARK is called after each step. */
struct err *google_apply(const struct google_wish *wish, struct google_plan *plan,
    struct err *(*mark)(void *arg, const struct google_plan *plan), void *arg) MUST_CHECK;

/* A refusal in words, for which CALL was asked. */
struct err *google_fault(const struct google_wish *wish, const struct api_answer *answer) MUST_CHECK;

#endif
