/* SPDX-License-Identifier: MIT */
/* Channel `mattermost`: a Mattermost incoming webhook. */
#include "send/channels.h"

#include <bmad/json.h>

struct mattermost_options {
	struct secret url;
	struct texts mention;
};

static const struct option options_table[] = {
    OPTION(struct mattermost_options, url, OPT_SECRET, .required = true,
        .help = "the whole URL of the incoming webhook"),
    OPTION(struct mattermost_options, mention, OPT_TEXTS,
        .help = "whom each message addresses: names of users or groups, here, channel or all"),
    OPTION_END,
};

static struct err *mattermost_check(const struct conf_channel *channel, const void *options)
{
	const struct mattermost_options *o = options;

	PASS(check_url_option(o->url, channel->allow_http));
	return check_mentions(&o->mention);
}

static struct err *mattermost_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct mattermost_options *o = options;

	(void)now, (void)arena;
	PASS(mattermost_check(channel, options));
	*out_request = post_json(message, o->url.hidden);
	return NULL;
}

/* Parts of error ids that tell of the webhook, not of the message; the server answers 400 to both. */
static const struct said ids[] = {
    {"incoming_webhook.invalid", VERDICT_GONE, false}, /* removed, or never there */
    {"incoming_webhook.disabled", VERDICT_GONE, false},
    {"incoming_webhook.channel", VERDICT_GONE, false},
    {"incoming_webhook.channel_locked", VERDICT_GONE, false},
    {"incoming_webhook.permissions", VERDICT_GONE, false},
    {"incoming_webhook.user", VERDICT_GONE, false},
    {0},
};

/* The error's own status, also where a proxy made it a 200. */
static void read_error(const struct conf_channel *channel, const struct wire_answer *answer,
    const struct json *body, struct classification *out)
{
	int64_t status = answer->status;

	json_int64(json_get(body, "status_code"), &status);
	if (is_2xx(answer))
		out->verdict = status >= 400 ? status_verdict(channel, (long)status) : VERDICT_LATER;
	if (status == 501) /* webhooks are switched off on this server */
		judge_as_said(channel, answer->status, &(struct said){"501", VERDICT_GONE, false}, out);
	judge_as_said(channel, answer->status, said_in(ids, json_text(json_get(body, "id"))), out);
}

static void mattermost_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	struct json *body;

	(void)options;
	classify_http(channel, answer, arena, out);
	if (!answer->status ||
	    (is_2xx(answer) && (!answer->complete || answer_is(answer, "ok") || answer_is(answer, ""))))
		return;
	body = answer_json(answer);
	read_error(channel, answer, body, out);
	json_destroy(body);
}

const struct channel_type channel_mattermost = {
    .name = "mattermost",
    .summary = "posts to a Mattermost incoming webhook",
    .format = "json",
    .content_type = "application/json",
    .options = options_table,
    .options_size = sizeof(struct mattermost_options),
    .rate = "10/s",
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = mattermost_check,
    .compose = mattermost_compose,
    .classify = mattermost_classify,
};
