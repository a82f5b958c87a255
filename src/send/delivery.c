/* SPDX-License-Identifier: MIT */
/* One message in the sender's hands: how it ended, for the store and for the log. */
#include "send/stream.h"

#include <string.h>

#include "base/buf.h"
#include "base/mask.h"
#include "render/fit.h"
#include "send/channels.h"

#define ANSWER_MAX 512 /* bytes of what a destination said that are kept */

struct delivery *delivery_create(struct stream *stream, const struct taken_message *taken)
{
	struct delivery *delivery = mem_alloc(sizeof(*delivery));
	struct arena *arena = &delivery->arena;

	delivery->stream = stream;
	delivery->message = (struct outgoing){
	    .id = arena_copy(arena, taken->id),
	    .run = taken->run,
	    .job = arena_copy(arena, taken->job ? taken->job : ""),
	    .channel = stream->channel->name,
	    .lane = arena_copy(arena, taken->lane ? taken->lane : ""),
	    .kind = arena_copy(arena, taken->kind ? taken->kind : ""),
	    .key = arena_copy(arena, taken->key ? taken->key : ""),
	    .to = arena_copy(arena, taken->to ? taken->to : ""),
	    .subject = arena_copy(arena, taken->subject ? taken->subject : ""),
	    .content_type = arena_copy(
	        arena, taken->content_type ? taken->content_type : stream->channel->type->content_type),
	    .payload = arena_copy_n(arena, taken->payload ? taken->payload : "", taken->payload_length),
	    .payload_length = taken->payload_length,
	    .slot = taken->slot,
	    .created_ms = taken->created_ms,
	    .expires_ms = taken->expires_ms,
	    .attempts = taken->attempts,
	    .severity = taken->severity,
	    .urgent = taken->urgent,
	    .once = taken->once,
	};
	return delivery;
}

void delivery_destroy(struct delivery *delivery)
{
	arena_done(&delivery->arena);
	free(delivery);
}

/* A destination may repeat what it was sent, its own secret address and the recipient's number included. */
static const char *without_secrets(const char *text, const char *to, struct arena *arena)
{
	struct buf clean = {0};
	const char *copy;

	buf_add_text(&clean, text);
	redact(&clean);
	mask_number(&clean, to);
	copy = answer_excerpt(buf_text(&clean), clean.length, ANSWER_MAX, arena);
	buf_done(&clean);
	return copy;
}

/* What becomes of a message by the verdict, apart from what the channel's policy changes. */
struct ending {
	const char *state, *reason, *event;
	enum log_level level;
};

static const struct ending endings[] = {
    [VERDICT_DELIVERED] = {"delivered", NULL, "message_delivered", LEVEL_INFO},
    [VERDICT_LATER] = {"retrying", NULL, "message_retry", LEVEL_WARNING},
    [VERDICT_UNCERTAIN] = {"retrying", NULL, "message_retry", LEVEL_WARNING},
    [VERDICT_REJECTED] = {"dead", "rejected", "message_rejected", LEVEL_ERROR},
    [VERDICT_GONE] = {"dead", "rejected", "message_rejected", LEVEL_ERROR},
};
static const struct ending held = {"ambiguous", NULL, "message_ambiguous", LEVEL_ERROR};

static const struct ending *ending_of(const struct delivery *delivery, enum verdict verdict, bool probe)
{
	if (verdict == VERDICT_UNCERTAIN && (delivery->stream->lane.hold || delivery->message.once))
		return &held;
	if (verdict == VERDICT_GONE && probe)
		return &endings[VERDICT_LATER];
	return &endings[verdict];
}

static int64_t next_attempt_ms(const struct delivery *delivery, int64_t at_ms)
{
	int64_t expires_ms = delivery->message.expires_ms;

	/* One that would come too late waits for its end, not beyond. */
	return expires_ms && at_ms > expires_ms ? expires_ms : at_ms;
}

void delivery_judge(struct delivery *delivery, const struct classification *judged, int64_t repeat_ms,
    bool probe, int64_t wall_ms)
{
	const struct ending *ending = ending_of(delivery, judged->verdict, probe);
	struct delivery_end *end = &delivery->end;

	end->state = ending->state;
	end->event = ending->event;
	end->level = ending->level;
	end->attempts = delivery->attempts;
	end->answer = judged->reason ? without_secrets(judged->reason, delivery->message.to, &delivery->arena) : NULL;
	end->reason = ending->reason ? ending->reason : end->answer;
	end->provider_id = judged->provider_id;
	end->ambiguous = judged->verdict == VERDICT_UNCERTAIN;
	if (judged->verdict == VERDICT_DELIVERED)
		end->reason = NULL;
	if (ending->state == endings[VERDICT_LATER].state)
		end->not_before_ms = next_attempt_ms(delivery, wall_ms + repeat_ms);
}

static void begin_line(
    struct log_line *line, const struct outgoing *message, enum log_level level, const char *event)
{
	log_begin(line, level, event);
	log_text(line, "job", message->job);
	log_int(line, "run", message->run);
	log_instant(line, "slot", message->slot);
	log_text(line, "channel", message->channel);
	log_text(line, "message", message->id);
	log_text(line, "kind", message->kind);
}

static void tell_shortened(const struct delivery *delivery, size_t left_out)
{
	struct log_line line;

	begin_line(&line, &delivery->message, LEVEL_WARNING, "message_shortened");
	log_int(&line, "left_out", (int64_t)left_out);
	log_end(&line);
}

/*
 * The store keeps the whole: should the shorter one have to wait for another attempt, that begins with the
 * whole again and comes to the same.
 */
bool delivery_shorten(struct delivery *delivery)
{
	struct outgoing *message = &delivery->message;
	size_t left_out = 0;

	if (delivery->shortened)
		return false;
	cleanup(free_text) char *shorter = fit_again(delivery->stream->channel->type->name, message->payload,
	    message->payload_length, message->payload_length / 2, &left_out);
	if (!shorter)
		return false;
	delivery->shortened = true;
	message->payload = arena_copy(&delivery->arena, shorter);
	message->payload_length = strlen(message->payload);
	tell_shortened(delivery, left_out);
	return true;
}

void delivery_expire(struct delivery *delivery)
{
	delivery->end = (struct delivery_end){
	    .state = "dead",
	    .reason = "expired",
	    .event = "message_expired",
	    .level = LEVEL_ERROR,
	};
}

void delivery_log(const struct delivery *delivery)
{
	const struct outgoing *message = &delivery->message;
	const struct delivery_end *end = &delivery->end;
	struct log_line line;

	if (!end->event)
		return;
	begin_line(&line, message, end->level, end->event);
	log_int(&line, "attempts", message->attempts + end->attempts);
	if (end->attempts)
		log_int(&line, "ms", end->ms);
	if (end->status)
		log_int(&line, "status", end->status);
	if (end->ambiguous)
		log_literal(&line, "ambiguous", "true");
	if (end->level != LEVEL_INFO)
		log_text(&line, "error", end->answer ? end->answer : end->reason);
	if (end->not_before_ms)
		log_instant(&line, "next", end->not_before_ms / 1000);
	log_end(&line);
}
