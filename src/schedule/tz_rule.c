/* SPDX-License-Identifier: MIT */
/*
 * The footer of a TZif file: a POSIX TZ string with the extensions of RFC 9636, 3.3.1 (hours from -167 to
 * 167), which rules all years after the last change the file lists.
 */
#include "schedule/tz_data.h"

#include <stdlib.h>
#include <string.h>

#define ABBR_MAX       31
#define FIRST_YEAR     1900 /* for a file that lists no change at all */
#define DEFAULT_TIME   (2 * 3600)
#define RULE_HOURS_MAX 167
#define ZONE_HOURS_MAX 24

/* The day of a change, every year: `J60` (29 February is never counted), `59` (it is), or `M3.2.0`. */
struct change_rule {
	enum { DAY_JULIAN, DAY_OF_YEAR, DAY_OF_WEEK } form;
	int day;         /* of the year; of the week, 0 is Sunday */
	int month, week; /* of DAY_OF_WEEK; week 5 is the last */
	int time;        /* seconds from that day's midnight, by the clocks in force before */
};

struct rule {
	struct tz_type standard, daylight;
	char standard_abbr[ABBR_MAX + 1], daylight_abbr[ABBR_MAX + 1];
	bool has_daylight;
	struct change_rule begin, end; /* of daylight saving time */
};

/* -- reading: each takes what it is named after from *TEXT, false if that is not there ------------- */

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_number(const char **text, int min, int max, int *out_value)
{
	int value = 0;

	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); ++*text) {
		value = value * 10 + (**text - '0');
		if (value > max)
			return false;
	}
	*out_value = value;
	return value >= min;
}

static bool is_quoted_abbr_char(char c)
{
	return is_letter(c) || is_digit(c) || c == '+' || c == '-';
}

