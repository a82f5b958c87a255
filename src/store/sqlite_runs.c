/* SPDX-License-Identifier: MIT */
/* START, COMMIT, CLOSE and STATE: the life of a run, and what it leaves behind for its job. */
#include "store/sqlite.h"

#include <string.h>

#include "base/text.h"
#include "store/error_json.h"

struct err *sqlite_run(struct sqlite *db, int64_t run, struct arena *arena, struct run_head *out)
{
	struct query q =
	    query(db, "SELECT id, job, key, state, reason, instance, due, attempt, restartable, trigger"
	              " FROM runs WHERE id = ?");

	*out = (struct run_head){0};
	bind_int(&q, run);
	if (query_row(&q))
		*out = (struct run_head){
		    .id = column_int(&q, 0),
		    .job = column_text(&q, 1, arena),
		    .key = column_text(&q, 2, arena),
		    .state = column_text(&q, 3, arena),
		    .reason = column_text(&q, 4, arena),
		    .instance = column_text(&q, 5, arena),
		    .due = column_int(&q, 6),
		    .attempt = column_int(&q, 7),
		    .restartable = column_int(&q, 8),
		    .trigger = column_int(&q, 9),
		};
	PASS(query_done(&q));
	return out->id ? NULL : ERR(ERR_PERMANENT, "run %lld is not known", (long long)run);
}

static bool run_is(const struct run_head *run, const char *state)
{
	return text_equal(run->state, state);
}

static bool run_is_open(const struct run_head *run)
{
	return run_is(run, "claimed") || run_is(run, "running");
}

/* RUN is what the slot belongs to; a slot that another run has by now is left alone. */
static struct err *set_slot(
    struct sqlite *db, const struct run_head *run, const char *state, const char *reason)
{
	struct query q =
	    query(db, "UPDATE slots SET state = ?, reason = ? WHERE job = ? AND key = ? AND run = ?");

	bind_text(&q, state);
	bind_text(&q, reason);
	bind_text(&q, run->job);
	bind_text(&q, run->key);
	bind_int(&q, run->id);
	return query_run(&q);
}

/* The slot, which had ATTEMPTS, may be claimed once more; RETRY_MS is when, if its run failed, or 0. */
static struct err *reopen_slot(
    struct sqlite *db, const struct run_head *run, const char *reason, int64_t attempts, int64_t retry_ms)
{
	struct query q = query(db,
	    "UPDATE slots SET state = 'claimed', reason = ?, run = 0, attempt = ?, not_before_ms = ?,"
	    " failures = failures + ? WHERE job = ? AND key = ? AND run = ?");

	bind_text(&q, reason);
	bind_int(&q, attempts);
	bind_int(&q, retry_ms);
	bind_int(&q, retry_ms > 0);
	bind_text(&q, run->job);
	bind_text(&q, run->key);
	bind_int(&q, run->id);
	return query_run(&q);
}

/* -- START ----------------------------------------------------------------------------------------- */

/* A run that was started or closed already stays as it is. */
struct err *sqlite_start(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct start *start = request;
	struct sqlite *db = sqlite_of(store);
	struct run_head run = {.id = start->run};
	struct query q =
	    query(db, "UPDATE runs SET state = 'running', started_ms = ? WHERE id = ? AND state = 'claimed'"
	              " RETURNING job, key");

	*(struct nothing *)out = (struct nothing){0};
	bind_int(&q, start->now_ms);
	bind_int(&q, start->run);
	while (query_row(&q)) {
		run.job = column_text(&q, 0, arena);
		run.key = column_text(&q, 1, arena);
	}
	PASS(query_done(&q));
	return run.job ? set_slot(db, &run, "running", NULL) : NULL;
}

/* -- COMMIT ---------------------------------------------------------------------------------------- */

static struct err *commit_messages(struct store *store, const struct run_head *run,
    const struct commit *commit, struct arena *arena, struct commit_reply *reply, int64_t *out_queued)
{
	for (size_t i = 0; i < commit->message_count; i++) {
		const struct new_message *message = &commit->messages[i];
		bool queued = false;

		TRY(sqlite_insert_message(
		        store, run, commit->instance, message, &queued, arena, &reply->messages[i]),
		    "store message %s for %s", message->id, message->channel);
		*out_queued += queued;
	}
	return NULL;
}

