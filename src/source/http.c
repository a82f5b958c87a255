/* SPDX-License-Identifier: MIT */
/* Exchanges on libcurl's multi handle, waited for by poll. */
#include "source/http.h"

#include <string.h>

#include "base/mem.h"
#include "send/channel.h"
#include "send/retry_after.h"

#define BODY_MAX  (64 * 1024 * 1024) /* an answer longer than this is refused */
#define FAULT_MAX 200

struct http {
	CURLM *multi;
};

struct http *http_create(void)
{
	struct http *http = mem_alloc(sizeof(*http));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->multi = curl_multi_init();
	if (!http->multi)
		abort(); /* no memory: as mem.h has it */
	return http;
}

void http_destroy(struct http *http)
{
	if (!http)
		return;
	curl_multi_cleanup(http->multi);
	free(http);
}

/* -- what libcurl asks and tells while an exchange goes on ------------------------------------------ */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;

	if (exchange->body.length + size * count > BODY_MAX) {
		exchange->cut = true;
		return 0;
	}
	buf_add(&exchange->body, bytes, size * count);
	return size * count;
}

/* The second time libcurl would repeat a request that a closing connection may have carried: not its to
 * decide. */
static int about_to_send(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct http_exchange *exchange = arg;

	(void)remote, (void)local, (void)remote_port, (void)local_port;
	return exchange->begun++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* -- setting one up --------------------------------------------------------------------------------- */

static bool add_line(struct http_exchange *exchange, const char *line)
{
	struct curl_slist *list = curl_slist_append(exchange->header_list, line);

	if (list)
		exchange->header_list = list;
	return list;
}

static bool add_headers(struct http_exchange *exchange, const struct api_header *header)
{
	for (; header && header->name; header++) {
		cleanup(free_text) char *line = mem_format("%s: %s", header->name, header->value);

		if (strpbrk(line, "\r\n") || !add_line(exchange, line))
			return false;
	}
	return true;
}

static bool set_headers(struct http_exchange *exchange)
{
	const struct api_request *request = exchange->request;
	const struct api_header type[] = {{"Content-Type", request->content_type}, {NULL, NULL}};
	bool set = add_headers(exchange, request->headers) && add_line(exchange, "Expect:");

	for (size_t i = 0; i < ARRAY_SIZE(exchange->headers); i++)
		set = set && add_headers(exchange, exchange->headers[i]);
	return set && (!request->content_type || add_headers(exchange, type)) &&
	       curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->header_list) == CURLE_OK;
}

#define SET(option, value)                                                                                   \
	(failed = failed || curl_easy_setopt(exchange->easy, (option), (value)) != CURLE_OK)

static bool set_request(struct http_exchange *exchange)
{
	const struct api_request *request = exchange->request;
	bool failed = false;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "bmad/" BMAD_VERSION);
	SET(CURLOPT_ACCEPT_ENCODING, "");
	if (request->body) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
		SET(CURLOPT_POSTFIELDS, request->body);
	}
	SET(CURLOPT_CUSTOMREQUEST, request->method);
	return !failed;
}

static bool set_callbacks(struct http_exchange *exchange)
{
	bool failed = false;

	SET(CURLOPT_PRIVATE, exchange);
	SET(CURLOPT_ERRORBUFFER, exchange->text);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, exchange);
	SET(CURLOPT_PREREQFUNCTION, about_to_send);
	SET(CURLOPT_PREREQDATA, exchange);
	return !failed;
}

static bool is_plain(const char *url)
{
	return !strncasecmp(url, "http:", 5);
}

struct err *http_start(struct http *http, struct http_exchange *exchange)
{
	const char *url = exchange->request->url;

	exchange->retry_after_ms = -1;
	PASS(channel_check_url(url, exchange->allow_http));
	exchange->easy = curl_easy_init();
	if (exchange->easy && set_request(exchange) && set_callbacks(exchange) && set_headers(exchange) &&
	    transport_set(exchange->easy, &exchange->limits, is_plain(url) ? "https,http" : "https",
	        &exchange->refused_address) &&
	    curl_multi_add_handle(http->multi, exchange->easy) == CURLM_OK)
		return NULL;
	return ERR(ERR_TEMPORARY, "libcurl takes no request: a header with a line break, or no memory");
}

/* -- how it ended ----------------------------------------------------------------------------------- */

static struct err *fault_of(const struct http_exchange *exchange, CURLcode code)
{
	const char *text = *exchange->text ? exchange->text : curl_easy_strerror(code);

	if (exchange->refused_address)
		return ERR(ERR_CONFIG, "the host has a link-local address, where nothing is sent");
	if (exchange->begun > 1)
		return ERR(ERR_UNCERTAIN, "the connection was closed before an answer");
	if (exchange->cut)
		return ERR(ERR_PERMANENT, "the answer is longer than %d MiB", BODY_MAX >> 20);
	if (transport_is_certificate_fault(code))
		return ERR(ERR_CONFIG, "the server's certificate is not accepted: %.*s", FAULT_MAX, text);
	return ERR(exchange->begun ? ERR_UNCERTAIN : ERR_TEMPORARY, "%.*s", FAULT_MAX, text);
}

static int64_t asked_wait_ms(struct http_exchange *exchange)
{
	struct curl_header *found;
	cleanup(free_text) char *value = NULL, *date = NULL;

	/* libcurl has one place for what it returns: each is copied before the next is asked for. */
	if (curl_easy_header(exchange->easy, "Retry-After", 0, CURLH_HEADER, -1, &found) == CURLHE_OK)
		value = mem_copy(found->value);
	if (curl_easy_header(exchange->easy, "Date", 0, CURLH_HEADER, -1, &found) == CURLHE_OK)
		date = mem_copy(found->value);
	return retry_after_ms(value, date, exchange->wall_s);
}

static void finish(struct http *http, struct http_exchange *exchange, CURLcode code)
{
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
	if (code == CURLE_OK && exchange->status >= 200)
		exchange->retry_after_ms = asked_wait_ms(exchange);
	else
		exchange->fault = fault_of(exchange, code);
	curl_multi_remove_handle(http->multi, exchange->easy);
}

static struct http_exchange *next_ended(struct http *http)
{
	CURLMsg *message;
	char *owner = NULL;
	int left;

	do
		message = curl_multi_info_read(http->multi, &left);
	while (message && message->msg != CURLMSG_DONE);
	if (!message)
		return NULL;
	CURLcode code = message->data.result; /* the message dies with the handle's removal */
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
	struct http_exchange *exchange = (struct http_exchange *)(void *)owner;
	finish(http, exchange, code);
	return exchange;
}

struct http_exchange *http_wait(struct http *http, int timeout_ms)
{
	struct http_exchange *ended = next_ended(http);
	int running;

	if (ended)
		return ended;
	curl_multi_perform(http->multi, &running);
	if ((ended = next_ended(http)))
		return ended;
	curl_multi_poll(http->multi, NULL, 0, timeout_ms, NULL);
	curl_multi_perform(http->multi, &running);
	return next_ended(http);
}

void http_exchange_done(struct http *http, struct http_exchange *exchange)
{
	if (exchange->easy) {
		curl_multi_remove_handle(http->multi, exchange->easy);
		curl_easy_cleanup(exchange->easy);
	}
	curl_slist_free_all(exchange->header_list);
	err_destroy(exchange->fault);
	buf_done(&exchange->body);
	exchange->easy = exchange->header_list = exchange->fault = NULL;
}
