/* SPDX-License-Identifier: MIT */
/* One channel at work: takes rows from the outbox, starts them as its lane allows, hears how they ended. */
#include "send/stream.h"

#include <string.h>

#include <event2/event.h>

#include "daemon/child.h"
#include "send/channels.h"

#define WRITES_A_TURN 8     /* of console and file: each may cost a flush to disk, and other lanes wait */
#define LOOK_MS       60000 /* next_ms is of the wall clock, which may jump: look at least this often */
#define AGAIN_MS      1000  /* the store refused: try again */
#define FOR_EVER_MS   (INT64_MAX / 2) /* no timer for what a person or a message must begin */
#define RECOVER_MAX   4096

/* -- the end of an attempt ------------------------------------------------------------------------- */

static void leave(struct deliveries *list, struct delivery *delivery)
{
	struct stream *stream = delivery->stream;

	TAILQ_REMOVE(list, delivery, link);
	if (list == &stream->waiting)
		stream->waiting_count--;
}

static void give_back(struct delivery *delivery)
{
	leave(&delivery->stream->waiting, delivery);
	delivery->end = (struct delivery_end){.state = "untried"};
	settle_add(delivery->stream->sender, delivery);
}

void stream_give_back(struct stream *stream)
{
	while (!TAILQ_EMPTY(&stream->waiting))
		give_back(TAILQ_FIRST(&stream->waiting));
}

