/* SPDX-License-Identifier: MIT */
/* The news of a batch: what somebody outside the store waits for. */
#include "store/backend.h"

#include <string.h>

void note_channel(struct store *store, const char *channel)
{
	struct pending_news *news = &store->news;

	for (size_t i = 0; i < news->channel_count; i++)
		if (!strcmp(news->channels[i], channel))
			return;
	mem_grow(news->channels, news->channel_count, news->channel_capacity);
	news->channels[news->channel_count++] = arena_copy(&news->arena, channel);
}

void note_ended(struct store *store)
{
	store->news.messages_ended = true;
}

static struct message_row copy_row(struct arena *arena, const struct message_row *row)
{
	struct message_row copy = *row;

	copy.id = arena_copy(arena, row->id);
	copy.job = arena_copy(arena, row->job);
	copy.channel = arena_copy(arena, row->channel);
	copy.state = arena_copy(arena, row->state);
	copy.reason = arena_copy(arena, row->reason);
	copy.successor = row->successor ? arena_copy(arena, row->successor) : NULL;
	copy.lane = copy.kind = copy.key = copy.to = copy.subject = copy.content_type = NULL;
	copy.answer = copy.provider_id = copy.payload = NULL;
	copy.payload_length = 0;
	return copy;
}

void note_expired(struct store *store, const struct message_row *row)
{
	struct pending_news *news = &store->news;

	mem_grow(news->expired, news->expired_count, news->expired_capacity);
	news->expired[news->expired_count++] = copy_row(&news->arena, row);
	news->messages_ended = true;
}

void note_recovered(struct store *store, const struct message_row *row)
{
	struct pending_news *news = &store->news;

	mem_grow(news->recovered, news->recovered_count, news->recovered_capacity);
	news->recovered[news->recovered_count++] = copy_row(&news->arena, row);
	news->messages_ended = true;
}

static void empty(struct pending_news *news)
{
	arena_done(&news->arena);
	news->arena = (struct arena){0};
	news->channel_count = news->expired_count = news->recovered_count = 0;
	news->messages_ended = false;
}

void store_news(struct store *store, struct store_news *out_news)
{
	struct pending_news told = store->news;

	empty(&store->told);
	store->news = store->told;
	store->told = told;
	*out_news = (struct store_news){
	    .channels = told.channels,
	    .channel_count = told.channel_count,
	    .messages_ended = told.messages_ended,
	    .expired = told.expired,
	    .expired_count = told.expired_count,
	    .recovered = told.recovered,
	    .recovered_count = told.recovered_count,
	};
}

struct news_mark news_mark(const struct store *store)
{
	const struct pending_news *news = &store->news;

	return (struct news_mark){
	    news->channel_count, news->expired_count, news->recovered_count, news->messages_ended};
}

void news_undo(struct store *store, struct news_mark mark)
{
	struct pending_news *news = &store->news;

	news->channel_count = mark.channels;
	news->expired_count = mark.expired;
	news->recovered_count = mark.recovered;
	news->messages_ended = mark.messages_ended;
}

void news_done(struct store *store)
{
	struct pending_news *both[] = {&store->news, &store->told};

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		empty(both[i]);
		free(both[i]->channels);
		free(both[i]->expired);
		free(both[i]->recovered);
	}
}
