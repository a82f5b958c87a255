/* SPDX-License-Identifier: MIT */
/* Errors and reported values as JSON. */
#include "store/error_json.h"

#include <string.h>

struct json *error_json(const struct error_record *error)
{
	struct json *object, *frames;

	if (!error)
		return json_null();
	object = json_object();
	json_set_string(object, "kind", error->kind);
	json_set_string(object, "message", error->message);
	frames = json_set_array(object, "frames");
	for (size_t i = 0; i < error->frame_count; i++) {
		struct json *frame = json_add_object(frames);

		json_set_string(frame, "function", error->frames[i].function);
		json_set_string(frame, "file", error->frames[i].file);
		json_set_int(frame, "line", error->frames[i].line);
		json_set_string(frame, "note", error->frames[i].note);
	}
	return object;
}

struct json *values_json(const struct value_record *values, size_t count)
{
	struct json *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_set_number(object, values[i].name, values[i].number);
	return object;
}

static char *print(struct json *value)
{
	char *text = json_print(value);

	json_destroy(value);
	return text;
}

char *error_to_json(const struct error_record *error)
{
	return error ? print(error_json(error)) : NULL;
}

char *values_to_json(const struct value_record *values, size_t count)
{
	return count ? print(values_json(values, count)) : NULL;
}

static struct json *parse(const char *text)
{
	struct json *value = NULL;

	if (text)
		err_ignore(json_parse(text, strlen(text), &value));
	return value;
}

static void read_frame(const struct json *json, struct arena *arena, struct frame_record *out)
{
	out->function = arena_copy(arena, json_text(json_get(json, "function")));
	out->file = arena_copy(arena, json_text(json_get(json, "file")));
	out->note = arena_copy(arena, json_text(json_get(json, "note")));
	if (!json_int64(json_get(json, "line"), &out->line))
		out->line = 0;
}

struct error_record *error_from_json(const char *text, struct arena *arena)
{
	struct json *json = parse(text);
	const struct json *frames = json_get(json, "frames");
	struct error_record *error = NULL;

	if (json_is(json, JSON_OBJECT)) {
		error = arena_alloc(arena, sizeof(*error));
		error->kind = arena_copy(arena, json_text(json_get(json, "kind")));
		error->message = arena_copy(arena, json_text(json_get(json, "message")));
		error->frames = arena_alloc(arena, json_length(frames) * sizeof(*error->frames));
		for (const struct json *frame = json_first(frames); frame; frame = json_next(frame))
			read_frame(frame, arena, &error->frames[error->frame_count++]);
	}
	json_destroy(json);
	return error;
}

void values_from_json(
    const char *text, struct arena *arena, struct value_record **out_values, size_t *out_count)
{
	struct json *json = parse(text);
	struct value_record *values = arena_alloc(arena, json_length(json) * sizeof(*values));
	size_t count = 0;

	for (const struct json *member = json_first(json); member; member = json_next(member)) {
		values[count].name = arena_copy(arena, json_key(member));
		values[count++].number = json_double(member);
	}
	json_destroy(json);
	*out_values = values;
	*out_count = count;
}
