/* SPDX-License-Identifier: MIT */
/*
 * Rows that are left out of a list, and the row that tells of them: `… and N more`.
 */
#ifndef RENDER_LEFT_OUT_H
#define RENDER_LEFT_OUT_H

#include <stddef.h>

#include <bmad/json.h>

/* The row that tells of COUNT, in the shape of LIKE, a row of LIST; NULL: nobody knows that shape. Owned. */
struct json *left_out_row(const struct json *list, const struct json *like, size_t count);

/* How many rows the last one of LIST tells of already, for it was shortened before; 0: it is a row of data.
 */
size_t left_out_before(const struct json *list);

#endif
