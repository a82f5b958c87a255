/* SPDX-License-Identifier: MIT */
/*
 * Pure: a table for people, its columns as wide as their widest cell.
 *
 *	struct columns columns = {.count = 3};
 *
 *	columns_row(&columns, (const char *[]){"NAME", "MODULE", "NEXT"});
 *	...
 *	columns_print(&columns, out);
 *	columns_done(&columns);
 */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/mem.h"

#define COLUMNS_MAX 12

struct columns {
	size_t count;       /* set by the caller */
	const char *indent; /* before each row, or NULL */
	const char **cells;
	size_t cell_count, capacity;
	size_t widths[COLUMNS_MAX];
	struct arena arena;
};

/* Adds a row of COUNT cells, copied; NULL stands for "-". */
void columns_row(struct columns *columns, const char *const *cells);
/* Two blanks between columns, none at the end of a line. Width counts characters, not bytes. */
void columns_print(const struct columns *columns, struct buf *out);
void columns_done(struct columns *columns);

#endif
