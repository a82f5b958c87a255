/* SPDX-License-Identifier: MIT */
/*
 * Bodies as text. Providers differ in their frames, not in what stands in them: members that hold something
 * to be read have the same few names everywhere, and these in the order in which they are shown.
 */
#include "render/preview.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char *const types[] = {"teams", "slack", "discord", "mattermost", "pagerduty"};

/* In the order of reading; anything else is looks. */
static const char *const shown[] = {"event_action", "severity", "content", "pretext", "title", "summary",
    "text", "description", "payload", "source", "body", "blocks", "embeds", "attachments", "items", "facts",
    "rows", "fields", "elements", "footer", "custom_details", "links", "actions", "href", "url"};

/* `&lt;` `&gt;` `&amp;`; the length of what stands at TEXT, 0 if none of them does. */
static size_t entity(const char *text, char *out)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}};

	for (size_t i = 0; i < ARRAY_SIZE(entities); i++)
		if (!strncmp(text, entities[i].name, strlen(entities[i].name))) {
			*out = entities[i].c;
			return strlen(entities[i].name);
		}
	return 0;
}

static bool is_mark(char c)
{
	return c && strchr("*_`~[]<>&\\#+-=.)|", c);
}

/* Without what keeps the provider from reading mark-up in it. */
static void add_text(struct buf *out, const char *text)
{
	while (*text) {
		char c = *text;
		size_t length = entity(text, &c);

		if (!strncmp(text, "\xE2\x80\x8B", 3)) {
			text += 3;
			continue;
		}
		if (*text == '\\' && is_mark(text[1]))
			c = *++text;
		buf_add_char(out, c);
		text += length ? length : 1;
	}
}

static void add_line(struct buf *out, const char *text)
{
	if (text_is_empty(text))
		return;
	add_text(out, text);
	if (out->text[out->length - 1] != '\n')
		buf_add_char(out, '\n');
}

static void add(struct buf *out, const struct json *value);

/* What stands in VALUE, in one line. */
static void add_inline(struct buf *out, const struct json *value)
{
	struct buf inner = {0};

	add(&inner, value);
	while (inner.length && inner.text[inner.length - 1] == '\n')
		buf_truncate(&inner, inner.length - 1);
	for (size_t i = 0; i < inner.length; i++)
		buf_add_char(out, inner.text[i] == '\n' ? ' ' : inner.text[i]);
	buf_done(&inner);
}

static void add_cells(struct buf *out, const struct json *cells)
{
	json_each(cell, cells) {
		add_inline(out, cell);
		buf_add_text(out, json_next(cell) ? "  " : "\n");
	}
}

/* A fact, or a field: its name and its value. */
static bool add_pair(struct buf *out, const struct json *object)
{
	const char *name = json_text(json_get(object, "title"));

	if (!name)
		name = json_text(json_get(object, "name"));
	if (!name || !json_get(object, "value"))
		return false;
	add_text(out, name);
	buf_add_text(out, ": ");
	add_inline(out, json_get(object, "value"));
	buf_add_char(out, '\n');
	return true;
}

/* Details are whatever the template made of them. */
static void add_details(struct buf *out, const struct json *details)
{
	json_each(member, details) {
		buf_format(out, "%s: ", json_key(member));
		if (json_text(member))
			add_line(out, json_text(member));
		else {
			cleanup(free_text) char *printed = json_print(member);

			add_line(out, printed);
		}
	}
}

static void add_member(struct buf *out, const struct json *object, const char *key)
{
	const struct json *value = json_get(object, key);

	if (!strcmp(key, "custom_details"))
		add_details(out, value);
	else if (strcmp(key, "text") || !json_get(object, "blocks")) /* beside blocks it only repeats them */
		add(out, value);
}

static void add(struct buf *out, const struct json *value)
{
	if (json_text(value)) {
		add_line(out, json_text(value));
		return;
	}
	if (json_is(value, JSON_ARRAY)) {
		json_each(item, value)
			add(out, item);
		return;
	}
	if (!json_is(value, JSON_OBJECT) || add_pair(out, value))
		return;
	if (json_get(value, "cells")) {
		add_cells(out, json_get(value, "cells"));
		return;
	}
	/* The card of an attachment is its `content`, which is a text elsewhere. */
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		add_member(out, value, shown[i]);
}

bool preview_add(struct buf *out, const char *type, const struct json *body)
{
	size_t before = out->length;

	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i], type))
			add(out, body);
	return out->length > before;
}
