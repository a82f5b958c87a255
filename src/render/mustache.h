/* SPDX-License-Identifier: MIT */
/*
 * Mustache templates (the specification's comments, delimiters, interpolation, inverted, partials and
 * sections modules), compiled once, rendered often. Pure: partials come through a callback.
 *
 * False for sections are null, false, an empty list and a name that is nowhere; 0 and "" are true.
 * Numbers are written as JSON writes them, lists and objects as JSON text, null as nothing.
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
 * How strings are written: `{{x}}` through `escape`, `{{{x}}}` and `{{&x}}` through `raw`. In HTML raw is
 * the text as it is; in JSON raw still escapes for JSON, and leaves out the target's mark-up only.
 */
struct escaping {
	escape_function *escape;
	escape_function *raw;
};

/* A partial's text, and the name it goes by in errors (a path). Both are free()d by the compiler. */
struct partial_source {
	char *name;
	char *text;
	size_t length;
};

/* Finds the partial NAME. OUT left alone means that there is none: it renders as nothing. */
typedef struct err *partial_function(void *arg, const char *name, struct partial_source *out);

/*
 * Compiles LENGTH bytes; NAME names it in errors: CONFIG `NAME:LINE:COL: ...` for an unclosed tag or
 * section, a closing tag that does not fit, bad delimiters. Each partial that is named, also within
 * partials, is fetched and compiled once. PARTIAL may be NULL: there are none.
 */
struct err *template_compile(const char *name, const char *text, size_t length, partial_function *partial,
    void *partial_arg, struct template **out_template) MUST_CHECK;
void template_destroy(struct template *template);

/*
 * Appends the rendering of the context stack ROOTS[0..COUNT-1] (the last is searched first) to OUT.
 * A name that is nowhere is empty. PERMANENT error when partials nest deeper than 64, these and sections
 * deeper than 512, when sections go round more than 5 million times, or OUT grows by more than LIMIT bytes;
 * OUT then holds what there was.
 */
struct err *template_render(const struct template *template, const struct json *const *roots, size_t count,
    const struct escaping *escaping, size_t limit, struct buf *out) MUST_CHECK;

#endif
