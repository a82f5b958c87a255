/* SPDX-License-Identifier: MIT */
/* What the rules of alerts look at: the last hour of a zone, as it stood at `as_of`. */
#ifndef ZONE_ALERT_SCENE_H
#define ZONE_ALERT_SCENE_H

#include <bmad/sql.h>

#include "jobs/zone/plan.h"
#include "jobs/zone/staffing.h"
#include "jobs/zone/stop_table.h"
#include "jobs/zone/tally.h"

/* The last cycles of a station in its shift. */
struct last_cycles {
	bool enough; /* as many as were asked for */
	int64_t ms;  /* their sum */
};

struct scene {
	const struct zone *zone;
	struct plan plan;
	utc_t now;      /* what happened later is not looked at */
	utc_t hour_ago; /* both not before the shift's start */
	utc_t half_hour_ago;
	struct tally *hour, *half_hour; /* [stations] */
	struct last_cycles *cycles;     /* [stations] */
	utc_t newest;                   /* the zone's last row of this shift; the shift's start */
	bool any_row;                   /* of this shift */
	struct stop_table stops;        /* those that touch the last hour, or `stops_s` */
	struct staffing staffing;
	int64_t slow_pct; /* of the ideal cycle: above it, cycles are slow */
};

/* What the rules' settings ask of a scene. */
struct scene_needs {
	utc_t now, as_of;
	int64_t cycles;  /* how many of a station count as its last */
	int64_t stops_s; /* how far back stops are looked at */
	int64_t slow_pct;
};

/* Everything lives in ARENA. */
struct err *scene_load(struct sql *db, const struct zone *zone, const struct scene_needs *needs,
    struct arena *arena, struct scene *out_scene) MUST_CHECK;

/* The target of LINE over the last hour as a fraction: *OUT_TARGET / the returned number. */
int64_t scene_target(const struct scene *scene, size_t line, int64_t *out_target);
/* What the stations of LINE counted in the last hour. */
struct tally scene_line(const struct scene *scene, size_t line);

/* True if [FROM, now) lies wholly in planned stops: at STATION, or at every one of LINE (ALL_LINES: of the
 * zone). */
bool scene_station_planned(const struct scene *scene, size_t station, utc_t from);
bool scene_line_planned(const struct scene *scene, size_t line, utc_t from);

/* Seconds for which an own stop of STATION is open now (0: none), or since none was (UTC_NEVER: long ago). */
int64_t scene_open_s(const struct scene *scene, size_t station);
int64_t scene_running_s(const struct scene *scene, size_t station);

/*
 * The nearest station before (STEP -1) or behind (STEP 1) STATION on its line that was stopped by itself or
 * slow in the last half hour; or SIZE_MAX.
 */
size_t scene_cause(const struct scene *scene, size_t station, int step);

#endif
