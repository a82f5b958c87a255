/* SPDX-License-Identifier: MIT */
/*
 * Instants and civil time: the proleptic Gregorian calendar, and the text forms of instants, dates and
 * durations. Time zones are src/schedule/tz.c.
 */
#include <bmad/time.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define DAY          86400
#define DAYS_PER_ERA 146097                /* 400 years */
#define DAYS_TO_1970 719468                /* from 0000-03-01 */
#define DAYS_LIMIT   INT64_C(784000000000) /* further days have years that no int holds */

static int64_t floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

/* -- the calendar ---------------------------------------------------------------------------------- */

static bool is_leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Years are counted from March, so that the leap day is a year's last; eras of 400 years are all alike. */
int64_t days_from_civil(int year, int month, int day)
{
	int64_t march_year = (int64_t)year - (month <= 2);
	int64_t era = floor_div(march_year, 400);
	int64_t year_of_era = march_year - era * 400;
	int64_t month_from_march = month > 2 ? month - 3 : month + 9;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static int64_t clamp(int64_t value, int64_t limit)
{
	if (value > limit)
		return limit;
	return value < -limit ? -limit : value;
}

void civil_from_days(int64_t days, int *out_year, int *out_month, int *out_day)
{
	int64_t shifted = clamp(days, DAYS_LIMIT) + DAYS_TO_1970;
	int64_t era = floor_div(shifted, DAYS_PER_ERA);
	int64_t day_of_era = shifted - era * DAYS_PER_ERA;
	/* Takes the leap days so far out, then divides by the length of a common year. */
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;

	*out_day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
	*out_month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
	*out_year = (int)(year_of_era + era * 400 + (*out_month <= 2));
}

int days_in_month(int year, int month)
{
	static const signed char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month < 1 || month > 12)
		return 0;
	return lengths[month - 1] + (month == 2 && is_leap_year(year));
}

int weekday_of_days(int64_t days)
{
	return (int)((days % 7 + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
}

utc_t utc_from_civil(const struct civil *civil)
{
	int second_of_day = (civil->hour * 60 + civil->minute) * 60 + civil->second;

	return days_from_civil(civil->year, civil->month, civil->day) * DAY + second_of_day;
}

void civil_from_utc(utc_t at, struct civil *out_civil)
{
	int64_t days = floor_div(at, DAY);
	int second_of_day = (int)((at % DAY + DAY) % DAY);

	civil_from_days(days, &out_civil->year, &out_civil->month, &out_civil->day);
	out_civil->hour = second_of_day / 3600;
	out_civil->minute = second_of_day / 60 % 60;
	out_civil->second = second_of_day % 60;
}

/* -- writing --------------------------------------------------------------------------------------- */

char *utc_format(utc_t at, char out[TIME_TEXT])
{
	struct civil c;

	if (at == UTC_NEVER) {
		memcpy(out, "never", sizeof("never"));
		return out;
	}
	civil_from_utc(at, &c);
	snprintf(out, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute,
	    c.second);
	return out;
}

char *utc_format_ms(int64_t at_ms, char out[TIME_TEXT])
{
	int64_t seconds = floor_div(at_ms, 1000);
	size_t length = strlen(utc_format(seconds, out)) - 1; /* the Z goes to the end */

	snprintf(out + length, TIME_TEXT - length, ".%03dZ", (int)((at_ms % 1000 + 1000) % 1000));
	return out;
}

char *date_format(int64_t days, char out[TIME_TEXT])
{
	int year, month, day;

	civil_from_days(days, &year, &month, &day);
	snprintf(out, TIME_TEXT, "%04d-%02d-%02d", year, month, day);
	return out;
}

/* Largest first, the order they are written in. */
static const struct duration_unit {
	const char *name;
	int64_t ms;
} duration_units[] = {
    {"d", INT64_C(86400000)},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};

char *duration_format(int64_t seconds, char out[TIME_TEXT])
{
	uint64_t left = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;
	size_t length = 0;

	if (seconds < 0)
		out[length++] = '-';
	/* People say 90s, not 1m30s. */
	if (left == 0 || (left < 120 && left % 60 != 0)) {
		snprintf(out + length, TIME_TEXT - length, "%ds", (int)left);
		return out;
	}
	for (const struct duration_unit *unit = duration_units; left; unit++) {
		uint64_t size = (uint64_t)unit->ms / 1000;

		if (left >= size)
			length += (size_t)snprintf(out + length, TIME_TEXT - length, "%llu%s",
			    (unsigned long long)(left / size), unit->name);
		left %= size;
	}
	return out;
}

/* -- reading --------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes exactly COUNT digits. */
static bool take_digits(const char **text, int count, int *out_value)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!is_digit((*text)[i]))
			return false;
		value = value * 10 + ((*text)[i] - '0');
	}
	*text += count;
	*out_value = value;
	return true;
}

