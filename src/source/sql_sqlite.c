/* SPDX-License-Identifier: MIT */
/*
 * SQLite as a source: `sqlite:PATH`.
 *
 * Read-only unless the source is writable. Statements are kept prepared: a worker asks the same few
 * again and again. A progress handler and a busy handler of our own see to deadlines and cancelling,
 * also while a writer holds the file.
 */
#include "source/driver.h"

#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "source/source.h"

#define SCHEME       "sqlite:"
#define STATEMENTS   64   /* kept prepared; what was not used longest gives way */
#define PROGRESS_OPS 2000 /* virtual machine steps between two looks at the clock, some 20 us */
#define BUSY_WAIT_MS 10000
#define CACHE_KIB    "8000" /* a shift of a large zone, which each of its reports reads again */

struct statement {
	uint64_t hash;
	char *text;
	sqlite3_stmt *handle;
	uint64_t used;
};

struct sqlite {
	struct sql base; /* first */
	sqlite3 *handle;
	char *path;
	struct stat file; /* as it was when opened */
	struct statement statements[STATEMENTS];
	uint64_t uses;
	sqlite3_stmt *current;
	int step; /* what the step that sql_query() made returned; 0: it has been used */
};

static struct sqlite *sqlite_of(const struct sql *db)
{
	return (struct sqlite *)db;
}

/* -- faults ---------------------------------------------------------------------------------------- */

static enum err_kind fault_kind(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_PROTOCOL:
		return ERR_TEMPORARY;
	default:
		return ERR_PERMANENT;
	}
}

static struct err *fault(const struct sqlite *db, int code)
{
	if (sql_expired(&db->base))
		return sql_expiry(&db->base);
	return ERR(fault_kind(code), "%s", sqlite3_errmsg(db->handle));
}

/* -- limits ---------------------------------------------------------------------------------------- */

static int on_progress(void *arg)
{
	return sql_expired(arg);
}

static int on_busy(void *arg, int tries)
{
	const struct sqlite *db = arg;
	int wait_ms = tries < 10 ? 1 + tries : 20;

	if (sql_expired(&db->base) || tries > BUSY_WAIT_MS / 20)
		return 0;
	sqlite3_sleep(wait_ms);
	return 1;
}

/* -- statements ------------------------------------------------------------------------------------ */

static void drop_statement(struct statement *statement)
{
	sqlite3_finalize(statement->handle);
	free(statement->text);
	*statement = (struct statement){0};
}

/* Where TEXT is kept, or the place that it may take. */
static struct statement *find_statement(struct sqlite *db, const char *text, uint64_t hash)
{
	struct statement *oldest = &db->statements[0];

	for (struct statement *s = db->statements; s < db->statements + STATEMENTS; s++) {
		if (s->text && s->hash == hash && !strcmp(s->text, text))
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	drop_statement(oldest);
	return oldest;
}

static bool only_blanks(const char *text)
{
	while (isspace((unsigned char)*text) || *text == ';')
		text++;
	return !*text;
}

static struct err *compile(struct sqlite *db, const char *text, sqlite3_stmt **out_handle)
{
	sqlite3_stmt *handle;
	const char *rest;
	int code = sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &handle, &rest);

	if (code != SQLITE_OK)
		return fault(db, code);
	if (!handle)
		return ERR(ERR_PERMANENT, "is empty");
	if (!only_blanks(rest)) {
		sqlite3_finalize(handle);
		return ERR(ERR_PERMANENT, "holds more than one statement");
	}
	*out_handle = handle;
	return NULL;
}

static struct err *prepare(struct sqlite *db, const char *text, sqlite3_stmt **out_handle)
{
	uint64_t hash = fnv1a(FNV_START, text, strlen(text));
	struct statement *statement = find_statement(db, text, hash);

	if (!statement->handle) {
		sqlite3_stmt *handle = NULL;

		PASS(compile(db, text, &handle));
		*statement = (struct statement){.hash = hash, .text = mem_copy(text), .handle = handle};
	}
	statement->used = ++db->uses;
	*out_handle = statement->handle;
	return NULL;
}

