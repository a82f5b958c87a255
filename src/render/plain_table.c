/* SPDX-License-Identifier: MIT */
/* A data object as plain text: `key: value` lines, and lists of objects as aligned columns. */
#include "render/plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "render/escape.h"

#define COLUMNS_MAX 32
#define WIDTH_MAX   40 /* a longer cell pushes its own row aside, not all the others */
#define DEPTH_MAX   8  /* what is deeper is shown as JSON */

struct table {
	const char *keys[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX];
	size_t count;
};

/* VALUE in one piece: strings as they are, null as `-`, what is nested as JSON. */
static void add_scalar(struct buf *out, const struct json *value)
{
	const char *text = json_text(value);
	cleanup(free_text) char *printed = text ? NULL : json_print(value);

	if (json_type(value) == JSON_NULL)
		text = "-";
	if (!text)
		text = printed;
	escape_txt(out, text, strlen(text));
}

/* In a row of a table line breaks and tabs are blanks. */
static void add_cell(struct buf *out, const struct json *value)
{
	size_t start = out->length;

	if (!value)
		return;
	add_scalar(out, value);
	for (size_t i = start; i < out->length; i++)
		if (out->text[i] == '\n' || out->text[i] == '\t')
			out->text[i] = ' ';
}

static size_t cell_width(const struct json *value)
{
	struct buf cell = {0};

	add_cell(&cell, value);
	size_t width = utf8_width(cell.text, cell.length);
	buf_done(&cell);
	return width;
}

static size_t find_column(struct table *table, const char *key)
{
	size_t i = 0;

	while (i < table->count && strcmp(table->keys[i], key))
		i++;
	if (i < table->count || i == COLUMNS_MAX)
		return i;
	table->keys[i] = key;
	table->widths[i] = utf8_width(key, strlen(key));
	return table->count++;
}

static void measure_row(struct table *table, const struct json *row)
{
	json_each(member, row) {
		size_t column = find_column(table, json_key(member)), width = cell_width(member);

		if (column < COLUMNS_MAX && width <= WIDTH_MAX && width > table->widths[column])
			table->widths[column] = width;
	}
}

static void pad_cell(struct buf *out, const struct table *table, size_t column, size_t start)
{
	size_t width = utf8_width(out->text + start, out->length - start);

	if (column + 1 < table->count)
		buf_add_blanks(out, width < table->widths[column] ? table->widths[column] - width + 2 : 2);
}

static void end_line(struct buf *out)
{
	buf_trim_blanks(out);
	buf_add_char(out, '\n');
}

static void add_row(struct buf *out, const struct table *table, const struct json *row, size_t indent)
{
	buf_add_blanks(out, indent);
	for (size_t i = 0; i < table->count; i++) {
		size_t start = out->length;

		if (row)
			add_cell(out, json_get(row, table->keys[i]));
		else
			escape_txt(out, table->keys[i], strlen(table->keys[i]));
		pad_cell(out, table, i, start);
	}
	end_line(out);
}

static void add_rows(struct buf *out, const struct json *rows, size_t indent)
{
	struct table table = {.count = 0};

	json_each(row, rows)
		measure_row(&table, row);
	add_row(out, &table, NULL, indent);
	json_each(row, rows)
		add_row(out, &table, row, indent);
}

static bool is_table(const struct json *list)
{
	if (!json_is(list, JSON_ARRAY))
		return false;
	json_each(item, list) {
		if (!json_is(item, JSON_OBJECT))
			return false;
	}
	return json_first(list) != NULL;
}

/* Lines after the first of a value that has several stand below its beginning. */
static void add_text_value(struct buf *out, const struct json *value, size_t indent)
{
	struct buf text = {0};

	add_scalar(&text, value);
	for (size_t i = 0; i < text.length; i++) {
		buf_add_char(out, text.text[i]);
		if (text.text[i] == '\n')
			buf_add_blanks(out, indent + 2);
	}
	end_line(out);
	buf_done(&text);
}

static void add_list(struct buf *out, const struct json *list)
{
	json_each(item, list) {
		add_cell(out, item);
		if (json_next(item))
			buf_add_text(out, ", ");
	}
	if (!json_first(list))
		buf_add_char(out, '-');
	end_line(out);
}

static void add_members(struct buf *out, const struct json *object, size_t depth);

static void add_member(struct buf *out, const struct json *member, size_t depth)
{
	const char *key = json_key(member);
	size_t indent = 2 * depth;

	buf_add_blanks(out, indent);
	escape_txt(out, key, strlen(key));
	buf_add_text(out, ": ");
	if (is_table(member)) {
		end_line(out);
		add_rows(out, member, indent + 2);
	} else if (json_is(member, JSON_ARRAY)) {
		add_list(out, member);
	} else if (json_is(member, JSON_OBJECT) && json_first(member) && depth < DEPTH_MAX) {
		end_line(out);
		add_members(out, member, depth + 1);
	} else {
		add_text_value(out, member, indent);
	}
}

static void add_members(struct buf *out, const struct json *object, size_t depth)
{
	json_each(member, object)
		add_member(out, member, depth);
}

/* An object that holds nothing but a `text` is that text. */
static const struct json *lone_text(const struct json *data)
{
	const struct json *text = json_get(data, "text");

	return json_length(data) == 1 && json_is(text, JSON_STRING) ? text : NULL;
}

void plain_table(const struct json *data, struct buf *out)
{
	if (lone_text(data)) {
		add_scalar(out, lone_text(data));
		end_line(out);
	} else if (json_is(data, JSON_OBJECT)) {
		add_members(out, data, 0);
	} else if (is_table(data)) {
		add_rows(out, data, 0);
	} else if (data) {
		add_text_value(out, data, 0);
	}
}
