/* SPDX-License-Identifier: MIT */
/* Main's line to the store: reconnects, and repeats what was not answered. */
#include "daemon/line.h"

#include <event2/event.h>
#include <utlist.h>

#include "base/log.h"
#include "daemon/child.h"
#include "request/link.h"

#define RECONNECT_MS 100

/* A call not yet answered; its request is kept as it goes over the wire, to be sent again. */
struct call {
	struct call *prev, *next;
	struct line *line;
	enum request_kind kind;
	struct buf request;
	reply_function *on_reply;
	void *arg;
};

struct line {
	struct event_base *base;
	char *path;
	struct arena arena; /* of hello's texts */
	struct hello hello;
	struct peer *peer;
	bool greeted, was_greeted;
	struct event *reconnect;
	struct call *calls;
	size_t count;
	bool told; /* that the store is away */
};

static void connect_now(struct line *line);

static void call_done(struct call *call)
{
	DL_DELETE(call->line->calls, call);
	call->line->count--;
	buf_done(&call->request);
	free(call);
}

static void on_answer(void *arg, struct err *e, const void *reply)
{
	struct call *call = arg;
	reply_function *on_reply = call->on_reply;
	void *on_reply_arg = call->arg;

	if (e && call->line->peer && peer_ended(call->line->peer)) {
		err_destroy(e); /* the connection went: this call will be made again */
		return;
	}
	call_done(call);
	if (on_reply)
		on_reply(on_reply_arg, e, reply);
	else
		err_destroy(e);
}

static void make(struct call *call)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct record_type *type = request_types[call->kind].request;
	void *request = arena_alloc(&arena, type->size);
	struct err *e = record_read(type, call->request.text, call->request.length, &arena, request);

	if (e)
		on_answer(call, ERR_AT(e, "repeat a request to the store"), NULL); /* it was written here: a bug */
	else
		peer_call(call->line->peer, call->kind, request, on_answer, call);
}

static void away(struct line *line, struct err *why)
{
	if (!line->told)
		log_fault(LEVEL_WARNING, "store_unavailable", why);
	else
		err_destroy(why);
	line->told = true;
	timer_set(line->reconnect, RECONNECT_MS);
}

static void on_hello(void *arg, struct err *e, const void *reply)
{
	struct line *line = arg;
	const struct hello_reply *hello = reply;
	struct call *call, *next;
	struct log_line entry;

	if (e && peer_ended(line->peer)) {
		err_destroy(e); /* `gone` follows */
		return;
	}
	if (e) { /* the store cannot serve now (a full disk): ask again on a new connection */
		struct peer *peer = line->peer;

		line->peer = NULL;
		peer_destroy(peer);
		away(line, ERR_AT(e, "greet the store"));
		return;
	}
	line->greeted = line->was_greeted = true;
	line->told = false;
	log_begin(&entry, hello->interrupted || hello->recovered ? LEVEL_WARNING : LEVEL_DEBUG, "store_connected");
	log_int(&entry, "interrupted_runs", hello->interrupted);
	log_int(&entry, "recovered_messages", hello->recovered);
	log_end(&entry);
	DL_FOREACH_SAFE(line->calls, call, next)
		make(call);
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct line *line = arg;

	line->peer = NULL;
	line->greeted = false;
	peer_destroy(peer);
	away(line, why ? why : ERR(ERR_TEMPORARY, "the store process is gone"));
}

static void on_request(void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	(void)arg, (void)kind, (void)request;
	peer_fail(peer, sequence, ERR(ERR_BUG, "main serves no requests of the store"));
}

static const struct peer_handlers handlers = {on_request, on_gone};

static void connect_now(struct line *line)
{
	int fd;
	struct err *e = socket_connect(line->path, &fd);

	if (e) {
		away(line, e);
		return;
	}
	line->peer = peer_create(line->base, fd, &handlers, line);
	line->hello.now_ms = wall_ms();
	peer_call(line->peer, REQ_HELLO, &line->hello, on_hello, line);
}

static void on_reconnect(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	connect_now(arg);
}

struct line *line_create(struct event_base *base, const char *socket_path, const struct hello *hello)
{
	struct line *line = mem_alloc(sizeof(*line));

	line->base = base;
	line->path = mem_copy(socket_path);
	line->hello = *hello;
	line->hello.instance = arena_copy(&line->arena, hello->instance);
	line->reconnect = evtimer_new(base, on_reconnect, line);
	connect_now(line);
	return line;
}

void line_call(struct line *line, enum request_kind kind, const void *request, reply_function *on_reply, void *arg)
{
	struct call *call = mem_alloc(sizeof(*call));

	call->line = line;
	call->kind = kind;
	call->on_reply = on_reply;
	call->arg = arg;
	record_write(request_types[kind].request, request, &call->request);
	DL_APPEND(line->calls, call);
	line->count++;
	if (line->greeted)
		peer_call(line->peer, kind, request, on_answer, call);
}

size_t line_open_calls(const struct line *line)
{
	return line->count;
}

bool line_connected(const struct line *line)
{
	return line->greeted;
}

bool line_was_connected(const struct line *line)
{
	return line->was_greeted;
}

void line_destroy(struct line *line)
{
	struct call *call, *next;

	if (!line)
		return;
	peer_destroy(line->peer);
	line->peer = NULL;
	DL_FOREACH_SAFE(line->calls, call, next)
		call_done(call);
	event_free(line->reconnect);
	arena_done(&line->arena);
	free(line->path);
	free(line);
}
