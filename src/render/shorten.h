/* SPDX-License-Identifier: MIT */
/* Texts made shorter at places where neither a reader nor a provider's mark-up is hurt. Pure. */
#ifndef RENDER_SHORTEN_H
#define RENDER_SHORTEN_H

#include <stddef.h>

/* How providers count. */
enum unit { UNIT_BYTES, UNIT_UTF16 };

size_t text_units(const char *text, enum unit unit);

/*
 * The nearest place at or before AT where TEXT can end: not inside a character with its accents and joiners,
 * a flag, an escape (`\*`, `&amp;`) or a link, and not after blanks.
 */
size_t cut_before(const char *text, size_t at);

/*
 * TEXT with at most MOST units, allocated. Of several lines whole ones are left out, from the end, and
 * `… and N more` says how many; a single line ends in `…`. A code fence that is open there is closed.
 * DOTS is what stands for `…`.
 */
char *shorten(const char *text, size_t most, enum unit unit, const char *dots, size_t *out_left_out);

#endif
