/* SPDX-License-Identifier: MIT */
/* Heads planned and counted in a shift, by role. */
#ifndef ZONE_STAFFING_H
#define ZONE_STAFFING_H

#include <bmad/json.h>
#include <bmad/sql.h>

#include "jobs/zone/shift.h"

struct staffing_role {
	const char *name;
	int64_t planned, actual;
	bool counted; /* else `actual` is unknown */
};

struct staffing {
	struct staffing_role *roles; /* by name; none: nobody entered anything */
	size_t role_count;
	int64_t planned, actual; /* of all roles */
	bool counted;            /* all of them are */
};

/* As it stood at AS_OF. Everything lives in ARENA. */
struct err *staffing_load(struct sql *db, const struct zone *zone, const struct shift *shift, utc_t as_of,
    struct arena *arena, struct staffing *out_staffing) MUST_CHECK;

/* Sets `staffing`: the object, or null where there is no row. */
void put_staffing(struct json *data, const struct staffing *staffing);

#endif
