/* SPDX-License-Identifier: MIT */
/* The channel types that channel.c lists, and what several of them share. */
#ifndef SEND_CHANNELS_H
#define SEND_CHANNELS_H

#include "send/channel.h"

extern const struct channel_type channel_console, channel_file, channel_teams, channel_webhook;

/* Judges an `url` option; one that holds references cannot be known before they are resolved. */
struct err *check_url_option(struct secret url, bool allow_http) MUST_CHECK;

/* A printable excerpt of what a destination said: one line, at most LIMIT bytes, cut between characters. */
const char *answer_excerpt(const char *text, size_t length, size_t limit, struct arena *arena);

/* What STATUS means by itself; `retry_on` of CHANNEL goes first. */
enum verdict status_verdict(const struct conf_channel *channel, long status);

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
