/* SPDX-License-Identifier: MIT */
/* Retry-After: seconds and the three forms of an HTTP-date. */
#include "send/retry_after.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define LONGEST_S (INT64_C(100) * 365 * 86400) /* a century: whatever is beyond it waits as long */

static const char *const months[] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

/* Seconds, rounded up; -1 if TEXT is no number. */
static int64_t parse_seconds(const char *text)
{
	int64_t seconds = 0;
	bool more = false;

	if (!is_digit(*text))
		return -1;
	for (; is_digit(*text); text++)
		seconds = seconds < LONGEST_S ? 10 * seconds + (*text - '0') : LONGEST_S;
	if (*text == '.')
		for (text++; is_digit(*text); text++)
			more = more || *text != '0';
	if (*skip_blanks(text))
		return -1;
	seconds += more;
	return seconds < LONGEST_S ? seconds : LONGEST_S;
}

static int month_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(months); i++)
		if (!strcasecmp(name, months[i]))
			return (int)i + 1;
	return 0;
}

/* A two-digit year is the one that is not more than 50 years ahead (RFC 9110, section 5.6.7). */
static int full_year(int year, utc_t now)
{
	struct civil today;

	civil_from_utc(now, &today);
	year += today.year / 100 * 100;
	return year > today.year + 50 ? year - 100 : year;
}

static bool is_date(const struct civil *civil)
{
	return civil->year >= 1970 && civil->year <= 9999 && civil->month >= 1 && civil->day >= 1 &&
	       civil->day <= days_in_month(civil->year, civil->month) && civil->hour >= 0 &&
	       civil->hour < 24 && civil->minute >= 0 && civil->minute < 60 && civil->second >= 0 &&
	       civil->second <= 60;
}

/* The form of today, and the two that receivers must still take: RFC 850's and that of asctime(). */
static bool scan_date(const char *text, utc_t now, struct civil *out)
{
	char month[4] = "";
	int end = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT %n", &out->day, month, &out->year,
	        &out->hour, &out->minute, &out->second, &end) == 6 &&
	    end && !text[end]) {
		out->month = month_number(month);
		return true;
	}
	end = 0;
	if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT %n", &out->day, month, &out->year,
	        &out->hour, &out->minute, &out->second, &end) == 6 &&
	    end && !text[end]) {
		out->month = month_number(month);
		out->year = full_year(out->year, now);
		return true;
	}
	end = 0;
	if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d %n", month, &out->day, &out->hour,
	        &out->minute, &out->second, &out->year, &end) == 6 &&
	    end && !text[end]) {
		out->month = month_number(month);
		return true;
	}
	return false;
}

bool http_date_parse(const char *text, utc_t now, utc_t *out_at)
{
	struct civil civil = {0};

	if (!scan_date(skip_blanks(text), now, &civil) || !is_date(&civil))
		return false;
	*out_at = utc_from_civil(&civil);
	return true;
}

int64_t retry_after_ms(const char *value, const char *date, utc_t now)
{
	int64_t seconds;
	utc_t until, from = now;

	if (!value)
		return -1;
	seconds = parse_seconds(skip_blanks(value));
	if (seconds >= 0)
		return seconds * 1000;
	if (!http_date_parse(value, now, &until))
		return -1;
	if (date && !http_date_parse(date, now, &from))
		from = now;
	return until > from ? (until - from) * 1000 : -1;
}

#define UNIX_SECONDS 1e9   /* from here on a number is an instant, not a wait */
#define WAIT_MAX     86400 /* seconds; what is more is a misreading */

/* -1 for what is no number. */
static double read_number(const char *text)
{
	char *end = NULL;
	double number = text ? strtod(text, &end) : -1;

	return text && end != text && !*skip_blanks(end) && number >= 0 ? number : -1;
}

int64_t rate_limit_wait_ms(const char *left, const char *after, const char *reset, int64_t now_ms)
{
	double seconds = read_number(after);

	if (!left || read_number(left) != 0)
		return -1;
	if (seconds < 0)
		seconds = read_number(reset);
	if (seconds >= UNIX_SECONDS)
		seconds -= (double)now_ms / 1000;
	return seconds > 0 && seconds <= WAIT_MAX ? (int64_t)(seconds * 1000) + 1 : -1;
}
