/* SPDX-License-Identifier: MIT */
/* Tables for templates. */
#include "jobs/zone/grid.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>
#include <bmad/text.h>

#define COLUMNS_MAX 12

struct json *grid_begin(struct json *view, const char *key, const struct grid_column *columns)
{
	struct json *grid = json_set_object(view, key);
	struct json *list = json_set_array(grid, "columns");

	for (size_t i = 0; columns[i].label; i++) {
		struct json *column = json_add_object(list);

		json_set_string(column, "label", columns[i].label);
		json_set_string(column, "align", columns[i].number ? "right" : "left");
		json_set_int(column, "width", columns[i].width);
		json_set_bool(column, "number", columns[i].number);
		json_set_bool(column, "first", i == 0);
	}
	json_set_array(grid, "rows");
	return grid;
}

void grid_row(struct json *grid, const char *const *cells, size_t colored, const char *hex, const char *tone)
{
	struct json *row = json_add_object(json_own(grid, json_get(grid, "rows")));
	struct json *list = json_set_array(row, "cells");
	size_t i = 0;

	json_each(column, json_get(grid, "columns")) {
		struct json *cell = json_add_object(list);

		json_set_string(cell, "text", cells[i]);
		json_set(cell, "align", json_copy(json_get(column, "align")));
		json_set_string(cell, "color", i == colored ? hex : NULL);
		json_set_string(cell, "tone", i == colored ? tone : "Default");
		json_set_bool(cell, "first", i++ == 0);
		json_set_null(cell, "bar");
	}
}

void grid_bar(struct json *grid, const char *bar, const char *tone)
{
	struct json *rows = json_own(grid, json_get(grid, "rows"));
	const struct json *row = NULL;

	json_each(any, rows)
		row = any;
	struct json *list = json_own(rows, json_get(row, "cells"));
	const struct json *last = NULL;
	json_each(any, list)
		last = any;
	json_set_string(json_own(list, last), "bar", *bar ? bar : NULL);
	json_set_string(json_own(list, last), "bar_tone", tone);
}

/* -- lines ----------------------------------------------------------------------------------------- */

/* What stands between the backticks of a chat must have none of its own, and no line breaks. */
static void add_text(struct buf *line, const char *text)
{
	for (; *text; text++)
		buf_add_char(line, *text == '`'                                      ? '\''
		                   : *text == '\n' || *text == '\r' || *text == '\t' ? ' '
		                                                                     : *text);
}

static void widen(size_t *widths, const struct json *cells, const char *key)
{
	size_t i = 0;

	json_each(cell, cells) {
		size_t width = text_width(json_text(json_get(cell, key)));

		if (i < COLUMNS_MAX && width > widths[i])
			widths[i] = width;
		i++;
	}
}

/* "" where there is none. */
static const char *bar_of(const struct json *cell)
{
	const char *bar = json_text(json_get(cell, "bar"));

	return bar ? bar : "";
}

/* The widest bar of the last column, 0 if there are none. */
static size_t bar_width(const struct json *rows)
{
	size_t width = 0;

	json_each(row, rows)
		json_each(cell, json_get(row, "cells")) {
			size_t own = text_width(bar_of(cell));

			width = own > width ? own : width;
		}
	return width;
}

static void add_bar(struct buf *line, const struct json *cell, size_t width)
{
	if (!width)
		return;
	buf_add_text(line, bar_of(cell));
	buf_add_blanks(line, width - text_width(bar_of(cell)) + 2);
}

static void add_line(struct json *lines, const struct json *columns, const struct json *cells,
    const char *key, const size_t *widths, size_t bar)
{
	const struct json *column = json_first(columns);
	cleanup(buf_done) struct buf line = {0};
	size_t i = 0;

	json_each(cell, cells) {
		const char *text = json_text(json_get(cell, key));
		size_t blanks = i < COLUMNS_MAX ? widths[i] - text_width(text) : 0;
		bool number = json_true(json_get(column, "number"));

		buf_add_text(&line, !i++ ? "" : number ? " " : "  ");
		add_bar(&line, cell, json_next(cell) ? 0 : bar);
		buf_add_blanks(&line, number ? blanks : 0);
		add_text(&line, text);
		buf_add_blanks(&line, number ? 0 : blanks);
		column = json_next(column);
	}
	buf_trim_blanks(&line);
	json_add_string(lines, buf_text(&line));
}

void grid_end(struct json *grid)
{
	const struct json *columns = json_get(grid, "columns"), *rows = json_get(grid, "rows");
	struct json *lines = json_set_array(grid, "lines");
	size_t widths[COLUMNS_MAX] = {0}, bar = bar_width(rows);

	widen(widths, columns, "label");
	json_each(row, rows)
		widen(widths, json_get(row, "cells"), "text");
	add_line(lines, columns, columns, "label", widths, bar);
	json_each(row, rows)
		add_line(lines, columns, json_get(row, "cells"), "text", widths, bar);
}
