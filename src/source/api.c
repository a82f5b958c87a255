/* SPDX-License-Identifier: MIT */
/* Calls: exchanges with a session, tried again as the API's type says, within time. */
#include "source/api.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "source/http.h"

#define LOOK_MS     200 /* between two looks at `cancel`: a signal may come just before poll() */
#define DOUBLED_MAX 16  /* waits are not doubled more often than that */

/* One of the calls under way, or none (`call` is done and nothing is left to take its place). */
struct slot {
	struct api_request request; /* with its url made whole */
	size_t index;
	bool live, flying, signed_again;
	int tries;
	uint64_t session; /* by which the exchange goes */
	struct mono deadline, not_before;
	struct http_exchange exchange;
};

/* The calls of one api_call_all(). */
struct batch {
	const struct api_request *requests;
	size_t count, next;
	struct slot *slots;
	size_t slot_count;
	api_ended *ended;
	void *arg;
	/* Signing in failed: the calls that are left need not try. */
	char *refusal;
	enum err_kind refusal_kind;
};

struct api {
	const struct conf_api *entry;
	struct api_limits limits;
	struct http *http; /* of calls */
	struct http *door; /* of signing in, while calls go on */
	char *base, *authorization;
	uint64_t session; /* counts them; 0: there never was one */
	bool valid, stopped;
	struct mono valid_until; /* ms 0: not known */
	struct mono exchange_deadline, next_start;
	struct buf answer; /* of the last api_call() or api_exchange() */
};

struct api *api_create(const struct conf_api *entry)
{
	struct api *api = mem_alloc(sizeof(*api));

	api->entry = entry;
	api->http = http_create();
	api->door = http_create();
	return api;
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	http_destroy(api->http);
	http_destroy(api->door);
	free(api->base);
	free(api->authorization);
	buf_done(&api->answer);
	free(api);
}

void api_limit(struct api *api, const struct api_limits *limits)
{
	api->limits = *limits;
}

const void *api_options(const struct api *api)
{
	return api->entry->options;
}

int64_t api_wall_s(const struct api *api)
{
	return api->limits.wall_ms() / 1000;
}

/* -- time ------------------------------------------------------------------------------------------- */

static struct mono sooner(struct mono a, struct mono b)
{
	return a.ms < b.ms ? a : b;
}

static struct err *check_run(const struct api *api)
{
	if (!*api->limits.cancel && api->limits.now().ms < api->limits.deadline.ms)
		return NULL;
	return ERR(ERR_TEMPORARY, "the run was told to end, or its time is over");
}

/* How long to wait for something to happen, before UNTIL. */
static int patience(const struct api *api, struct mono until)
{
	int64_t left = sooner(until, api->limits.deadline).ms - api->limits.now().ms;

	return left < 0 ? 0 : left < LOOK_MS ? (int)left : LOOK_MS;
}

struct err *api_wait(struct api *api, int64_t ms)
{
	struct mono until = {api->limits.now().ms + ms};

	if (api->exchange_deadline.ms && until.ms > api->exchange_deadline.ms)
		return ERR(ERR_TEMPORARY, "the call's time is over");
	while (api->limits.now().ms < until.ms) {
		PASS(check_run(api));
		http_wait(api->door, patience(api, until));
	}
	return NULL;
}

/* -- exchanges -------------------------------------------------------------------------------------- */

static void prepare(const struct api *api, struct http_exchange *exchange, const struct api_request *request,
    struct mono deadline)
{
	int64_t left = sooner(deadline, api->limits.deadline).ms - api->limits.now().ms;

	*exchange = (struct http_exchange){
	    .request = request,
	    .limits = {.timeout_ms = left > 0 ? left : 1,
	        .ca_file = api->entry->ca_file,
	        .proxy = api->entry->proxy},
	    .wall_s = api->limits.wall_ms() / 1000,
	};
}

static struct api_answer answer_of(const struct http_exchange *exchange, int tries)
{
	return (struct api_answer){.status = exchange->status,
	    .body = buf_text(&exchange->body),
	    .length = exchange->body.length,
	    .retry_after_ms = exchange->retry_after_ms,
	    .tries = tries};
}

/* Moves the answer's body to where it outlives the exchange. */
static struct api_answer keep_answer(struct api *api, const struct api_answer *answer)
{
	struct api_answer kept = *answer;

	buf_truncate(&api->answer, 0);
	buf_add(&api->answer, answer->body, answer->length);
	kept.body = buf_text(&api->answer);
	return kept;
}

/* What was asked, without a query that may hold anything. */
static struct err *tell_request(struct err *e, const struct api_request *request)
{
	assert(request->url);
	return ERR_AT(e, "%s %.*s", request->method, (int)strcspn(request->url, "?"), request->url);
}

