/* SPDX-License-Identifier: MIT */
/* Reads a composed message back for people: decoded fields, the plain text, what is attached. */
#include "send/mime.h"

#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/text.h"

#define DEPTH_MAX 8

/* A part of the message, CRLF at its line ends. */
struct span {
	const char *text;
	size_t length;
};

struct reader {
	struct json *out;
	struct json *attachments;
	struct arena arena;
};

static const char *find(struct span in, const char *what)
{
	return memmem(in.text, in.length, what, strlen(what));
}

static struct span from(struct span in, const char *at)
{
	return (struct span){at, (size_t)(in.text + in.length - at)};
}

/* Splits an entity at its first empty line; one without has no body. */
static void split_entity(struct span entity, struct span *out_head, struct span *out_body)
{
	const char *end = find(entity, "\r\n\r\n");

	*out_head = entity;
	*out_body = from(entity, entity.text + entity.length);
	if (!end)
		return;
	out_head->length = (size_t)(end + 2 - entity.text);
	*out_body = from(entity, end + 4);
}

/* -- fields ---------------------------------------------------------------------------------------------- */

static char *unfolded(struct span value, struct arena *arena)
{
	char *text = arena_alloc(arena, value.length + 1), *to = text;

	for (size_t i = 0; i < value.length; i++)
		if (value.text[i] != '\r' && value.text[i] != '\n')
			*to++ = value.text[i];
	return text;
}

/* The value of field NAME in one line, or "". */
static const char *field(struct span head, const char *name, struct arena *arena)
{
	size_t length = strlen(name);

	for (const char *line = head.text, *end = head.text + head.length; line < end;) {
		const char *next = line;

		do {
			const char *newline = memchr(next, '\n', (size_t)(end - next));

			next = newline ? newline + 1 : end;
		} while (next < end && (*next == ' ' || *next == '\t'));
		if ((size_t)(next - line) > length && !strncasecmp(line, name, length) &&
		    line[length] == ':') {
			const char *value = line + length + 1;

			value += value < end && *value == ' ';
			return unfolded((struct span){value, (size_t)(next - value)}, arena);
		}
		line = next;
	}
	return "";
}

static void decode_base64(const char *text, size_t length, struct buf *out)
{
	cleanup(buf_done) struct buf packed = {0};
	size_t padding = 0;
	int decoded;

	for (size_t i = 0; i < length; i++)
		if (text[i] != '\r' && text[i] != '\n')
			buf_add_char(&packed, text[i]);
	while (padding < 2 && padding < packed.length && packed.text[packed.length - 1 - padding] == '=')
		padding++;
	if (!packed.length || packed.length % 4)
		return;
	char *room = buf_room(out, packed.length / 4 * 3 + 1);
	decoded =
	    EVP_DecodeBlock((unsigned char *)room, (const unsigned char *)packed.text, (int)packed.length);
	if (decoded > 0)
		out->length += (size_t)decoded - padding;
}

