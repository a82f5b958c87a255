/* SPDX-License-Identifier: MIT */
/*
 * A connection for requests, blocking: for workers and commands, which do one thing at a time. The same
 * frames as peer.h.
 */
#ifndef REQUEST_LINK_H
#define REQUEST_LINK_H

#include "request/request.h"

struct link;

struct link *link_create(int fd); /* FD is taken */
void link_destroy(struct link *link);

/* Sends a request that is not answered. TEMPORARY error when the other side is gone. */
struct err *link_send(struct link *link, enum request_kind kind, const void *request) MUST_CHECK;

/*
 * Sends a request and waits for its answer. Texts in OUT_REPLY live until the next call on this link;
 * lists are in ARENA. TEMPORARY error when the other side is gone; else the error it answered.
 * TIMEOUT_MS < 0: waits for ever.
 */
struct err *link_call(struct link *link, enum request_kind kind, const void *request, int64_t timeout_ms,
    struct arena *arena, void *out_reply) MUST_CHECK;

/* Waits for the other side's next request (a worker for its run). *OUT_KIND 0: it closed in order. */
struct err *link_receive(
    struct link *link, struct arena *arena, enum request_kind *out_kind, const void **out_request) MUST_CHECK;

/* Nothing goes over it any more (a late answer does not break it): destroy it. */
bool link_is_broken(const struct link *link);

/*
 * Unix sockets of any path length (through /proc/self/fd of the folder). listen: 0600, an old socket file
 * is replaced; close-on-exec, non-blocking. connect: TEMPORARY error if nobody listens.
 */
struct err *socket_listen(const char *path, int *out_fd) MUST_CHECK;
struct err *socket_connect(const char *path, int *out_fd) MUST_CHECK;

#endif
