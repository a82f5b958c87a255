/* SPDX-License-Identifier: MIT */
/* Bruin's ticket API: how to sign in, and what its statuses mean for a call. */
#include <string.h>

#include <bmad/buf.h>
#include <bmad/json.h>
#include <bmad/mem.h>
#include <bmad/text.h>

#include "jobs/vendor/bruin.h"
#include "jobs/vendor/vendors.h"

/* clang-format off */
static const struct option options[] = {
    OPTION(struct bruin_options, base_url, OPT_TEXT, .required = true, .help = "where tickets are, as https://api.example"),
    OPTION(struct bruin_options, login_url, OPT_TEXT, .required = true, .help = "where to sign in, as https://id.example"),
    OPTION(struct bruin_options, client_id, OPT_SECRET, .required = true, .help = "who signs in"),
    OPTION(struct bruin_options, client_secret, OPT_SECRET, .required = true, .help = "the client's secret"),
    OPTION_END,
};
/* clang-format on */

static const struct api_header headers[] = {
    {"Content-Type", BRUIN_BODY_TYPE},
    {"Cache-control", BRUIN_CACHE},
    {NULL, NULL},
};

const char *bruin_authorization(const struct bruin_options *own, struct arena *arena)
{
	cleanup(free_text) char *pair = mem_format("%s:%s", own->client_id.hidden, own->client_secret.hidden);
	cleanup(buf_done) struct buf basic = {0};

	buf_add_text(&basic, "Basic ");
	base64_add(&basic, pair, strlen(pair));
	return arena_copy(arena, buf_text(&basic));
}

struct err *bruin_token(
    long status, const char *body, size_t length, struct arena *arena, const char **out_token)
{
	struct json *value = NULL;

	if (status / 100 != 2)
		return ERR(status >= 500 ? ERR_TEMPORARY : ERR_PERMANENT,
		    "HTTP %ld where a token was asked for", status);
	TRY(json_parse(body, length, &value), "read the token");
	const char *token = arena_copy(arena, json_text(json_get(value, "access_token")));
	json_destroy(value);
	if (text_is_empty(token))
		return ERR(ERR_PERMANENT, "the answer has no 'access_token'");
	*out_token = token;
	return NULL;
}

static struct err *sign_in(struct api *api)
{
	const struct bruin_options *own = api_options(api);
	cleanup(arena_done) struct arena arena = {0};
	const struct api_header authorization[] = {
	    {"Authorization", bruin_authorization(own, &arena)}, {NULL, NULL}};
	struct api_request request = {
	    .method = "POST",
	    .url = arena_format(&arena, "%s%s", own->login_url, BRUIN_TOKEN_PATH),
	    .headers = authorization,
	    .content_type = BRUIN_TOKEN_TYPE,
	    .body = BRUIN_TOKEN_FORM,
	    .length = strlen(BRUIN_TOKEN_FORM),
	};
	struct api_answer answer;
	const char *token;

	PASS(api_exchange(api, &request, &answer));
	PASS(bruin_token(answer.status, answer.body, answer.length, &arena, &token));
	api_session(api, own->base_url, token, 0);
	return NULL;
}

static enum api_verdict judge(const struct api_answer *answer)
{
	if (answer->status == 401)
		return API_SIGN_IN;
	return answer->status >= 500 && answer->status <= 512 ? API_AGAIN : API_FINAL;
}

const struct api_type bruin_api = {
    .name = "bruin",
    .summary = "tickets of Bruin: their details and notes",
    .options = options,
    .options_size = sizeof(struct bruin_options),
    .request_timeout = "60s",
    .retry_wait = "5s",
    .tries = 3,
    .headers = headers,
    .sign_in = sign_in,
    .judge = judge,
};
