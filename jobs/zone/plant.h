/* SPDX-License-Identifier: MIT */
/* What the plant's database says of a zone itself: its lines, stations and shift times. */
#ifndef ZONE_PLANT_H
#define ZONE_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>
#include <bmad/mem.h>
#include <bmad/option.h>
#include <bmad/sql.h>
#include <bmad/time.h>

#define ZONE_STARTS_MAX 24

struct station {
	const char *id, *name;
	size_t line; /* index in the zone's lines */
	int64_t seq;
	int64_t ideal_cycle_ms; /* > 0 */
	bool is_exit;
	bool is_constraint;
};

struct line {
	const char *id, *name;
	int64_t sort;
	bool has_exit;
};

struct shift_start {
	const char *type;
	int hour, minute; /* local */
};

/* Lines in line order; stations in the order of their lines, then `seq`. Everything lives in one arena. */
struct zone {
	const char *id, *name;
	const struct tz *tz;
	struct shift_start starts[ZONE_STARTS_MAX]; /* at least one */
	size_t start_count;
	struct line *lines;
	size_t line_count;
	struct station *stations;
	size_t station_count;
};

/* CONFIG error for an unknown zone, naming those there are; PERMANENT for a row that cannot be used. */
struct err *zone_load(struct sql *db, const char *id, struct arena *arena, struct zone *out_zone) MUST_CHECK;

/* The same without lines and stations: what tells when its shifts are. */
struct err *zone_load_shifts(
    struct sql *db, const char *id, struct arena *arena, struct zone *out_zone) MUST_CHECK;
/* Every zone_id of the table zone, in the order they are shown. */
struct err *zone_list(struct sql *db, struct arena *arena, struct texts *out_ids) MUST_CHECK;

/* Index of the station or line, or an error: the queries join these tables, so it must be there. */
struct err *zone_station(const struct zone *zone, const char *id, size_t *out_index) MUST_CHECK;
struct err *zone_line(const struct zone *zone, const char *id, size_t *out_index) MUST_CHECK;

#endif
