/* SPDX-License-Identifier: MIT */
/*
 * The parts of the PostgreSQL driver.
 *
 *	sql_postgres.c         the driver: statements, rows, snapshots
 *	sql_postgres_link.c    the connection: connecting, waiting, ending what is under way
 *	sql_postgres_text.c    `:name` to `$1`; pure
 *	sql_postgres_value.c   values to text and back; pure
 *	sql_postgres_fault.c   what the server says, as errors and notices
 */
#ifndef SOURCE_SQL_POSTGRES_H
#define SOURCE_SQL_POSTGRES_H

#include <postgresql/libpq-fe.h>

#include "base/buf.h"
#include "base/mem.h"
#include "source/driver.h"

/* -- sql_postgres_text.c ----------------------------------------------------------------------------- */

/* A place behind a parameter: its offset in the text as written and in the text as sent. */
struct mark {
	size_t written, sent;
};

/* A statement with `$n` for `:name`. The zero value is empty. */
struct positional {
	struct buf text;
	const struct sql_param **params; /* [n - 1] is the value of $n; borrowed from the caller */
	size_t count, capacity;
	struct mark *marks;
	size_t mark_count, mark_capacity;
};

/*
 * Not replaced is what is no parameter to PostgreSQL: in strings, quoted names, dollar quotes and comments,
 * `::` and `:=`, a colon before anything but a letter. A slice must be written `[1 : n]` with blanks, or its
 * bound is taken for a parameter. PERMANENT error for a name without a value and for `$1`. OUT is to be
 * released in any case.
 */
struct err *positional_make(
    const char *text, const struct sql_param *params, size_t count, struct positional *out) MUST_CHECK;
void positional_done(struct positional *positional);

/* Where character CHARACTER (from 1) of what was sent stands in TEXT as written; lines and columns from 1. */
void positional_place(
    const struct positional *positional, const char *text, int character, int *out_line, int *out_column);

/* -- sql_postgres_value.c ---------------------------------------------------------------------------- */

/* The type and text (NULL: NULL) that VALUE is bound as. */
Oid postgres_type(const struct sql_value *value);
const char *postgres_text(const struct sql_value *value, struct arena *arena);

/* BYTES of a column of TYPE. What a sql_cell cannot hold (infinity, a year beyond 9999) stays text. */
struct sql_cell postgres_cell(Oid type, const char *bytes, size_t length, struct arena *arena);

/* -- the connection ---------------------------------------------------------------------------------- */

struct postgres {
	struct sql base; /* first */
	const struct conf_source *source;
	int64_t connect_ms; /* the longest that connecting may take; 0: as long as the run may */
	PGconn *conn;       /* NULL: not yet, or it was lost */
	bool lost;
	bool snapshot; /* between begin and end */
	int notices;   /* of this statement */

	const char *written; /* the statement; the caller's */
	struct positional sent;
	PGresult *result; /* names of columns and, if there is a row, the row */
	bool row;
	bool unread;        /* `result` was not given to the caller yet */
	struct arena texts; /* of the row */
};

/* -- sql_postgres_link.c */

/*
 * A connection that can be used now. Connects if there is none, or if the server closed it between two
 * statements; not within a snapshot, which is gone then.
 */
struct err *postgres_connect(struct postgres *db) MUST_CHECK;
/* The next result of the statement; NULL: there are no more. */
struct err *postgres_take(struct postgres *db, PGresult **out_result) MUST_CHECK;
/* Sends what libpq still holds of a statement. */
struct err *postgres_flush(struct postgres *db) MUST_CHECK;
/* Waits for the end of the statement. Its error, if it has one. */
struct err *postgres_take_all(struct postgres *db) MUST_CHECK;
/* Runs commands that return nothing. */
struct err *postgres_execute(struct postgres *db, const char *commands) MUST_CHECK;
/* Ends the statement under way, within moments: by reading it to its end, by cancelling it, or else with the
 * connection. */
void postgres_settle(struct postgres *db);
/* Ends the transaction under way, likewise. */
void postgres_rollback(struct postgres *db);
/* Appends the settings that every session must have: VERB is "set" or "set local". */
void postgres_settings(const struct postgres *db, const char *verb, struct buf *out);

/* -- sql_postgres_fault.c */

/* RESULT (NULL: the connection itself) as an error: the server's words, SQLSTATE, and where. */
struct err *postgres_fault(const struct postgres *db, const PGresult *result) MUST_CHECK;
/* TEXT of libpq as one line. Appends to OUT. */
void postgres_one_line(struct buf *out, const char *text);
/* A notice receiver, with the struct postgres. */
void postgres_notice(void *db, const PGresult *result);

#endif
