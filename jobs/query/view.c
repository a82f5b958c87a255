/* SPDX-License-Identifier: MIT */
/* Tables of a free report as they are read. */
#include "jobs/query/view.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>
#include <bmad/text.h>
#include <bmad/time.h>

#include "jobs/query/columns.h"

#define WIDTH_MAX 40 /* a longer cell pushes its own line aside, not all the others */

struct table {
	const struct json *columns; /* of the data object */
	const struct tz *tz;
	struct json *rows; /* of the view */
	size_t *widths;
	size_t count; /* of columns */
};

/* -- cells ------------------------------------------------------------------------------------------ */

/* Numbers stand on the right. */
static const char *align_of(const struct json *column)
{
	return column_is_number(column) ? "right" : "left";
}

/* One line: what parts lines in a cell becomes a blank. */
static struct json *add_cell(struct json *cells, const struct json *column, struct buf *text)
{
	bool first = !json_first(cells);
	struct json *cell = json_add_object(cells);

	for (size_t i = 0; i < text->length; i++)
		if (strchr("\n\r\t", text->text[i]))
			text->text[i] = ' ';
	json_set(cell, "text", json_string_n(buf_text(text), text->length));
	json_set_string(cell, "align", align_of(column));
	json_set_bool(cell, "first", first);
	return cell;
}

static void widen(struct table *table, size_t index, const char *text)
{
	size_t width = text_width(text);

	if (width > table->widths[index] && width <= WIDTH_MAX)
		table->widths[index] = width;
}

static void add_row(struct table *table, const struct json *row)
{
	struct json *cells = json_set_array(json_add_object(table->rows), "cells");
	size_t index = 0;

	for (const struct json *column = json_first(table->columns); column; column = json_next(column)) {
		cleanup(buf_done) struct buf text = {0};

		column_print(column, json_get(row, json_text(json_get(column, "name"))), table->tz, &text);
		widen(table, index++, json_text(json_get(add_cell(cells, column, &text), "text")));
	}
}

/* -- totals ----------------------------------------------------------------------------------------- */

static bool has_totals(const struct json *columns)
{
	for (const struct json *column = json_first(columns); column; column = json_next(column))
		if (column_has_total(column))
			return true;
	return false;
}

/* The data object's totals as a row; the first column that has none says what it is. */
static void add_totals(struct table *table, const struct json *totals)
{
	struct json *cells = json_set_array(json_add_object(table->rows), "cells");
	bool named = false;
	size_t index = 0;

	for (const struct json *column = json_first(table->columns); column; column = json_next(column)) {
		cleanup(buf_done) struct buf text = {0};

		if (column_has_total(column))
			column_print(
			    column, json_get(totals, json_text(json_get(column, "name"))), table->tz, &text);
		else if (!named)
			buf_add_text(&text, "total");
		named = named || !column_has_total(column);
		widen(table, index++, json_text(json_get(add_cell(cells, column, &text), "text")));
	}
}

/* -- lines ------------------------------------------------------------------------------------------ */

static void add_line(
    const struct table *table, struct json *lines, const struct json *cells, const char *text_key)
{
	cleanup(buf_done) struct buf line = {0};
	size_t index = 0;

	for (const struct json *cell = json_first(cells); cell; cell = json_next(cell), index++) {
		const char *text = json_text(json_get(cell, text_key));
		size_t width = text_width(text),
		       room = table->widths[index] > width ? table->widths[index] - width : 0;
		bool right = !strcmp(json_text(json_get(cell, "align")), "right");

		buf_add_blanks(&line, (index ? 2 : 0) + (right ? room : 0));
		buf_add_text(&line, text);
		buf_add_blanks(&line, right ? 0 : room);
	}
	buf_trim_blanks(&line);
	json_add(lines, json_string_n(buf_text(&line), line.length));
}

static void add_lines(const struct table *table, struct json *section)
{
	struct json *lines = json_set_array(section, "lines");

	add_line(table, lines, json_get(section, "columns"), "label");
	for (const struct json *row = json_first(table->rows); row; row = json_next(row))
		add_line(table, lines, json_get(row, "cells"), "text");
}

/* -- sections --------------------------------------------------------------------------------------- */

static void add_columns(struct table *table, struct json *section)
{
	struct json *list = json_set_array(section, "columns");
	size_t index = 0;

	for (const struct json *column = json_first(table->columns); column; column = json_next(column)) {
		struct json *shown = json_add_object(list);
		const char *label = json_text(json_get(column, "label"));

		json_set_string(shown, "label", label ? label : "");
		json_set_string(shown, "align", align_of(column));
		json_set_bool(shown, "first", !index);
		widen(table, index++, label ? label : "");
	}
}

/* The part of the data object under KEY; one that is not there, or empty and not WANTED, is left out. */
static void add_section(
    struct json *sections, const struct json *data, const char *key, const char *title, bool wanted)
{
	const struct json *rows = json_get(data, key);
	const char *zone = json_text(json_get(data, "timezone"));
	struct table table = {
	    .columns = json_get(data, "columns"), .count = json_length(json_get(data, "columns"))};

	if (!rows || (!json_first(rows) && !wanted))
		return;
	err_ignore(tz_get(zone ? zone : "UTC", &table.tz));
	if (!table.tz)
		err_ignore(tz_get("UTC", &table.tz));
	struct json *section = json_add_object(sections);
	table.widths = mem_alloc((table.count + 1) * sizeof(*table.widths));
	json_set_string(section, "title", title);
	json_set_bool(section, "none", !json_first(rows) || !table.count);
	add_columns(&table, section);
	table.rows = json_set_array(section, "rows");
	for (const struct json *row = json_first(rows); row; row = json_next(row))
		add_row(&table, row);
	if (!strcmp(key, "rows") && has_totals(table.columns) && json_first(rows))
		add_totals(&table, json_get(data, "totals"));
	add_lines(&table, section);
	free(table.widths);
}

/* "2024-11-02 18:00" of "2024-11-02T18:00:00-07:00". */
static void put_minute(struct json *view, const char *key, const struct json *local)
{
	const char *text = json_text(local);
	cleanup(free_text) char *minute = mem_copy_n(text ? text : "", text ? strnlen(text, 16) : 0);
	char *t = strchr(minute, 'T');

	if (t)
		*t = ' ';
	json_set_string(view, key, minute);
}

struct json *query_view(const struct json *data)
{
	struct json *view = json_object(), *sections = json_set_array(view, "sections");

	put_minute(view, "from", json_get(data, "from_local"));
	put_minute(view, "to", json_get(data, "to_local"));

	if (!json_get(data, "raised")) {
		add_section(sections, data, "rows", "", true);
		return view;
	}
	add_section(sections, data, "raised", "New", false);
	add_section(sections, data, "still", "Still there", false);
	add_section(sections, data, "cleared", "Gone", false);
	return view;
}
