/* SPDX-License-Identifier: MIT */
/*
 * From what was rendered to what goes to the outbox: the payload, as the channel's type makes it. A run and
 * `bmad render JOB` go this way, so that both show the same.
 */
#ifndef WORKER_PACKING_H
#define WORKER_PACKING_H

#include "render/render.h"
#include "send/channel.h"

struct packing {
	const struct conf *conf;
	const struct conf_channel *channel; /* where it goes */
	const char *id, *to;
	bool own; /* TO is one of the channel's own */
	int64_t created_ms;
	const struct attachment *attachments;
	size_t attachment_count;
};

/*
 * OUT is in ARENA. CONFIG error if the channel's addresses cannot be resolved or are none; a channel's type
 * that packs nothing (struct channel_type) never fails.
 */
struct err *pack_rendered(const struct packing *packing, const struct rendered *rendered, struct arena *arena,
    struct packed *out) MUST_CHECK;

/*
 * The same for eyes: with the secrets taken out of RENDERED first, since encodings may break them where
 * redact() does not find them. NULL: there are none, or the payload is the text itself.
 */
const char *pack_shown(const struct packing *packing, const struct rendered *rendered, struct arena *arena);

#endif