static struct err *await_exchange(struct api *api, struct http_exchange *exchange)
{
	while (!http_wait(api->door, patience(api, api->limits.deadline)))
		PASS(check_run(api));
	struct err *fault = exchange->fault;
	exchange->fault = NULL;
	return fault;
}

struct err *api_exchange(struct api *api, const struct api_request *request, struct api_answer *out_answer)
{
	struct http_exchange exchange;
	struct mono deadline = api->exchange_deadline.ms ? api->exchange_deadline : api->limits.deadline;

	PASS(check_run(api));
	prepare(api, &exchange, request, deadline);
	struct err *e = http_start(api->door, &exchange);
	if (!e)
		e = await_exchange(api, &exchange);
	if (!e) {
		struct api_answer answer = answer_of(&exchange, 1);

		*out_answer = keep_answer(api, &answer);
	}
	http_exchange_done(api->door, &exchange);
	return e ? tell_request(e, request) : NULL;
}

/* -- the session ------------------------------------------------------------------------------------ */

void api_secret(const char *secret)
{
	redact_add(secret);
}

void api_session(struct api *api, const char *base, const char *token, int64_t life_ms)
{
	redact_add(token);
	free(api->base);
	free(api->authorization);
	api->base = mem_copy(base);
	api->authorization = mem_format("Bearer %s", token);
	api->session++;
	api->valid = true;
	api->valid_until.ms = life_ms ? api->limits.now().ms + life_ms : 0;
}

static bool has_session(const struct api *api)
{
	return api->valid && (!api->valid_until.ms || api->limits.now().ms < api->valid_until.ms);
}

/* Signs in on behalf of SLOT's call, whose time it takes. */
static struct err *sign_in(struct api *api, struct batch *batch, const struct slot *slot)
{
	if (batch->refusal)
		return ERR(batch->refusal_kind, "signing in failed before: %s", batch->refusal);
	api->exchange_deadline = slot->deadline;
	struct err *e = api->entry->type->sign_in(api);
	api->exchange_deadline.ms = 0;
	if (!e)
		return NULL;
	batch->refusal = mem_copy(err_message(e));
	batch->refusal_kind = err_kind(e);
	return ERR_AT(e, "sign in to API %s", api->entry->name);
}

/* -- one call --------------------------------------------------------------------------------------- */

static void release(struct api *api, struct slot *slot)
{
	http_exchange_done(api->http, &slot->exchange);
	free((char *)slot->request.url);
	slot->request.url = NULL;
	slot->flying = false;
}

static struct err *end_call(
    struct batch *batch, struct slot *slot, const struct api_answer *answer, struct err *why)
{
	slot->live = false;
	return batch->ended(batch->arg, slot->index, answer, why);
}

static struct err *send_call(struct api *api, struct slot *slot, const struct api_request *request)
{
	const char *base = *request->url == '/' ? api->base : "";
	const struct api_header session[] = {{"Authorization", api->authorization}, {NULL, NULL}};

	slot->request = *request;
	slot->request.url = mem_format("%s%s", base, request->url);
	slot->session = api->session;
	slot->tries++;
	slot->flying = true;
	prepare(api, &slot->exchange, &slot->request, slot->deadline);
	slot->exchange.headers[0] = api->entry->type->headers;
	slot->exchange.headers[1] = session; /* libcurl copies what it is given */
	api->next_start.ms = api->limits.now().ms + api->entry->pace_ms;
	struct err *e = http_start(api->http, &slot->exchange);
	slot->exchange.headers[1] = NULL;
	return e;
}

static struct err *start_call(struct api *api, struct batch *batch, struct slot *slot)
{
	struct err *e = has_session(api) ? NULL : sign_in(api, batch, slot);

	if (!e && !(e = send_call(api, slot, &batch->requests[slot->index])))
		return NULL;
	if (slot->flying)
		release(api, slot);
	return end_call(batch, slot, NULL, e);
}

/* Whether the call is tried again, and then when. */
static bool again(const struct api *api, struct slot *slot, int64_t asked_ms)
{
	const struct api_type *type = api->entry->type;
	int doubled = slot->tries - 1 < DOUBLED_MAX ? slot->tries - 1 : DOUBLED_MAX;
	int64_t wait_ms =
	    (api->entry->retry_wait_ms << doubled) + (int64_t)(random_unit() * (double)type->jitter_ms);

	if (asked_ms > wait_ms)
		wait_ms = asked_ms;
	slot->not_before.ms = api->limits.now().ms + wait_ms;
	return slot->tries < type->tries && slot->not_before.ms < slot->deadline.ms;
}

