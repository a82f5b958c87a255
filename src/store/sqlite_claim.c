/* SPDX-License-Identifier: MIT */
/*
 * SCHEDULES and CLAIM: up to where slots are accounted for, and slots becoming runs.
 *
 * A slot is granted once. It is open (to be granted again) when its record stands in `claimed` without a
 * run: because it waits for another run of its job, because its run was interrupted, or because its run
 * failed and is retried.
 */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h" /* enum overlap */
#include "conf/names.h"

/* -- SCHEDULES ------------------------------------------------------------------------------------- */

static struct err *load_schedule(struct sqlite *db, const struct schedule_ask *ask, struct arena *arena,
    const char **out_fingerprint, struct schedule_state *out)
{
	struct query q = query(db, "SELECT fingerprint, since, accounted_until, paused_until FROM schedules WHERE job = ?");

	bind_text(&q, ask->job);
	*out_fingerprint = NULL;
	if (query_row(&q)) {
		*out_fingerprint = column_text(&q, 0, arena);
		out->since = column_int(&q, 1);
		out->accounted_until = column_int(&q, 2);
		out->paused_until = column_int(&q, 3);
	}
	return query_done(&q);
}

static struct err *store_schedule(
    struct sqlite *db, const struct schedule_ask *ask, const struct schedule_state *state)
{
	struct query q = query(db,
	    "INSERT INTO schedules (job, fingerprint, since, accounted_until) VALUES (?1, ?2, ?3, ?4)"
	    " ON CONFLICT (job) DO UPDATE SET fingerprint = ?2, since = ?3, accounted_until = ?4");

	bind_text(&q, ask->job);
	bind_text(&q, text_or_empty(ask->fingerprint));
	bind_int(&q, state->since);
	bind_int(&q, state->accounted_until);
	return query_run(&q);
}

static struct err *account_schedule(struct sqlite *db, const struct schedule_ask *ask, int64_t now,
    struct arena *arena, struct schedule_state *out)
{
	const char *fingerprint;

	PASS(load_schedule(db, ask, arena, &fingerprint, out));
	if (fingerprint && !strcmp(fingerprint, text_or_empty(ask->fingerprint)))
		return NULL;
	out->since = out->accounted_until = now; /* a pause is of the job, whatever its schedule */
	return store_schedule(db, ask, out);
}

/* Slots that move are known by their keys: where they were due says little of where they are now. */
static struct err *list_recorded(
    struct sqlite *db, const struct schedule_ask *ask, struct arena *arena, struct schedule_state *state)
{
	struct query q = query(db, "SELECT key FROM slots WHERE job = ? AND due >= ?");
	struct id_record *keys = NULL;
	size_t count = 0, capacity = 0;

	bind_text(&q, ask->job);
	bind_int(&q, state->accounted_until - ask->recorded_s);
	while (query_row(&q)) {
		mem_grow(keys, count, capacity);
		keys[count++].id = column_text(&q, 0, arena);
	}
	state->keys = arena_take(arena, keys, count * sizeof(*keys));
	state->key_count = count;
	return query_done(&q);
}

static struct err *count_schedules(struct sqlite *db, int64_t *out_count)
{
	struct query q = query(db, "SELECT count(*) FROM schedules WHERE fingerprint <> ''");

	if (query_row(&q))
		*out_count = column_int(&q, 0);
	return query_done(&q);
}

static struct err *forget_schedule(struct sqlite *db, const char *job)
{
	struct query q = query(db, "UPDATE schedules SET fingerprint = '' WHERE job = ?");

	bind_text(&q, job);
	return query_run(&q);
}

static struct err *find_others(
    struct sqlite *db, const struct names *asked, struct arena *arena, struct id_record *others, size_t *count)
{
	struct query q = query(db, "SELECT job FROM schedules WHERE fingerprint <> ''");

	while (query_row(&q)) {
		const char *job = column_text(&q, 0, arena);

		if (!names_has(asked, job))
			others[(*count)++].id = job;
	}
	return query_done(&q);
}

/* Schedules of jobs that were not asked for. Only if there are any is it looked which. */
static struct err *forget_others(struct sqlite *db, const struct schedules *ask, struct arena *arena)
{
	cleanup(names_done) struct names asked = {0};
	int64_t known = 0;
	size_t count = 0;

