/* SPDX-License-Identifier: MIT */
/* Source types and their connections, behind include/bmad/sql.h. */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <string.h>

#include <bmad/sql.h>

#include "conf/conf.h"

struct source_type {
	const char *name;   /* "sqlite" */
	const char *scheme; /* what the url begins with: "sqlite:" */
	const char *summary;
	/* Connects. SOURCE is resolved and outlives the connection. Read-only unless it is writable. */
	struct err *(*open)(const struct conf_source *source, struct sql **out_db);
};

/* Every type, ending with NULL: source.c. */
extern const struct source_type *const source_types[];
/* The type whose scheme URL has, or NULL. Here, so that a test's own table needs nothing of source.c. */
static inline const struct source_type *source_type_of(const char *url)
{
	for (size_t i = 0; source_types[i]; i++)
		if (!strncmp(url, source_types[i]->scheme, strlen(source_types[i]->scheme)))
			return source_types[i];
	return NULL;
}

/*
 * Opens a connection; TEMPORARY error if it cannot be had now. One to a server is made by the first
 * statement, within the limits of its run.
 */
struct err *sql_open(const struct conf_source *source, struct sql **out_db) MUST_CHECK;
/*
 * Statements end with a TEMPORARY error at DEADLINE or when *CANCEL becomes non-zero (set by a signal
 * handler; may be NULL). Both are the run's. Without this call there is no limit, statement_timeout
 * included: there would be no clock to measure it by.
 */
void sql_limit(struct sql *db, struct mono deadline, struct mono (*now)(void), const volatile int *cancel);
/*
 * FUNCTION is given what the database says beside results (notices, warnings), as one line that names the
 * source, until sql_reset().
 */
void sql_on_notice(struct sql *db, void (*function)(void *arg, const char *text), void *arg);
/* Ends whatever a run left open: results and the snapshot. */
void sql_reset(struct sql *db);
/*
 * False when a kept connection must be opened anew before it is used again: it was lost, or the file was
 * replaced by another. Costs next to nothing; ask before each run.
 */
bool sql_usable(const struct sql *db);
void sql_disconnect(struct sql *db); /* DB may be NULL */

#endif
