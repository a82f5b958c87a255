/* SPDX-License-Identifier: MIT */
/*
 * An attempt: a message from its lane's leave to the wire, and what its end means for the message, for those
 * behind it and for the lane.
 */
#include <string.h>

#include "daemon/child.h"
#include "send/channels.h"
#include "send/stream.h"

/* -- how it ended ---------------------------------------------------------------------------------- */

static int64_t repeat_wait_ms(const struct stream *stream, const struct delivery *delivery,
    const struct classification *judged, bool certificate, bool probe)
{
	const struct backoff *backoff = certificate ? &backoff_slow : &stream->lane.backoff;
	int64_t delay_ms;

	if (judged->verdict == VERDICT_DELIVERED)
		return 0; /* randomness costs a system call */
	if (probe)
		return LANE_PROBE_MS;
	delay_ms =
	    stream->channel->type->session && !certificate
	        ? session_wait_ms(delivery)
	        : backoff_delay_ms(backoff, delivery->message.attempts + delivery->attempts, random_unit());
	if (delay_ms < judged->wait_ms)
		delay_ms = judged->wait_ms;
	return backoff_wait_ms(delay_ms, judged->retry_after_ms, random_unit());
}

/* In a named lane a failing head may be the message's own fault: see heads.h. */
static void doubt_head(
    struct stream *stream, const struct delivery *delivery, long status, struct classification *judged)
{
	if (!*delivery->message.lane || judged->verdict != VERDICT_LATER || !status)
		return;
	if (heads_failed(&stream->heads, delivery->message.id, stream->delivered))
		judged->verdict = VERDICT_REJECTED;
}

/*
 * What the message or its type says of second attempts is stricter than the channel: REACHED, it may have
 * arrived, or been looked at.
 */
static void limit_tries(const struct delivery *delivery, bool reached, struct classification *judged)
{
	int tries = delivery->stream->channel->type->tries;

	if (judged->verdict == VERDICT_LATER && delivery->message.once && reached)
		judged->verdict = VERDICT_REJECTED;
	if ((judged->verdict == VERDICT_LATER || judged->verdict == VERDICT_UNCERTAIN) && tries &&
	    delivery->message.attempts + delivery->attempts >= tries)
		judged->verdict = VERDICT_REJECTED;
}

static void tell_lane(struct stream *stream, const struct delivery *delivery,
    const struct classification *judged, long status, bool certificate)
{
	int64_t now_ms = wall_ms();
	bool was_well = lane_is_well(&stream->lane);
	struct lane_news news = lane_end(&stream->lane,
	    &(struct lane_answer){
	        .verdict = judged->verdict,
	        .status = status,
	        .for_good = judged->for_good,
	        .certificate = certificate,
	        .retry_after_ms = judged->retry_after_ms,
	        .left_ms = delivery->message.expires_ms ? delivery->message.expires_ms - now_ms
	                                                : stream->channel->max_age_ms,
	        .reason = judged->reason ? judged->reason : "",
	        .random = judged->verdict == VERDICT_DELIVERED ? 0 : random_unit(),
	    },
	    mono_now());

	lane_changed(stream, news);
	if (!was_well || !lane_is_well(&stream->lane))
		settle_lane(stream);
	if (lane_probes(&stream->lane))
		stream->due = true; /* when it is time for a probe, any row will do */
}

/* The same message, first in the row; all that was said of the lane is said already. */
static bool repeat_shorter(struct delivery *delivery, const struct classification *judged)
{
	if (judged->verdict != VERDICT_REJECTED || !judged->too_large || !delivery_shorten(delivery))
		return false;
	stream_put_back(delivery);
	return true;
}

/* What may not stay with us: somebody else has to take it, or a later sender. */
static void let_go(struct stream *stream)
{
	if (lane_probes(&stream->lane) || lane_is_closed(&stream->lane, mono_now()) ||
	    stream->sender->draining)
		stream_give_back(stream);
}

/* DELIVERY, in no list any more, ended as JUDGED says. */
static void end_attempt(
    struct delivery *delivery, struct classification *judged, long status, bool certificate)
{
	struct stream *stream = delivery->stream;
	bool probe = stream->lane.suspended;
	int64_t wait_ms =
	    repeat_wait_ms(stream, delivery, judged, certificate, probe && judged->verdict == VERDICT_GONE);

	tell_lane(stream, delivery, judged, status, certificate);
	if (repeat_shorter(delivery, judged)) {
		let_go(stream);
		return;
	}
	doubt_head(stream, delivery, status, judged);
	limit_tries(delivery, status != 0, judged);
	if (judged->verdict == VERDICT_DELIVERED)
		stream->delivered++;
	delivery_judge(delivery, judged, wait_ms, probe, wall_ms());
	delivery->end.status = status;
	delivery->end.ms = mono_now().ms - delivery->started.ms;
	settle_add(stream->sender, delivery);
	let_go(stream);
}

