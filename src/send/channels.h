/* SPDX-License-Identifier: MIT */
/* The channel types that channel.c lists, and what several of them share. */
#ifndef SEND_CHANNELS_H
#define SEND_CHANNELS_H

#include "send/channel.h"

extern const struct channel_type channel_bruin_note, channel_console, channel_discord, channel_email,
    channel_file, channel_mattermost, channel_pagerduty, channel_slack, channel_sms, channel_teams,
    channel_webhook;

/* Judges an `url` option; one that holds references cannot be known before they are resolved. */
struct err *check_url_option(struct secret url, bool allow_http) MUST_CHECK;

/* Judges `mention`: ids as a provider gives them, which go into its mark-up as they are. */
struct err *check_mentions(const struct texts *mention) MUST_CHECK;

/* A POST of MESSAGE's payload to URL, as JSON. */
struct wire_request post_json(const struct outgoing *message, const char *url);

/* What the body of an answer says in a word, whatever its status. */
struct said {
	const char *word;
	enum verdict verdict;
	bool for_good;
};

/* The row of TABLE (ending with a NULL word) whose word stands in TEXT as a whole word, or NULL. */
const struct said *said_in(const struct said *table, const char *text);

/* Lets ROW judge, if it is not NULL and `retry_on` does not name STATUS. */
void judge_as_said(
    const struct conf_channel *channel, long status, const struct said *row, struct classification *out);

/* Whether the body is TEXT, but for blanks around it; "": it is empty. */
bool answer_is(const struct wire_answer *answer, const char *text);
bool is_2xx(const struct wire_answer *answer);

/* A printable excerpt of what a destination said: one line, at most LIMIT bytes, cut between characters. */
const char *answer_excerpt(const char *text, size_t length, size_t limit, struct arena *arena);

/* What STATUS means by itself; `retry_on` of CHANNEL goes first. */
enum verdict status_verdict(const struct conf_channel *channel, long status);

bool status_listed(const struct texts *statuses, long status);

/* The body of ANSWER if it is all there and JSON, else NULL; to be destroyed. */
struct json *answer_json(const struct wire_answer *answer);

/* What the pointer (RFC 6901) leads to in VALUE, or NULL. */
const struct json *json_pointer(const struct json *value, const char *pointer);

/*
 * `v1,` and the base64 of HMAC-SHA256 over "id.timestamp.body" (Standard Webhooks), for each of the keys in
 * SECRETS, joined by blanks. CONFIG error for what is no key.
 */
struct err *webhook_signature(const struct texts *secrets, const char *id, int64_t timestamp,
    const char *body, size_t body_length, struct arena *arena, const char **out_signature) MUST_CHECK;

#endif
