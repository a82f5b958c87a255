/* SPDX-License-Identifier: MIT */
/* A document that a run reads: from a URL with one plain GET, or from a file. */
#include <string.h>

#include "base/file.h"
#include "conf/path.h"
#include "daemon/child.h"
#include "source/http.h"
#include "worker/inside.h"

#define FETCH_MS 60000
#define LOOK_MS  200
#define FILE_MAX (64 * 1024 * 1024)

static struct err *await(const struct run *run, struct http *http, struct http_exchange *exchange)
{
	while (!http_wait(http, LOOK_MS))
		PASS(run_check(run));
	struct err *fault = exchange->fault;
	exchange->fault = NULL;
	return fault;
}

static struct err *take_answer(
    struct run *run, const struct http_exchange *exchange, const char **out_text, size_t *out_length)
{
	if (exchange->status != 200)
		return ERR(
		    exchange->status >= 500 ? ERR_TEMPORARY : ERR_PERMANENT, "HTTP %ld", exchange->status);
	*out_text = arena_copy_n(&run->arena, buf_text(&exchange->body), exchange->body.length);
	*out_length = exchange->body.length;
	return NULL;
}

struct err *run_fetch(struct run *run, const char *url, const char **out_text, size_t *out_length)
{
	const struct api_request request = {.method = "GET", .url = url};
	int64_t left_ms = run->deadline.ms - mono_now().ms;
	struct http_exchange exchange = {
	    .request = &request,
	    .limits.timeout_ms = left_ms < 1          ? 1
	                         : left_ms < FETCH_MS ? left_ms
	                                              : FETCH_MS,
	    .wall_s = wall_ms() / 1000,
	};

	PASS(run_check(run));
	struct http *http = http_create();
	struct err *e = http_start(http, &exchange);
	if (!e)
		e = await(run, http, &exchange);
	if (!e)
		e = take_answer(run, &exchange, out_text, out_length);
	http_exchange_done(http, &exchange);
	http_destroy(http);
	return ERR_AT(e, "read %.*s", (int)strcspn(url, "?"), url);
}

struct err *run_read_file(struct run *run, const char *path, const char **out_text, size_t *out_length)
{
	const char *whole = conf_path(run->tools->conf->folder, path, &run->arena);
	cleanup(buf_done) struct buf text = {0};

	TRY(file_read(whole, FILE_MAX, &text), "read %s", whole);
	*out_text = arena_copy_n(&run->arena, buf_text(&text), text.length);
	*out_length = text.length;
	return NULL;
}
