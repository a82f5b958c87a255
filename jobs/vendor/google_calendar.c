/* SPDX-License-Identifier: MIT */
/*
 * The Google Calendar API: signing in as a service account (a JWT signed with its key, RFC 7523) or with a
 * refresh token, and what its refusals mean for a call.
 */
#include "jobs/vendor/google_calendar.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <bmad/buf.h>
#include <bmad/form.h>
#include <bmad/json.h>
#include <bmad/text.h>

#include "jobs/vendor/vendors.h"

#define SCOPE        "https://www.googleapis.com/auth/calendar.events"
#define GRANT        "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define TOKEN_URL    "https://oauth2.googleapis.com/token"
#define LIFE_S       3600 /* of an assertion; the server takes no more */
#define EARLY_S      60   /* before its end a token is renewed */
#define TRIES        8
#define JITTER_MS    1000
#define KEY_FILE_MAX 65536
#define SHOWN        200

struct google_options {
	const char *base_url, *token_url, *key_file;
	struct secret client_id, client_secret, refresh_token;
};

/* clang-format off */
static const struct option options[] = {
    OPTION(struct google_options, base_url, OPT_TEXT, .fallback = "https://www.googleapis.com/calendar/v3", .help = "where calendars are"),
    OPTION(struct google_options, token_url, OPT_TEXT, .fallback = TOKEN_URL, .help = "where to sign in"),
    OPTION(struct google_options, key_file, OPT_PATH, .help = "the key of a service account, a JSON file that nobody else may read"),
    OPTION(struct google_options, client_id, OPT_SECRET, .help = "instead of a key: the client that the refresh token was given to"),
    OPTION(struct google_options, client_secret, OPT_SECRET, .help = "the client's secret"),
    OPTION(struct google_options, refresh_token, OPT_SECRET, .help = "the refresh token"),
    OPTION_END,
};
/* clang-format on */

static struct err *check(const void *structure)
{
	const struct google_options *own = structure;
	bool any = own->client_id.hidden || own->client_secret.hidden || own->refresh_token.hidden;
	bool all = own->client_id.hidden && own->client_secret.hidden && own->refresh_token.hidden;

	if (own->key_file ? !any : all)
		return NULL;
	return ERR(
	    ERR_CONFIG, "key_file: expected either key_file, or client_id, client_secret and refresh_token");
}

/* -- the key of a service account ------------------------------------------------------------------- */

struct key {
	struct json *file;
	const char *email, *id, *token_uri, *pem; /* in `file` */
};

static void key_done(struct key *key)
{
	json_destroy(key->file);
}

static struct err *read_text(FILE *file, const char *path, struct buf *out)
{
	struct stat st;

	if (fstat(fileno(file), &st))
		return ERR(ERR_CONFIG, "key file %s: %s", path, strerror(errno));
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return ERR(ERR_CONFIG,
		    "key file %s: others may read it (mode %04o): chmod 600 it, and make a new key", path,
		    st.st_mode & 07777U);
	size_t got = fread(buf_room(out, KEY_FILE_MAX), 1, KEY_FILE_MAX, file);
	out->length += got;
	if (got == KEY_FILE_MAX || ferror(file))
		return ERR(ERR_CONFIG, "key file %s: it cannot be read, or is no key", path);
	return NULL;
}

/* No text here may show any of what is in the file. */
static struct err *parse_key(const char *path, const struct buf *text, struct key *out)
{
	const struct {
		const char *name;
		const char **field;
		bool optional;
	} members[] = {
	    {"client_email", &out->email, false},
	    {"private_key", &out->pem, false},
	    {"private_key_id", &out->id, false},
	    {"token_uri", &out->token_uri, true},
	};
	struct err *e = json_parse(buf_text(text), text->length, &out->file);

	if (e) {
		err_destroy(e);
		return ERR(ERR_CONFIG, "key file %s: it is no JSON", path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		*members[i].field = json_text(json_get(out->file, members[i].name));
		if (!*members[i].field && !members[i].optional)
			return ERR(ERR_CONFIG, "key file %s: '%s' is missing", path, members[i].name);
	}
	return NULL;
}

static struct err *read_key(const char *path, struct key *out)
{
	cleanup(buf_done) struct buf text = {0};
	FILE *file = fopen(path, "re");