static int64_t repeat_wait_ms(const struct stream *stream, const struct delivery *delivery,
    const struct classification *judged, bool certificate, bool probe)
{
	const struct backoff *backoff = certificate ? &backoff_slow : &stream->lane.backoff;
	int64_t delay_ms;

	if (judged->verdict == VERDICT_DELIVERED)
		return 0; /* randomness costs a system call */
	if (probe)
		return LANE_PROBE_MS;
	delay_ms = stream->channel->type->session && !certificate
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
	struct stream *stream = delivery->stream;

	if (judged->verdict != VERDICT_REJECTED || !judged->too_large || !delivery_shorten(delivery))
		return false;
	TAILQ_INSERT_HEAD(&stream->waiting, delivery, link);
	stream->waiting_count++;
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

void stream_answered(void *sender_arg, void *delivery_arg, const struct wire_answer *answer)
{
	struct sender *sender = sender_arg;
	struct delivery *delivery = delivery_arg;
	struct stream *stream = delivery->stream;
	struct classification judged;

	leave(&stream->flying, delivery);
	sender->flying--;
	if (!stream->channel->type->session)
		stream->channel->type->classify(
		    stream->channel, stream->options, answer, &delivery->arena, &judged);
	else if (session_answered(delivery, answer, &judged)) {
		launch(delivery);
		return;
	}
	if (answer->retry_after_ms > judged.retry_after_ms)
		judged.retry_after_ms = answer->retry_after_ms;
	lane_rest(&stream->lane, mono_now(), answer->used_up_ms);
	end_attempt(delivery, &judged, answer->status, answer->certificate);
	stream_turn(stream);
	sender_feed(sender);
	sender_check_drained(sender);
}

/* -- starting -------------------------------------------------------------------------------------- */

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

static void start(struct delivery *delivery)
{
	struct stream *stream = delivery->stream;

	leave(&stream->waiting, delivery);
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

/*
 * The first that may go now; what is too old dies on the way there. Of a named lane the store hands out one
 * at a time, so any order will do.
 */
static struct delivery *pick(struct stream *stream)
{
	struct delivery *delivery;
	int64_t now_ms = wall_ms();

	while ((delivery = TAILQ_FIRST(&stream->waiting))) {
		if (!delivery->message.expires_ms || delivery->message.expires_ms > now_ms)
			return delivery;
		leave(&stream->waiting, delivery);
		delivery_expire(delivery);
		settle_add(stream->sender, delivery);
	}
	return NULL;
}

static void starve(struct stream *stream)
{
	if (stream->starved)
		return;
	stream->starved = true;
	if (TAILQ_FIRST(&stream->waiting)->message.urgent)
		TAILQ_INSERT_HEAD(&stream->sender->starved, stream, starved_link);
	else
		TAILQ_INSERT_TAIL(&stream->sender->starved, stream, starved_link);
}

static void start_waiting(struct stream *stream)
{
	struct delivery *delivery;
	bool writes = stream->channel->type->write;
	int started = 0;

	group_update(stream);
	while (lane_may_start(&stream->lane, mono_now()) && group_has_turn(stream) &&
	       (delivery = pick(stream))) {
		if (!writes && stream->sender->flying >= WIRE_MAX) {
			starve(stream);
			return;
		}
		if (writes && ++started > WRITES_A_TURN) {
			stream->yielding = true;
			return;
		}
		start(delivery);
		group_served(stream);
	}
	group_update(stream);
}

/* -- taking ---------------------------------------------------------------------------------------- */

static void wait_for_store(struct stream *stream)
{
	struct timeval again = {AGAIN_MS / 1000, 0};

	evtimer_add(stream->timer, &again);
}

static void expect(struct stream *stream, int64_t at_ms)
{
	if (at_ms && (!stream->next_ms || at_ms < stream->next_ms))
		stream->next_ms = at_ms;
}

/* What is urgent stands before what is not, whenever it came. */
static void enlist(struct stream *stream, struct delivery *delivery)
{
	struct delivery *before = TAILQ_FIRST(&stream->waiting);

	stream->waiting_count++;
	while (delivery->message.urgent && before && before->message.urgent)
		before = TAILQ_NEXT(before, link);
	if (delivery->message.urgent && before)
		TAILQ_INSERT_BEFORE(before, delivery, link);
	else
		TAILQ_INSERT_TAIL(&stream->waiting, delivery, link);
}

static void accept_rows(struct stream *stream, const struct take_reply *reply)
{
	for (size_t i = 0; i < reply->count; i++) {
		enlist(stream, delivery_create(stream, &reply->messages[i]));
	}
	expect(stream, reply->next_ms);
	lane_took(&stream->lane, mono_now(), (int64_t)reply->count);
}

static void on_taken(void *arg, struct err *e, const void *reply)
{
	struct stream *stream = arg;

	stream->taking = false;
	stream->sender->taking--;
	if (e) {
		stream->orphaned = true;
		stream->due = true;
		wait_for_store(stream);
		err_destroy(e);
		return;
	}
	accept_rows(stream, reply);
	if (stream->sender->draining)
		stream_give_back(stream);
	stream_turn(stream);
	sender_check_drained(stream->sender);
}

static void take(struct stream *stream)
{
	struct sender *sender = stream->sender;
	int64_t room = lane_room(&stream->lane, mono_now(), stream->waiting_count);
	struct take ask = {
	    .instance = sender->instance,
	    .channel = stream->channel->name,
	    .limit = room,
	    .now_ms = wall_ms(),
	    .run = sender->setup->run,
	    .probe = lane_probes(&stream->lane),
	    .except = *stream->last_probe ? stream->last_probe : NULL,
	};

	if (!stream->due || stream->taking || stream->orphaned || room <= 0)
		return;
	stream->taking = true;
	stream->due = false;
	stream->next_ms = 0;
	sender->taking++;
	peer_call(sender->store, REQ_TAKE, &ask, on_taken, stream);
}

static bool is_ours(const struct deliveries *list, const char *id)
{
	const struct delivery *delivery;

	TAILQ_FOREACH(delivery, list, link)
		if (!strcmp(delivery->message.id, id))
			return true;
	return false;
}

/* Settling a row that another instance holds changes nothing, so this needs not ask whose it is. */
static void give_back_orphan(struct stream *stream, const char *id)
{
	struct taken_message row = {.id = id};
	struct delivery *delivery;

	if (is_ours(&stream->waiting, id) || is_ours(&stream->flying, id) ||
	    is_ours(&stream->sender->settling, id))
		return;
	delivery = delivery_create(stream, &row);
	delivery->end = (struct delivery_end){.state = "untried"};
	settle_add(stream->sender, delivery);
}

static void on_sending_rows(void *arg, struct err *e, const void *reply)
{
	struct stream *stream = arg;
	const struct messages_reply *rows = reply;

	if (e) {
		wait_for_store(stream);
		err_destroy(e);
		return;
	}
	for (size_t i = 0; i < rows->count; i++)
		give_back_orphan(stream, rows->rows[i].id);
	stream->orphaned = false;
	stream->due = true;
	stream_turn(stream);
}

void stream_recover(struct stream *stream)
{
	struct messages_ask ask = {
	    .state = "sending",
	    .channel = stream->channel->name,
	    .limit = RECOVER_MAX,
	    .run = stream->sender->setup->run,
	};

	peer_call(stream->sender->store, REQ_MESSAGES, &ask, on_sending_rows, stream);
}

/* -- the turn -------------------------------------------------------------------------------------- */

/* When this stream has something to do by itself; INT64_MAX: an answer or a WAKE will come first. */
static int64_t next_turn_ms(struct stream *stream, struct mono now)
{
	int64_t delay_ms = INT64_MAX;
	int64_t lane_ms = lane_next(&stream->lane, now).ms - now.ms;
	int64_t row_ms = stream->next_ms - wall_ms();

	if (stream->yielding)
		return 0;
	if (stream->options && (stream->waiting_count || stream->due) && lane_ms > 0)
		delay_ms = lane_ms;
	if (stream->lane.held && stream->lane.held_until.ms - now.ms < delay_ms)
		delay_ms = stream->lane.held_until.ms - now.ms;
	if (stream->next_ms && row_ms < delay_ms)
		delay_ms = row_ms > 0 ? row_ms : 1;
	return delay_ms;
}

static void arm_timer(struct stream *stream)
{
	int64_t delay_ms = next_turn_ms(stream, mono_now());
	struct timeval delay;

	if (delay_ms > FOR_EVER_MS || stream->sender->draining) {
		evtimer_del(stream->timer);
		return;
	}
	if (delay_ms > LOOK_MS)
		delay_ms = LOOK_MS;
	delay = (struct timeval){delay_ms / 1000, delay_ms % 1000 * 1000};
	evtimer_add(stream->timer, &delay);
}

void stream_turn(struct stream *stream)
{
	struct sender *sender = stream->sender;

	if (!sender->ready || sender->draining)
		return;
	lane_changed(stream, lane_tick(&stream->lane, mono_now()));
	stream->yielding = false;
	if (stream->options) {
		start_waiting(stream);
		take(stream);
	}
	arm_timer(stream);
}

void stream_wake(struct stream *stream)
{
	stream->due = true;
	stream_turn(stream);
}

void stream_retry_at(struct stream *stream, int64_t at_ms)
{
	expect(stream, at_ms);
	arm_timer(stream);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct stream *stream = arg;

	(void)fd, (void)what;
	if (!stream->sender->ready)
		return;
	if (stream->orphaned && !stream->taking) {
		stream_recover(stream);
		return;
	}
	if (stream->next_ms && stream->next_ms <= wall_ms())
		stream->due = true;
	stream_turn(stream);
}

/* -- setting up ------------------------------------------------------------------------------------ */

static struct err *resolve(struct stream *stream)
{
	const struct conf_channel *channel = stream->channel;
	const struct conf *conf = stream->sender->setup->conf;
	struct arena *arena = &stream->sender->arena;
	static const char nothing[1];

	stream->limits = (struct wire_limits){
	    .timeout_ms = channel->timeout_ms,
	    .allow_http = channel->allow_http,
	    .fresh = channel->on_ambiguous == AMBIGUOUS_HOLD,
	};
	if (channel->ca_file)
		PASS(conf_resolve_text(conf, channel->ca_file, arena, &stream->limits.ca_file));
	if (channel->proxy)
		PASS(conf_resolve_text(conf, channel->proxy, arena, &stream->limits.proxy));
	stream->options = nothing;
	if (!channel->type->options_size)
		return NULL;
	stream->options = NULL;
	PASS(conf_resolve(conf, channel->type->options, channel->options, channel->type->options_size, arena,
	    &stream->options));
	if (channel->type->secrets)
		channel->type->secrets(stream->options, redact_add);
	stream->lane.destination = channel_destination(channel, stream->options);
	return channel->type->session ? session_resolve(stream, arena) : NULL;
}

static void tell_unresolved(struct stream *stream, struct err *e)
{
	struct log_line line;

	log_begin(&line, LEVEL_ERROR, "channel_suspended");
	log_text(&line, "channel", stream->channel->name);
	log_error(&line, e);
	log_end(&line);
	notice_lane(stream, NOTICE_SUSPENDED, err_text(e));
	err_destroy(e);
}

void stream_init(struct stream *stream, struct sender *sender, const struct conf_channel *channel)
{
	struct err *e;

	*stream = (struct stream){.sender = sender, .channel = channel, .due = true};
	TAILQ_INIT(&stream->waiting);
	TAILQ_INIT(&stream->flying);
	lane_init(&stream->lane, channel);
	group_join(stream);
	if (stream->lane.in_flight_max > WIRE_MAX / 2)
		stream->lane.in_flight_max = WIRE_MAX / 2;
	stream->timer = evtimer_new(sender->base, on_timer, stream);
	if (!channel->enabled)
		return;
	e = resolve(stream);
	if (e) {
		stream->options = NULL;
		tell_unresolved(stream, e);
	}
}

static void destroy_all(struct deliveries *list)
{
	while (!TAILQ_EMPTY(list)) {
		struct delivery *delivery = TAILQ_FIRST(list);

		TAILQ_REMOVE(list, delivery, link);
		delivery_destroy(delivery);
	}
}

void stream_done(struct stream *stream)
{
	destroy_all(&stream->waiting);
	destroy_all(&stream->flying);
	lane_done(&stream->lane);
	free(stream->token);
	event_free(stream->timer);
}
