/* SPDX-License-Identifier: MIT */
/* Salesforce: both ways to sign in, what statuses mean, and the calls of salesforce.h. */
#include "jobs/vendor/salesforce.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/text.h>

#include "jobs/vendor/vendors.h"
#include "jobs/vendor/xml.h"

#define VERSION   "42.0"
#define PAGES_MAX 50

enum auth { AUTH_SOAP, AUTH_OAUTH };
static const char *const auths[] = {[AUTH_SOAP] = "soap", [AUTH_OAUTH] = "oauth_password", NULL};

struct salesforce_options {
	const char *login_base, *username;
	int auth;
	struct secret password, security_token, client_id, client_secret;
	int64_t login_attempts, login_wait_ms, login_ttl_ms;
};

/* clang-format off */
static const struct option options[] = {
    OPTION(struct salesforce_options, login_base, OPT_TEXT, .required = true,
        .help = "where to sign in, as https://NAME.my.salesforce.com"),
    OPTION(struct salesforce_options, auth, OPT_CHOICE, .choices = auths, .fallback = "soap", .help = "how to sign in"),
    OPTION(struct salesforce_options, username, OPT_TEXT, .required = true, .help = "who signs in"),
    OPTION(struct salesforce_options, password, OPT_SECRET, .required = true, .help = "the user's password"),
    OPTION(struct salesforce_options, security_token, OPT_SECRET, .fallback = "",
        .help = "the user's security token, which follows the password"),
    OPTION(struct salesforce_options, client_id, OPT_SECRET,
        .help = "the connected app; with soap only a name that the other side logs"),
    OPTION(struct salesforce_options, client_secret, OPT_SECRET, .help = "its secret; for oauth_password"),
    OPTION(struct salesforce_options, login_attempts, OPT_INT, .fallback = "5", .min = 1, .max = 20,
        .help = "how often signing in is tried"),
    {.name = "login_wait", .type = OPT_DURATION, .offset = offsetof(struct salesforce_options, login_wait_ms),
        .fallback = "3s", .help = "the wait between two attempts"},
    {.name = "login_ttl", .type = OPT_DURATION, .offset = offsetof(struct salesforce_options, login_ttl_ms),
        .fallback = "90m", .min = 1, .help = "a session older than this is renewed before it is used"},
    OPTION_END,
};
/* clang-format on */

static struct err *check(const void *values)
{
	const struct salesforce_options *own = values;

	if (own->auth == AUTH_OAUTH && (!own->client_id.hidden || !own->client_secret.hidden))
		return ERR(ERR_CONFIG, "auth: oauth_password needs client_id and client_secret");
	return NULL;
}

static const struct api_header headers[] = {
    {"Content-Type", "application/json"},
    {"X-PrettyPrint", "1"},
    {NULL, NULL},
};

/* -- signing in ------------------------------------------------------------------------------------- */

const char *salesforce_origin(const char *url, struct arena *arena)
{
	const char *host = strstr(url, "://");
	cleanup(buf_done) struct buf origin = {0};

	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return NULL;
	host += strlen("://");
	size_t length = strcspn(host, "/?#");
	buf_add(&origin, url, (size_t)(host - url));
	for (size_t i = 0; i < length; i++) {
		if (length - i >= 4 && !strncmp(host + i, "-api", 4))
			i += 3;
		else
			buf_add_char(&origin, host[i]);
	}
	return length && !memchr(host, '@', length) ? arena_copy(arena, buf_text(&origin)) : NULL;
}

/* Where the session is good, and the session. */
static struct err *take_session(struct api *api, const char *url, const char *token, struct arena *arena)
{
	const struct salesforce_options *own = api_options(api);
	const char *origin = text_is_empty(url) ? NULL : salesforce_origin(url, arena);

	if (text_is_empty(token) || !origin)
		return ERR(ERR_PERMANENT, "the answer to signing in has no %s",
		    text_is_empty(token) ? "session" : "address of an instance");
	if (!strncmp(own->login_base, "https://", 8) && strncmp(origin, "https://", 8) != 0)
		return ERR(ERR_PERMANENT, "signing in by https led to an instance without it");
	api_session(api, origin, token, own->login_ttl_ms);
	return NULL;
}

static struct err *refused(long status, const char *code, const char *text)
{
	return ERR(status >= 500 && !code ? ERR_TEMPORARY : ERR_PERMANENT,
	    "signing in was refused: HTTP %ld%s%s%s%s", status, code ? ", " : "", code ? code : "",
	    text ? ": " : "", text ? text : "");
}

