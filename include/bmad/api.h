/* SPDX-License-Identifier: MIT */
/*
 * Calls to vendor APIs, for job modules and for the vendor clients in jobs/vendor/.
 *
 *	struct api *bruin;
 *	struct api_answer answer;
 *
 *	TRY(run_api(run, options->bruin, &bruin), "...");
 *	TRY(api_call(bruin, &(struct api_request){.method = "GET", .url = path}, &answer), "read the ticket");
 *	if (answer.status / 100 == 2)
 *		... answer.body ...
 *
 * One call is one request as the caller sees it: signed in when that is needed, tried again as the API's type
 * says, all within the entry's request_timeout and the run's deadline. An error means that no answer came:
 * TEMPORARY if the request surely never arrived, UNCERTAIN if it may have, CONFIG or PERMANENT if signing in
 * was refused. An answer of any status is no error; what it means is the caller's to judge.
 */
#ifndef BMAD_API_H
#define BMAD_API_H

#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>
#include <bmad/option.h>

struct api; /* one entry of `apis`, with its connections and its session; kept between runs */

/* A list of them ends with one without name. */
struct api_header {
	const char *name, *value;
};

struct api_request {
	const char *method;               /* "GET" */
	const char *url;                  /* whole, or a path (with query) below the session's base */
	const struct api_header *headers; /* besides those of the type and the session; NULL: none */
	const char *body;                 /* NULL: none */
	size_t length;
	const char *content_type; /* of the body, if the type's headers do not say it */
};

struct api_answer {
	long status;
	const char *body; /* ends with a NUL that LENGTH does not count; until the next call to this API */
	size_t length;
	int64_t retry_after_ms; /* as the answer asked; -1: it did not */
	int tries;              /* that the call took */
};

struct err *api_call(
    struct api *api, const struct api_request *request, struct api_answer *out_answer) MUST_CHECK;

/*
 * One of many calls has ended: ANSWER until this returns, or WHY there is none (to be destroyed or passed
 * on). It may call other APIs, not this one. What it returns ends the whole.
 */
typedef struct err *api_ended(void *arg, size_t index, const struct api_answer *answer, struct err *why);

/* COUNT calls, LIMIT of them at a time; ENDED hears of each, in the order in which they end. */
struct err *api_call_all(struct api *api, const struct api_request *requests, size_t count, size_t limit,
    api_ended *ended, void *arg) MUST_CHECK;

/* For ENDED: no further call begins; api_call_all() returns when those under way have ended. */
void api_stop(struct api *api);

/* -- for the types of APIs ------------------------------------------------------------------------------- */

enum api_verdict {
	API_FINAL,   /* for the caller */
	API_AGAIN,   /* later: tried again while tries and time are left, then for the caller */
	API_SIGN_IN, /* the session is over: with a new one, tried again at once, but once only */
};

struct api_type {
	const char *name;    /* "bruin" */
	const char *summary; /* for `bmad modules` */
	const struct option *options;
	size_t options_size;
	/* Defaults of the keys that every API has, as one would write them. */
	const char *request_timeout, *retry_wait;
	int tries;                        /* of one call, in all */
	int64_t jitter_ms;                /* at most so much is added to a wait */
	int64_t pace_ms;                  /* from the beginning of one call to that of the next, at least */
	const struct api_header *headers; /* of every call but those of sign_in; NULL: none */

	/* As job_module.check. */
	struct err *(*check)(const void *options);
	/* Gets a session with api_exchange() and hands it to api_session(). */
	struct err *(*sign_in)(struct api *api);
	/* Pure. */
	enum api_verdict (*judge)(const struct api_answer *answer);
};

/* Every type, ending with NULL: jobs/vendor/vendors.c. */
extern const struct api_type *const api_types[];

const void *api_options(const struct api *api); /* the type's structure, references resolved */

/* The wall clock in seconds, for what a sign-in must say of the time. */
int64_t api_wall_s(const struct api *api);
/* One exchange as it stands: no session, no second try. */
struct err *api_exchange(
    struct api *api, const struct api_request *request, struct api_answer *out_answer) MUST_CHECK;
/* Waits; TEMPORARY error if the run or the call ends before. */
struct err *api_wait(struct api *api, int64_t ms) MUST_CHECK;
/*
 * The session: BASE is what paths are appended to, TOKEN is sent as `Authorization: Bearer` and kept out of
 * every log; after LIFE_MS (0: not known) it is renewed before the next call.
 */
void api_session(struct api *api, const char *base, const char *token, int64_t life_ms);
/* Keeps SECRET, which was made to sign in, out of every log. */
void api_secret(const char *secret);

#endif
