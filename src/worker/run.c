/* SPDX-License-Identifier: MIT */
/* The run API of include/bmad/run.h, apart from messages (run_message.c, run_send.c). */
#include "worker/inside.h"

#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "send/channel.h"
#include "source/api.h"
#include "source/source.h"
#include "store/client.h"
#include "worker/apis.h"
#include "worker/crash.h"
#include "worker/sources.h"

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

static void destroy_json(void *value)
{
	json_destroy(value);
}

void run_init(struct run *run, struct tools *tools, const struct run_order *order, const struct conf_job *job,
    const volatile int *cancelled)
{
	*run = (struct run){.tools = tools, .order = order, .job = job, .cancelled = cancelled};
	run->deadline = (struct mono){mono_now().ms + order->deadline_ms};
	run->started_ms = wall_ms();
	if (order->report)
		run->data = json_array();
}

void run_done(struct run *run)
{
	json_destroy(run->data);
	free(run->messages);
	HASH_CLEAR(hh, run->state_places);
	HASH_CLEAR(hh, run->read_states);
	free(run->states);
	free(run->values);
	free(run->slots);
	arena_done(&run->arena);
}

static struct err *parse_given(struct run *run)
{
	const char *text = run->order->given;
	struct json *given;

	if (!text)
		return NULL;
	TRY(json_parse(text, strlen(text), &given), "read what the run is given");
	arena_defer(&run->arena, destroy_json, given);
	run->given = given;
	return NULL;
}

struct err *run_resolve(struct run *run)
{
	const struct conf *conf = run->tools->conf;
	const struct job_module *module = run->job->module;

	run->options = run->job->options;
	if (module->options)
		TRY(conf_resolve(conf, module->options, run->job->options, module->options_size, &run->arena,
		        &run->options),
		    "resolve the options");
	TRY(conf_resolve_json(conf, run->job->vars, &run->arena, &run->vars), "resolve the variables");
	return parse_given(run);
}

struct err *run_check(const struct run *run)
{
	int64_t limit_ms = run->order->deadline_ms;
	char limit[TIME_TEXT];

	if (!*run->cancelled && mono_now().ms < run->deadline.ms)
		return NULL;
	if (limit_ms % 1000)
		return ERR(
		    ERR_TEMPORARY, "timeout: the run has taken longer than %lldms", (long long)limit_ms);
	return ERR(ERR_TEMPORARY, "timeout: the run has taken longer than %s",
	    duration_format(limit_ms / 1000, limit));
}

void run_log_begin(const struct run *run, struct log_line *line, enum log_level level, const char *event)
{
	log_begin(line, level, event);
	log_text(line, "job", run->job->name);
	if (run->order->run)
		log_int(line, "run", run->order->run);
	log_instant(line, "slot", run->order->slot);
}

/* -- what the run is ------------------------------------------------------------------------------- */

const void *run_options(const struct run *run)
{
	return run->options;
}

const char *run_job(const struct run *run)
{
	return run->job->name;
}

const char *run_node(const struct run *run)
{
	return run->tools->node;
}

const struct tz *run_tz(const struct run *run)
{
	return run->job->tz;
}

utc_t run_slot(const struct run *run)
{
	return run->order->slot;
}

utc_t run_now(const struct run *run)
{
	return run->order->now;
}

utc_t run_clock(const struct run *run)
{
	return run->order->by_hand ? run->order->now : wall_ms() / 1000;
}

int64_t run_id(const struct run *run)
{
	return run->order->run;
}

bool run_is_dry(const struct run *run)
{
	return run->order->dry_run;
}

const struct json *run_given(const struct run *run)
{
	return run->given;
}

/* -- where data comes from ------------------------------------------------------------------------- */

static void on_notice(void *run, const char *text)
{
	run_warn(run, "%s", text);
}

struct err *run_source(struct run *run, const char *name, struct sql **out_db)
{
	struct sql *db;

	PASS(run_check(run));
	PASS(sources_get(run->tools->sources, name, &db));
	sql_limit(db, run->deadline, mono_now, run->cancelled);
	sql_on_notice(db, on_notice, run);
	*out_db = db;
	return NULL;
}

struct err *run_api(struct run *run, const char *name, struct api **out_api)
{
	struct api *api;

	PASS(run_check(run));
	TRY(apis_get(run->tools->apis, name, &api), "API %s", name);
	api_limit(api, &(struct api_limits){run->deadline, run->cancelled, mono_now, wall_ms});
	*out_api = api;
	return NULL;
}

struct err *run_channel_api(struct run *run, const char *name, struct api **out_api)
{
	const struct conf_channel *channel = conf_channel(run->tools->conf, name);
	const struct channel_session *session = channel ? channel->type->session : NULL;

	if (!session)
		return ERR(ERR_CONFIG, "channel '%s' goes by no API", name);
	return run_api(run, session->api(channel->options), out_api);
}

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
	if (value)
		arena_defer(&run->arena, destroy_json, value);
	*out_value = value;
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

const char *run_folder(struct run *run)
{
	const char *url = run->tools->conf->daemon.store;
	char *path = arena_copy(&run->arena, strchr(url, ':') + 1);
	char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	*slash = '\0';
	return *path ? path : "/";
}

/* -- what the run leaves behind -------------------------------------------------------------------- */

