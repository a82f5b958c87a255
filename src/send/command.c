/* SPDX-License-Identifier: MIT */
/* What a person says of channels: it changes their lanes, and is answered when the store has kept that. */
#include "daemon/child.h"
#include "send/stream.h"

static struct mono mono_of(int64_t until_ms)
{
	struct mono now = mono_now();

	return (struct mono){until_ms == INT64_MAX ? INT64_MAX : now.ms + until_ms - wall_ms()};
}

static void pause_one(struct stream *stream, const struct channels_pause *pause)
{
	lane_changed(stream, lane_hold(&stream->lane, mono_of(pause->until_ms), pause->by ? pause->by : ""));
	stream_give_back(stream);
	stream_turn(stream);
}

static void resume_one(struct stream *stream)
{
	struct lane_news news = lane_release(&stream->lane);

	settle_lane(stream);
	lane_changed(stream, news);
	stream_wake(stream);
}

void command_do(struct sender *sender, uint64_t sequence, const struct channels_pause *pause)
{
	struct command *command = mem_alloc(sizeof(*command));

	for (size_t i = 0; i < pause->count; i++) {
		struct stream *stream = sender_stream(sender, pause->channels[i].id);

		if (!stream)
			continue;
		if (pause->until_ms)
			pause_one(stream, pause);
		else
			resume_one(stream);
	}
	command->sequence = sequence;
	TAILQ_INSERT_TAIL(&sender->commands, command, link);
	settle_soon(sender);
}

void command_answer(struct sender *sender, struct commands *commands)
{
	struct command *command;

	while ((command = TAILQ_FIRST(commands))) {
		TAILQ_REMOVE(commands, command, link);
		if (sender->parent)
			peer_reply(sender->parent, REQ_CHANNELS, command->sequence, &(struct nothing){0});
		free(command);
	}
}
