/* SPDX-License-Identifier: MIT */
/*
 * What the database counts: rows of unit_event and ncm_event, station by station, over several windows at
 * once, as they stood at `as_of` (rows recorded later do not exist).
 */
#ifndef ZONE_TALLY_H
#define ZONE_TALLY_H

#include <bmad/sql.h>

#include "jobs/zone/shift.h"
#include "jobs/zone/stops.h"

/* What is counted. The groups stand in the order of their queries' columns. */
enum figure {
	/* unit_event */
	N_ROWS,
	N_OUTPUT, /* units leaving the line, each once */
	N_LATE,   /* those of them that were recorded after the window's `late` */
	N_PASS,
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

/* [FROM, TO); an output row recorded after LATE is a late one. */
struct window {
	utc_t from, to, late;
};

struct windows {
	const struct window *items;
	size_t count;
};

/* Sets the figures of unit_event and ncm_event in OUT, which has [windows][stations]. */
struct err *tally_load(struct sql *db, const struct zone *zone, struct windows windows, utc_t as_of,
    struct arena *arena, struct tally *out) MUST_CHECK;
/* N_OUTPUT alone, from the exit stations alone. */
struct err *tally_load_output(struct sql *db, const struct zone *zone, struct windows windows, utc_t as_of,
    struct arena *arena, struct tally *out) MUST_CHECK;

/* What all lines put out in SHIFT. */
struct err *tally_shift_output(struct sql *db, const struct zone *zone, const struct shift *shift,
    utc_t as_of, struct arena *arena, int64_t *out_output) MUST_CHECK;

void tally_add(struct tally *sum, const struct tally *tally);

#endif
