/* SPDX-License-Identifier: MIT */
/* The arithmetic of zone reports. */
#include "jobs/zone/measure.h"

/* Sums of a whole shift times 2000 pass 64 bits before any real plant does, but not before a bad row. */
__extension__ typedef __int128 wide;

static wide floor_div(wide value, wide by)
{
	return value / by - (value % by < 0);
}

/* floor((20 X + UNIT) / (2 UNIT)): X / UNIT in tenths, halves up. */
static int64_t rounded(wide x, wide unit)
{
	wide tenths = floor_div(20 * x + unit, 2 * unit);

	if (tenths > INT64_MAX)
		return INT64_MAX;
	return tenths < -INT64_MAX ? -INT64_MAX : (int64_t)tenths;
}

int64_t in_tenths(int64_t x, int64_t unit)
{
	return rounded(x, unit);
}

int64_t pct_tenths(int64_t part, int64_t whole)
{
	return whole > 0 ? rounded((wide)100 * part, whole) : NO_VALUE;
}

int compare_shares(int64_t part, int64_t whole, int64_t part2, int64_t whole2)
{
	wide a = (wide)part * whole2, b = (wide)part2 * whole;

	return (a > b) - (a < b);
}

int64_t target_share(int64_t target, int64_t seconds)
{
	return (int64_t)floor_div((wide)2 * target * seconds + 3600, 7200);
}

void set_tenths(struct json *object, const char *key, int64_t tenths)
{
	if (tenths == NO_VALUE)
		json_set_null(object, key);
	else
		json_set_tenths(object, key, tenths);
}

void add_tenths(struct json *array, int64_t tenths)
{
	json_add(array, tenths == NO_VALUE ? json_null() : json_tenths(tenths));
}

void set_minutes(struct json *object, const char *key, int64_t seconds)
{
	json_set_tenths(object, key, in_tenths(seconds, 60));
}

void set_minutes_ms(struct json *object, const char *key, int64_t ms)
{
	json_set_tenths(object, key, in_tenths(ms, 60000));
}
