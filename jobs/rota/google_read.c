/* SPDX-License-Identifier: MIT */
/* Reading a calendar: all pages, before anything is changed. */
#include "jobs/rota/google.h"

#include <string.h>

#include <bmad/form.h>
#include <bmad/text.h>
#include <bmad/time.h>

#include "jobs/vendor/google_calendar.h"

#define PAGES_MAX 10000

static void destroy_json(void *value)
{
	json_destroy(value);
}

/* -- refusals --------------------------------------------------------------------------------------- */

static bool is_quota(const char *reason)
{
	return !strcmp(reason, "quotaExceeded") || !strcmp(reason, "dailyLimitExceeded");
}

static bool is_rate(const char *reason)
{
	return !strcmp(reason, "rateLimitExceeded") || !strcmp(reason, "userRateLimitExceeded");
}

struct err *google_fault(const struct google_wish *wish, const struct api_answer *answer)
{
	cleanup(free_text) char *reason = google_calendar_reason(answer);
	long status = answer->status;

	if (status == 403 && is_quota(reason))
		return ERR(ERR_TEMPORARY,
		    "HTTP 403 (%s): the quota is used up; the next run goes on from here", reason);
	if (status == 429 || status >= 500 || (status == 403 && is_rate(reason)))
		return ERR(ERR_TEMPORARY, "HTTP %ld after %d tries", status, answer->tries);
	if (status == 401)
		return ERR(ERR_PERMANENT, "HTTP 401: the access token is not accepted, nor is a new one");
	return ERR(ERR_PERMANENT,
	    "HTTP %ld%s%s%s: the calendar may not be shared with %s with the right to change events", status,
	    *reason ? " (" : "", reason, *reason ? ")" : "", wish->account ? wish->account : "the account");
}

struct err *google_check(const struct google_wish *wish)
{
	if (!strcmp(wish->calendar, "primary"))
		return ERR(ERR_CONFIG, "a rota is never written to the calendar 'primary'");
	if (wish->account && !strcasecmp(wish->account, wish->calendar))
		return ERR(
		    ERR_CONFIG, "a rota is never written to the account's own calendar (%s)", wish->calendar);
	return NULL;
}

/* -- one event -------------------------------------------------------------------------------------- */

/* The day of a `start` or `end`: its date, or the date part of its time. */
static int64_t day_of(const struct json *moment, bool *out_timed)
{
	const char *date = json_text(json_get(moment, "date"));
	const char *time = json_text(json_get(moment, "dateTime"));
	cleanup(free_text) char *text = date   ? mem_copy(date)
	                                : time ? mem_copy_n(time, strnlen(time, 10))
	                                       : NULL;
	int64_t day = INT64_MIN;
	struct err *e = text ? date_parse(text, &day) : NULL;

	*out_timed = !date && time;
	if (e)
		day = INT64_MIN;
	err_ignore(e);
	return day;
}

static bool has_other_people(const struct json *item, const char *calendar)
{
	if (json_true(json_get(item, "attendeesOmitted")))
		return true;
	json_each(attendee, json_get(item, "attendees"))
		if (!json_true(json_get(attendee, "self")) &&
		    !text_equal(json_text(json_get(attendee, "email")), calendar))
			return true;
	return false;
}

struct google_event google_event_of(const struct json *item, const char *calendar, const char *rota_id)
{
	const struct json *marks = json_get(json_get(item, "extendedProperties"), "private");
	bool recurring = json_length(json_get(item, "recurrence")) || json_get(item, "recurringEventId");
	struct google_event event = {
	    .id = json_text(json_get(item, "id")),
	    .title = json_text(json_get(item, "summary")),
	    .pair = json_text(json_get(marks, "bmadPair")),
	    .item = item,
	    .own = text_equal(json_text(json_get(marks, "bmadRota")), rota_id),
	    .recurring = recurring,
	    .removable = !recurring && !has_other_people(item, calendar),
	};
	bool timed_end;

	event.day = day_of(json_get(item, "start"), &event.timed);
	event.end = day_of(json_get(item, "end"), &timed_end);
	return event;
}

bool google_event_shows(const struct google_event *event, int64_t day, const char *title, const char *pair)
{
	return event->day == day && event->end == day + 1 && !event->timed &&
	       text_equal(event->title, title) && text_equal(event->pair, pair);
}

/* -- pages ------------------------------------------------------------------------------------------ */

