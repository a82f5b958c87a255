/* SPDX-License-Identifier: MIT */
/* Channel `sms`: texts by Twilio's API, or by a gateway that speaks it. */
#include "send/channels.h"

#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include <bmad/json.h>

#include "base/buf.h"
#include "render/gsm.h"
#include "send/form.h"
#include "send/phone.h"

#define VALIDITY_MAX_S INT64_C(36000)  /* the provider's */
#define QUEUE_FULL_MS  INT64_C(180000) /* its own queue is full: empties in minutes */

enum to_format { FORMAT_E164, FORMAT_DIGITS };
static const char *const format_choices[] = {"e164", "digits", NULL};

struct sms_options {
	const char *url;
	const char *account_sid;
	struct secret auth_token;
	const char *from;
	int to_format;
	int64_t validity_ms;
	struct texts to;
};

static const struct option options_table[] = {
    OPTION(struct sms_options, url, OPT_TEXT, .fallback = "https://api.twilio.com",
        .help = "the provider's address, or the whole URL of a gateway's Messages.json"),
    OPTION(struct sms_options, account_sid, OPT_TEXT, .required = true, .help = "the account (AC...)"),
    OPTION(struct sms_options, auth_token, OPT_SECRET, .required = true, .help = "its token"),
    OPTION(struct sms_options, from, OPT_TEXT, .required = true,
        .help =
            "the sender: a number, a short code, a name of up to 11 letters, or a messaging service (MG...)"),
    OPTION(struct sms_options, to_format, OPT_CHOICE, .choices = format_choices, .fallback = "e164",
        .help = "how recipients are written: +15550100 or 15550100"),
    {.name = "validity",
        .type = OPT_DURATION,
        .offset = offsetof(struct sms_options, validity_ms),
        .min = 1000,
        .max = VALIDITY_MAX_S * 1000,
        .help = "how long the provider may try; at most, and by default, the rest of the message's life"},
    OPTION(struct sms_options, to, OPT_TEXTS,
        .help = "fixed recipients, each of whom gets every message that names nobody"),
    OPTION_END,
};

/* -- check ------------------------------------------------------------------------------------------- */

static bool is_reference(const char *text)
{
	return strstr(text, "${") != NULL;
}

