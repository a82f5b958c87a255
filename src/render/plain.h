/* SPDX-License-Identifier: MIT */
/*
 * Messages without a template of their own: text, made from the data if need be, in the plain frame of the
 * channel type (for txt types the text itself, for teams a card of TextBlocks, for webhook the envelope).
 */
#ifndef RENDER_PLAIN_H
#define RENDER_PLAIN_H

#include <stddef.h>

#include <bmad/json.h>

#include "base/buf.h"

/*
 * DATA for people to read: a line `key: value` per member, lists of objects as aligned columns. Control
 * characters are left out.
 */
void plain_table(const struct json *data, struct buf *out);

struct plain_message {
	const char *type; /* of the channel */
	const char *kind;
	const struct json *data; /* for the webhook's envelope; NULL leaves it out */
	const struct json *bmad; /* id, job and slot are taken from it; may be NULL */
	const char *text;        /* may be NULL for a webhook and for types of text */
};

/* The body, unshortened, for a type of JSON; NULL for one of text: that is the text itself. */
struct json *plain_body(const struct plain_message *message);

#endif
