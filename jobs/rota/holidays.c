/* SPDX-License-Identifier: MIT */
/* Holidays: the set of days, and how calendars fill it. An event takes the dates that its own clock shows. */
#include "jobs/rota/holidays.h"

#include <libical/ical.h>
#include <string.h>

#include <bmad/text.h>

#define EVENT_DAYS_MAX  3660   /* one event takes no more than ten years */
#define OCCURRENCES_MAX 200000 /* of all events of a calendar, looked at */

/* -- the set ---------------------------------------------------------------------------------------- */

static void add_day(struct holidays *holidays, int64_t day)
{
	mem_grow(holidays->days, holidays->count, holidays->capacity);
	holidays->days[holidays->count++] = day;
	holidays->sorted = false;
}

static int compare_days(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

bool holidays_has(struct holidays *holidays, int64_t day)
{
	if (!holidays->count)
		return false;
	if (!holidays->sorted)
		qsort(holidays->days, holidays->count, sizeof(*holidays->days), compare_days);
	holidays->sorted = true;
	return bsearch(&day, holidays->days, holidays->count, sizeof(*holidays->days), compare_days);
}

void holidays_done(struct holidays *holidays)
{
	free(holidays->days);
	*holidays = (struct holidays){0};
}

/* -- a calendar ------------------------------------------------------------------------------------- */

struct reading {
	struct holidays *out;
	int64_t from, to;
	size_t looked_at;
};

static int64_t day_of(struct icaltimetype at)
{
	return days_from_civil(at.year, at.month, at.day);
}

/* How many dates the event takes; one that ends at midnight does not take the day that begins then. */
static int64_t length_of(icalcomponent *event, struct icaltimetype start)
{
	struct icaltimetype end = icalcomponent_get_dtend(event);

	if (icaltime_is_null_time(end))
		return 1;
	bool at_midnight = end.is_date || (!end.hour && !end.minute && !end.second);
	int64_t length = day_of(end) - day_of(start) + !at_midnight;
	return length < 1 ? 1 : length < EVENT_DAYS_MAX ? length : EVENT_DAYS_MAX;
}

static bool is_left_out(icalcomponent *event, int64_t day)
{
	for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_EXDATE_PROPERTY); p;
	     p = icalcomponent_get_next_property(event, ICAL_EXDATE_PROPERTY))
		if (day_of(icalproperty_get_exdate(p)) == day)
			return true;
	return false;
}

static void add_occurrence(struct reading *reading, int64_t first, int64_t length)
{
	for (int64_t day = first; day < first + length; day++)
		if (day >= reading->from && day <= reading->to)
			add_day(reading->out, day);
}

/* RDATEs are collected before: libical keeps one place for the property it stands at. */
static void add_dates(struct reading *reading, icalcomponent *event, int64_t length)
{
	for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_RDATE_PROPERTY); p;
	     p = icalcomponent_get_next_property(event, ICAL_RDATE_PROPERTY)) {
		struct icaltimetype at = icalproperty_get_rdate(p).time;

		if (!icaltime_is_null_time(at))
			add_occurrence(reading, day_of(at), length);
	}
}

static void add_rule(struct reading *reading, icalcomponent *event, struct icaltimetype start,
    struct icalrecurrencetype rule, int64_t length)
{
	icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);

	while (iterator && reading->looked_at++ < OCCURRENCES_MAX) {
		struct icaltimetype at = icalrecur_iterator_next(iterator);

		if (icaltime_is_null_time(at) || day_of(at) > reading->to)
			break;
		if (day_of(at) + length >= reading->from && !is_left_out(event, day_of(at)))
			add_occurrence(reading, day_of(at), length);
	}
	if (iterator)
		icalrecur_iterator_free(iterator);
}

static void add_event(struct reading *reading, icalcomponent *event)
{
	struct icaltimetype start = icalcomponent_get_dtstart(event);
	icalproperty *rule = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);

	if (icaltime_is_null_time(start) || icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED)
		return;
	int64_t length = length_of(event, start);
	if (!is_left_out(event, day_of(start)))
		add_occurrence(reading, day_of(start), length);
	add_dates(reading, event, length);
	if (rule)
		add_rule(reading, event, start, icalproperty_get_rrule(rule), length);
}

static void add_calendar(struct reading *reading, icalcomponent *calendar)
{
	for (icalcomponent *event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT); event;
	     event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT))
		add_event(reading, event);
}

/* One calendar stands alone, several below a root of libical's own. */
static bool add_all(struct reading *reading, icalcomponent *root)
{
	bool found = root && icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT;

	if (found)
		add_calendar(reading, root);
	for (icalcomponent *part = root ? icalcomponent_get_first_component(root, ICAL_VCALENDAR_COMPONENT)
	                                : NULL;
	     part; part = icalcomponent_get_next_component(root, ICAL_VCALENDAR_COMPONENT)) {
		add_calendar(reading, part);
		found = true;
	}
	return found;
}

struct err *holidays_parse(const char *text, int64_t from, int64_t to, struct holidays *out)
{
	struct reading reading = {out, from, to, 0};

	icalerror_set_errors_are_fatal(false);
	icalcomponent *root = icalparser_parse_string(text);
	bool found = add_all(&reading, root);
	if (root)
		icalcomponent_free(root);
	icalmemory_free_ring();
	if (!found)
		return ERR(ERR_PERMANENT, "it holds no calendar: expected BEGIN:VCALENDAR");
	if (reading.looked_at > OCCURRENCES_MAX)
		return ERR(ERR_PERMANENT, "its events recur more than %d times", OCCURRENCES_MAX);
	return NULL;
}

/* -- entries ---------------------------------------------------------------------------------------- */

static bool is_url(const char *text)
{
	return !strncmp(text, "https://", 8) || !strncmp(text, "http://", 7);
}

static bool looks_like_a_date(const char *text)
{
	return !text[strspn(text, "0123456789-/.")];
}

struct err *holidays_check(const struct texts *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		const char *entry = entries->items[i];
		int64_t day;
		struct err *e = looks_like_a_date(entry) ? date_parse(entry, &day) : NULL;

		if (!e)
			continue;
		err_destroy(e);
		return ERR(ERR_CONFIG,
		    "holidays: '%s': expected a date as 2024-12-25, or the path or URL of a calendar", entry);
	}
	return NULL;
}

static struct err *load_calendar(
    struct run *run, const char *entry, int64_t from, int64_t to, struct holidays *out)
{
	const char *text;
	size_t length;

	if (is_url(entry))
		PASS(run_fetch(run, entry, &text, &length));
	else
		PASS(run_read_file(run, entry, &text, &length));
	if (strlen(text) != length)
		return ERR(ERR_PERMANENT, "it holds no calendar, but a NUL byte");
	return holidays_parse(text, from, to, out);
}

struct err *holidays_load(
    struct run *run, const struct texts *entries, int64_t from, int64_t to, struct holidays *out)
{
	for (size_t i = 0; i < entries->count; i++) {
		const char *entry = entries->items[i];
		int64_t day;

		if (looks_like_a_date(entry)) {
			PASS(date_parse(entry, &day));
			add_day(out, day);
			continue;
		}
		run_step(run, "read holidays from %.*s", (int)strcspn(entry, "?"), entry);
		TRY(load_calendar(run, entry, from, to, out), "holidays from %.*s", (int)strcspn(entry, "?"),
		    entry);
	}
	return NULL;
}
