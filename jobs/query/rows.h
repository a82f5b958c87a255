/* SPDX-License-Identifier: MIT */
/* The rows of a free report: its query, run with bound parameters. */
#ifndef JOBS_QUERY_ROWS_H
#define JOBS_QUERY_ROWS_H

#include <bmad/json.h>
#include <bmad/mem.h>
#include <bmad/sql.h>

#define QUERY_PARAMS_MAX  64
#define QUERY_COLUMNS_MAX 64

struct query_params {
	struct sql_param items[QUERY_PARAMS_MAX];
	size_t count;
};

/* CONFIG error beginning with "params" for a value that is no text, number, true, false or null. */
struct err *params_check(const struct json *params) MUST_CHECK;
/* Adds each of PARAMS (checked); what is there already under its name gives way. */
void params_add(struct query_params *all, const struct json *params);

struct query_result {
	const char *names[QUERY_COLUMNS_MAX]; /* of the columns, in the arena */
	size_t columns;
	size_t count;   /* rows that there are, as far as they were read */
	bool truncated; /* there are more than MOST */
};

/* The names of the query's columns, which is understood and not run. */
struct err *query_try(struct sql *db, const char *text, const struct query_params *params,
    struct arena *arena, struct query_result *out) MUST_CHECK;

/* Adds at most MOST rows to the array ROWS, as objects by column name. */
struct err *query_rows(struct sql *db, const char *text, const struct query_params *params, size_t most,
    struct arena *arena, struct json *rows, struct query_result *out) MUST_CHECK;

#endif
