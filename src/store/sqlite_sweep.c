/* SPDX-License-Identifier: MIT */
/*
 * The janitor: what the store need not keep any longer.
 *
 * While it works nobody else is served, so it works in bites: each looks at a bounded number of rows, goes on
 * where the last one ended, and says whether the round has more. Nothing that could let a slot run or a
 * message go out a second time is forgotten with the run or the message it came from: slots of the clock are
 * covered by their schedule's `accounted_until`, other slots and keys stay longer than what they belong to.
 */
#include "store/sqlite.h"

#define DAY_MS             INT64_C(86400000)
#define RUNS_KEPT_PER_JOB  1000
#define NAMED_KEPT_MS      (30 * DAY_MS) /* slots that their job names: it may name them again */
#define KEYS_KEPT_MS       (30 * DAY_MS) /* after their message is gone */
#define STATE_UNWRITTEN_MS (30 * DAY_MS) /* by the real clock, whatever the clock of runs says */
#define BITE               200           /* rows */
#define BITE_JOBS          20            /* each may have RUNS_KEPT_PER_JOB to count */

struct bite {
	struct sqlite *db;
	const struct store_retention *keep;
	int64_t now_ms;
	bool more; /* the step has not come to its end */
};

struct numbers {
	int64_t items[BITE];
	size_t count;
};

static struct err *gather_numbers(struct query *q, struct numbers *out)
{
	out->count = 0;
	while (out->count < BITE && query_row(q))
		out->items[out->count++] = column_int(q, 0);
	return query_done(q);
}

/* -- runs ------------------------------------------------------------------------------------------ */

/*
 * Slots that nobody claims again: those of the clock are accounted for, and the names of the others are never
 * given twice. A job's own names are, and a boot's is while the machine is up.
 */
#define NEVER_CLAIMED_AGAIN                                                                                  \
	"(key = strftime('%Y-%m-%dT%H:%M:%SZ', due, 'unixepoch') OR key GLOB 'manual:*' OR key GLOB 'start:*')"

static struct err *forget_run(struct sqlite *db, int64_t run)
{
	struct query slot = query(db, "DELETE FROM slots WHERE run = ?1 AND (job, key) ="
	                              " (SELECT job, key FROM runs WHERE id = ?1) AND " NEVER_CLAIMED_AGAIN);
	struct query kept = query(db, "UPDATE slots SET run = 0 WHERE run = ?1 AND (job, key) ="
	                              " (SELECT job, key FROM runs WHERE id = ?1)");
	struct query q = query(db, "DELETE FROM runs WHERE id = ?");

	bind_int(&slot, run);
	PASS(query_run(&slot));
	bind_int(&kept, run);
	PASS(query_run(&kept));
	bind_int(&q, run);
	return query_run(&q);
}

static struct err *forget_runs(struct sqlite *db, const struct numbers *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		PASS(forget_run(db, runs->items[i]));
	return NULL;
}

/* Ids rise with time: the oldest runs are looked at, and the first young one ends it. */
static struct err *sweep_old_runs(struct bite *bite)
{
	struct query q =
	    query(bite->db, "SELECT id FROM (SELECT id, state, claimed_ms FROM runs ORDER BY id LIMIT ?1)"
	                    " WHERE claimed_ms < ?2 AND state IN ('ok','failed')");
	struct numbers runs;

	bind_int(&q, BITE);
	bind_int(&q, bite->now_ms - bite->keep->runs_ms);
	PASS(gather_numbers(&q, &runs));
	bite->more = runs.count > 0; /* open ones among them may have left fewer than a bite */
	return forget_runs(bite->db, &runs);
}

static struct err *sweep_runs_of_job(struct bite *bite, const char *job, bool *out_more)
{
	struct query q = query(bite->db,
	    "SELECT id FROM runs WHERE job = ?1 AND state IN ('ok','failed') AND id <="
	    " (SELECT id FROM runs WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) ORDER BY id LIMIT ?3");
	struct numbers runs;

	bind_text(&q, job);
	bind_int(&q, RUNS_KEPT_PER_JOB);
	bind_int(&q, BITE);
	PASS(gather_numbers(&q, &runs));
	*out_more = runs.count == BITE;
	return forget_runs(bite->db, &runs);
}

