/* SPDX-License-Identifier: MIT */
/* Channels that go by an entry of `apis`: they sign in before they send, and once more when they are told to.
 */
#include "send/stream.h"

#include <string.h>

#include "daemon/child.h"
#include "send/channels.h"

#define OWN_RETRY_MS 5000 /* the types' default: such a channel waits as its API says */
#define DOUBLED_MAX  10

struct err *session_resolve(struct stream *stream, struct arena *arena)
{
	const struct conf *conf = stream->sender->setup->conf;
	const char *name = stream->channel->type->session->api(stream->options);
	const struct conf_api *api = conf_api(conf, name);

	if (!api)
		return ERR(ERR_CONFIG, "there is no API '%s'", name);
	return conf_resolve_api(conf, api, arena, &stream->api);
}

struct err *session_compose(struct delivery *delivery, struct wire_request *out_request)
{
	struct stream *stream = delivery->stream;
	const struct channel_type *type = stream->channel->type;

	delivery->message.api = &stream->api;
	delivery->message.token = stream->token;
	delivery->signing = !stream->token;
	if (delivery->signing)
		return ERR_AT(type->session->sign_in(&stream->api, &delivery->arena, out_request),
		    "sign in to API %s", stream->api.name);
	return type->compose(stream->channel, stream->options, &delivery->message, wall_ms() / 1000,
	    &delivery->arena, out_request);
}

static void set_token(struct stream *stream, const char *token)
{
	free(stream->token);
	stream->token = mem_copy(token);
	if (token)
		redact_add(token);
}

/* Without a session the message surely was not sent. */
static bool signed_in(struct delivery *delivery, const struct wire_answer *answer, struct classification *out)
{
	struct stream *stream = delivery->stream;
	const char *token = NULL;
	struct err *e =
	    answer->status ? NULL : ERR(ERR_TEMPORARY, "%s", answer->fault ? answer->fault : "no answer");

	if (!e)
		e = stream->channel->type->session->token(answer, &delivery->arena, &token);
	if (!e) {
		set_token(stream, token);
		return true;
	}
	e = ERR_AT(e, "sign in to API %s", stream->api.name);
	*out = (struct classification){
	    .verdict = err_kind(e) == ERR_TEMPORARY ? VERDICT_LATER : VERDICT_GONE,
	    .reason = arena_copy(&delivery->arena, err_text(e)),
	    .retry_after_ms = -1,
	};
	err_destroy(e);
	return false;
}

bool session_answered(struct delivery *delivery, const struct wire_answer *answer, struct classification *out)
{
	struct stream *stream = delivery->stream;

	if (delivery->signing)
		return signed_in(delivery, answer, out);
	if (answer->status == 401) {
		set_token(stream, NULL);
		if (!delivery->signed_again) {
			delivery->signed_again = true;
			return true;
		}
	}
	stream->channel->type->classify(stream->channel, stream->options, answer, &delivery->arena, out);
	return false;
}

int64_t session_wait_ms(const struct delivery *delivery)
{
	const struct stream *stream = delivery->stream;
	int64_t attempts = delivery->message.attempts;

	if (stream->channel->retry_initial_ms != OWN_RETRY_MS)
		return backoff_delay_ms(&stream->lane.backoff, attempts + 1, random_unit());
	return stream->api.retry_wait_ms << (attempts < DOUBLED_MAX ? attempts : DOUBLED_MAX);
}
