/* SPDX-License-Identifier: MIT */
/* Text from HTML: one pass over tags, entities and text. */
#include "render/html_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define NAME_MAX_BYTES 16

/* What a tag does to the text around it. */
enum effect {
	EFFECT_NONE,
	EFFECT_LINE,      /* stands on lines of its own */
	EFFECT_PARAGRAPH, /* with an empty line before and after */
	EFFECT_BREAK,
	EFFECT_CELL, /* blanks from the one before */
	EFFECT_ITEM,
	EFFECT_SKIP, /* nothing up to its end is text */
	EFFECT_LINK,
	EFFECT_IMAGE,
	EFFECT_VERBATIM, /* white space counts */
};

static const struct tag_effect {
	const char *name;
	enum effect effect;
} effects[] = {
    {"a", EFFECT_LINK}, {"br", EFFECT_BREAK}, {"div", EFFECT_LINE}, {"h1", EFFECT_PARAGRAPH},
    {"h2", EFFECT_PARAGRAPH}, {"h3", EFFECT_PARAGRAPH}, {"head", EFFECT_SKIP}, {"hr", EFFECT_PARAGRAPH},
    {"img", EFFECT_IMAGE}, {"li", EFFECT_ITEM}, {"ol", EFFECT_LINE}, {"p", EFFECT_PARAGRAPH},
    {"pre", EFFECT_VERBATIM}, {"script", EFFECT_SKIP}, {"style", EFFECT_SKIP}, {"table", EFFECT_PARAGRAPH},
    {"td", EFFECT_CELL}, {"th", EFFECT_CELL}, {"title", EFFECT_SKIP}, {"tr", EFFECT_LINE},
    {"ul", EFFECT_LINE},
};

struct reader {
	struct buf *out;
	size_t start; /* where this text begins in OUT */
	bool blank;   /* white space was seen and not yet written */
	int verbatim;
	char *link; /* of the <a> that is open; NULL: none */
	size_t link_start;
};

static size_t written(const struct reader *reader)
{
	return reader->out->length - reader->start;
}

static char last(const struct reader *reader)
{
	return written(reader) ? reader->out->text[reader->out->length - 1] : '\n';
}

static void trim_blanks(struct reader *reader)
{
	while (written(reader) && last(reader) == ' ')
		buf_truncate(reader->out, reader->out->length - 1);
}

static void end_line(struct reader *reader)
{
	trim_blanks(reader);
	reader->blank = false;
	if (last(reader) != '\n')
		buf_add_char(reader->out, '\n');
}

static void end_paragraph(struct reader *reader)
{
	end_line(reader);
	if (written(reader) && (written(reader) < 2 || reader->out->text[reader->out->length - 2] != '\n'))
		buf_add_char(reader->out, '\n');
}

static void add_char(struct reader *reader, char c)
{
	bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';

	if (reader->verbatim && c != '\r') {
		buf_add_char(reader->out, c);
		return;
	}
	if (space) {
		reader->blank = true;
		return;
	}
	if (reader->blank && last(reader) != '\n' && last(reader) != ' ')
		buf_add_char(reader->out, ' ');
	reader->blank = false;
	buf_add_char(reader->out, c);
}

/* -- entities ------------------------------------------------------------------------------------------ */

static void add_code_point(struct reader *reader, unsigned long code)
{
	char bytes[4];
	size_t length = 0;

	if (code < 0x80) {
		bytes[length++] = (char)(code < ' ' ? ' ' : code);
	} else if (code < 0x800) {
		bytes[length++] = (char)(0xc0 | code >> 6);
		bytes[length++] = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		bytes[length++] = (char)(0xe0 | code >> 12);
		bytes[length++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[length++] = (char)(0x80 | (code & 0x3f));
	} else {
		bytes[length++] = (char)(0xf0 | code >> 18);
		bytes[length++] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[length++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[length++] = (char)(0x80 | (code & 0x3f));
	}
	for (size_t i = 0; i < length; i++)
		add_char(reader, bytes[i]);
}

/* Returns what comes after the entity at AT (an &), or after the & if it begins none. */
static const char *add_entity(struct reader *reader, const char *at)
{
	static const struct {
		const char *name;
		unsigned long code;
	} names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&nbsp;", ' '},
	    {"&middot;", 0xb7}, {"&ndash;", 0x2013}, {"&mdash;", 0x2014}, {"&times;", 0xd7}};
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(at, names[i].name, strlen(names[i].name))) {
			add_code_point(reader, names[i].code);
			return at + strlen(names[i].name);
		}
	if (at[1] == '#') {
		bool hex = at[2] == 'x' || at[2] == 'X';
		unsigned long code = strtoul(at + (hex ? 3 : 2), &end, hex ? 16 : 10);

		if (*end == ';' && code > 0 && code < 0x110000 && (code < 0xd800 || code > 0xdfff)) {
			add_code_point(reader, code);
			return end + 1;
		}
	}
	add_char(reader, '&');
	return at + 1;
}

