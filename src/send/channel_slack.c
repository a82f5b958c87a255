/* SPDX-License-Identifier: MIT */
/* Channel `slack`: a Slack incoming webhook, in Block Kit. */
#include "send/channels.h"

#include <bmad/json.h>

struct slack_options {
	struct secret url;
	struct texts mention;
};

static const struct option options_table[] = {
    OPTION(struct slack_options, url, OPT_SECRET, .required = true,
        .help = "the whole URL of the incoming webhook"),
    OPTION(struct slack_options, mention, OPT_TEXTS,
        .help = "whom each message addresses: ids of users (U...) or groups (S...), here or channel"),
    OPTION_END,
};

static struct err *slack_check(const struct conf_channel *channel, const void *options)
{
	const struct slack_options *o = options;

	PASS(check_url_option(o->url, channel->allow_http));
	return check_mentions(&o->mention);
}

static struct err *slack_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct slack_options *o = options;

	(void)now, (void)arena;
	PASS(slack_check(channel, options));
	*out_request = post_json(message, o->url.hidden);
	return NULL;
}

/* What Slack says in a failure: as text with a status of its own, or as `error` of JSON with 200. */
static const struct said texts[] = {
    {"no_service", VERDICT_GONE, true}, /* the webhook was removed */
    {"channel_is_archived", VERDICT_GONE, true},
    {"is_archived", VERDICT_GONE, true},
    {"action_prohibited", VERDICT_GONE, false},
    {"posting_to_general_channel_denied", VERDICT_GONE, false},
    {"invalid_token", VERDICT_GONE, false},
    {"invalid_auth", VERDICT_GONE, false},
    {"token_revoked", VERDICT_GONE, false},
    {"account_inactive", VERDICT_GONE, false},
    {"team_disabled", VERDICT_GONE, false},
    {"channel_not_found", VERDICT_GONE, false},
    {"no_team", VERDICT_GONE, false},
    {"no_active_hooks", VERDICT_GONE, false},
    {"invalid_payload", VERDICT_REJECTED, false},
    {"invalid_blocks", VERDICT_REJECTED, false},
    {"invalid_blocks_format", VERDICT_REJECTED, false},
    {"msg_blocks_too_long", VERDICT_REJECTED, false},
    {"msg_too_long", VERDICT_REJECTED, false},
    {"no_text", VERDICT_REJECTED, false},
    {"too_many_attachments", VERDICT_REJECTED, false},
    {"user_not_found", VERDICT_REJECTED, false},
    {"rollup_error", VERDICT_LATER, false},
    {"ratelimited", VERDICT_LATER, false},
    {"rate_limited", VERDICT_LATER, false},
    {"internal_error", VERDICT_LATER, false},
    {"fatal_error", VERDICT_LATER, false},
    {"service_unavailable", VERDICT_LATER, false},
    {"request_timeout", VERDICT_LATER, false},
    {0},
};

static bool is_ok_json(const struct wire_answer *answer)
{
	struct json *value = answer_json(answer);
	bool ok = json_true(json_get(value, "ok"));

	json_destroy(value);
	return ok;
}

static void slack_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	(void)options;
	classify_http(channel, answer, arena, out);
	if (!answer->status || (is_2xx(answer) && (!answer->complete || answer_is(answer, "ok") ||
	                                              answer_is(answer, "") || is_ok_json(answer))))
		return;
	if (is_2xx(answer))
		out->verdict = VERDICT_LATER; /* 200 with any other text: nobody has seen the message */
	judge_as_said(channel, answer->status, said_in(texts, answer->body), out);
}

const struct channel_type channel_slack = {
    .name = "slack",
    .summary = "posts blocks to a Slack incoming webhook",
    .format = "json",
    .content_type = "application/json",
    .options = options_table,
    .options_size = sizeof(struct slack_options),
    .rate = "1/s",
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = slack_check,
    .compose = slack_compose,
    .classify = slack_classify,
};
