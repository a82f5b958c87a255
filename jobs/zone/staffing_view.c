/* SPDX-License-Identifier: MIT */
/* What the templates of zone_staffing show beside its data object. */
#include "jobs/zone/staffing_view.h"

#include <bmad/mem.h>

#include "jobs/zone/measure.h"
#include "jobs/zone/view.h"

/* How well a shift is staffed: all there, heads missing, or not known. */
static const struct grade full = {0, "\xf0\x9f\x9f\xa2", "good", "Good", "#2a9d5c"},
                          lacking = {0, "\xf0\x9f\x94\xb4", "attention", "Attention", "#d64545"},
                          unknown = {NO_VALUE, "\xe2\x9a\xaa", "default", "Default", "#808080"};

static const struct grade *look_of(const struct json *heads)
{
	int64_t gap;

	if (!json_int64(json_get(heads, "gap"), &gap))
		return &unknown;
	return gap < 0 ? &lacking : &full;
}

static char *headline(const struct json *staffing)
{
	if (!json_is(staffing, JSON_OBJECT))
		return mem_copy("not entered yet");
	return view_heads(staffing);
}

static void put_change(struct json *view, const struct json *change)
{
	if (!json_is(change, JSON_OBJECT)) {
		json_set_null(view, "change");
		return;
	}
	cleanup(free_text) char *before = headline(json_get(change, "before"));
	cleanup(free_text) char *after = headline(json_get(change, "after"));
	cleanup(free_text) char *text = mem_format("%s \xe2\x86\x92 %s", before, after);
	json_set_string(view, "change", text);
}

static void put_previous(struct json *view, const struct json *previous)
{
	if (!json_is(previous, JSON_OBJECT)) {
		json_set_null(view, "previous");
		return;
	}
	cleanup(free_text) char *text = view_heads(previous);
	json_set_string(view, "previous", text);
}

static void put_roles(struct json *view, const struct json *staffing)
{
	struct json *list = json_set_array(view, "roles");

	json_each(role, json_get(staffing, "roles")) {
		struct json *row = json_add_object(list);
		cleanup(free_text) char *heads = view_heads(role);

		json_set_string(row, "role", view_text(role, "role"));
		json_set_string(row, "heads", heads);
		json_set_string(row, "color", look_of(role)->color);
		json_set_string(row, "hex", look_of(role)->hex);
	}
}

struct json *zone_staffing_view(const struct json *data)
{
	const struct json *staffing = json_get(data, "staffing");
	cleanup(free_text) char *heads = headline(staffing);
	struct json *view = json_object();

	view_set_look(view, look_of(staffing));
	json_set_string(view, "headline", heads);
	put_change(view, json_get(data, "change"));
	put_previous(view, json_get(data, "previous"));
	put_roles(view, staffing);
	return view;
}
