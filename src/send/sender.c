/* SPDX-License-Identifier: MIT */
/* The sender process: its loop, its connections to main and to the store, and its end. */
#include "send/sender.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "daemon/child.h"
#include "request/link.h"
#include "send/stream.h"

#define RECONNECT_FIRST_MS 20
#define RECONNECT_MAX_MS   2000
#define LOG_BACKLOG_MAX    (8 * 1024 * 1024) /* main hangs: better lose lines than memory */

/* -- main, at the other end of the socket pair ----------------------------------------------------- */

static void log_to_main(
    void *arg, enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	struct sender *sender = arg;
	cleanup(arena_done) struct arena arena = {0};
	struct log_pair *pairs = arena_alloc(&arena, (count + 1) * sizeof(*pairs));
	struct log_record record = {.level = level, .event = event, .fields = pairs, .count = count};

	if (!sender->parent || peer_backlog(sender->parent) > LOG_BACKLOG_MAX)
		return;
	for (size_t i = 0; i < count; i++)
		pairs[i] = (struct log_pair){fields[i].key, fields[i].value, fields[i].literal};
	peer_call(sender->parent, REQ_LOG, &record, NULL, NULL);
}

static void drain(struct sender *sender)
{
	sender->draining = true;
	for (size_t i = 0; i < sender->stream_count; i++) {
		stream_give_back(&sender->streams[i]);
		evtimer_del(sender->streams[i].timer);
	}
	sender_check_drained(sender);
}

static void on_parent_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	(void)peer;
	if (kind == REQ_DRAIN)
		drain(arg);
	if (kind == REQ_CHANNELS)
		command_do(arg, sequence, request);
}

/* Without main nobody supervises us: what is on the wire becomes ambiguous, which the next sender sees. */
static void on_parent_gone(void *arg, struct peer *peer, struct err *why)
{
	struct sender *sender = arg;

	sender->parent = NULL;
	peer_destroy(peer);
	err_ignore(why);
	event_base_loopbreak(sender->base);
}

static const struct peer_handlers parent_handlers = {on_parent_request, on_parent_gone};

void sender_check_drained(struct sender *sender)
{
	if (sender->draining && !sender->flying && !sender->taking && settle_is_idle(sender))
		event_base_loopexit(sender->base, NULL);
}

/* -- the store ------------------------------------------------------------------------------------- */

static void reconnect_later(struct sender *sender)
{
	struct timeval delay = {sender->reconnect_ms / 1000, sender->reconnect_ms % 1000 * 1000};

	evtimer_add(sender->reconnect, &delay);
	sender->reconnect_ms *= 2;
	if (sender->reconnect_ms > RECONNECT_MAX_MS)
		sender->reconnect_ms = RECONNECT_MAX_MS;
}

static void drop_store(struct sender *sender)
{
	peer_destroy(sender->store);
	sender->store = NULL;
	sender->ready = false;
	reconnect_later(sender);
}

struct stream *sender_stream(struct sender *sender, const char *name)
{
	const struct conf_channel *channel = name ? conf_channel(sender->setup->conf, name) : NULL;

	return channel ? &sender->streams[channel - sender->setup->conf->channels] : NULL;
}

static void on_store_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct sender *sender = arg;
	const struct wake *wake = request;

	(void)peer, (void)sequence;
	if (kind != REQ_WAKE)
		return;
	for (size_t i = 0; i < wake->count; i++) {
		struct stream *stream = sender_stream(sender, wake->channels[i].id);

		if (stream)
			stream_wake(stream);
	}
}

static void on_store_gone(void *arg, struct peer *peer, struct err *why)
{
	struct sender *sender = arg;

	(void)peer;
	log_fault(LEVEL_WARNING, "store_unavailable",
	    why ? why : ERR(ERR_TEMPORARY, "the store closed the connection"));
	drop_store(sender);
}

static const struct peer_handlers store_handlers = {on_store_request, on_store_gone};

/* First what ended meanwhile, then what may have been lost, then new rows. */
static void begin(struct sender *sender)
{
	sender->ready = true;
	sender->reconnect_ms = RECONNECT_FIRST_MS;
	settle_resume(sender);
	for (size_t i = 0; i < sender->stream_count; i++) {
		struct stream *stream = &sender->streams[i];

		if (stream->orphaned)
			stream_recover(stream);
		stream_wake(stream);
	}
	sender_check_drained(sender);
}

