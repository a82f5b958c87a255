/* SPDX-License-Identifier: MIT */
/* Tables of text. */
#include "base/columns.h"

#include <stdlib.h>

#include "base/text.h"

void columns_row(struct columns *columns, const char *const *cells)
{
	for (size_t i = 0; i < columns->count; i++) {
		const char *cell = arena_copy(&columns->arena, cells[i] ? cells[i] : "-");

		if (text_width(cell) > columns->widths[i])
			columns->widths[i] = text_width(cell);
		mem_grow(columns->cells, columns->cell_count, columns->capacity);
		columns->cells[columns->cell_count++] = cell;
	}
}

void columns_print(const struct columns *columns, struct buf *out)
{
	for (size_t i = 0; i < columns->cell_count; i++) {
		size_t column = i % columns->count;

		if (!column && columns->indent)
			buf_add_text(out, columns->indent);
		buf_add_text(out, columns->cells[i]);
		if (column + 1 < columns->count) {
			buf_add_blanks(out, columns->widths[column] - text_width(columns->cells[i]) + 2);
			continue;
		}
		buf_trim_blanks(out); /* after empty last cells */
		buf_add_char(out, '\n');
	}
}

void columns_done(struct columns *columns)
{
	free(columns->cells);
	arena_done(&columns->arena);
	*columns = (struct columns){0};
}
