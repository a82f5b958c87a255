/* SPDX-License-Identifier: MIT */
/*
 * Notices to main: what it may have to alarm people about. A channel that works is told of once, and again
 * after something went wrong or some time went by, so that a busy channel costs main next to nothing.
 */
#include "send/stream.h"

#include <string.h>

#include "daemon/child.h"

#define WELL_EVERY_MS 10000

static void tell(struct sender *sender, struct notice *items, size_t count)
{
	if (sender->parent)
		peer_call(sender->parent, REQ_NOTICES, &(struct notices){items, count}, NULL, NULL);
}

void notice_lane(struct stream *stream, enum notice_kind kind, const char *reason)
{
	stream->well_told = (struct mono){0};
	tell(stream->sender,
	    &(struct notice){.kind = kind, .channel = stream->channel->name, .reason = reason}, 1);
}

static struct notice state_of(const struct stream *stream)
{
	const struct lane *lane = &stream->lane;
	struct notice notice = {.kind = NOTICE_RESUMED, .channel = stream->channel->name};

	if (lane_is_well(lane))
		return notice;
	notice.kind = lane->suspended ? NOTICE_SUSPENDED : NOTICE_PAUSED;
	notice.reason = lane->held ? "paused by hand" : lane->reason;
	return notice;
}

void notice_start(struct sender *sender)
{
	cleanup(arena_done) struct arena arena = {0};
	struct notice *items = arena_alloc(&arena, (sender->stream_count + 1) * sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < sender->stream_count; i++)
		if (sender->streams[i].options) /* else it was told of already */
			items[count++] = state_of(&sender->streams[i]);
	if (count)
		tell(sender, items, count);
}

/* Whether the channel's working is worth a word now. */
static bool is_news(struct stream *stream, struct mono now)
{
	if (stream->well_told.ms && now.ms - stream->well_told.ms < WELL_EVERY_MS)
		return false;
	stream->well_told = now;
	return true;
}

static struct notice lost(const struct delivery *delivery, enum notice_kind kind)
{
	const struct outgoing *message = &delivery->message;

	return (struct notice){
	    .kind = kind,
	    .channel = message->channel,
	    .job = message->job,
	    .message = message->id,
	    .run = message->run,
	    .slot = message->slot,
	    .reason = delivery->end.answer ? delivery->end.answer : delivery->end.reason,
	};
}

/* False: nothing to tell of it. */
static bool notice_of(const struct delivery *delivery, struct mono now, struct notice *out)
{
	const char *state = delivery->end.state;
	struct stream *stream = delivery->stream;

	if (!strcmp(state, "delivered")) {
		*out = (struct notice){.kind = NOTICE_DELIVERED, .channel = stream->channel->name};
		return is_news(stream, now);
	}
	bool dead = !strcmp(state, "dead"), ambiguous = !strcmp(state, "ambiguous");
	if (dead || ambiguous || !strcmp(state, "retrying"))
		stream->well_told = (struct mono){0}; /* the next that is delivered is news */
	*out = lost(delivery, dead ? NOTICE_DEAD : NOTICE_AMBIGUOUS);
	return ambiguous || (dead && !delivery->end.replaced);
}

void notice_settled(struct sender *sender, const struct deliveries *deliveries)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct delivery *delivery;
	struct mono now = mono_now();
	size_t count = 0, all = 0;

	TAILQ_FOREACH(delivery, deliveries, link)
		all++;
	struct notice *items = arena_alloc(&arena, (all + 1) * sizeof(*items));
	TAILQ_FOREACH(delivery, deliveries, link)
		count += notice_of(delivery, now, &items[count]);
	if (count)
		tell(sender, items, count);
}
