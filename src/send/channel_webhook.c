/* SPDX-License-Identifier: MIT */
/*
 * Channel `webhook`: any HTTP receiver of JSON, a form or text, as its Content-Type says; signed as Standard
 * Webhooks when it has a secret.
 */
#include "send/channels.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "send/form.h"

#define SECRET_MIN  8 /* a shorter header value is a word, not a token */
#define HEADERS_OWN 5 /* Content-Type, Idempotency-Key and the three of a signature */

enum body { BODY_ENVELOPE, BODY_DATA };
static const char *const body_choices[] = {"envelope", "data", NULL};

struct webhook_options {
	struct secret url;
	const char *method;
	const struct json *headers;
	struct texts secret;
	int body;
	struct texts success;
	const struct json *success_json;
	const struct json *fatal_json;
	const char *idempotency_header;
	const char *id_json;
};

static const struct option options_table[] = {
    OPTION(
        struct webhook_options, url, OPT_SECRET, .required = true, .help = "where the messages are posted"),
    OPTION(struct webhook_options, method, OPT_TEXT, .fallback = "POST", .help = "POST, PUT or PATCH"),
    OPTION(struct webhook_options, headers, OPT_MAP,
        .help = "further header fields, name: value; a Content-Type of application/x-www-form-urlencoded or "
                "text/... makes a form or plain text of the body"),
    OPTION(struct webhook_options, secret, OPT_SECRETS,
        .help = "whsec_... keys that sign each message (Standard Webhooks); several while they change"),
    OPTION(struct webhook_options, body, OPT_CHOICE, .choices = body_choices, .fallback = "envelope",
        .help = "without a template: {id, type, job, slot, data}, or the data object itself"),
    OPTION(struct webhook_options, success, OPT_INTS,
        .help = "statuses that mean delivered; default 200 to 299"),
    OPTION(struct webhook_options, success_json, OPT_MAP,
        .help = "JSON pointers into the answer and the value each must have: {/status: ok}"),
    OPTION(struct webhook_options, fatal_json, OPT_MAP,
        .help = "JSON pointers and values that mean this message is refused for good"),
    OPTION(struct webhook_options, idempotency_header, OPT_TEXT, .fallback = "Idempotency-Key",
        .help = "field that carries the message id, the same for every attempt; empty: none"),
    OPTION(struct webhook_options, id_json, OPT_TEXT,
        .help = "JSON pointer to the receiver's own id in the answer"),
    OPTION_END,
};

/* -- check ------------------------------------------------------------------------------------------- */

