/* SPDX-License-Identifier: MIT */
/* Queries of the SQLite backend: prepared once, bound, stepped, and their faults as errors. */
#include "store/sqlite.h"

#include <string.h>

static enum err_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_TEMPORARY;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_TOOBIG:
		return ERR_PERMANENT;
	default:
		return ERR_BUG;
	}
}

struct err *sqlite_fault(const struct sqlite *db, int code, const char *what)
{
	/* The connection's message is of its last call, which may be another one by now. */
	bool current = db->connection && (sqlite3_extended_errcode(db->connection) & 0xff) == (code & 0xff);
	const char *text = current ? sqlite3_errmsg(db->connection) : sqlite3_errstr(code);

	return what ? ERR(kind_of(code), "%s: %s: %s", db->path, what, text)
	            : ERR(kind_of(code), "%s: %s", db->path, text);
}

struct err *sqlite_execute(struct sqlite *db, const char *sql)
{
	int code = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? NULL : sqlite_fault(db, code, NULL);
}

static size_t slot_of(const struct sqlite *db, const char *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 2654435761u % STATEMENT_SLOTS;

	while (db->statements[at].sql && db->statements[at].sql != sql)
		at = (at + 1) % STATEMENT_SLOTS;
	return at;
}

struct query query(struct sqlite *db, const char *sql)
{
	struct query q = {.db = db, .status = SQLITE_OK};
	size_t at = slot_of(db, sql);

	if (!db->statements[at].sql) {
		sqlite3_stmt *statement = NULL;

		q.status =
		    sqlite3_prepare_v3(db->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
		if (q.status != SQLITE_OK)
			return q;
		db->statements[at].sql = sql;
		db->statements[at].statement = statement;
	}
	q.statement = db->statements[at].statement;
	return q;
}

static bool sound(const struct query *q)
{
	return q->status == SQLITE_OK;
}

static void check(struct query *q, int code)
{
	if (code != SQLITE_OK && sound(q))
		q->status = code;
}

void bind_int(struct query *q, int64_t value)
{
	if (sound(q))
		check(q, sqlite3_bind_int64(q->statement, ++q->bound, value));
}

void bind_text(struct query *q, const char *text)
{
	if (sound(q))
		check(q, sqlite3_bind_text(q->statement, ++q->bound, text, -1, SQLITE_STATIC));
}

void bind_bytes(struct query *q, const char *bytes, size_t length)
{
	if (sound(q))
		check(q,
		    sqlite3_bind_blob64(q->statement, ++q->bound, bytes ? bytes : "", length, SQLITE_STATIC));
}

bool query_row(struct query *q)
{
	int code;

	if (!sound(q))
		return false;
	code = sqlite3_step(q->statement);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		check(q, code);
	return false;
}

int64_t column_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

const char *column_text(struct query *q, int column, struct arena *arena)
{
	const char *text = (const char *)sqlite3_column_text(q->statement, column);

	return text ? arena_copy_n(arena, text, (size_t)sqlite3_column_bytes(q->statement, column)) : NULL;
}

const char *column_bytes(struct query *q, int column, struct arena *arena, size_t *out_length)
{
	const char *bytes = sqlite3_column_blob(q->statement, column);

	*out_length = (size_t)sqlite3_column_bytes(q->statement, column);
	return arena_copy_n(arena, bytes, *out_length);
}

struct err *query_done(struct query *q)
{
	struct err *e = sound(q) ? NULL : sqlite_fault(q->db, q->status, NULL);

	if (q->statement) {
		sqlite3_reset(q->statement); /* repeats the step's code, which is known */
		sqlite3_clear_bindings(q->statement);
	}
	return e;
}

struct err *query_run(struct query *q)
{
	query_row(q);
	return query_done(q);
}

int64_t rows_changed(const struct sqlite *db)
{
	return sqlite3_changes64(db->connection);
}

void sqlite_forget_statements(struct sqlite *db)
{
	for (size_t i = 0; i < STATEMENT_SLOTS; i++)
		sqlite3_finalize(db->statements[i].statement);
	memset(db->statements, 0, sizeof(db->statements));
}