/* The encoded words that mime_encode.c writes; the blanks between two of them are not part of the text. */
static char *decode_words(const char *text)
{
	struct buf out = {0};
	size_t after_word = 0; /* where the text stood after the last encoded word; 0: none just before */

	while (*text) {
		const char *end = strncmp(text, "=?UTF-8?B?", 10) ? NULL : strstr(text + 10, "?=");

		if (!end) {
			if (*text != ' ')
				after_word = 0;
			buf_add_char(&out, *text++);
			continue;
		}
		if (after_word)
			buf_truncate(&out, after_word);
		decode_base64(text + 10, (size_t)(end - text) - 10, &out);
		after_word = out.length;
		text = end + 2;
	}
	char *decoded = mem_copy(buf_text(&out));
	buf_done(&out);
	return decoded;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void decode_hex(const char *text, size_t length, char mark, struct buf *out)
{
	for (size_t i = 0; i < length; i++) {
		bool coded = text[i] == mark && i + 2 < length;

		if (coded && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
			buf_add_char(out, (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
			i += 2;
		} else if (coded && text[i + 1] == '\r' && text[i + 2] == '\n') {
			i += 2; /* a soft line break */
		} else if (text[i] != '\r') {
			buf_add_char(out, text[i]);
		}
	}
}

/* The parameter NAME of a field as it was before RFC 2231; "" if there is none. */
static char *parameter(const char *value, const char *name)
{
	cleanup(free_text) char *plain = mem_format("; %s=\"", name);
	cleanup(free_text) char *extended = mem_format("; %s*", name);
	const char *at = strstr(value, extended);
	struct buf out = {0};

	if (!at) {
		at = strstr(value, plain);
		at = at ? at + strlen(plain) : "";
		return mem_copy_n(at, strcspn(at, "\""));
	}
	for (; at; at = strstr(at, extended)) {
		const char *equals = strchr(at, '=');

		if (!equals)
			break;
		const char *text = equals + 1;
		const char *quotes = strncmp(text, "UTF-8''", 7) ? text : text + 7;

		decode_hex(quotes, strcspn(quotes, ";"), '%', &out);
		at = text;
	}
	char *decoded = mem_copy(buf_text(&out));
	buf_done(&out);
	return decoded;
}

/* -- bodies ---------------------------------------------------------------------------------------- */

static void decode_body(struct span head, struct span body, struct buf *out)
{
	cleanup(arena_done) struct arena arena = {0};

	if (!strcasecmp(field(head, "Content-Transfer-Encoding", &arena), "base64"))
		decode_base64(body.text, body.length, out);
	else
		decode_hex(body.text, body.length, '=', out);
}

static void read_file(struct reader *reader, struct span head, struct span body, const char *disposition)
{
	cleanup(free_text) char *name = parameter(disposition, "filename");
	const char *type = field(head, "Content-Type", &reader->arena);
	cleanup(free_text) char *media = mem_copy_n(type, strcspn(type, ";"));
	cleanup(buf_done) struct buf bytes = {0};
	struct json *file = json_add_object(reader->attachments);

	decode_body(head, body, &bytes);
	json_set_string(file, "name", name);
	json_set_string(file, "content_type", media);
	json_set_int(file, "bytes", (int64_t)bytes.length);
}

static void read_text(struct reader *reader, struct span head, struct span body)
{
	cleanup(buf_done) struct buf text = {0};

	if (json_get(reader->out, "text"))
		return;
	decode_body(head, body, &text);
	cleanup(buf_done) struct buf lines = {0};
	for (size_t i = 0; i < text.length; i++)
		if (text.text[i] != '\r')
			buf_add_char(&lines, text.text[i]);
	json_set(reader->out, "text", json_string_n(buf_text(&lines), lines.length));
}

static void read_entity(struct reader *reader, struct span entity, int depth);

static void read_parts(struct reader *reader, struct span body, const char *boundary, int depth)
{
	cleanup(free_text) char *line = mem_format("--%s", boundary);
	const char *at = find(body, line);

	while (at) {
		const char *start = at + strlen(line), *next;
		struct span rest = from(body, start);

		if (rest.length < 2 || !strncmp(start, "--", 2))
			return;
		next = find(rest, line);
		if (next)
			read_entity(reader, (struct span){start + 2, (size_t)(next - start) - 2}, depth + 1);
		at = next;
	}
}

static void read_entity(struct reader *reader, struct span entity, int depth)
{
	struct span head, body;

	split_entity(entity, &head, &body);
	const char *type = field(head, "Content-Type", &reader->arena);
	const char *disposition = field(head, "Content-Disposition", &reader->arena);
	if (!strncasecmp(type, "multipart/", 10) && depth < DEPTH_MAX) {
		cleanup(free_text) char *boundary = parameter(type, "boundary");

		if (*boundary)
			read_parts(reader, body, boundary, depth);
	} else if (*disposition) {
		read_file(reader, head, body, disposition);
	} else if (!strncasecmp(type, "text/plain", 10)) {
		read_text(reader, head, body);
	}
}

struct json *mime_read(const char *message, size_t length)
{
	static const char *const fields[][2] = {
	    {"from", "From"}, {"to", "To"}, {"cc", "Cc"}, {"subject", "Subject"}, {"date", "Date"}};
	struct span whole = {message, length}, head, body;
	struct reader reader = {.out = json_object()};

	split_entity(whole, &head, &body);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = field(head, fields[i][1], &reader.arena);
		cleanup(free_text) char *decoded = decode_words(value);

		if (*value)
			json_set_string(reader.out, fields[i][0], decoded);
	}
	reader.attachments = json_array();
	read_entity(&reader, whole, 0);
	json_set(reader.out, "attachments", reader.attachments);
	arena_done(&reader.arena);
	return reader.out;
}
