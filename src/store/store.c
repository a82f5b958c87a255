/* SPDX-License-Identifier: MIT */
/*
 * The store as its callers see it: finds the backend, runs verbs inside marks, and knows which instances
 * live. Nothing here knows what a database is.
 */
#include "store/backend.h"

#include <string.h>

static const struct store_backend *const backends[] = {&store_sqlite};

static const struct store_backend *backend_of(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strncmp(url, backends[i]->scheme, strlen(backends[i]->scheme)))
			return backends[i];
	return NULL;
}

static struct err *find_backend(const char *url, const struct store_backend **out_backend)
{
	*out_backend = backend_of(url);
	return *out_backend ? NULL : ERR(ERR_CONFIG, "store '%s': expected sqlite:/path", url);
}

struct err *store_copy(const char *url, const char *copy)
{
	const struct store_backend *backend;

	PASS(find_backend(url, &backend));
	return ERR_AT(backend->copy(url + strlen(backend->scheme), copy), "copy the store %s", url);
}

struct err *store_open(const char *url, enum store_mode mode, int64_t now_ms, struct store **out_store)
{
	const struct store_backend *backend;
	struct store *store;
	struct err *e;

	PASS(find_backend(url, &backend));
	store = mem_alloc(sizeof(*store));
	store->backend = backend;
	store->mode = mode;
	e = backend->open(store, url + strlen(backend->scheme), mode, now_ms);
	if (e) {
		free(store);
		return ERR_AT(e, "open the store %s", url);
	}
	*out_store = store;
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store->backend->close(store);
	for (size_t i = 0; i < store->living_count; i++)
		free(store->living[i].instance);
	free(store->living);
	free(store->lost);
	news_done(store);
	free(store);
}

void store_set_policy(struct store *store, const struct store_policy *policy)
{
	store->policy = *policy;
}

bool store_holds(const struct store *store, const char *channel)
{
	return !store->policy.holds || store->policy.holds(store->policy.arg, channel);
}

bool store_serves(const struct store *store, const char *channel)
{
	return !store->policy.serves || store->policy.serves(store->policy.arg, channel);
}

/* -- living instances ------------------------------------------------------------------------------ */

static struct living *find_instance(const struct store *store, const char *instance)
{
	for (size_t i = 0; i < store->living_count; i++)
		if (!strcmp(store->living[i].instance, instance))
			return &store->living[i];
	return NULL;
}

static bool lives(const struct store *store, const char *instance)
{
	const struct living *found = find_instance(store, instance);

	return found && found->connections;
}

/* Workers come and go with their main, and commands hold nothing. */
static bool holds_something(enum role role)
{
	return role == ROLE_MAIN || role == ROLE_ONCE || role == ROLE_SENDER;
}

static void add_living(struct store *store, enum role role, const char *instance)
{
	struct living *found = find_instance(store, instance);

	if (!found) {
		mem_grow(store->living, store->living_count, store->living_capacity);
		found = &store->living[store->living_count++];
		*found = (struct living){.instance = mem_copy(instance), .role = role};
	}
	found->connections++;
	found->settled = false;
}

static void remove_living(struct store *store, const char *instance)
{
	struct living *found = find_instance(store, instance);

	if (found && found->connections)
		found->connections--;
}

/* After the commit: those settled in it are forgotten. After a failed one they are to be settled again. */
static void end_settling(struct store *store, bool committed)
{
	for (size_t i = store->living_count; i-- > 0;) {
		struct living *living = &store->living[i];

		if (living->settled && committed) {
			free(living->instance);
			*living = store->living[--store->living_count];
		} else {
			living->settled = false;
		}
	}
}

/* -- batches and marks ----------------------------------------------------------------------------- */

struct err *store_begin(struct store *store)
{
	free(store->lost);
	store->lost = NULL;
	return store->backend->begin(store);
}

static struct err *commit_batch(struct store *store)
{
	if (!store->lost)
		return store->backend->commit(store);
	store->backend->abandon(store);
	return ERR(ERR_PERMANENT, "%s", store->lost);
}

