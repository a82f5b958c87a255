/* SPDX-License-Identifier: MIT */
/*
 * Values from JSON text. The text is first checked whole against the grammar of RFC 8259, because cJSON
 * lets pass much that is none (01, control characters, \uZZZZ as NUL, what follows the value) and tells
 * only where it stopped. cJSON then builds the tree, and a walk over it sees to what only the decoded
 * tree shows: keys that come twice, and whole numbers that a double cannot hold.
 */
#include <bmad/json.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_node.h"
#include "base/mem.h"
#include "base/text.h"

#define NUMBER_LONGEST 63  /* cJSON cuts longer ones in two */
#define DOUBLE_DIGITS  15  /* any whole number of so many digits is exact in a double */
#define KEY_SHOWN      100 /* bytes of a key in an error */
#define FEW_MEMBERS    16  /* so many are compared each with each, more are sorted */

/* A whole number that may be beyond a double: the ORDINAL-th number of the text. */
struct long_number {
	size_t ordinal;
	const char *text;
	size_t length;
};

struct check {
	const char *text;
	size_t length, at, depth;
	size_t numbers;
	struct long_number *longs;
	size_t long_count, long_capacity;
	size_t *objects; /* where each `{` stands, to tell where a duplicate key is */
	size_t object_count, object_capacity;
};

static void check_done(struct check *check)
{
	free(check->longs);
	free(check->objects);
}

/* -- where and what -------------------------------------------------------------------------------- */

static size_t line_of(const struct check *check, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += check->text[i] == '\n';
	return line;
}

static struct err *expected(const struct check *check, size_t at, const char *what)
{
	size_t line = line_of(check, at);

	if (at >= check->length)
		return ERR(ERR_PERMANENT, "JSON line %zu, byte %zu: expected %s, found the end of the text",
		    line, at, what);
	unsigned char c = (unsigned char)check->text[at];
	if (c > 0x20 && c < 0x7f)
		return ERR(
		    ERR_PERMANENT, "JSON line %zu, byte %zu: expected %s, found '%c'", line, at, what, c);
	return ERR(
	    ERR_PERMANENT, "JSON line %zu, byte %zu: expected %s, found byte 0x%02x", line, at, what, c);
}

static struct err *refused(const struct check *check, size_t at, const char *why)
{
	return ERR(ERR_PERMANENT, "JSON line %zu, byte %zu: %s", line_of(check, at), at, why);
}

/* The byte at the place reached; -1 at the end. */
static int peek(const struct check *check)
{
	return check->at < check->length ? (unsigned char)check->text[check->at] : -1;
}

static bool accept(struct check *check, char c)
{
	if (peek(check) != c)
		return false;
	check->at++;
	return true;
}

static int after_blanks(struct check *check)
{
	int c = peek(check);

	while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
		check->at++;
		c = peek(check);
	}
	return c;
}

/* -- strings --------------------------------------------------------------------------------------- */

static bool hex4(const char *text, unsigned *out_code)
{
	unsigned code = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= '0' && c <= '9')
			code = code << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	*out_code = code;
	return true;
}

/* The code unit of `\uXXXX` at the place reached. */
static bool code_unit(const struct check *check, unsigned *out_code)
{
	const char *at = check->text + check->at;

	return check->length - check->at >= 6 && at[0] == '\\' && at[1] == 'u' && hex4(at + 2, out_code);
}

static struct err *check_unicode(struct check *check)
{
	size_t start = check->at;
	unsigned high, low;

	if (!code_unit(check, &high))
		return refused(check, start, "expected four hexadecimal digits after \\u");
	if (high == 0)
		return refused(check, start, "\\u0000 is not taken");
	check->at += 6;
	if (high < 0xd800 || high > 0xdfff)
		return NULL;
	if (high > 0xdbff || !code_unit(check, &low) || low < 0xdc00 || low > 0xdfff)
		return refused(check, start, "half of a surrogate pair without the other");
	check->at += 6;
	return NULL;
}

static struct err *check_escape(struct check *check)
{
	check->at++;
	int c = peek(check);
	if (c == 'u') {
		check->at--;
		return check_unicode(check);
	}
	if (c <= 0 || !strchr("\"\\/bfnrt", c))
		return expected(check, check->at, "one of \"\\/bfnrtu after \\");
	check->at++;
	return NULL;
}

