/* SPDX-License-Identifier: MIT */
/*
 * Values of PostgreSQL in their text form, in a session with DateStyle ISO, TimeZone UTC and hexadecimal
 * bytea. Pure.
 *
 * An instant is whole seconds: a fraction is left off, which rounds towards the past. A timestamp without
 * time zone is taken as UTC.
 */
#include "source/sql_postgres.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of its catalog pg_type, where they are fixed. */
enum type {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_OID = 26,
	TYPE_FLOAT4 = 700,
	TYPE_FLOAT8 = 701,
	TYPE_DATE = 1082,
	TYPE_TIMESTAMP = 1114,
	TYPE_TIMESTAMPTZ = 1184,
	TYPE_NUMERIC = 1700,
};

/* -- parameters -------------------------------------------------------------------------------------- */

Oid postgres_type(const struct sql_value *value)
{
	static const Oid types[] = {
	    [SQL_TEXT] = TYPE_TEXT,
	    [SQL_INT] = TYPE_INT8,
	    [SQL_NUMBER] = TYPE_FLOAT8,
	    [SQL_BOOL] = TYPE_BOOL,
	    [SQL_INSTANT] = TYPE_TIMESTAMPTZ,
	    [SQL_DATE] = TYPE_DATE,
	};

	return types[value->type]; /* 0, which leaves it to the server, for a bare NULL */
}

const char *postgres_text(const struct sql_value *value, struct arena *arena)
{
	char text[TIME_TEXT];

	switch (value->type) {
	case SQL_TEXT:
		return value->text;
	case SQL_INT:
		return arena_format(arena, "%lld", (long long)value->integer);
	case SQL_BOOL:
		return value->integer ? "true" : "false";
	case SQL_NUMBER:
		return arena_format(arena, "%.17g", value->number);
	case SQL_INSTANT:
		return value->integer == UTC_NEVER ? "infinity"
		                                   : arena_copy(arena, utc_format(value->integer, text));
	case SQL_DATE:
		return arena_copy(arena, date_format(value->integer, text));
	default:
		return NULL;
	}
}

/* -- cells: false if this value is none of the kind -------------------------------------------------- */

static bool read_bool(const char *bytes, struct sql_cell *cell)
{
	*cell = (struct sql_cell){.type = SQL_BOOL, .integer = *bytes == 't'};
	return true;
}

static bool read_int(const char *bytes, struct sql_cell *cell)
{
	char *end;

	errno = 0;
	*cell = (struct sql_cell){.type = SQL_INT, .integer = strtoll(bytes, &end, 10)};
	return !errno && !*end;
}

/* NaN and infinity are no numbers to anyone who asks for one. */
static bool read_number(const char *bytes, struct sql_cell *cell)
{
	char *end;

	*cell = (struct sql_cell){.type = SQL_NUMBER, .number = strtod(bytes, &end)};
	return !*end && isfinite(cell->number);
}

/* Sums of bigint are numeric without a fraction, and integers in other databases. */
static bool read_numeric(const char *bytes, struct sql_cell *cell)
{
	return read_int(bytes, cell) || read_number(bytes, cell);
}

/* DIGITS digits, then the character AFTER (0: whatever there is). */
static bool take(const char **at, int digits, char after, int *out_value)
{
	int value = 0;

	for (; digits; digits--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + **at - '0';
	}
	*out_value = value;
	return !after || *(*at)++ == after;
}

static bool take_date(const char **at, char after, struct civil *out_civil)
{
	return take(at, 4, '-', &out_civil->year) && take(at, 2, '-', &out_civil->month) &&
	       take(at, 2, after, &out_civil->day);
}

/* 2024-11-03; not `infinity`, and not what has more digits or ends in BC. */
static bool read_date(const char *bytes, struct sql_cell *cell)
{
	struct civil civil = {0};

	if (!take_date(&bytes, 0, &civil) || *bytes)
		return false;
	*cell = (struct sql_cell){
	    .type = SQL_DATE, .integer = days_from_civil(civil.year, civil.month, civil.day)};
	return true;
}

/* 2024-11-03 09:00:00.25+00; without the offset if it is a timestamp without time zone. */
static bool read_instant(const char *bytes, struct sql_cell *cell)
{
	struct civil civil = {0};

	if (!take_date(&bytes, ' ', &civil) || !take(&bytes, 2, ':', &civil.hour) ||
	    !take(&bytes, 2, ':', &civil.minute) || !take(&bytes, 2, 0, &civil.second))
		return false;
	if (*bytes == '.')
		bytes += 1 + strspn(bytes + 1, "0123456789");
	if (*bytes && strcmp(bytes, "+00") != 0)
		return false;
	*cell = (struct sql_cell){.type = SQL_INSTANT, .integer = utc_from_civil(&civil)};
	return true;
}

static const struct reader {
	enum type type;
	bool (*read)(const char *bytes, struct sql_cell *cell);
} readers[] = {
    {TYPE_BOOL, read_bool},
    {TYPE_INT2, read_int},
    {TYPE_INT4, read_int},
    {TYPE_INT8, read_int},
    {TYPE_OID, read_int},
    {TYPE_FLOAT4, read_number},
    {TYPE_FLOAT8, read_number},
    {TYPE_NUMERIC, read_numeric},
    {TYPE_DATE, read_date},
    {TYPE_TIMESTAMP, read_instant},
    {TYPE_TIMESTAMPTZ, read_instant},
};

static char hex_digit(char c)
{
	return (char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* \x61ff: the bytes themselves, as from a blob of SQLite. */
static struct sql_cell bytea_cell(const char *digits, size_t length, struct arena *arena)
{
	char *bytes = arena_alloc(arena, length / 2 + 1);

	for (size_t i = 0; i < length / 2; i++)
		bytes[i] = (char)(hex_digit(digits[2 * i]) << 4 | hex_digit(digits[2 * i + 1]));
	return (struct sql_cell){.type = SQL_TEXT, .bytes = bytes, .length = length / 2};
}

struct sql_cell postgres_cell(Oid type, const char *bytes, size_t length, struct arena *arena)
{
	struct sql_cell cell;

	if (type == TYPE_BYTEA && !strncmp(bytes, "\\x", 2))
		return bytea_cell(bytes + 2, length - 2, arena);
	for (const struct reader *reader = readers; reader < readers + ARRAY_SIZE(readers); reader++)
		if (reader->type == type && reader->read(bytes, &cell))
			return cell;
	return (struct sql_cell){.type = SQL_TEXT, .bytes = bytes, .length = length};
}