	if (!file)
		return ERR(ERR_CONFIG, "key file %s: %s", path, strerror(errno));
	struct err *e = read_text(file, path, &text);
	fclose(file);
	return e ? e : parse_key(path, &text, out);
}

struct err *google_calendar_account(struct api *api, struct arena *arena, const char **out_address)
{
	const struct google_options *own = api_options(api);
	cleanup(key_done) struct key key = {0};

	*out_address = NULL;
	if (!own->key_file)
		return NULL;
	PASS(read_key(own->key_file, &key));
	*out_address = arena_copy(arena, key.email);
	return NULL;
}

/* -- the assertion ---------------------------------------------------------------------------------- */

static void add_part(struct buf *out, struct json *part)
{
	cleanup(free_text) char *text = json_print(part);

	base64url_add(out, text, strlen(text));
	json_destroy(part);
}

/* Asked for by libcrypto if the key is encrypted: nobody is there to type it. */
static int no_password(char *out, int size, int writing, void *arg)
{
	(void)out, (void)size, (void)writing, (void)arg;
	return -1;
}

static EVP_PKEY *load_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static bool add_signature(struct buf *out, EVP_PKEY *key)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[1024]; /* a key of 8192 bits */
	size_t length = sizeof(signature);
	bool made =
	    key && context && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
	    EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(context, signature, &length, (const unsigned char *)out->text, out->length) == 1;

	EVP_MD_CTX_free(context);
	if (!made)
		return false;
	buf_add_char(out, '.');
	base64url_add(out, signature, length);
	return true;
}

static struct json *claims(const struct key *key, const char *audience, int64_t now_s)
{
	struct json *claims = json_object();

	json_set_string(claims, "iss", key->email);
	json_set_string(claims, "scope", SCOPE);
	json_set_string(claims, "aud", audience);
	json_set_int(claims, "iat", now_s);
	json_set_int(claims, "exp", now_s + LIFE_S);
	return claims;
}

static struct err *add_assertion(struct buf *out, const struct google_options *own, int64_t now_s)
{
	cleanup(key_done) struct key key = {0};
	struct json *header = json_object();

	json_set_string(header, "alg", "RS256");
	json_set_string(header, "typ", "JWT");
	struct err *e = read_key(own->key_file, &key);
	if (e) {
		json_destroy(header);
		return e;
	}
	json_set_string(header, "kid", key.id);
	add_part(out, header);
	buf_add_char(out, '.');
	add_part(out, claims(&key, key.token_uri ? key.token_uri : own->token_url, now_s));
	EVP_PKEY *private_key = load_key(key.pem);
	bool made = add_signature(out, private_key);
	EVP_PKEY_free(private_key);
	return made ? NULL
	            : ERR(ERR_CONFIG, "key file %s: 'private_key' is no RSA key in PEM", own->key_file);
}

/* -- signing in ------------------------------------------------------------------------------------- */

static void add_field(struct buf *form, const char *name, const char *value)
{
	form_add(form, name, value, strlen(value));
}

static struct err *make_form(struct api *api, struct buf *form)
{
	const struct google_options *own = api_options(api);
	cleanup(buf_done) struct buf assertion = {0};

	if (own->key_file) {
		PASS(add_assertion(&assertion, own, api_wall_s(api)));
		api_secret(buf_text(&assertion));
		add_field(form, "grant_type", GRANT);
		add_field(form, "assertion", buf_text(&assertion));
		return NULL;
	}
	add_field(form, "grant_type", "refresh_token");
	add_field(form, "client_id", own->client_id.hidden);
	add_field(form, "client_secret", own->client_secret.hidden);
	add_field(form, "refresh_token", own->refresh_token.hidden);
	return NULL;
}

/* The server has one word for a clock that is wrong and a grant that was taken back; the description tells.
 */
static struct err *refused(const struct api *api, const struct api_answer *answer)
{
	struct json *value = NULL;
	char now[TIME_TEXT];

	err_ignore(json_parse(answer->body, answer->length, &value));
	const char *error = json_text(json_get(value, "error"));
	const char *told = json_text(json_get(value, "error_description"));
	bool grant = text_equal(error, "invalid_grant");
	bool clock =
	    grant && told && (strstr(told, "timeframe") || strstr(told, "iat") || strstr(told, "exp "));
	struct err *e = ERR(ERR_PERMANENT, "HTTP %ld where a token was asked for: %.*s%s%.*s%s%s%s",
	    answer->status, SHOWN, error ? error : "no reason given", told ? ": " : "", SHOWN,
	    told ? told : "", clock ? "; this machine's clock is wrong: it shows " : "",
	    clock ? utc_format(api_wall_s(api), now) : "",
	    grant && !clock ? "; the key or token was revoked, or this machine's clock is wrong by minutes"
	                    : "");

