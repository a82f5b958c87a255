/* SPDX-License-Identifier: MIT */
/* What is planned for a shift: its crew, whether anybody works in it, and the target of each bucket. */
#ifndef ZONE_PLAN_H
#define ZONE_PLAN_H

#include <bmad/sql.h>

#include "jobs/zone/shift.h"

#define ALL_LINES SIZE_MAX

/* What the crew calendar has of a shift. */
struct crew {
	bool known;       /* there is a row */
	bool scheduled;   /* so it says; without a row as well */
	const char *name; /* or NULL */
};

/* ZONE_ID and the shift's date and type name the row; the crew's name lives in ARENA. */
struct err *crew_load(struct sql *db, const char *zone_id, const struct shift *shift, struct arena *arena,
    struct crew *out_crew) MUST_CHECK;

struct plan {
	const struct zone *zone;
	struct shift shift;
	int64_t hours; /* buckets of the shift */
	struct crew crew;

	int64_t *targets; /* [hours][lines], 0 where there is none */
	bool *no_target;  /* [lines]: some bucket is without one */
};

/* Everything lives in ARENA. */
struct err *plan_load(struct sql *db, const struct zone *zone, const struct shift *shift, struct arena *arena,
    struct plan *out_plan) MUST_CHECK;

/* Units planned in buckets FROM to TO, by one line or by ALL_LINES. */
int64_t plan_target(const struct plan *plan, size_t line, int64_t from, int64_t to);

#endif