/* Midnight of DAY as clocks in TZ have it. */
static utc_t midnight(const struct tz *tz, int64_t day)
{
	struct civil civil = {0};

	civil_from_days(day, &civil.year, &civil.month, &civil.day);
	return tz_to_utc(tz, &civil);
}

static void list_url(const struct google_wish *wish, const struct tz *tz, const char *page, struct buf *out)
{
	struct buf query = {0};
	char time_min[TIME_TEXT];

	tz_format(tz, midnight(tz, wish->from), time_min);
	form_add(&query, "timeMin", time_min, strlen(time_min));
	form_add_int(&query, "maxResults", 2500);
	form_add(&query, "showDeleted", "false", strlen("false"));
	form_add(&query, "singleEvents", "false", strlen("false"));
	if (page)
		form_add(&query, "pageToken", page, strlen(page));
	buf_add_text(out, "/calendars/");
	percent_add(out, wish->calendar);
	buf_format(out, "/events?%s", buf_text(&query));
	buf_done(&query);
}

static struct err *read_page(const struct google_wish *wish, const struct tz *tz, const char *token,
    struct arena *arena, const struct json **out_page)
{
	cleanup(buf_done) struct buf url = {0};
	struct api_answer answer;
	struct json *page;

	list_url(wish, tz, token, &url);
	PASS(api_call(wish->api, &(struct api_request){.method = "GET", .url = buf_text(&url)}, &answer));
	if (answer.status != 200)
		return google_fault(wish, &answer);
	TRY(json_parse(answer.body, answer.length, &page), "read a page of events");
	arena_defer(arena, destroy_json, page);
	*out_page = page;
	return NULL;
}

static void take_items(
    const struct google_wish *wish, const struct json *page, struct google_calendar *calendar)
{
	json_each(item, json_get(page, "items")) {
		struct google_event event = google_event_of(item, wish->calendar, wish->rota_id);

		if (!event.id || event.day < wish->from ||
		    text_equal(json_text(json_get(item, "status")), "cancelled"))
			continue;
		mem_grow(calendar->events, calendar->count, calendar->capacity);
		calendar->events[calendar->count++] = event;
	}
}

/*
 * The zone that the calendar tells. `timeMin` filters by the end of an event: with an offset that is not the
 * calendar's own, the event of the day before would come too.
 */
static const struct tz *zone_of(struct run *run, const struct google_wish *wish, const struct json *page)
{
	const char *name = json_text(json_get(page, "timeZone"));
	const struct tz *tz = wish->tz;
	struct err *e = name ? tz_get(name, &tz) : NULL;

	if (e)
		run_warn(run, "the calendar's time zone '%.100s' is not known here; %s is used", name,
		    tz_name(wish->tz));
	err_ignore(e);
	return tz;
}

static struct err *read_pages(
    struct run *run, const struct google_wish *wish, struct google_calendar *calendar)
{
	const struct tz *tz = wish->tz;
	const struct json *page;
	const char *token = NULL;

	PASS(read_page(wish, tz, NULL, &calendar->arena, &page));
	const struct tz *own = zone_of(run, wish, page);
	if (midnight(own, wish->from) != midnight(tz, wish->from))
		PASS(read_page(wish, tz = own, NULL, &calendar->arena, &page));
	calendar->description = json_text(json_get(page, "description"));
	calendar->role = json_text(json_get(page, "accessRole"));
	for (int pages = 1;; pages++) {
		take_items(wish, page, calendar);
		token = json_text(json_get(page, "nextPageToken"));
		if (text_is_empty(token))
			return NULL;
		if (pages == PAGES_MAX)
			return ERR(ERR_PERMANENT, "the calendar has more than %d pages", PAGES_MAX);
		PASS(read_page(wish, tz, token, &calendar->arena, &page));
	}
}

struct err *google_read(struct run *run, const struct google_wish *wish, struct google_calendar *out)
{
	*out = (struct google_calendar){0};
	PASS(google_check(wish));
	run_step(run, "read calendar %s", wish->calendar);
	TRY(read_pages(run, wish, out), "read calendar %s", wish->calendar);
	run_decide(run, "the calendar has %zu events from the rota's first day on", out->count);
	return NULL;
}

void google_calendar_done(struct google_calendar *calendar)
{
	free(calendar->events);
	arena_done(&calendar->arena);
}
