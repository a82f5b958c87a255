/* SPDX-License-Identifier: MIT */
/* The store when its process is killed at any moment, and when the disk is full. */
#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* -- kill -9 -------------------------------------------------------------------------------------- */

#define ROUNDS 12

/*
 * Claims, commits two messages and a state, takes and settles, for ever; tells each run it was answered
 * for.
 */
static void work_until_killed(const char *url, int round, int answered)
{
	struct fixture f = {.made = round * 1000000};

	must(store_open(url, STORE_WRITE, NOW_MS, &f.store));
	store_set_policy(f.store, &(struct store_policy){.holds = test_holds});
	hello(&f, ROLE_MAIN, arena_format(&f.arena, "main-%d", round));
	hello(&f, ROLE_SENDER, "sender-1");
	for (int64_t slot = 0;; slot++) {
		struct claim_slot due = slot_of("j", NOW + round * 1000000 + slot);
		int64_t run = claim_as(&f, arena_format(&f.arena, "main-%d", round), due).run;
		struct new_message messages[] = {message_to(&f, "chat", NULL), message_to(&f, "sms", NULL)};
		struct new_state state = {"mark", arena_format(&f.arena, "%lld", (long long)run), 0};
		struct commit commit = {.run = run,
		    .messages = messages,
		    .message_count = 2,
		    .states = &state,
		    .state_count = 1,
		    .ended_ms = NOW_MS};

		must(ask(&f, REQ_COMMIT, &commit, &(struct commit_reply){0}));
		if (write(answered, &run, sizeof(run)) != sizeof(run))
			_exit(1);
		take(&f, "chat", 2, NOW_MS);
		settle(&f, messages[0].id, "delivered");
	}
}

/* The last run that the child was answered for. */
static int64_t run_and_kill(const char *url, int round)
{
	int64_t run, last = 0;
	int answered[2];
	pid_t child;

	assert_int_equal(pipe(answered), 0);
	child = fork();
	if (!child)
		work_until_killed(url, round, answered[1]);
	close(answered[1]);
	/* Not before it has begun, which is a matter of the machine; then somewhere else in the loop each time. */
	if (read(answered[0], &run, sizeof(run)) == sizeof(run))
		last = run;
	usleep((useconds_t)(round * 3711));
	kill(child, SIGKILL);
	while (read(answered[0], &run, sizeof(run)) == sizeof(run))
		last = run;
	waitpid(child, NULL, 0);
	close(answered[0]);
	return last;
}

static int64_t count(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* Each counts what must not be there. */
static const char *const invariants[] = {
    "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    /* a commit is whole: two messages of each run that is ok, none of any other */
    ("SELECT count(*) FROM runs"
     " WHERE (SELECT count(*) FROM messages WHERE run = runs.id) <> 2 * (state = 'ok')"),
    /* no slot has two runs that are ok */
    "SELECT count(*) FROM (SELECT 1 FROM runs WHERE state = 'ok' GROUP BY job, key HAVING count(*) > 1)",
    "SELECT count(*) FROM slots JOIN runs ON runs.id = slots.run WHERE slots.state <> runs.state",
    "SELECT count(*) FROM messages WHERE seq NOT IN (SELECT message FROM payloads)",
    "SELECT count(*) FROM messages WHERE state = 'sending' AND taker IS NULL",
    "SELECT count(*) FROM runs WHERE (state IN ('ok','failed')) <> (ended_ms > 0)",
};

static void check_first(const char *path, size_t checks)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < checks; i++)
		if (count(db, invariants[i]))
			fail_msg("%s", invariants[i]);
	sqlite3_close(db);
}

static void check_invariants(const char *path)
{
	check_first(path, ARRAY_SIZE(invariants));
}

static void a_killed_store_lost_nothing_that_was_answered(void **state)
{
	struct fixture *f = *state;
	int64_t answered_in_all = 0;

	store_close(f->store);
	f->store = NULL;
	for (int round = 1; round <= ROUNDS; round++) {
		int64_t last = run_and_kill(f->url, round);

		check_invariants(f->url + 7);
		open_again(f);
		if (last)
			assert_string_equal(show_run(f, last).state, "ok");
		answered_in_all += last > 0;
		hello(f, ROLE_MAIN, "main-0");
		hello(f, ROLE_SENDER, "sender-0");
		check_invariants(f->url + 7);
		store_close(f->store);
		f->store = NULL;
	}
	assert_int_equal(answered_in_all, ROUNDS);
}

/* -- a full disk ---------------------------------------------------------------------------------- */

static void fill(const char *folder)
{
	char path[96], block[65536] = {0};
	FILE *file;

	snprintf(path, sizeof(path), "%s/filler", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(block, 1, 4096, file) == 4096)
		;
	fclose(file);
}

/* True: the batch was committed. */
static bool commit_big_message(struct fixture *f)
{
	struct new_message message = message_to(f, "ops", NULL);
	struct claim_slot slot = {.job = "big", .trigger = TRIGGER_MANUAL};
	struct claim claim = {.instance = "main-1", .now_ms = NOW_MS, .slots = &slot, .count = 1};
	struct claim_reply claimed = {0};
	struct commit commit = {.messages = &message, .message_count = 1, .ended_ms = NOW_MS};
	struct err *e, *committed;

	message.payload_length = 60000;
	message.payload = arena_alloc(&f->arena, message.payload_length);
	must(store_begin(f->store));
	e = store_do(f->store, REQ_CLAIM, &claim, &f->arena, &claimed);
	if (!e) {
		commit.run = claimed.slots[0].run;
		e = store_do(f->store, REQ_COMMIT, &commit, &f->arena, &(struct commit_reply){0});
	}
	committed = store_commit(f->store);
	bool failed = e || committed;
	if (committed)
		assert_int_equal(err_kind(committed), ERR_PERMANENT);
	if (e && !committed)
		fail_msg("a verb failed (%s) but its batch was committed", err_text(e));
	err_destroy(e);
	err_destroy(committed);
	return !failed;
}

static size_t count_runs(struct fixture *f)
{
	struct runs_reply reply = {0};

	must(ask(f, REQ_RUNS, &(struct runs_ask){.limit = 100000}, &reply));
	return reply.count;
}

static void a_full_disk_is_said_and_the_store_goes_on_when_there_is_room(void **state)
{
	struct fixture *f = *state;
	struct fixture small = {0};
	char filler[96];
	size_t committed = 0;

	snprintf(small.folder, sizeof(small.folder), "%.40s/small", f->folder);
	snprintf(small.url, sizeof(small.url), "sqlite:%s/s.db", small.folder);
	if (mkdir(small.folder, 0700) || mount("none", small.folder, "tmpfs", 0, "size=4m")) {
		print_message("skipped: cannot mount a small tmpfs: %s\n", strerror(errno));
		skip();
	}
	must(store_open(small.url, STORE_WRITE, NOW_MS, &small.store));
	assert_true(commit_big_message(&small));
	committed++;
	fill(small.folder);
	while (commit_big_message(&small))
		committed++;
	assert_false(commit_big_message(&small));
	assert_int_equal(count_runs(&small), committed);
	snprintf(filler, sizeof(filler), "%s/filler", small.folder);
	unlink(filler);
	assert_true(commit_big_message(&small));
	assert_int_equal(count_runs(&small), committed + 1);
	store_close(small.store);
	check_first(small.url + 7, 1);
	umount2(small.folder, MNT_DETACH);
	arena_done(&small.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(a_killed_store_lost_nothing_that_was_answered),
	    STORE_TEST(a_full_disk_is_said_and_the_store_goes_on_when_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