static bool is_token(const char *text)
{
	return *text && !text[strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

/* Printable ASCII and tabs: what every server takes, and nothing that could end the field. */
static bool is_field_value(const char *text)
{
	for (; *text; text++)
		if ((*text < ' ' && *text != '\t') || *text == 127)
			return false;
	return true;
}

/* Fields that would contradict what the sender writes itself. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {
	    "Content-Length", "Transfer-Encoding", "Host", "Connection", "Expect"};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcasecmp(name, ours[i]))
			return true;
	return false;
}

static struct err *check_headers(const struct json *headers)
{
	if (json_length(headers) > ARRAY_SIZE(((struct wire_request *)0)->headers) - HEADERS_OWN)
		return ERR(ERR_CONFIG, "headers: at most %zu",
		    ARRAY_SIZE(((struct wire_request *)0)->headers) - HEADERS_OWN);
	json_each(field, headers) {
		if (!is_token(json_key(field)) || is_ours(json_key(field)))
			return ERR(ERR_CONFIG, "headers: `%s` cannot be set", json_key(field));
		if (!json_text(field) || !is_field_value(json_text(field)))
			return ERR(ERR_CONFIG, "headers: the value of `%s` must be text in one line",
			    json_key(field));
	}
	return NULL;
}

static struct err *check_pointers(const char *option, const struct json *pointers)
{
	json_each(entry, pointers)
		if (*json_key(entry) && *json_key(entry) != '/')
			return ERR(ERR_CONFIG, "%s: `%s` is no JSON pointer, it must begin with `/`", option,
			    json_key(entry));
	return NULL;
}

static struct err *webhook_check(const struct conf_channel *channel, const void *options)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};
	const struct webhook_options *o = options;
	bool known = false;

	PASS(check_url_option(o->url, channel->allow_http));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		known = known || !strcmp(o->method, methods[i]);
	if (!known)
		return ERR(ERR_CONFIG, "method: must be POST, PUT or PATCH");
	if (*o->idempotency_header && !is_token(o->idempotency_header))
		return ERR(ERR_CONFIG, "idempotency_header: `%s` is no field name", o->idempotency_header);
	if (o->id_json && *o->id_json != '/')
		return ERR(ERR_CONFIG, "id_json: a JSON pointer begins with `/`");
	PASS(check_headers(o->headers));
	PASS(check_pointers("success_json", o->success_json));
	return check_pointers("fatal_json", o->fatal_json);
}

/* Many gateways answer 200 to everything and tell of errors in the body. */
static const char *webhook_advise(const struct conf_channel *channel, const void *options)
{
	const struct webhook_options *o = options;

	(void)channel;
	if (o->body != BODY_DATA || json_length(o->success_json) || json_length(o->fatal_json))
		return NULL;
	return "success_json: is not set; if the gateway answers 200 with an error in the body, the message "
	       "counts as delivered";
}

/* A field may hold a token. A receiver that echoes it must not bring it into our log. */
static void webhook_secrets(const void *options, void (*add)(const char *secret))
{
	const struct webhook_options *o = options;

	json_each(field, o->headers)
		if (json_text(field) && strlen(json_text(field)) >= SECRET_MIN)
			add(json_text(field));
}

/* -- compose ----------------------------------------------------------------------------------------- */

static void add_header(struct wire_request *request, const char *name, const char *value)
{
	request->headers[request->header_count++] = (struct header){name, value};
}

static const char *header_value(const struct json *headers, const char *name)
{
	json_each(field, headers)
		if (!strcasecmp(json_key(field), name))
			return json_text(field);
	return NULL;
}

/* The members as fields: texts as they are, null as nothing, anything else as JSON. */
static void add_form(struct buf *out, const struct json *object)
{
	json_each(member, object) {
		const char *text = json_text(member);
		cleanup(free_text) char *printed =
		    text || json_type(member) == JSON_NULL ? NULL : json_print(member);
		const char *value = text ? text : printed ? printed : "";

		form_add(out, json_key(member), value, strlen(value));
	}
}

/* The text of a payload: itself if it is one, else its `text`, as envelopes have it; else the JSON. */
static void add_plain(struct buf *out, const struct json *value, const struct outgoing *message)
{
	const char *text = json_text(json_is(value, JSON_STRING) ? value : json_get(value, "text"));

	if (text)
		buf_add_text(out, text);
	else
		buf_add(out, message->payload, message->payload_length);
}

static struct err *convert(const char *content_type, const struct outgoing *message, struct arena *arena,
    struct wire_request *request)
{
	bool form = content_type && !strncasecmp(content_type, "application/x-www-form-urlencoded", 33);
	bool plain = content_type && !strncasecmp(content_type, "text/", 5);
	cleanup(buf_done) struct buf body = {0};
	struct json *value;

	if (!form && !plain)
		return NULL;
	TRY(json_parse(message->payload, message->payload_length, &value), "read the payload");
	if (form)
		add_form(&body, value);
	else
		add_plain(&body, value, message);
	json_destroy(value);
	request->body = arena_copy_n(arena, buf_text(&body), body.length);
	request->body_length = body.length;
	return NULL;
}

static struct err *sign(const struct webhook_options *o, const struct outgoing *message, int64_t now,
    struct arena *arena, struct wire_request *request)
{
	const char *signature;

	PASS(webhook_signature(
	    &o->secret, message->id, now, request->body, request->body_length, arena, &signature));
	add_header(request, "webhook-id", message->id);
	add_header(request, "webhook-timestamp", arena_format(arena, "%lld", (long long)now));
	add_header(request, "webhook-signature", signature);
	return NULL;
}

static struct err *webhook_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct webhook_options *o = options;
	struct wire_request request = {
	    .method = o->method,
	    .url = o->url.hidden,
	    .body = message->payload,
	    .body_length = message->payload_length,
	};

	/* Once more: what was a reference when the configuration was checked is known only now. */
	PASS(webhook_check(channel, options));
	if (!header_value(o->headers, "Content-Type"))
		add_header(&request, "Content-Type", message->content_type);
	PASS(convert(header_value(o->headers, "Content-Type"), message, arena, &request));
	if (*o->idempotency_header)
		add_header(&request, o->idempotency_header, arena_format(arena, "\"%s\"", message->id));
	if (o->secret.count)
		PASS(sign(o, message, now, arena, &request));
	json_each(field, o->headers)
		add_header(&request, json_key(field), json_text(field));
	*out_request = request;
	return NULL;
}

/* -- classify ---------------------------------------------------------------------------------------- */

static bool is_success(const struct webhook_options *o, long status)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", status);
	for (size_t i = 0; i < o->success.count; i++)
		if (!strcmp(o->success.items[i], text))
			return true;
	return !o->success.count && status >= 200 && status <= 299;
}

