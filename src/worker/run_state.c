/* SPDX-License-Identifier: MIT */
/* What jobs remember: read from the store, changed with the run's commit, or kept in the midst of it. */
#include <string.h>

#include <uthash.h>

#include "base/text.h"
#include "daemon/child.h"
#include "store/client.h"
#include "worker/inside.h"

/* Where among the run's states a key stands: there may be thousands. */
struct state_place {
	const char *key;
	size_t index;
	UT_hash_handle hh;
};

/* What is stored under a key, as it was read with others. */
struct read_state {
	const char *key, *value; /* NULL: nothing */
	UT_hash_handle hh;
};

/* What this run itself has set under KEY, or NULL. */
static struct new_state *own_state(const struct run *run, const char *key)
{
	struct state_place *place;

	HASH_FIND_STR(run->state_places, key, place);
	return place ? &run->states[place->index] : NULL;
}

static struct new_state *add_state(struct run *run, const char *key)
{
	struct state_place *place = arena_alloc(&run->arena, sizeof(*place));

	mem_grow(run->states, run->state_count, run->state_capacity);
	*place = (struct state_place){.key = arena_copy(&run->arena, key), .index = run->state_count};
	HASH_ADD_KEYPTR(hh, run->state_places, place->key, strlen(place->key), place);
	run->states[run->state_count] = (struct new_state){.key = place->key};
	return &run->states[run->state_count++];
}

struct err *run_open_store(struct run *run)
{
	struct tools *tools = run->tools;
	struct store *store;

	if (tools->store || !tools->store_url)
		return NULL;
	TRY(store_open(tools->store_url, STORE_READ, wall_ms(), &store), "open the store to read");
	tools->store = store_client_local(store);
	return NULL;
}

static struct err *stored_state(struct run *run, const char *job, const char *key, const char **out_text)
{
	struct state_ask ask = {.job = job, .key = key, .now = run->order->now};
	struct state_reply reply = {0};

	*out_text = NULL;
	PASS(run_open_store(run));
	if (!run->tools->store)
		return NULL;
	TRY(store_call(run->tools->store, REQ_STATE, &ask, &run->arena, &reply), "read state %s", key);
	*out_text = reply.value;
	return NULL;
}

static struct err *parse_state(
    struct run *run, const char *key, const char *text, const struct json **out_value)
{
	struct json *value = NULL;

	if (text)
		TRY(json_parse(text, strlen(text), &value), "read state %s", key);
	*out_value = value ? run_own(run, value) : NULL;
	return NULL;
}

static void note_read(struct run *run, const char *key, const char *value)
{
	struct read_state *read = arena_alloc(&run->arena, sizeof(*read));

	*read = (struct read_state){.key = arena_copy(&run->arena, key), .value = value};
	HASH_ADD_KEYPTR(hh, run->read_states, read->key, strlen(read->key), read);
}

static struct read_state *find_read(const struct run *run, const char *key)
{
	struct read_state *read;

	HASH_FIND_STR(run->read_states, key, read);
	return read;
}

struct err *run_states_load(struct run *run, const char *const *keys, size_t count)
{
	struct states_ask ask = {.job = run->job->name, .now = run->order->now};
	struct states_reply reply = {0};

	PASS(run_check(run));
	PASS(run_open_store(run));
	ask.keys = arena_alloc(&run->arena, (count + 1) * sizeof(*ask.keys));
	for (size_t i = 0; i < count; i++)
		if (!find_read(run, keys[i]))
			ask.keys[ask.count++].id = keys[i];
	if (!run->tools->store)
		return NULL;
	TRY(store_call(run->tools->store, REQ_STATES, &ask, &run->arena, &reply), "read many states");
	for (size_t i = 0; i < ask.count && i < reply.count; i++)
		if (!find_read(run, ask.keys[i].id))
			note_read(run, ask.keys[i].id, reply.states[i].value);
	return NULL;
}

struct err *run_state_get(struct run *run, const char *key, const struct json **out_value)
{
	const struct new_state *own = own_state(run, key);
	const struct read_state *read = own ? NULL : find_read(run, key);
	const char *text = own ? own->value : read ? read->value : NULL;

	PASS(run_check(run));
	if (!own && !read)
		PASS(stored_state(run, run->job->name, key, &text));
	return parse_state(run, key, text, out_value);
}

struct err *run_state_of(struct run *run, const char *job, const char *key, const struct json **out_value)
{
	const char *text;

	PASS(run_check(run));
	TRY(stored_state(run, job, key, &text), "job %s", job);
	return parse_state(run, key, text, out_value);
}

void run_state_set(struct run *run, const char *key, struct json *value, utc_t expires)
{
	cleanup(free_text) char *text = value ? json_print(value) : NULL;
	struct new_state *state = own_state(run, key);

	json_destroy(value);
	if (!state)
		state = add_state(run, key);
	state->value = arena_copy(&run->arena, text);
	state->expires = expires;
}

struct err *run_state_keep(struct run *run)
{
	struct commit commit = {
	    .run = run->order->run,
	    .instance = run->tools->instance,
	    .ended_ms = wall_ms(),
	    .goes_on = true,
	    .states = run->states,
	    .state_count = run->state_count,
	};
	struct commit_reply reply = {0};

	if (run->order->dry_run)
		return NULL;
	PASS(run_check(run));
	return ERR_AT(store_call(run->tools->store, REQ_COMMIT, &commit, &run->arena, &reply),
	    "keep the state of run %lld", (long long)run->order->run);
}

void run_state_done(struct run *run)
{
	HASH_CLEAR(hh, run->state_places); /* what they hold is in the run's arena */
	HASH_CLEAR(hh, run->read_states);
}
