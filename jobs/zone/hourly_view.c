/* SPDX-License-Identifier: MIT */
/* What the templates of zone_hourly show beside its data object. */
#include "jobs/zone/hourly_view.h"

#include <string.h>

#include "jobs/zone/area_view.h"
#include "jobs/zone/chart.h"
#include "jobs/zone/view.h"

/* A missing feed is no bad hour, and must not look like one. */
static const struct grade *grade_of_hour(const struct json *data)
{
	if (strcmp(view_text(data, "status"), "ok") != 0)
		return view_no_grade();
	return view_grade(json_get(data, "hour"));
}

static void put_course(struct json *view, const struct json *to_date)
{
	int64_t missing = view_number(to_date, "shift_target") - view_number(to_date, "actual");
	const struct json *rate = json_get(to_date, "required_rate");
	bool open = json_is(rate, JSON_NUMBER);

	json_set_bool(view, "on_course", open && missing <= 0);
	json_set_null(view, "recover");
	if (!open || missing <= 0)
		return;
	struct json *recover = json_set_object(view, "recover");
	json_set_int(recover, "missing", missing);
	json_set(recover, "rate", json_copy(rate));
}

/* -- lines ------------------------------------------------------------------------------- */

static void put_lines(struct json *view, const struct json *lines)
{
	struct json *list = json_set_array(view, "lines");

	json_each(line, lines) {
		struct json *object = json_add_object(list);

		json_set_string(object, "name", view_text(line, "name"));
		json_set_int(object, "target", view_number(line, "target"));
		json_set_int(object, "actual", view_number(line, "actual"));
		view_set_signed(object, "gap", view_number(line, "gap"));
		view_set_signed(object, "shift_gap", view_number(line, "shift_gap"));
		json_set_string(object, "color", view_grade(line)->color);
	}
}

/* -- the whole ------------------------------------------------------------------------------------- */

struct json *zone_hourly_view(const struct json *data)
{
	const struct json *board = json_get(data, "board");
	struct json *view = json_object();
	const char *status = view_text(data, "status");

	if (zone_area_view(data, view))
		return view;
	view_set_look(view, grade_of_hour(data));
	json_set_bool(view, "no_data", !strcmp(status, "no_data"));
	json_set_bool(view, "not_scheduled", !strcmp(status, "not_scheduled"));
	view_set_signed(view, "gap", view_number(json_get(data, "hour"), "gap"));
	view_set_signed(view, "to_date_gap", view_number(json_get(data, "shift_to_date"), "gap"));
	put_course(view, json_get(data, "shift_to_date"));
	view_put_board(view, board);
	view_put_table(view, board);
	view_put_chart(view, data);
	view_put_grid(view, board);
	view_put_card(view, board);
	put_lines(view, json_get(data, "lines"));
	view_put_notes(view, data);
	return view;
}