struct err *store_commit(struct store *store)
{
	struct err *e = commit_batch(store);

	end_settling(store, !e);
	if (e)
		news_undo(store, (struct news_mark){0});
	return e;
}

/* What runs inside a mark: a verb, or one of the store's own duties. */
struct step {
	struct err *(*run)(struct store *store, const struct step *step);
	enum request_kind kind;
	const void *request;
	struct arena *arena;
	void *reply;
	int64_t now_ms;
	int64_t *out_next_ms;
	const struct store_retention *keep;
	bool *out_more;
	struct living *dead;
	bool everywhere;
};

/* A fault of the disk may take the whole batch with it: nothing more of it can be done then. */
static struct err *undo_step(struct store *store, struct news_mark mark, struct err *e)
{
	news_undo(store, mark);
	if (!store->backend->undo(store) && !store->lost)
		store->lost = mem_copy(err_message(e));
	return e;
}

static struct err *run_marked(struct store *store, const struct step *step)
{
	struct news_mark mark = news_mark(store);
	struct err *e;

	if (store->lost)
		return ERR(ERR_PERMANENT, "%s", store->lost);
	PASS(store->backend->mark(store));
	e = step->run(store, step);
	if (!e)
		e = store->backend->keep(store);
	return e ? undo_step(store, mark, e) : NULL;
}

/* -- HELLO, and instances that are gone ------------------------------------------------------------ */

typedef struct err *settle_function(
    struct store *store, const char *instance, int64_t now_ms, int64_t *count);

static struct err *settle_dead(struct store *store, const struct id_record *holders, size_t count,
    settle_function *settle, int64_t now_ms, int64_t *out_settled)
{
	for (size_t i = 0; i < count; i++)
		if (!lives(store, holders[i].id))
			PASS(settle(store, holders[i].id, now_ms, out_settled));
	return NULL;
}

static struct err *settle_left_open(
    struct store *store, const struct hello *hello, struct arena *arena, struct hello_reply *reply)
{
	const struct store_backend *backend = store->backend;
	struct id_record *holders;
	size_t count;

	if (hello->role == ROLE_MAIN) {
		PASS(backend->run_holders(store, arena, &holders, &count));
		return settle_dead(
		    store, holders, count, backend->interrupt_runs, hello->now_ms, &reply->interrupted);
	}
	if (hello->role == ROLE_SENDER) {
		PASS(backend->message_holders(store, arena, &holders, &count));
		return settle_dead(
		    store, holders, count, backend->recover_messages, hello->now_ms, &reply->recovered);
	}
	return NULL;
}

static struct err *run_hello(struct store *store, const struct step *step)
{
	const struct hello *hello = step->request;
	struct hello_reply *reply = step->reply;
	struct err *e;

	*reply = (struct hello_reply){0};
	if (!holds_something((enum role)hello->role))
		return NULL;
	if (!hello->instance)
		return ERR(ERR_BUG, "HELLO names no instance");
	add_living(store, (enum role)hello->role, hello->instance);
	e = settle_left_open(store, hello, step->arena, reply);
	if (e)
		remove_living(store, hello->instance);
	return e;
}

/* Main's own end is not settled here: its children end with it, and the next main's HELLO does it. */
static struct err *run_settle(struct store *store, const struct step *step)
{
	const struct living *dead = step->dead;
	int64_t count = 0;

	if (dead->role == ROLE_MAIN)
		return NULL;
	if (dead->role == ROLE_ONCE)
		PASS(store->backend->interrupt_runs(store, dead->instance, step->now_ms, &count));
	return store->backend->recover_messages(store, dead->instance, step->now_ms, &count);
}

static struct err *settle_all_dead(struct store *store, int64_t now_ms)
{
	for (size_t i = 0; i < store->living_count; i++) {
		struct living *dead = &store->living[i];

		if (dead->connections || dead->settled)
			continue;
		TRY(run_marked(store, &(struct step){.run = run_settle, .dead = dead, .now_ms = now_ms}),
		    "settle what %s left open", dead->instance);
		dead->settled = true;
	}
	return NULL;
}