static void add_text(struct reader *reader, const char *text, size_t length)
{
	cleanup(free_text) char *copy = mem_copy_n(text, length);

	for (const char *at = copy; *at;)
		if (*at == '&')
			at = add_entity(reader, at);
		else
			add_char(reader, *at++);
}

/* -- tags ------------------------------------------------------------------------------------------------ */

struct tag {
	char name[NAME_MAX_BYTES];
	bool closing;
	const char *text; /* from the < on */
	size_t length;
};

/* The value of an attribute in quotes, a copy; NULL: there is none. */
static char *attribute(const struct tag *tag, const char *name)
{
	cleanup(free_text) char *text = mem_copy_n(tag->text, tag->length);
	cleanup(free_text) char *wanted = mem_format(" %s=\"", name);
	const char *at = strcasestr(text, wanted);

	if (!at)
		return NULL;
	at += strlen(wanted);
	return mem_copy_n(at, strcspn(at, "\""));
}

static enum effect effect_of(const struct tag *tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
		if (!strcmp(effects[i].name, tag->name))
			return effects[i].effect;
	return EFFECT_NONE;
}

/* `Board (https://plant.example/)`; a link whose text is its address is said once. */
static void end_link(struct reader *reader)
{
	cleanup(free_text) char *link = reader->link;

	reader->link = NULL;
	if (!link || (strncasecmp(link, "http", 4) && strncasecmp(link, "mailto:", 7)))
		return;
	if (strstr(buf_text(reader->out) + reader->link_start, link))
		return;
	reader->blank = true;
	add_char(reader, '(');
	add_text(reader, link, strlen(link));
	add_char(reader, ')');
}

static void link_tag(struct reader *reader, const struct tag *tag)
{
	end_link(reader);
	if (tag->closing)
		return;
	reader->link = attribute(tag, "href");
	reader->link_start = reader->out->length;
}

static void apply(struct reader *reader, const struct tag *tag)
{
	cleanup(free_text) char *alt = NULL;

	switch (effect_of(tag)) {
	case EFFECT_LINE:
		end_line(reader);
		break;
	case EFFECT_PARAGRAPH:
		end_paragraph(reader);
		break;
	case EFFECT_BREAK:
		trim_blanks(reader);
		reader->blank = false;
		buf_add_char(reader->out, '\n');
		break;
	case EFFECT_CELL:
		if (!tag->closing && last(reader) != '\n')
			buf_add_text(reader->out, "  ");
		reader->blank = false;
		break;
	case EFFECT_ITEM:
		end_line(reader);
		if (!tag->closing)
			buf_add_text(reader->out, "- ");
		break;
	case EFFECT_VERBATIM:
		end_line(reader);
		reader->verbatim = !tag->closing;
		break;
	case EFFECT_LINK:
		link_tag(reader, tag);
		break;
	case EFFECT_IMAGE:
		alt = attribute(tag, "alt");
		if (alt)
			add_text(reader, alt, strlen(alt));
		break;
	case EFFECT_SKIP:
	case EFFECT_NONE:
		break;
	}
}

/* Where the tag at AT ends, its > included; a > in quotes does not count. */
static const char *tag_end(const char *at)
{
	char quote = 0;

	for (; *at; at++) {
		if (quote)
			quote = *at == quote ? 0 : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (*at == '>')
			return at + 1;
	}
	return at;
}

static struct tag read_tag(const char *at, const char *end)
{
	struct tag tag = {.closing = at[1] == '/', .text = at, .length = (size_t)(end - at)};
	const char *name = at + 1 + tag.closing;
	size_t length = strcspn(name, " \t\r\n/>");

	for (size_t i = 0; i < length && i + 1 < sizeof(tag.name); i++)
		tag.name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	return tag;
}

static const char *skip_element(const struct tag *tag, const char *after)
{
	cleanup(free_text) char *closing = mem_format("</%s", tag->name);
	const char *end = strcasestr(after, closing);

	return end ? tag_end(end) : after + strlen(after);
}

static const char *read_markup(struct reader *reader, const char *at)
{
	const char *end;
	struct tag tag;

	if (!strncmp(at, "<!--", 4)) {
		end = strstr(at, "-->");
		return end ? end + 3 : at + strlen(at);
	}
	end = tag_end(at);
	tag = read_tag(at, end);
	if (effect_of(&tag) == EFFECT_SKIP && !tag.closing)
		return skip_element(&tag, end);
	apply(reader, &tag);
	return end;
}

void html_text(const char *html, struct buf *out)
{
	struct reader reader = {.out = out, .start = out->length};

	while (*html) {
		size_t length = strcspn(html, "<");

		add_text(&reader, html, length);
		html += length;
		if (*html)
			html = read_markup(&reader, html);
	}
	end_link(&reader);
	trim_blanks(&reader);
	while (written(&reader) > 1 && last(&reader) == '\n' && out->text[out->length - 2] == '\n')
		buf_truncate(out, out->length - 1);
	end_line(&reader);
}
