/* SPDX-License-Identifier: MIT */
/* Retention: what the store keeps, how long, and what outlives what. */
#include "store_fixture.h"

#include "daemon/child.h"
#include "store/sqlite.h"

#define DAY_MS INT64_C(86400000)

static bool sweep_bite(struct fixture *f, const struct store_retention *keep, int64_t now_ms)
{
	bool more;

	must(store_begin(f->store));
	must(store_sweep(f->store, keep, now_ms, &more));
	must(store_commit(f->store));
	return more;
}

static void sweep_keeping(struct fixture *f, const struct store_retention *keep, int64_t now_ms)
{
	for (int bites = 0; sweep_bite(f, keep, now_ms); bites++)
		assert_true(bites < 100000);
}

static const struct store_retention usual = {90 * DAY_MS, 30 * DAY_MS};

static void sweep(struct fixture *f, int64_t now_ms)
{
	sweep_keeping(f, &usual, now_ms);
}

static size_t count_messages(struct fixture *f)
{
	struct messages_reply reply = {0};

	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.limit = 1000}, &reply));
	return reply.count;
}

static void ended_messages_are_kept_thirty_days_and_their_keys_thirty_more(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, message_to(f, "ops", "a"));
	struct message_state sent;

	take(f, "ops", 1, NOW_MS);
	settle(f, id, "delivered");
	queue(f, message_to(f, "ops", "b"));
	sweep(f, NOW_MS + 30 * DAY_MS);
	assert_int_equal(count_messages(f), 2);
	sweep(f, NOW_MS + 30 * DAY_MS + 1);
	assert_int_equal(count_messages(f), 1);
	assert_string_equal(state_of(f, queue(f, message_to(f, "ops", "a"))), "suppressed");
	sent = send_message(f, begin_run(f, "k", NOW), message_to(f, "ops", "a"));
	assert_string_equal(sent.id, id);
	assert_string_equal(sent.state, "delivered");
	sweep(f, NOW_MS + 61 * DAY_MS);
	assert_string_equal(state_of(f, queue(f, message_to(f, "ops", "a"))), "queued");
}

static void a_job_keeps_its_thousand_newest_runs(void **state)
{
	struct fixture *f = *state;

	must(store_begin(f->store));
	for (int i = 0; i < 1010; i++) {
		struct claim_slot slot = slot_of("many", NOW + i);
		struct claim request = {.instance = "main-1", .now_ms = NOW_MS, .slots = &slot, .count = 1};
		struct claim_reply claimed;
		struct commit_reply committed;

		must(store_do(f->store, REQ_CLAIM, &request, &f->arena, &claimed));
		must(store_do(f->store, REQ_COMMIT, &(struct commit){.run = claimed.slots[0].run}, &f->arena,
		    &committed));
	}
	must(store_commit(f->store));
	commit_run(f, begin_run(f, "few", NOW), NULL, 0);
	sweep(f, NOW_MS);
	struct runs_reply reply = {0};
	must(ask(f, REQ_RUNS, &(struct runs_ask){.limit = 5000, .job = "many"}, &reply));
	assert_int_equal(reply.count, 1000);
	assert_int_equal(reply.rows[999].run, 11);
	assert_int_equal(list_runs(f, "few").count, 1);
	assert_int_equal(
	    claim(f, slot_of("many", NOW)).state, CLAIM_GRANTED); /* accounted_until keeps it away */
	sweep(f, NOW_MS + 91 * DAY_MS);
	assert_int_equal(list_runs(f, "few").count, 0);
}

