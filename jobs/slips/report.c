/* SPDX-License-Identifier: MIT */
/* What slipped, what improved, and who has no plan. */
#include "jobs/slips/report.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400

/* -- dates ------------------------------------------------------------------------------------------ */

static int64_t day_of(utc_t at)
{
	return at / DAY_S - (at % DAY_S < 0);
}

static void put_date(struct json *object, const char *key, utc_t at)
{
	char text[TIME_TEXT];

	json_set_string(object, key, date_format(day_of(at), text));
}

/* The seconds are cut off. */
static void put_last_sent(struct json *data, utc_t cutoff, bool first)
{
	struct civil at;
	char date[TIME_TEXT], text[TIME_TEXT + 16];

	civil_from_utc(cutoff, &at);
	snprintf(
	    text, sizeof(text), "%s %02d:%02d UTC", date_format(day_of(cutoff), date), at.hour, at.minute);
	json_set_string(data, "last_sent_date", first ? "never" : text);
}

/* -- what moved ------------------------------------------------------------------------------------- */

static int64_t days_moved(const struct change *change)
{
	return day_of(change->date) - day_of(change->earlier);
}

static int64_t magnitude(int64_t days)
{
	return days < 0 ? -days : days;
}

static bool is_listed(struct run *run, const struct change *change, int64_t delta)
{
	const char *service = change->service->rip_name, *region = change->region->code;

	if (!change->earlier_version || change->earlier == UTC_NEVER) {
		run_decide(run, "service %s, region %s: no earlier value to compare with", service, region);
		return false;
	}
	int64_t days = days_moved(change);
	bool listed = days && magnitude(days) >= delta;
	run_decide(run, "service %s, region %s: moved by %lld days: %s", service, region, (long long)days,
	    listed ? "listed"
	    : days ? "less than the delta"
	           : "no change");
	return listed;
}

/* The biggest move first: what the reader needs most, and what stays if a message is cut short. */
static int compare_changes(const void *a, const void *b)
{
	const struct change *one = *(const struct change *const *)a,
	                    *other = *(const struct change *const *)b;
	int64_t by = magnitude(days_moved(other)) - magnitude(days_moved(one));
	int order = (by > 0) - (by < 0);

	if (!order)
		order = strcmp(one->service->rip_name, other->service->rip_name);
	return order ? order : strcmp(one->region->code, other->region->code);
}

static void put_change(struct json *list, const struct change *change)
{
	struct json *object = json_add_object(list);

	json_set_int(object, "change", magnitude(days_moved(change)));
	put_date(object, "current", change->date);
	json_set_string(object, "name_pretty", change->service->name_pretty);
	json_set_string(object, "name_rip", change->service->rip_name);
	json_set_string(object, "note", change->note);
	put_date(object, "previous", change->earlier);
	json_set_string(object, "region", change->region->code);
	put_date(object, "updated", change->updated);
	json_set_string(object, "updater", change->updater);
}

static int compare_services(const void *a, const void *b)
{
	const struct service *one = *(const struct service *const *)a,
	                     *other = *(const struct service *const *)b;

	return strcmp(one->rip_name, other->rip_name);
}

static size_t count_services(const struct change *const *changes, size_t count)
{
	const struct service **services = mem_alloc((count + 1) * sizeof(struct service *));
	size_t different = 0;

	for (size_t i = 0; i < count; i++)
		services[i] = changes[i]->service;
	qsort(services, count, sizeof(*services), compare_services);
	for (size_t i = 0; i < count; i++)
		different += !i || services[i] != services[i - 1];
	free(services);
	return different;
}

/* What moved into DIRECTION (1: later), as the list KEY. */
static size_t put_changes(struct json *data, const char *key, const struct change *const *listed,
    size_t count, int direction, size_t *out_services)
{
	const struct change **mine = mem_alloc((count + 1) * sizeof(struct change *));
	struct json *list = json_set_array(data, key);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (days_moved(listed[i]) * direction > 0)
			mine[kept++] = listed[i];
	for (size_t i = 0; i < kept; i++)
		put_change(list, mine[i]);
	*out_services = count_services(mine, kept);
	free(mine);
	return kept;
}

