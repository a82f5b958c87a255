/* SPDX-License-Identifier: MIT */
/*
 * Secrets of this process and the forms in which they are sent, and taking them out of texts.
 *
 * Secrets are only ever added: one that a reload replaced is worth hiding still. A text is searched once
 * for all forms; every byte that belongs to any match goes, so that secrets which overlap hide each other.
 */
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#include <bmad/json.h>

#include "base/mem.h"

#define SECRET_SHORTEST 4 /* shorter ones would blot out the log and hide nothing */
#define BASE64_SHORTEST                                                                                      \
	9 /* the part of the base64 that is certain must not be so short that it hits words                  \
	   */

struct form {
	char *text;
	size_t length;
};

static struct {
	struct form *forms; /* by first byte, then the longest first */
	size_t count, capacity;
	size_t first[257]; /* forms that begin with byte B: first[B] up to first[B + 1] */
	bool sorted;
} secrets;

static void add_form(const char *text, size_t length)
{
	if (length < SECRET_SHORTEST)
		return;
	mem_grow(secrets.forms, secrets.count, secrets.capacity);
	secrets.forms[secrets.count++] = (struct form){mem_copy_n(text, length), length};
	secrets.sorted = false;
}

/* -- the forms ------------------------------------------------------------------------------------- */

static bool is_alphanumeric(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* KEPT are the punctuation characters that stand for themselves. */
static void add_percent_form(const char *secret, const char *kept, const char *hex, bool plus)
{
	cleanup(buf_done) struct buf out = {0};

	for (const char *c = secret; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		const char escape[] = {'%', hex[byte >> 4], hex[byte & 0xf]};

		if (is_alphanumeric(byte) || strchr(kept, byte))
			buf_add_char(&out, *c);
		else if (plus && byte == ' ')
			buf_add_char(&out, '+');
		else
			buf_add(&out, escape, sizeof(escape));
	}
	add_form(buf_text(&out), out.length);
}

static void add_percent_forms(const char *secret)
{
	static const char *const hex[] = {"0123456789ABCDEF", "0123456789abcdef"};

	for (size_t i = 0; i < ARRAY_SIZE(hex); i++) {
		add_percent_form(secret, "-._~", hex[i], false); /* RFC 3986 section 2.3 */
		add_percent_form(secret, "-._~", hex[i], true);
		add_percent_form(secret, "-._*", hex[i], true); /* application/x-www-form-urlencoded */
	}
}

static void add_json_form(const char *secret)
{
	struct json *string = json_string(secret);
	cleanup(free_text) char *text = json_print(string);

	add_form(text + 1, strlen(text) - 2);
	json_destroy(string);
}

/*
 * Before the secret stands, as a rule, a user name, so the secret begins at any of three places in a
 * group of base64. The characters that hold bits of the secret alone are searched for.
 */
static void add_base64_form(const char *secret, size_t length, size_t shift, const char *last_two)
{
	static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t end = 8 * (shift + length) / 6;
	cleanup(buf_done) struct buf out = {0};

	for (size_t digit = (8 * shift + 5) / 6; digit < end; digit++) {
		unsigned value = 0;

		for (size_t bit = 6 * digit - 8 * shift; bit < 6 * digit - 8 * shift + 6; bit++)
			value = value << 1 | ((unsigned char)secret[bit / 8] >> (7 - bit % 8) & 1);
		buf_add_char(&out, value < 62 ? common[value] : last_two[value - 62]);
	}
	add_form(buf_text(&out), out.length);
}

void redact_add(const char *secret)
{
	size_t length = secret ? strlen(secret) : 0;

	if (length < SECRET_SHORTEST)
		return;
	add_form(secret, length);
	add_percent_forms(secret);
	add_json_form(secret);
	for (size_t shift = 0; length >= BASE64_SHORTEST && shift < 3; shift++) {
		add_base64_form(secret, length, shift, "+/");
		add_base64_form(secret, length, shift, "-_"); /* base64url */
	}
}

/* -- searching ------------------------------------------------------------------------------------- */

static int by_first_byte_then_longest(const void *a, const void *b)
{
	const struct form *x = a, *y = b;

	if (x->text[0] != y->text[0])
		return (unsigned char)x->text[0] < (unsigned char)y->text[0] ? -1 : 1;
	if (x->length != y->length)
		return x->length > y->length ? -1 : 1;
	return memcmp(x->text, y->text, x->length);
}

static void drop_repeated(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < secrets.count; i++) {
		if (kept && by_first_byte_then_longest(&secrets.forms[kept - 1], &secrets.forms[i]) == 0)
			free(secrets.forms[i].text);
		else
			secrets.forms[kept++] = secrets.forms[i];
	}
	secrets.count = kept;
}

static void sort_forms(void)
{
	size_t form = 0;

	qsort(secrets.forms, secrets.count, sizeof(*secrets.forms), by_first_byte_then_longest);
	drop_repeated();
	for (size_t byte = 0; byte <= 256; byte++) {
		while (form < secrets.count && (unsigned char)secrets.forms[form].text[0] < byte)
			form++;
		secrets.first[byte] = form;
	}
	secrets.sorted = true;
}

/* Length of the longest form that stands at TEXT, 0 if none does. */
static size_t match(const char *text, size_t length)
{
	unsigned char byte = (unsigned char)text[0];

	for (size_t i = secrets.first[byte]; i < secrets.first[byte + 1]; i++) {
		const struct form *form = &secrets.forms[i];

		if (form->length <= length && !memcmp(form->text, text, form->length))
			return form->length;
	}
	return 0;
}

static size_t first_match(const struct buf *text)
{
	size_t at = 0;

	while (at < text->length && !match(text->text + at, text->length - at))
		at++;
	return at;
}

bool redact(struct buf *text)
{
	if (!secrets.count)
		return false;
	if (!secrets.sorted)
		sort_forms();
	size_t at = first_match(text);
	if (at == text->length)
		return false;

	struct buf out = {0};
	size_t hidden_to = at; /* everything before here is written or belongs to a secret */
	buf_add(&out, text->text, at);
	for (; at < text->length; at++) {
		size_t length = match(text->text + at, text->length - at);

		if (length && at >= hidden_to)
			buf_add_text(&out, "***");
		if (at + length > hidden_to)
			hidden_to = at + length;
		if (at >= hidden_to)
			buf_add_char(&out, text->text[at]);
	}
	buf_done(text);
	*text = out;
	return true;
}

static struct json *redact_string(const char *text)
{
	cleanup(buf_done) struct buf shown = {0};

	buf_add_text(&shown, text);
	redact(&shown);
	return json_string_n(buf_text(&shown), shown.length);
}

struct json *redact_json(const struct json *value)
{
	struct json *copy;

	if (json_is(value, JSON_STRING))
		return redact_string(json_text(value));
	if (!json_is(value, JSON_OBJECT) && !json_is(value, JSON_ARRAY))
		return json_copy(value);
	copy = json_is(value, JSON_OBJECT) ? json_object() : json_array();
	json_each(member, value) {
		if (json_key(member))
			json_set(copy, json_key(member), redact_json(member));
		else
			json_add(copy, redact_json(member));
	}
	return copy;
}
