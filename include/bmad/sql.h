/* SPDX-License-Identifier: MIT */
/*
 * SQL sources, the same for every database.
 *
 *	struct sql_rows *rows;
 *	static const enum sql_type columns[] = {SQL_TEXT, SQL_INT, SQL_INSTANT};
 *
 *	TRY(sql_query(db, "select ... where zone_id = :zone and ts >= :from", params, 2, columns, 3, &rows), ...);
 *	while (sql_next(rows))
 *		use(sql_text(rows, 0), sql_int(rows, 1), sql_instant(rows, 2));
 *	TRY(sql_close(rows), "read the stations");
 *
 * Rows stream: one at a time is in memory. A column that does not hold the type asked for is an error that names
 * query, column, row and value; it ends the loop and is returned by sql_close(). Parameters are bound,
 * never pasted. Each statement has the source's statement_timeout and the run's own deadline. Errors call a
 * query by the comment that it begins with, else by its first words.
 *
 * What comes out as text is UTF-8 without NUL: bytes that are not become U+FFFD.
 */
#ifndef BMAD_SQL_H
#define BMAD_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>
#include <bmad/time.h>

enum sql_type {
	SQL_ANY, /* as the database has it: one of those below */
	SQL_NULL,
	SQL_TEXT,
	SQL_INT,
	SQL_NUMBER, /* with a fraction */
	SQL_BOOL,
	SQL_INSTANT, /* timestamptz; in SQLite text as 2024-11-03T09:00:00Z */
	SQL_DATE,    /* days since 1970-01-01; in SQLite text as 2024-11-03 */
	/* In a list of columns, or-ed to one of the above: NULL is an error there as well. */
	SQL_REQUIRED = 64,
};

struct sql_value {
	enum sql_type type;
	int64_t integer; /* INT, BOOL, INSTANT, DATE */
	double number;   /* NUMBER */
	const char *text; /* TEXT: NUL-terminated UTF-8 */
};

/*
 * Named parameters, `:name` in the text; one that the text has and PARAMS lack is an error naming it.
 * A NULL text is NULL.
 */
struct sql_param {
	const char *name;
	struct sql_value value;
};

#define SQL_TEXT_PARAM(name_, text_)     {.name = (name_), .value = {.type = SQL_TEXT, .text = (text_)}}
#define SQL_INT_PARAM(name_, value_)     {.name = (name_), .value = {.type = SQL_INT, .integer = (value_)}}
#define SQL_INSTANT_PARAM(name_, value_) {.name = (name_), .value = {.type = SQL_INSTANT, .integer = (value_)}}
#define SQL_DATE_PARAM(name_, value_)    {.name = (name_), .value = {.type = SQL_DATE, .integer = (value_)}}

struct sql;
struct sql_rows;

/* Whether the source says `writable: true`: else statements that change something are refused. */
bool sql_writable(const struct sql *db);

/*
 * All queries until sql_end() see one state of the database. What a run leaves open is ended for it,
 * whatever happened.
 */
struct err *sql_begin(struct sql *db) MUST_CHECK;
struct err *sql_end(struct sql *db) MUST_CHECK;

/*
 * TYPES[0..COLUMNS-1] (borrowed until sql_close()) is what the query must return; NULL and 0: any columns,
 * as SQL_ANY. One result is open on a connection at a time.
 */
struct err *sql_query(struct sql *db, const char *text, const struct sql_param *params, size_t count,
    const enum sql_type *types, size_t columns, struct sql_rows **out_rows) MUST_CHECK;

/*
 * Whether the database understands TEXT and its parameters; it is not run. The result has the query's columns
 * and no row.
 */
struct err *sql_try(struct sql *db, const char *text, const struct sql_param *params, size_t count,
    struct sql_rows **out_rows) MUST_CHECK;

bool sql_next(struct sql_rows *rows);
/* The caller cannot use this row: takes E (NULL: it can), which ends the loop as a wrong cell does. */
void sql_refuse(struct sql_rows *rows, struct err *e);
/* Ends the result, read to its end or not. The error that ended sql_next(), if any. */
struct err *sql_close(struct sql_rows *rows) MUST_CHECK;

size_t sql_columns(const struct sql_rows *rows);
const char *sql_column_name(const struct sql_rows *rows, size_t column);

/* Cells of the current row; texts live until the next sql_next(). NULL cells: 0, NULL, false. */
struct sql_value sql_value(const struct sql_rows *rows, size_t column);
bool sql_is_null(const struct sql_rows *rows, size_t column);
int64_t sql_int(const struct sql_rows *rows, size_t column);
const char *sql_text(const struct sql_rows *rows, size_t column);
bool sql_bool(const struct sql_rows *rows, size_t column);
utc_t sql_instant(const struct sql_rows *rows, size_t column);
int64_t sql_date(const struct sql_rows *rows, size_t column);

#endif
