/* SPDX-License-Identifier: MIT */
/* SMTP submission: libcurl's part set up, and the message's own part as a small machine of steps. */
#include "send/wire_mail.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event.h>

#define REPLY_MAX      4096
#define LINE_MAX_BYTES 4096 /* of a reply: the standard's limit is 512 */
#define CHUNK          16384

#define SET(option, value) (failed = failed || curl_easy_setopt(easy, (option), (value)) != CURLE_OK)

/* -- libcurl's part -------------------------------------------------------------------------------------- */

/* The name we give at EHLO: libcurl takes it from the path, and would make one up. */
static char *with_own_name(const char *url)
{
	const char *authority = strstr(url, "://") + 3;
	const char *path = strchr(authority, '/');
	char host[256] = "";

	if (path && path[1])
		return mem_copy(url);
	gethostname(host, sizeof(host) - 1);
	if (!*host || host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")])
		return mem_format("%s%slocalhost", url, path ? "" : "/");
	return mem_format("%s%s%s", url, path ? "" : "/", host);
}

bool mail_talk_set(CURL *easy, const struct wire_request *request, struct mail_talk *talk)
{
	cleanup(free_text) char *url = with_own_name(request->url);
	bool failed = false;

	talk->request = *request;
	talk->easy = easy;
	SET(CURLOPT_URL, url);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_FORBID_REUSE, 0L); /* it would take the connection away from us; nobody else gets it */
	SET(CURLOPT_USE_SSL, request->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	if (!request->username)
		return !failed;
	SET(CURLOPT_USERNAME, request->username);
	SET(CURLOPT_PASSWORD, request->password);
	SET(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	return !failed;
}

/* -- replies --------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* `250-SIZE 1000`, `250 OK`: the last line of a reply has a blank after its number. */
void mail_talk_reply(struct mail_talk *talk, const char *line, size_t length)
{
	if (length < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]))
		return;
	if (talk->reply_ended)
		buf_truncate(&talk->reply, 0);
	if (talk->reply.length + length <= REPLY_MAX)
		buf_add(&talk->reply, line, length);
	if (talk->step == MAIL_LOGIN && length > 8 && !strncasecmp(line + 4, "SIZE", 4))
		talk->takes_size = true;
	if (talk->step == MAIL_LOGIN && length > 8 && !strncasecmp(line + 4, "AUTH", 4))
		talk->takes_login = true;
	talk->reply_ended = length == 3 || line[3] != '-';
	talk->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static void end_talk(struct mail_talk *talk, const char *fault)
{
	event_del(talk->readable);
	event_del(talk->writable);
	event_del(talk->deadline);
	talk->fault = fault;
	talk->done(talk->arg);
}

/* -- what is said, step by step -------------------------------------------------------------------- */

static void say_from(struct mail_talk *talk)
{
	buf_format(&talk->out, "MAIL FROM:<%s>", talk->request.mail_from);
	if (talk->takes_size)
		buf_format(&talk->out, " SIZE=%zu", talk->request.body_length);
	buf_add_text(&talk->out, "\r\n");
}

static void say_to(struct mail_talk *talk)
{
	buf_format(&talk->out, "RCPT TO:<%s>\r\n", talk->request.mail_to.items[talk->recipient]);
}

static void say_data(struct mail_talk *talk)
{
	buf_add_text(&talk->out, "DATA\r\n");
}

/* A line that begins with a dot gets another (RFC 5321, section 4.5.2): one alone would be the end. */
static void say_body(struct mail_talk *talk)
{
	const char *line = talk->request.body, *end = line + talk->request.body_length;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *next = newline ? newline + 1 : end;

		if (*line == '.')
			buf_add_char(&talk->out, '.');
		buf_add(&talk->out, line, (size_t)(next - line));
		line = next;
	}
	if (talk->request.body_length && end[-1] != '\n')
		buf_add_text(&talk->out, "\r\n");
	buf_add_text(&talk->out, ".\r\n");
}

/* What each step says, and the first digit of the reply that leads on. */
static const struct {
	void (*say)(struct mail_talk *talk);
	long wanted;
} steps[] = {
    [MAIL_FROM] = {say_from, 2},
    [MAIL_TO] = {say_to, 2},
    [MAIL_DATA] = {say_data, 3},
    [MAIL_BODY] = {say_body, 2},
};

/* -- the connection -------------------------------------------------------------------------------- */

/* False: the connection is lost, and the talk has ended. */
static bool flush(struct mail_talk *talk)
{
	while (talk->sent < talk->out.length) {
		size_t left = talk->out.length - talk->sent, done = 0;
		size_t chunk = left < CHUNK ? left : CHUNK;

		talk->handed_over = talk->handed_over || (talk->step == MAIL_BODY && chunk == left);
		CURLcode code = curl_easy_send(talk->easy, talk->out.text + talk->sent, chunk, &done);
		if (code == CURLE_AGAIN) {
			event_add(talk->writable, NULL);
			return true;
		}
		if (code != CURLE_OK) {
			end_talk(talk, "the connection was lost while sending");
			return false;
		}
		talk->sent += done;
	}
	return true;
}

