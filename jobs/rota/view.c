/* SPDX-License-Identifier: MIT */
/* Looks of the rota: rows for people, lines of a plan. */
#include "jobs/rota/view.h"

#include <string.h>

#include <bmad/mem.h>
#include <bmad/text.h>

static const char *text_at(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "";
}

/* -- the rota --------------------------------------------------------------------------------------- */

/* The number of `totals` called NAME. */
static const struct json *total(const struct json *person, const char *name)
{
	json_each(pair, json_get(person, "totals"))
		if (text_equal(json_text(json_first(pair)), name))
			return json_next(json_first(pair));
	return NULL;
}

static void add_person(struct json *people, const struct json *person)
{
	struct json *row = json_add_object(people);

	json_set_string(row, "name", json_key(person));
	json_set(row, "leads", json_copy(total(person, "lead_days")));
	json_set(row, "assists", json_copy(total(person, "assist_days")));
	json_set(row, "back_to_back", json_copy(json_get(person, "back_to_back")));
}

static char *plan_line(const struct json *step)
{
	const char *op = text_at(step, "op"), *date = text_at(step, "date");

	if (!strcmp(op, "+"))
		return mem_format("+ %s %s, %s", date, text_at(step, "lead"), text_at(step, "assist"));
	if (!strcmp(op, "~"))
		return mem_format("~ %s %s -> %s", date, text_at(step, "old"), text_at(step, "new"));
	return mem_format("%s %s %s", op, date, text_at(step, "title"));
}

struct json *rota_view(const struct json *data)
{
	struct json *view = json_object(), *people = json_set_array(view, "people"), *plan;
	const struct json *range = json_get(json_get(data, "config"), "date_range");

	json_set_string(view, "first", text_at(range, "start"));
	json_set_string(view, "last", text_at(range, "end"));
	json_set_int(view, "days", (int64_t)json_length(json_get(data, "rota")));
	json_each(person, json_get(data, "days_worked"))
		add_person(people, person);
	if (!json_length(json_get(data, "plan")))
		return view;
	plan = json_set_array(view, "plan");
	json_each(step, json_get(data, "plan")) {
		cleanup(free_text) char *line = plan_line(step);

		json_set_string(json_add_object(plan), "line", line);
	}
	return view;
}

/* -- the reminder ----------------------------------------------------------------------------------- */

static void add_entity(struct json *view, const struct json *data, const char *role)
{
	const struct json *entities = json_get(view, "entities");
	const char *address = json_text(json_get(json_get(json_get(data, "mentions"), role), "teams"));
	bool more = json_length(entities);

	if (!address)
		return;
	struct json *entity = json_add_object(json_own(view, entities));
	json_set_string(entity, "id", address);
	json_set_string(entity, "name", text_at(data, role));
	json_set_bool(entity, "more", more);
}

struct json *rota_reminder_view(const struct json *data)
{
	struct json *view = json_object();

	json_set_array(view, "entities");
	add_entity(view, data, "lead");
	if (strcmp(text_at(data, "lead"), text_at(data, "assist")) != 0)
		add_entity(view, data, "assist");
	return view;
}
