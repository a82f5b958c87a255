/* SPDX-License-Identifier: MIT */
/* One channel at work: takes rows from the outbox and starts them as its lane allows. */
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

/* -- rows in hand ---------------------------------------------------------------------------------- */

static void leave(struct delivery *delivery)
{
	TAILQ_REMOVE(&delivery->stream->waiting, delivery, link);
	delivery->stream->waiting_count--;
}

static void give_back(struct delivery *delivery)
{
	leave(delivery);
	delivery->end = (struct delivery_end){.state = "untried"};
	settle_add(delivery->stream->sender, delivery);
}

void stream_give_back(struct stream *stream)
{
	while (!TAILQ_EMPTY(&stream->waiting))
		give_back(TAILQ_FIRST(&stream->waiting));
}

void stream_put_back(struct delivery *delivery)
{
	TAILQ_INSERT_HEAD(&delivery->stream->waiting, delivery, link);
	delivery->stream->waiting_count++;
}

/* -- starting -------------------------------------------------------------------------------------- */

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
		leave(delivery);
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
		leave(delivery);
		attempt_start(delivery);
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
