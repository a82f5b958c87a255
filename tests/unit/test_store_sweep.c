/* SPDX-License-Identifier: MIT */
/* Retention: what the store keeps, how long, and what outlives what. */
#include "store_fixture.h"

#define DAY_MS INT64_C(86400000)

static void sweep(struct fixture *f, int64_t now_ms)
{
	for (int i = 0; i < 4; i++) {
		must(store_begin(f->store));
		must(store_sweep(f->store, now_ms));
		must(store_commit(f->store));
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(ended_messages_are_kept_thirty_days_and_their_keys_thirty_more),
	    STORE_TEST(a_job_keeps_its_thousand_newest_runs),
	    STORE_TEST(state_that_expired_goes_only_when_it_was_not_written_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
