/* SPDX-License-Identifier: MIT */
/* Encodings: base64, quoted-printable, and those of header fields (RFC 2045, 2047, 2231, 5322). */
#include "send/mime.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/text.h"

#define LINE_MAX_CHARS 76 /* of a body, and of a header line with encoded words */
#define FOLD_AT        78
#define LINE_BYTES     57 /* what 76 characters of base64 hold */
#define WORD_FRAME     12 /* =?UTF-8?B? and ?= */
#define WORD_MAX       75
#define QUOTED_MAX     60 /* a longer name goes into encoded words, which can be folded */

/* -- bodies -------------------------------------------------------------------------------------------- */

static void add_base64(struct buf *out, const char *bytes, size_t length)
{
	char *room = buf_room(out, (length + 2) / 3 * 4 + 1);

	out->length +=
	    (size_t)EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)bytes, (int)length);
}

void mime_base64(struct buf *out, const void *bytes, size_t length)
{
	for (const char *at = bytes; length;) {
		size_t line = length < LINE_BYTES ? length : LINE_BYTES;

		add_base64(out, at, line);
		buf_add_text(out, "\r\n");
		at += line;
		length -= line;
	}
}

static size_t line_end_length(const char *at, const char *end)
{
	if (*at == '\r')
		return at + 1 < end && at[1] == '\n' ? 2 : 1;
	return *at == '\n' ? 1 : 0;
}

/* A blank at the end of a line would be lost; a dot or `From ` at its beginning has been tampered with. */
static bool stands_for_itself(const char *at, const char *end, size_t column)
{
	bool last = at + 1 == end || line_end_length(at + 1, end);

	if (*at == ' ' || *at == '\t')
		return !last;
	if (column == 0 && (*at == '.' || (end - at >= 5 && !memcmp(at, "From ", 5))))
		return false;
	return *at > ' ' && *at < 127 && *at != '=';
}

static void add_quoted(struct buf *out, char c, bool plain, size_t *column)
{
	size_t width = plain ? 1 : 3;

	if (*column + width > LINE_MAX_CHARS - 1) {
		buf_add_text(out, "=\r\n");
		*column = 0;
	}
	if (plain)
		buf_add_char(out, c);
	else
		buf_format(out, "=%02X", (unsigned char)c);
	*column += width;
}

void mime_quoted_printable(struct buf *out, const char *text, size_t length)
{
	const char *end = text + length;
	size_t column = 0;

	for (const char *at = text; at < end;) {
		size_t line_end = line_end_length(at, end);

		if (line_end) {
			buf_add_text(out, "\r\n");
			column = 0;
			at += line_end;
			continue;
		}
		/* A line that is about to be broken begins anew: what may not stand there counts then too. */
		add_quoted(
		    out, *at, stands_for_itself(at, end, column >= LINE_MAX_CHARS - 1 ? 0 : column), &column);
		at++;
	}
	if (column)
		buf_add_text(out, "\r\n");
}

bool mime_is_mostly_ascii(const char *text, size_t length)
{
	size_t others = 0;

	for (size_t i = 0; i < length; i++)
		others += (unsigned char)text[i] > 126 || text[i] == '=';
	return others <= length / 6;
}

/* -- fields ---------------------------------------------------------------------------------------------- */

static void add(struct mime_field *field, const char *text, size_t length)
{
	buf_add(field->out, text, length);
	field->column += length;
}

struct mime_field mime_field_begin(struct buf *out, const char *name)
{
	buf_format(out, "%s:", name);
	return (struct mime_field){out, strlen(name) + 1};
}

void mime_field_end(struct mime_field *field)
{
	buf_add_text(field->out, "\r\n");
}

/* The blank before what comes next, on this line if WIDTH more characters have room, else on a new one. */
static void add_blank(struct mime_field *field, size_t width, size_t most)
{
	if (field->column + 1 + width > most && field->column > 1) {
		buf_add_text(field->out, "\r\n");
		field->column = 0;
	}
	add(field, " ", 1);
}

void mime_field_word(struct mime_field *field, const char *word)
{
	add_blank(field, strlen(word), FOLD_AT);
	add(field, word, strlen(word));
}

/* Bytes of TEXT, whole characters, whose base64 fits into WIDTH characters; at least one character. */
static size_t word_bytes(const char *text, size_t length, size_t width)
{
	size_t most = width / 4 * 3, first = utf8_length(text, length);
	size_t fits = utf8_cut(text, length, most);

	return fits ? fits : first;
}

