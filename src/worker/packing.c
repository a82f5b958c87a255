/* SPDX-License-Identifier: MIT */
/* Packs a rendered message for its channel. */
#include "worker/packing.h"

#include <string.h>

#include "base/log.h"

static struct err *pack(
    const struct packing *packing, const struct rendered *rendered, struct arena *arena, struct packed *out)
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

struct err *pack_rendered(
    const struct packing *packing, const struct rendered *rendered, struct arena *arena, struct packed *out)
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

static char *redacted(const char *text, bool *changed)
{
	struct buf shown = {0};

	if (!text)
		return NULL;
	buf_add_text(&shown, text);
	redact(&shown);
	*changed = *changed || strcmp(buf_text(&shown), text) != 0;
	return shown.text ? buf_detach(&shown) : mem_copy("");
}

const char *pack_shown(const struct packing *packing, const struct rendered *rendered, struct arena *arena)
{
	bool changed = false;
	struct rendered shown = {
	    .payload = redacted(rendered->payload, &changed),
	    .html = redacted(rendered->html, &changed),
	    .subject = redacted(rendered->subject, &changed),
	};
	struct packed packed = {0};

	if (packing->channel->type->pack && changed)
		err_ignore(pack(packing, &shown, arena, &packed));
	rendered_done(&shown);
	return packed.payload;
}
