/* SPDX-License-Identifier: MIT */
/* Values held to the types that a query asks for, whatever its database has in their place. */
#include "source/sql_kind.h"

#include <stdio.h>
#include <string.h>

static bool as_text(struct sql_value *value)
{
	return value->type == SQL_TEXT;
}

static bool as_int(struct sql_value *value)
{
	return value->type == SQL_INT;
}

static bool as_number(struct sql_value *value)
{
	if (value->type == SQL_INT)
		*value = (struct sql_value){.type = SQL_NUMBER, .number = (double)value->integer};
	return value->type == SQL_NUMBER;
}

/* A database without booleans has 0 and 1. */
static bool as_bool(struct sql_value *value)
{
	if (value->type == SQL_INT && (value->integer == 0 || value->integer == 1))
		value->type = SQL_BOOL;
	return value->type == SQL_BOOL;
}

/*
 * A database without instants has text, and of one form only: its comparisons are of text, so a row in
 * another form would silently fall out of every range.
 */
static bool as_instant(struct sql_value *value)
{
	static const char form[] = "2024-11-03T09:00:00Z";
	utc_t at;

	if (value->type != SQL_TEXT)
		return value->type == SQL_INSTANT;
	const char *text = value->text;
	if (strlen(text) != sizeof(form) - 1 || text[10] != 'T' || text[19] != 'Z')
		return false;
	struct err *e = utc_parse(text, &at);
	if (e) {
		err_ignore(e);
		return false;
	}
	*value = (struct sql_value){.type = SQL_INSTANT, .integer = at};
	return true;
}

static bool as_date(struct sql_value *value)
{
	int64_t days;

	if (value->type != SQL_TEXT)
		return value->type == SQL_DATE;
	struct err *e = date_parse(value->text, &days);
	if (e) {
		err_ignore(e);
		return false;
	}
	*value = (struct sql_value){.type = SQL_DATE, .integer = days};
	return true;
}

static const struct sql_kind {
	const char *found; /* how a value of it is called in errors */
	const char *expected;
	bool (*convert)(struct sql_value *value); /* in place; false if it cannot be */
} kinds[] = {
    [SQL_ANY] = {"a value", "a value", NULL},
    [SQL_NULL] = {"NULL", "NULL", NULL},
    [SQL_TEXT] = {"text", "text", as_text},
    [SQL_INT] = {"integer", "an integer", as_int},
    [SQL_NUMBER] = {"number", "a number", as_number},
    [SQL_BOOL] = {"boolean", "true or false (0 or 1)", as_bool},
    [SQL_INSTANT] = {"instant", "an instant like 2024-11-03T09:00:00Z", as_instant},
    [SQL_DATE] = {"date", "a date like 2024-11-03", as_date},
};

static enum sql_type plain(enum sql_type asked)
{
	return asked >= SQL_REQUIRED ? asked - SQL_REQUIRED : asked;
}

const char *sql_kind_expected(enum sql_type asked)
{
	return kinds[plain(asked)].expected;
}

bool sql_kind_hold(struct sql_value *value, enum sql_type asked)
{
	enum sql_type type = plain(asked);

	if (value->type == SQL_NULL)
		return !(asked & SQL_REQUIRED);
	if (type == SQL_NULL)
		return false;
	return !kinds[type].convert || kinds[type].convert(value);
}

void sql_kind_describe(const struct sql_value *value, char *out, size_t size)
{
	const char *kind = kinds[value->type].found;

	switch (value->type) {
	case SQL_NULL:
		snprintf(out, size, "%s", kind);
		break;
	case SQL_TEXT:
		snprintf(out, size, "%s '%.60s'", kind, value->text);
		break;
	case SQL_NUMBER:
		snprintf(out, size, "%s %.17g", kind, value->number);
		break;
	default:
		snprintf(out, size, "%s %lld", kind, (long long)value->integer);
	}
}
