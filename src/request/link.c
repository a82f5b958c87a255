/* SPDX-License-Identifier: MIT */
/* A connection for requests that blocks: one frame out, one frame in. */
#include "request/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "request/frame.h"

#define READ_SIZE ((size_t)16 << 10)
#define KEPT_SIZE ((size_t)1 << 20) /* a larger buffer is given back when it has served */

struct link {
	int fd;
	struct buf in, out;
	size_t used; /* bytes of `in` that were handed out: theirs until the next call */
	uint64_t sequence;
	bool broken;
};

/* -- time ------------------------------------------------------------------------------------------ */

/* The one place outside the loops that reads a clock: poll() takes a span, and signals cut it short. */
static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

#define NO_DEADLINE INT64_MAX

static struct err *wait_for(struct link *link, short events, int64_t deadline)
{
	struct pollfd one = {.fd = link->fd, .events = events};
	int ready;

	do {
		int64_t left = deadline == NO_DEADLINE ? -1 : deadline - now_ms();

		if (deadline != NO_DEADLINE && left <= 0)
			return ERR(ERR_TEMPORARY, "no answer in time");
		ready = poll(&one, 1, left > 60000 ? 60000 : (int)left);
	} while (!ready || (ready < 0 && errno == EINTR));
	return ready < 0 ? ERR(ERR_TEMPORARY, "poll: %s", strerror(errno)) : NULL;
}

/* -- bytes ----------------------------------------------------------------------------------------- */

static struct err *broken(struct link *link, enum err_kind kind, const char *why)
{
	link->broken = true;
	return ERR(kind, "connection lost: %s", why);
}

static struct err *send_all(struct link *link)
{
	size_t sent = 0;

	while (sent < link->out.length) {
		ssize_t length = send(link->fd, link->out.text + sent, link->out.length - sent, MSG_NOSIGNAL);

		if (length >= 0)
			sent += (size_t)length;
		else if (errno == EAGAIN)
			PASS(wait_for(link, POLLOUT, NO_DEADLINE));
		else if (errno != EINTR)
			return broken(link, ERR_TEMPORARY, strerror(errno));
	}
	return NULL;
}

/* Reads what is there, waiting for something. *OUT_LENGTH 0: it closed. */
static struct err *receive_some(struct link *link, int64_t deadline, size_t room, size_t *out_length)
{
	char *at = buf_room(&link->in, room);

	for (;;) {
		if (deadline != NO_DEADLINE)
			PASS(wait_for(link, POLLIN, deadline));
		ssize_t length = recv(link->fd, at, room, 0);
		if (length >= 0) {
			link->in.length += (size_t)length;
			*out_length = (size_t)length;
			return NULL;
		}
		if (errno == EAGAIN)
			PASS(wait_for(link, POLLIN, deadline));
		else if (errno != EINTR)
			return broken(link, ERR_TEMPORARY, strerror(errno));
	}
}

/* Until WANTED unread bytes are there. *OUT_CLOSED: it closed before the first of them. */
static struct err *receive(struct link *link, size_t wanted, int64_t deadline, bool *out_closed)
{
	*out_closed = false;
	while (link->in.length - link->used < wanted) {
		size_t missing = wanted - (link->in.length - link->used);
		size_t more = missing < READ_SIZE ? READ_SIZE : missing < KEPT_SIZE ? missing : KEPT_SIZE;
		size_t length = 0;

		PASS(receive_some(link, deadline, more, &length));
		if (length)
			continue;
		link->broken = true;
		*out_closed = link->in.length == link->used;
		return *out_closed ? NULL : broken(link, ERR_TEMPORARY, "closed within a request");
	}
	return NULL;
}

/* What was handed out is given up, what was read beyond it moves to the front. */
static void forget_used(struct link *link)
{
	buf_remove_front(&link->in, link->used);
	link->used = 0;
	if (!link->in.length && link->in.capacity > KEPT_SIZE)
		buf_done(&link->in);
}

/* -- frames ---------------------------------------------------------------------------------------- */

static struct err *send_frame(struct link *link, enum request_kind kind, const void *request)
{
	if (link->broken)
		return ERR(ERR_TEMPORARY, "connection lost");
	PASS(frame_write(&link->out, FRAME_REQUEST, kind, ++link->sequence, request));
	struct err *e = send_all(link);
	buf_truncate(&link->out, 0);
	if (link->out.capacity > KEPT_SIZE)
		buf_done(&link->out);
	return e;
}