static struct err *check_string(struct check *check)
{
	size_t start = check->at++;

	for (int c = peek(check); c != '"'; c = peek(check)) {
		if (c < 0)
			return refused(check, start, "string without an end: expected '\"'");
		if (c < 0x20)
			return expected(check, check->at, "an escape such as \\n in the string");
		if (c == '\\') {
			PASS(check_escape(check));
			continue;
		}
		size_t length = utf8_length(check->text + check->at, check->length - check->at);
		if (!length)
			return expected(check, check->at, "UTF-8");
		check->at += length;
	}
	check->at++;
	return NULL;
}

/* -- numbers --------------------------------------------------------------------------------------- */

/* Passes over digits; how many. */
static size_t digits(struct check *check)
{
	size_t start = check->at;

	while (peek(check) >= '0' && peek(check) <= '9')
		check->at++;
	return check->at - start;
}

static bool is_infinite(const char *text, size_t length)
{
	char copy[NUMBER_LONGEST + 1];

	memcpy(copy, text, length);
	copy[length] = '\0';
	return isinf(strtod(copy, NULL));
}

static void note_number(struct check *check, size_t start, size_t whole_digits, bool whole)
{
	if (whole && whole_digits > DOUBLE_DIGITS) {
		mem_grow(check->longs, check->long_count, check->long_capacity);
		check->longs[check->long_count++] =
		    (struct long_number){check->numbers, check->text + start, check->at - start};
	}
	check->numbers++;
}

/* The digits that must follow. */
static struct err *check_digits(struct check *check)
{
	return digits(check) ? NULL : expected(check, check->at, "a digit");
}

static struct err *check_exponent(struct check *check)
{
	if (!accept(check, '+'))
		accept(check, '-');
	return check_digits(check);
}

static struct err *check_whole_part(struct check *check, size_t *out_digits)
{
	bool negative = accept(check, '-');
	size_t start = check->at;

	*out_digits = digits(check);
	if (!*out_digits)
		return expected(check, start, negative ? "a digit" : "a value");
	if (check->text[start] == '0' && *out_digits > 1)
		return refused(check, start, "a number does not begin with 0");
	return NULL;
}

static struct err *check_number(struct check *check)
{
	size_t start = check->at, whole_digits;

	PASS(check_whole_part(check, &whole_digits));
	bool fraction = accept(check, '.');
	if (fraction)
		PASS(check_digits(check));
	bool exponent = accept(check, 'e') || accept(check, 'E');
	if (exponent)
		PASS(check_exponent(check));
	if (check->at - start > NUMBER_LONGEST)
		return refused(check, start, "a number of more than 63 characters");
	if (exponent && is_infinite(check->text + start, check->at - start))
		return refused(check, start, "a number out of range");
	note_number(check, start, whole_digits, !fraction && !exponent);
	return NULL;
}

/* -- the grammar ----------------------------------------------------------------------------------- */

static struct err *check_value(struct check *check);

static struct err *check_word(struct check *check, const char *word)
{
	size_t length = strlen(word);

	if (check->length - check->at < length || memcmp(check->text + check->at, word, length) != 0)
		return expected(check, check->at, "a value");
	check->at += length;
	return NULL;
}

static struct err *check_array(struct check *check)
{
	check->at++;
	if (after_blanks(check) == ']') {
		check->at++;
		return NULL;
	}
	for (;;) {
		PASS(check_value(check));
		int c = after_blanks(check);
		if (c != ',' && c != ']')
			return expected(check, check->at, "',' or ']'");
		check->at++;
		if (c == ']')
			return NULL;
	}
}

static struct err *check_member(struct check *check)
{
	if (after_blanks(check) != '"')
		return expected(check, check->at, "a key in double quotes");
	PASS(check_string(check));
	if (after_blanks(check) != ':')
		return expected(check, check->at, "':'");
	check->at++;
	return check_value(check);
}

