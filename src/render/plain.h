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
	const char *text;        /* may be NULL for a webhook */
};

/* Bytes that a payload for channel type TYPE may have, 0 if there is no such bound. */
size_t plain_budget(const char *type);

/*
 * The payload, to be free()d. With a BUDGET (bytes, 0: none) it gives up the data of an envelope first, then
 * lines of the text from its end: the cut is at a whole character, marked by `…` and a line that tells how
 * many lines are left out, which *OUT_LEFT_OUT counts (a line that is cut counts).
 */
char *plain_payload(const struct plain_message *message, size_t budget, size_t *out_left_out);

#endif
