/* SPDX-License-Identifier: MIT */
/*
 * What the slips report needs of the table `buildables`, read row by row: a bit per service and region, notes
 * where there is no plan, and whole rows only of plans that changed in the window.
 */
#ifndef JOBS_SLIPS_GATHER_H
#define JOBS_SLIPS_GATHER_H

#include <bmad/mem.h>
#include <bmad/run.h>
#include <bmad/sql.h>

#include <uthash.h>

/* From FROM on, up to but without UNTIL. */
struct window {
	utc_t from, until;
};

struct region {
	const char *code; /* in the arena, as all texts here */
	size_t number;    /* from 0; SIZE_MAX: not launched */
	bool named;       /* by a plan of a service with metadata */
	UT_hash_handle hh;
};

/* A plan that is none: its note, for the reader who wonders why. */
struct plan_note {
	struct plan_note *next;
	size_t region;
	const char *text;
};

struct service {
	const char *rip_name, *name_pretty;
	const char *instance; /* of its metadata; NULL: it has none, and its plans are left out */
	size_t plans;
	/* Bits of regions that it has an entry for, and of those with a valid plan; NULL: none. */
	uint64_t *entries, *valid;
	size_t words;
	struct plan_note *notes;
	UT_hash_handle hh;
};

/* A valid plan that was updated in the window. */
struct change {
	struct service *service;
	const struct region *region;
	int64_t version_latest;
	utc_t date, updated, earlier;
	int64_t earlier_version; /* 0: there is none */
	const char *updater, *note;
	UT_hash_handle hh; /* by service and region, while earlier values are looked for */
	struct {
		const struct service *service;
		const struct region *region;
	} key;
};

struct gathered {
	struct run *run;
	struct arena arena;
	struct service *services; /* hash by rip_name: those with metadata */
	struct region *regions;   /* hash by code: those not launched, and those that plans name */
	size_t region_count;      /* of the latter */
	struct change **changes;
	size_t change_count, change_capacity;
	size_t warnings; /* rows that hold something unusable */
};

enum baseline { BASELINE_LAST_CHANGE, BASELINE_CUTOFF };

/* An instant as the table has it: as good as NULL if it is neither an instant nor a date. */
bool read_instant(const struct sql_value *value, utc_t *out_at);
/* NULL, empty, or nothing but space, tab, CR, LF, VT, FF. */
bool is_blank(const char *text);

/* Reads all of it; the caller's snapshot is open. OUT is cleared but for `run`; gathered_done() in any case.
 */
struct err *gather(
    struct sql *db, const struct window *window, enum baseline baseline, struct gathered *out) MUST_CHECK;
/* Whether the database understands what gather() asks. */
struct err *gather_try(struct sql *db, enum baseline baseline) MUST_CHECK;
void gathered_done(struct gathered *gathered);

bool has_valid_plan(const struct service *service, size_t region);
/* The note of SERVICE's entry for REGION that is no valid plan, or NULL. */
const char *note_of(const struct service *service, size_t region);

#endif
