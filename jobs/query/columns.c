/* SPDX-License-Identifier: MIT */
/* Labels, formats and totals of columns. */
#include "jobs/query/columns.h"

#include <stdlib.h>
#include <string.h>

#include <bmad/mem.h>

/* -- formats ---------------------------------------------------------------------------------------- */

typedef void print_function(const struct json *value, const struct tz *tz, struct buf *out);

static void print_plain(const struct json *value, const struct tz *tz, struct buf *out)
{
	cleanup(free_text) char *printed = json_text(value) ? NULL : json_print(value);

	(void)tz;
	buf_add_text(out, printed ? printed : json_text(value));
}

static bool is_number(const struct json *value)
{
	return json_is(value, JSON_NUMBER);
}

static void print_integer(const struct json *value, const struct tz *tz, struct buf *out)
{
	int64_t whole;

	if (json_int64(value, &whole))
		buf_format(out, "%lld", (long long)whole);
	else if (is_number(value))
		buf_format(out, "%.0f", json_double(value));
	else
		print_plain(value, tz, out);
}

static void print_number1(const struct json *value, const struct tz *tz, struct buf *out)
{
	if (is_number(value))
		buf_format(out, "%.1f", json_double(value));
	else
		print_plain(value, tz, out);
}

static void print_percent(const struct json *value, const struct tz *tz, struct buf *out)
{
	print_number1(value, tz, out);
	if (is_number(value))
		buf_add_text(out, " %");
}

/* What is no instant is shown as it is. */
static bool local_time(const struct json *value, const struct tz *tz, struct tz_local *out)
{
	utc_t at;
	struct err *none =
	    json_text(value) ? utc_parse(json_text(value), &at) : ERR(ERR_PERMANENT, "no text");
	bool good = !none;

	err_destroy(none);
	if (good)
		tz_to_local(tz, at, out);
	return good;
}

static void print_time(const struct json *value, const struct tz *tz, struct buf *out)
{
	struct tz_local local;

	if (local_time(value, tz, &local))
		buf_format(out, "%02d:%02d", local.civil.hour, local.civil.minute);
	else
		print_plain(value, tz, out);
}

static void print_date(const struct json *value, const struct tz *tz, struct buf *out)
{
	struct tz_local local;

	if (local_time(value, tz, &local))
		buf_format(out, "%04d-%02d-%02d", local.civil.year, local.civil.month, local.civil.day);
	else
		print_plain(value, tz, out);
}

static const struct format {
	const char *name;
	bool number;
	print_function *print;
} formats[] = {
    {"text", false, print_plain},
    {"integer", true, print_integer},
    {"number1", true, print_number1},
    {"percent", true, print_percent},
    {"time", false, print_time},
    {"date", false, print_date},
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

/* -- the option ------------------------------------------------------------------------------------- */

static struct err *check_key(const char *column, const struct json *member)
{
	const char *key = json_key(member);

	if (!strcmp(key, "label") && json_text(member))
		return NULL;
	if (!strcmp(key, "total") && json_is(member, JSON_BOOL))
		return NULL;
	if (!strcmp(key, "format"))
		return find_format(json_text(member))
		           ? NULL
		           : ERR(ERR_CONFIG,
		                 "columns.%s.format: expected text, integer, number1, percent, time or date",
		                 column);
	return ERR(ERR_CONFIG, "columns.%s.%s: expected label (a text), format, or total (true or false)",
	    column, key);
}

struct err *columns_check(const struct json *columns)
{
	for (const struct json *column = json_first(columns); column; column = json_next(column)) {
		if (!json_is(column, JSON_OBJECT))
			return ERR(ERR_CONFIG,
			    "columns.%s: expected a mapping such as {label: Units, total: true}",
			    json_key(column));
		for (const struct json *member = json_first(column); member; member = json_next(member))
			PASS(check_key(json_key(column), member));
	}
	return NULL;
}

struct json *columns_describe(const struct json *columns, const char *const *names, size_t count)
{
	struct json *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct json *told = json_get(columns, names[i]);
		const char *label = json_text(json_get(told, "label")),
		           *format = json_text(json_get(told, "format"));
		struct json *column = json_add_object(list);

		json_set_string(column, "name", names[i]);
		json_set_string(column, "label", label ? label : names[i]);
		json_set_string(column, "format", format ? format : "text");
		json_set_bool(column, "total", json_true(json_get(told, "total")));
	}
	return list;
}

const char *columns_unknown(const struct json *columns, const char *const *names, size_t count)
{
	for (const struct json *column = json_first(columns); column; column = json_next(column)) {
		size_t i = 0;

		while (i < count && strcmp(names[i], json_key(column)) != 0)
			i++;
		if (i == count)
			return json_key(column);
	}
	return NULL;
}

/* -- cells ------------------------------------------------------------------------------------------ */

static const struct format *format_of(const struct json *column)
{
	const struct format *format = find_format(json_text(json_get(column, "format")));

	return format ? format : &formats[0];
}

bool column_has_total(const struct json *column)
{
	return json_true(json_get(column, "total"));
}

bool column_is_number(const struct json *column)
{
	return format_of(column)->number;
}

void column_print(const struct json *column, const struct json *value, const struct tz *tz, struct buf *out)
{
	if (value && !json_is(value, JSON_NULL))
		format_of(column)->print(value, tz, out);
}
