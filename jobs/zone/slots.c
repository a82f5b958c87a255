/* SPDX-License-Identifier: MIT */
/* When zone jobs are due: slots from shift definitions. */
#include "jobs/zone/slots.h"

#include <stdlib.h>

#include "jobs/zone/shift.h"

#define DAY_S 86400
#define DATE_SPREAD                                                                                          \
	3 /* days by which a shift's end may stand apart from its date: its length, and the zone */

/* -- lists ------------------------------------------------------------------------------------- */

static bool wanted(const struct zone_slot_list *list, utc_t at)
{
	return at >= list->from && at < list->to;
}

static void add(struct zone_slot_list *list, const char *key, utc_t at)
{
	mem_grow(list->items, list->count, list->capacity);
	list->items[list->count++] = (struct zone_slot){key, at};
}

static const char *shift_key(
    const struct zone_slot_list *list, const struct zone *zone, const struct shift *shift)
{
	char date[TIME_TEXT];

	return arena_format(list->arena, "%s|%s|%s", zone->id, date_format(shift->date, date), shift->type);
}

/* `Z1|2024-11-02|NIGHT|9` */
static void add_part(
    struct zone_slot_list *list, const struct zone *zone, const struct shift *shift, int64_t no, utc_t at)
{
	if (wanted(list, at))
		add(list, arena_format(list->arena, "%s|%lld", shift_key(list, zone, shift), (long long)no),
		    at);
}

/* The slot's place in the list stands for the order in which zones were added. */
struct ranked {
	struct zone_slot slot;
	size_t rank;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->slot.at != b->slot.at)
		return a->slot.at < b->slot.at ? -1 : 1;
	return (a->rank > b->rank) - (a->rank < b->rank);
}

void zone_slots_arrange(struct zone_slot_list *list)
{
	struct ranked *ranked = arena_alloc(list->arena, (list->count + 1) * sizeof(*ranked));
	size_t count = list->count;

	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){list->items[i], i};
	qsort(ranked, count, sizeof(*ranked), compare_ranked);
	list->count = 0;
	for (size_t i = 0; i < count; i++)
		if (i == 0 || ranked[i].slot.at != ranked[i - 1].slot.at)
			list->items[list->count++] = ranked[i].slot;
}

/* -- the slots of one zone ----------------------------------------------------------------------- */

/* The first shift that may have a slot in the list, when its last one is DELAY_S after its end. */
static struct shift first_shift(const struct zone_slot_list *list, const struct zone *zone, int64_t delay_s)
{
	return shift_at(zone, list->from - delay_s - 1);
}

static struct shift shift_after(const struct zone *zone, const struct shift *shift)
{
	return shift_at(zone, shift->end);
}

void zone_add_hourly(struct zone_slot_list *list, const struct zone *zone, int64_t grace_s)
{
	struct shift shift = first_shift(list, zone, grace_s);

	for (; shift.start + grace_s < list->to; shift = shift_after(zone, &shift))
		for (int64_t no = 1; no <= shift_hours(&shift); no++)
			add_part(list, zone, &shift, no, shift_bucket(&shift, no).end + grace_s);
}

void zone_add_shift_ends(struct zone_slot_list *list, const struct zone *zone, int64_t delay_s)
{
	struct shift shift = first_shift(list, zone, delay_s);

	for (; shift.end + delay_s < list->to; shift = shift_after(zone, &shift))
		if (wanted(list, shift.end + delay_s))
			add(list, shift_key(list, zone, &shift), shift.end + delay_s);
}

void zone_add_staffing(struct zone_slot_list *list, const struct zone *zone, int64_t first_s, int64_t step_s)
{
	struct shift shift = first_shift(list, zone, 0);

	for (; shift.start < list->to; shift = shift_after(zone, &shift))
		for (utc_t at = shift.start + first_s; at < shift.end; at += step_s)
			add_part(list, zone, &shift, (at - shift.start) / 60, at);
}

/* -- the slots of a plant ------------------------------------------------------------------------ */

/* When the last shift of the local date DATE ends; -1 if none starts on it. */
static utc_t date_end(const struct zone *zone, int64_t date)
{
	struct civil midnight = {0};
	utc_t end = -1;

	civil_from_days(date, &midnight.year, &midnight.month, &midnight.day);
	struct shift shift = shift_at(zone, tz_to_utc(zone->tz, &midnight) - 1);
	for (; shift.date <= date; shift = shift_after(zone, &shift))
		if (shift.date == date)
			end = shift.end;
	return end;
}

