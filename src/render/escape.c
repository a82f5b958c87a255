/* SPDX-License-Identifier: MIT */
/*
 * Escaping by format and mark-up. Every function copies runs of harmless bytes at once, found by a table of
 * byte classes, and stops only where a byte needs thought. Markdown is in markdown.c.
 */
#include "render/escape.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "render/append.h"
#include "render/markdown.h"

void escape_none(struct buf *out, const char *text, size_t length)
{
	buf_add(out, text, length);
}

/* -- by replacement: html, slack ---------------------------------------------------------------------- */

typedef const char *replacements[256];

static void add_replaced(struct buf *out, const char *text, size_t length, const replacements with)
{
	const char *end = text + length, *run = text;

	for (; text < end; text++) {
		const char *replacement = with[(unsigned char)*text];

		if (!replacement)
			continue;
		append(out, run, (size_t)(text - run));
		buf_add_text(out, replacement);
		run = text + 1;
	}
	append(out, run, (size_t)(end - run));
}

void escape_html(struct buf *out, const char *text, size_t length)
{
	static const replacements html = {
	    ['&'] = "&amp;",
	    ['<'] = "&lt;",
	    ['>'] = "&gt;",
	    ['"'] = "&quot;",
	    ['\''] = "&#39;",
	};

	add_replaced(out, text, length, html);
}

void escape_slack(struct buf *out, const char *text, size_t length)
{
	static const replacements slack = {['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;"};

	add_replaced(out, text, length, slack);
}

/* -- txt ---------------------------------------------------------------------------------------------- */

/* Bytes of the control character at TEXT that a terminal or file must not get, 0 if it is none. */
static size_t control_length(const char *text, size_t available)
{
	unsigned char c = (unsigned char)*text;

	if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
		return 1;
	/* U+0080 to U+009F: the same powers as ESC has, in two bytes. */
	return c == 0xc2 && available > 1 && (unsigned char)text[1] < 0xa0 ? 2 : 0;
}

void escape_txt(struct buf *out, const char *text, size_t length)
{
	const char *end = text + length, *run = text;

	while (text < end) {
		size_t control = control_length(text, (size_t)(end - text));

		if (!control) {
			text++;
			continue;
		}
		append(out, run, (size_t)(text - run));
		text += control;
		run = text;
	}
	append(out, run, (size_t)(end - run));
}

/* -- csv (RFC 4180) ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -5 and +3.25 are no formulas: digits with at most one dot, after at most one sign. */
static bool is_plain_number(const char *text, size_t length)
{
	size_t i = length && (*text == '-' || *text == '+') ? 1 : 0, dots = 0;
	size_t first = i;

	for (; i < length; i++) {
		dots += text[i] == '.';
		if (!is_digit(text[i]) && text[i] != '.')
			return false;
	}
	return length > first + dots && dots <= 1;
}

/* What a spreadsheet would take for a formula when it opens the file. */
static bool is_formula(const char *text, size_t length)
{
	return length && memchr("=+-@\t\r", *text, 6) && !is_plain_number(text, length);
}

static bool needs_quotes(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (memchr(",;\"\r\n\t", text[i], 6))
			return true;
	return length && (text[0] == ' ' || text[length - 1] == ' ');
}

static void add_field(struct buf *out, const char *prefix, const char *text, size_t length)
{
	static const replacements doubled = {['"'] = "\"\""};
	const char *quote = needs_quotes(text, length) ? "\"" : "";

	buf_add_text(out, quote);
	buf_add_text(out, prefix);
	add_replaced(out, text, length, doubled);
	buf_add_text(out, quote);
}

void escape_csv(struct buf *out, const char *text, size_t length)
{
	add_field(out, is_formula(text, length) ? "'" : "", text, length);
}

static void quote_csv(struct buf *out, const char *text, size_t length)
{
	add_field(out, "", text, length);
}

/* -- json --------------------------------------------------------------------------------------------- */

/* Bytes that stand for themselves in a JSON string: printable ASCII but " and \. */
static bool is_plain_json(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void add_json_byte(struct buf *out, unsigned char c)
{
	static const char from[] = "\"\\\n\t\r\b\f", to[] = "\"\\ntrbf";
	const char *at = memchr(from, c, sizeof(from) - 1);

	if (at)
		buf_format(out, "\\%c", to[at - from]);
	else
		buf_format(out, "\\u%04x", c);
}

void escape_json(struct buf *out, const char *text, size_t length)
{
	const char *end = text + length, *run = text;

	while (text < end) {
		unsigned char c = (unsigned char)*text;
		size_t sequence = is_plain_json(c) ? 1
		                  : c < 0x80       ? 0
		                                   : utf8_length(text, (size_t)(end - text));

		text += sequence;
		if (sequence)
			continue;
		append(out, run, (size_t)(text - run));
		if (c && c < 0x80) /* NUL would be valid JSON, but few readers take it */
			add_json_byte(out, c);
		else
			buf_add_text(out, "\xEF\xBF\xBD");
		run = ++text;
	}
	append(out, run, (size_t)(end - run));
}

/* -- json in a target's mark-up ----------------------------------------------------------------------- */

/* Most values hold no mark-up; then `marked` comes to the same bytes and only costs its copy. */
static void add_marked_json(struct buf *out, const char *text, size_t length, escape_function *mark)
{
	struct buf marked = {0};

	mark(&marked, text, length);
	escape_json(out, buf_text(&marked), marked.length);
	buf_done(&marked);
}

void escape_card(struct buf *out, const char *text, size_t length)
{
	markdown_add(out, text, length, false);
}

void escape_chat(struct buf *out, const char *text, size_t length)
{
	markdown_add(out, text, length, true);
}

static void escape_card_json(struct buf *out, const char *text, size_t length)
{
	add_marked_json(out, text, length, escape_card);
}

static void escape_chat_json(struct buf *out, const char *text, size_t length)
{
	add_marked_json(out, text, length, escape_chat);
}

static void escape_slack_json(struct buf *out, const char *text, size_t length)
{
	add_marked_json(out, text, length, escape_slack);
}

/* -- the table ---------------------------------------------------------------------------------------- */

static const struct format {
	const char *format;
	const char *target; /* NULL: any other */
	struct escaping escaping;
} formats[] = {
    {"json", "teams", {escape_card_json, escape_json}},
    {"json", "discord", {escape_chat_json, escape_json}},
    {"json", "mattermost", {escape_chat_json, escape_json}},
    {"json", "slack", {escape_slack_json, escape_json}},
    {"json", NULL, {escape_json, escape_json}},
    {"html", NULL, {escape_html, escape_none}},
    {"txt", NULL, {escape_txt, escape_none}},
    {"csv", NULL, {escape_csv, quote_csv}},
    {"slack", NULL, {escape_slack, escape_none}},
};

const struct escaping *escaping_find(const char *format, const char *target)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (text_equal(formats[i].format, format) &&
		    (!formats[i].target || text_equal(formats[i].target, target)))
			return &formats[i].escaping;
	return NULL;
}

const char *const *escaping_formats(void)
{
	static const char *const names[] = {"html", "json", "txt", "slack", "csv", NULL};

	return names;
}
