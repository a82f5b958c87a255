/* SPDX-License-Identifier: MIT */
/*
 * The slots of a cron expression in wall time, by bit sets: months that cannot match are skipped whole,
 * the days of one that can are one word, and the time of day is found without a loop.
 */
#include "schedule/cron.h"

#include <bmad/time.h>

#define DAY          86400
#define SEARCH_YEARS 400 /* the calendar repeats after that: what is not found by then never comes */

static int64_t floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static int lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

static int highest(uint64_t set)
{
	return 63 - __builtin_clzll(set);
}

static uint64_t above(int n)
{
	return ~UINT64_C(0) << n << 1;
}

static uint64_t below(int n)
{
	return (UINT64_C(1) << n) - 1;
}

static bool has(uint64_t set, int n)
{
	return set >> n & 1;
}

/* -- the time of day ------------------------------------------------------------------------------- */

static int first_in_hour(const struct cron *cron, int hour)
{
	return hour * 3600 + lowest(cron->minutes) * 60 + lowest(cron->seconds);
}

static int last_in_hour(const struct cron *cron, int hour)
{
	return hour * 3600 + highest(cron->minutes) * 60 + highest(cron->seconds);
}

/* The first second of the day at or after TIME that matches, -1 if none does. */
static int time_from(const struct cron *cron, int time)
{
	int hour = time / 3600, minute = time / 60 % 60, second = time % 60;
	uint64_t seconds = cron->seconds >> second;
	uint64_t minutes = cron->minutes & above(minute);
	uint64_t hours = cron->hours & above(hour);

	if (has(cron->hours, hour)) {
		if (has(cron->minutes, minute) && seconds)
			return time + lowest(seconds);
		if (minutes)
			return hour * 3600 + lowest(minutes) * 60 + lowest(cron->seconds);
	}
	return hours ? first_in_hour(cron, lowest(hours)) : -1;
}

/* The last second of the day at or before TIME that matches, -1 if none does. */
static int time_upto(const struct cron *cron, int time)
{
	int hour = time / 3600, minute = time / 60 % 60, second = time % 60;
	uint64_t seconds = cron->seconds & below(second + 1);
	uint64_t minutes = cron->minutes & below(minute);
	uint64_t hours = cron->hours & below(hour);

	if (has(cron->hours, hour)) {
		if (has(cron->minutes, minute) && seconds)
			return time - second + highest(seconds);
		if (minutes)
			return hour * 3600 + highest(minutes) * 60 + highest(cron->seconds);
	}
	return hours ? last_in_hour(cron, highest(hours)) : -1;
}

bool cron_has_time_in_hour(const struct cron *cron, int64_t wall)
{
	int time = (int)(wall - floor_div(wall, DAY) * DAY);
	int found = time_from(cron, time);

	if (found < 0)
		found = DAY + first_in_hour(cron, lowest(cron->hours));
	return found < time + 3600;
}

/* -- the days of a month --------------------------------------------------------------------------- */

struct month {
	int length;
	int first_weekday;
};

static int weekday_of(const struct month *month, int day)
{
	return (month->first_weekday + day - 1) % 7;
}

/* The weekday (Monday to Friday) nearest to DAY, without leaving the month. */
static int nearest_workday(const struct month *month, int day)
{
	int weekday = weekday_of(month, day);

	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < month->length ? day + 1 : day - 2;
	return day;
}

/* Bits 1 to 31: the days whose weekday is in WEEKDAYS. */
static uint64_t days_of_weekdays(const struct month *month, uint64_t weekdays)
{
	int first = month->first_weekday;
	uint64_t week = (weekdays >> first | weekdays << (7 - first)) & 0x7f;

	return (week | week << 7 | week << 14 | week << 21 | week << 28) << 1;
}

static uint64_t special_days(const struct cron *cron, const struct month *month)
{
	uint64_t days = 0;

	for (uint64_t left = cron->days_left; left; left &= left - 1)
		if (lowest(left) < month->length)
			days |= UINT64_C(1) << (month->length - lowest(left));
	for (uint64_t left = cron->workdays; left; left &= left - 1)
		if (lowest(left) <= month->length)
			days |= UINT64_C(1) << nearest_workday(month, lowest(left));
	if (cron->last_workday)
		days |= UINT64_C(1) << nearest_workday(month, month->length);
	return days;
}

