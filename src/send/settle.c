/* SPDX-License-Identifier: MIT */
/*
 * Settlements: what ended in one turn of the loop is told to the store in one request, one request at a
 * time, so that under load each commit carries many. A line is logged when the store has acknowledged it.
 */
#include "send/stream.h"

#include <string.h>

#include <event2/event.h>

#include "daemon/child.h"

#define BATCH_MAX 512
#define AGAIN_MS  1000 /* the store refused (a full disk): try again */

struct batch {
	struct sender *sender;
	struct arena arena;
	struct deliveries deliveries;
	struct stream **lanes;
	size_t lane_count;
	struct commands commands; /* all that they changed is in this batch, or was in one before */
};

static void flush(struct sender *sender);

static void requeue(struct sender *sender, struct batch *batch)
{
	/* In front, in order: a later settlement of the same message must not overtake it. */
	TAILQ_CONCAT(&batch->deliveries, &sender->settling, link);
	TAILQ_CONCAT(&sender->settling, &batch->deliveries, link);
	for (size_t i = 0; i < batch->lane_count; i++)
		settle_lane(batch->lanes[i]);
	TAILQ_CONCAT(&batch->commands, &sender->commands, link);
	TAILQ_CONCAT(&sender->commands, &batch->commands, link);
}

static void log_and_forget(struct batch *batch)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_FIRST(&batch->deliveries))) {
		TAILQ_REMOVE(&batch->deliveries, delivery, link);
		delivery_log(delivery);
		if (delivery->end.not_before_ms)
			stream_retry_at(delivery->stream, delivery->end.not_before_ms);
		delivery_destroy(delivery);
	}
}

static void mark_replaced(struct batch *batch, const struct settle_reply *reply)
{
	struct delivery *delivery;

	for (size_t i = 0; i < reply->replaced_count; i++)
		TAILQ_FOREACH(delivery, &batch->deliveries, link)
			if (!strcmp(delivery->message.id, reply->replaced[i].id))
				delivery->end.replaced = true;
}

static void on_settled(void *arg, struct err *e, const void *reply)
{
	struct batch *batch = arg;
	struct sender *sender = batch->sender;
	struct timeval again = {AGAIN_MS / 1000, 0};

	sender->settle_busy = false;
	if (e) {
		evtimer_add(sender->settle_again, &again);
		requeue(sender, batch);
		log_fault(LEVEL_WARNING, "store_unavailable", e);
	} else {
		mark_replaced(batch, reply);
		notice_settled(sender, &batch->deliveries);
		log_and_forget(batch);
		command_answer(sender, &batch->commands);
		flush(sender);
	}
	arena_done(&batch->arena);
	free(batch);
	sender_check_drained(sender);
}

static struct settlement settlement_of(const struct delivery *delivery)
{
	const struct delivery_end *end = &delivery->end;

	return (struct settlement){
	    .id = delivery->message.id,
	    .state = end->state,
	    .reason = end->reason,
	    .answer = end->answer,
	    .provider_id = end->provider_id,
	    .attempts = end->attempts,
	    .not_before_ms = end->not_before_ms,
	    .ambiguous = end->ambiguous,
	};
}

static int64_t diverts_until_ms(const struct stream *stream)
{
	const struct conf_channel *channel = stream->channel;
	struct mono now = mono_now(), until;

	if (!channel->fallback)
		return 0;
	until = lane_diverts(&stream->lane, now, channel->fallback_after_ms);
	if (!until.ms || until.ms == INT64_MAX)
		return until.ms;
	return wall_ms() + until.ms - now.ms;
}

static struct lane_record lane_record_of(const struct stream *stream, struct arena *arena)
{
	struct json *value = lane_to_json(&stream->lane, mono_now(), wall_ms());
	cleanup(free_text) char *text = json_print(value);

	json_destroy(value);
	return (struct lane_record){stream->channel->name, arena_copy(arena, text), diverts_until_ms(stream)};
}

static void add_deliveries(struct sender *sender, struct batch *batch, struct settle *settle)
{
	settle->messages = arena_alloc(&batch->arena, BATCH_MAX * sizeof(*settle->messages));
	while (settle->count < BATCH_MAX && !TAILQ_EMPTY(&sender->settling)) {
		struct delivery *delivery = TAILQ_FIRST(&sender->settling);

		TAILQ_REMOVE(&sender->settling, delivery, link);
		TAILQ_INSERT_TAIL(&batch->deliveries, delivery, link);
		settle->messages[settle->count++] = settlement_of(delivery);
	}
}

static void add_lanes(struct sender *sender, struct batch *batch, struct settle *settle)
{
	settle->lanes = arena_alloc(&batch->arena, BATCH_MAX * sizeof(*settle->lanes));
	batch->lanes = arena_alloc(&batch->arena, BATCH_MAX * sizeof(struct stream *));
	while (settle->lane_count < BATCH_MAX && !TAILQ_EMPTY(&sender->changed)) {
		struct stream *stream = TAILQ_FIRST(&sender->changed);

		TAILQ_REMOVE(&sender->changed, stream, changed_link);
		stream->lane_changed = false;
		batch->lanes[batch->lane_count++] = stream;
		settle->lanes[settle->lane_count++] = lane_record_of(stream, &batch->arena);
	}
	if (TAILQ_EMPTY(&sender->changed))
		TAILQ_CONCAT(&batch->commands, &sender->commands, link);
}

static void flush(struct sender *sender)
{
	struct settle settle = {.instance = sender->instance, .now_ms = wall_ms()};
	struct batch *batch;

	if (sender->settle_busy || !sender->ready || settle_is_idle(sender) ||
	    evtimer_pending(sender->settle_again, NULL))
		return;
	batch = mem_alloc(sizeof(*batch));
	batch->sender = sender;
	TAILQ_INIT(&batch->deliveries);
	TAILQ_INIT(&batch->commands);
	add_deliveries(sender, batch, &settle);
	add_lanes(sender, batch, &settle);
	sender->settle_busy = true;
	peer_call(sender->store, REQ_SETTLE, &settle, on_settled, batch);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	flush(arg);
}

void settle_init(struct sender *sender)
{
	TAILQ_INIT(&sender->settling);
	TAILQ_INIT(&sender->changed);
	TAILQ_INIT(&sender->commands);
	sender->settle_now = event_new(sender->base, -1, 0, on_flush, sender);
	sender->settle_again = evtimer_new(sender->base, on_flush, sender);
}

void settle_done(struct sender *sender)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_FIRST(&sender->settling))) {
		TAILQ_REMOVE(&sender->settling, delivery, link);
		delivery_destroy(delivery);
	}
	command_answer(sender, &sender->commands);
	event_free(sender->settle_now);
	event_free(sender->settle_again);
}

void settle_add(struct sender *sender, struct delivery *delivery)
{
	TAILQ_INSERT_TAIL(&sender->settling, delivery, link);
	settle_soon(sender);
}

void settle_soon(struct sender *sender)
{
	event_active(sender->settle_now, EV_TIMEOUT, 0);
}

void settle_lane(struct stream *stream)
{
	if (stream->lane_changed)
		return;
	stream->lane_changed = true;
	TAILQ_INSERT_TAIL(&stream->sender->changed, stream, changed_link);
	settle_soon(stream->sender);
}

void settle_resume(struct sender *sender)
{
	evtimer_del(sender->settle_again);
	flush(sender);
}

bool settle_is_idle(const struct sender *sender)
{
	return !sender->settle_busy && TAILQ_EMPTY(&sender->settling) && TAILQ_EMPTY(&sender->changed) &&
	       TAILQ_EMPTY(&sender->commands);
}
