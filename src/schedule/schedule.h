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

struct cron;
struct schedule;

enum schedule_kind {
	SCHEDULE_CRON,
	SCHEDULE_EVERY,
	SCHEDULE_AT,
	SCHEDULE_REBOOT, /* once per boot of the host: the daemon knows when */
	SCHEDULE_MODULE, /* the job module names its slots */
};

/*
 * What a clock-time job does where wall-clock time is missing (a gap) or comes twice (an overlap). The
 * same for all: interval-like jobs follow elapsed time.
 */
enum dst_rule {
	DST_VIXIE,   /* gap: once, at its end; overlap: in the first pass */
	DST_RFC5545, /* gap: at the wall time read with the offset before it; overlap: in the first pass */
	DST_SKIP,    /* gap: not at all; overlap: in the first pass */
	DST_BOTH,    /* gap: once, at its end; overlap: in both passes */
};

/* `vixie`, `rfc5545`, `skip`, `both`. CONFIG error for any other name. */
struct err *dst_rule_parse(const char *name, enum dst_rule *out_rule) MUST_CHECK;

/*
 * Parses TEXT as read in zone TZ (a `CRON_TZ=Zone ` prefix wins over it), borrowing TZ. JOB names the job
 * for `H` and `~`; NULL where there is none. CONFIG error whose message begins with `column N: ` (from 1)
 * and says what was expected; the column is also given as *OUT_COLUMN (may be NULL).
 */
struct err *schedule_parse(const char *text, const struct tz *tz, const char *job, enum dst_rule dst,
    struct schedule **out_schedule, int *out_column) MUST_CHECK;
void schedule_destroy(struct schedule *schedule);

enum schedule_kind schedule_kind(const struct schedule *schedule);

/*
 * The first instant strictly after AFTER; UTC_NEVER when there is none within 100 years, and always for
 * @reboot and @module.
 */
utc_t schedule_next(const struct schedule *schedule, utc_t after);

/* The last instant strictly before BEFORE; -1 when there is none since 1970 (or within 100 years). */
utc_t schedule_prev(const struct schedule *schedule, utc_t before);

/* What it compiled to, NULL for kinds other than SCHEDULE_CRON; and its rule for changes of the clocks. */
const struct cron *schedule_cron(const struct schedule *schedule);
enum dst_rule schedule_dst(const struct schedule *schedule);

/* The expression as written, and the zone it is read in. */
const char *schedule_text(const struct schedule *schedule);
const struct tz *schedule_tz(const struct schedule *schedule);

#endif
