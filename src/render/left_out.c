/* SPDX-License-Identifier: MIT */
/* `… and N more`, in the shape of the rows that stay. */
#include "render/left_out.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define TELLS     "… and %zu more"
#define MOST_ROWS 100000000 /* more than that no message of ours can have told of */

static struct json *text_block(const char *text)
{
	struct json *block = json_object();

	json_set_string(block, "type", "TextBlock");
	json_set_string(block, "text", text);
	json_set_bool(block, "wrap", true);
	json_set_bool(block, "isSubtle", true);
	return block;
}

static struct json *mrkdwn(const char *text)
{
	struct json *object = json_object();

	json_set_string(object, "type", "mrkdwn");
	json_set_string(object, "text", text);
	return object;
}

/* As wide as the row before it. */
static struct json *table_row(const struct json *like, const char *text)
{
	struct json *row = json_object();
	struct json *cells;

	json_set_string(row, "type", "TableRow");
	cells = json_set_array(row, "cells");
	for (size_t i = 0; i == 0 || i < json_length(json_get(like, "cells")); i++) {
		struct json *cell = json_add_object(cells);

		json_set_string(cell, "type", "TableCell");
		json_add(json_set_array(cell, "items"), text_block(i ? " " : text));
	}
	return row;
}

static struct json *context_block(const char *text)
{
	struct json *block = json_object();

	json_set_string(block, "type", "context");
	json_add(json_set_array(block, "elements"), mrkdwn(text));
	return block;
}

static struct json *pair(const char *name, const char *value, const char *text)
{
	struct json *object = json_object();

	json_set_string(object, name, "…");
	json_set_string(object, value, text + strlen("… "));
	return object;
}

static struct json *member(const char *key, const char *text)
{
	struct json *object = json_object();

	json_set_string(object, key, text);
	return object;
}

/* NULL: nobody knows the shape of LIKE. */
static struct json *marker(const struct json *list, const struct json *like, const char *text)
{
	const char *type = json_text(json_get(like, "type")), *key = json_key(list);

	if (text_equal(type, "TableRow"))
		return table_row(like, text);
	if (json_text(json_get(like, "title")) && json_get(like, "value"))
		return pair("title", "value", text);
	if (json_text(json_get(like, "name")) && json_get(like, "value"))
		return pair("name", "value", text);
	if (text_equal(key, "blocks"))
		return context_block(text);
	if (text_equal(key, "embeds"))
		return member("description", text);
	if (text_equal(key, "attachments") && json_get(like, "fallback")) {
		struct json *attachment = member("fallback", text);

		json_set_string(attachment, "text", text);
		return attachment;
	}
	if (text_equal(type, "mrkdwn") || text_equal(type, "plain_text"))
		return mrkdwn(text);
	if (text_equal(key, "body") || text_equal(key, "items"))
		return text_block(text);
	return json_is(like, JSON_STRING) ? json_string(text) : NULL;
}

struct json *left_out_row(const struct json *list, const struct json *like, size_t count)
{
	char text[64];

	snprintf(text, sizeof(text), TELLS, count);
	return marker(list, like, text);
}

/* The whole of TEXT is what was told of rows left out, in one piece or without the sign before it. */
static size_t told_in(const char *text)
{
	static const char *const forms[] = {TELLS "%n", "and %zu more%n"};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t count = 0;
		int end = 0;

		if (sscanf(text, forms[i], &count, &end) == 1 && end && !text[end] && count < MOST_ROWS)
			return count;
	}
	return 0;
}

static size_t told_below(const struct json *value)
{
	size_t count = json_text(value) ? told_in(json_text(value)) : 0;

	json_each(part, value)
		count = count ? count : told_below(part);
	return count;
}

size_t left_out_before(const struct json *list)
{
	const struct json *last = NULL;

	json_each(item, list)
		last = item;
	return last ? told_below(last) : 0;
}
