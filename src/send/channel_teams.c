/* SPDX-License-Identifier: MIT */
/* Channel `teams`: a Microsoft Teams workflow ("When a Teams webhook request is received"). */
#include "send/channels.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum payload { PAYLOAD_MESSAGE, PAYLOAD_CARD };
static const char *const payload_choices[] = {"message", "card", NULL};

struct teams_options {
	struct secret url;
	int payload;
	struct texts mention;
};

static const struct option options_table[] = {
    OPTION(struct teams_options, url, OPT_SECRET, .required = true,
        .help = "the whole URL that the workflow shows"),
    OPTION(struct teams_options, payload, OPT_CHOICE, .choices = payload_choices, .fallback = "message",
        .help = "what the workflow takes: a message with the card attached, or the bare card"),
    OPTION(struct teams_options, mention, OPT_TEXTS,
        .help = "people whom each message addresses: object ids or names of accounts (ana@example.com)"),
    OPTION_END,
};

/* -- check ------------------------------------------------------------------------------------------- */

/* Hosts of the Office 365 connectors, retired by Microsoft: they answer, and nobody sees the message. */
static bool is_retired(const char *url)
{
	size_t host_length = strcspn(url + strlen("https://"), ":/?#");
	const char *host = url + strlen("https://");
	static const char *const retired[] = {
	    ".webhook.office.com", "outlook.office.com", "outlook.office365.com"};

	for (size_t i = 0; i < ARRAY_SIZE(retired); i++) {
		size_t length = strlen(retired[i]);

		if (host_length >= length && !strncasecmp(host + host_length - length, retired[i], length))
			return true;
	}
	return false;
}

static struct err *teams_check(const struct conf_channel *channel, const void *options)
{
	const struct teams_options *o = options;

	PASS(check_url_option(o->url, channel->allow_http));
	PASS(check_mentions(&o->mention));
	if (o->url.hidden && !strncasecmp(o->url.hidden, "https://", 8) && is_retired(o->url.hidden))
		return ERR(ERR_CONFIG,
		    "url: is that of an Office 365 connector, which Microsoft has retired; make a "
		    "workflow (\"When a Teams webhook request is received\") and use its URL");
	return NULL;
}

/* -- compose ----------------------------------------------------------------------------------------- */

/* render/limits.c leaves room for it. */
/* clang-format off */
#define ENVELOPE_HEAD                                                                                        \
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.adaptive\"," \
	"\"contentUrl\":null,\"content\":"
#define ENVELOPE_TAIL "}]}"
/* clang-format on */

static const char *wrap(const struct outgoing *message, struct arena *arena, size_t *out_length)
{
	struct buf body = {0};
	const char *text;

	buf_add_text(&body, ENVELOPE_HEAD);
	buf_add(&body, message->payload, message->payload_length);
	buf_add_text(&body, ENVELOPE_TAIL);
	*out_length = body.length;
	text = arena_copy_n(arena, body.text, body.length);
	buf_done(&body);
	return text;
}

static const char *unwrap(const struct json *message, struct arena *arena, size_t *out_length)
{
	const struct json *card = json_pointer(message, "/attachments/0/content");
	char *text = card ? json_print(card) : NULL;
	const char *copy = arena_copy(arena, text);

	free(text);
	*out_length = copy ? strlen(copy) : 0;
	return copy;
}

/* A template may make the card or the whole message; the workflow gets the one it takes. */
static struct err *body_for(
    int payload, const struct outgoing *message, struct arena *arena, struct wire_request *request)
{
	struct json *value;
	const char *type, *body = NULL;
	size_t length = 0;

	TRY(json_parse(message->payload, message->payload_length, &value), "read the card");
	type = json_text(json_get(value, "type"));
	if (type && payload == PAYLOAD_MESSAGE && !strcmp(type, "AdaptiveCard"))
		body = wrap(message, arena, &length);
	else if (type && payload == PAYLOAD_CARD && !strcmp(type, "message"))
		body = unwrap(value, arena, &length);
	json_destroy(value);
	request->body = body ? body : message->payload;
	request->body_length = body ? length : message->payload_length;
	return NULL;
}

static struct err *teams_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct teams_options *o = options;
	struct wire_request request = {.method = "POST", .url = o->url.hidden};

	(void)now;
	PASS(teams_check(channel, options));
	PASS(body_for(o->payload, message, arena, &request));
	request.headers[request.header_count++] = (struct header){"Content-Type", "application/json"};
	*out_request = request;
	return NULL;
}

/* -- classify ---------------------------------------------------------------------------------------- */

/* The status that Teams gave the connector, which passes it on as text: "... HTTP error 429 with ...". */
static long inner_status(const char *body)
{
	const char *found = strstr(body, "HTTP error ");
	long status = 0;

	if (!found)
		return 0;
	for (found += strlen("HTTP error "); isdigit((unsigned char)*found) && status < 1000; found++)
		status = 10 * status + (*found - '0');
	return status;
}

static bool is_success_json(const struct wire_answer *answer)
{
	struct json *value = answer_json(answer);
	bool success = json_is(value, JSON_OBJECT) && !json_get(value, "error");

	json_destroy(value);
	return success;
}

/* 200 with any other text than `1` is no success: connectors wrap the errors of Teams into it. */
static void judge_success_body(
    const struct conf_channel *channel, const struct wire_answer *answer, struct classification *out)
{
	long status;

	if (answer_is(answer, "") || answer_is(answer, "1") || is_success_json(answer))
		return;
	status = inner_status(answer->body);
	out->too_large = status == 413;
	out->verdict = status ? status_verdict(channel, status) : VERDICT_LATER;
	if (out->verdict == VERDICT_DELIVERED || out->verdict == VERDICT_UNCERTAIN)
		out->verdict = VERDICT_LATER;
}

/* The workflow is switched off or gone: no message will pass. */
static const struct said texts[] = {
    {"WorkflowTriggerIsNotEnabled", VERDICT_GONE, false},
    {"WorkflowNotFound", VERDICT_GONE, false},
    {0},
};

static void teams_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	(void)options;
	classify_http(channel, answer, arena, out);
	if (is_2xx(answer) && answer->status != 202 && answer->complete)
		judge_success_body(channel, answer, out);
	else if (answer->status >= 400 && answer->status <= 499)
		judge_as_said(channel, answer->status, said_in(texts, answer->body), out);
}

const struct channel_type channel_teams = {
    .name = "teams",
    .summary = "posts an Adaptive Card to a Microsoft Teams workflow",
    .format = "json",
    .content_type = "application/json",
    .options = options_table,
    .options_size = sizeof(struct teams_options),
    .rate = "4/s, 60/30s",
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = teams_check,
    .compose = teams_compose,
    .classify = teams_classify,
};
