/* SPDX-License-Identifier: MIT */
/* Reading an element or two out of an XML answer: tags are walked over one by one. */
#include "jobs/vendor/xml.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <bmad/buf.h>

struct cursor {
	const char *at, *end;
};

static bool looking_at(const struct cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(cursor->end - cursor->at) >= length && !memcmp(cursor->at, word, length);
}

/* Moves behind the next WORD, or to the end. */
static bool skip_behind(struct cursor *cursor, const char *word)
{
	const char *found = memmem(cursor->at, (size_t)(cursor->end - cursor->at), word, strlen(word));

	cursor->at = found ? found + strlen(word) : cursor->end;
	return found != NULL;
}

/* -- text --------------------------------------------------------------------------------------------- */

static void add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_add_char(out, (char)code);
	} else if (code < 0x800) {
		buf_add_char(out, (char)(0xC0 | code >> 6));
		buf_add_char(out, (char)(0x80 | (code & 0x3F)));
	} else if (code < 0x10000) {
		buf_add_char(out, (char)(0xE0 | code >> 12));
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (code & 0x3F)));
	} else {
		buf_add_char(out, (char)(0xF0 | code >> 18));
		buf_add_char(out, (char)(0x80 | (code >> 12 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (code & 0x3F)));
	}
}

/* The character of `#65` or `#x41`, 0 if it is none that a text may hold. */
static uint32_t character_of(const char *text, size_t length)
{
	bool hex = length > 1 && text[1] == 'x';
	uint32_t code = 0;

	for (size_t i = hex ? 2 : 1; i < length; i++) {
		char c = text[i];
		int digit = c >= '0' && c <= '9'          ? c - '0'
		            : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
		            : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10
		                                          : -1;

		code = code * (hex ? 16 : 10) + (uint32_t)digit;
		if (digit < 0 || code > 0x10FFFF)
			return 0;
	}
	return code >= 0xD800 && code < 0xE000 ? 0 : code;
}

static const struct {
	const char *name;
	char c;
} entities[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};

/* Adds what `&NAME;` stands for; false: nothing that we know. */
static bool add_reference(struct buf *out, const char *name, size_t length)
{
	uint32_t code = length && *name == '#' ? character_of(name, length) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(entities) && !code; i++)
		if (strlen(entities[i].name) == length && !memcmp(entities[i].name, name, length))
			code = (unsigned char)entities[i].c;
	if (code)
		add_utf8(out, code);
	return code != 0;
}

static void add_escaped(struct buf *out, const char *text, const char *end)
{
	while (text < end) {
		const char *semicolon = *text == '&' ? memchr(text, ';', (size_t)(end - text)) : NULL;

		if (semicolon && add_reference(out, text + 1, (size_t)(semicolon - text - 1))) {
			text = semicolon + 1;
			continue;
		}
		buf_add_char(out, *text++);
	}
}

/* From behind a start tag up to its end tag; false if anything but text comes in between. */
static bool read_text(struct cursor *cursor, struct buf *out)
{
	while (cursor->at < cursor->end) {
		const char *tag = memchr(cursor->at, '<', (size_t)(cursor->end - cursor->at));

		if (!tag)
			return false;
		add_escaped(out, cursor->at, tag);
		cursor->at = tag;
		if (looking_at(cursor, "</"))
			return true;
		if (looking_at(cursor, "<!--")) {
			skip_behind(cursor, "-->");
		} else if (looking_at(cursor, "<![CDATA[")) {
			const char *from = tag + strlen("<![CDATA[");

			if (!skip_behind(cursor, "]]>"))
				return false;
			buf_add(out, from, (size_t)(cursor->at - strlen("]]>") - from));
		} else {
			return false;
		}
	}
	return false;
}

/* -- tags --------------------------------------------------------------------------------------------- */

static const struct {
	const char *begin, *end;
} asides[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}, {"</", ">"}};

static bool skip_aside(struct cursor *cursor)
{
	for (size_t i = 0; i < ARRAY_SIZE(asides); i++)
		if (looking_at(cursor, asides[i].begin)) {
			skip_behind(cursor, asides[i].end);
			return true;
		}
	return false;
}

/* Behind the `>` of a start tag, past quoted `>`; false: it ends itself, or nothing follows. */
static bool skip_start_tag(struct cursor *cursor)
{
	char quote = 0;

	for (; cursor->at < cursor->end; cursor->at++) {
		char c = *cursor->at;

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			return *cursor->at++ == '>' && cursor->at[-2] != '/';
		}
	}
	return false;
}

/* Whether the start tag here is of an element NAME; moves behind its name. */
static bool take_name(struct cursor *cursor, const char *name)
{
	const char *from = ++cursor->at;

	while (cursor->at < cursor->end && !strchr(" \t\r\n/>", *cursor->at)) {
		if (*cursor->at == ':')
			from = cursor->at + 1;
		cursor->at++;
	}
	return (size_t)(cursor->at - from) == strlen(name) && !memcmp(from, name, strlen(name));
}

const char *xml_text(const char *xml, size_t length, const char *name, struct arena *arena)
{
	struct cursor cursor = {xml, xml + length};

	while ((cursor.at = memchr(cursor.at, '<', (size_t)(cursor.end - cursor.at)))) {
		if (skip_aside(&cursor))
			continue;
		bool wanted = take_name(&cursor, name);
		if (!skip_start_tag(&cursor) || !wanted)
			continue;
		cleanup(buf_done) struct buf text = {0};
		return read_text(&cursor, &text) ? arena_copy(arena, buf_text(&text)) : NULL;
	}
	return NULL;
}

const char *xml_escape(const char *text, struct arena *arena)
{
	cleanup(buf_done) struct buf out = {0};

	for (; *text; text++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(entities) && entities[i].c != *text)
			i++;
		if (i < ARRAY_SIZE(entities))
			buf_format(&out, "&%s;", entities[i].name);
		else
			buf_add_char(&out, *text);
	}
	return arena_copy(arena, buf_text(&out));
}
