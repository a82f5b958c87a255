/* SPDX-License-Identifier: MIT */
/* What the templates show of an area. */
#include "jobs/zone/area_view.h"

#include <string.h>

#include <bmad/mem.h>

#include "jobs/zone/grid.h"
#include "jobs/zone/view.h"

/* The window that a zone's object reports on: an hour, or a whole shift. */
static const struct json *window_of(const struct json *zone)
{
	const struct json *hour = json_get(zone, "hour");

	return hour ? hour : json_get(zone, "totals");
}

/* "18:00-19:00 PST, NIGHT of 2024-11-02" */
static char *period_of(const struct json *zone)
{
	const struct json *shift = json_get(zone, "shift");
	const char *label = view_text(json_get(zone, "hour"), "label");

	return mem_format(
	    "%s%s%s of %s", label, *label ? ", " : "", view_text(shift, "type"), view_text(shift, "date"));
}

/* The one that lost most, and through what. */
static char *trouble_of(const struct json *zone)
{
	const struct json *worst = json_get(zone, "bottleneck");

	if (!worst)
		worst = json_first(json_get(zone, "bottlenecks"));
	if (!json_is(worst, JSON_OBJECT))
		return mem_copy("");
	cleanup(free_text) char *lost = view_or_dash(json_get(worst, "lost_min"));
	return mem_format("%s, %s: %s min lost", view_text(worst, "station"), view_text(worst, "line"), lost);
}

static void add_zone(struct json *view, const struct json *zone)
{
	const struct json *window = window_of(zone);
	bool no_data = !strcmp(view_text(zone, "status"), "no_data");
	const struct grade *grade = no_data ? view_no_grade() : view_grade(window);
	struct json *row = json_object();
	cleanup(free_text) char *period = period_of(zone);
	cleanup(free_text) char *trouble = trouble_of(zone);

	json_set_string(row, "mark", grade->mark);
	json_set_string(row, "color", grade->color);
	json_set_string(row, "hex", grade->hex);
	json_set_string(row, "name", view_text(json_get(zone, "zone"), "name"));
	json_set_bool(row, "no_data", no_data);
	json_set_string(row, "period", period);
	json_set_int(row, "target", view_number(window, "target"));
	json_set_int(row, "actual", view_number(window, "actual"));
	view_set_signed(row, "gap", view_number(window, "gap"));
	json_set(row, "attainment", json_copy(json_get(window, "attainment_pct")));
	json_set_string(row, "trouble", no_data ? "no data: the feed is probably down" : trouble);
	json_add(view, row);
}

static const char *common_period(const struct json *rows)
{
	const char *period = view_text(json_first(rows), "period");

	json_each(row, rows)
		if (strcmp(view_text(row, "period"), period) != 0)
			return "";
	return period;
}

static void put_grid(struct json *view, const struct json *rows)
{
	static const struct grid_column columns[] = {{"Zone", 5, false}, {"Plan", 2, true}, {"Made", 2, true},
	    {"Gap", 2, true}, {"%", 2, true}, {"Most lost", 6, false}, {NULL, 0, false}};
	struct json *grid = grid_begin(view, "grid", columns);

	json_each(row, rows) {
		cleanup(free_text) char *target = view_or_dash(json_get(row, "target"));
		cleanup(free_text) char *actual = view_or_dash(json_get(row, "actual"));
		cleanup(free_text) char *attainment = view_tenths(json_get(row, "attainment"));

		grid_row(grid,
		    (const char *const[]){view_text(row, "name"), target, actual, view_text(row, "gap"),
		        attainment, view_text(row, "trouble")},
		    3, view_text(row, "hex"), view_text(row, "color"));
	}
	grid_end(grid);
}

static void put_notes(struct json *view, const struct json *zones)
{
	struct json *notes = json_set_array(view, "notes");

	json_each(zone, zones)
		view_add_notes(notes, view_text(json_get(zone, "zone"), "name"), zone);
}

bool zone_area_view(const struct json *data, struct json *view)
{
	const struct json *total = json_get(data, "total");

	if (!total)
		return false;
	json_set_bool(view, "area", true);
	view_set_look(view, view_grade(total));
	view_set_signed(view, "gap", view_number(total, "gap"));
	struct json *rows = json_set_array(view, "zones");
	json_each(zone, json_get(data, "zones"))
		add_zone(rows, zone);
	json_set_int(view, "zone_count", (int64_t)json_length(rows));
	json_set_string(view, "period", common_period(rows));
	put_grid(view, rows);
	put_notes(view, json_get(data, "zones"));
	return true;
}
