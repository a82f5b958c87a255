/* SPDX-License-Identifier: MIT */
/* What came and what went between two results of a query, by the columns that name a row. Pure. */
#ifndef JOBS_QUERY_CHANGE_H
#define JOBS_QUERY_CHANGE_H

#include <bmad/json.h>
#include <bmad/option.h>
#include <bmad/time.h>

/* Rows, by their keys as text: {"[\"st7\",3]": {row}}. Of several rows with one key the last counts. */
struct json *rows_by_key(const struct json *rows, const struct texts *key);

/* The rows of ALL that OTHER has not, or with HAS that it has too, as an array. */
struct json *rows_apart(const struct json *all, const struct json *other, bool has);

/* Whether it is time to tell of what is still there. REPEAT_S 0: never. */
bool repeat_is_due(const struct json *state, utc_t now, int64_t repeat_s);

#endif
