/* SPDX-License-Identifier: MIT */
/* Bruin's ticket API: how to sign in, and what its statuses mean for a call. */
#include <stdio.h>
#include <string.h>

#include <bmad/buf.h>
#include <bmad/json.h>
#include <bmad/mem.h>
#include <bmad/text.h>

#include "jobs/vendor/vendors.h"

struct bruin_options {
	const char *base_url, *login_url;
	struct secret client_id, client_secret;
};

/* clang-format off */
static const struct option options[] = {
    OPTION(struct bruin_options, base_url, OPT_TEXT, .required = true, .help = "where tickets are, as https://api.example"),
    OPTION(struct bruin_options, login_url, OPT_TEXT, .required = true, .help = "where to sign in, as https://id.example"),
    OPTION(struct bruin_options, client_id, OPT_SECRET, .required = true, .help = "who signs in"),
    OPTION(struct bruin_options, client_secret, OPT_SECRET, .required = true, .help = "the client's secret"),
    OPTION_END,
};
/* clang-format on */

#define TOKEN_PATH "/identity/connect/token"
#define FORM       "grant_type=client_credentials&scope=public_api"

static const struct api_header headers[] = {
    {"Content-Type", "application/json-patch+json"},
    {"Cache-control", "no-cache, no-store, no-transform, max-age=0, only-if-cached"},
    {NULL, NULL},
};

static struct err *take_token(struct api *api, const struct api_answer *answer)
{
	const struct bruin_options *own = api_options(api);
	struct json *value = NULL;
	struct err *e = NULL;

	if (answer->status / 100 != 2)
		return ERR(answer->status >= 500 ? ERR_TEMPORARY : ERR_PERMANENT,
		    "HTTP %ld where a token was asked for", answer->status);
	TRY(json_parse(answer->body, answer->length, &value), "read the token");
	const char *token = json_text(json_get(value, "access_token"));
	if (text_is_empty(token))
		e = ERR(ERR_PERMANENT, "the answer has no 'access_token'");
	else
		api_session(api, own->base_url, token, 0);
	json_destroy(value);
	return e;
}

static struct err *sign_in(struct api *api)
{
	const struct bruin_options *own = api_options(api);
	cleanup(free_text) char *url = mem_format("%s%s", own->login_url, TOKEN_PATH);
	cleanup(free_text) char *pair = mem_format("%s:%s", own->client_id.hidden, own->client_secret.hidden);
	cleanup(buf_done) struct buf basic = {0};

	buf_add_text(&basic, "Basic ");
	base64_add(&basic, pair, strlen(pair));
	const struct api_header authorization[] = {{"Authorization", buf_text(&basic)}, {NULL, NULL}};
	struct api_request request = {
	    .method = "POST",
	    .url = url,
	    .headers = authorization,
	    .content_type = "application/x-www-form-urlencoded",
	    .body = FORM,
	    .length = strlen(FORM),
	};
	struct api_answer answer;

	PASS(api_exchange(api, &request, &answer));
	return take_token(api, &answer);
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