static int bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	return sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

static int bind_value(sqlite3_stmt *statement, int index, const struct sql_value *value)
{
	char text[TIME_TEXT];

	switch (value->type) {
	case SQL_TEXT:
		return bind_text(statement, index, value->text);
	case SQL_INT:
	case SQL_BOOL:
		return sqlite3_bind_int64(statement, index, value->integer);
	case SQL_NUMBER:
		return sqlite3_bind_double(statement, index, value->number);
	case SQL_INSTANT:
		return bind_text(statement, index, utc_format(value->integer, text));
	case SQL_DATE:
		return bind_text(statement, index, date_format(value->integer, text));
	default:
		return sqlite3_bind_null(statement, index);
	}
}

static struct err *bind(
    struct sqlite *db, sqlite3_stmt *statement, const struct sql_param *params, size_t count)
{
	int wanted = sqlite3_bind_parameter_count(statement);

	for (int i = 1; i <= wanted; i++) {
		const char *name = sqlite3_bind_parameter_name(statement, i);

		if (!name || *name != ':')
			return ERR(
			    ERR_PERMANENT, "parameter %d (%s) is not written as :name", i, name ? name : "?");
		const struct sql_param *param = sql_param_find(params, count, name + 1);
		if (!param)
			return ERR(ERR_PERMANENT, "no value for the parameter %s", name);
		int code = bind_value(statement, i, &param->value);
		if (code != SQLITE_OK)
			return fault(db, code);
	}
	return NULL;
}

/* -- results --------------------------------------------------------------------------------------- */

static void finish(struct sql *base)
{
	struct sqlite *db = sqlite_of(base);

	if (!db->current)
		return;
	sqlite3_reset(db->current);
	sqlite3_clear_bindings(db->current);
	db->current = NULL;
}

static struct err *step(struct sqlite *db)
{
	db->step = sqlite3_step(db->current);
	if (db->step == SQLITE_ROW || db->step == SQLITE_DONE)
		return NULL;
	return fault(db, db->step);
}

/* Makes the first step too: statements without rows are done, and faults show here as with a server. */
static struct err *query(struct sql *base, const char *text, const struct sql_param *params, size_t count)
{
	struct sqlite *db = sqlite_of(base);

	PASS(prepare(db, text, &db->current));
	struct err *e = bind(db, db->current, params, count);
	if (!e)
		e = step(db);
	if (e)
		finish(base);
	return e;
}

static struct err *try_query(struct sql *base, const char *text, const struct sql_param *params, size_t count)
{
	struct sqlite *db = sqlite_of(base);

	PASS(prepare(db, text, &db->current));
	struct err *e = bind(db, db->current, params, count);
	if (!e && !base->writable && !sqlite3_stmt_readonly(db->current))
		e = ERR(ERR_PERMANENT, "writes, and the source is for reading only");
	if (e)
		finish(base);
	db->step = SQLITE_DONE;
	return e;
}

static struct err *next(struct sql *base, bool *out_row)
{
	struct sqlite *db = sqlite_of(base);

	if (!db->step)
		PASS(step(db));
	*out_row = db->step == SQLITE_ROW;
	if (*out_row)
		db->step = 0;
	return NULL;
}

static size_t columns(const struct sql *base)
{
	return (size_t)sqlite3_column_count(sqlite_of(base)->current);
}

static const char *column_name(const struct sql *base, size_t column)
{
	const char *name = sqlite3_column_name(sqlite_of(base)->current, (int)column);

	return name ? name : "?";
}

/* A blob is the text that its bytes are; an empty one has no address. */
static struct sql_cell text_cell(sqlite3_stmt *statement, int index)
{
	const char *bytes = (const char *)sqlite3_column_text(statement, index);

	return (struct sql_cell){
	    .type = SQL_TEXT,
	    .bytes = bytes ? bytes : "",
	    .length = (size_t)sqlite3_column_bytes(statement, index),
	};
}

