/* SPDX-License-Identifier: MIT */
/* libcurl multi on libevent; one struct attempt per request. */
#include "send/wire.h"

#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "base/buf.h"
#include "daemon/child.h"
#include "net/transport.h"
#include "send/retry_after.h"
#include "send/wire_mail.h"

#define BODY_MAX    (64 * 1024) /* of an answer: reading goes no further */
#define HEADERS_MAX (128 * 1024)

struct attempt {
	LIST_ENTRY(attempt) link;
	struct wire *wire;
	void *token;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	size_t header_bytes;
	bool head_complete, body_cut, headers_cut, refused_address, repeated;
	int begun; /* how often libcurl was about to send the request */
	bool is_mail;
	struct mail_talk mail;
	struct mono deadline;
	char fault[CURL_ERROR_SIZE];
};

struct wire {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	wire_done_function *on_done;
	void *arg;
	LIST_HEAD(, attempt) attempts;
};

/* -- libcurl's sockets and timer in libevent ------------------------------------------------------------ */

/* Finished handles are removed here, outside libcurl's callbacks, where freeing one would crash it. */
static void finish_attempts(struct wire *wire);

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct wire *wire = arg;
	int action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(wire->multi, fd, action, &running);
	finish_attempts(wire);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wire *wire = arg;
	int running;

	(void)fd, (void)what;
	curl_multi_socket_action(wire->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_attempts(wire);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct wire *wire = arg;
	struct event *event = socket_arg;
	short wanted = EV_PERSIST;

	(void)easy;
	if (event)
		event_free(event);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(wire->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		wanted |= EV_READ;
	if (what & CURL_POLL_OUT)
		wanted |= EV_WRITE;
	event = event_new(wire->base, fd, wanted, on_socket, wire);
	curl_multi_assign(wire->multi, fd, event);
	return event && !event_add(event, NULL) ? 0 : -1;
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct wire *wire = arg;
	struct timeval delay = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	(void)multi;
	if (timeout_ms < 0)
		evtimer_del(wire->timer);
	else
		evtimer_add(wire->timer, &delay);
	return 0;
}

/* -- what libcurl asks while an attempt goes on ---------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct attempt *attempt = arg;
	size_t length = size * count;
	size_t room = BODY_MAX - attempt->body.length;

	buf_add(&attempt->body, bytes, length < room ? length : room);
	if (length <= room)
		return length;
	attempt->body_cut = true;
	return 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct attempt *attempt = arg;

	/* An interim answer (100, 103) has a head of its own, so this goes to and fro; trailers come after.
	 */
	if (size * count >= 5 && !memcmp(bytes, "HTTP/", 5))
		attempt->head_complete = false;
	else if (size * count <= 2 && (*bytes == '\r' || *bytes == '\n'))
		attempt->head_complete = true;
	attempt->header_bytes += size * count;
	if (attempt->header_bytes <= HEADERS_MAX)
		return size * count;
	attempt->headers_cut = true;
	return 0;
}

static size_t take_reply(char *bytes, size_t size, size_t count, void *arg)
{
	struct attempt *attempt = arg;

	mail_talk_reply(&attempt->mail, bytes, size * count);
	return size * count;
}

/*
 * Called when the request is about to go out. The second time in one attempt libcurl found a kept
 * connection closed after the request went over it, and would send it anew: whether the first arrived is
 * not known, so that is not its decision.
 */
static int about_to_send(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct attempt *attempt = arg;

	(void)remote, (void)local, (void)remote_port, (void)local_port;
	if (++attempt->begun == 1)
		return CURL_PREREQFUNC_OK;
	attempt->repeated = true;
	return CURL_PREREQFUNC_ABORT;
}

/* -- an attempt from start to end ------------------------------------------------------------------ */

static void attempt_destroy(struct attempt *attempt)
{
	LIST_REMOVE(attempt, link);
	mail_talk_done(&attempt->mail);
	if (attempt->easy)
		curl_easy_cleanup(attempt->easy);
	curl_slist_free_all(attempt->headers);
	buf_done(&attempt->body);
	free(attempt);
}

