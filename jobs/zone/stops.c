/* SPDX-License-Identifier: MIT */
/* Stops of a station and how much of a window they cover. */
#include "jobs/zone/stops.h"

#include <stdlib.h>
#include <string.h>

const char *const category_names[CATEGORIES] = {
    [BLOCKED] = "BLOCKED",
    [BREAKDOWN] = "BREAKDOWN",
    [CHANGEOVER] = "CHANGEOVER",
    [MATERIAL] = "MATERIAL",
    [MICROSTOP] = "MICROSTOP",
    [OTHER] = "OTHER",
    [PLANNED] = "PLANNED",
    [QUALITY] = "QUALITY",
    [STAFFING] = "STAFFING",
    [STARVED] = "STARVED",
};

struct err *category_parse(const char *name, enum category *out_category)
{
	for (unsigned i = 0; i < CATEGORIES; i++)
		if (!strcmp(category_names[i], name)) {
			*out_category = i;
			return NULL;
		}
	return ERR(ERR_PERMANENT,
	    "category: expected BREAKDOWN, STARVED or another of the known ones, found '%.40s'", name);
}

static int compare_stops(const void *left, const void *right)
{
	const struct stop *a = left, *b = right;

	if (a->station != b->station)
		return a->station < b->station ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

void stops_sort(struct stop *stops, size_t count)
{
	if (count)
		qsort(stops, count, sizeof(*stops), compare_stops);
}

int64_t stops_seconds(const struct stop *stops, size_t count, unsigned set, utc_t from, utc_t to)
{
	int64_t seconds = 0;
	utc_t covered = from; /* all before it is counted */

	for (size_t i = 0; i < count && stops[i].start < to; i++) {
		utc_t start = stops[i].start > covered ? stops[i].start : covered;
		utc_t end = stops[i].end < to ? stops[i].end : to;

		if (!(set & IN_SET(stops[i].category)) || end <= start)
			continue;
		seconds += end - start;
		covered = end;
	}
	return seconds;
}

int64_t stops_touching(
    const struct stop *stops, size_t count, unsigned set, utc_t from, utc_t to, bool *out_open)
{
	int64_t touching = 0;

	*out_open = false;
	for (size_t i = 0; i < count && stops[i].start < to; i++) {
		if (!(set & IN_SET(stops[i].category)) || stops[i].end <= from)
			continue;
		touching++;
		*out_open |= stops[i].end > to;
	}
	return touching;
}
