/* SPDX-License-Identifier: MIT */
/*
 * A table as the shared partials of the templates show it (templates/table.*): columns with their
 * names, rows of cells, and the same as lines of equal width for places that have no tables.
 */
#ifndef JOBS_ZONE_GRID_H
#define JOBS_ZONE_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include <bmad/json.h>

struct grid_column {
	const char *label;
	int width;   /* share of the whole, where a table can have such */
	bool number; /* stands on the right */
};

/* A new table at KEY of VIEW, borrowed from it. COLUMNS end with a NULL label. */
struct json *grid_begin(struct json *view, const char *key, const struct grid_column *columns);

/*
 * CELLS: a text for each column. The cell at COLORED has the color HEX ("#d64545"), which cards call TONE
 * ("Attention").
 */
void grid_row(struct json *grid, const char *const *cells, size_t colored, const char *hex, const char *tone);

/* A bar before the last cell of the row that was added last: in the lines, and as `bar` of that cell. */
void grid_bar(struct json *grid, const char *bar, const char *tone);

/* Makes the lines, when all rows are there. */
void grid_end(struct json *grid);

#endif