static bool sign_in_again(struct api *api, struct slot *slot)
{
	if (slot->signed_again)
		return false;
	if (slot->session == api->session) /* else another call has done so meanwhile */
		api->valid = false;
	slot->signed_again = true;
	slot->not_before.ms = 0;
	return true;
}

static struct err *on_fault(struct api *api, struct batch *batch, struct slot *slot)
{
	struct err *fault = slot->exchange.fault;
	bool final = err_kind(fault) != ERR_TEMPORARY && err_kind(fault) != ERR_UNCERTAIN;

	if (!final && again(api, slot, -1)) {
		release(api, slot);
		return NULL;
	}
	slot->exchange.fault = NULL;
	fault = tell_request(fault, &slot->request);
	release(api, slot);
	return end_call(batch, slot, NULL, fault);
}

static struct err *on_answer(struct api *api, struct batch *batch, struct slot *slot)
{
	struct api_answer answer = answer_of(&slot->exchange, slot->tries);
	enum api_verdict verdict = api->entry->type->judge(&answer);
	bool repeat = verdict == API_SIGN_IN
	                  ? sign_in_again(api, slot)
	                  : verdict == API_AGAIN && again(api, slot, answer.retry_after_ms);
	struct err *e = repeat ? NULL : end_call(batch, slot, &answer, NULL);

	release(api, slot);
	return e;
}

/* -- many of them ----------------------------------------------------------------------------------- */

static bool fill(const struct api *api, struct batch *batch, struct slot *slot)
{
	if (slot->live || batch->next == batch->count || api->stopped)
		return slot->live;
	*slot = (struct slot){.index = batch->next++, .live = true};
	slot->deadline.ms = api->limits.now().ms + api->entry->request_timeout_ms;
	return true;
}

/* Starts what may start; UNTIL is when to look again, LIVE how many calls are not over. */
static struct err *start_due(struct api *api, struct batch *batch, struct mono *until, size_t *out_live)
{
	*until = api->limits.deadline;
	*out_live = 0;
	for (size_t i = 0; i < batch->slot_count; i++) {
		struct slot *slot = &batch->slots[i];

		if (!fill(api, batch, slot))
			continue;
		++*out_live;
		if (slot->flying)
			continue;
		struct mono at = {
		    api->next_start.ms > slot->not_before.ms ? api->next_start.ms : slot->not_before.ms};
		if (at.ms <= api->limits.now().ms)
			PASS(start_call(api, batch, slot));
		*until = slot->live ? sooner(*until, slot->flying ? *until : at) : (struct mono){0};
	}
	return NULL;
}

static struct err *on_ended(struct api *api, struct batch *batch, const struct http_exchange *exchange)
{
	for (size_t i = 0; i < batch->slot_count; i++) {
		struct slot *slot = &batch->slots[i];

		if (&slot->exchange == exchange)
			return exchange->fault ? on_fault(api, batch, slot) : on_answer(api, batch, slot);
	}
	return ERR(ERR_BUG, "an exchange ended that nobody began");
}

static struct err *run_batch(struct api *api, struct batch *batch)
{
	struct http_exchange *exchange;
	struct mono until;
	size_t live;

	for (;;) {
		PASS(check_run(api));
		PASS(start_due(api, batch, &until, &live));
		if (!live && (batch->next == batch->count || api->stopped))
			return NULL;
		exchange = http_wait(api->http, patience(api, until));
		if (exchange)
			PASS(on_ended(api, batch, exchange));
	}
}

struct err *api_call_all(struct api *api, const struct api_request *requests, size_t count, size_t limit,
    api_ended *ended, void *arg)
{
	struct batch batch = {.requests = requests, .count = count, .ended = ended, .arg = arg};

	api->stopped = false;
	batch.slot_count = limit < count ? limit : count;
	batch.slots = mem_alloc(batch.slot_count * sizeof(*batch.slots));
	struct err *e = run_batch(api, &batch);
	for (size_t i = 0; i < batch.slot_count; i++)
		if (batch.slots[i].flying)
			release(api, &batch.slots[i]);
	free(batch.slots);
	free(batch.refusal);
	return e;
}

void api_stop(struct api *api)
{
	api->stopped = true;
}

struct single {
	struct api *api;
	struct api_answer *out;
};

static struct err *keep_single(void *arg, size_t index, const struct api_answer *answer, struct err *why)
{
	const struct single *single = arg;

	(void)index;
	if (answer)
		*single->out = keep_answer(single->api, answer);
	return why;
}

struct err *api_call(struct api *api, const struct api_request *request, struct api_answer *out_answer)
{
	*out_answer = (struct api_answer){.retry_after_ms = -1};
	struct single single = {api, out_answer};
	return api_call_all(api, request, 1, 1, keep_single, &single);
}
