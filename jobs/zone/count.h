/* SPDX-License-Identifier: MIT */
/*
 * What happened in a shift up to one of its buckets, counted by station and bucket.
 *
 * zone_count() reads it as it stood at `as_of`: rows recorded later do not exist. All measures over a
 * window of whole buckets are sums of these tallies; seconds of stops too, because a union over a window
 * is the sum of its parts over the buckets.
 */
#ifndef ZONE_COUNT_H
#define ZONE_COUNT_H

#include <bmad/sql.h>

#include "jobs/zone/shift.h"
#include "jobs/zone/stops.h"

/* What is counted. The groups stand in the order of their queries' columns. */
enum figure {
	/* unit_event */
	N_ROWS,
	N_OUTPUT, /* units leaving the line, each once */
	N_LATE,   /* those of them that were recorded after their bucket's end + grace */
	N_FAIL,
	N_FIRST,      /* rows with attempt 1 */
	N_FIRST_PASS, /* those of them that passed */
	N_SLOW_MS,    /* above the ideal cycle */
	N_CYCLES,     /* rows with a cycle time, and its sum */
	N_CYCLE_MS,
	UNIT_FIGURES,
	/* ncm_event: quantities */
	N_NCM = UNIT_FIGURES,
	N_SCRAP,
	N_HOLD,
	N_REWORK,
	NCM_END,
	/* downtime_event: seconds of the union over all own losses, and per category */
	N_OWN_S = NCM_END,
	N_STOP_S,
	FIGURES = N_STOP_S + CATEGORIES,
};

struct tally {
	int64_t n[FIGURES];
};

struct count {
	const struct zone *zone;
	struct shift shift;
	utc_t as_of;
	int64_t grace;
	int64_t hours; /* buckets of the shift */
	int64_t last;  /* buckets counted: 1 to last */

	bool has_crew_row;
	bool scheduled;
	const char *crew; /* or NULL */

	int64_t *targets;      /* [hours][lines], 0 where there is none */
	bool *no_target;       /* [lines]: some bucket is without one */
	struct tally *tallies; /* [last][stations] */
	struct stop *stops;    /* by station, then start */
	size_t *first_stop;    /* [stations + 1] */
};

/* Counts SHIFT up to bucket LAST. Everything lives in ARENA. */
struct err *zone_count(struct sql *db, const struct zone *zone, const struct shift *shift, int64_t last,
    utc_t as_of, int64_t grace, struct arena *arena, struct count *out_count) MUST_CHECK;

/* -- pure: over buckets FROM to TO, of one line or station, or of all ------------------------------ */

#define ALL_LINES SIZE_MAX

struct tally count_line(const struct count *count, size_t line, int64_t from, int64_t to);
struct tally count_station(const struct count *count, size_t station, int64_t from, int64_t to);
int64_t count_target(const struct count *count, size_t line, int64_t from, int64_t to);

#endif