static bool say(struct mail_talk *talk, enum mail_step step)
{
	talk->step = step;
	buf_truncate(&talk->out, 0);
	talk->sent = 0;
	talk->reply_ended = true; /* what was said last is over */
	talk->code = 0;
	steps[step].say(talk);
	return flush(talk);
}

/* QUIT is a courtesy: nobody waits for what is said to it. */
static void quit(struct mail_talk *talk)
{
	size_t done;

	(void)curl_easy_send(talk->easy, "QUIT\r\n", 6, &done);
	end_talk(talk, NULL);
}

/* The reply is whole. False: the talk has ended. */
static bool go_on(struct mail_talk *talk)
{
	if (talk->code / 100 != steps[talk->step].wanted || talk->step == MAIL_BODY) {
		quit(talk);
		return false;
	}
	if (talk->step == MAIL_TO && ++talk->recipient < talk->request.mail_to.count)
		return say(talk, MAIL_TO);
	return say(talk, talk->step + 1);
}

/* False: the talk has ended. */
static bool take_byte(struct mail_talk *talk, char byte)
{
	buf_add_char(&talk->line, byte);
	if (talk->line.length > LINE_MAX_BYTES) {
		end_talk(talk, "the server's reply is too long");
		return false;
	}
	if (byte != '\n')
		return true;
	while (talk->line.length && strchr("\r\n", talk->line.text[talk->line.length - 1]))
		buf_truncate(&talk->line, talk->line.length - 1);
	mail_talk_reply(talk, buf_text(&talk->line), talk->line.length);
	buf_truncate(&talk->line, 0);
	return !talk->reply_ended || !talk->code || go_on(talk);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct mail_talk *talk = arg;
	char bytes[2048];
	size_t length = 0;

	(void)fd, (void)what;
	for (;;) {
		CURLcode code = curl_easy_recv(talk->easy, bytes, sizeof(bytes), &length);

		if (code == CURLE_AGAIN)
			return;
		if (code != CURLE_OK || !length) {
			end_talk(talk, "the server closed the connection");
			return;
		}
		for (size_t i = 0; i < length; i++)
			if (!take_byte(talk, bytes[i]))
				return;
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	(void)flush(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	end_talk(arg, "the server did not answer in time");
}

void mail_talk_begin(
    struct mail_talk *talk, struct event_base *base, int64_t left_ms, void (*done)(void *arg), void *arg)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct timeval left = {left_ms > 0 ? left_ms / 1000 : 0, left_ms > 0 ? left_ms % 1000 * 1000 : 1};

	curl_easy_getinfo(talk->easy, CURLINFO_ACTIVESOCKET, &fd);
	talk->done = done;
	talk->arg = arg;
	talk->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, talk);
	talk->writable = event_new(base, fd, EV_WRITE, on_writable, talk);
	talk->deadline = evtimer_new(base, on_deadline, talk);
	event_add(talk->readable, NULL);
	event_add(talk->deadline, &left);
	(void)say(talk, MAIL_FROM);
}

/* -- the end --------------------------------------------------------------------------------------- */

void mail_talk_answer(const struct mail_talk *talk, CURLcode code, struct wire_answer *out)
{
	bool no_tls = code == CURLE_USE_SSL_FAILED;
	bool at_end = talk->step == MAIL_BODY && !talk->fault && code == CURLE_OK;
	bool refused = talk->code >= 400 && !no_tls;

	/* A number in between is none of the message: the server went away before it said more. */
	out->status = talk->reply_ended && (at_end || refused) ? talk->code : 0;
	out->request_sent = talk->handed_over;
	out->greeted = talk->step != MAIL_LOGIN;
	out->complete = out->status != 0;
	if (talk->fault)
		out->fault = talk->fault;
	if (no_tls) { /* perhaps somebody in between hides it: nothing that a message should die of */
		out->certificate = true;
		out->fault = "the server offers no TLS (STARTTLS)";
	}
	if (out->status) {
		out->body = buf_text(&talk->reply);
		out->body_length = talk->reply.length;
	}
	if (code == CURLE_LOGIN_DENIED && !out->status)
		out->fault = "the server offers no way to log in that we have (PLAIN, LOGIN)";
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void mail_talk_done(struct mail_talk *talk)
{
	free_event(talk->readable);
	free_event(talk->writable);
	free_event(talk->deadline);
	buf_done(&talk->out);
	buf_done(&talk->line);
	buf_done(&talk->reply);
}