static struct err *check_object(struct check *check)
{
	mem_grow(check->objects, check->object_count, check->object_capacity);
	check->objects[check->object_count++] = check->at++;
	if (after_blanks(check) == '}') {
		check->at++;
		return NULL;
	}
	for (;;) {
		PASS(check_member(check));
		int c = after_blanks(check);
		if (c != ',' && c != '}')
			return expected(check, check->at, "',' or '}'");
		check->at++;
		if (c == '}')
			return NULL;
	}
}

static struct err *check_container(struct check *check, bool object)
{
	if (check->depth == JSON_DEPTH)
		return refused(check, check->at, "nested deeper than 128");
	check->depth++;
	PASS(object ? check_object(check) : check_array(check));
	check->depth--;
	return NULL;
}

static struct err *check_value(struct check *check)
{
	switch (after_blanks(check)) {
	case '{':
		return check_container(check, true);
	case '[':
		return check_container(check, false);
	case '"':
		return check_string(check);
	case 't':
		return check_word(check, "true");
	case 'f':
		return check_word(check, "false");
	case 'n':
		return check_word(check, "null");
	default:
		return check_number(check);
	}
}

static struct err *check_text(struct check *check)
{
	/* RFC 8259 section 8.1 lets a reader pass over a byte order mark; some servers send one. */
	if (check->length >= 3 && !memcmp(check->text, "\xef\xbb\xbf", 3))
		check->at = 3;
	PASS(check_value(check));
	if (after_blanks(check) >= 0)
		return expected(check, check->at, "nothing after the value");
	return NULL;
}

/* -- the tree -------------------------------------------------------------------------------------- */

/* A walk in the order of the text. */
struct walk {
	const struct check *check;
	size_t numbers, longs, objects;
};

static const char *duplicate_of_few(const cJSON *object)
{
	for (const cJSON *a = object->child; a; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next)
			if (!strcmp(a->string, b->string))
				return a->string;
	return NULL;
}

static const char *duplicate_key(const cJSON *object)
{
	size_t count = json_length((const struct json *)object);
	const char *duplicate = NULL;

	if (count <= FEW_MEMBERS)
		return duplicate_of_few(object);
	const cJSON **members = json_sorted_members(object, count);
	for (size_t i = 1; !duplicate && i < count; i++)
		if (!strcmp(members[i - 1]->string, members[i]->string))
			duplicate = members[i]->string;
	free(members);
	return duplicate;
}

static struct err *finish_object(struct walk *walk, const cJSON *object)
{
	size_t at = walk->check->objects[walk->objects++];
	const char *duplicate = duplicate_key(object);

	if (!duplicate)
		return NULL;
	int shown = (int)utf8_cut(duplicate, strlen(duplicate), KEY_SHOWN);
	return ERR(ERR_PERMANENT,
	    "JSON line %zu, byte %zu: the object that begins here has the key '%.*s' twice",
	    line_of(walk->check, at), at, shown, duplicate);
}

static void finish_number(struct walk *walk, cJSON *number)
{
	const struct check *check = walk->check;

	if (walk->longs < check->long_count && check->longs[walk->longs].ordinal == walk->numbers) {
		const struct long_number *exact = &check->longs[walk->longs++];

		if (fabs(number->valuedouble) >= (double)EXACT_MAX)
			number->valuestring = mem_copy_n(exact->text, exact->length);
	}
	walk->numbers++;
}

static struct err *finish(struct walk *walk, cJSON *value)
{
	if (cJSON_IsNumber(value))
		finish_number(walk, value);
	if (cJSON_IsObject(value))
		PASS(finish_object(walk, value));
	for (cJSON *child = value->child; child; child = child->next)
		PASS(finish(walk, child));
	return NULL;
}

struct err *json_parse(const char *text, size_t length, struct json **out_value)
{
	cleanup(check_done) struct check check = {.text = text, .length = length};

	PASS(check_text(&check));
	size_t start = length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	cJSON *root = cJSON_ParseWithLength(text + start, length - start);
	if (!root)
		return ERR(ERR_BUG, "JSON that passed the check was refused by cJSON");
	struct err *e = finish(&(struct walk){.check = &check}, root);
	if (e) {
		cJSON_Delete(root);
		return e;
	}
	*out_value = value_of(root);
	return NULL;
}