/* `EST`, or `<+03>` where it is not of letters alone. */
static bool take_abbr(const char **text, char out[ABBR_MAX + 1])
{
	bool quoted = take_char(text, '<');
	size_t length = 0;

	while (quoted ? is_quoted_abbr_char((*text)[length]) : is_letter((*text)[length]))
		length++;
	if (length < 3 || length > ABBR_MAX)
		return false;
	memcpy(out, *text, length);
	out[length] = '\0';
	*text += length;
	return !quoted || take_char(text, '>');
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **text, int max_hours, int *out_seconds)
{
	int hours, minutes = 0, seconds = 0;
	int sign = take_char(text, '-') ? -1 : 1;

	if (sign > 0)
		(void)take_char(text, '+');
	if (!take_number(text, 0, max_hours, &hours))
		return false;
	if (take_char(text, ':')) {
		if (!take_number(text, 0, 59, &minutes))
			return false;
		if (take_char(text, ':') && !take_number(text, 0, 59, &seconds))
			return false;
	}
	*out_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool take_day(const char **text, struct change_rule *rule)
{
	if (take_char(text, 'J')) {
		rule->form = DAY_JULIAN;
		return take_number(text, 1, 365, &rule->day);
	}
	if (take_char(text, 'M')) {
		rule->form = DAY_OF_WEEK;
		return take_number(text, 1, 12, &rule->month) && take_char(text, '.') &&
		       take_number(text, 1, 5, &rule->week) && take_char(text, '.') &&
		       take_number(text, 0, 6, &rule->day);
	}
	rule->form = DAY_OF_YEAR;
	return take_number(text, 0, 365, &rule->day);
}

static bool take_change(const char **text, struct change_rule *rule)
{
	rule->time = DEFAULT_TIME;
	return take_char(text, ',') && take_day(text, rule) &&
	       (!take_char(text, '/') || take_time(text, RULE_HOURS_MAX, &rule->time));
}

/* The text's offsets count west of Greenwich, ours east. */
static bool parse_rule(const char *text, struct rule *rule)
{
	int west;

	if (!take_abbr(&text, rule->standard_abbr) || !take_time(&text, ZONE_HOURS_MAX, &west))
		return false;
	rule->standard = (struct tz_type){.offset = -west, .abbr = rule->standard_abbr};
	rule->has_daylight = *text != '\0';
	if (!rule->has_daylight)
		return true;
	if (!take_abbr(&text, rule->daylight_abbr))
		return false;
	if (*text == ',')
		west -= 3600;
	else if (!take_time(&text, ZONE_HOURS_MAX, &west))
		return false;
	rule->daylight = (struct tz_type){.offset = -west, .dst = true, .abbr = rule->daylight_abbr};
	return take_change(&text, &rule->begin) && take_change(&text, &rule->end) && !*text;
}

/* -- writing it out -------------------------------------------------------------------------------- */

static int64_t change_day(const struct change_rule *rule, int year)
{
	int64_t january = days_from_civil(year, 1, 1);

	if (rule->form == DAY_OF_YEAR)
		return january + rule->day;
	if (rule->form == DAY_JULIAN)
		return january + rule->day - 1 + (rule->day >= 60 && days_in_month(year, 2) == 29);
	int64_t first = days_from_civil(year, rule->month, 1);
	int day = (rule->day - weekday_of_days(first) + 7) % 7 + 7 * (rule->week - 1);
	if (day >= days_in_month(year, rule->month))
		day -= 7;
	return first + day;
}

struct change {
	utc_t at;
	int type;
	bool begins;
};

/*
 * By time. Where daylight saving time ends and begins anew in one instant (so is a zone written that
 * always has it), the beginning comes last and wins.
 */
static int compare_changes(const void *left, const void *right)
{
	const struct change *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->begins - b->begins;
}

static int find_or_add_type(struct tz *tz, const struct tz_type *type)
{
	size_t i = 0;

	while (i < tz->type_count && (tz->types[i].offset != type->offset || tz->types[i].dst != type->dst ||
	                                 strcmp(tz->types[i].abbr, type->abbr) != 0))
		i++;
	if (i == tz->type_count) {
		tz->types[i] = *type;
		tz->types[i].abbr = arena_copy(&tz->arena, type->abbr);
		tz->type_count++;
	}
	return (int)i;
}

static int year_of(utc_t at)
{
	struct civil civil;

	civil_from_utc(at, &civil);
	return civil.year < FIRST_YEAR ? FIRST_YEAR : civil.year;
}

static utc_t first_of(int year, int month)
{
	return days_from_civil(year, month, 1) * 86400;
}

/* All changes by RULE from FIRST_YEAR on, in order. */
static void list_changes(
    struct change *changes, size_t count, const struct rule *rule, int first_year, int standard, int daylight)
{
	for (size_t i = 0; i + 1 < count; i += 2) {
		int year = first_year + (int)i / 2;
		utc_t begin = change_day(&rule->begin, year) * 86400 + rule->begin.time;
		utc_t end = change_day(&rule->end, year) * 86400 + rule->end.time;

		changes[i] = (struct change){begin - rule->standard.offset, daylight, true};
		changes[i + 1] = (struct change){end - rule->daylight.offset, standard, false};
	}
	qsort(changes, count, sizeof(*changes), compare_changes);
}

/*
 * From the year before the last listed change (its zone may be ahead of UTC), so that everything from the
 * second year after it on is the rule's work; that much is folded onto, a period later. The list ends in
 * the middle of a year: at its end, a change and the one that undoes it could be parted.
 */
static void add_changes(struct tz *tz, const struct rule *rule)
{
	struct change changes[2 * (TZ_PERIOD_YEARS + 5)];
	utc_t last = tz->spans[tz->count - 1].start;
	int first_year = year_of(last) - 1;
	utc_t fold = first_of(first_year + 3 + TZ_PERIOD_YEARS, 1);
	utc_t horizon = first_of(first_year + 4 + TZ_PERIOD_YEARS, 7);
	int standard = find_or_add_type(tz, &rule->standard);
	int daylight = find_or_add_type(tz, &rule->daylight);

	list_changes(changes, ARRAY_SIZE(changes), rule, first_year, standard, daylight);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (changes[i].at > last && changes[i].at < horizon)
			tz_add_span(tz, changes[i].at, changes[i].type);
	if (tz->spans[tz->count - 1].start >= fold) /* not where the rule's changes undo each other */
		tz->folded_from = fold;
}

bool tz_add_rule(struct tz *tz, const char *text)
{
	struct rule rule = {0};

	if (!parse_rule(text, &rule))
		return false;
	if (rule.has_daylight)
		add_changes(tz, &rule);
	return true;
}