static void restore_lane(struct sender *sender, const struct lane_record *record)
{
	struct stream *stream = sender_stream(sender, record->channel);
	struct json *value = NULL;

	if (!stream || !record->value)
		return;
	err_ignore(json_parse(record->value, strlen(record->value), &value));
	lane_from_json(&stream->lane, value, mono_now(), wall_ms());
	json_destroy(value);
}

/* A refusal here is of a store that cannot work just now: begin anew. */
static bool refused(struct sender *sender, struct err *e)
{
	if (!e)
		return false;
	log_fault(LEVEL_WARNING, "store_unavailable", e);
	sender->reconnect_ms = RECONNECT_MAX_MS;
	reconnect_later(sender);
	return true;
}

static void on_lanes(void *arg, struct err *e, const void *reply)
{
	struct sender *sender = arg;
	const struct lanes_reply *lanes = reply;

	if (refused(sender, e))
		return;
	for (size_t i = 0; i < lanes->count; i++)
		restore_lane(sender, &lanes->lanes[i]);
	sender->lanes_known = true;
	notice_start(sender);
	begin(sender);
}

static void on_hello(void *arg, struct err *e, const void *reply)
{
	struct sender *sender = arg;

	(void)reply;
	if (refused(sender, e))
		return;
	if (sender->lanes_known)
		begin(sender);
	else
		peer_call(sender->store, REQ_LANES, &(struct nothing){0}, on_lanes, sender);
}

static void connect_store(struct sender *sender)
{
	struct hello hello = {
	    .role = ROLE_SENDER,
	    .instance = sender->instance,
	    .pid = getpid(),
	    .now_ms = wall_ms(),
	};
	int fd;
	struct err *e = socket_connect(sender->setup->store_socket, &fd);

	if (e) {
		err_destroy(
		    e); /* said when the connection was lost; a store that is replaced comes back soon */
		reconnect_later(sender);
		return;
	}
	sender->store = peer_create(sender->base, fd, &store_handlers, sender);
	peer_call(sender->store, REQ_HELLO, &hello, on_hello, sender);
}

static void on_reconnect(evutil_socket_t fd, short what, void *arg)
{
	struct sender *sender = arg;

	(void)fd, (void)what;
	if (sender->store)
		drop_store(sender);
	else
		connect_store(sender);
}

/* -- the process ----------------------------------------------------------------------------------- */

void sender_feed(struct sender *sender)
{
	while (sender->flying < WIRE_MAX && !TAILQ_EMPTY(&sender->starved)) {
		struct stream *stream = TAILQ_FIRST(&sender->starved);

		TAILQ_REMOVE(&sender->starved, stream, starved_link);
		stream->starved = false;
		stream_turn(stream);
	}
}

static void set_up(struct sender *sender, const struct sender_setup *setup)
{
	const struct conf *conf = setup->conf;

	*sender = (struct sender){.setup = setup, .reconnect_ms = RECONNECT_FIRST_MS};
	uuid_v7(wall_ms(), sender->instance);
	sender->base = event_base_new();
	sender->parent = peer_create(sender->base, setup->parent, &parent_handlers, sender);
	log_to_function(log_to_main, sender);
	sender->wire = wire_create(sender->base, attempt_answered, sender);
	sender->reconnect = evtimer_new(sender->base, on_reconnect, sender);
	TAILQ_INIT(&sender->starved);
	settle_init(sender);
	sender->stream_count = conf->channel_count;
	sender->streams = mem_alloc((conf->channel_count + 1) * sizeof(*sender->streams));
	for (size_t i = 0; i < conf->channel_count; i++)
		stream_init(&sender->streams[i], sender, &conf->channels[i]);
}

static void tear_down(struct sender *sender)
{
	wire_destroy(sender->wire);
	settle_done(sender);
	for (size_t i = 0; i < sender->stream_count; i++)
		stream_done(&sender->streams[i]);
	free(sender->streams);
	event_free(sender->reconnect);
	peer_destroy(sender->store);
	peer_destroy(sender->parent);
	event_base_free(sender->base);
	arena_done(&sender->arena);
}

int sender_process(const struct sender_setup *setup)
{
	struct sender sender;

	prctl(PR_SET_DUMPABLE, 0); /* it holds the channels' secrets */
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	set_up(&sender, setup);
	connect_store(&sender);
	event_base_dispatch(sender.base);
	tear_down(&sender);
	curl_global_cleanup();
	return 0;
}
