/* SPDX-License-Identifier: MIT */
/*
 * Channels that share a rate (rate_group): whose turn it is. Each that has something to send stands in a
 * queue, and goes to its end when it was served; else whoever looks first when there is room would get it
 * every time.
 */
#include <event2/event.h>
#include <string.h>

#include "daemon/child.h"
#include "send/stream.h"

void group_join(struct stream *stream)
{
	struct sender *sender = stream->sender;
	const char *name = stream->channel->rate_group;

	TAILQ_INIT(&stream->queue);
	for (struct stream *first = sender->streams; name && first < stream; first++)
		if (first->channel->rate_group && !strcmp(first->channel->rate_group, name)) {
			stream->group = first->group = first;
			stream->lane.rate = &first->lane.own_rate;
			return;
		}
}

/* Rows are taken only when there is room, so who may have some has to stand in the queue for that too. */
static bool wants(const struct stream *stream)
{
	return stream->options && (stream->waiting_count || stream->due || stream->taking) &&
	       lane_is_open(&stream->lane, mono_now());
}

static void wake_first(const struct stream *group, const struct stream *but)
{
	static const struct timeval now;
	const struct stream *first = TAILQ_FIRST(&group->queue);

	if (first && first != but)
		evtimer_add(first->timer, &now);
}

void group_update(struct stream *stream)
{
	struct stream *group = stream->group;

	if (!group || wants(stream) == stream->queued)
		return;
	if (stream->queued)
		TAILQ_REMOVE(&group->queue, stream, queue_link);
	else
		TAILQ_INSERT_TAIL(&group->queue, stream, queue_link);
	stream->queued = !stream->queued;
	wake_first(group, stream);
}

bool group_has_turn(const struct stream *stream)
{
	return !stream->group || TAILQ_FIRST(&stream->group->queue) == stream;
}

void group_served(struct stream *stream)
{
	struct stream *group = stream->group;

	if (!group || !stream->queued)
		return;
	TAILQ_REMOVE(&group->queue, stream, queue_link);
	TAILQ_INSERT_TAIL(&group->queue, stream, queue_link);
	group_update(stream);
	wake_first(group, stream);
}
