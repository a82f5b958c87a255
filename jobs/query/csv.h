/* SPDX-License-Identifier: MIT */
/* Rows as a file for spreadsheets (RFC 4180), in which no cell is a formula. Pure. */
#ifndef JOBS_QUERY_CSV_H
#define JOBS_QUERY_CSV_H

#include <bmad/buf.h>
#include <bmad/json.h>

/* COLUMNS and ROWS of the data object: a line of names, then one for each row, values as the query gave them.
 */
void query_csv(const struct json *columns, const struct json *rows, struct buf *out);

#endif
