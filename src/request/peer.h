/* SPDX-License-Identifier: MIT */
/*
 * A connection for requests, event-driven: for main, store and sender, which never wait.
 *
 * Either side may send; answers come in any order. When the other side goes (or sends what is no request),
 * every call still open fails with a TEMPORARY (BUG) error, then `gone` is called once and must
 * peer_destroy(); what is called or answered in between is forgotten. What came before the end is handled
 * first. Callbacks come from the loop only, never from within a peer_ function. What one turn of the loop
 * sends goes out in one write at its end. Frames: length, kind, flags, sequence number, record; at most 64
 * MiB.
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
	 * A request came in: answer it with peer_reply() or peer_fail(), now or later, if its kind is
	 * answered. REQUEST and everything in it lives until this returns; peer_keep() makes it live on.
	 */
	void (*request)(
	    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request);
	void (*gone)(void *arg, struct peer *peer, struct err *why); /* owns WHY; NULL: it closed in order */
};

/* FD, a stream socket, is taken; it need not be non-blocking. HANDLERS outlive the peer. */
struct peer *peer_create(struct event_base *base, int fd, const struct peer_handlers *handlers, void *arg);
/* Open calls are forgotten. Allowed anywhere, also within the peer's own callbacks; NULL is fine. */
void peer_destroy(struct peer *peer);

/* ON_REPLY may be NULL for kinds that are not answered. */
void peer_call(
    struct peer *peer, enum request_kind kind, const void *request, reply_function *on_reply, void *arg);
void peer_reply(struct peer *peer, enum request_kind kind, uint64_t sequence, const void *reply);
void peer_fail(struct peer *peer, uint64_t sequence, struct err *e); /* consumes E */

/* Within `request`: the frame and arena that REQUEST points into; the caller frees them with peer_release().
 */
struct kept;
struct kept *peer_keep(struct peer *peer);
void peer_release(struct kept *kept);

/* Bytes that wait to be written: a slow reader shows here. */
size_t peer_backlog(const struct peer *peer);
/* The other side is gone, and the calls that were open fail for that reason. */
bool peer_ended(const struct peer *peer);

#endif