static bool is_account(const char *sid)
{
	return *sid && !sid[strspn(sid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

static struct err *check_recipients(const struct texts *to)
{
	char number[PHONE_TEXT];

	for (size_t i = 0; i < to->count; i++)
		if (!is_reference(to->items[i]) && !phone_e164(to->items[i], number))
			return ERR(
			    ERR_CONFIG, "to: number %zu is not in international form (+15550100200)", i + 1);
	return NULL;
}

static struct err *sms_check(const struct conf_channel *channel, const void *options)
{
	const struct sms_options *o = options;

	if (!is_reference(o->url))
		PASS(channel_check_url(o->url, channel->allow_http));
	if (!is_reference(o->account_sid) && !is_account(o->account_sid))
		return ERR(ERR_CONFIG, "account_sid: letters and digits are expected");
	if (!is_reference(o->from) && !phone_is_sender(o->from))
		return ERR(ERR_CONFIG,
		    "from: expected a number (+15550100200), a short code of 3 to 8 digits, a "
		    "name of up to 11 letters and digits, or a messaging service (MG...)");
	return check_recipients(&o->to);
}

static struct err *sms_recipients(const struct conf *conf, const struct conf_channel *channel,
    struct arena *arena, struct texts *out_recipients)
{
	const struct sms_options *o = channel->options;

	TRY(conf_resolve_texts(conf, &o->to, arena, out_recipients), "channel '%s': to", channel->name);
	return NULL;
}

/* -- compose ----------------------------------------------------------------------------------------- */

/* `Basic` and the base64 of account:token. */
static const char *authorization(const struct sms_options *o, struct arena *arena)
{
	const char *pair = arena_format(arena, "%s:%s", o->account_sid, o->auth_token.hidden);
	size_t length = strlen(pair);
	char *text = arena_alloc(arena, (length + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)pair, (int)length);
	return arena_format(arena, "Basic %s", text);
}

static void sms_secrets(const void *options, void (*add)(const char *secret))
{
	const struct sms_options *o = options;
	cleanup(arena_done) struct arena arena = {0};

	if (o->account_sid && o->auth_token.hidden)
		add(authorization(o, &arena) + strlen("Basic "));
}

/* An address without a path is the provider's; one with a path is taken as it is. */
static const char *messages_url(const struct sms_options *o, struct arena *arena)
{
	const char *host = strstr(o->url, "://") + 3;
	const char *path = host + strcspn(host, "/?#");

	if (*path && strcmp(path, "/") != 0)
		return o->url;
	return arena_format(
	    arena, "%.*s/2010-04-01/Accounts/%s/Messages.json", (int)(path - o->url), o->url, o->account_sid);
}

/* A text that comes too late is worse than none: the provider is told when to give up. */
static int64_t validity_s(const struct sms_options *o, const struct outgoing *message, int64_t now)
{
	int64_t left = message->expires_ms ? message->expires_ms / 1000 - now : VALIDITY_MAX_S;

	if (o->validity_ms > 0 && o->validity_ms / 1000 < left)
		left = o->validity_ms / 1000;
	if (left > VALIDITY_MAX_S)
		left = VALIDITY_MAX_S;
	return left > 0 ? left : 1;
}

static struct err *recipient(
    const struct sms_options *o, const struct outgoing *message, char out[PHONE_TEXT])
{
	const char *to = *message->to ? message->to : o->to.count == 1 ? o->to.items[0] : NULL;

	if (!to)
		return ERR(ERR_PERMANENT, "the message names no recipient, and the channel has no `to`");
	if (!phone_e164(to, out))
		return ERR(ERR_PERMANENT, "the recipient is no number in international form (+15550100200)");
	if (o->to_format == FORMAT_DIGITS)
		memmove(out, out + 1, strlen(out));
	return NULL;
}

static struct err *sms_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct sms_options *o = options;
	cleanup(buf_done) struct buf form = {0};
	char to[PHONE_TEXT];

	PASS(sms_check(channel, options));
	PASS(recipient(o, message, to));
	form_add(&form, "To", to, strlen(to));
	form_add(&form, phone_is_service(o->from) ? "MessagingServiceSid" : "From", o->from, strlen(o->from));
	form_add(&form, "Body", message->payload, message->payload_length);
	form_add_int(&form, "ValidityPeriod", validity_s(o, message, now));
	*out_request = (struct wire_request){
	    .method = "POST",
	    .url = messages_url(o, arena),
	    .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
	        {"Authorization", authorization(o, arena)}},
	    .header_count = 2,
	    .body = arena_copy_n(arena, form.text, form.length),
	    .body_length = form.length,
	};
	return NULL;
}

static int64_t sms_cost(const struct outgoing *message)
{
	return gsm_segments(message->payload, message->payload_length);
}

/* -- classify ---------------------------------------------------------------------------------------- */

struct code {
	int64_t first, last;
	enum verdict verdict;
};

/* The provider's own codes, by which it tells what the status does not. */
static const struct code codes[] = {
    {20003, 20003, VERDICT_GONE},     /* credentials */
    {20404, 20404, VERDICT_GONE},     /* no such account */
    {20429, 20429, VERDICT_LATER},    /* too many requests: never processed */
    {21211, 21211, VERDICT_REJECTED}, /* the number is none */
    {21214, 21214, VERDICT_REJECTED}, /* ... or cannot be reached */
    {21217, 21217, VERDICT_REJECTED}, {21408, 21408, VERDICT_REJECTED}, /* a country that is not allowed */
    {21610, 21610, VERDICT_REJECTED},                                   /* who has it said STOP */
    {21614, 21614, VERDICT_REJECTED},                                   /* no mobile */
    {21617, 21617, VERDICT_REJECTED},                                   /* too long */
    {21212, 21212, VERDICT_GONE},                                       /* the sender */
    {21603, 21603, VERDICT_GONE}, {21606, 21606, VERDICT_GONE}, {21659, 21659, VERDICT_GONE},
    {21611, 21611, VERDICT_LATER},                                   /* the provider's queue is full */
    {30001, 30001, VERDICT_LATER}, {30003, 30008, VERDICT_REJECTED}, /* could not be delivered */
    {1, 99999, VERDICT_REJECTED},                                    /* any other */
};

static void judge_code(
    const struct conf_channel *channel, long status, int64_t code, struct classification *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (code < codes[i].first || code > codes[i].last)
			continue;
		judge_as_said(channel, status, &(struct said){"", codes[i].verdict, false}, out);
		break;
	}
	if (code == 21611 || code == 30001)
		out->retry_after_ms = QUEUE_FULL_MS;
}

static bool is_listed(int64_t code)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(codes); i++)
		if (code >= codes[i].first && code <= codes[i].last)
			return true;
	return false;
}

/*
 * A 2xx is taken whatever its body, for gateways say what they like; only the provider's own codes, and its
 * word that a text failed, tell otherwise.
 */
static void read_body(const struct conf_channel *channel, const struct wire_answer *answer,
    const struct json *body, struct arena *arena, struct classification *out)
{
	const char *sid = json_text(json_get(body, "sid")), *status = json_text(json_get(body, "status"));
	int64_t code = 0;

	if (!json_int64(json_get(body, "error_code"), &code))
		json_int64(json_get(body, "code"), &code);
	if (is_2xx(answer) && sid)
		out->provider_id = arena_copy(arena, sid);
	if (is_2xx(answer) && sid &&
	    !(status && (!strcmp(status, "failed") || !strcmp(status, "undelivered"))))
		return;
	if (code && (is_2xx(answer) || is_listed(code)))
		judge_code(channel, answer->status, code, out);
	else if (is_2xx(answer) && sid)
		out->verdict = VERDICT_REJECTED;
}

static void sms_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	struct json *body = answer_json(answer);

	(void)options;
	classify_http(channel, answer, arena, out);
	if (answer->status)
		read_body(channel, answer, body, arena, out);
	json_destroy(body);
}

const struct channel_type channel_sms = {
    .name = "sms",
    .summary = "sends texts by Twilio's API",
    .format = "txt",
    .content_type = "text/plain; charset=utf-8",
    .options = options_table,
    .options_size = sizeof(struct sms_options),
    .rate = "1/s",
    .retry_initial = "5s",
    .retry_max = "5m",
    .max_age = "1h",
    .on_ambiguous = AMBIGUOUS_HOLD,
    .check = sms_check,
    .secrets = sms_secrets,
    .recipients = sms_recipients,
    .cost = sms_cost,
    .compose = sms_compose,
    .classify = sms_classify,
};