static struct err *set_state(
    struct sqlite *db, const char *job, const struct new_state *state, int64_t now_ms)
{
	struct query q =
	    query(db, "INSERT INTO state (job, key, value, expires, written_ms) VALUES (?1, ?2, ?3, ?4, ?5)"
	              " ON CONFLICT (job, key) DO UPDATE SET value = ?3, expires = ?4, written_ms = ?5");

	bind_text(&q, job);
	bind_text(&q, state->key);
	bind_text(&q, state->value);
	bind_int(&q, state->expires);
	bind_int(&q, now_ms);
	return query_run(&q);
}

static struct err *delete_state(struct sqlite *db, const char *job, const char *key)
{
	struct query q = query(db, "DELETE FROM state WHERE job = ? AND key = ?");

	bind_text(&q, job);
	bind_text(&q, key);
	return query_run(&q);
}

static struct err *commit_states(struct sqlite *db, const char *job, const struct commit *commit)
{
	for (size_t i = 0; i < commit->state_count; i++) {
		const struct new_state *state = &commit->states[i];

		TRY(state->value ? set_state(db, job, state, commit->ended_ms)
		                 : delete_state(db, job, state->key),
		    "store state %s of job %s", state->key, job);
	}
	return NULL;
}

struct ending {
	const char *state, *reason;
	int64_t started_ms, ended_ms, messages;
	const struct error_record *error;
	const struct value_record *values;
	size_t value_count;
};

static struct err *end_run(struct sqlite *db, int64_t run, const struct ending *ending)
{
	struct query q = query(db,
	    "UPDATE runs SET state = ?, reason = ?, started_ms = coalesce(nullif(?, 0), started_ms),"
	    " ended_ms = ?, messages = messages + ?, error = ?, report = ? WHERE id = ?");
	cleanup(free_text) char *error = error_to_json(ending->error);
	cleanup(free_text) char *report = values_to_json(ending->values, ending->value_count);

	bind_text(&q, ending->state);
	bind_text(&q, ending->reason);
	bind_int(&q, ending->started_ms);
	bind_int(&q, ending->ended_ms);
	bind_int(&q, ending->messages);
	bind_text(&q, error);
	bind_text(&q, report);
	bind_int(&q, run);
	return query_run(&q);
}

static struct err *commit_open_run(struct store *store, const struct run_head *run,
    const struct commit *commit, struct arena *arena, struct commit_reply *reply)
{
	struct sqlite *db = sqlite_of(store);
	struct ending ending = {
	    .state = "ok",
	    .reason = commit->degraded ? "degraded" : NULL,
	    .started_ms = commit->started_ms,
	    .ended_ms = commit->ended_ms,
	    .values = commit->values,
	    .value_count = commit->value_count,
	};

	PASS(commit_messages(store, run, commit, arena, reply, &ending.messages));
	PASS(commit_states(db, run->job, commit));
	PASS(end_run(db, run->id, &ending));
	return set_slot(db, run, "ok", ending.reason);
}

/* The commit was made before and its answer lost: say again what became of the messages. */
static struct err *repeat_commit(
    struct sqlite *db, const struct commit *commit, struct arena *arena, struct commit_reply *reply)
{
	for (size_t i = 0; i < commit->message_count; i++) {
		const struct new_message *message = &commit->messages[i];
		struct stored_message *stored = &reply->messages[i];
		struct message_head head;
		struct key_holder holder = {0};

		PASS(sqlite_message(db, message->id, arena, &head));
		stored->id = message->id;
		stored->state = head.seq ? head.state : "queued";
		if (!message->key || strcmp(stored->state, "suppressed"))
			continue;
		PASS(sqlite_key_holder(
		    db, message->channel, text_or_empty(message->to), message->key, arena, &holder));
		stored->earlier_id = holder.id;
		stored->earlier_run = holder.run;
		stored->earlier_state = holder.state;
	}
	return NULL;
}