/* An attempt that failed before it was one: by the kind of E, which is consumed. */
static void end_with_error(struct delivery *delivery, struct err *e)
{
	static const enum verdict verdicts[] = {
	    [ERR_TEMPORARY] = VERDICT_LATER,
	    [ERR_PERMANENT] = VERDICT_REJECTED,
	    [ERR_UNCERTAIN] = VERDICT_UNCERTAIN,
	    [ERR_CONFIG] = VERDICT_LATER, /* the message is well: a restart may bring what is missing */
	    [ERR_BUG] = VERDICT_REJECTED,
	};
	struct classification judged = {
	    .verdict = verdicts[err_kind(e)],
	    .reason = arena_copy(&delivery->arena, err_text(e)),
	    .retry_after_ms = -1,
	};

	end_attempt(delivery, &judged, 0, err_kind(e) == ERR_CONFIG);
	err_destroy(e);
}

/* -- how it begins --------------------------------------------------------------------------------- */

/* At most LIMIT_MS, and not beyond the message's life: who gave it up must not find it sent later. */
static int64_t time_left_ms(const struct delivery *delivery, int64_t limit_ms)
{
	int64_t left_ms = delivery->message.expires_ms - wall_ms();

	if (!delivery->message.expires_ms || left_ms > limit_ms)
		return limit_ms;
	return left_ms > 0 ? left_ms : 1;
}

static struct err *put_on_wire(struct delivery *delivery)
{
	struct stream *stream = delivery->stream;
	struct wire_limits limits = stream->limits;
	struct wire_request request = {0};

	if (stream->channel->type->session) {
		TRY(session_compose(delivery, &request), "compose the request");
		limits.timeout_ms = time_left_ms(delivery, limits.timeout_ms);
	} else {
		TRY(stream->channel->type->compose(stream->channel, stream->options, &delivery->message,
		        wall_ms() / 1000, &delivery->arena, &request),
		    "compose the request");
	}
	return wire_send(stream->sender->wire, &request, &limits, delivery);
}

/* DELIVERY, in no list, goes on the wire, or ends here. */
static void launch(struct delivery *delivery)
{
	struct stream *stream = delivery->stream;
	struct err *e = put_on_wire(delivery);

	if (e) {
		end_with_error(delivery, e);
		return;
	}
	TAILQ_INSERT_TAIL(&stream->flying, delivery, link);
	stream->sender->flying++;
}

static void write_it(struct delivery *delivery)
{
	struct stream *stream = delivery->stream;
	struct classification judged = {.verdict = VERDICT_DELIVERED, .retry_after_ms = -1};
	struct err *e = stream->channel->type->write(stream->channel, stream->options, &delivery->message);

	if (e)
		end_with_error(delivery, e);
	else
		end_attempt(delivery, &judged, 0, false);
}

void attempt_start(struct delivery *delivery)
{
	struct stream *stream = delivery->stream;

	if (lane_probes(&stream->lane))
		memcpy(
		    stream->last_probe, delivery->message.id, strnlen(delivery->message.id, UUID_TEXT - 1));
	delivery->started = mono_now();
	delivery->attempts++;
	lane_start(&stream->lane, delivery->started, channel_cost(stream->channel, &delivery->message));
	if (stream->lane.rate->count)
		settle_lane(stream); /* the level of the rate outlives us, however we end */
	if (stream->channel->type->write) {
		write_it(delivery);
		return;
	}
	launch(delivery);
}

/* True: that was not all of the attempt, the channel has signed in first. */
static bool goes_on(
    struct delivery *delivery, const struct wire_answer *answer, struct classification *judged)
{
	struct stream *stream = delivery->stream;

	if (stream->channel->type->session)
		return session_answered(delivery, answer, judged);
	stream->channel->type->classify(stream->channel, stream->options, answer, &delivery->arena, judged);
	return false;
}

static void end_with_answer(
    struct delivery *delivery, const struct wire_answer *answer, struct classification *judged)
{
	struct lane *lane = &delivery->stream->lane;

	if (answer->retry_after_ms > judged->retry_after_ms)
		judged->retry_after_ms = answer->retry_after_ms;
	lane_rest(lane, mono_now(), answer->used_up_ms);
	end_attempt(delivery, judged, answer->status, answer->certificate);
}

void attempt_answered(void *sender_arg, void *delivery_arg, const struct wire_answer *answer)
{
	struct sender *sender = sender_arg;
	struct delivery *delivery = delivery_arg;
	struct stream *stream = delivery->stream;
	struct classification judged;

	TAILQ_REMOVE(&stream->flying, delivery, link);
	sender->flying--;
	if (goes_on(delivery, answer, &judged))
		launch(delivery);
	else
		end_with_answer(delivery, answer, &judged);
	stream_turn(stream);
	sender_feed(sender);
	sender_check_drained(sender);
}
