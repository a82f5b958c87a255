/* SPDX-License-Identifier: MIT */
/*
 * A connection for requests in an event loop.
 *
 * What handlers write during one turn of the loop goes out in one system call: `flush` is an event of
 * its own that runs after those already due. What comes in is parsed where it was read; a chunk that a kept
 * request points into is left to it and reading goes on in a new one.
 */
#include "request/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "request/frame.h"

#define CHUNK_SIZE ((size_t)16 << 10)
#define OUT_KEPT   ((size_t)1 << 20) /* a larger output buffer is given back once it is empty */

struct chunk {
	unsigned refs;
	size_t size, used, parsed;
	_Alignas(max_align_t) char bytes[];
};

/*
 * An open call, or a free place in the table. The sequence number holds the place in its low half, so an
 * answer finds its call at once, and a count in its high half, so a stale one finds none.
 */
struct call {
	uint64_t sequence; /* 0: free */
	size_t next_free;  /* place of the next free one, NO_PLACE: none */
	enum request_kind kind;
	reply_function *on_reply;
	void *arg;
	struct err *refused; /* it could not be sent: to be told in the next turn */
};

#define NO_PLACE UINT32_MAX

struct peer {
	int fd;
	const struct peer_handlers *handlers;
	void *arg;
	struct event readable, writable, flush;
	struct chunk *in;
	struct arena arena; /* of the request that is being handled */
	struct buf out;
	size_t sent; /* bytes of `out` */
	struct call *calls;
	size_t places, capacity, first_free;
	uint32_t calls_made;
	struct err *fault; /* to be found by the next read that finds nothing */
	bool any_refused;
	unsigned inside; /* calls into handlers on the stack: not to be freed under them */
	bool destroyed, ended;
};

struct kept {
	struct chunk *chunk;
	struct arena arena;
};

/* -- chunks ---------------------------------------------------------------------------------------- */

static struct chunk *chunk_create(size_t size)
{
	struct chunk *chunk = mem_resize(NULL, sizeof(*chunk) + size);

	*chunk = (struct chunk){.refs = 1, .size = size};
	return chunk;
}

static void chunk_unref(struct chunk *chunk)
{
	if (!--chunk->refs)
		free(chunk);
}

static size_t unparsed(const struct chunk *chunk)
{
	return chunk->used - chunk->parsed;
}

/* What the frame at the front needs in all, as far as is known; its header was checked. */
static size_t wanted(const struct chunk *chunk)
{
	struct frame frame = {0};

	if (unparsed(chunk) < sizeof(frame))
		return sizeof(frame);
	memcpy(&frame, chunk->bytes + chunk->parsed, sizeof(frame));
	return sizeof(frame) + frame.length;
}

/* Room to read into. Grows by doubling as bytes come: a header alone, be it garbage, takes no 64 MiB. */
static void make_room(struct peer *peer)
{
	struct chunk *old = peer->in;
	size_t rest = unparsed(old);
	size_t size = wanted(old);

	if (old->refs == 1 && !rest)
		old->used = old->parsed = 0;
	if (old->used < old->size && old->parsed + size <= old->size)
		return;
	if (size > 2 * rest)
		size = 2 * rest;
	peer->in = chunk_create(size > CHUNK_SIZE ? size : CHUNK_SIZE);
	memcpy(peer->in->bytes, old->bytes + old->parsed, rest);
	peer->in->used = rest;
	chunk_unref(old);
}

/* -- the table of open calls ----------------------------------------------------------------------- */

static struct call *call_add(struct peer *peer)
{
	size_t place = peer->first_free;

	if (place == NO_PLACE) {
		place = peer->places;
		mem_grow(peer->calls, peer->places, peer->capacity);
		peer->places++;
	} else {
		peer->first_free = peer->calls[place].next_free;
	}
	peer->calls_made = peer->calls_made == UINT32_MAX ? 1 : peer->calls_made + 1;
	peer->calls[place] = (struct call){.sequence = (uint64_t)peer->calls_made << 32 | place};
	return &peer->calls[place];
}

/* Takes the call out of the table. False: there is none. */
static bool call_take(struct peer *peer, uint64_t sequence, struct call *out_call)
{
	size_t place = (uint32_t)sequence;

	if (place >= peer->places || peer->calls[place].sequence != sequence)
		return false;
	*out_call = peer->calls[place];
	peer->calls[place] = (struct call){.next_free = peer->first_free};
	peer->first_free = place;
	return true;
}

/* -- the end --------------------------------------------------------------------------------------- */

static void peer_free(struct peer *peer)
{
	for (size_t i = 0; i < peer->places; i++)
		err_ignore(peer->calls[i].refused);
	free(peer->calls);
	err_ignore(peer->fault);
	chunk_unref(peer->in);
	arena_done(&peer->arena);
	buf_done(&peer->out);
	free(peer);
}

static void enter(struct peer *peer)
{
	peer->inside++;
}

