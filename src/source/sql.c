/* SPDX-License-Identifier: MIT */
/*
 * SQL for every database: one result at a time, cells held to the types asked for, errors that name
 * query, column, row and value, and the limits of time. What differs by database is behind driver.h.
 */
#include "source/driver.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "source/source.h"
#include "source/sql_kind.h"

#define QUERY_NAME 56 /* bytes of a query that errors show */

struct sql_rows {
	struct sql *db;
	bool open;
	char name[QUERY_NAME + 4];  /* room for "..." */
	const enum sql_type *types; /* the caller's, or NULL */
	size_t columns, capacity;
	struct sql_value *cells;
	int64_t row;           /* from 1 */
	struct arena repaired; /* texts of this row that are not as the database has them */
	struct err *error;     /* what ended sql_next() */
};

/* -- limits of time -------------------------------------------------------------------------------- */

void sql_limit(struct sql *db, struct mono deadline, struct mono (*now)(void), const volatile int *cancel)
{
	db->deadline = deadline;
	db->now = now;
	db->cancel = cancel;
}

void sql_on_notice(struct sql *db, void (*function)(void *arg, const char *text), void *arg)
{
	db->notice = function;
	db->notice_arg = arg;
}

static void start_statement_clock(struct sql *db)
{
	int64_t end;

	if (!db->now)
		return;
	db->statement_deadline = db->deadline;
	if (db->statement_timeout_ms > 0 &&
	    !__builtin_add_overflow(db->now().ms, db->statement_timeout_ms, &end) && end < db->deadline.ms)
		db->statement_deadline.ms = end;
}

static bool is_cancelled(const struct sql *db)
{
	return db->cancel && *db->cancel;
}

bool sql_expired(const struct sql *db)
{
	return is_cancelled(db) || (db->now && db->now().ms >= db->statement_deadline.ms);
}

struct err *sql_expiry(const struct sql *db)
{
	char limit[TIME_TEXT];

	if (is_cancelled(db))
		return ERR(ERR_TEMPORARY, "cancelled: the run was told to end");
	if (db->statement_deadline.ms >= db->deadline.ms)
		return ERR(ERR_TEMPORARY, "the run's timeout is over");
	if (db->statement_timeout_ms % 1000)
		return ERR(ERR_TEMPORARY, "took longer than statement_timeout (%lldms)",
		    (long long)db->statement_timeout_ms);
	return ERR(ERR_TEMPORARY, "took longer than statement_timeout (%s)",
	    duration_format(db->statement_timeout_ms / 1000, limit));
}

/* -- names of queries ------------------------------------------------------------------------------ */

/* A comment that a query begins with is its name; LENGTH is that of the name. */
static const char *leading_comment(const char *text, size_t *out_length)
{
	const char *end;

	if (!strncmp(text, "--", 2))
		end = text + strcspn(text, "\n");
	else if (strncmp(text, "/*", 2) != 0 || !(end = strstr(text, "*/")))
		return NULL;
	*out_length = (size_t)(end - text) - 2;
	return text + 2;
}

/* The leading comment, else the first words, each run of white space as one blank. */
static void name_query(const char *text, char out[QUERY_NAME + 4])
{
	static const char blanks[] = " \t\r\n";
	size_t length = 0, left;

	text += strspn(text, blanks);
	const char *word = leading_comment(text, &left);
	if (!word) {
		word = text;
		left = strlen(text);
	}
	for (; left; word++, left--) {
		bool blank = strchr(blanks, *word) != NULL;

		if (blank && (!length || out[length - 1] == ' '))
			continue;
		if (length == QUERY_NAME) {
			length += (size_t)snprintf(out + length, 4, "...");
			break;
		}
		out[length] = *word;
		if (blank)
			out[length] = ' ';
		length++;
	}
	if (length && out[length - 1] == ' ')
		length--;
	out[length] = '\0';
}

/* -- cells ----------------------------------------------------------------------------------------- */

static struct err *wrong_value(const struct sql_rows *rows, size_t column)
{
	char found[120];

	sql_kind_describe(&rows->cells[column], found, sizeof(found));
	return ERR(ERR_PERMANENT, "column %s of row %lld: expected %s, found %s",
	    sql_column_name(rows, column), (long long)rows->row, sql_kind_expected(rows->types[column]),
	    found);
}

/* NUL-terminated UTF-8 of CELL: what is no such text becomes U+FFFD. */
static const char *clean_text(struct sql_rows *rows, const struct sql_cell *cell)
{
	cleanup(buf_done) struct buf text = {0};
	const char *at = cell->bytes, *end = cell->bytes + cell->length;

	while (at < end) {
		size_t part = strnlen(at, (size_t)(end - at));

		utf8_add(&text, at, part);
		at += part;
		if (at < end) {
			buf_add_text(&text, "\xEF\xBF\xBD"); /* a NUL inside */
			at++;
		}
	}
	return arena_copy_n(&rows->repaired, buf_text(&text), text.length);
}

static bool is_clean(const struct sql_cell *cell)
{
	return cell->bytes[cell->length] == '\0' && strlen(cell->bytes) == cell->length &&
	       utf8_valid(cell->bytes, cell->length);
}

static struct err *read_cell(struct sql_rows *rows, size_t column)
{
	struct sql_cell cell = rows->db->driver->cell(rows->db, column);
	struct sql_value *value = &rows->cells[column];

	*value = (struct sql_value){.type = cell.type, .integer = cell.integer, .number = cell.number};
	if (cell.type == SQL_TEXT)
		value->text = is_clean(&cell) ? cell.bytes : clean_text(rows, &cell);
	if (rows->types && !sql_kind_hold(value, rows->types[column]))
		return wrong_value(rows, column);
	return NULL;
}

