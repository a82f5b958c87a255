/* SPDX-License-Identifier: MIT */
/*
 * JSON text from values. cJSON_Print() is not used: it prints 2^53+1 and all beyond wrongly, and it walks
 * every string twice.
 */
#include <bmad/json.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_node.h"
#include "base/mem.h"

struct printer {
	struct buf out;
	bool pretty;
	size_t depth;
};

/* What stands for a byte in a string, where it cannot stand for itself. UTF-8 beyond ASCII passes. */
#define CONTROL_16(hex)                                                                                      \
	"\\u00" hex "0", "\\u00" hex "1", "\\u00" hex "2", "\\u00" hex "3", "\\u00" hex "4",                 \
	    "\\u00" hex "5", "\\u00" hex "6", "\\u00" hex "7", "\\u00" hex "8", "\\u00" hex "9",             \
	    "\\u00" hex "a", "\\u00" hex "b", "\\u00" hex "c", "\\u00" hex "d", "\\u00" hex "e",             \
	    "\\u00" hex "f"

static const char *const controls[0x20] = {CONTROL_16("0"), CONTROL_16("1")};
static const char *const short_escapes[0x80] = {
    ['"'] = "\\\"",
    ['\\'] = "\\\\",
    ['\b'] = "\\b",
    ['\f'] = "\\f",
    ['\n'] = "\\n",
    ['\r'] = "\\r",
    ['\t'] = "\\t",
};

static const char *escape_of(unsigned char c)
{
	if (c >= 0x80)
		return NULL;
	return short_escapes[c] || c >= 0x20 ? short_escapes[c] : controls[c];
}

static void print_string(struct buf *out, const char *text)
{
	const char *run = text;

	buf_add_char(out, '"');
	for (; *text; text++) {
		const char *escape = escape_of((unsigned char)*text);

		if (!escape)
			continue;
		buf_add(out, run, (size_t)(text - run));
		buf_add_text(out, escape);
		run = text + 1;
	}
	buf_add(out, run, (size_t)(text - run));
	buf_add_char(out, '"');
}

static void print_whole(struct buf *out, int64_t value)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	buf_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* The fewest of 15 to 17 digits that read back as the same double. */
static void print_fraction(struct buf *out, double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buf_add_text(out, text);
}

static void print_number(struct buf *out, const cJSON *number)
{
	double value = number->valuedouble;

	if (number->valuestring)
		buf_add_text(out, number->valuestring);
	else if (value == trunc(value) && fabs(value) <= (double)EXACT_MAX && !(value == 0 && signbit(value)))
		print_whole(out, (int64_t)value);
	else
		print_fraction(out, value);
}

static void new_line(struct printer *printer)
{
	if (!printer->pretty)
		return;
	size_t width = 2 * printer->depth;
	char *room = buf_room(&printer->out, 1 + width);
	room[0] = '\n';
	memset(room + 1, ' ', width);
	room[1 + width] = '\0';
	printer->out.length += 1 + width;
}

static void print_value(struct printer *printer, const cJSON *value);

static void print_members(struct printer *printer, const cJSON *container)
{
	printer->depth++;
	for (const cJSON *member = container->child; member; member = member->next) {
		new_line(printer);
		if ((container->type & 0xff) == cJSON_Object) {
			print_string(&printer->out, member->string);
			buf_add_text(&printer->out, printer->pretty ? ": " : ":");
		}
		print_value(printer, member);
		if (member->next)
			buf_add_char(&printer->out, ',');
	}
	printer->depth--;
	if (container->child)
		new_line(printer);
}

static void print_value(struct printer *printer, const cJSON *value)
{
	struct buf *out = &printer->out;

	switch (json_type((const struct json *)value)) {
	case JSON_NULL:
		buf_add_text(out, "null");
		break;
	case JSON_BOOL:
		buf_add_text(out, cJSON_IsTrue(value) ? "true" : "false");
		break;
	case JSON_NUMBER:
		print_number(out, value);
		break;
	case JSON_STRING:
		print_string(out, value->valuestring);
		break;
	case JSON_ARRAY:
		buf_add_char(out, '[');
		print_members(printer, value);
		buf_add_char(out, ']');
		break;
	case JSON_OBJECT:
		buf_add_char(out, '{');
		print_members(printer, value);
		buf_add_char(out, '}');
		break;
	}
}

static char *print(const struct json *value, bool pretty)
{
	struct printer printer = {.pretty = pretty};

	print_value(&printer, const_node(value));
	return buf_detach(&printer.out);
}

char *json_print(const struct json *value)
{
	return print(value, false);
}

char *json_print_pretty(const struct json *value)
{
	return print(value, true);
}