static const struct change **listed_changes(struct gathered *g, int64_t delta, size_t *out_count)
{
	const struct change **listed = mem_alloc((g->change_count + 1) * sizeof(struct change *));
	size_t count = 0;

	for (size_t i = 0; i < g->change_count; i++)
		if (is_listed(g->run, g->changes[i], delta))
			listed[count++] = g->changes[i];
	qsort(listed, count, sizeof(*listed), compare_changes);
	*out_count = count;
	return listed;
}

/* -- who has no plan -------------------------------------------------------------------------------- */

static int compare_regions(const void *a, const void *b)
{
	const struct region *one = *(const struct region *const *)a,
	                    *other = *(const struct region *const *)b;

	return strcmp(one->code, other->code);
}

/* The regions that plans name, by code. */
static const struct region **named_regions(const struct gathered *g, size_t *out_count)
{
	const struct region **regions = mem_alloc((g->region_count + 1) * sizeof(struct region *));
	size_t count = 0;

	for (const struct region *region = g->regions; region; region = region->hh.next)
		if (region->named)
			regions[count++] = region;
	qsort(regions, count, sizeof(*regions), compare_regions);
	*out_count = count;
	return regions;
}

static const struct service **all_services(const struct gathered *g)
{
	const struct service **services = mem_alloc((HASH_COUNT(g->services) + 1) * sizeof(struct service *));
	size_t count = 0;

	for (const struct service *service = g->services; service; service = service->hh.next)
		services[count++] = service;
	qsort(services, count, sizeof(*services), compare_services);
	return services;
}

static void put_region(
    struct json *list, const struct service *service, const struct region *region, const char *separator)
{
	struct json *object = json_add_object(list);
	const char *note = note_of(service, region->number);

	if (service->notes)
		json_set_string(object, "note", note ? note : "");
	json_set_string(object, "region", region->code);
	json_set_string(object, "separator", separator);
}

/* Entries with a note are none with a valid plan: one that has any has it in a region without a plan. */
static void put_service(
    struct json *list, const struct service *service, const struct region *const *missing, size_t count)
{
	struct json *object = json_add_object(list);

	json_set_bool(object, "has_notes", service->notes);
	json_set_string(object, "name_pretty", service->name_pretty);
	json_set_string(object, "name_rip", service->rip_name);
	struct json *regions = json_set_array(object, "regions");
	for (size_t i = 0; i < count; i++)
		put_region(regions, service, missing[i], i + 1 == count ? "" : ",");
}

static size_t put_unplanned(struct json *data, const struct gathered *g)
{
	size_t region_count;
	const struct region **regions = named_regions(g, &region_count);
	const struct region **missing = mem_alloc((region_count + 1) * sizeof(*missing));
	const struct service **services = all_services(g);
	struct json *list = json_set_array(data, "unplanned");
	size_t unplanned = 0;

	for (size_t i = 0; i < HASH_COUNT(g->services); i++) {
		size_t count = 0;

		for (size_t j = 0; j < region_count; j++)
			if (!has_valid_plan(services[i], regions[j]->number))
				missing[count++] = regions[j];
		if (count)
			put_service(list, services[i], missing, count);
		unplanned += count > 0;
	}
	free(regions);
	free(missing);
	free(services);
	return unplanned;
}

/* -- all of it -------------------------------------------------------------------------------------- */

void put_report(struct json *data, struct gathered *gathered, const struct window *window, int64_t delta,
    bool first, struct slips_totals *out_totals)
{
	size_t count;
	const struct change **listed = listed_changes(gathered, delta, &count);
	struct slips_totals totals;

	put_date(data, "beginning", window->from);
	put_date(data, "end", window->until);
	json_set_null(data, "improvement_count");
	totals.improvements =
	    put_changes(data, "improvements", listed, count, -1, &totals.improvement_services);
	json_set_int(data, "improvement_count", (int64_t)totals.improvements);
	json_set_bool(data, "improvements_exist", totals.improvements);
	put_last_sent(data, window->from, first);
	json_set_null(data, "slip_count");
	json_set_int(data, "slip_delta", delta);
	totals.slips = put_changes(data, "slips", listed, count, 1, &totals.slip_services);
	json_set_int(data, "slip_count", (int64_t)totals.slips);
	json_set_bool(data, "slips_exist", totals.slips);
	totals.unplanned = put_unplanned(data, gathered);
	json_set_int(data, "unplanned_count", (int64_t)totals.unplanned);
	free(listed);
	*out_totals = totals;
}