static void state_that_expired_goes_only_when_it_was_not_written_for_long(void **state)
{
	struct fixture *f = *state;
	struct new_state states[] = {{"old", "1", NOW - 5}, {"kept", "1", 0}};
	struct commit commit = {
	    .run = begin_run(f, "j", NOW), .states = states, .state_count = 2, .ended_ms = NOW_MS};
	struct state_reply reply = {0};

	must(ask(f, REQ_COMMIT, &commit, &(struct commit_reply){0}));
	sweep(f, NOW_MS + 30 * DAY_MS);
	must(ask(f, REQ_STATE, &(struct state_ask){"j", "old", NOW - 100}, &reply));
	assert_non_null(reply.value);
	sweep(f, NOW_MS + 30 * DAY_MS + 1);
	must(ask(f, REQ_STATE, &(struct state_ask){"j", "old", NOW - 100}, &reply));
	assert_null(reply.value);
	must(ask(f, REQ_STATE, &(struct state_ask){"j", "kept", NOW}, &reply));
	assert_non_null(reply.value);
}

/* -- what could run or go out twice --------------------------------------------------------------- */

static int64_t run_of(struct fixture *f, struct claim_slot slot)
{
	struct claim_result result = claim(f, slot);

	assert_int_equal(result.state, CLAIM_GRANTED);
	commit_run(f, result.run, NULL, 0);
	return result.run;
}

static struct claim_slot named_slot(const char *key, int64_t due)
{
	return (struct claim_slot){.job = "zone", .key = key, .due = due, .restartable = true};
}

static void a_slot_that_its_job_names_outlives_its_run(void **state)
{
	struct fixture *f = *state;
	struct store_retention hour = {3600000, 3600000};
	struct claim_slot slot = named_slot("Z1 2026-11-20 A", NOW);

	run_of(f, slot);
	sweep_keeping(f, &hour, NOW_MS + 2 * 3600000);
	assert_int_equal(list_runs(f, "zone").count, 0);
	slot.due = NOW + 1800; /* the shift was moved, and is told again */
	assert_int_equal(claim(f, slot).state, CLAIM_DONE);
	sweep_keeping(f, &hour, NOW_MS + 31 * DAY_MS);
	assert_int_equal(claim(f, slot).state, CLAIM_GRANTED);
}

static void the_slot_of_the_newest_boot_is_kept_as_long_as_the_machine_may_be_up(void **state)
{
	struct fixture *f = *state;

	run_of(f, named_slot("boot:first", NOW));
	run_of(f, named_slot("boot:second", NOW + 100));
	sweep(f, NOW_MS + 400 * DAY_MS);
	assert_int_equal(list_runs(f, "zone").count, 0);
	assert_int_equal(claim(f, named_slot("boot:second", NOW + 100)).state, CLAIM_DONE);
	assert_int_equal(claim(f, named_slot("boot:first", NOW)).state, CLAIM_GRANTED);
}

static void a_slot_that_waits_to_run_is_no_matter_of_age(void **state)
{
	struct fixture *f = *state;

	assert_true(close_run(f, claim(f, slot_of("j", NOW)).run, true, "interrupted").again);
	sweep(f, NOW_MS + 400 * DAY_MS);
	struct claim_result again = claim(f, slot_of("j", NOW));
	assert_int_equal(again.state, CLAIM_GRANTED);
	assert_int_equal(again.attempt, 2);
}

static void the_first_retention_that_is_reached_deletes(void **state)
{
	struct fixture *f = *state;
	struct store_retention keep = {DAY_MS, 2 * DAY_MS};
	const char *id = queue(f, message_to(f, "ops", "a"));

	take(f, "ops", 1, NOW_MS);
	settle(f, id, "delivered");
	run_of(f, slot_of("few", NOW));
	sweep_keeping(f, &keep, NOW_MS + DAY_MS);
	assert_int_equal(list_runs(f, "few").count, 1);
	sweep_keeping(f, &keep, NOW_MS + DAY_MS + 1);
	assert_int_equal(list_runs(f, "few").count, 0);
	assert_int_equal(count_messages(f), 1);
	sweep_keeping(f, &keep, NOW_MS + 2 * DAY_MS + 1);
	assert_int_equal(count_messages(f), 0);
}

/* -- a large store -------------------------------------------------------------------------------- */

