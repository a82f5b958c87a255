/* SPDX-License-Identifier: MIT */
/*
 * A data object as an HTML page for mail, where no template makes one. Tables and inline style only, and
 * colours that neither a light nor a dark reader turns into something unreadable.
 */
#include "render/html_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/escape.h"

#define COLUMNS_MAX 32
#define DEPTH_MAX   6 /* what is deeper is shown as JSON */

#define CELL  "border-bottom:1px solid #88888855;padding:4px 8px;text-align:left;vertical-align:top"
#define TABLE "<table cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse;margin:0 0 12px\">\n"

static void add_escaped(struct buf *out, const char *text)
{
	cleanup(buf_done) struct buf shown = {0};

	escape_txt(&shown, text, strlen(text));
	escape_html(out, buf_text(&shown), shown.length);
}

static void add_value(struct buf *out, const struct json *value, int depth);

static void add_scalar(struct buf *out, const struct json *value)
{
	cleanup(free_text) char *printed = json_text(value) ? NULL : json_print(value);

	if (json_type(value) == JSON_NULL)
		buf_add_text(out, "&ndash;");
	else
		add_escaped(out, printed ? printed : json_text(value));
}

static bool is_table(const struct json *list)
{
	if (!json_is(list, JSON_ARRAY) || !json_first(list))
		return false;
	json_each(item, list)
		if (!json_is(item, JSON_OBJECT))
			return false;
	return true;
}

static size_t column_names(const struct json *rows, const char *names[COLUMNS_MAX])
{
	size_t count = 0;

	json_each(row, rows)
		json_each(member, row) {
			size_t i = 0;

			while (i < count && strcmp(names[i], json_key(member)) != 0)
				i++;
			if (i == count && count < COLUMNS_MAX)
				names[count++] = json_key(member);
		}
	return count;
}

static void add_rows(struct buf *out, const struct json *rows, int depth)
{
	const char *names[COLUMNS_MAX];
	size_t count = column_names(rows, names);

	buf_add_text(out, TABLE "<tr>");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, "<th style=\"" CELL ";font-weight:bold\">");
		add_escaped(out, names[i]);
		buf_add_text(out, "</th>");
	}
	buf_add_text(out, "</tr>\n");
	json_each(row, rows) {
		buf_add_text(out, "<tr>");
		for (size_t i = 0; i < count; i++) {
			const struct json *value = json_get(row, names[i]);

			buf_add_text(out, json_is(value, JSON_NUMBER) ? "<td style=\"" CELL ";text-align:right\">"
			                                              : "<td style=\"" CELL "\">");
			if (value)
				add_value(out, value, depth + 1);
			buf_add_text(out, "</td>");
		}
		buf_add_text(out, "</tr>\n");
	}
	buf_add_text(out, "</table>\n");
}

static void add_members(struct buf *out, const struct json *object, int depth)
{
	buf_add_text(out, TABLE);
	json_each(member, object) {
		buf_add_text(out, "<tr><td style=\"" CELL ";color:#808080\">");
		add_escaped(out, json_key(member));
		buf_add_text(out, "</td><td style=\"" CELL "\">");
		add_value(out, member, depth + 1);
		buf_add_text(out, "</td></tr>\n");
	}
	buf_add_text(out, "</table>\n");
}

static void add_value(struct buf *out, const struct json *value, int depth)
{
	if (depth < DEPTH_MAX && is_table(value))
		add_rows(out, value, depth);
	else if (depth < DEPTH_MAX && json_is(value, JSON_OBJECT) && json_first(value))
		add_members(out, value, depth);
	else
		add_scalar(out, value);
}

void plain_html(const char *title, const struct json *data, struct buf *out)
{
	buf_add_text(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
	                  "<meta name=\"color-scheme\" content=\"light dark\"></head>\n"
	                  "<body style=\"font-family:Arial,Helvetica,sans-serif;font-size:14px\">\n"
	                  "<table width=\"600\" cellpadding=\"0\" cellspacing=\"0\" style=\"max-width:100%\"><tr><td>\n"
	                  "<h2 style=\"font-size:18px;margin:0 0 12px\">");
	add_escaped(out, title);
	buf_add_text(out, "</h2>\n");
	add_value(out, data, 0);
	buf_add_text(out, "</td></tr></table>\n</body></html>\n");
}