struct err *sqlite_commit_run(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct commit *commit = request;
	struct commit_reply *reply = out;
	struct sqlite *db = sqlite_of(store);
	struct run_head run;

	PASS(sqlite_run(db, commit->run, arena, &run));
	reply->message_count = commit->message_count;
	reply->messages = arena_alloc(arena, commit->message_count * sizeof(*reply->messages));
	if (run_is(&run, "ok"))
		return repeat_commit(db, commit, arena, reply);
	if (!run_is_open(&run))
		return ERR(ERR_PERMANENT, "run %lld is closed already: %s", (long long)run.id,
		    run.reason ? run.reason : run.state);
	if (commit->goes_on)
		return ERR_AT(commit_states(db, run.job, commit), "keep states of run %lld", (long long)run.id);
	TRY(commit_open_run(store, &run, commit, arena, reply), "commit run %lld of job %s",
	    (long long)run.id, run.job);
	return NULL;
}

/* -- CLOSE and interruptions ----------------------------------------------------------------------- */

/* How many runs of the slot failed before RUN. */
static struct err *count_failures(struct sqlite *db, const struct run_head *run, int64_t *out_failures)
{
	struct query q = query(db, "SELECT failures FROM slots WHERE job = ? AND key = ? AND run = ?");

	*out_failures = 0;
	bind_text(&q, run->job);
	bind_text(&q, run->key);
	bind_int(&q, run->id);
	if (query_row(&q))
		*out_failures = column_int(&q, 0);
	return query_done(&q);
}

/*
 * Twice interrupted is enough: it may well be the run that brings its process down. An earlier run of the
 * slot that did not fail was interrupted.
 */
static bool may_run_again(const struct run_head *run, const struct close *closing, int64_t failures)
{
	if (!closing->interrupted || run->trigger == TRIGGER_MANUAL)
		return false;
	return closing->unbegun || (run->restartable && run->attempt - 1 == failures);
}

/* When the slot of a failed run is retried; 0: never. The wait doubles from one to the next. */
static int64_t retry_at(const struct run_head *run, const struct close *closing, int64_t failures)
{
	int64_t wait = closing->retry_initial_ms;

	if (failures >= closing->retries || run->trigger == TRIGGER_MANUAL)
		return 0;
	for (int64_t i = 0; i < failures && wait < closing->retry_max_ms; i++)
		wait *= 2;
	return closing->ended_ms + (wait < closing->retry_max_ms ? wait : closing->retry_max_ms);
}

static struct err *reopen_for_retry(
    struct sqlite *db, const struct run_head *run, const char *reason, int64_t retry_ms)
{
	char text[TIME_TEXT];
	cleanup(free_text) char *told =
	    mem_format("%s, is retried at %s", reason, utc_format(retry_ms / 1000, text));

	return reopen_slot(db, run, told, run->attempt, retry_ms);
}

static struct err *fail_run(struct sqlite *db, const struct run_head *run, const struct ending *ending,
    const struct close *closing, struct close_reply *reply)
{
	int64_t failures;

	PASS(count_failures(db, run, &failures));
	PASS(end_run(db, run->id, ending));
	reply->not_before_ms = closing->interrupted ? 0 : retry_at(run, closing, failures);
	reply->again = reply->not_before_ms || may_run_again(run, closing, failures);
	if (reply->not_before_ms)
		return reopen_for_retry(db, run, ending->reason, reply->not_before_ms);
	if (reply->again)
		return reopen_slot(db, run, ending->reason, run->attempt - closing->unbegun, 0);
	return set_slot(db, run, "failed", ending->reason);
}

/* The run was closed before, and the answer lost: say again what became of its slot. */
static struct err *repeat_close(struct sqlite *db, const struct run_head *run, struct close_reply *reply)
{
	struct query q = query(
	    db, "SELECT not_before_ms FROM slots WHERE job = ? AND key = ? AND run = 0 AND state = 'claimed'");

	bind_text(&q, run->job);
	bind_text(&q, run->key);
	reply->again = query_row(&q);
	if (reply->again)
		reply->not_before_ms = column_int(&q, 0);
	return query_done(&q);
}

struct err *sqlite_close_run(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct close *closing = request;
	struct close_reply *reply = out;
	struct sqlite *db = sqlite_of(store);
	struct run_head run;
	struct ending ending = {
	    .state = "failed",
	    .reason = closing->reason        ? closing->reason
	              : closing->interrupted ? "interrupted"
	                                     : "failed",
	    .started_ms = closing->started_ms,
	    .ended_ms = closing->ended_ms,
	    .error = closing->error,
	    .values = closing->values,
	    .value_count = closing->value_count,
	};

	*reply = (struct close_reply){0};
	PASS(sqlite_run(db, closing->run, arena, &run));
	reply->committed = run_is(&run, "ok");
	if (reply->committed)
		return NULL;
	if (!run_is_open(&run))
		return repeat_close(db, &run, reply);
	TRY(fail_run(db, &run, &ending, closing, reply), "close run %lld of job %s",
	    (long long)run.id, run.job);
	return NULL;
}

