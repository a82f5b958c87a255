/* SPDX-License-Identifier: MIT */
/*
 * Cron expressions: the compiled form, its slots in wall time (seconds since 1970 as a clock on a wall
 * counts them, without a zone), and its fires in a zone. For schedule.c; others use schedule.h.
 */
#ifndef SCHEDULE_CRON_H
#define SCHEDULE_CRON_H

#include <bmad/err.h>
#include <bmad/time.h>

#include "schedule/schedule.h"

#define CRON_YEAR_FIRST 1970
#define CRON_YEAR_LAST  2199
#define CRON_YEAR_WORDS ((CRON_YEAR_LAST - CRON_YEAR_FIRST) / 64 + 1)

/* Sets are bits: bit 5 of `minutes` is minute 5, bit 5 of `weekdays` is Friday. Never empty together. */
struct cron {
	uint64_t seconds, minutes;
	uint64_t years[CRON_YEAR_WORDS]; /* bit 0 is CRON_YEAR_FIRST; not for any_year */
	uint64_t nth_weekdays;           /* bit 7 * (n - 1) + weekday: the month's n-th (`fri#2`) */
	uint32_t hours;
	uint32_t days;      /* bits 1 to 31 */
	uint32_t days_left; /* bit n: n days before the month's last (`L`, `L-3`) */
	uint32_t workdays;  /* bit n: the weekday nearest the n-th (`15W`) */
	uint16_t months;    /* bits 1 to 12 */
	uint8_t weekdays;
	uint8_t last_weekdays;               /* bit n: the month's last of that weekday (`friL`) */
	bool last_workday;                   /* `LW` */
	bool any_day, any_weekday, any_year; /* the field starts with `*` or is `?` */
};

/*
 * Compiles the fields from AT on, which stands in the expression TEXT (columns count from there). JOB as
 * in schedule_parse(). The error's message begins with `column N: `; *OUT_COLUMN is set with it.
 */
struct err *cron_parse(
    const char *text, const char *at, const char *job, struct cron *out_cron, int *out_column) MUST_CHECK;

/* -- wall time: cron_wall.c ------------------------------------------------------------------------ */

#define CRON_NONE_AFTER  INT64_MAX
#define CRON_NONE_BEFORE INT64_MIN

/* The first slot at or after WALL; CRON_NONE_AFTER when there is none in 400 years. */
int64_t cron_slot_from(const struct cron *cron, int64_t wall);
/* The last slot at or before WALL; CRON_NONE_BEFORE when there is none in 400 years. */
int64_t cron_slot_upto(const struct cron *cron, int64_t wall);

/* Whether there are slots in the hour after WALL by second, minute and hour alone, on a day that matches. */
bool cron_has_time_in_hour(const struct cron *cron, int64_t wall);

/* -- fires: cron_fire.c ---------------------------------------------------------------------------- */

struct tz_interval;

/* Whether the DST rule, not elapsed time, says what it does at the change of the clocks at INTERVAL's start. */
bool cron_is_clock_time(const struct cron *cron, const struct tz_interval *interval);

/* The first fire at or after FROM, the last at or before UPTO; UTC_NEVER and -1 beyond LIMIT. */
utc_t cron_fire_from(
    const struct cron *cron, const struct tz *tz, enum dst_rule dst, utc_t from, utc_t limit);
utc_t cron_fire_upto(
    const struct cron *cron, const struct tz *tz, enum dst_rule dst, utc_t upto, utc_t limit);

#endif