/* -- queries and their rows ------------------------------------------------------------------------ */

void sql_init(struct sql *db, const struct sql_driver *driver, const struct conf_source *source)
{
	db->driver = driver;
	db->source = source->name;
	db->writable = source->writable;
	db->statement_timeout_ms = source->statement_timeout_ms;
	db->rows = mem_alloc(sizeof(*db->rows));
	db->rows->db = db;
}

bool sql_writable(const struct sql *db)
{
	return db->writable;
}

const struct sql_param *sql_param_find(const struct sql_param *params, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(params[i].name, name))
			return &params[i];
	return NULL;
}

static void finish_rows(struct sql_rows *rows)
{
	rows->db->driver->finish(rows->db);
	rows->open = false;
	arena_done(&rows->repaired);
	err_destroy(rows->error);
	rows->error = NULL;
}

static struct err *open_rows(struct sql_rows *rows, const enum sql_type *types, size_t columns)
{
	size_t found = rows->db->driver->columns(rows->db);

	if (types && found != columns)
		return ERR(ERR_PERMANENT, "returns %zu columns where %zu are expected", found, columns);
	if (found > rows->capacity) {
		rows->cells = mem_resize(rows->cells, found * sizeof(*rows->cells));
		rows->capacity = found;
	}
	rows->types = types;
	rows->columns = found;
	rows->row = 0;
	return NULL;
}

/* Makes the result the open one of DB. E is what became of its query. */
static struct err *take_result(
    struct sql *db, struct err *e, const enum sql_type *types, size_t columns, struct sql_rows **out_rows)
{
	struct sql_rows *rows = db->rows;

	if (e)
		return ERR_AT(e, "source %s, query '%s'", db->source, rows->name);
	rows->open = true;
	e = open_rows(rows, types, columns);
	if (e) {
		finish_rows(rows);
		return ERR_AT(e, "source %s, query '%s'", db->source, rows->name);
	}
	*out_rows = rows;
	return NULL;
}

static struct err *start_query(struct sql *db, const char *text)
{
	if (db->rows->open)
		return ERR(ERR_BUG, "source %s: query '%s' is still open", db->source, db->rows->name);
	name_query(text, db->rows->name);
	start_statement_clock(db);
	return NULL;
}

struct err *sql_query(struct sql *db, const char *text, const struct sql_param *params, size_t count,
    const enum sql_type *types, size_t columns, struct sql_rows **out_rows)
{
	PASS(start_query(db, text));
	struct err *e = sql_expired(db) ? sql_expiry(db) : db->driver->query(db, text, params, count);
	return take_result(db, e, types, columns, out_rows);
}

struct err *sql_try(struct sql *db, const char *text, const struct sql_param *params, size_t count,
    struct sql_rows **out_rows)
{
	PASS(start_query(db, text));
	struct err *e = sql_expired(db) ? sql_expiry(db) : db->driver->try_query(db, text, params, count);
	return take_result(db, e, NULL, 0, out_rows);
}

static struct err *read_row(struct sql_rows *rows, bool *out_row)
{
	PASS(rows->db->driver->next(rows->db, out_row));
	if (!*out_row)
		return NULL;
	rows->row++;
	for (size_t i = 0; i < rows->columns; i++)
		PASS(read_cell(rows, i));
	return NULL;
}

bool sql_next(struct sql_rows *rows)
{
	bool row = false;

	if (rows->error)
		return false;
	if (rows->repaired.blocks)
		arena_done(&rows->repaired);
	rows->error = read_row(rows, &row);
	return row && !rows->error;
}

void sql_refuse(struct sql_rows *rows, struct err *e)
{
	if (rows->error)
		err_ignore(e); /* the first one tells */
	else
		rows->error = e;
}

struct err *sql_close(struct sql_rows *rows)
{
	struct err *e = rows->error;

	rows->error = NULL;
	finish_rows(rows);
	return e ? ERR_AT(e, "source %s, query '%s'", rows->db->source, rows->name) : NULL;
}

size_t sql_columns(const struct sql_rows *rows)
{
	return rows->columns;
}

const char *sql_column_name(const struct sql_rows *rows, size_t column)
{
	return rows->db->driver->column_name(rows->db, column);
}

struct sql_value sql_value(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column];
}

bool sql_is_null(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column].type == SQL_NULL;
}

int64_t sql_int(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column].integer;
}

const char *sql_text(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column].text;
}

bool sql_bool(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column].integer != 0;
}

utc_t sql_instant(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column].integer;
}

int64_t sql_date(const struct sql_rows *rows, size_t column)
{
	return rows->cells[column].integer;
}

/* -- the connection -------------------------------------------------------------------------------- */

struct err *sql_begin(struct sql *db)
{
	start_statement_clock(db);
	TRY(db->driver->begin(db), "begin a snapshot of source %s", db->source);
	return NULL;
}

struct err *sql_end(struct sql *db)
{
	if (db->rows->open)
		return ERR(ERR_BUG, "source %s: query '%s' is still open", db->source, db->rows->name);
	start_statement_clock(db);
	TRY(db->driver->end(db), "end the snapshot of source %s", db->source);
	return NULL;
}

void sql_reset(struct sql *db)
{
	if (db->rows->open)
		finish_rows(db->rows);
	db->driver->rollback(db);
	sql_on_notice(db, NULL, NULL);
}

bool sql_usable(const struct sql *db)
{
	return db->driver->usable(db);
}

void sql_disconnect(struct sql *db)
{
	if (!db)
		return;
	sql_reset(db);
	free(db->rows->cells);
	free(db->rows);
	db->driver->close(db);
}