static void add_header(struct attempt *attempt, const char *name, const char *value)
{
	/* libcurl takes "Name;" for a field without value; "Name:" would remove it. */
	cleanup(free_text) char *line = *value ? mem_format("%s: %s", name, value) : mem_format("%s;", name);
	struct curl_slist *headers = curl_slist_append(attempt->headers, line);

	if (headers)
		attempt->headers = headers;
}

#define SET(option, value) (failed = failed || curl_easy_setopt(attempt->easy, (option), (value)) != CURLE_OK)

static bool set_request(struct attempt *attempt, const struct wire_request *request)
{
	bool failed = false;

	if (attempt->is_mail)
		return mail_talk_set(attempt->easy, request, &attempt->mail);
	for (size_t i = 0; i < request->header_count; i++)
		add_header(attempt, request->headers[i].name, request->headers[i].value);
	add_header(attempt, "Accept", "*/*");
	attempt->headers = curl_slist_append(attempt->headers, "Expect:");
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_CUSTOMREQUEST, request->method);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
	SET(CURLOPT_POSTFIELDS, request->body_length ? request->body : "");
	SET(CURLOPT_HTTPHEADER, attempt->headers);
	SET(CURLOPT_USERAGENT, "bmad/" BMAD_VERSION);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	return !failed;
}

static bool set_limits(struct attempt *attempt, const struct wire_limits *limits, const char *url)
{
	struct transport_limits all = {
	    .timeout_ms = limits->timeout_ms,
	    .ca_file = limits->ca_file,
	    .proxy = limits->proxy,
	    .fresh = limits->fresh || attempt->is_mail,
	};
	const char *protocols = strncasecmp(url, "http:", 5) ? "https" : "https,http";

	return transport_set(
	    attempt->easy, &all, attempt->is_mail ? "smtp,smtps" : protocols, &attempt->refused_address);
}

static bool set_callbacks(struct attempt *attempt)
{
	bool failed = false;

	SET(CURLOPT_PRIVATE, attempt);
	SET(CURLOPT_ERRORBUFFER, attempt->fault);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, attempt);
	SET(CURLOPT_HEADERFUNCTION, attempt->is_mail ? take_reply : take_header);
	SET(CURLOPT_HEADERDATA, attempt);
	SET(CURLOPT_PREREQFUNCTION, about_to_send);
	SET(CURLOPT_PREREQDATA, attempt);
	return !failed;
}

struct err *wire_send(
    struct wire *wire, const struct wire_request *request, const struct wire_limits *limits, void *token)
{
	struct attempt *attempt;

	/* The host is loopback or allow_http is set, else the scheme would not be http. */
	if (request->mail_to.count)
		PASS(channel_check_mail_url(request->url));
	else
		PASS(channel_check_url(request->url, limits->allow_http));
	attempt = mem_alloc(sizeof(*attempt));
	attempt->wire = wire;
	attempt->token = token;
	attempt->is_mail = request->mail_to.count > 0;
	attempt->deadline = (struct mono){mono_now().ms + limits->timeout_ms};
	attempt->easy = curl_easy_init();
	LIST_INSERT_HEAD(&wire->attempts, attempt, link);
	if (attempt->easy && set_callbacks(attempt) && set_limits(attempt, limits, request->url) &&
	    set_request(attempt, request) && curl_multi_add_handle(wire->multi, attempt->easy) == CURLM_OK)
		return NULL;
	attempt_destroy(attempt);
	return ERR(ERR_TEMPORARY, "libcurl takes no request");
}

/* -- what came back -------------------------------------------------------------------------------- */

static const char *fault_text(const struct attempt *attempt, CURLcode code)
{
	if (attempt->refused_address)
		return "the host has a link-local address, where nothing is sent";
	if (attempt->headers_cut)
		return "the answer's header is too long";
	if (attempt->repeated)
		return "the connection was closed before an answer";
	return *attempt->fault ? attempt->fault : curl_easy_strerror(code);
}

/* The value of a field, a copy: libcurl has one place for what it returns. NULL: there is none. */
static char *field(CURL *easy, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return mem_copy(header->value);
}

