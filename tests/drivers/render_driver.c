/* SPDX-License-Identifier: MIT */
/*
 * Rendering without the rest of bmad, for tests of bodies with thousands of data objects.
 *
 *	render_driver FOLDER
 *
 * Each line of standard input is a JSON object {"module", "kind", "type", "data", "mention": [..],
 * "split": BOOL}, answered by a line: a list with {"payload", "html", "subject", "degraded", "why", "left_out"} for each part.
 */
#include <stdio.h>
#include <string.h>

#include <bmad/job.h>

#include "base/mem.h"
#include "render/render.h"

extern const struct job_module alarm_module; /* bmad's own, which no configuration names */

static const struct job_module *module_named(const char *name)
{
	if (!strcmp(name, alarm_module.name))
		return &alarm_module;
	for (size_t i = 0; job_modules[i]; i++)
		if (!strcmp(job_modules[i]->name, name))
			return job_modules[i];
	return NULL;
}

/* What a run would give to the templates, as far as they show it. */
static struct json *context_of(const struct json *ask)
{
	const struct job_module *module = module_named(json_text(json_get(ask, "module")));
	struct json *context = json_object();

	json_set_string(context, "id", "0193a2b4-0000-7000-8000-000000000000");
	json_set_string(context, "job", "zone1-hourly");
	json_set_string(context, "slot", "2026-11-20T10:05:00Z");
	json_set_string(context, "node", "plant1");
	json_set_string(context, "alert", "zone1|hour");
	json_set_string(context, "severity", "warning");
	json_set(context, "vars", json_object());
	json_set(context, "view", module && module->view ? module->view(json_get(ask, "data")) : NULL);
	return context;
}

static struct texts texts_of(const struct json *list, struct arena *arena)
{
	const char **items = arena_alloc(arena, (json_length(list) + 1) * sizeof(*items));
	size_t count = 0;

	json_each(item, list)
		items[count++] = json_text(item);
	return (struct texts){items, count};
}

static struct json *describe(struct rendered *rendered)
{
	struct json *object = json_object();

	json_set_string(object, "payload", rendered->payload);
	json_set_string(object, "html", rendered->html);
	json_set_string(object, "subject", rendered->subject);
	json_set_bool(object, "degraded", rendered->degraded);
	json_set_string(object, "why", rendered->why);
	json_set_int(object, "left_out", (int64_t)rendered->left_out);
	rendered_done(rendered);
	return object;
}

static void answer(struct template_set *set, const struct json *ask)
{
	cleanup(arena_done) struct arena arena = {0};
	struct rendered parts[RENDER_PARTS_MAX];
	struct json *context = context_of(ask), *list = json_array();
	struct render_request request = {
	    .module = json_text(json_get(ask, "module")),
	    .kind = json_text(json_get(ask, "kind")),
	    .channel_type = json_text(json_get(ask, "type")),
	    .data = json_get(ask, "data"),
	    .bmad = context,
	    .mention = texts_of(json_get(ask, "mention"), &arena),
	};
	size_t count = 1;

	if (json_true(json_get(ask, "split")))
		count = render_parts(set, &request, parts);
	else
		render_message(set, &request, parts);
	for (size_t i = 0; i < count; i++)
		json_add(list, describe(&parts[i]));
	cleanup(free_text) char *text = json_print(list);
	puts(text);
	fflush(stdout);
	json_destroy(list);
	json_destroy(context);
}

int main(int argc, char **argv)
{
	struct template_set *set;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (argc != 2)
		return 2;
	set = template_set_create((const char *const[]){argv[1], NULL});
	while ((length = getline(&line, &size, stdin)) > 0) {
		struct json *ask;
		struct err *e = json_parse(line, (size_t)length, &ask);

		if (e) {
			fprintf(stderr, "render_driver: %s\n", err_text(e));
			return 2;
		}
		answer(set, ask);
		json_destroy(ask);
	}
	free(line);
	template_set_destroy(set);
	return 0;
}