	PASS(count_schedules(db, &known));
	if (known <= (int64_t)ask->count)
		return NULL;
	for (size_t i = 0; i < ask->count; i++)
		names_add(&asked, ask->jobs[i].job, i);
	struct id_record *others = arena_alloc(arena, (size_t)known * sizeof(*others));
	PASS(find_others(db, &asked, arena, others, &count));
	for (size_t i = 0; i < count; i++)
		PASS(forget_schedule(db, others[i].id));
	return NULL;
}

static struct err *list_open_slots(struct sqlite *db, struct arena *arena, struct schedules_reply *reply)
{
	struct query q =
	    query(db, "SELECT job, key, due, attempt + 1, not_before_ms FROM slots"
	              " WHERE run = 0 AND state = 'claimed' ORDER BY job, due");
	struct open_slot *slots = NULL;
	size_t count = 0, capacity = 0;

	while (query_row(&q)) {
		mem_grow(slots, count, capacity);
		slots[count++] = (struct open_slot){
		    .job = column_text(&q, 0, arena),
		    .key = column_text(&q, 1, arena),
		    .due = column_int(&q, 2),
		    .attempt = column_int(&q, 3),
		    .not_before_ms = column_int(&q, 4),
		};
	}
	reply->open = arena_take(arena, slots, count * sizeof(*slots));
	reply->open_count = count;
	return query_done(&q);
}

struct err *sqlite_schedules(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct schedules *ask = request;
	struct schedules_reply *reply = out;
	struct sqlite *db = sqlite_of(store);

	*reply = (struct schedules_reply){.count = ask->count};
	reply->jobs = arena_alloc(arena, ask->count * sizeof(*reply->jobs));
	for (size_t i = 0; i < ask->count; i++) {
		TRY(account_schedule(db, &ask->jobs[i], ask->now_ms / 1000, arena, &reply->jobs[i]),
		    "account for the schedule of job %s", ask->jobs[i].job);
		if (ask->jobs[i].recorded_s > 0)
			TRY(list_recorded(db, &ask->jobs[i], arena, &reply->jobs[i]), "list slots of job %s",
			    ask->jobs[i].job);
	}
	TRY(forget_others(db, ask, arena), "forget schedules of other jobs");
	return list_open_slots(db, arena, reply);
}

/* -- CLAIM: what is there -------------------------------------------------------------------------- */

struct slot_record {
	bool found;
	const char *state;
	int64_t run, attempt;
	/* of its run, if it has one */
	const char *instance, *run_state;
};

static struct err *load_slot(
    struct sqlite *db, const struct claim_slot *ask, struct arena *arena, struct slot_record *out)
{
	struct query q = query(db,
	    "SELECT slots.state, slots.run, slots.attempt, runs.instance, runs.state"
	    " FROM slots LEFT JOIN runs ON runs.id = slots.run WHERE slots.job = ? AND slots.key = ?");

	*out = (struct slot_record){0};
	bind_text(&q, ask->job);
	bind_text(&q, ask->key);
	if (query_row(&q))
		*out = (struct slot_record){
		    .found = true,
		    .state = column_text(&q, 0, arena),
		    .run = column_int(&q, 1),
		    .attempt = column_int(&q, 2),
		    .instance = column_text(&q, 3, arena),
		    .run_state = column_text(&q, 4, arena),
		};
	return query_done(&q);
}

static bool is_open(const struct slot_record *slot)
{
	return slot->found && !slot->run && !strcmp(slot->state, "claimed");
}

static struct err *find_open_run(struct sqlite *db, const char *job, int64_t *out_run)
{
	struct query q =
	    query(db, "SELECT id FROM runs WHERE job = ? AND state IN ('claimed','running') LIMIT 1");

	*out_run = 0;
	bind_text(&q, job);
	if (query_row(&q))
		*out_run = column_int(&q, 0);
	return query_done(&q);
}

static struct err *find_other_waiting(
    struct sqlite *db, const struct claim_slot *ask, struct arena *arena, const char **out_key)
{
	struct query q = query(db, "SELECT key FROM slots WHERE job = ? AND run = 0 AND state = 'claimed'"
	                           " AND not_before_ms = 0 AND key <> ? LIMIT 1");

	*out_key = NULL;
	bind_text(&q, ask->job);
	bind_text(&q, ask->key);
	if (query_row(&q))
		*out_key = column_text(&q, 0, arena);
	return query_done(&q);
}

