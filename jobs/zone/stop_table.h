/* SPDX-License-Identifier: MIT */
/* The stops of a zone that touch a window, station by station. */
#ifndef ZONE_STOP_TABLE_H
#define ZONE_STOP_TABLE_H

#include <bmad/sql.h>

#include "jobs/zone/plant.h"
#include "jobs/zone/stops.h"

struct stop_table {
	struct stop *stops; /* by station, then start */
	size_t *first;      /* [stations + 1]: where each station's begin */
};

/* Those that touch [FROM, TO), as they stood at AS_OF. Everything lives in ARENA. */
struct err *stops_load(struct sql *db, const struct zone *zone, utc_t from, utc_t to, utc_t as_of,
    struct arena *arena, struct stop_table *out_table) MUST_CHECK;

/* One station's, by start. */
const struct stop *stops_of(const struct stop_table *table, size_t station, size_t *out_count);

/* stops_seconds() of one station. */
int64_t stops_at(const struct stop_table *table, size_t station, unsigned set, utc_t from, utc_t to);

#endif
