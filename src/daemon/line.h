/* SPDX-License-Identifier: MIT */
/*
 * Main's line to the store process: calls that are answered in the end.
 *
 * While the store is away (it died, it is being replaced) calls wait in memory and are made again on the
 * next connection: the store's verbs may be repeated. A reply callback gets an error only if the store
 * answered with one.
 */
#ifndef DAEMON_LINE_H
#define DAEMON_LINE_H

#include "request/peer.h"

struct line;

/* HELLO (copied) goes first on every connection. The line connects at once, and again for ever. */
struct line *line_create(struct event_base *base, const char *socket_path, const struct hello *hello);
void line_destroy(struct line *line); /* calls still open are forgotten */

/* ON_REPLY may be NULL. */
void line_call(struct line *line, enum request_kind kind, const void *request, reply_function *on_reply,
    void *arg);

/* Calls not yet answered. */
size_t line_open_calls(const struct line *line);
bool line_connected(const struct line *line);
/* The store has answered at least once: what ails it later may pass. */
bool line_was_connected(const struct line *line);

#endif