	json_destroy(value);
	return e;
}

static struct err *take_token(struct api *api, const struct api_answer *answer)
{
	const struct google_options *own = api_options(api);
	struct json *value = NULL;
	struct err *e = NULL;
	int64_t life_s = LIFE_S;

	TRY(json_parse(answer->body, answer->length, &value), "read the token");
	const char *token = json_text(json_get(value, "access_token"));
	json_int64(json_get(value, "expires_in"), &life_s);
	if (text_is_empty(token))
		e = ERR(ERR_PERMANENT, "the answer has no 'access_token'");
	else
		api_session(api, own->base_url, token, (life_s > EARLY_S ? life_s - EARLY_S : 1) * 1000);
	json_destroy(value);
	return e;
}

static bool is_for_later(long status)
{
	return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* One try; *OUT_AGAIN_MS is 0, or how long to wait at least before the next. */
static struct err *ask_token(struct api *api, const struct api_request *request, int64_t *out_again_ms)
{
	struct api_answer answer;
	struct err *e = api_exchange(api, request, &answer);

	*out_again_ms = 0;
	if (e) {
		*out_again_ms = err_kind(e) == ERR_TEMPORARY || err_kind(e) == ERR_UNCERTAIN;
		return e;
	}
	if (answer.status == 200)
		return take_token(api, &answer);
	if (!is_for_later(answer.status))
		return refused(api, &answer);
	*out_again_ms = answer.retry_after_ms > 0 ? answer.retry_after_ms : 1;
	return ERR(ERR_TEMPORARY, "HTTP %ld where a token was asked for", answer.status);
}

static struct err *sign_in(struct api *api)
{
	const struct google_options *own = api_options(api);
	cleanup(buf_done) struct buf form = {0};
	struct err *e;

	PASS(make_form(api, &form));
	const struct api_request request = {
	    .method = "POST",
	    .url = own->token_url,
	    .content_type = "application/x-www-form-urlencoded",
	    .body = buf_text(&form),
	    .length = form.length,
	};
	for (int i = 0;; i++) {
		int64_t asked_ms, wait_ms = (INT64_C(1000) << i) + (int64_t)(random_unit() * JITTER_MS);

		e = ask_token(api, &request, &asked_ms);
		if (!e || !asked_ms || i + 1 == TRIES)
			return e;
		struct err *over = api_wait(api, asked_ms > wait_ms ? asked_ms : wait_ms);
		if (over) {
			err_destroy(over);
			return e;
		}
		err_destroy(e);
	}
}

/* -- calls ------------------------------------------------------------------------------------------ */

char *google_calendar_reason(const struct api_answer *answer)
{
	struct json *value = NULL;

	err_ignore(json_parse(answer->body, answer->length, &value));
	const struct json *error = json_get(value, "error");
	const char *reason = json_text(json_get(json_first(json_get(error, "errors")), "reason"));
	char *copy = mem_copy_n(reason ? reason : "", reason ? utf8_cut(reason, strlen(reason), SHOWN) : 0);

	json_destroy(value);
	return copy;
}

static enum api_verdict judge(const struct api_answer *answer)
{
	if (answer->status == 401)
		return API_SIGN_IN;
	if (is_for_later(answer->status))
		return API_AGAIN;
	if (answer->status != 403)
		return API_FINAL;
	cleanup(free_text) char *reason = google_calendar_reason(answer);
	bool rate = !strcmp(reason, "rateLimitExceeded") || !strcmp(reason, "userRateLimitExceeded");
	return rate ? API_AGAIN : API_FINAL;
}

const struct api_type google_calendar_api = {
    .name = "google_calendar",
    .summary = "calendars of Google",
    .options = options,
    .options_size = sizeof(struct google_options),
    .request_timeout = "5m",
    .retry_wait = "1s",
    .tries = TRIES,
    .jitter_ms = JITTER_MS,
    .pace_ms = 200,
    .check = check,
    .sign_in = sign_in,
    .judge = judge,
};
