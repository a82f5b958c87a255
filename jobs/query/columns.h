/* SPDX-License-Identifier: MIT */
/* How the columns of a free report are shown: the option `columns`, and cells as text. Pure. */
#ifndef JOBS_QUERY_COLUMNS_H
#define JOBS_QUERY_COLUMNS_H

#include <bmad/buf.h>
#include <bmad/err.h>
#include <bmad/json.h>
#include <bmad/time.h>

/* CONFIG error for what is wrong with the option `columns`: {name: {label, format, total}}. */
struct err *columns_check(const struct json *columns) MUST_CHECK;

/* The array of the data object's `columns` for NAMES, as the query returned them, told by the option COLUMNS.
 */
struct json *columns_describe(const struct json *columns, const char *const *names, size_t count);

/* A column that COLUMNS has and the query has not: its name; NULL: there is none. */
const char *columns_unknown(const struct json *columns, const char *const *names, size_t count);

bool column_has_total(const struct json *column);
/* Numbers stand on the right. */
bool column_is_number(const struct json *column);

/* Appends VALUE as COLUMN (an item of the data object's `columns`) has it; times in TZ. */
void column_print(const struct json *column, const struct json *value, const struct tz *tz, struct buf *out);

#endif
