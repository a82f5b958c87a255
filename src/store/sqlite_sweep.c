/* SPDX-License-Identifier: MIT */
/*
 * Retention. Every call does a bounded slice of the work, for while it runs nobody else is served: what is
 * left over comes in the next call.
 */
#include "store/sqlite.h"

#define DAY_MS             INT64_C(86400000)
#define RUNS_KEPT_MS       (90 * DAY_MS)
#define RUNS_KEPT_PER_JOB  1000
#define MESSAGES_KEPT_MS   (30 * DAY_MS)
#define KEYS_KEPT_MS       (30 * DAY_MS) /* after their message is gone */
#define STATE_UNWRITTEN_MS (30 * DAY_MS) /* by the real clock, whatever the clock of runs says */
#define SLICE              500           /* rows of a kind */
#define SLICE_JOBS         100

struct numbers {
	int64_t items[SLICE];
	size_t count;
};

static struct err *gather_numbers(struct query *q, struct numbers *out)
{
	out->count = 0;
	while (out->count < SLICE && query_row(q))
		out->items[out->count++] = column_int(q, 0);
	return query_done(q);
}

/* -- runs ----------------------------------------------------------------------------------------- */

static struct err *delete_run(struct sqlite *db, int64_t run)
{
	struct query slot = query(db,
	    "DELETE FROM slots WHERE run = ?1 AND (job, key) = (SELECT job, key FROM runs WHERE id = ?1)");
	struct query q = query(db, "DELETE FROM runs WHERE id = ?");

	bind_int(&slot, run);
	PASS(query_run(&slot));
	bind_int(&q, run);
	return query_run(&q);
}

static struct err *delete_runs(struct sqlite *db, const struct numbers *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		PASS(delete_run(db, runs->items[i]));
	return NULL;
}

/* Ids rise with time: the oldest runs are looked at, and the first young one ends it. */
static struct err *sweep_old_runs(struct sqlite *db, int64_t before_ms)
{
	struct query q =
	    query(db, "SELECT id FROM (SELECT id, state, claimed_ms FROM runs ORDER BY id LIMIT ?1)"
	              " WHERE claimed_ms < ?2 AND state IN ('ok','failed')");
	struct numbers runs;

	bind_int(&q, SLICE);
	bind_int(&q, before_ms);
	PASS(gather_numbers(&q, &runs));
	return delete_runs(db, &runs);
}

static struct err *sweep_runs_of_job(struct sqlite *db, const char *job)
{
	struct query q = query(db,
	    "SELECT id FROM runs WHERE job = ?1 AND state IN ('ok','failed') AND id <="
	    " (SELECT id FROM runs WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) ORDER BY id LIMIT ?3");
	struct numbers runs;

	bind_text(&q, job);
	bind_int(&q, RUNS_KEPT_PER_JOB);
	bind_int(&q, SLICE);
	PASS(gather_numbers(&q, &runs));
	return delete_runs(db, &runs);
}

/* The job after the one swept last, in a round; NULL at its end. */
static struct err *next_job(struct sqlite *db, struct arena *arena, const char **out_job)
{
	struct query q = query(db, "SELECT min(job) FROM runs WHERE job > ?");

	*out_job = NULL;
	bind_text(&q, buf_text(&db->swept_job));
	if (query_row(&q))
		*out_job = column_text(&q, 0, arena);
	return query_done(&q);
}

static struct err *sweep_many_runs(struct sqlite *db)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *job;

	for (int i = 0; i < SLICE_JOBS; i++) {
		PASS(next_job(db, &arena, &job));
		buf_truncate(&db->swept_job, 0);
		if (!job)
			return NULL;
		buf_add_text(&db->swept_job, job);
		PASS(sweep_runs_of_job(db, job));
	}
	return NULL;
}

static struct err *sweep_runless_slots(struct sqlite *db, int64_t before_ms)
{
	struct query q = query(db, "DELETE FROM slots WHERE (job, key) IN"
	                           " (SELECT job, key FROM slots WHERE run = 0 AND recorded_ms < ? LIMIT ?)");

	bind_int(&q, before_ms);
	bind_int(&q, SLICE);
	return query_run(&q);
}

/* -- messages ------------------------------------------------------------------------------------- */

static struct err *keep_key(struct sqlite *db, int64_t seq, int64_t until_ms)
{
	struct query q = query(db,
	    "UPDATE keys SET until_ms = ?1, state = messages.state FROM messages"
	    " WHERE seq = ?2 AND keys.channel = messages.channel AND keys.recipient = messages.recipient"
	    " AND keys.key = messages.key AND keys.message = messages.id");

	bind_int(&q, until_ms);
	bind_int(&q, seq);
	return query_run(&q);
}

static struct err *delete_message(struct sqlite *db, int64_t seq)
{
	struct query payload = query(db, "DELETE FROM payloads WHERE message = ?");
	struct query q = query(db, "DELETE FROM messages WHERE seq = ?");

	bind_int(&payload, seq);
	PASS(query_run(&payload));
	bind_int(&q, seq);
	return query_run(&q);
}

static struct err *sweep_messages(struct sqlite *db, int64_t now_ms)
{
	struct query q = query(
	    db, "SELECT seq FROM messages WHERE ended_ms > 0 AND ended_ms < ? ORDER BY ended_ms LIMIT ?");
	struct numbers messages;

	bind_int(&q, now_ms - MESSAGES_KEPT_MS);
	bind_int(&q, SLICE);
	PASS(gather_numbers(&q, &messages));
	for (size_t i = 0; i < messages.count; i++) {
		PASS(keep_key(db, messages.items[i], now_ms + KEYS_KEPT_MS));
		PASS(delete_message(db, messages.items[i]));
	}
	return NULL;
}

static struct err *sweep_keys(struct sqlite *db, int64_t now_ms)
{
	struct query q = query(db,
	    "DELETE FROM keys WHERE (channel, recipient, key) IN"
	    " (SELECT channel, recipient, key FROM keys WHERE until_ms > 0 AND until_ms <= ? LIMIT ?)");

	bind_int(&q, now_ms);
	bind_int(&q, SLICE);
	return query_run(&q);
}

static struct err *sweep_state(struct sqlite *db, int64_t now_ms)
{
	struct query q = query(db, "DELETE FROM state WHERE (job, key) IN (SELECT job, key FROM state"
	                           " WHERE expires > 0 AND expires <= ?1 AND written_ms < ?2 LIMIT ?3)");

	bind_int(&q, now_ms / 1000);
	bind_int(&q, now_ms - STATE_UNWRITTEN_MS);
	bind_int(&q, SLICE);
	return query_run(&q);
}

struct err *sqlite_sweep(struct store *store, int64_t now_ms)
{
	struct sqlite *db = sqlite_of(store);

	TRY(sweep_old_runs(db, now_ms - RUNS_KEPT_MS), "sweep old runs");
	TRY(sweep_many_runs(db), "sweep runs above %d a job", RUNS_KEPT_PER_JOB);
	TRY(sweep_runless_slots(db, now_ms - RUNS_KEPT_MS), "sweep old slots");
	TRY(sweep_messages(db, now_ms), "sweep old messages");
	TRY(sweep_keys(db, now_ms), "sweep keys");
	TRY(sweep_state(db, now_ms), "sweep job state");
	return NULL;
}