/* After handlers were called; PEER may be gone then. */
static void leave(struct peer *peer)
{
	if (!--peer->inside && peer->destroyed)
		peer_free(peer);
}

static void stop_events(struct peer *peer)
{
	event_del(&peer->readable);
	event_del(&peer->writable);
	event_del(&peer->flush);
}

static struct err *lost(const struct call *call, const struct err *why)
{
	if (why && err_kind(why) == ERR_BUG)
		return ERR(ERR_BUG, "%s: %s", request_types[call->kind].name, err_message(why));
	return ERR(ERR_TEMPORARY, "%s: connection lost%s%s", request_types[call->kind].name, why ? ": " : "",
	    why ? err_message(why) : "");
}

/* WHY (NULL: closed in order) is taken. Open calls fail, then the owner hears of it. */
static void end(struct peer *peer, struct err *why)
{
	size_t places = peer->places;
	struct call call;

	peer->ended = true;
	stop_events(peer);
	for (size_t i = 0; i < places && !peer->destroyed; i++)
		if (peer->calls[i].sequence && call_take(peer, peer->calls[i].sequence, &call))
			call.on_reply(call.arg, call.refused ? call.refused : lost(&call, why), NULL);
	if (peer->destroyed)
		err_ignore(why);
	else
		peer->handlers->gone(peer->arg, peer, why);
}

/* For a fault of writing: what came in before is read first, then the reader finds E. */
static void end_soon(struct peer *peer, struct err *e)
{
	err_ignore(peer->fault);
	peer->fault = e;
	event_active(&peer->readable, EV_READ, 0);
}

/* -- reading --------------------------------------------------------------------------------------- */

static struct err *handle_answer(struct peer *peer, const struct frame *frame, const void *record)
{
	struct call call;

	if (!call_take(peer, frame->sequence, &call))
		return ERR(ERR_BUG, "an answer that was not asked for: %s", frame_name(frame));
	if (frame->type == FRAME_ERROR) {
		call.on_reply(call.arg, error_from_record(record), NULL);
	} else if (frame->kind == call.kind) {
		call.on_reply(call.arg, NULL, record);
	} else {
		call.on_reply(call.arg,
		    ERR(ERR_BUG, "%s was answered with %s", request_types[call.kind].name, frame_name(frame)),
		    NULL);
		return ERR(ERR_BUG, "an answer of the wrong kind: %s", frame_name(frame));
	}
	return NULL;
}

static struct err *handle_frame(struct peer *peer, const struct frame *frame, const char *bytes)
{
	void *record = NULL;

	PASS(frame_read(frame, bytes, &peer->arena, &record));
	if (frame->type != FRAME_REQUEST)
		return handle_answer(peer, frame, record);
	peer->handlers->request(peer->arg, peer, frame->kind, frame->sequence, record);
	return NULL;
}

/* Every frame that has come whole. */
static struct err *handle_frames(struct peer *peer)
{
	while (!peer->destroyed && unparsed(peer->in) >= sizeof(struct frame)) {
		struct chunk *chunk = peer->in;
		const char *at = chunk->bytes + chunk->parsed;
		struct frame frame = {0};

		PASS(frame_parse(at, &frame));
		if (unparsed(chunk) < sizeof(frame) + frame.length)
			return NULL;
		chunk->parsed += sizeof(frame) + frame.length;
		struct err *e = handle_frame(peer, &frame, at + sizeof(frame));
		arena_done(&peer->arena);
		if (e)
			return e;
	}
	return NULL;
}

