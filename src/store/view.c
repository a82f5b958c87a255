/* SPDX-License-Identifier: MIT */
/* The configuration as the store process sees it. */
#include "store/view.h"

#include "send/channel.h"

struct configuration *store_view_of(const struct conf *conf, struct arena *arena)
{
	struct configuration *out = arena_alloc(arena, sizeof(*out));

	*out = (struct configuration){
	    .log_level = conf->daemon.log_level,
	    .keep_runs_ms = conf->daemon.keep_runs_ms,
	    .keep_messages_ms = conf->daemon.keep_messages_ms,
	    .channels = arena_alloc(arena, (conf->channel_count + 1) * sizeof(*out->channels)),
	    .count = conf->channel_count,
	};
	for (size_t i = 0; i < conf->channel_count; i++) {
		const struct conf_channel *channel = &conf->channels[i];

		out->channels[i] = (struct channel_record){
		    .name = channel->name,
		    .hold = channel->on_ambiguous == AMBIGUOUS_HOLD,
		    .definition = channel_definition(channel),
		};
	}
	return out;
}

static void forget_channels(struct store_view *view)
{
	names_done(&view->names);
	arena_done(&view->arena);
	view->names = (struct names){0};
	view->arena = (struct arena){0};
}

void store_view_set(struct store_view *view, const struct configuration *configuration)
{
	struct channel_record *channels;

	forget_channels(view);
	channels = arena_alloc(&view->arena, (configuration->count + 1) * sizeof(*channels));
	view->keep = (struct store_retention){configuration->keep_runs_ms, configuration->keep_messages_ms};
	for (size_t i = 0; i < configuration->count; i++) {
		channels[i] = configuration->channels[i];
		channels[i].name = arena_copy(&view->arena, configuration->channels[i].name);
		names_add(&view->names, channels[i].name, i);
	}
	view->channels = channels;
}

void store_view_done(struct store_view *view)
{
	forget_channels(view);
}

const struct channel_record *store_view_channel(const struct store_view *view, const char *name)
{
	size_t number;

	return names_find(&view->names, name, &number) ? &view->channels[number] : NULL;
}

/* A channel that is not configured: nobody can say that twice is better than never. */
static bool holds(void *arg, const char *channel)
{
	const struct channel_record *found = store_view_channel(arg, channel);

	return !found || found->hold;
}

static bool serves(void *arg, const char *channel)
{
	const struct store_view *view = arg;

	return !view->complete || store_view_channel(view, channel);
}

void store_view_apply(const struct store_view *view, struct store *store)
{
	store_set_policy(store, &(struct store_policy){holds, serves, (void *)(uintptr_t)view});
}