/* NULL: JOB was the last. */
static struct err *next_job(struct sqlite *db, const char *job, struct arena *arena, const char **out_next)
{
	struct query q = query(db, "SELECT min(job) FROM runs WHERE job > ?");

	*out_next = NULL;
	bind_text(&q, job);
	if (query_row(&q))
		*out_next = column_text(&q, 0, arena);
	return query_done(&q);
}

static void stand_at_job(struct sweep *sweep, const char *job)
{
	buf_truncate(&sweep->job, 0);
	buf_add_text(&sweep->job, text_or_empty(job));
}

static struct err *sweep_many_runs(struct bite *bite)
{
	cleanup(arena_done) struct arena arena = {0};
	struct sweep *sweep = &bite->db->sweep;
	const char *job;
	bool crowded = false;

	bite->more = true;
	for (int i = 0; i < BITE_JOBS && !crowded; i++) {
		PASS(next_job(bite->db, buf_text(&sweep->job), &arena, &job));
		if (job)
			PASS(sweep_runs_of_job(bite, job, &crowded));
		if (!crowded)
			stand_at_job(sweep, job);
		bite->more = job != NULL;
		if (!job)
			return NULL;
	}
	return NULL;
}

/* -- rows with a time, a job and a key: slots without a run, state of jobs ------------------------- */

struct aged_row {
	int64_t at;
	const char *job, *key;
	bool forgettable;
};

static void stand_at(struct sweep_place *place, const struct aged_row *row)
{
	place->at = row ? row->at : 0;
	buf_truncate(&place->job, 0);
	buf_truncate(&place->key, 0);
	buf_add_text(&place->job, row ? row->job : "");
	buf_add_text(&place->key, row ? row->key : "");
}

/* Begins to go through what comes after PLACE; the query's own parameters follow. */
static void bind_place(struct query *q, const struct sweep_place *place)
{
	bind_int(q, BITE);
	bind_int(q, place->at);
	bind_text(q, buf_text(&place->job));
	bind_text(q, buf_text(&place->key));
}

static struct err *gather_aged(
    struct query *q, struct arena *arena, struct aged_row rows[BITE], size_t *out_count)
{
	*out_count = 0;
	while (*out_count < BITE && query_row(q))
		rows[(*out_count)++] = (struct aged_row){column_int(q, 0), column_text(q, 1, arena),
		    column_text(q, 2, arena), column_int(q, 3)};
	return query_done(q);
}

/* FORGET deletes the row of a job and a key. */
static struct err *sweep_aged(
    struct bite *bite, struct query *q, struct sweep_place *place, const char *forget)
{
	cleanup(arena_done) struct arena arena = {0};
	struct aged_row rows[BITE];
	size_t count;

	PASS(gather_aged(q, &arena, rows, &count));
	for (size_t i = 0; i < count; i++) {
		struct query gone = query(bite->db, forget);

		bind_text(&gone, rows[i].job);
		bind_text(&gone, rows[i].key);
		PASS(rows[i].forgettable ? query_run(&gone) : query_done(&gone));
	}
	bite->more = count == BITE;
	stand_at(place, bite->more ? &rows[count - 1] : NULL);
	return NULL;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One that waits for its run is no matter of age, nor is that of the newest boot. */
static struct err *sweep_slots(struct bite *bite)
{
	int64_t before_ms = bite->now_ms - bite->keep->runs_ms;
	struct query q = query(bite->db,
	    "SELECT recorded_ms, job, key, state <> 'claimed' AND (" NEVER_CLAIMED_AGAIN " OR recorded_ms < ?6)"
	    " AND (key NOT GLOB 'boot:*' OR EXISTS (SELECT 1 FROM slots AS later WHERE later.job = slots.job"
	    " AND later.key GLOB 'boot:*' AND later.due > slots.due))"
	    " FROM slots WHERE run = 0 AND (recorded_ms, job, key) > (?2, ?3, ?4) AND recorded_ms < ?5"
	    " ORDER BY recorded_ms, job, key LIMIT ?1");

