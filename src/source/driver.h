/* SPDX-License-Identifier: MIT */
/*
 * What a database must bring to be a source: the functions behind include/bmad/sql.h.
 *
 * sql.c does what is the same for all of them (one result at a time, types, error texts, deadlines); a
 * driver does what only it can. Its connection begins with a struct sql.
 */
#ifndef SOURCE_DRIVER_H
#define SOURCE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/sql.h>

#include "conf/conf.h"

/* A cell as the database has it. Bytes of a SQL_TEXT may be anything; a NUL follows the last. */
struct sql_cell {
	enum sql_type type;
	int64_t integer;
	double number;
	const char *bytes; /* until the next row */
	size_t length;
};

/*
 * Errors say what the database said; sql.c adds which query of which source it was. Statements that may take
 * long must look at sql_expired() from time to time and then fail with sql_expiry().
 */
struct sql_driver {
	struct err *(*begin)(struct sql *db);
	struct err *(*end)(struct sql *db);
	/* Runs TEXT to where its rows can be read; nothing is left open when it fails. */
	struct err *(*query)(struct sql *db, const char *text, const struct sql_param *params, size_t count);
	/* The same without running it: its columns can be asked for, and there are no rows. */
	struct err *(*try_query)(
	    struct sql *db, const char *text, const struct sql_param *params, size_t count);
	struct err *(*next)(struct sql *db, bool *out_row);
	size_t (*columns)(const struct sql *db);
	const char *(*column_name)(const struct sql *db, size_t column);
	struct sql_cell (*cell)(const struct sql *db, size_t column);
	void (*finish)(struct sql *db);   /* the result, read to its end or not */
	void (*rollback)(struct sql *db); /* the snapshot, if one is open; cannot fail */
	bool (*usable)(const struct sql *db);
	void (*close)(struct sql *db); /* frees DB */
};

struct sql {
	const struct sql_driver *driver;
	const char *source; /* its name */
	bool writable;
	int64_t statement_timeout_ms;
	struct mono (*now)(void); /* NULL: no limits yet */
	struct mono deadline;     /* the run's */
	struct mono statement_deadline;
	const volatile int *cancel;
	void (*notice)(void *arg, const char *text); /* NULL: nobody listens */
	void *notice_arg;
	struct sql_rows *rows; /* sql.c's */
};

/* Fills the common part of a new connection. */
void sql_init(struct sql *db, const struct sql_driver *driver, const struct conf_source *source);

bool sql_expired(const struct sql *db);
/* The TEMPORARY error that tells which limit ended the statement. */
struct err *sql_expiry(const struct sql *db) MUST_CHECK;

/* The parameter NAME (without colon) of PARAMS, or NULL. */
const struct sql_param *sql_param_find(const struct sql_param *params, size_t count, const char *name);

extern const struct source_type source_sqlite, source_postgresql, source_postgres;

#endif