static struct err *list_open_runs(
    struct sqlite *db, const char *instance, struct arena *arena, int64_t **out_ids, size_t *out_count)
{
	struct query q = query(
	    db, "SELECT id FROM runs WHERE state IN ('claimed','running') AND instance = ? ORDER BY +id");
	size_t count = 0, capacity = 0;
	int64_t *ids = NULL;

	bind_text(&q, instance);
	while (query_row(&q)) {
		mem_grow(ids, count, capacity);
		ids[count++] = column_int(&q, 0);
	}
	*out_ids = arena_take(arena, ids, count * sizeof(*ids));
	*out_count = count;
	return query_done(&q);
}

struct err *sqlite_interrupt_runs(struct store *store, const char *instance, int64_t now_ms, int64_t *count)
{
	static const struct close interrupted = {.interrupted = true};
	static const struct ending template = {
	    .state = "failed", .reason = "interrupted: the process that ran it is gone"};
	cleanup(arena_done) struct arena arena = {0};
	struct sqlite *db = sqlite_of(store);
	struct ending ending = template;
	int64_t *ids;
	size_t runs;

	ending.ended_ms = now_ms;
	PASS(list_open_runs(db, instance, &arena, &ids, &runs));
	for (size_t i = 0; i < runs; i++) {
		struct close_reply reply;
		struct run_head run;

		PASS(sqlite_run(db, ids[i], &arena, &run));
		TRY(fail_run(db, &run, &ending, &interrupted, &reply), "settle run %lld", (long long)run.id);
	}
	*count += (int64_t)runs;
	return NULL;
}

static struct err *list_ids(struct query *q, struct arena *arena, struct id_record **out, size_t *out_count)
{
	struct id_record *ids = NULL;
	size_t count = 0, capacity = 0;

	while (query_row(q)) {
		mem_grow(ids, count, capacity);
		ids[count++].id = column_text(q, 0, arena);
	}
	*out = arena_take(arena, ids, count * sizeof(*ids));
	*out_count = count;
	return query_done(q);
}

struct err *sqlite_run_holders(
    struct store *store, struct arena *arena, struct id_record **out, size_t *count)
{
	struct query q = query(
	    sqlite_of(store), "SELECT DISTINCT instance FROM runs WHERE state IN ('claimed','running')");

	return list_ids(&q, arena, out, count);
}

struct err *sqlite_message_holders(
    struct store *store, struct arena *arena, struct id_record **out, size_t *count)
{
	struct query q =
	    query(sqlite_of(store), "SELECT DISTINCT taker FROM messages WHERE state = 'sending'");

	return list_ids(&q, arena, out, count);
}

/* -- STATE ----------------------------------------------------------------------------------------- */

struct err *sqlite_state(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct state_ask *ask = request;
	struct state_reply *reply = out;
	struct query q =
	    query(sqlite_of(store), "SELECT value, expires, written_ms FROM state"
	                            " WHERE job = ? AND key = ? AND (expires = 0 OR expires > ?)");

	*reply = (struct state_reply){0};
	bind_text(&q, ask->job);
	bind_text(&q, ask->key);
	bind_int(&q, ask->now);
	if (query_row(&q))
		*reply = (struct state_reply){
		    .value = column_text(&q, 0, arena),
		    .expires = column_int(&q, 1),
		    .written_ms = column_int(&q, 2),
		};
	return query_done(&q);
}

struct err *sqlite_states(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct states_ask *ask = request;
	struct states_reply *reply = out;

	reply->count = ask->count;
	reply->states = arena_alloc(arena, ask->count * sizeof(*reply->states));
	for (size_t i = 0; i < ask->count; i++)
		PASS(sqlite_state(store, &(struct state_ask){ask->job, ask->keys[i].id, ask->now}, arena,
		    &reply->states[i]));
	return NULL;
}
