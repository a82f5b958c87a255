/* SPDX-License-Identifier: MIT */
/*
 * Channel `pagerduty`: Events API v2. The event is rendered whole, with its `event_action` and `dedup_key`
 * (a message that clears resolves what those with the same `alert` triggered); only the key that names the
 * service is added here, for it is a secret.
 */
#include "send/channels.h"

#include <string.h>
#include <strings.h>

#include <bmad/json.h>

struct pagerduty_options {
	struct secret routing_key;
	const char *source;
	const char *base_url;
};

static const struct option options_table[] = {
    OPTION(struct pagerduty_options, routing_key, OPT_SECRET, .required = true,
        .help = "the integration key of the service"),
    OPTION(struct pagerduty_options, source, OPT_TEXT,
        .help = "what events say they come from; default: the name of this host"),
    OPTION(struct pagerduty_options, base_url, OPT_TEXT, .fallback = "https://events.pagerduty.com/v2",
        .help = "where the API is; https://events.eu.pagerduty.com/v2 for accounts in Europe"),
    OPTION_END,
};

static struct err *pagerduty_check(const struct conf_channel *channel, const void *options)
{
	const struct pagerduty_options *o = options;

	if (strstr(o->base_url, "${"))
		return NULL;
	return ERR_AT(channel_check_url(o->base_url, channel->allow_http), "base_url");
}

/* A host of PagerDuty's alone means its API of today. */
static const char *event_url(const char *base, struct arena *arena)
{
	static const char host[] = "pagerduty.com";
	size_t length = strlen(base);

	while (length && base[length - 1] == '/')
		length--;
	bool bare = length >= strlen(host) && !strncasecmp(base + length - strlen(host), host, strlen(host));
	return arena_format(arena, "%.*s%s/enqueue", (int)length, base, bare ? "/v2" : "");
}

static struct err *pagerduty_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct pagerduty_options *o = options;
	cleanup(free_text) char *body = NULL;
	struct json *event;

	(void)now;
	PASS(pagerduty_check(channel, options));
	TRY(json_parse(message->payload, message->payload_length, &event), "read the event");
	json_set_string(event, "routing_key", o->routing_key.hidden);
	if (o->source && json_is(json_get(event, "payload"), JSON_OBJECT)) {
		struct json *payload = json_copy(json_get(event, "payload"));

		json_set_string(payload, "source", o->source);
		json_set(event, "payload", payload);
	}
	body = json_print(event);
	json_destroy(event);
	*out_request = post_json(message, event_url(o->base_url, arena));
	out_request->body = arena_copy(arena, body);
	out_request->body_length = strlen(body);
	return NULL;
}

/* 202 with `status: success`; anything else in a 2xx is an event that was not taken. */
static void pagerduty_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	struct json *body = answer_json(answer);
	const char *status = json_text(json_get(body, "status")),
	           *key = json_text(json_get(body, "dedup_key"));

	(void)options;
	classify_http(channel, answer, arena, out);
	if (is_2xx(answer) && key)
		out->provider_id = arena_copy(arena, key);
	if (is_2xx(answer) && answer->complete && !answer_is(answer, "") &&
	    (!status || strcmp(status, "success")))
		out->verdict = status && !strcmp(status, "invalid event") ? VERDICT_REJECTED : VERDICT_LATER;
	json_destroy(body);
}

const struct channel_type channel_pagerduty = {
    .name = "pagerduty",
    .summary = "triggers and resolves alerts by PagerDuty's Events API v2",
    .format = "json",
    .content_type = "application/json",
    .options = options_table,
    .options_size = sizeof(struct pagerduty_options),
    .rate = "120/60s",
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = pagerduty_check,
    .compose = pagerduty_compose,
    .classify = pagerduty_classify,
};
