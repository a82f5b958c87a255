/* SPDX-License-Identifier: MIT */
/* The text of log lines: key=value pairs or a JSON object. Pure. */
#include "base/log.h"

#include <string.h>

#include <bmad/time.h>

#include "base/text.h"

#define VALUE_LONGEST ((size_t)64 * 1024)

static const char *const level_names[] = {
    [LEVEL_DEBUG] = "debug",
    [LEVEL_INFO] = "info",
    [LEVEL_WARNING] = "warning",
    [LEVEL_ERROR] = "error",
};

/* Characters that need no quotes in the key=value form. */
static bool is_bare(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

static bool is_key(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '.' || c == '-';
}

static void add_key(struct buf *out, const char *key)
{
	for (; *key; key++)
		buf_add_char(out, is_key((unsigned char)*key) ? *key : '_');
}

/* Adds the character at TEXT, which is no printable ASCII or needs an escape; its length. */
static size_t add_special(struct buf *out, const char *text, size_t length)
{
	static const char short_escapes[] = "\"\"\\\\\nn\rr\tt"; /* pairs: the character, what follows `\` */
	unsigned char c = (unsigned char)text[0];

	for (const char *pair = short_escapes; *pair; pair += 2)
		if (*pair == text[0]) {
			buf_format(out, "\\%c", pair[1]);
			return 1;
		}
	if (c < 0x20 || c == 0x7f) {
		buf_format(out, "\\u%04x", c);
		return 1;
	}
	size_t step = utf8_length(text, length);
	if (step == 2 && c == 0xc2 &&
	    (unsigned char)text[1] < 0xa0) /* C1: a terminal takes U+009B as ESC [ */
		buf_format(out, "\\u%04x", (unsigned char)text[1]);
	else
		utf8_add(out, text, step ? step : 1);
	return step ? step : 1;
}

static void add_quoted(struct buf *out, const char *text, size_t length, const char *end)
{
	buf_add_char(out, '"');
	while (length) {
		size_t run = 0;

		while (run < length &&
		       (is_bare((unsigned char)text[run]) || text[run] == ' ' || text[run] == '='))
			run++;
		buf_add(out, text, run);
		if (run < length)
			run += add_special(out, text + run, length - run);
		text += run;
		length -= run;
	}
	buf_add_text(out, end);
	buf_add_char(out, '"');
}

static bool all_bare(const char *text)
{
	for (; *text; text++)
		if (!is_bare((unsigned char)*text))
			return false;
	return true;
}

/* A JSON text may be laid out over lines, a log line may not. Inside its strings there are no raw breaks. */
static void add_literal(struct buf *out, const char *json, size_t length)
{
	char *copy = buf_room(out, length);

	for (size_t i = 0; i < length; i++)
		copy[i] = (unsigned char)json[i] < ' ' ? ' ' : json[i];
	copy[length] = '\0';
	out->length += length;
}

static void add_value(struct buf *out, enum log_format format, const struct log_field *field)
{
	size_t length = strlen(field->value);
	size_t kept = utf8_cut(field->value, length, VALUE_LONGEST);

	if (format == FORMAT_JSON && field->literal && length && kept == length)
		add_literal(out, field->value, length);
	else if (format == FORMAT_KV && length && kept == length && all_bare(field->value))
		buf_add(out, field->value, length);
	else
		add_quoted(out, field->value, kept, kept < length ? "..." : "");
}

static void add_field(struct buf *out, enum log_format format, const struct log_field *field)
{
	if (format == FORMAT_JSON) {
		buf_add_text(out, ",\"");
		add_key(out, field->key);
		buf_add_text(out, "\":");
	} else {
		buf_add_char(out, ' ');
		add_key(out, field->key);
		buf_add_char(out, '=');
	}
	add_value(out, format, field);
}

void log_print(struct buf *out, enum log_format format, enum log_level level, const char *event,
    const struct log_field *fields, size_t count, int64_t at_ms)
{
	bool json = format == FORMAT_JSON;
	char time[TIME_TEXT];

	buf_add_text(out, json ? "{" : "");
	if (at_ms >= 0)
		buf_format(out, json ? "\"ts\":\"%s\"," : "ts=%s ", utc_format_ms(at_ms, time));
	buf_format(out, json ? "\"level\":\"%s\",\"event\":\"" : "level=%s event=", level_names[level]);
	add_key(out, event);
	buf_add_text(out, json ? "\"" : "");
	for (size_t i = 0; i < count; i++)
		add_field(out, format, &fields[i]);
	buf_add_text(out, json ? "}" : "");
}
