/* SPDX-License-Identifier: MIT */
/*
 * References in texts of the configuration: `${NAME}` is an environment variable, `${file:PATH}` a file's
 * content without its trailing newline, `${cred:NAME}` the file NAME in $CREDENTIALS_DIRECTORY, and `$${`
 * a literal `${`. Their syntax is checked at load; the process that uses a value resolves it. Errors name
 * the reference, never a value.
 */
#ifndef CONF_REFS_H
#define CONF_REFS_H

#include <stdbool.h>

#include <bmad/err.h>
#include <bmad/json.h>

#include "base/mem.h"

/* Values longer than this are refused. */
#define REFERENCE_BYTES_MAX 65536

/* Whether TEXT holds `${`, as a reference or (after a `$`) literally. */
bool refs_any(const char *text);

/*
 * Pure: calls FOUND for each reference of TEXT, with a copy of it (`${file:/x}`) that lives as long as the
 * call. CONFIG error for a reference that is none. FOUND may be NULL.
 */
struct err *refs_scan(
    const char *text, void (*found)(void *arg, const char *reference), void *arg) MUST_CHECK;

/*
 * TEXT with each reference replaced by what it stands for now; TEXT itself if there is none. PATH of a file
 * is relative to FOLDER. Values go to the redactor.
 */
struct err *refs_resolve(
    const char *folder, const char *text, struct arena *arena, const char **out_text) MUST_CHECK;
/* The same for each string in VALUE, its keys excepted; a copy belongs to ARENA. */
struct err *refs_resolve_json(const char *folder, const struct json *value, struct arena *arena,
    const struct json **out_value) MUST_CHECK;

#endif