/* -- CLAIM: what becomes of it --------------------------------------------------------------------- */

struct claiming {
	struct sqlite *db;
	const struct claim *claim;
	const struct claim_slot *ask;
	struct arena *arena;
	struct slot_record slot;
	struct claim_result *result;
};

/* Stores the slot's record with this STATE, new or over what is there. */
static struct err *record_slot(const struct claiming *c, const char *state, const char *reason)
{
	const struct claim_slot *ask = c->ask;
	struct query q = query(c->db,
	    "INSERT INTO slots (job, key, due, state, reason, trigger, run, attempt, instance, first, slots,"
	    " recorded_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
	    " ON CONFLICT (job, key) DO UPDATE SET state = ?4, reason = ?5, trigger = ?6, run = ?7,"
	    " attempt = ?8, instance = ?9, recorded_ms = ?12, not_before_ms = 0");

	bind_text(&q, ask->job);
	bind_text(&q, ask->key);
	bind_int(&q, ask->due);
	bind_text(&q, state);
	bind_text(&q, reason);
	bind_int(&q, ask->trigger);
	bind_int(&q, c->result->run);
	bind_int(&q, c->result->run ? c->result->attempt : c->slot.attempt);
	bind_text(&q, text_or_empty(c->claim->instance));
	bind_int(&q, ask->first ? ask->first : ask->due);
	bind_int(&q, ask->slots ? ask->slots : 1);
	bind_int(&q, c->claim->now_ms);
	return query_run(&q);
}

static struct err *insert_run(const struct claiming *c)
{
	struct query q = query(c->db,
	    "INSERT INTO runs (job, key, due, attempt, trigger, restartable, instance, state, claimed_ms)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, 'claimed', ?)");

	bind_text(&q, c->ask->job);
	bind_text(&q, text_or_empty(c->ask->key));
	bind_int(&q, c->ask->due);
	bind_int(&q, c->slot.attempt + 1);
	bind_int(&q, c->ask->trigger);
	bind_int(&q, c->ask->restartable);
	bind_text(&q, text_or_empty(c->claim->instance));
	bind_int(&q, c->claim->now_ms);
	PASS(query_run(&q));
	c->result->run = sqlite3_last_insert_rowid(c->db->connection);
	c->result->attempt = c->slot.attempt + 1;
	c->result->state = CLAIM_GRANTED;
	return NULL;
}

static struct err *grant(const struct claiming *c)
{
	PASS(insert_run(c));
	return record_slot(c, "claimed", NULL);
}

static struct err *record_unrun(const struct claiming *c)
{
	bool missed = c->ask->action == CLAIM_MISSED;

	if (c->slot.found && !is_open(&c->slot)) {
		c->result->state = CLAIM_DONE;
		return NULL;
	}
	c->result->state = CLAIM_RECORDED;
	return record_slot(c, missed ? "missed" : "skipped", c->ask->reason);
}

static struct err *record_overlap(const struct claiming *c, const char *waiting)
{
	long long open_run = (long long)c->result->open_run;
	const char *reason =
	    waiting
	        ? arena_format(c->arena, "run %lld is still open and slot %s waits for it", open_run, waiting)
	        : arena_format(c->arena, "run %lld is still open", open_run);

	c->result->state = CLAIM_OVERLAPS;
	return record_slot(c, "skipped", reason);
}

/* Another run of the job is open. */
static struct err *stand_back(const struct claiming *c)
{
	const char *waiting;

	c->result->state = CLAIM_WAITS;
	if (c->ask->trigger == TRIGGER_MANUAL || is_open(&c->slot))
		return NULL; /* one that waits already, or was interrupted, keeps its right to run */
	if (c->ask->overlap != OVERLAP_QUEUE)
		return record_overlap(c, NULL);
	PASS(find_other_waiting(c->db, c->ask, c->arena, &waiting));
	return waiting ? record_overlap(c, waiting) : record_slot(c, "claimed", "waits for an open run");
}

static bool may_overlap(const struct claim_slot *ask)
{
	return ask->overlap == OVERLAP_ALLOW && ask->trigger != TRIGGER_MANUAL;
}

static struct err *grant_if_free(const struct claiming *c)
{
	PASS(find_open_run(c->db, c->ask->job, &c->result->open_run));
	if (c->result->open_run && !may_overlap(c->ask))
		return stand_back(c);
	c->result->open_run = 0;
	return grant(c);
}

