/* SPDX-License-Identifier: MIT */
/* buf_add() for the many short pieces of a rendering: without a call where there is room. */
#ifndef RENDER_APPEND_H
#define RENDER_APPEND_H

#include <string.h>

#include "base/buf.h"

static inline void append(struct buf *out, const char *text, size_t length)
{
	if (out->capacity - out->length <= length) { /* one byte is for the NUL */
		buf_add(out, text, length);
		return;
	}
	memcpy(out->text + out->length, text, length);
	out->length += length;
	out->text[out->length] = '\0';
}

#endif
