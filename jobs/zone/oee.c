/* SPDX-License-Identifier: MIT */
/*
 * availability x performance x quality: each cut of the planned time has its cause. Starved and blocked time
 * is lost here, unlike in the search for a bottleneck: the line's constraint did not run.
 */
#include "jobs/zone/oee.h"

#include "jobs/zone/measure.h"

#define EVERY_CATEGORY ((1u << CATEGORIES) - 1)

struct oee oee_of(const struct count *count, size_t station)
{
	const struct shift *shift = &count->plan.shift;
	struct tally tally = count_station(count, station, 1, count->last);
	int64_t ideal = count->plan.zone->stations[station].ideal_cycle_ms;
	int64_t breaks = tally.n[N_STOP_S + PLANNED];
	int64_t stopped = stops_at(&count->stops, station, EVERY_CATEGORY, shift->start, shift->end);
	int64_t planned = shift->end - shift->start - breaks;
	int64_t run = planned - (stopped - breaks);

	return (struct oee){
	    .availability = pct_tenths(run, planned),
	    .performance = pct_tenths(ideal * tally.n[N_ROWS], 1000 * run),
	    .quality = pct_tenths(tally.n[N_PASS], tally.n[N_ROWS]),
	    .oee = pct_tenths(ideal * tally.n[N_PASS], 1000 * planned),
	};
}

/* The first in the order of flow. */
static const struct station *constraint_of(const struct zone *zone, size_t line)
{
	for (size_t i = 0; i < zone->station_count; i++)
		if (zone->stations[i].line == line && zone->stations[i].is_constraint)
			return &zone->stations[i];
	return NULL;
}

void put_oee(struct json *object, const struct count *count, size_t line)
{
	const struct zone *zone = count->plan.zone;
	const struct station *constraint = constraint_of(zone, line);

	if (!constraint) {
		json_set_null(object, "oee");
		return;
	}
	struct oee oee = oee_of(count, (size_t)(constraint - zone->stations));
	struct json *values = json_set_object(object, "oee");
	json_set_string(values, "station_id", constraint->id);
	json_set_string(values, "station", constraint->name);
	set_tenths(values, "availability_pct", oee.availability);
	set_tenths(values, "performance_pct", oee.performance);
	set_tenths(values, "quality_pct", oee.quality);
	set_tenths(values, "oee_pct", oee.oee);
}
