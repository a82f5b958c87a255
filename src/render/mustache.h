/* SPDX-License-Identifier: MIT */
/*
 * Mustache templates (the specification's comments, delimiters, interpolation, inverted, partials and
 * sections modules), compiled once, rendered often. Pure: partials come through a callback.
 */
#ifndef RENDER_MUSTACHE_H
#define RENDER_MUSTACHE_H

#include <stddef.h>

#include <bmad/err.h>
#include <bmad/json.h>

#include "base/buf.h"

struct template;

/* Appends TEXT (LENGTH bytes of UTF-8, not NUL-terminated) to OUT in escaped form. */
typedef void escape_function(struct buf *out, const char *text, size_t length);

/*
 * How values are written: `{{x}}` through `escape`, `{{{x}}}` and `{{&x}}` through `raw`. In HTML raw is
 * the text as it is; in JSON raw still escapes for JSON, and leaves out the target's mark-up only.
 */
struct escaping {
	escape_function *escape;
	escape_function *raw;
};

/* Text of the partial NAME, to be free()d by the caller, or NULL: an unknown partial renders as nothing. */
typedef char *partial_function(void *arg, const char *name);

/*
 * Compiles LENGTH bytes; NAME names it in errors: CONFIG `NAME:LINE:COL: ...` for an unclosed tag or
 * section, a closing tag that does not fit, bad delimiters. Partials (nesting at most 64 deep, also recursive
 * ones) are fetched and compiled as they are met while compiling; PARTIAL may be NULL.
 */
struct err *template_compile(const char *name, const char *text, size_t length, partial_function *partial,
    void *partial_arg, struct template **out_template) MUST_CHECK;
void template_destroy(struct template *template);

/*
 * Appends the rendering of the context stack ROOTS[0..COUNT-1] (the last is searched first) to OUT.
 * A name that is nowhere is empty. PERMANENT error when sections recurse too deep or the output passes
 * LIMIT bytes; OUT then holds what there was.
 */
struct err *template_render(const struct template *template, const struct json *const *roots, size_t count,
    const struct escaping *escaping, size_t limit, struct buf *out) MUST_CHECK;

#endif
