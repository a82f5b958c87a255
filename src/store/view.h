/* SPDX-License-Identifier: MIT */
/*
 * What the store process goes by of the configuration: its channels and how long things are kept. It comes
 * with the fork, and from main as a request (REQ_CONF) when the configuration is another one.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "conf/conf.h"
#include "conf/names.h"
#include "request/request.h"
#include "store/store.h"

struct store_view {
	struct arena arena;
	struct names names; /* of `channels` */
	const struct channel_record *channels;
	struct store_retention keep;
	bool complete; /* there are no other channels: what waits for one of those waits in vain */
};

/* CONF as the request that tells of it; texts are borrowed, lists are in ARENA. */
struct configuration *store_view_of(const struct conf *conf, struct arena *arena);

/* Copies CONFIGURATION. */
void store_view_set(struct store_view *view, const struct configuration *configuration);
void store_view_done(struct store_view *view);

/* NULL if there is no such channel. */
const struct channel_record *store_view_channel(const struct store_view *view, const char *name);
/* Has STORE judge by VIEW, which outlives it. */
void store_view_apply(const struct store_view *view, struct store *store);

#endif