	bind_place(&q, &bite->db->sweep.slots);
	bind_int(&q, before_ms);
	bind_int(&q, earlier(before_ms, bite->now_ms - NAMED_KEPT_MS));
	return sweep_aged(bite, &q, &bite->db->sweep.slots, "DELETE FROM slots WHERE job = ? AND key = ?");
}

static struct err *sweep_state(struct bite *bite)
{
	struct query q = query(bite->db,
	    "SELECT expires, job, key, written_ms < ?6 FROM state"
	    " WHERE expires > 0 AND (expires, job, key) > (?2, ?3, ?4) AND expires <= ?5"
	    " ORDER BY expires, job, key LIMIT ?1");

	bind_place(&q, &bite->db->sweep.states);
	bind_int(&q, bite->now_ms / 1000);
	bind_int(&q, bite->now_ms - STATE_UNWRITTEN_MS);
	return sweep_aged(bite, &q, &bite->db->sweep.states, "DELETE FROM state WHERE job = ? AND key = ?");
}

/* -- messages -------------------------------------------------------------------------------------- */

static struct err *keep_key(struct sqlite *db, int64_t seq, int64_t until_ms)
{
	struct query q = query(db,
	    "UPDATE keys SET until_ms = max(until_ms, ?1), state = messages.state FROM messages"
	    " WHERE seq = ?2 AND keys.channel = messages.channel AND keys.recipient = messages.recipient"
	    " AND keys.key = messages.key AND keys.message = messages.id");

	bind_int(&q, until_ms);
	bind_int(&q, seq);
	return query_run(&q);
}

static struct err *forget_message(struct sqlite *db, int64_t seq)
{
	struct query payload = query(db, "DELETE FROM payloads WHERE message = ?");
	struct query q = query(db, "DELETE FROM messages WHERE seq = ?");

	bind_int(&payload, seq);
	PASS(query_run(&payload));
	bind_int(&q, seq);
	return query_run(&q);
}

static struct err *sweep_messages(struct bite *bite)
{
	struct query q = query(bite->db,
	    "SELECT seq FROM messages WHERE ended_ms > 0 AND ended_ms < ? ORDER BY ended_ms LIMIT ?");
	struct numbers messages;

	bind_int(&q, bite->now_ms - bite->keep->messages_ms);
	bind_int(&q, BITE);
	PASS(gather_numbers(&q, &messages));
	for (size_t i = 0; i < messages.count; i++) {
		PASS(keep_key(bite->db, messages.items[i], bite->now_ms + KEYS_KEPT_MS));
		PASS(forget_message(bite->db, messages.items[i]));
	}
	bite->more = messages.count == BITE;
	return NULL;
}

static struct err *sweep_keys(struct bite *bite)
{
	struct query q = query(bite->db,
	    "DELETE FROM keys WHERE (channel, recipient, key) IN"
	    " (SELECT channel, recipient, key FROM keys WHERE until_ms > 0 AND until_ms <= ? LIMIT ?)");

	bind_int(&q, bite->now_ms);
	bind_int(&q, BITE);
	PASS(query_run(&q));
	bite->more = rows_changed(bite->db) == BITE;
	return NULL;
}

/* -- the round ------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct err *(*take)(struct bite *bite);
} steps[] = {
    {"old runs", sweep_old_runs},
    {"runs above 1,000 a job", sweep_many_runs},
    {"old slots", sweep_slots},
    {"old messages", sweep_messages},
    {"keys", sweep_keys},
    {"job state", sweep_state},
};

struct err *sqlite_sweep(
    struct store *store, const struct store_retention *keep, int64_t now_ms, bool *out_more)
{
	struct sqlite *db = sqlite_of(store);
	struct bite bite = {.db = db, .keep = keep, .now_ms = now_ms};

	for (; db->sweep.step < ARRAY_SIZE(steps); db->sweep.step++) {
		bite.more = false;
		TRY(steps[db->sweep.step].take(&bite), "sweep %s", steps[db->sweep.step].what);
		if (bite.more)
			break;
	}
	*out_more = bite.more;
	if (!bite.more)
		db->sweep.step = 0;
	return NULL;
}

void sqlite_sweep_done(struct sweep *sweep)
{
	buf_done(&sweep->job);
	buf_done(&sweep->slots.job);
	buf_done(&sweep->slots.key);
	buf_done(&sweep->states.job);
	buf_done(&sweep->states.key);
}
