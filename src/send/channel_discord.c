/* SPDX-License-Identifier: MIT */
/* Channel `discord`: a Discord webhook. */
#include "send/channels.h"

#include <math.h>
#include <string.h>

#include <bmad/json.h>

#define WAIT_MAX_S 86400.0 /* an answer that asks for more is taken for this */

struct discord_options {
	struct secret url;
	struct texts mention;
};

static const struct option options_table[] = {
    OPTION(struct discord_options, url, OPT_SECRET, .required = true, .help = "the whole URL of the webhook"),
    OPTION(struct discord_options, mention, OPT_TEXTS,
        .help = "whom each message addresses: ids of users, of roles (&...), here or everyone"),
    OPTION_END,
};

static struct err *discord_check(const struct conf_channel *channel, const void *options)
{
	const struct discord_options *o = options;

	PASS(check_url_option(o->url, channel->allow_http));
	return check_mentions(&o->mention);
}

/* Without `wait` Discord says 204 also of a message that it then does not save. */
static const char *waiting(const char *url, struct arena *arena)
{
	const char *query = strchr(url, '?');

	if (query && (strstr(query, "?wait=") || strstr(query, "&wait=")))
		return url;
	return arena_format(arena, "%s%cwait=true", url, query ? '&' : '?');
}

static struct err *discord_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct discord_options *o = options;

	(void)now;
	PASS(discord_check(channel, options));
	*out_request = post_json(message, waiting(o->url.hidden, arena));
	return NULL;
}

/* Codes of Discord's own, which tell a webhook that is gone from a message that it does not like. */
static const struct said codes[] = {
    {"10015", VERDICT_GONE, true}, /* unknown webhook */
    {"50027", VERDICT_GONE, true}, /* invalid webhook token */
    {0},
};

static int64_t asked_wait_ms(const struct json *body)
{
	double seconds = json_double(json_get(body, "retry_after"));

	return seconds > 0 ? (int64_t)ceil(fmin(seconds, WAIT_MAX_S) * 1000) : -1;
}

static void read_body(const struct conf_channel *channel, const struct wire_answer *answer,
    const struct json *body, struct arena *arena, struct classification *out)
{
	cleanup(free_text) char *code = body ? json_print(json_get(body, "code")) : NULL;
	const char *id = json_text(json_get(body, "id"));

	out->retry_after_ms = asked_wait_ms(body);
	if (is_2xx(answer) && id)
		out->provider_id = arena_copy(arena, id);
	else if (is_2xx(answer) && answer->complete && !answer_is(answer, ""))
		out->verdict = VERDICT_LATER; /* no id: no message was saved */
	if (out->verdict != VERDICT_DELIVERED)
		judge_as_said(channel, answer->status, said_in(codes, code), out);
}

static void discord_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	struct json *body = answer_json(answer);

	(void)options;
	classify_http(channel, answer, arena, out);
	/* After a 404 the webhook must not be used again: addresses are banned for asking. */
	out->for_good = out->for_good || (out->verdict == VERDICT_GONE && answer->status == 404);
	if (answer->status)
		read_body(channel, answer, body, arena, out);
	json_destroy(body);
}

const struct channel_type channel_discord = {
    .name = "discord",
    .summary = "posts embeds to a Discord webhook",
    .format = "json",
    .content_type = "application/json",
    .options = options_table,
    .options_size = sizeof(struct discord_options),
    .rate = "5/2s",
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = discord_check,
    .compose = discord_compose,
    .classify = discord_classify,
};