/* WANTED is a value, or a list of values one of which will do. */
static bool matches(const struct json *found, const struct json *wanted)
{
	if (!json_is(wanted, JSON_ARRAY))
		return found && json_equal(found, wanted);
	json_each(one, wanted)
		if (found && json_equal(found, one))
			return true;
	return false;
}

static bool any_matches(const struct json *answer, const struct json *pointers)
{
	json_each(entry, pointers)
		if (matches(json_pointer(answer, json_key(entry)), entry))
			return true;
	return false;
}

static bool all_match(const struct json *answer, const struct json *pointers)
{
	json_each(entry, pointers)
		if (!matches(json_pointer(answer, json_key(entry)), entry))
			return false;
	return true;
}

static const char *id_in(const struct json *value, const char *pointer, struct arena *arena)
{
	const struct json *id = pointer ? json_pointer(value, pointer) : NULL;
	cleanup(free_text) char *printed = NULL;

	if (json_text(id))
		return arena_copy(arena, json_text(id));
	if (!json_is(id, JSON_NUMBER))
		return NULL;
	printed = json_print(id);
	return arena_copy(arena, printed);
}

static void read_body(const struct webhook_options *o, const struct wire_answer *answer, struct arena *arena,
    struct classification *out)
{
	struct json *value = answer_json(answer);
	bool judged = answer->complete && json_length(o->success_json) > 0;

	if (value && any_matches(value, o->fatal_json))
		out->verdict = VERDICT_REJECTED;
	else if (out->verdict == VERDICT_DELIVERED && judged && !all_match(value, o->success_json))
		out->verdict = VERDICT_LATER;
	else
		out->provider_id = id_in(value, o->id_json, arena);
	json_destroy(value);
}

static void webhook_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	const struct webhook_options *o = options;

	classify_http(channel, answer, arena, out);
	if (!answer->status)
		return;
	if (is_success(o, answer->status))
		out->verdict = VERDICT_DELIVERED;
	else if (out->verdict == VERDICT_DELIVERED)
		out->verdict = VERDICT_REJECTED; /* a 2xx that `success` does not name */
	read_body(o, answer, arena, out);
}

const struct channel_type channel_webhook = {
    .name = "webhook",
    .summary = "posts the message to any HTTP receiver",
    .format = "json",
    .content_type = "application/json",
    .options = options_table,
    .options_size = sizeof(struct webhook_options),
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = webhook_check,
    .advise = webhook_advise,
    .secrets = webhook_secrets,
    .compose = webhook_compose,
    .classify = webhook_classify,
};
