/* SPDX-License-Identifier: MIT */
/* What the templates of plant_daily show beside its data object. */
#include "jobs/zone/daily_view.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>

#include "jobs/zone/grid.h"
#include "jobs/zone/view.h"

#define BAR_FROM 60 /* per cent of attainment at which the bars of a week begin, ... */
#define BAR_STEP 5  /* ... and what each higher one stands for */

/* The week's attainments as bars of eight heights; a day without a plan is a dot. */
static void put_week(struct json *row, const struct json *trend)
{
	static const char *const bars[] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84",
	    "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
	cleanup(buf_done) struct buf week = {0};

	json_each(day, trend) {
		double above = (json_double(day) - BAR_FROM) / BAR_STEP;
		size_t height = above < 0 ? 0 : above > 7 ? 7 : (size_t)above;

		buf_add_text(&week, json_is(day, JSON_NUMBER) ? bars[height] : "\xc2\xb7");
	}
	json_set_string(row, "week", buf_text(&week));
}

static void add_shift(struct json *list, const struct json *shift)
{
	const char *crew = view_text(shift, "crew");
	cleanup(free_text) char *attainment = view_or_dash(json_get(shift, "attainment_pct"));
	cleanup(free_text) char *fpy = view_or_dash(json_get(shift, "fpy_pct"));
	cleanup(free_text) char *text = mem_format(
	    "%s%s%s: %lld of %lld, %s %%, first pass %s %%, scrap %lld", view_text(shift, "type"),
	    *crew ? ", crew " : "", crew, (long long)view_number(shift, "actual"),
	    (long long)view_number(shift, "target"), attainment, fpy, (long long)view_number(shift, "scrap"));

	json_add_string(list, text);
}

static void add_zone(struct json *zones, const struct json *zone)
{
	struct json *row = json_add_object(zones);

	json_set_string(row, "mark", view_grade(zone)->mark);
	json_set_string(row, "color", view_grade(zone)->color);
	json_set_string(row, "hex", view_grade(zone)->hex);
	json_set_string(row, "name", view_text(zone, "name"));
	json_set_int(row, "target", view_number(zone, "target"));
	json_set_int(row, "actual", view_number(zone, "actual"));
	view_set_signed(row, "gap", view_number(zone, "gap"));
	json_set(row, "attainment", json_copy(json_get(zone, "attainment_pct")));
	put_week(row, json_get(zone, "trend7"));
	struct json *shifts = json_set_array(row, "shifts");
	json_each(shift, json_get(zone, "shifts"))
		add_shift(shifts, shift);
}

static void put_grid(struct json *view, const struct json *zones)
{
	static const struct grid_column columns[] = {{"Zone", 5, false}, {"Plan", 2, true}, {"Made", 2, true},
	    {"Gap", 2, true}, {"%", 2, true}, {"Week before", 3, false}, {NULL, 0, false}};
	struct json *grid = grid_begin(view, "grid", columns);

	json_each(zone, zones) {
		cleanup(free_text) char *target = view_or_dash(json_get(zone, "target"));
		cleanup(free_text) char *actual = view_or_dash(json_get(zone, "actual"));
		cleanup(free_text) char *attainment = view_tenths(json_get(zone, "attainment"));

		grid_row(grid,
		    (const char *const[]){view_text(zone, "name"), target, actual, view_text(zone, "gap"),
		        attainment, view_text(zone, "week")},
		    3, view_text(zone, "hex"), view_text(zone, "color"));
	}
	grid_end(grid);
}

static void put_worst(struct json *view, const struct json *data)
{
	const char *worst = view_text(data, "worst_zone");

	json_set_null(view, "worst");
	json_each(zone, json_get(data, "zones"))
		if (*worst && !strcmp(view_text(zone, "id"), worst))
			json_set_string(view, "worst", view_text(zone, "name"));
}

struct json *plant_daily_view(const struct json *data)
{
	struct json *view = json_object();

	view_set_look(view, view_grade(data));
	view_set_signed(view, "gap", view_number(data, "gap"));
	put_worst(view, data);
	struct json *zones = json_set_array(view, "zones");
	json_each(zone, json_get(data, "zones"))
		add_zone(zones, zone);
	put_grid(view, zones);
	return view;
}