/* Cut between characters, each word complete in itself. */
static void add_encoded(struct mime_field *field, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		size_t used = field->column + 1 + WORD_FRAME;
		size_t room = used + 8 > LINE_MAX_CHARS ? WORD_MAX - WORD_FRAME : LINE_MAX_CHARS - used;
		size_t bytes = word_bytes(text, left, room);

		add_blank(field, WORD_FRAME + (bytes + 2) / 3 * 4, LINE_MAX_CHARS);
		add(field, "=?UTF-8?B?", 10);
		size_t before = field->out->length;
		add_base64(field->out, text, bytes);
		field->column += field->out->length - before;
		add(field, "?=", 2);
		text += bytes;
		left -= bytes;
	}
}

/* Printable ASCII in words that a line can hold, and nothing that would be taken for an encoded word. */
static bool is_plain(const char *text)
{
	size_t word = 0;

	for (const char *c = text; *c; c++) {
		word = *c == ' ' ? 0 : word + 1;
		if (*c < ' ' || *c > 126 || word > QUOTED_MAX)
			return false;
	}
	return !strstr(text, "=?");
}

void mime_field_text(struct mime_field *field, const char *text)
{
	if (!is_plain(text)) {
		add_encoded(field, text);
		return;
	}
	while (*text) {
		size_t length = strcspn(text, " ");

		add_blank(field, length, FOLD_AT);
		add(field, text, length);
		text += length;
		text += strspn(text, " ");
	}
}

static bool is_atoms(const char *name)
{
	return !name[strspn(
	    name, " !#$%&'*+-/0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~")];
}

static void add_name(struct mime_field *field, const char *name)
{
	cleanup(buf_done) struct buf quoted = {0};

	if (!is_plain(name) || strlen(name) > QUOTED_MAX) {
		add_encoded(field, name);
		return;
	}
	if (is_atoms(name)) {
		mime_field_text(field, name);
		return;
	}
	buf_add_char(&quoted, '"');
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			buf_add_char(&quoted, '\\');
		buf_add_char(&quoted, *name);
	}
	buf_add_char(&quoted, '"');
	mime_field_word(field, buf_text(&quoted));
}

void mime_field_address(struct mime_field *field, const struct mail_address *address, bool comma)
{
	cleanup(free_text) char *spec =
	    mem_format(*address->name ? "<%s>%s" : "%s%s", address->address, comma ? "," : "");

	if (*address->name)
		add_name(field, address->name);
	mime_field_word(field, spec);
}

/* -- parameters ------------------------------------------------------------------------------------------ */

static void add_parameter_word(struct mime_field *field, const char *word)
{
	add(field, ";", 1);
	mime_field_word(field, word);
}

/* Every character that must be is percent-encoded; a section for each line (RFC 2231, section 3 and 4.1). */
static void add_extended(struct mime_field *field, const char *name, const char *value)
{
	const char *kept = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._";
	cleanup(buf_done) struct buf section = {0};
	bool several = 3 * strlen(value) + strlen(name) > QUOTED_MAX;

	for (int number = 0; *value; number++) {
		buf_truncate(&section, 0);
		if (several)
			buf_format(&section, "%s*%d*=%s", name, number, number ? "" : "UTF-8''");
		else
			buf_format(&section, "%s*=UTF-8''", name);
		for (; *value && (!several || section.length < QUOTED_MAX); value++)
			if (strchr(kept, *value))
				buf_add_char(&section, *value);
			else
				buf_format(&section, "%%%02X", (unsigned char)*value);
		add_parameter_word(field, buf_text(&section));
	}
}

/* What a reader that knows no RFC 2231 shows; a semicolon misleads many a one, in quotes too. */
static char *ascii_fallback(const char *name, const char *value)
{
	cleanup(buf_done) struct buf out = {0};

	buf_format(&out, "%s=\"", name);
	for (size_t bytes; *value && out.length < QUOTED_MAX; value += bytes) {
		bytes = utf8_length(value, strlen(value));
		buf_add_char(&out, bytes == 1 && !strchr("\"\\;", *value) ? *value : '_');
	}
	buf_add_char(&out, '"');
	return buf_detach(&out);
}

static bool is_simple(const char *value)
{
	return is_plain(value) && !strpbrk(value, "\"\\;") && strlen(value) <= QUOTED_MAX - 10;
}

void mime_field_parameter(struct mime_field *field, const char *name, const char *value)
{
	cleanup(free_text) char *plain = ascii_fallback(name, value);

	/* The exact one first: readers that take the first they find take the right one. */
	if (!is_simple(value))
		add_extended(field, name, value);
	add_parameter_word(field, plain);
}
