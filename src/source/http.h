/* SPDX-License-Identifier: MIT */
/*
 * HTTP exchanges in blocking code: as many at a time as are started, over kept connections.
 *
 *	PASS(http_start(http, &exchange));
 *	while ((done = http_wait(http, 200)) == NULL)
 *		... look whether to go on ...
 *	... done->fault, or done->status and done->body ...
 *	http_exchange_done(http, done);
 *
 * What holds for all transfers (net/transport.h) holds here. Nothing is repeated and no clock is read.
 */
#ifndef SOURCE_HTTP_H
#define SOURCE_HTTP_H

#include <stdbool.h>

#include <bmad/api.h>

#include "base/buf.h"
#include "net/transport.h"

struct http;

struct http_exchange {
	/* Set by the caller; all of it outlives the exchange. */
	const struct api_request *request;   /* `url` is whole */
	const struct api_header *headers[3]; /* lists, besides the request's own; NULL: none */
	struct transport_limits limits;
	bool allow_http;
	int64_t wall_s; /* now, for a Retry-After that is a date */
	/* How it ended. */
	struct err *fault; /* no answer; the exchange's own until it is taken (set to NULL) */
	long status;
	int64_t retry_after_ms; /* -1: not asked for */
	struct buf body;
	/* http.c's own. */
	void *easy, *header_list;
	int begun; /* how often libcurl was about to send the request */
	bool cut, refused_address;
	char text[256];
};

struct http *http_create(void);
void http_destroy(struct http *http); /* HTTP may be NULL; no exchange may be under way */

/* Starts EXCHANGE, cleared but for the caller's part. An error: nothing was started. */
struct err *http_start(struct http *http, struct http_exchange *exchange) MUST_CHECK;
/* The next one that has ended, or NULL after TIMEOUT_MS or a signal. */
struct http_exchange *http_wait(struct http *http, int timeout_ms);
/* Frees what the exchange holds; cuts it if it is under way. */
void http_exchange_done(struct http *http, struct http_exchange *exchange);

#endif