struct json *run_data(struct run *run)
{
	struct json *data = json_object();

	arena_defer(&run->arena, destroy_json, data);
	return data;
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

void run_value(struct run *run, const char *name, double value)
{
	for (size_t i = 0; i < run->value_count; i++)
		if (!strcmp(run->values[i].name, name)) {
			run->values[i].number = value;
			return;
		}
	mem_grow(run->values, run->value_count, run->value_capacity);
	run->values[run->value_count++] = (struct value_record){arena_copy(&run->arena, name), value};
}

/* -- what the run says ----------------------------------------------------------------------------- */

void run_step(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(run->tools->page->step, sizeof(run->tools->page->step), fmt, args);
	va_end(args);
	crash_step();
}

static void say(const struct run *run, enum log_level level, const char *event, const char *key,
    const char *fmt, va_list args)
{
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	struct log_line line;

	run_log_begin(run, &line, level, event);
	log_text(&line, key, text);
	log_end(&line);
}

void run_decide(struct run *run, const char *fmt, ...)
{
	va_list args;

	if (!run->order->debug)
		return;
	va_start(args, fmt);
	say(run, run_narration(), "decision", "text", fmt, args);
	va_end(args);
}

void run_tell(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(run, LEVEL_INFO, "job_log", "text", fmt, args);
	va_end(args);
}

void run_warn(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(run, LEVEL_WARNING, "job_log", "text", fmt, args);
	va_end(args);
}

enum log_level run_narration(void)
{
	return log_enabled(LEVEL_DEBUG) ? LEVEL_DEBUG : LEVEL_INFO;
}

/* -- the commit ------------------------------------------------------------------------------------ */

static void log_message(
    const struct run *run, const struct run_message *message, const struct stored_message *stored)
{
	bool suppressed = text_equal(stored->state, "suppressed");
	struct log_line line;

	run_log_begin(run, &line, LEVEL_INFO, suppressed ? "message_suppressed" : "message_queued");
	log_text(&line, "channel", message->record.channel);
	log_text(&line, "message", message->record.id);
	log_text(&line, "kind", message->record.kind);
	log_text(&line, "key", message->record.key);
	if (message->record.suppress) {
		log_text(&line, "reason", message->record.suppress);
	} else if (suppressed) {
		log_int(&line, "earlier_run", stored->earlier_run);
		log_text(&line, "earlier_message", stored->earlier_id);
		log_text(&line, "earlier_state", stored->earlier_state);
	}
	log_end(&line);
}

static void settle_outcome(struct run *run, struct run_message *message, const struct stored_message *stored)
{
	if (!text_equal(stored->state, "suppressed"))
		return;
	message->outcome = "suppressed";
	if (message->record.suppress)
		return;
	message->detail = arena_format(&run->arena, "run %lld sent it (message %s, %s)",
	    (long long)stored->earlier_run, stored->earlier_id ? stored->earlier_id : "-",
	    stored->earlier_state ? stored->earlier_state : "state unknown");
}

/* The reply names the messages in the order they were given. */
static void take_reply(struct run *run, const struct commit_reply *reply)
{
	size_t at = 0;

	for (size_t i = 0; i < run->message_count && at < reply->message_count; i++) {
		struct run_message *message = &run->messages[i];

		if (message->sent || !text_equal(message->record.id, reply->messages[at].id))
			continue;
		settle_outcome(run, message, &reply->messages[at]);
		log_message(run, message, &reply->messages[at]);
		at++;
	}
}

/* The messages that the commit carries: those that were not sent on their own. */
static struct new_message *queued_messages(struct run *run, size_t *out_count)
{
	struct new_message *queued = arena_alloc(&run->arena, (run->message_count + 1) * sizeof(*queued));

	*out_count = 0;
	for (size_t i = 0; i < run->message_count; i++)
		if (!run->messages[i].sent)
			queued[(*out_count)++] = run->messages[i].record;
	return queued;
}

static void add_contents(struct run *run, struct commit *commit)
{
	commit->messages = queued_messages(run, &commit->message_count);
	commit->states = run->states;
	commit->state_count = run->state_count;
}

/* A job's dry run commits too, if it took a slot: the slot's record, and nothing else. */
struct err *run_commit(struct run *run)
{
	struct commit commit = {
	    .run = run->order->run,
	    .instance = run->tools->instance,
	    .started_ms = run->started_ms,
	    .ended_ms = wall_ms(),
	    .degraded = run->degraded,
	    .values = run->values,
	    .value_count = run->value_count,
	};
	struct commit_reply reply = {0};

	if (!run->order->run)
		return NULL; /* `--dry-run`: the store does not know of this run */
	if (!run->tools->store)
		return ERR(ERR_BUG, "a run that is no dry run was started without a store");
	run_step(run, "commit");
	PASS(run_check(run));
	if (!run->order->dry_run)
		add_contents(run, &commit);
	TRY(store_call(run->tools->store, REQ_COMMIT, &commit, &run->arena, &reply), "commit run %lld",
	    (long long)run->order->run);
	if (!run->order->dry_run)
		take_reply(run, &reply);
	return NULL;
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

int64_t run_message_count(const struct run *run)
{
	int64_t count = 0;

	for (size_t i = 0; i < run->message_count; i++)
		if (!text_equal(run->messages[i].outcome, "suppressed"))
			count++;
	return count;
}