#define LARGE_STORE                                                                                          \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"                   \
	" INSERT INTO runs (job, key, due, attempt, trigger, restartable, instance, state, claimed_ms)"      \
	" SELECT 'job' || i % 40, strftime('%Y-%m-%dT%H:%M:%SZ', i, 'unixepoch'), i, 1, 0, 1, 'main-0', 'ok', i FROM n;" \
	"INSERT INTO slots (job, key, due, state, trigger, run, instance, recorded_ms)"                      \
	" SELECT job, key, due, 'ok', 0, id, 'main-0', claimed_ms FROM runs;"                                \
	"INSERT INTO slots (job, key, due, state, trigger, instance, recorded_ms)"                           \
	" SELECT job || '-m', key, due, 'missed', 0, 'main-0', 7 FROM runs WHERE id <= 20000;"               \
	"INSERT INTO state (job, key, value, expires, written_ms)"                                           \
	" SELECT job, key, '1', 9, iif(id % 2, 1, 1e15) FROM runs WHERE id <= 20000;"                        \
	"INSERT INTO messages (id, run, job, slot, channel, lane, key, recipient, severity, state,"          \
	" created_ms, not_before_ms, ended_ms)"                                                              \
	" SELECT 'm' || id, id, job, due, 'ops', '', key, '', 0, 'delivered', 1, 1, 1 FROM runs WHERE id <= 20000;" \
	"INSERT INTO payloads SELECT seq, zeroblob(3000) FROM messages;"                                     \
	"INSERT INTO keys (channel, recipient, key, message, run)"                                           \
	" SELECT channel, recipient, key, id, run FROM messages WHERE job <> 'job0'"

static int64_t count_rows(struct fixture *f, const char *table)
{
	cleanup(free_text) char *sql = mem_format("SELECT count(*) FROM %s", table);
	sqlite3_stmt *statement;
	int64_t count;

	assert_int_equal(
	    sqlite3_prepare_v2(sqlite_of(f->store)->connection, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

static void a_large_store_is_swept_in_bites_that_hold_nobody_up(void **state)
{
	struct fixture *f = *state;
	sqlite3 *connection = sqlite_of(f->store)->connection;
	int64_t slowest_ms = 0;
	int bites = 0;
	bool more = true;

	must(sqlite_execute(sqlite_of(f->store), LARGE_STORE));
	for (; more; bites++) {
		int before = sqlite3_total_changes(connection);
		struct mono began = mono_now();

		more = sweep_bite(f, &usual, NOW_MS);
		slowest_ms = mono_now().ms - began.ms > slowest_ms ? mono_now().ms - began.ms : slowest_ms;
		assert_true(sqlite3_total_changes(connection) - before <= 3000);
	}
	assert_true(bites > 300);
	assert_true(slowest_ms < 500); /* some 5 ms on a machine with nothing else to do */
	assert_int_equal(count_rows(f, "runs"), 0);
	assert_int_equal(count_rows(f, "slots"), 0);
	assert_int_equal(count_rows(f, "messages"), 0);
	assert_int_equal(count_rows(f, "payloads"), 0);
	assert_int_equal(count_rows(f, "state"), 10000);
	assert_int_equal(count_rows(f, "keys WHERE until_ms > 0"), count_rows(f, "keys"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(ended_messages_are_kept_thirty_days_and_their_keys_thirty_more),
	    STORE_TEST(a_job_keeps_its_thousand_newest_runs),
	    STORE_TEST(state_that_expired_goes_only_when_it_was_not_written_for_long),
	    STORE_TEST(a_slot_that_its_job_names_outlives_its_run),
	    STORE_TEST(the_slot_of_the_newest_boot_is_kept_as_long_as_the_machine_may_be_up),
	    STORE_TEST(a_slot_that_waits_to_run_is_no_matter_of_age),
	    STORE_TEST(the_first_retention_that_is_reached_deletes),
	    STORE_TEST(a_large_store_is_swept_in_bites_that_hold_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
