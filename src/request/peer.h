/* SPDX-License-Identifier: MIT */
/*
 * A connection for requests, event-driven: for main, store and sender, which never wait.
 *
 * Either side may send; answers come in any order. When the other side goes (or sends what is no request),
 * every call still open fails with a TEMPORARY (BUG) error, then `gone` is called once and must
 * peer_destroy(). Frames: length, kind, flags, sequence number, record; at most 64 MiB.
 */
#ifndef REQUEST_PEER_H
#define REQUEST_PEER_H

#include "request/request.h"

struct event_base;
struct peer;

/* The answer to a call: REPLY (borrowed, of the kind's reply type) or E, which the callee then owns. */
typedef void reply_function(void *arg, struct err *e, const void *reply);

struct peer_handlers {
	/*
	 * A request came in: answer it with peer_reply() or peer_fail(), now or later, if its kind is answered. REQUEST and
	 * everything in it lives until this returns; peer_keep() makes it live on.
	 */
	void (*request)(void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence,
	    const void *request);
	void (*gone)(void *arg, struct peer *peer, struct err *why); /* owns WHY; NULL: it closed in order */
};

/* FD is taken and made non-blocking. HANDLERS outlive the peer. */
struct peer *peer_create(struct event_base *base, int fd, const struct peer_handlers *handlers, void *arg);
void peer_destroy(struct peer *peer); /* open calls are forgotten; NULL is fine */

/* ON_REPLY may be NULL for kinds that are not answered. */
void peer_call(struct peer *peer, enum request_kind kind, const void *request, reply_function *on_reply,
    void *arg);
void peer_reply(struct peer *peer, enum request_kind kind, uint64_t sequence, const void *reply);
void peer_fail(struct peer *peer, uint64_t sequence, struct err *e); /* consumes E */

/* Within `request`: the frame and arena that REQUEST points into; the caller frees them with peer_release(). */
struct kept;
struct kept *peer_keep(struct peer *peer);
void peer_release(struct kept *kept);

/* Bytes that wait to be written: a slow reader shows here. */
size_t peer_backlog(const struct peer *peer);
int peer_fd(const struct peer *peer);

#endif
