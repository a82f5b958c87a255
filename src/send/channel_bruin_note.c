/* SPDX-License-Identifier: MIT */
/* Channel `bruin_note`: appends a note to a ticket of Bruin; the message's recipient is the ticket's number.
 */
#include "send/channels.h"

#include <string.h>

#include <bmad/json.h>

#include "base/text.h"
#include "jobs/vendor/bruin.h"

struct note_options {
	const char *api;
};

static const struct option options_table[] = {
    OPTION(struct note_options, api, OPT_NAME, .section = "apis", .required = true,
        .help = "the API (type bruin) whose tickets get the notes"),
    OPTION_END,
};

/* -- signing in ------------------------------------------------------------------------------------------ */

static const char *note_api(const void *options)
{
	return ((const struct note_options *)options)->api;
}

static struct err *note_sign_in(
    const struct conf_api *api, struct arena *arena, struct wire_request *out_request)
{
	const struct bruin_options *own = api->options;

	if (strcmp(api->type->name, "bruin") != 0)
		return ERR(ERR_CONFIG, "API '%s' is of type %s: notes need one of type bruin", api->name,
		    api->type->name);
	*out_request = (struct wire_request){
	    .method = "POST",
	    .url = arena_format(arena, "%s%s", own->login_url, BRUIN_TOKEN_PATH),
	    .headers = {{"Content-Type", BRUIN_TOKEN_TYPE},
	        {"Authorization", bruin_authorization(own, arena)}},
	    .header_count = 2,
	    .body = BRUIN_TOKEN_FORM,
	    .body_length = strlen(BRUIN_TOKEN_FORM),
	};
	return NULL;
}

static struct err *note_token(const struct wire_answer *answer, struct arena *arena, const char **out_token)
{
	return bruin_token(
	    answer->status, answer->body ? answer->body : "", answer->body_length, arena, out_token);
}

static const struct channel_session session = {
    .api = note_api,
    .sign_in = note_sign_in,
    .token = note_token,
};

/* -- the note -------------------------------------------------------------------------------------------- */

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xC0) != 0x80;
	return count;
}

static struct err *check_note(const struct outgoing *message)
{
	size_t length = count_characters(message->payload);

	if (!*message->to || message->to[strspn(message->to, "0123456789")])
		return ERR(ERR_PERMANENT, "the recipient is no ticket: expected its number");
	if (length > BRUIN_NOTE_MAX)
		return ERR(
		    ERR_PERMANENT, "the note has %zu characters, a ticket takes %d", length, BRUIN_NOTE_MAX);
	return NULL;
}

static const char *note_body(const struct outgoing *message, struct arena *arena)
{
	struct json *body = json_object();

	json_set_string(body, "note", message->payload);
	cleanup(free_text) char *text = json_print(body);
	json_destroy(body);
	return arena_copy(arena, text);
}

static struct err *note_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct bruin_options *own = message->api->options;
	const char *body = note_body(message, arena);

	(void)channel, (void)options, (void)now;
	PASS(check_note(message));
	*out_request = (struct wire_request){
	    .method = "POST",
	    .url = arena_format(arena, "%s/api/Ticket/%s/notes", own->base_url, message->to),
	    .headers = {{"Content-Type", BRUIN_BODY_TYPE}, {"Cache-control", BRUIN_CACHE},
	        {"Authorization", arena_format(arena, "Bearer %s", message->token)}},
	    .header_count = 3,
	    .body = body,
	    .body_length = strlen(body),
	};
	return NULL;
}

/* A status is about this ticket, not about all; 401 comes here after a new session was refused as well. */
static void note_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	(void)options;
	classify_http(channel, answer, arena, out);
	if (answer->status == 401 || answer->status >= 500)
		out->verdict = VERDICT_LATER;
	else if (answer->status && !is_2xx(answer) && !status_listed(&channel->retry_on, answer->status))
		out->verdict = VERDICT_REJECTED;
}

const struct channel_type channel_bruin_note = {
    .name = "bruin_note",
    .summary = "appends notes to tickets of Bruin",
    .format = "txt",
    .content_type = "text/plain; charset=utf-8",
    .options = options_table,
    .options_size = sizeof(struct note_options),
    .retry_initial = "5s",
    .retry_max = "5m",
    .max_age = "1m",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .tries = 3,
    .session = &session,
    .compose = note_compose,
    .classify = note_classify,
};