struct err *store_gone(struct store *store, enum role role, const char *instance, int64_t now_ms)
{
	if (!holds_something(role))
		return NULL;
	remove_living(store, instance);
	return settle_all_dead(store, now_ms);
}

/* -- verbs and duties ------------------------------------------------------------------------------ */

static bool only_reads(enum request_kind kind)
{
	return kind == REQ_STATE || kind == REQ_STATES || kind == REQ_KEY || kind == REQ_WAIT || kind == REQ_LANES || kind == REQ_RUNS ||
	       kind == REQ_MESSAGES || kind == REQ_COUNTS || kind == REQ_PAUSED;
}

static struct err *run_verb(struct store *store, const struct step *step)
{
	return store->backend->verbs[step->kind](store, step->request, step->arena, step->reply);
}

struct err *store_do(
    struct store *store, enum request_kind kind, const void *request, struct arena *arena, void *reply)
{
	struct step step = {
	    .run = kind == REQ_HELLO ? run_hello : run_verb,
	    .kind = kind,
	    .request = request,
	    .arena = arena,
	    .reply = reply,
	};

	if (kind != REQ_HELLO && ((size_t)kind >= REQ_KINDS || !store->backend->verbs[kind]))
		return ERR(ERR_BUG, "request %d is not for the store", (int)kind);
	if (only_reads(kind))
		return run_verb(store, &step);
	if (store->mode == STORE_READ)
		return ERR(ERR_BUG, "the store is open for reading only");
	return run_marked(store, &step);
}

static struct err *run_expire(struct store *store, const struct step *step)
{
	return store->backend->expire(store, step->now_ms, step->out_next_ms);
}

struct err *store_expire(struct store *store, int64_t now_ms, int64_t *out_next_ms)
{
	PASS(settle_all_dead(store, now_ms)); /* whom a failed batch left over */
	return run_marked(
	    store, &(struct step){.run = run_expire, .now_ms = now_ms, .out_next_ms = out_next_ms});
}

/* A copy: what is buried may be news of the channel again. */
static struct id_record *changed_channels(const struct store *store, struct arena *arena, size_t *out_count)
{
	const struct pending_news *news = &store->news;
	struct id_record *channels = arena_alloc(arena, (news->channel_count + 1) * sizeof(*channels));

	for (size_t i = 0; i < news->channel_count; i++)
		channels[i].id = news->channels[i];
	*out_count = news->channel_count;
	return channels;
}

static struct err *run_bury(struct store *store, const struct step *step)
{
	cleanup(arena_done) struct arena arena = {0};
	struct id_record *channels;
	size_t count;

	if (step->everywhere)
		PASS(store->backend->waiting_channels(store, &arena, &channels, &count));
	else
		channels = changed_channels(store, &arena, &count);
	for (size_t i = 0; i < count; i++) {
		bool more = false;

		if (!store_serves(store, channels[i].id))
			PASS(store->backend->bury(store, channels[i].id, step->now_ms, &more));
		*step->out_more = *step->out_more || more;
	}
	return NULL;
}

struct err *store_bury(struct store *store, bool everywhere, int64_t now_ms, bool *out_more)
{
	*out_more = false;
	if (!everywhere && (!store->policy.serves || !store->news.channel_count))
		return NULL;
	return run_marked(store,
	    &(struct step){.run = run_bury, .everywhere = everywhere, .now_ms = now_ms, .out_more = out_more});
}

static struct err *run_sweep(struct store *store, const struct step *step)
{
	return store->backend->sweep(store, step->keep, step->now_ms, step->out_more);
}

struct err *store_sweep(
    struct store *store, const struct store_retention *keep, int64_t now_ms, bool *out_more)
{
	*out_more = false;
	return run_marked(store,
	    &(struct step){.run = run_sweep, .now_ms = now_ms, .keep = keep, .out_more = out_more});
}
