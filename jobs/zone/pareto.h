/* SPDX-License-Identifier: MIT */
/* Where a shift's lost time and its nonconforming material came from, the largest share first. */
#ifndef ZONE_PARETO_H
#define ZONE_PARETO_H

#include <bmad/json.h>
#include <bmad/sql.h>

#include "jobs/zone/count.h"

#define DEFECTS_SHOWN 5

struct defects {
	struct defect {
		const char *code;
		int64_t qty;
	} items[DEFECTS_SHOWN]; /* by quantity, then code */
	size_t count;
	int64_t total; /* of all codes */
};

/* The defects of SHIFT as it stood at AS_OF. */
struct err *defects_load(struct sql *db, const struct zone *zone, const struct shift *shift, utc_t as_of,
    struct arena *arena, struct defects *out_defects) MUST_CHECK;

/* Sets `downtime_pareto`, `ncm_pareto`, over the whole shift. */
void put_downtime_pareto(struct json *data, const struct count *count);
void put_ncm_pareto(struct json *data, const struct defects *defects);

#endif
