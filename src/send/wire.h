/* SPDX-License-Identifier: MIT */
/*
 * The wire: HTTP requests by libcurl's multi interface on a libevent loop.
 *
 * Each request is one attempt: never followed to another place, never repeated by itself (libcurl would,
 * on a kept connection that the other side closed), never sent to a link-local address, its time and its
 * answer's size bounded. The answer says honestly how far it came; what that means is classify's business.
 */
#ifndef SEND_WIRE_H
#define SEND_WIRE_H

#include "send/channel.h"

struct event_base;
struct wire;

#define WIRE_MAX 256 /* requests at a time: libcurl resolves each name in a thread of its own */

struct wire_limits {
	int64_t timeout_ms;  /* for the whole attempt */
	const char *ca_file; /* NULL: the system's */
	const char *proxy;   /* NULL: none; the environment is not asked */
	bool allow_http;
	bool fresh; /* never over a kept connection: a stale one could leave it unknown what arrived */
};

/* ANSWER is borrowed. It may start further requests. */
typedef void wire_done_function(void *arg, void *token, const struct wire_answer *answer);

struct wire *wire_create(struct event_base *base, wire_done_function *on_done, void *arg);
void wire_destroy(struct wire *wire); /* cuts what is on the wire; its tokens do not come back */

/*
 * Starts REQUEST, whose body lives until TOKEN comes back to on_done (from the loop, never from within
 * this call). An error: nothing was started.
 */
struct err *wire_send(struct wire *wire, const struct wire_request *request, const struct wire_limits *limits,
    void *token) MUST_CHECK;

#endif
