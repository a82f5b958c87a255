/* SPDX-License-Identifier: MIT */
/* Text made safe to stand in Markdown; the rules are in escape.h. */
#ifndef RENDER_MARKDOWN_H
#define RENDER_MARKDOWN_H

#include <stdbool.h>

#include "base/buf.h"

/* PIPES: the dialect gives | a meaning. */
void markdown_add(struct buf *out, const char *text, size_t length, bool pipes);

#endif
