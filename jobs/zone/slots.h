/* SPDX-License-Identifier: MIT */
/*
 * The slots of zone jobs with the schedule `@module`: a module's `slots` hook is one call of this file.
 *
 *	static struct err *zone_eos_slots(struct run *run, utc_t from, utc_t to)
 *	{
 *		const struct zone_eos_options *o = run_options(run);
 *		struct zone_slots of = {.source = o->source, .zones = o->zones};
 *
 *		return zone_slots_shift_end(run, &of, o->delay_ms / 1000, from, to);
 *	}
 *
 * Where zones of one job have slots at the same instant, these are one slot, named by the first of them in
 * the job's order: one run reports them all. A shift that is not scheduled has its slots too.
 */
#ifndef ZONE_SLOTS_H
#define ZONE_SLOTS_H

#include <bmad/option.h>
#include <bmad/run.h>

#include "jobs/zone/plant.h"

struct zone_slots {
	const char *source;
	struct texts zones; /* zone_id's, at least one; none: all of the table zone */
};

/* The end of each hour bucket + GRACE_S: `Z1|2024-11-02|NIGHT|9`. */
struct err *zone_slots_hourly(
    struct run *run, const struct zone_slots *of, int64_t grace_s, utc_t from, utc_t to) MUST_CHECK;

/*
 * The end of each shift + DELAY_S: `Z1|2024-11-02|NIGHT`. A report that looks back by a grace needs a delay
 * that is not shorter.
 */
struct err *zone_slots_shift_end(
    struct run *run, const struct zone_slots *of, int64_t delay_s, utc_t from, utc_t to) MUST_CHECK;

/* FIRST_S into each shift, then every STEP_S while it lasts: `Z1|2024-11-02|NIGHT|35` at minute 35. */
struct err *zone_slots_staffing(struct run *run, const struct zone_slots *of, int64_t first_s, int64_t step_s,
    utc_t from, utc_t to) MUST_CHECK;

/* DELAY_S after the last of the zones has ended the last shift of a shift date: `2024-11-02`. */
struct err *zone_slots_daily(
    struct run *run, const struct zone_slots *of, int64_t delay_s, utc_t from, utc_t to) MUST_CHECK;

/* -- the arithmetic of it: pure ---------------------------------------------------------------- */

struct zone_slot {
	const char *key; /* in the list's arena */
	utc_t at;
};

/* Slots of [from, to), as they are found. */
struct zone_slot_list {
	struct arena *arena;
	utc_t from, to;
	struct zone_slot *items; /* to be free()d */
	size_t count, capacity;
};

void zone_add_hourly(struct zone_slot_list *list, const struct zone *zone, int64_t grace_s);
void zone_add_shift_ends(struct zone_slot_list *list, const struct zone *zone, int64_t delay_s);
void zone_add_staffing(struct zone_slot_list *list, const struct zone *zone, int64_t first_s, int64_t step_s);
void zone_add_daily(struct zone_slot_list *list, const struct zone *zones, size_t count, int64_t delay_s);
/* When the last shift of the shift date DATE ends in the last of ZONES; -1: none of them has one. */
utc_t zone_date_end(const struct zone *zones, size_t count, int64_t date);
/* Into the order of time, without those at the instant of one that was added before. */
void zone_slots_arrange(struct zone_slot_list *list);

#endif
