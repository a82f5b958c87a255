/* SPDX-License-Identifier: MIT */
/*
 * Errors and reported values as JSON: as the store keeps them, and as `--json` shows them.
 * {"kind", "message", "frames": [{"function", "file", "line", "note"}]} and {"name": number}.
 */
#ifndef STORE_ERROR_JSON_H
#define STORE_ERROR_JSON_H

#include <bmad/json.h>

#include "request/request.h"

struct json *error_json(const struct error_record *error);                 /* null for NULL */
struct json *values_json(const struct value_record *values, size_t count); /* an object */

/* The texts, to be freed; NULL when there is nothing to tell. */
char *error_to_json(const struct error_record *error);
char *values_to_json(const struct value_record *values, size_t count);

/* Back, in ARENA. Text that is not what the above made gives nothing (NULL, none). */
struct error_record *error_from_json(const char *text, struct arena *arena);
void values_from_json(
    const char *text, struct arena *arena, struct value_record **out_values, size_t *out_count);

#endif
