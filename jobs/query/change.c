/* SPDX-License-Identifier: MIT */
/* Two results compared. */
#include "jobs/query/change.h"

#include <bmad/err.h>
#include <bmad/mem.h>

static char *key_text(const struct json *row, const struct texts *key)
{
	struct json *values = json_array();

	for (size_t i = 0; i < key->count; i++) {
		const struct json *value = json_get(row, key->items[i]);

		json_add(values, value ? json_copy(value) : json_null());
	}
	char *text = json_print(values);
	json_destroy(values);
	return text;
}

struct json *rows_by_key(const struct json *rows, const struct texts *key)
{
	struct json *by_key = json_object();

	for (const struct json *row = json_first(rows); row; row = json_next(row)) {
		cleanup(free_text) char *text = key_text(row, key);

		json_set(by_key, text, json_copy(row));
	}
	return by_key;
}

struct json *rows_apart(const struct json *all, const struct json *other, bool has)
{
	struct json *apart = json_array();

	for (const struct json *row = json_first(all); row; row = json_next(row))
		if ((json_get(other, json_key(row)) != NULL) == has)
			json_add(apart, json_copy(row));
	return apart;
}

bool repeat_is_due(const struct json *state, utc_t now, int64_t repeat_s)
{
	const char *text = json_text(json_get(state, "sent"));
	utc_t sent = 0;

	if (!repeat_s || !text)
		return false;
	struct err *unreadable = utc_parse(text, &sent);
	err_destroy(unreadable);
	return unreadable || now - sent >= repeat_s;
}
