/* SPDX-License-Identifier: MIT */
/*
 * Schedules: cron expressions, macros and @every as pure values.
 *
 * schedule_parse() once, then schedule_next() and schedule_prev() as often as wanted: they allocate
 * nothing, read no clock and no TZ, and cost about as little for a sparse expression as for a dense one.
 * Grammar, DST rule and search bound: spec "Schedules", sections 1-3, as bmad.yaml(5) tells them.
 */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>
#include <bmad/time.h>

struct schedule;

/*
 * Parses TEXT as read in zone TZ (a `CRON_TZ=Zone ` prefix wins over it). JOB names the job for `H` and
 * `~`; NULL where there is none. CONFIG error whose message begins with `column N: ` (from 1), says what
 * was expected, and is also given as *OUT_COLUMN (may be NULL).
 */
struct err *schedule_parse(const char *text, const struct tz *tz, const char *job,
    struct schedule **out_schedule, int *out_column) MUST_CHECK;
void schedule_destroy(struct schedule *schedule);

/* The first instant strictly after AFTER; UTC_NEVER when there is none within 100 years. */
utc_t schedule_next(const struct schedule *schedule, utc_t after);

/* The last instant strictly before BEFORE; -1 when there is none since 1970. */
utc_t schedule_prev(const struct schedule *schedule, utc_t before);

/* The expression as written, and the zone it is read in. */
const char *schedule_text(const struct schedule *schedule);
const struct tz *schedule_tz(const struct schedule *schedule);

#endif