static bool take_char(const char **text, const char *any_of)
{
	if (!**text || !strchr(any_of, **text))
		return false;
	++*text;
	return true;
}

static bool take_date(const char **text, struct civil *civil)
{
	return take_digits(text, 4, &civil->year) && take_char(text, "-") &&
	       take_digits(text, 2, &civil->month) && take_char(text, "-") &&
	       take_digits(text, 2, &civil->day) && civil->day >= 1 &&
	       civil->day <= days_in_month(civil->year, civil->month);
}

/* A fraction of a second is read and cut off. */
static bool take_time(const char **text, struct civil *civil)
{
	if (!(take_digits(text, 2, &civil->hour) && take_char(text, ":") &&
	        take_digits(text, 2, &civil->minute) && take_char(text, ":") &&
	        take_digits(text, 2, &civil->second)))
		return false;
	if (take_char(text, ".")) {
		if (!is_digit(**text))
			return false;
		*text += strspn(*text, "0123456789");
	}
	return civil->hour <= 23 && civil->minute <= 59 && civil->second <= 60;
}

static bool take_offset(const char **text, int *out_seconds)
{
	int sign = **text == '-' ? -1 : 1;
	int hours, minutes;

	*out_seconds = 0;
	if (take_char(text, "Zz"))
		return true;
	if (!(take_char(text, "+-") && take_digits(text, 2, &hours) && take_char(text, ":") &&
	        take_digits(text, 2, &minutes)) ||
	    hours > 23 || minutes > 59)
		return false;
	*out_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_instant(const char *text, utc_t *out_at)
{
	struct civil civil = {0};
	int offset = 0;

	if (!take_date(&text, &civil))
		return false;
	if (*text && !(take_char(&text, "Tt ") && take_time(&text, &civil) && take_offset(&text, &offset)))
		return false;
	utc_t at = utc_from_civil(&civil) - offset;
	/* A leap second is where UTC has them, before midnight; we do not count it. */
	if (*text || (civil.second == 60 && at % DAY != 0))
		return false;
	*out_at = at;
	return true;
}

struct err *utc_parse(const char *text, utc_t *out_at)
{
	if (parse_instant(text, out_at))
		return NULL;
	return ERR(ERR_CONFIG,
	    "'%.60s' is no time: expected one like 2026-03-08T09:00:00Z, "
	    "2026-03-08T09:00:00-07:00 or 2026-03-08",
	    text);
}

struct err *date_parse(const char *text, int64_t *out_days)
{
	struct civil civil = {0};
	const char *end = text;

	if (!take_date(&end, &civil) || *end)
		return ERR(ERR_CONFIG, "'%.60s' is no date: expected one like 2026-03-08", text);
	*out_days = days_from_civil(civil.year, civil.month, civil.day);
	return NULL;
}

/* Takes a number; INT64_MAX stands for all that are too large. */
static bool take_number(const char **text, int64_t *out_value)
{
	int64_t value = 0;

	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); ++*text)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **text - '0', &value))
			value = INT64_MAX;
	*out_value = value;
	return true;
}

/* The unit that TEXT begins with, from index FROM on (a larger one may not follow a smaller); NULL if none.
 */
static const struct duration_unit *take_unit(const char **text, size_t from)
{
	size_t length = strcspn(*text, "0123456789");

	for (size_t i = from; i < ARRAY_SIZE(duration_units); i++) {
		const struct duration_unit *unit = &duration_units[i];

		if (strlen(unit->name) == length && !memcmp(*text, unit->name, length)) {
			*text += length;
			return unit;
		}
	}
	return NULL;
}

struct err *duration_parse_ms(const char *text, int64_t *out_ms)
{
	const char *at = text;
	size_t from = 0;
	int64_t total = 0;

	do {
		const struct duration_unit *unit;
		int64_t number, ms;

		if (!take_number(&at, &number) || !(unit = take_unit(&at, from)))
			return ERR(ERR_CONFIG,
			    "'%.60s' is no duration: expected one like 500ms, 90s, 15m, 1h30m or 7d", text);
		if (number == INT64_MAX || __builtin_mul_overflow(number, unit->ms, &ms) ||
		    __builtin_add_overflow(total, ms, &total))
			return ERR(ERR_CONFIG, "duration '%.60s' is out of range", text);
		from = (size_t)(unit - duration_units) + 1;
	} while (*at);
	*out_ms = total;
	return NULL;
}
