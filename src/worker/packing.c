/* SPDX-License-Identifier: MIT */
/* Packs a rendered message for its channel. */
#include "worker/packing.h"

#include <string.h>

static struct err *pack(const struct packing *packing, const struct rendered *rendered, struct arena *arena,
    struct packed *out)
{
	const struct conf_channel *channel = packing->channel;
	struct draft draft = {
	    .id = packing->id,
	    .to = packing->to,
	    .own = packing->own,
	    .created_ms = packing->created_ms,
	    .subject = rendered->subject,
	    .text = rendered->payload,
	    .html = rendered->html,
	    .attachments = packing->attachments,
	    .attachment_count = packing->attachment_count,
	};

	return channel->type->pack(packing->conf, channel, &draft, arena, out);
}

struct err *pack_rendered(const struct packing *packing, const struct rendered *rendered, struct arena *arena,
    struct packed *out)
{
	const struct conf_channel *channel = packing->channel;
	const char *payload = rendered->payload;

	if (channel->type->pack)
		return pack(packing, rendered, arena, out);
	*out = (struct packed){
	    .payload = arena_copy(arena, payload),
	    .payload_length = strlen(payload),
	    .content_type = arena_copy(arena, rendered->content_type),
	    .subject = "",
	};
	return NULL;
}
