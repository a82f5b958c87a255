/* SPDX-License-Identifier: MIT */
/* Lines of comma-separated fields. */
#include "jobs/query/csv.h"

#include <string.h>

#include <bmad/escape.h>
#include <bmad/mem.h>

static void add_field(struct buf *out, const struct json *value)
{
	cleanup(free_text) char *printed = json_text(value) ? NULL : json_print(value);
	const char *text = printed ? printed : json_text(value);

	if (value && !json_is(value, JSON_NULL))
		escape_csv(out, text, strlen(text));
}

static void add_line(const struct json *columns, const struct json *row, struct buf *out)
{
	for (const struct json *column = json_first(columns); column; column = json_next(column)) {
		const struct json *name = json_get(column, "name");

		add_field(out, row ? json_get(row, json_text(name)) : name);
		buf_add_text(out, json_next(column) ? "," : "\r\n");
	}
}

void query_csv(const struct json *columns, const struct json *rows, struct buf *out)
{
	add_line(columns, NULL, out);
	for (const struct json *row = json_first(rows); row; row = json_next(row))
		add_line(columns, row, out);
}
