/* SPDX-License-Identifier: MIT */
/* What a reader of a chat sees of a body, as lines of plain text. */
#ifndef RENDER_PREVIEW_H
#define RENDER_PREVIEW_H

#include <stdbool.h>

#include <bmad/json.h>

#include "base/buf.h"

/* False if bodies of channel type TYPE are for machines: the JSON itself says it best. */
bool preview_add(struct buf *out, const char *type, const struct json *body);

#endif