static uint64_t special_weekdays(const struct cron *cron, const struct month *month)
{
	uint64_t days = days_of_weekdays(month, cron->last_weekdays) & above(month->length - 7);

	for (int n = 0; cron->nth_weekdays >> 7 * n; n++)
		days |=
		    days_of_weekdays(month, cron->nth_weekdays >> 7 * n & 0x7f) & (UINT64_C(0xfe) << 7 * n);
	return days;
}

/* Bits 1 to 31: the days that match. Both day fields restricted: either is enough; else both must hold. */
static uint64_t matching_days(const struct cron *cron, int year, int number)
{
	struct month month = {days_in_month(year, number), weekday_of_days(days_from_civil(year, number, 1))};
	uint64_t days = cron->days | special_days(cron, &month);
	uint64_t weekdays = days_of_weekdays(&month, cron->weekdays) | special_weekdays(cron, &month);
	bool either = !cron->any_day && !cron->any_weekday;

	return (either ? days | weekdays : days & weekdays) & below(month.length + 1);
}

static bool year_matches(const struct cron *cron, int year)
{
	int n = year - CRON_YEAR_FIRST;

	if (cron->any_year)
		return true;
	return year >= CRON_YEAR_FIRST && year <= CRON_YEAR_LAST && has(cron->years[n / 64], n % 64);
}

static bool month_matches(const struct cron *cron, int year, int month)
{
	return has(cron->months, month) && year_matches(cron, year);
}

/* Moves to the next month that matches; false if there is none up to year LAST. */
static bool next_month(const struct cron *cron, int *year, int *month, int last)
{
	uint64_t later = cron->months & above(*month);

	if (later && year_matches(cron, *year)) {
		*month = lowest(later);
		return true;
	}
	*month = lowest(cron->months);
	do
		++*year;
	while (*year <= last && !year_matches(cron, *year));
	return *year <= last;
}

static bool previous_month(const struct cron *cron, int *year, int *month, int first)
{
	uint64_t earlier = cron->months & below(*month);

	if (earlier && year_matches(cron, *year)) {
		*month = highest(earlier);
		return true;
	}
	*month = highest(cron->months);
	do
		--*year;
	while (*year >= first && !year_matches(cron, *year));
	return *year >= first;
}

/* The first day at or after DAYS (since 1970) that matches. */
static bool day_from(const struct cron *cron, int64_t *days)
{
	int year, month, day;

	civil_from_days(*days, &year, &month, &day);
	uint64_t wanted = above(day - 1);
	int last = cron->any_year ? year + SEARCH_YEARS : CRON_YEAR_LAST;
	do {
		uint64_t set =
		    month_matches(cron, year, month) ? matching_days(cron, year, month) & wanted : 0;

		if (set) {
			*days = days_from_civil(year, month, lowest(set));
			return true;
		}
		wanted = ~UINT64_C(0);
	} while (next_month(cron, &year, &month, last));
	return false;
}

static bool day_upto(const struct cron *cron, int64_t *days)
{
	int year, month, day;

	civil_from_days(*days, &year, &month, &day);
	uint64_t wanted = below(day + 1);
	int first = cron->any_year ? year - SEARCH_YEARS : CRON_YEAR_FIRST;
	do {
		uint64_t set =
		    month_matches(cron, year, month) ? matching_days(cron, year, month) & wanted : 0;

		if (set) {
			*days = days_from_civil(year, month, highest(set));
			return true;
		}
		wanted = ~UINT64_C(0);
	} while (previous_month(cron, &year, &month, first));
	return false;
}

/* -- both together --------------------------------------------------------------------------------- */

int64_t cron_slot_from(const struct cron *cron, int64_t wall)
{
	int64_t today = floor_div(wall, DAY), day = today;
	int time = time_from(cron, (int)(wall - today * DAY));

	if (time < 0)
		day++; /* too late today */
	if (!day_from(cron, &day))
		return CRON_NONE_AFTER;
	if (day != today)
		time = first_in_hour(cron, lowest(cron->hours));
	return day * DAY + time;
}

int64_t cron_slot_upto(const struct cron *cron, int64_t wall)
{
	int64_t today = floor_div(wall, DAY), day = today;
	int time = time_upto(cron, (int)(wall - today * DAY));

	if (time < 0)
		day--; /* too early today */
	if (!day_upto(cron, &day))
		return CRON_NONE_BEFORE;
	if (day != today)
		time = last_in_hour(cron, highest(cron->hours));
	return day * DAY + time;
}