static const char *soap_body(const struct salesforce_options *own, struct arena *arena)
{
	const char *client = text_is_empty(own->client_id.hidden)
	                         ? "RestForce"
	                         : arena_format(arena, "RestForce/%s", own->client_id.hidden);
	const char *password = arena_format(arena, "%s%s", own->password.hidden, own->security_token.hidden);

	return arena_format(arena,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
	    "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\""
	    " xmlns:urn=\"urn:partner.soap.sforce.com\">"
	    "<env:Header><urn:CallOptions><urn:client>%s</urn:client>"
	    "<urn:defaultNamespace>sf</urn:defaultNamespace></urn:CallOptions></env:Header>"
	    "<env:Body><urn:login><urn:username>%s</urn:username><urn:password>%s</urn:password></urn:login>"
	    "</env:Body></env:Envelope>",
	    xml_escape(client, arena), xml_escape(own->username, arena), xml_escape(password, arena));
}

static struct err *sign_in_by_soap(struct api *api, const struct salesforce_options *own, struct arena *arena)
{
	static const struct api_header soap[] = {{"charset", "UTF-8"}, {"SOAPAction", "login"}, {NULL, NULL}};
	const char *body = soap_body(own, arena);
	struct api_request request = {
	    .method = "POST",
	    .url = arena_format(arena, "%s/services/Soap/u/" VERSION, own->login_base),
	    .headers = soap,
	    .content_type = "text/xml",
	    .body = body,
	    .length = strlen(body),
	};
	struct api_answer answer;

	PASS(api_exchange(api, &request, &answer));
	if (answer.status != 200)
		return refused(answer.status, xml_text(answer.body, answer.length, "exceptionCode", arena),
		    xml_text(answer.body, answer.length, "exceptionMessage", arena));
	return take_session(api, xml_text(answer.body, answer.length, "serverUrl", arena),
	    xml_text(answer.body, answer.length, "sessionId", arena), arena);
}

static void add_field(struct buf *form, const char *name, const char *value)
{
	buf_format(form, "%s%s=", form->length ? "&" : "", name);
	percent_add(form, value);
}

static const char *oauth_form(const struct salesforce_options *own, struct arena *arena)
{
	cleanup(buf_done) struct buf form = {0};

	add_field(&form, "grant_type", "password");
	add_field(&form, "client_id", own->client_id.hidden);
	add_field(&form, "client_secret", own->client_secret.hidden);
	add_field(&form, "username", own->username);
	add_field(
	    &form, "password", arena_format(arena, "%s%s", own->password.hidden, own->security_token.hidden));
	return arena_copy(arena, buf_text(&form));
}

static struct err *read_oauth(struct api *api, const struct api_answer *answer, struct arena *arena)
{
	struct json *value = NULL;
	struct err *e;

	if (answer->length)
		err_ignore(json_parse(answer->body, answer->length, &value));
	if (answer->status == 200)
		e = take_session(api, json_text(json_get(value, "instance_url")),
		    json_text(json_get(value, "access_token")), arena);
	else
		e = refused(answer->status, json_text(json_get(value, "error")),
		    json_text(json_get(value, "error_description")));
	json_destroy(value);
	return e;
}

static struct err *sign_in_by_oauth(
    struct api *api, const struct salesforce_options *own, struct arena *arena)
{
	const char *form = oauth_form(own, arena);
	struct api_request request = {
	    .method = "POST",
	    .url = arena_format(arena, "%s/services/oauth2/token", own->login_base),
	    .content_type = "application/x-www-form-urlencoded",
	    .body = form,
	    .length = strlen(form),
	};
	struct api_answer answer;

	PASS(api_exchange(api, &request, &answer));
	return read_oauth(api, &answer, arena);
}

static struct err *sign_in_once(struct api *api)
{
	const struct salesforce_options *own = api_options(api);
	cleanup(arena_done) struct arena arena = {0};

	return own->auth == AUTH_OAUTH ? sign_in_by_oauth(api, own, &arena)
	                               : sign_in_by_soap(api, own, &arena);
}

/* Without time for the wait, the last refusal is what there is to say. */
static struct err *sign_in(struct api *api)
{
	const struct salesforce_options *own = api_options(api);
	struct err *e = sign_in_once(api), *over;