utc_t zone_date_end(const struct zone *zones, size_t count, int64_t date)
{
	utc_t last = -1;

	for (size_t i = 0; i < count; i++) {
		utc_t end = date_end(&zones[i], date);

		if (end > last)
			last = end;
	}
	return last;
}

void zone_add_daily(struct zone_slot_list *list, const struct zone *zones, size_t count, int64_t delay_s)
{
	char text[TIME_TEXT];

	for (int64_t date = (list->from - delay_s) / DAY_S - DATE_SPREAD; date <= list->to / DAY_S + 1;
	     date++) {
		utc_t end = zone_date_end(zones, count, date);

		if (end >= 0 && wanted(list, end + delay_s))
			add(list, arena_copy(list->arena, date_format(date, text)), end + delay_s);
	}
}

/* -- hooks --------------------------------------------------------------------------------------- */

/* The zones of a job, and the slots found for them. */
struct hook {
	struct arena arena;
	struct zone *zones;
	size_t count;
	struct zone_slot_list list;
};

static void hook_done(struct hook *hook)
{
	free(hook->list.items);
	arena_done(&hook->arena);
}

static struct err *load_zones(struct sql *db, const struct zone_slots *of, struct hook *hook)
{
	struct texts ids = of->zones;

	if (!ids.count)
		TRY(zone_list(db, &hook->arena, &ids), "list the zones");
	hook->count = ids.count;
	hook->zones = arena_alloc(&hook->arena, (ids.count + 1) * sizeof(*hook->zones));
	for (size_t i = 0; i < ids.count; i++)
		TRY(zone_load_shifts(db, ids.items[i], &hook->arena, &hook->zones[i]),
		    "read the shifts of zone %s", ids.items[i]);
	return NULL;
}

static struct err *begin(
    struct run *run, const struct zone_slots *of, utc_t from, utc_t to, struct hook *hook)
{
	struct sql *db;

	hook->list = (struct zone_slot_list){.arena = &hook->arena, .from = from, .to = to};
	run_step(run, "read the shifts from source %s", of->source);
	TRY(run_source(run, of->source, &db), "open the source");
	TRY(sql_begin(db), "read the shifts");
	PASS(load_zones(db, of, hook));
	return sql_end(db);
}

static struct err *name_all(struct run *run, struct hook *hook)
{
	zone_slots_arrange(&hook->list);
	for (size_t i = 0; i < hook->list.count; i++)
		run_name_slot(run, hook->list.items[i].key, hook->list.items[i].at);
	return NULL;
}

struct err *zone_slots_hourly(
    struct run *run, const struct zone_slots *of, int64_t grace_s, utc_t from, utc_t to)
{
	cleanup(hook_done) struct hook hook = {0};

	PASS(begin(run, of, from, to, &hook));
	for (size_t i = 0; i < hook.count; i++)
		zone_add_hourly(&hook.list, &hook.zones[i], grace_s);
	return name_all(run, &hook);
}

struct err *zone_slots_shift_end(
    struct run *run, const struct zone_slots *of, int64_t delay_s, utc_t from, utc_t to)
{
	cleanup(hook_done) struct hook hook = {0};

	PASS(begin(run, of, from, to, &hook));
	for (size_t i = 0; i < hook.count; i++)
		zone_add_shift_ends(&hook.list, &hook.zones[i], delay_s);
	return name_all(run, &hook);
}

struct err *zone_slots_staffing(
    struct run *run, const struct zone_slots *of, int64_t first_s, int64_t step_s, utc_t from, utc_t to)
{
	cleanup(hook_done) struct hook hook = {0};

	PASS(begin(run, of, from, to, &hook));
	for (size_t i = 0; i < hook.count; i++)
		zone_add_staffing(&hook.list, &hook.zones[i], first_s, step_s);
	return name_all(run, &hook);
}

struct err *zone_slots_daily(
    struct run *run, const struct zone_slots *of, int64_t delay_s, utc_t from, utc_t to)
{
	cleanup(hook_done) struct hook hook = {0};

	PASS(begin(run, of, from, to, &hook));
	zone_add_daily(&hook.list, hook.zones, hook.count, delay_s);
	return name_all(run, &hook);
}