static int64_t asked_wait_ms(CURL *easy)
{
	cleanup(free_text) char *value = field(easy, "Retry-After");

	if (!value) /* most have none: spare the search for the other */
		return -1;
	cleanup(free_text) char *date = field(easy, "Date");
	return retry_after_ms(value, date, wall_ms() / 1000);
}

/* Discord tells in seconds with decimals how long nothing is left; others in whole ones, or when it ends. */
static int64_t used_up_ms(CURL *easy)
{
	cleanup(free_text) char *left = field(easy, "X-RateLimit-Remaining");
	cleanup(free_text) char *after = field(easy, "X-RateLimit-Reset-After");
	cleanup(free_text) char *reset = field(easy, "X-RateLimit-Reset");

	return rate_limit_wait_ms(left, after, reset, wall_ms());
}

static void read_answer(const struct attempt *attempt, CURLcode code, struct wire_answer *out)
{
	long status = 0;

	curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
	/* After an interim answer the real one never came; a head that was cut off is no answer. */
	if (status < 200 || attempt->repeated || !attempt->head_complete)
		status = 0;
	*out = (struct wire_answer){
	    .status = status,
	    .body = buf_text(&attempt->body),
	    .body_length = attempt->body.length,
	    .complete = code == CURLE_OK,
	    .request_sent = attempt->begun > 0,
	    .fault = code == CURLE_OK || attempt->body_cut ? NULL : fault_text(attempt, code),
	    .certificate = transport_is_certificate_fault(code),
	    .retry_after_ms = status ? asked_wait_ms(attempt->easy) : -1,
	    .used_up_ms = status ? used_up_ms(attempt->easy) : -1,
	};
	if (attempt->is_mail)
		mail_talk_answer(&attempt->mail, code, out);
}

static void finish(struct wire *wire, struct attempt *attempt, CURLcode code)
{
	struct wire_answer answer;

	curl_multi_remove_handle(wire->multi, attempt->easy);
	read_answer(attempt, code, &answer);
	wire->on_done(wire->arg, attempt->token, &answer);
	attempt_destroy(attempt);
}

static void on_talk_done(void *arg)
{
	struct attempt *attempt = arg;

	finish(attempt->wire, attempt, CURLE_OK);
}

/* Of mail libcurl does the first half only. */
static void end_transfer(struct wire *wire, struct attempt *attempt, CURLcode code)
{
	if (attempt->is_mail && code == CURLE_OK)
		mail_talk_begin(
		    &attempt->mail, wire->base, attempt->deadline.ms - mono_now().ms, on_talk_done, attempt);
	else
		finish(wire, attempt, code);
}

static void finish_attempts(struct wire *wire)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(wire->multi, &left))) {
		CURLcode code = message->data.result; /* the message dies with the handle's removal */
		char *attempt = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &attempt);
		end_transfer(wire, (struct attempt *)(void *)attempt, code);
	}
}

/* -- the wire as a whole --------------------------------------------------------------------------- */

struct wire *wire_create(struct event_base *base, wire_done_function *on_done, void *arg)
{
	struct wire *wire = mem_alloc(sizeof(*wire));

	wire->base = base;
	wire->on_done = on_done;
	wire->arg = arg;
	LIST_INIT(&wire->attempts);
	wire->timer = evtimer_new(base, on_timer, wire);
	wire->multi = curl_multi_init();
	curl_multi_setopt(wire->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(wire->multi, CURLMOPT_SOCKETDATA, wire);
	curl_multi_setopt(wire->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(wire->multi, CURLMOPT_TIMERDATA, wire);
	curl_multi_setopt(wire->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)WIRE_MAX);
	curl_multi_setopt(wire->multi, CURLMOPT_MAXCONNECTS, (long)WIRE_MAX);
	curl_multi_setopt(wire->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return wire;
}

void wire_destroy(struct wire *wire)
{
	if (!wire)
		return;
	while (!LIST_EMPTY(&wire->attempts)) {
		struct attempt *attempt = LIST_FIRST(&wire->attempts);

		curl_multi_remove_handle(wire->multi, attempt->easy);
		attempt_destroy(attempt);
	}
	curl_multi_cleanup(wire->multi);
	event_free(wire->timer);
	free(wire);
}
