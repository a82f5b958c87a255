/* SPDX-License-Identifier: MIT */
/*
 * The cutoff: up to where changes have been reported. It stands in `buildables` (or in the job's state), the
 * reports in bmad's store, and the two cannot be written at once. So each run commits, together with its
 * message, up to where its window went (the ledger, in the job's state, keyed by the old cutoff), and moves
 * the cutoff afterwards. A run that died in between has left the ledger's entry, by which the next one moves
 * the cutoff before it reads on: no window is reported twice, and none is lost.
 */
#ifndef JOBS_SLIPS_CUTOFF_H
#define JOBS_SLIPS_CUTOFF_H

#include <bmad/mem.h>
#include <bmad/run.h>
#include <bmad/sql.h>

struct cutoff_place {
	const char *source;
	bool in_table; /* else in the job's state */
};

/* As it was read. */
struct cutoff {
	bool exists; /* there is a record */
	bool usable; /* it holds an instant: AT */
	utc_t at;
	struct sql_value stored; /* what the record holds, for moving it only from there */
};

/* The cutoff from which this run is to report, after what an earlier run has left undone. */
struct err *cutoff_read(struct run *run, const struct cutoff_place *place, struct arena *arena,
    struct cutoff *out_cutoff) MUST_CHECK;

/* Leaves with the run's commit that the window from CUTOFF went up to UNTIL. */
void cutoff_promise(
    struct run *run, const struct cutoff_place *place, const struct cutoff *cutoff, utc_t until);

/* After the commit, and as often as one likes: moves the cutoff as promised. */
struct err *cutoff_move(struct run *run, const struct cutoff_place *place) MUST_CHECK;

#endif
