/* SPDX-License-Identifier: MIT */
/*
 * Channels tried without sending anything: a connection with all that the sender asks of one (certificate,
 * host name, log-in), and then no request. Blocking: for `bmad check --connect`.
 */
#include "send/channel.h"

#include <string.h>
#include <strings.h>

#include "conf/options.h"
#include "net/transport.h"
#include "send/channels.h"
#include "send/wire_mail.h"

struct attempt {
	CURL *easy;
	struct mail_talk mail;
	bool refused_address;
	char text[CURL_ERROR_SIZE];
};

static void attempt_done(struct attempt *attempt)
{
	if (attempt->easy)
		curl_easy_cleanup(attempt->easy);
	mail_talk_done(&attempt->mail);
}

static size_t take_reply(char *bytes, size_t size, size_t count, void *arg)
{
	mail_talk_reply(arg, bytes, size * count);
	return size * count;
}

#define SET(option, value) (failed = failed || curl_easy_setopt(attempt->easy, (option), (value)) != CURLE_OK)

static bool set_mail(struct attempt *attempt, const struct probe *probe)
{
	struct wire_request request = {
	    .url = probe->url,
	    .username = probe->username,
	    .password = probe->password,
	    .starttls = probe->starttls,
	};
	bool failed = false;

	SET(CURLOPT_HEADERFUNCTION, take_reply);
	SET(CURLOPT_HEADERDATA, &attempt->mail);
	return !failed && mail_talk_set(attempt->easy, &request, &attempt->mail);
}

static bool set_http(struct attempt *attempt, const struct probe *probe)
{
	bool failed = false;

	SET(CURLOPT_URL, probe->url);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	return !failed;
}

static bool is_mail(const char *url)
{
	return !strncasecmp(url, "smtp", 4);
}

static struct err *refusal(const struct attempt *attempt, CURLcode code, struct arena *arena)
{
	const char *said = answer_excerpt(
	    buf_text(&attempt->mail.reply), attempt->mail.reply.length, sizeof(attempt->text), arena);

	if (attempt->refused_address)
		return ERR(ERR_PERMANENT, "the host has a link-local address, where nothing is sent");
	if (code == CURLE_USE_SSL_FAILED)
		return ERR(ERR_PERMANENT, "the server offers no TLS (STARTTLS)");
	if (attempt->mail.code >= 400)
		return ERR(ERR_PERMANENT, "SMTP %s", said);
	return ERR(ERR_TEMPORARY, "%s", *attempt->text ? attempt->text : curl_easy_strerror(code));
}

static struct err *connect_once(const struct probe *probe, const struct transport_limits *limits,
    struct attempt *attempt, struct arena *arena)
{
	bool mail = is_mail(probe->url), failed = false;
	const char *protocols = mail                                  ? "smtp,smtps"
	                        : strncasecmp(probe->url, "http:", 5) ? "https"
	                                                              : "https,http";
	size_t sent;

	SET(CURLOPT_ERRORBUFFER, attempt->text);
	if (failed || !transport_set(attempt->easy, limits, protocols, &attempt->refused_address) ||
	    !(mail ? set_mail(attempt, probe) : set_http(attempt, probe)))
		return ERR(ERR_TEMPORARY, "libcurl takes no request");
	CURLcode code = curl_easy_perform(attempt->easy);
	if (code != CURLE_OK)
		return refusal(attempt, code, arena);
	if (mail)
		(void)curl_easy_send(attempt->easy, "QUIT\r\n", 6, &sent);
	/* libcurl goes on without a log-in where there is no way to make one. */
	if (probe->username && !attempt->mail.takes_login)
		return ERR(ERR_PERMANENT, "the server offers no log-in");
	return NULL;
}

static struct err *connect_to(
    const struct conf_channel *channel, const struct probe *probe, int64_t timeout_ms, struct arena *arena)
{
	cleanup(attempt_done) struct attempt attempt = {.easy = curl_easy_init()};
	struct transport_limits limits = {
	    .timeout_ms = timeout_ms,
	    .ca_file = channel->ca_file,
	    .proxy = channel->proxy,
	};

	if (is_mail(probe->url))
		PASS(channel_check_mail_url(probe->url));
	else
		PASS(channel_check_url(probe->url, channel->allow_http));
	return attempt.easy ? connect_once(probe, &limits, &attempt, arena)
	                    : ERR(ERR_TEMPORARY, "libcurl has no memory");
}

/* The type's own word, else the option that every HTTP type has for where it posts. */
static struct err *ask_type(const struct conf_channel *channel, struct probe *out)
{
	static const char *const names[] = {"url", "base_url"};
	const char *options = channel->options;

	if (channel->type->probe)
		return channel->type->probe(options, out);
	for (size_t i = 0; i < ARRAY_SIZE(names) && channel->type->options && !out->url; i++) {
		const struct option *option = option_find(channel->type->options, names[i]);

		if (option && option->type == OPT_SECRET)
			out->url = ((const struct secret *)(const void *)(options + option->offset))->hidden;
		else if (option && option->type == OPT_TEXT)
			out->url = *(const char *const *)(const void *)(options + option->offset);
	}
	out->tried = "connects; whether it takes messages only a message shows";
	return NULL;
}

struct err *channel_probe(
    const struct conf_channel *channel, int64_t timeout_ms, struct arena *arena, const char **out_tried)
{
	struct probe probe = {0};

	*out_tried = NULL;
	PASS(ask_type(channel, &probe));
	if (probe.url)
		PASS(connect_to(channel, &probe, timeout_ms, arena));
	if (probe.url || channel->type->probe)
		*out_tried = probe.tried;
	return NULL;
}