/* The answer to an earlier CLAIM was lost: the run is still this instance's and nobody began with it. */
static bool was_granted(const struct claiming *c)
{
	return c->slot.run && c->slot.instance && !strcmp(c->slot.run_state, "claimed") &&
	       !strcmp(c->slot.instance, text_or_empty(c->claim->instance));
}

static struct err *claim_run(const struct claiming *c)
{
	if (!c->slot.found || is_open(&c->slot))
		return grant_if_free(c);
	c->result->state = CLAIM_DONE;
	if (!was_granted(c))
		return NULL;
	c->result->state = CLAIM_GRANTED;
	c->result->run = c->slot.run;
	c->result->attempt = c->slot.attempt;
	return NULL;
}

/*
 * A run by hand has no key to know a repeated CLAIM by. But a run that an earlier store process granted
 * to this instance and that nobody began with can only be one whose answer was lost with that process.
 */
static struct err *find_lost_manual(const struct claiming *c, int64_t *out_run)
{
	struct query q = query(c->db,
	    "SELECT id FROM runs WHERE job = ? AND state IN ('claimed','running') AND state = 'claimed'"
	    " AND trigger = ? AND instance = ? AND id <= ? LIMIT 1");

	*out_run = 0;
	bind_text(&q, c->ask->job);
	bind_int(&q, TRIGGER_MANUAL);
	bind_text(&q, text_or_empty(c->claim->instance));
	bind_int(&q, c->db->runs_before);
	if (query_row(&q))
		*out_run = column_int(&q, 0);
	return query_done(&q);
}

static struct err *name_manual_run(const struct claiming *c, const char *key)
{
	struct query q = query(c->db, "UPDATE runs SET key = ? WHERE id = ?");

	bind_text(&q, key);
	bind_int(&q, c->result->run);
	return query_run(&q);
}

static struct err *claim_by_hand(const struct claiming *c)
{
	struct claim_slot named = *c->ask;
	struct claiming with_key = *c;
	char key[40];

	PASS(find_lost_manual(c, &c->result->run));
	if (c->result->run) {
		c->result->state = CLAIM_GRANTED;
		c->result->attempt = 1;
		return NULL;
	}
	PASS(find_open_run(c->db, c->ask->job, &c->result->open_run));
	if (c->result->open_run)
		return stand_back(c);
	PASS(insert_run(c));
	snprintf(key, sizeof(key), "manual:%lld", (long long)c->result->run);
	named.key = key;
	with_key.ask = &named;
	PASS(name_manual_run(c, key));
	return record_slot(&with_key, "claimed", NULL);
}

static struct err *raise_account(struct sqlite *db, const struct claim_slot *ask)
{
	struct query q =
	    query(db, "UPDATE schedules SET accounted_until = ?2 WHERE job = ?1 AND accounted_until < ?2");

	if (ask->trigger != TRIGGER_SCHEDULE && ask->trigger != TRIGGER_CATCHUP)
		return query_done(&q);
	bind_text(&q, ask->job);
	bind_int(&q, ask->due);
	return query_run(&q);
}

static struct err *claim_slot(const struct claiming *c)
{
	if (!c->ask->key && c->ask->trigger == TRIGGER_MANUAL && c->ask->action == CLAIM_RUN)
		return claim_by_hand(c);
	if (!c->ask->key)
		return ERR(ERR_BUG, "a slot needs a key");
	PASS(raise_account(c->db, c->ask));
	return c->ask->action == CLAIM_RUN ? claim_run(c) : record_unrun(c);
}

struct err *sqlite_claim(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct claim *claim = request;
	struct claim_reply *reply = out;

	reply->count = claim->count;
	reply->slots = arena_alloc(arena, claim->count * sizeof(*reply->slots));
	for (size_t i = 0; i < claim->count; i++) {
		struct claiming c = {
		    .db = sqlite_of(store),
		    .claim = claim,
		    .ask = &claim->slots[i],
		    .arena = arena,
		    .result = &reply->slots[i],
		};

		if (c.ask->key)
			PASS(load_slot(c.db, c.ask, arena, &c.slot));
		TRY(claim_slot(&c), "claim slot %s of job %s", c.ask->key ? c.ask->key : "by hand",
		    c.ask->job);
	}
	return NULL;
}