	for (int64_t attempt = 1; e && attempt < own->login_attempts; attempt++) {
		over = api_wait(api, own->login_wait_ms);
		if (over) {
			err_destroy(over);
			break;
		}
		err_destroy(e);
		e = sign_in_once(api);
	}
	return e;
}

static enum api_verdict judge(const struct api_answer *answer)
{
	if (answer->status == 401)
		return API_SIGN_IN;
	return answer->status >= 500 ? API_AGAIN : API_FINAL;
}

/* -- calls ------------------------------------------------------------------------------------------ */

/* What the other side says of a failure: a list of message and errorCode. */
static struct err *failed(const struct api_answer *answer, const struct json *value)
{
	const struct json *first = json_is(value, JSON_ARRAY) ? json_first(value) : value;
	const char *code = json_text(json_get(first, "errorCode")),
	           *text = json_text(json_get(first, "message"));

	return ERR(answer->status >= 500 ? ERR_TEMPORARY : ERR_PERMANENT, "HTTP %ld%s%s%s%.200s",
	    answer->status, code ? ", " : "", code ? code : "", text ? ": " : "", text ? text : "");
}

struct err *salesforce_get(
    struct api *api, const char *path, const struct api_header *own, struct json **out_answer)
{
	struct api_request request = {.method = "GET", .url = path, .headers = own};
	struct api_answer answer;
	struct json *value = NULL;

	PASS(api_call(api, &request, &answer));
	struct err *unread = json_parse(answer.body, answer.length, &value);
	struct err *e = answer.status < 200 || answer.status >= 300 ? failed(&answer, value) : NULL;
	if (!e && unread)
		return ERR_AT(unread, "read the answer");
	err_ignore(unread);
	if (!e && !json_is(value, JSON_OBJECT))
		e = ERR(ERR_PERMANENT, "the answer is no object");
	if (e) {
		json_destroy(value);
		return e;
	}
	*out_answer = value;
	return NULL;
}

struct pages {
	const char *paths[PAGES_MAX]; /* in the arena */
	size_t count;
	struct arena arena;
};

static void pages_done(struct pages *pages)
{
	arena_done(&pages->arena);
}

/* The path of the page after PAGE, or NULL if it is the last one. */
static struct err *follow(const struct json *page, struct pages *pages)
{
	const char *next = json_text(json_get(page, "nextRecordsUrl"));

	if (json_true(json_get(page, "done")))
		return NULL;
	if (text_is_empty(next) || next[0] != '/' || next[1] == '/')
		return ERR(ERR_PERMANENT, "an answer that is not done has no path to the next page");
	for (size_t i = 0; i < pages->count; i++)
		if (!strcmp(pages->paths[i], next))
			return ERR(
			    ERR_PERMANENT, "page %zu is followed by a page that came before", pages->count);
	if (pages->count == PAGES_MAX)
		return ERR(ERR_PERMANENT, "more than %d pages", PAGES_MAX);
	pages->paths[pages->count++] = arena_copy(&pages->arena, next);
	return NULL;
}

static struct err *take_page(
    const struct json *page, struct pages *pages, salesforce_record *record, void *arg)
{
	const struct json *records = json_get(page, "records");

	if (!json_is(json_get(page, "done"), JSON_BOOL) || !json_is(records, JSON_ARRAY))
		return ERR(ERR_PERMANENT, "page %zu has no 'done' or no 'records'", pages->count);
	json_each(item, records)
		PASS(record(arg, item));
	return follow(page, pages);
}

struct err *salesforce_query(struct api *api, const char *soql, salesforce_record *record, void *arg)
{
	cleanup(pages_done) struct pages pages = {.count = 1};
	cleanup(buf_done) struct buf path = {0};

	buf_add_text(&path, "/services/data/v" VERSION "/query/?q=");
	percent_add(&path, soql);
	pages.paths[0] = buf_text(&path);
	for (size_t i = 0; i < pages.count; i++) {
		struct json *page = NULL;

		TRY(salesforce_get(api, pages.paths[i], NULL, &page), "page %zu", i + 1);
		struct err *e = take_page(page, &pages, record, arg);
		json_destroy(page);
		PASS(e);
	}
	return NULL;
}

const struct api_type salesforce_api = {
    .name = "salesforce",
    .summary = "an organisation of Salesforce: Apex REST and SOQL",
    .options = options,
    .options_size = sizeof(struct salesforce_options),
    .request_timeout = "60s",
    .retry_wait = "5s",
    .tries = 3,
    .headers = headers,
    .check = check,
    .sign_in = sign_in,
    .judge = judge,
};