/* The next frame; its record is at *OUT_BYTES until forget_used(). */
static struct err *receive_frame(
    struct link *link, int64_t deadline, struct frame *out_frame, const char **out_bytes, bool *out_closed)
{
	struct err *e;

	PASS(receive(link, sizeof(*out_frame), deadline, out_closed));
	if (*out_closed)
		return NULL;
	e = frame_parse(link->in.text + link->used, out_frame);
	if (e) {
		link->broken = true;
		return e;
	}
	PASS(receive(link, sizeof(*out_frame) + out_frame->length, deadline, out_closed));
	*out_bytes = link->in.text + link->used + sizeof(*out_frame);
	link->used += sizeof(*out_frame) + out_frame->length;
	return NULL;
}

/* The answer to the last request. Late answers to calls that timed out are passed over. */
static struct err *receive_answer(
    struct link *link, int64_t deadline, struct frame *out_frame, const char **out_bytes)
{
	bool closed = false;

	do {
		forget_used(link);
		PASS(receive_frame(link, deadline, out_frame, out_bytes, &closed));
		if (closed)
			return ERR(ERR_TEMPORARY, "connection lost: closed");
		if (out_frame->type == FRAME_REQUEST || out_frame->sequence > link->sequence)
			return broken(link, ERR_BUG, "no answer, but something else came");
	} while (out_frame->sequence < link->sequence);
	return NULL;
}

static struct err *read_error(const struct frame *frame, const char *bytes)
{
	cleanup(arena_done) struct arena arena = {0};
	void *record = NULL;

	PASS(frame_read(frame, bytes, &arena, &record));
	return error_from_record(record);
}

static struct err *call(struct link *link, enum request_kind kind, const void *request, int64_t deadline,
    struct arena *arena, void *out_reply)
{
	const char *bytes = NULL;
	struct frame frame = {0};

	PASS(send_frame(link, kind, request));
	PASS(receive_answer(link, deadline, &frame, &bytes));
	if (frame.type == FRAME_ERROR)
		return read_error(&frame, bytes);
	if (frame.kind != kind)
		return broken(link, ERR_BUG, "an answer of another kind came");
	return record_read(request_types[kind].reply, bytes, frame.length, arena, out_reply);
}

/* -- the front desk -------------------------------------------------------------------------------- */

struct link *link_create(int fd)
{
	struct link *link = mem_alloc(sizeof(*link));

	link->fd = fd;
	return link;
}

void link_destroy(struct link *link)
{
	if (!link)
		return;
	close(link->fd);
	buf_done(&link->in);
	buf_done(&link->out);
	free(link);
}

struct err *link_send(struct link *link, enum request_kind kind, const void *request)
{
	TRY(send_frame(link, kind, request), "send %s", request_types[kind].name);
	return NULL;
}

struct err *link_call(struct link *link, enum request_kind kind, const void *request, int64_t timeout_ms,
    struct arena *arena, void *out_reply)
{
	int64_t deadline = timeout_ms < 0 ? NO_DEADLINE : now_ms() + timeout_ms;

	TRY(call(link, kind, request, deadline, arena, out_reply), "ask %s", request_types[kind].name);
	return NULL;
}

struct err *link_receive(
    struct link *link, struct arena *arena, enum request_kind *out_kind, const void **out_request)
{
	struct frame frame = {0};
	const char *bytes = NULL;
	bool closed = false;
	void *record = NULL;

	if (link->broken)
		return ERR(ERR_TEMPORARY, "connection lost");
	forget_used(link);
	PASS(receive_frame(link, NO_DEADLINE, &frame, &bytes, &closed));
	*out_kind = NO_KIND;
	*out_request = NULL;
	if (closed)
		return NULL;
	if (frame.type != FRAME_REQUEST)
		return broken(link, ERR_BUG, "an answer came that was not asked for");
	PASS(frame_read(&frame, bytes, arena, &record));
	*out_kind = frame.kind;
	*out_request = record;
	return NULL;
}

bool link_is_broken(const struct link *link)
{
	return link->broken;
}
