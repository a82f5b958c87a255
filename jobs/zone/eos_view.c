/* SPDX-License-Identifier: MIT */
/* What the templates of zone_eos show beside its data object. */
#include "jobs/zone/eos_view.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>

#include "jobs/zone/area_view.h"
#include "jobs/zone/chart.h"
#include "jobs/zone/view.h"

/* BEFORE `94.7 %` AFTER, or nothing where there is no number. */
static void add_pct(struct buf *text, const char *before, const struct json *number, const char *after)
{
	if (!json_is(number, JSON_NUMBER))
		return;
	cleanup(free_text) char *value = json_print(number);
	buf_format(text, "%s%s %%%s", before, value, after);
}

static void set_buf(struct json *object, const char *key, struct buf *text)
{
	json_set_string(object, key, buf_text(text));
	buf_done(text);
}

/* "02:00-03:00 PST: 61 of 64 (-3)" */
static void put_hour(struct json *view, const char *key, const struct json *hour)
{
	char gap[VIEW_SIGNED];

	if (!json_is(hour, JSON_OBJECT)) {
		json_set_null(view, key);
		return;
	}
	cleanup(free_text) char *text = mem_format("%s: %lld of %lld (%s)", view_text(hour, "label"),
	    (long long)view_number(hour, "actual"), (long long)view_number(hour, "target"),
	    view_signed(view_number(hour, "gap"), gap));
	json_set_string(view, key, text);
}

/* "71.2 % at Leak test: available 80 %, performance 95 %, quality 94 %" */
static void put_oee(struct json *row, const struct json *oee)
{
	struct buf text = {0};

	if (json_is(json_get(oee, "oee_pct"), JSON_NUMBER)) {
		add_pct(&text, "", json_get(oee, "oee_pct"), "");
		buf_format(&text, " at %s", view_text(oee, "station"));
		add_pct(&text, ": available ", json_get(oee, "availability_pct"), "");
		add_pct(&text, ", performance ", json_get(oee, "performance_pct"), "");
		add_pct(&text, ", quality ", json_get(oee, "quality_pct"), "");
	}
	set_buf(row, "oee", &text);
}

static void put_lines(struct json *view, const struct json *lines)
{
	struct json *list = json_set_array(view, "lines");

	json_each(line, lines) {
		struct json *row = json_add_object(list);

		json_set_string(row, "name", view_text(line, "name"));
		json_set_int(row, "target", view_number(line, "target"));
		json_set_int(row, "actual", view_number(line, "actual"));
		view_set_signed(row, "gap", view_number(line, "gap"));
		json_set(row, "attainment", json_copy(json_get(line, "attainment_pct")));
		json_set_string(row, "color", view_grade(line)->color);
		json_set_string(row, "hex", view_grade(line)->hex);
		json_set(row, "fpy", json_copy(json_get(line, "fpy_pct")));
		json_set_int(row, "scrap", view_number(line, "scrap"));
		put_oee(row, json_get(line, "oee"));
	}
}

/* "BREAKDOWN 120.5 min (4 stops, 45.1 %)" */
static void add_stop(struct buf *text, const struct json *row)
{
	cleanup(free_text) char *minutes = view_or_dash(json_get(row, "minutes"));

	buf_format(text, "%s %s min (%lld %s", view_text(row, "category"), minutes,
	    (long long)view_number(row, "events"), view_number(row, "events") == 1 ? "stop" : "stops");
	add_pct(text, ", ", json_get(row, "share_pct"), "");
	buf_add_char(text, ')');
}

/* Each category by itself, and all in a line. */
static void put_stops(struct json *view, const struct json *pareto)
{
	struct json *list = json_set_array(view, "stop_list");
	struct buf all = {0};

	json_each(row, pareto) {
		cleanup(buf_done) struct buf one = {0};

		add_stop(&one, row);
		json_add_string(list, buf_text(&one));
		buf_format(&all, "%s%s", all.length ? "; " : "", buf_text(&one));
	}
	set_buf(view, "stops", &all);
}

static void put_ncm(struct json *view, const struct json *pareto)
{
	struct buf text = {0};

	json_each(row, pareto) {
		buf_format(&text, "%s%s %lld", text.length ? ", " : "", view_text(row, "defect_code"),
		    (long long)view_number(row, "qty"));
		add_pct(&text, " (", json_get(row, "share_pct"), ")");
	}
	set_buf(view, "ncm", &text);
}

static void put_previous(struct json *view, const struct json *previous)
{
	struct buf text = {0};
	const char *crew = view_text(previous, "crew");

	if (json_is(previous, JSON_OBJECT)) {
		buf_format(&text, "%s of %s%s%s: %lld of %lld", view_text(previous, "type"),
		    view_text(previous, "date"), *crew ? ", crew " : "", crew,
		    (long long)view_number(previous, "actual"), (long long)view_number(previous, "target"));
		add_pct(&text, ", ", json_get(previous, "attainment_pct"), "");
	}
	set_buf(view, "previous", &text);
}

static void put_staffing(struct json *view, const struct json *staffing)
{
	struct buf text = {0};

	if (json_is(staffing, JSON_OBJECT)) {
		cleanup(free_text) char *heads = view_heads(staffing);

		buf_add_text(&text, heads);
		json_each(role, json_get(staffing, "roles")) {
			cleanup(free_text) char *part = view_heads(role);

			buf_format(&text, "; %s %s", view_text(role, "role"), part);
		}
	}
	set_buf(view, "staffing", &text);
}

struct json *zone_eos_view(const struct json *data)
{
	const struct json *totals = json_get(data, "totals");
	const char *status = view_text(data, "status");
	const struct grade *grade = !strcmp(status, "ok") ? view_grade(totals) : view_no_grade();
	struct json *view = json_object();

	if (zone_area_view(data, view))
		return view;
	view_set_look(view, grade);
	json_set_bool(view, "no_data", !strcmp(status, "no_data"));
	json_set_bool(view, "not_scheduled", !strcmp(status, "not_scheduled"));
	view_set_signed(view, "gap", view_number(totals, "gap"));
	put_hour(view, "best", json_get(data, "best_hour"));
	put_hour(view, "worst", json_get(data, "worst_hour"));
	view_put_board(view, json_get(data, "board"));
	view_put_table(view, json_get(data, "board"));
	view_put_chart(view, data);
	view_put_grid(view, json_get(data, "board"));
	view_put_card(view, json_get(data, "board"));
	put_lines(view, json_get(data, "lines"));
	put_stops(view, json_get(data, "downtime_pareto"));
	put_ncm(view, json_get(data, "ncm_pareto"));
	put_staffing(view, json_get(data, "staffing"));
	put_previous(view, json_get(data, "previous"));
	view_put_notes(view, data);
	return view;
}
