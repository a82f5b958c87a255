/* SPDX-License-Identifier: MIT */
/* Telephone numbers in what people typed: runs of what a number is written with, tried from left to right. */
#include "jobs/dispatch/phone.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIGITS_MAX 40 /* of a run; a number has fewer by far */
#define AMERICAN   10
#define SEPARATORS " .-"

struct run {
	const char *text;
	size_t length;
	bool plus; /* before it */
	char digits[DIGITS_MAX + 1];
	size_t count; /* of digits, also beyond DIGITS_MAX */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -- extensions --------------------------------------------------------------------------------------- */

/* Length of the word for an extension at TEXT, and of what may stand behind it; 0: there is none. */
static size_t extension_word(const char *text)
{
	static const char *const words[] = {"extension", "ext", "x", "#"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t length = strlen(words[i]);

		if (strncasecmp(text, words[i], length) != 0)
			continue;
		length += strspn(text + length, " .:");
		if (is_digit(text[length]))
			return length;
	}
	return 0;
}

/* Where TEXT ends without its extension. */
static size_t length_without_extension(const char *text)
{
	for (size_t i = 0; text[i]; i++)
		if (is_digit(text[i]) && extension_word(text + i + 1 + strspn(text + i + 1, " ,;")))
			return i + 1;
	return strlen(text);
}

/* -- runs --------------------------------------------------------------------------------------------- */

static bool may_begin(char c)
{
	return is_digit(c) || c == '(';
}

/* The first run at or behind *AT; moves *AT behind it. */
static bool next_run(const char *text, size_t length, size_t *at, struct run *out)
{
	while (*at < length && !may_begin(text[*at]))
		++*at;
	if (*at == length)
		return false;
	*out = (struct run){.text = text + *at, .plus = *at && text[*at - 1] == '+'};
	for (; *at < length && (is_digit(text[*at]) || strchr(SEPARATORS "()", text[*at])); ++*at) {
		out->length++;
		if (is_digit(text[*at]) && out->count++ < DIGITS_MAX)
			out->digits[out->count - 1] = text[*at];
	}
	return true;
}

static bool is_american(const char *digits)
{
	return digits[0] >= '2' && digits[3] >= '2';
}

static bool put(char out[PHONE_SIZE], const char *country, const char *digits)
{
	snprintf(out, PHONE_SIZE, "+%s%.16s", country, digits);
	return true;
}

static bool read_with_plus(const struct run *run, char out[PHONE_SIZE])
{
	if (run->count == AMERICAN + 1 && run->digits[0] == '1' && is_american(run->digits + 1))
		return put(out, "", run->digits);
	if (run->count >= 8 && run->count <= 15 && run->digits[0] > '1')
		return put(out, "", run->digits);
	return false;
}

static bool read_without_plus(const struct run *run, char out[PHONE_SIZE])
{
	const char *digits = run->digits;

	if (!strncmp(digits, "011", 3) && run->count >= 3 + 8 && run->count <= 3 + 15 && digits[3] != '0')
		return put(out, "", digits + 3);
	if (run->count == AMERICAN && is_american(digits))
		return put(out, "1", digits);
	if (run->count == AMERICAN + 1 && digits[0] == '1' && is_american(digits + 1))
		return put(out, "", digits);
	return false;
}

/* -- a number within a run ---------------------------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

static void skip(struct cursor *cursor, const char *characters)
{
	while (cursor->at < cursor->end && strchr(characters, *cursor->at))
		cursor->at++;
}

static bool skip_one(struct cursor *cursor, char c)
{
	bool there = cursor->at < cursor->end && *cursor->at == c;

	cursor->at += there;
	return there;
}

static bool take_digits(struct cursor *cursor, size_t count, char *out)
{
	for (size_t i = 0; i < count; i++, cursor->at++) {
		if (cursor->at == cursor->end || !is_digit(*cursor->at))
			return false;
		out[i] = *cursor->at;
	}
	return true;
}

/* [(]ddd[)] ddd dddd, with separators in between, and no digit behind. */
static bool take_american(struct cursor cursor, char out[AMERICAN + 1])
{
	skip_one(&cursor, '(');
	if (!take_digits(&cursor, 3, out))
		return false;
	skip_one(&cursor, ')');
	skip(&cursor, SEPARATORS);
	if (!take_digits(&cursor, 3, out + 3))
		return false;
	skip(&cursor, SEPARATORS);
	if (!take_digits(&cursor, 4, out + 6) || (cursor.at < cursor.end && is_digit(*cursor.at)))
		return false;
	out[AMERICAN] = '\0';
	return is_american(out);
}

static bool take_with_prefix(struct cursor cursor, char out[AMERICAN + 1])
{
	if (!skip_one(&cursor, '1'))
		return false;
	skip(&cursor, SEPARATORS);
	return take_american(cursor, out);
}

static bool find_within(const struct run *run, char out[PHONE_SIZE])
{
	char found[AMERICAN + 1];

	for (size_t i = 0; i < run->length; i++) {
		struct cursor cursor = {run->text + i, run->text + run->length};

		if (i && is_digit(run->text[i - 1]))
			continue;
		if (take_with_prefix(cursor, found) || take_american(cursor, found))
			return put(out, "1", found);
	}
	return false;
}

bool phone_read(const char *text, char out[PHONE_SIZE])
{
	size_t length = text ? length_without_extension(text) : 0;
	struct run run;

	for (size_t at = 0; next_run(text, length, &at, &run);)
		if (run.plus ? read_with_plus(&run, out) : read_without_plus(&run, out))
			return true;
	for (size_t at = 0; next_run(text, length, &at, &run);)
		if (find_within(&run, out))
			return true;
	return false;
}