static void read_ended(struct peer *peer, int error)
{
	struct err *fault = peer->fault;

	peer->fault = NULL;
	if (fault)
		end(peer, fault);
	else if (error)
		end(peer, ERR(ERR_TEMPORARY, "%s", strerror(error)));
	else if (unparsed(peer->in))
		end(peer, ERR(ERR_TEMPORARY, "closed within a request"));
	else
		end(peer, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	ssize_t length;

	(void)what;
	make_room(peer);
	length = recv(fd, peer->in->bytes + peer->in->used, peer->in->size - peer->in->used, MSG_DONTWAIT);
	enter(peer);
	if (length > 0) {
		peer->in->used += (size_t)length;
		struct err *e = handle_frames(peer);
		if (e && !peer->destroyed)
			end(peer, e);
		else
			err_ignore(e);
		if (peer->fault && !peer->destroyed && !peer->ended)
			event_active(&peer->readable, EV_READ, 0);
	} else if (!length) {
		read_ended(peer, 0);
	} else if (peer->fault || (errno != EAGAIN && errno != EINTR)) {
		read_ended(peer, errno);
	}
	leave(peer);
}

/* -- writing --------------------------------------------------------------------------------------- */

static void drop_sent(struct peer *peer, size_t length)
{
	peer->sent += length;
	if (peer->sent == peer->out.length) {
		peer->sent = 0;
		buf_truncate(&peer->out, 0);
		if (peer->out.capacity > OUT_KEPT)
			buf_done(&peer->out);
	} else if (peer->sent > peer->out.length / 2) {
		buf_remove_front(&peer->out, peer->sent);
		peer->sent = 0;
	}
}

static void write_out(struct peer *peer)
{
	ssize_t length;

	if (!peer_backlog(peer) || peer->fault)
		return;
	do
		length = send(
		    peer->fd, peer->out.text + peer->sent, peer_backlog(peer), MSG_NOSIGNAL | MSG_DONTWAIT);
	while (length < 0 && errno == EINTR);
	if (length < 0 && errno != EAGAIN) {
		end_soon(peer, ERR(ERR_TEMPORARY, "%s", strerror(errno)));
		return;
	}
	if (length > 0)
		drop_sent(peer, (size_t)length);
	if (peer_backlog(peer) && event_add(&peer->writable, NULL))
		end_soon(peer, ERR(ERR_TEMPORARY, "cannot wait for the socket"));
}

/* Calls that could not be sent fail here, not within peer_call(): callers do not expect their answer there.
 */
static void tell_refused(struct peer *peer)
{
	struct call call;

	peer->any_refused = false;
	for (size_t i = 0; i < peer->places && !peer->destroyed; i++)
		if (peer->calls[i].refused && call_take(peer, peer->calls[i].sequence, &call))
			call.on_reply(call.arg, call.refused, NULL);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;

	(void)fd;
	(void)what;
	write_out(peer);
	if (!peer->any_refused)
		return;
	enter(peer);
	tell_refused(peer);
	leave(peer);
}

static struct err *add_frame(
    struct peer *peer, enum frame_type type, enum request_kind kind, uint64_t sequence, const void *record)
{
	if (peer->destroyed || peer->ended)
		return NULL; /* nobody reads it */
	PASS(frame_write(&peer->out, type, kind, sequence, record));
	if (!event_pending(&peer->writable, EV_WRITE, NULL))
		event_active(&peer->flush, EV_WRITE, 0);
	return NULL;
}

/* -- the front desk -------------------------------------------------------------------------------- */

struct peer *peer_create(struct event_base *base, int fd, const struct peer_handlers *handlers, void *arg)
{
	struct peer *peer = mem_alloc(sizeof(*peer));

	peer->fd = fd;
	peer->handlers = handlers;
	peer->arg = arg;
	peer->in = chunk_create(CHUNK_SIZE);
	peer->first_free = NO_PLACE;
	event_assign(&peer->readable, base, fd, EV_READ | EV_PERSIST, on_readable, peer);
	event_assign(&peer->writable, base, fd, EV_WRITE, on_writable, peer);
	event_assign(&peer->flush, base, -1, 0, on_writable, peer);
	if (event_add(&peer->readable, NULL))
		end_soon(peer, ERR(ERR_TEMPORARY, "cannot wait for the socket"));
	return peer;
}

void peer_destroy(struct peer *peer)
{
	if (!peer || peer->destroyed)
		return;
	peer->destroyed = true;
	stop_events(peer);
	close(peer->fd);
	if (!peer->inside)
		peer_free(peer);
}

void peer_call(
    struct peer *peer, enum request_kind kind, const void *request, reply_function *on_reply, void *arg)
{
	if (!request_types[kind].reply) {
		err_ignore(add_frame(peer, FRAME_REQUEST, kind, 0, request)); /* nobody to tell */
		return;
	}

	struct call *call = call_add(peer);

	call->kind = kind;
	call->on_reply = on_reply;
	call->arg = arg;
	call->refused = add_frame(peer, FRAME_REQUEST, kind, call->sequence, request);
	if (call->refused) {
		peer->any_refused = true;
		event_active(&peer->flush, EV_WRITE, 0);
	}
}

void peer_reply(struct peer *peer, enum request_kind kind, uint64_t sequence, const void *reply)
{
	struct err *e = add_frame(peer, FRAME_REPLY, kind, sequence, reply);

	if (e)
		peer_fail(peer, sequence, e);
}

void peer_fail(struct peer *peer, uint64_t sequence, struct err *e)
{
	cleanup(arena_done) struct arena arena = {0};

	err_ignore(add_frame(peer, FRAME_ERROR, NO_KIND, sequence, error_to_record(e, &arena)));
	err_destroy(e);
}

struct kept *peer_keep(struct peer *peer)
{
	struct kept *kept = mem_alloc(sizeof(*kept));

	kept->chunk = peer->in;
	kept->chunk->refs++;
	kept->arena = peer->arena;
	peer->arena = (struct arena){0};
	return kept;
}

void peer_release(struct kept *kept)
{
	if (!kept)
		return;
	chunk_unref(kept->chunk);
	arena_done(&kept->arena);
	free(kept);
}

size_t peer_backlog(const struct peer *peer)
{
	return peer->out.length - peer->sent;
}

bool peer_ended(const struct peer *peer)
{
	return peer->ended;
}