static struct sql_cell cell(const struct sql *base, size_t column)
{
	sqlite3_stmt *statement = sqlite_of(base)->current;
	int index = (int)column;

	switch (sqlite3_column_type(statement, index)) {
	case SQLITE_NULL:
		return (struct sql_cell){.type = SQL_NULL};
	case SQLITE_INTEGER:
		return (struct sql_cell){.type = SQL_INT, .integer = sqlite3_column_int64(statement, index)};
	case SQLITE_FLOAT:
		return (struct sql_cell){
		    .type = SQL_NUMBER, .number = sqlite3_column_double(statement, index)};
	default:
		return text_cell(statement, index);
	}
}

/* -- the connection -------------------------------------------------------------------------------- */

static struct err *execute(struct sqlite *db, const char *text)
{
	PASS(query(&db->base, text, NULL, 0));
	finish(&db->base);
	return NULL;
}

/* The snapshot is taken by the first query after it. */
static struct err *begin(struct sql *base)
{
	return execute(sqlite_of(base), "begin deferred");
}

static struct err *end(struct sql *base)
{
	return execute(sqlite_of(base), "commit");
}

static void rollback(struct sql *base)
{
	struct sqlite *db = sqlite_of(base);

	if (db->handle && !sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "rollback", NULL, NULL, NULL);
}

/* A file that was replaced by another stays open as it was: whoever keeps connections must notice. */
static bool usable(const struct sql *base)
{
	const struct sqlite *db = sqlite_of(base);
	struct stat now;

	return !stat(db->path, &now) && now.st_dev == db->file.st_dev && now.st_ino == db->file.st_ino;
}

static void close_sqlite(struct sql *base)
{
	struct sqlite *db = sqlite_of(base);

	for (size_t i = 0; i < STATEMENTS; i++)
		drop_statement(&db->statements[i]);
	sqlite3_close(db->handle);
	free(db->path);
	free(db);
}

static const struct sql_driver driver = {
    .begin = begin,
    .end = end,
    .query = query,
    .try_query = try_query,
    .next = next,
    .columns = columns,
    .column_name = column_name,
    .cell = cell,
    .finish = finish,
    .rollback = rollback,
    .usable = usable,
    .close = close_sqlite,
};

/* Reads the header too: a file that is no database is noticed here rather than in some job's query. */
static struct err *connect_to(struct sqlite *db, bool writable)
{
	int flags = (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;

	if (stat(db->path, &db->file))
		return ERR(ERR_TEMPORARY, "%s: %s", db->path, strerror(errno));
	int code = sqlite3_open_v2(db->path, &db->handle, flags, NULL);
	if (code != SQLITE_OK)
		return ERR(fault_kind(code), "%s: %s", db->path,
		    db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_handler(db->handle, on_busy, db);
	sqlite3_progress_handler(db->handle, PROGRESS_OPS, on_progress, db);
	TRY(execute(db, "pragma schema_version"), "%s", db->path); /* first: one wait for a lock is enough */
	sqlite3_exec(db->handle, "pragma cache_size = -" CACHE_KIB, NULL, NULL, NULL);
	return NULL;
}

static struct err *open_sqlite(const struct conf_source *source, struct sql **out_db)
{
	const char *path = source->url.hidden + strlen(SCHEME);

	if (!*path)
		return ERR(ERR_CONFIG, "url: expected sqlite:PATH, found no path");
	struct sqlite *db = mem_alloc(sizeof(*db));
	db->path = mem_copy(path);
	sql_init(&db->base, &driver, source);
	struct err *e = connect_to(db, source->writable);
	if (e) {
		sql_disconnect(&db->base);
		return e;
	}
	*out_db = &db->base;
	return NULL;
}

const struct source_type source_sqlite = {
    .name = "sqlite",
    .scheme = SCHEME,
    .summary = "an SQLite database file: sqlite:PATH",
    .open = open_sqlite,
};
