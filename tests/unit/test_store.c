/* SPDX-License-Identifier: MIT */
/* The store: opening it, schedules and slots, runs and what they commit. */
#include "store_fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "request/request.h"
#include "store/sqlite.h"

/* -- opening -------------------------------------------------------------------------------------- */

static void a_new_store_is_private_and_its_folders_are_made(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	struct stat st;
	char path[200], url[220];

	snprintf(path, sizeof(path), "%s/a/b/c.db", f->folder);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	must(store_open(url, STORE_WRITE, NOW_MS, &store));
	store_close(store);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void reading_a_store_that_is_not_there_makes_none(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	char url[200];

	snprintf(url, sizeof(url), "sqlite:%s/none.db", f->folder);
	must_fail(store_open(url, STORE_READ, NOW_MS, &store), ERR_CONFIG, "there is no store yet");
	assert_int_equal(access(url + 7, F_OK), -1);
}

static void an_unknown_scheme_is_refused(void **state)
{
	struct store *store;

	(void)state;
	must_fail(store_open("mysql:/x", STORE_WRITE, NOW_MS, &store), ERR_CONFIG, "expected sqlite:");
	must_fail(store_open("sqlite:", STORE_WRITE, NOW_MS, &store), ERR_CONFIG, "expected a path");
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_file_of_another_kind_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	struct stat st;
	char path[200], url[220];

	snprintf(path, sizeof(path), "%s/notes.txt", f->folder);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	write_file(path, "these are just some notes that somebody keeps, longer than a database header is");
	must_fail(store_open(url, STORE_WRITE, NOW_MS, &store), ERR_CONFIG, "is not a database");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 79);
}

static void execute(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_database_of_something_else_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	char path[200], url[220];

	snprintf(path, sizeof(path), "%s/plant.db", f->folder);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	execute(path, "CREATE TABLE unit_event (id INTEGER)");
	must_fail(store_open(url, STORE_WRITE, NOW_MS, &store), ERR_CONFIG, "not a store of bmad");
}

static void a_folder_on_the_network_is_refused(void **state)
{
	(void)state;
	must_fail(sqlite_refuse_network("/mnt/plant", 0x6969), ERR_CONFIG,
	    "/mnt/plant is on NFS: the store needs a local disk");
	must_fail(sqlite_refuse_network("/mnt/plant", 0xffffffffff534d42), ERR_CONFIG, "on CIFS"); /* sign-extended */
	must(sqlite_refuse_network("/var", 0xef53));
}

static void a_newer_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *store;

	store_close(f->store);
	f->store = NULL;
	execute(f->url + 7, "INSERT INTO schema_version VALUES (99, 0)");
	must_fail(store_open(f->url, STORE_WRITE, NOW_MS, &store), ERR_CONFIG, "written by a newer bmad");
	must_fail(store_open(f->url, STORE_READ, NOW_MS, &store), ERR_CONFIG, "written by a newer bmad");
}

static void a_damaged_store_is_an_error_and_no_crash(void **state)
{
	struct fixture *f = *state;
	struct schedules_reply reply;
	struct schedule_ask asked = {.job = "j", .fingerprint = "1"};
	struct schedules schedules = {.now_ms = NOW_MS, .jobs = &asked, .count = 1};
	char rubbish[8192];
	FILE *file;
	struct err *e;

	store_close(f->store);
	f->store = NULL;
	memset(rubbish, 0x5a, sizeof(rubbish));
	file = fopen(f->url + 7, "r+");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	long pages = ftell(file) / (long)sizeof(rubbish);
	for (long page = 2; page < pages; page++) {
		fseek(file, page * (long)sizeof(rubbish), SEEK_SET);
		fwrite(rubbish, sizeof(rubbish), 1, file);
	}
	fclose(file);
	e = store_open(f->url, STORE_WRITE, NOW_MS, &f->store);
	if (e) {
		f->store = NULL;
		must_fail(e, ERR_PERMANENT, "malformed");
		return;
	}
	must(store_begin(f->store));
	must_fail(
	    store_do(f->store, REQ_SCHEDULES, &schedules, &f->arena, &reply), ERR_PERMANENT, "malformed");
	err_ignore(store_commit(f->store));
}

static void a_store_open_for_reading_takes_no_changes(void **state)
{
	struct fixture *f = *state;
	struct store *reader;
	struct runs_reply runs = {0};
	struct nothing nothing;

	begin_run(f, "j", NOW);
	must(store_open(f->url, STORE_READ, NOW_MS, &reader));
	must(store_do(reader, REQ_RUNS, &(struct runs_ask){.limit = 5}, &f->arena, &runs));
	assert_int_equal(runs.count, 1);
	must_fail(store_do(reader, REQ_START, &(struct start){1, NOW_MS}, &f->arena, &nothing), ERR_BUG,
	    "for reading only");
	store_close(reader);
}

static void a_request_that_is_not_the_stores_is_refused(void **state)
{
	struct fixture *f = *state;
	struct nothing nothing;

	must_fail(ask(f, REQ_CONTROL, &(struct control){0}, &nothing), ERR_BUG, "not for the store");
}

/* -- schedules ------------------------------------------------------------------------------------ */

static struct schedules_reply ask_schedule(struct fixture *f, const char *fingerprint, int64_t now_ms)
{
	struct schedule_ask asked = {.job = "j", .fingerprint = fingerprint};
	struct schedules schedules = {.instance = "main-1", .now_ms = now_ms, .jobs = &asked, .count = 1};
	struct schedules_reply reply = {0};

	must(ask(f, REQ_SCHEDULES, &schedules, &reply));
	return reply;
}

static void a_changed_schedule_starts_now_and_an_unchanged_one_goes_on(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_schedule(f, "aa", NOW_MS).jobs[0].since, NOW);
	assert_int_equal(ask_schedule(f, "aa", NOW_MS + 60000).jobs[0].since, NOW);
	assert_int_equal(ask_schedule(f, "bb", NOW_MS + 90000).jobs[0].since, NOW + 90);
	assert_int_equal(ask_schedule(f, "bb", NOW_MS + 99000).jobs[0].accounted_until, NOW + 90);
}

static void a_schedule_that_is_not_asked_for_begins_anew_when_it_is_back(void **state)
{
	struct fixture *f = *state;
	struct schedules others = {.instance = "main-1", .now_ms = NOW_MS + 60000};
	struct schedules_reply reply = {0};

	ask_schedule(f, "aa", NOW_MS);
	must(ask(f, REQ_SCHEDULES, &others, &reply));
	assert_int_equal(ask_schedule(f, "aa", NOW_MS + 90000).jobs[0].accounted_until, NOW + 90);
}

static void a_claim_accounts_for_its_slot_and_a_run_by_hand_for_none(void **state)
{
	struct fixture *f = *state;
	struct claim_slot by_hand = {.job = "j", .due = NOW + 500, .trigger = TRIGGER_MANUAL};

	ask_schedule(f, "aa", NOW_MS);
	commit_run(f, claim(f, slot_of("j", NOW + 60)).run, NULL, 0);
	assert_int_equal(ask_schedule(f, "aa", NOW_MS).jobs[0].accounted_until, NOW + 60);
	claim(f, by_hand);
	claim(f, slot_of("j", NOW + 30));
	assert_int_equal(ask_schedule(f, "aa", NOW_MS).jobs[0].accounted_until, NOW + 60);
}

static void the_keys_of_recorded_slots_are_told_who_asks_for_them(void **state)
{
	struct fixture *f = *state;
	struct schedule_ask asked = {.job = "j", .fingerprint = "aa", .recorded_s = 100};
	struct schedules schedules = {.instance = "main-1", .now_ms = NOW_MS, .jobs = &asked, .count = 1};
	struct claim_slot old = slot_of("j", NOW - 50), last = slot_of("j", NOW + 60), other = slot_of("k", NOW + 60);
	struct schedules_reply reply = {0};

	ask_schedule(f, "aa", NOW_MS);
	old.key = "older than what is asked for";
	last.key = "Z1|NIGHT|9";
	commit_run(f, claim(f, old).run, NULL, 0);
	commit_run(f, claim(f, last).run, NULL, 0);
	commit_run(f, claim(f, other).run, NULL, 0);
	must(ask(f, REQ_SCHEDULES, &schedules, &reply));
	assert_int_equal(reply.jobs[0].key_count, 1);
	assert_string_equal(reply.jobs[0].keys[0].id, "Z1|NIGHT|9");
	assert_int_equal(ask_schedule(f, "aa", NOW_MS).jobs[0].key_count, 0); /* not asked for */
}

/* -- claims --------------------------------------------------------------------------------------- */

static void a_slot_is_granted_once(void **state)
{
	struct fixture *f = *state;
	struct claim_result first = claim(f, slot_of("j", NOW));

	assert_int_equal(first.state, CLAIM_GRANTED);
	assert_int_equal(first.attempt, 1);
	commit_run(f, first.run, NULL, 0);
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_DONE);
	assert_int_equal(claim_as(f, "main-2", slot_of("j", NOW)).state, CLAIM_DONE);
}

static void a_claim_whose_answer_was_lost_gives_the_same_run_again(void **state)
{
	struct fixture *f = *state;
	struct claim_result first = claim(f, slot_of("j", NOW));
	struct claim_result again = claim(f, slot_of("j", NOW));
	struct nothing nothing;

	assert_int_equal(again.state, CLAIM_GRANTED);
	assert_int_equal(again.run, first.run);
	assert_int_equal(claim_as(f, "main-2", slot_of("j", NOW)).state, CLAIM_DONE);
	must(ask(f, REQ_START, &(struct start){first.run, NOW_MS}, &nothing));
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_DONE);
}

/* What becomes of a second and a third slot while the first one's run is open. */
static const struct {
	int64_t overlap;
	int64_t second, third;
	const char *second_state;
} overlaps[] = {
    {OVERLAP_SKIP, CLAIM_OVERLAPS, CLAIM_OVERLAPS, "skipped"},
    {OVERLAP_QUEUE, CLAIM_WAITS, CLAIM_OVERLAPS, "claimed"},
    {OVERLAP_ALLOW, CLAIM_GRANTED, CLAIM_GRANTED, "claimed"},
};

static void overlap_decides_what_an_open_run_means_for_the_next_slots(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(overlaps); i++) {
		const char *job = arena_format(&f->arena, "job%zu", i);
		struct claim_slot second = slot_of(job, NOW + 60), third = slot_of(job, NOW + 120);
		int64_t run = begin_run(f, job, NOW);
		struct claim_result result;

		second.overlap = third.overlap = overlaps[i].overlap;
		result = claim(f, second);
		assert_int_equal(result.state, overlaps[i].second);
		assert_int_equal(result.open_run, overlaps[i].second == CLAIM_GRANTED ? 0 : run);
		assert_int_equal(claim(f, third).state, overlaps[i].third);
		assert_string_equal(list_runs(f, job).rows[1].state, overlaps[i].second_state);
	}
}

static void a_skipped_slot_says_which_run_was_open(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);

	claim(f, slot_of("j", NOW + 60));
	assert_string_equal(list_runs(f, "j").rows[0].reason,
	    arena_format(&f->arena, "run %lld is still open", (long long)run));
	assert_int_equal(claim(f, slot_of("j", NOW + 60)).state, CLAIM_DONE);
}

static void a_waiting_slot_is_granted_when_the_run_is_closed(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct claim_slot waiting = slot_of("j", NOW + 60);
	struct schedules_reply schedules;

	waiting.overlap = OVERLAP_QUEUE;
	assert_int_equal(claim(f, waiting).state, CLAIM_WAITS);
	assert_int_equal(claim(f, waiting).state, CLAIM_WAITS);
	schedules = ask_schedule(f, "aa", NOW_MS);
	assert_int_equal(schedules.open_count, 1);
	assert_string_equal(schedules.open[0].key, waiting.key);
	assert_int_equal(schedules.open[0].attempt, 1);
	close_run(f, run, false, "failed");
	assert_int_equal(claim(f, waiting).state, CLAIM_GRANTED);
	assert_int_equal(ask_schedule(f, "aa", NOW_MS).open_count, 0);
}

static void slots_of_one_request_count_as_open_for_each_other(void **state)
{
	struct fixture *f = *state;
	struct claim_slot slots[] = {slot_of("j", NOW), slot_of("j", NOW + 60), slot_of("k", NOW)};
	struct claim claim = {.instance = "main-1", .now_ms = NOW_MS, .slots = slots, .count = 3};
	struct claim_reply reply = {0};

	must(ask(f, REQ_CLAIM, &claim, &reply));
	assert_int_equal(reply.slots[0].state, CLAIM_GRANTED);
	assert_int_equal(reply.slots[1].state, CLAIM_OVERLAPS);
	assert_int_equal(reply.slots[2].state, CLAIM_GRANTED);
}

static void missed_slots_are_recorded_once_and_stand_for_many(void **state)
{
	struct fixture *f = *state;
	struct claim_slot missed = slot_of("j", NOW);
	struct run_row row;

	missed.action = CLAIM_MISSED;
	missed.reason = "too late by 2h";
	missed.slots = 12;
	missed.first = NOW - 3600;
	assert_int_equal(claim(f, missed).state, CLAIM_RECORDED);
	assert_int_equal(claim(f, missed).state, CLAIM_DONE);
	row = list_runs(f, "j").rows[0];
	assert_int_equal(row.run, 0);
	assert_string_equal(row.state, "missed");
	assert_string_equal(row.reason, "too late by 2h, 12 slots");
	missed.action = CLAIM_RUN;
	assert_int_equal(claim(f, missed).state, CLAIM_DONE);
}

static void a_run_by_hand_waits_and_stores_nothing_while_it_waits(void **state)
{
	struct fixture *f = *state;
	struct claim_slot by_hand = {
	    .job = "j", .due = NOW, .trigger = TRIGGER_MANUAL, .overlap = OVERLAP_ALLOW, .restartable = true};
	int64_t run = begin_run(f, "j", NOW);
	struct claim_result result = claim(f, by_hand);
	struct run_row row;

	assert_int_equal(result.state, CLAIM_WAITS);
	assert_int_equal(result.open_run, run);
	assert_int_equal(list_runs(f, "j").count, 1);
	commit_run(f, run, NULL, 0);
	result = claim(f, by_hand);
	assert_int_equal(result.state, CLAIM_GRANTED);
	row = show_run(f, result.run);
	assert_string_equal(row.key, arena_format(&f->arena, "manual:%lld", (long long)result.run));
	assert_string_equal(row.trigger, "manual");
	assert_int_equal(claim(f, by_hand).state, CLAIM_WAITS);
}

static void a_run_by_hand_whose_answer_was_lost_with_the_store_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct claim_slot by_hand = {.job = "j", .due = NOW, .trigger = TRIGGER_MANUAL};
	int64_t run = claim(f, by_hand).run;
	struct claim_result again;

	open_again(f);
	again = claim(f, by_hand);
	assert_int_equal(again.state, CLAIM_GRANTED);
	assert_int_equal(again.run, run);
	assert_int_equal(claim_as(f, "main-2", by_hand).state, CLAIM_WAITS);
}

/* -- runs ----------------------------------------------------------------------------------------- */

static void a_commit_may_be_repeated_and_changes_nothing_more(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct new_message messages[] = {message_to(f, "ops", "k1"), message_to(f, "ops", "k1")};

	for (int i = 0; i < 2; i++) {
		struct commit_reply reply = commit_run(f, run, messages, 2);

		assert_string_equal(reply.messages[0].state, "queued");
		assert_string_equal(reply.messages[1].state, "suppressed");
		assert_int_equal(reply.messages[1].earlier_run, run);
		assert_string_equal(reply.messages[1].earlier_id, messages[0].id);
		assert_string_equal(reply.messages[1].earlier_state, "queued");
	}
	assert_int_equal(show_run(f, run).messages, 1);
	assert_int_equal(show_run(f, run).ms, 5);
	assert_string_equal(show_run(f, run).state, "ok");
}

static void a_commit_is_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct new_message messages[] = {message_to(f, "ops", "k1"), message_to(f, "ops", "k2")};
	struct commit_reply reply;
	struct store_news news;

	messages[1].id = messages[0].id;
	store_news(f->store, &news);
	must_fail(try_commit(f, run, messages, 2, &reply), ERR_BUG, "UNIQUE");
	store_news(f->store, &news);
	assert_int_equal(news.channel_count, 0);
	assert_string_equal(show_run(f, run).state, "running");
	assert_int_equal(take(f, "ops", 10, NOW_MS).count, 0);
	assert_string_equal(commit_run(f, run, messages, 1).messages[0].state, "queued");
}

static void a_failed_verb_does_not_spoil_its_batch(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct commit_reply reply;
	struct close_reply closed;

	must(store_begin(f->store));
	must_fail(store_do(f->store, REQ_COMMIT, &(struct commit){.run = 99}, &f->arena, &reply),
	    ERR_PERMANENT, "run 99 is not known");
	must(store_do(f->store, REQ_CLOSE, &(struct close){.run = run}, &f->arena, &closed));
	must(store_commit(f->store));
	assert_string_equal(show_run(f, run).state, "failed");
}

static void a_closed_run_cannot_commit_and_a_committed_one_stands(void **state)
{
	struct fixture *f = *state;
	int64_t failed = begin_run(f, "j", NOW), ok = begin_run(f, "k", NOW);
	struct commit_reply reply;

	assert_false(close_run(f, failed, false, "timeout in step 'load'").committed);
	must_fail(try_commit(f, failed, NULL, 0, &reply), ERR_PERMANENT, "timeout in step 'load'");
	commit_run(f, ok, NULL, 0);
	assert_true(close_run(f, ok, true, "crashed").committed);
	assert_string_equal(show_run(f, ok).state, "ok");
}

static void a_degraded_run_is_ok_and_says_so(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct commit commit = {.run = run, .degraded = true, .ended_ms = NOW_MS};
	struct commit_reply reply;

	must(ask(f, REQ_COMMIT, &commit, &reply));
	assert_string_equal(show_run(f, run).state, "ok");
	assert_string_equal(show_run(f, run).reason, "degraded");
}

static void a_failed_run_keeps_its_traceback_and_values(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct frame_record frames[] = {
	    {"sql_query", "sql.c", "connect to \"plant\"", 88}, {"run", "j.c", NULL, 7}};
	struct error_record error = {"TEMPORARY", "connection refused", frames, 2};
	struct value_record values[] = {{"rows", 3}, {"share", 0.5}};
	struct close close = {
	    .run = run, .reason = "failed", .error = &error, .values = values, .value_count = 2};
	struct close_reply reply;
	struct run_row row;

	must(ask(f, REQ_CLOSE, &close, &reply));
	row = show_run(f, run);
	assert_string_equal(row.error->kind, "TEMPORARY");
	assert_int_equal(row.error->frame_count, 2);
	assert_int_equal(row.error->frames[0].line, 88);
	assert_string_equal(row.error->frames[0].note, "connect to \"plant\"");
	assert_null(row.error->frames[1].note);
	assert_int_equal(row.value_count, 2);
	assert_string_equal(row.values[1].name, "share");
	assert_float_equal(row.values[1].number, 0.5, 0);
}

/* Whether an interrupted run's slot runs once more. */
static const struct {
	int64_t trigger;
	bool restartable, sent, again;
} interruptions[] = {
    {TRIGGER_SCHEDULE, true, false, true},
    {TRIGGER_CATCHUP, true, false, true},
    {TRIGGER_SCHEDULE, false, false, false},
    {TRIGGER_SCHEDULE, true, true, false}, /* it had used send-and-wait */
    {TRIGGER_MANUAL, true, false, false},
};

static void an_interrupted_run_runs_once_more_if_it_may(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(interruptions); i++) {
		struct claim_slot slot = slot_of(arena_format(&f->arena, "job%zu", i), NOW);
		struct new_message message = message_to(f, "sms", arena_format(&f->arena, "key%zu", i));
		struct message_state sent;
		int64_t run;

		slot.trigger = interruptions[i].trigger;
		slot.restartable = interruptions[i].restartable;
		run = claim(f, slot).run;
		if (interruptions[i].sent)
			must(ask(f, REQ_SEND, &(struct send){run, "main-1", &message}, &sent));
		assert_int_equal(close_run(f, run, true, "crashed").again, interruptions[i].again);
		assert_int_equal(close_run(f, run, true, "crashed").again, interruptions[i].again);
		assert_string_equal(show_run(f, run).state, "failed");
		assert_int_equal(claim(f, slot).state, interruptions[i].again ? CLAIM_GRANTED : CLAIM_DONE);
	}
}

static void the_second_interruption_is_the_last(void **state)
{
	struct fixture *f = *state;
	struct claim_result second;

	assert_true(close_run(f, claim(f, slot_of("j", NOW)).run, true, "crashed").again);
	second = claim(f, slot_of("j", NOW));
	assert_int_equal(second.attempt, 2);
	assert_false(close_run(f, second.run, true, "crashed").again);
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_DONE);
}

static bool stop_before_it_began(struct fixture *f, int64_t run)
{
	struct close_reply reply = {0};

	must(ask(f, REQ_CLOSE, &(struct close){.run = run, .interrupted = true, .unbegun = true}, &reply));
	return reply.again;
}

static void a_run_that_never_began_is_no_attempt(void **state)
{
	struct fixture *f = *state;
	struct claim_slot slot = slot_of("j", NOW);

	slot.restartable = false;
	for (int i = 0; i < 3; i++) {
		struct claim_result result = claim(f, slot);

		assert_int_equal(result.state, CLAIM_GRANTED);
		assert_int_equal(result.attempt, 1);
		assert_true(stop_before_it_began(f, result.run));
	}
	slot.trigger = TRIGGER_MANUAL;
	slot.key = NULL;
	assert_false(stop_before_it_began(f, claim(f, slot).run));
}

static void a_slot_that_was_granted_before_is_not_skipped_for_another_run(void **state)
{
	struct fixture *f = *state;
	struct claim_slot by_hand = {.job = "j", .due = NOW + 5, .trigger = TRIGGER_MANUAL};

	assert_true(stop_before_it_began(f, claim(f, slot_of("j", NOW)).run));
	int64_t open = claim(f, by_hand).run;
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_WAITS);
	commit_run(f, open, NULL, 0);
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_GRANTED);
}

/* -- pauses -------------------------------------------------------------------------------------- */

static struct err *pause_job(struct fixture *f, const char *job, int64_t until)
{
	struct job_pause pause = {job, until};
	struct nothing nothing;

	return ask(f, REQ_PAUSE, &(struct pauses){&pause, 1}, &nothing);
}

static void a_pause_outlives_the_store_process_and_a_changed_schedule(void **state)
{
	struct fixture *f = *state;
	struct pauses paused = {0};

	assert_int_equal(ask_schedule(f, "aa", NOW_MS).jobs[0].paused_until, 0);
	must(pause_job(f, "j", NOW + 100));
	open_again(f);
	assert_int_equal(ask_schedule(f, "bb", NOW_MS).jobs[0].paused_until, NOW + 100);
	assert_int_equal(ask_schedule(f, "bb", NOW_MS).jobs[0].paused_until, NOW + 100);
	must(ask(f, REQ_PAUSED, &(struct nothing){false}, &paused));
	assert_int_equal(paused.count, 1);
	assert_string_equal(paused.jobs[0].job, "j");
	must(pause_job(f, "j", 0));
	assert_int_equal(ask_schedule(f, "bb", NOW_MS).jobs[0].paused_until, 0);
	must_fail(pause_job(f, "nobody", NOW), ERR_PERMANENT, "no schedule");
}

/* -- retries -------------------------------------------------------------------------------------- */

static struct close_reply fail_run(struct fixture *f, int64_t run, int64_t ended_ms)
{
	struct close_reply reply = {0};
	struct close close = {.run = run,
	    .reason = "failed",
	    .started_ms = NOW_MS,
	    .ended_ms = ended_ms,
	    .retries = 3,
	    .retry_initial_ms = 1000,
	    .retry_max_ms = 1500};

	must(ask(f, REQ_CLOSE, &close, &reply));
	return reply;
}

static void a_failed_run_is_retried_as_often_as_its_job_says_with_growing_waits(void **state)
{
	static const int64_t waits[] = {1000, 1500, 1500, 0};
	struct fixture *f = *state;
	struct claim_slot slot = slot_of("j", NOW);

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		struct claim_result result = claim(f, slot);
		int64_t ended_ms = NOW_MS + 10000 * (int64_t)i;

		assert_int_equal(result.state, CLAIM_GRANTED);
		assert_int_equal(result.attempt, i + 1);
		for (int repeated = 0; repeated < 2; repeated++) {
			struct close_reply closed = fail_run(f, result.run, ended_ms);

			assert_int_equal(closed.again, waits[i] > 0);
			assert_int_equal(closed.not_before_ms, waits[i] ? ended_ms + waits[i] : 0);
		}
		slot.trigger = TRIGGER_RETRY;
	}
	assert_int_equal(claim(f, slot).state, CLAIM_DONE);
	assert_int_equal(list_runs(f, "j").count, ARRAY_SIZE(waits));
}

static void a_retry_outlives_the_store_process_and_says_when(void **state)
{
	struct fixture *f = *state;
	struct claim_slot slot = slot_of("j", NOW);
	struct schedules_reply schedules;

	fail_run(f, claim(f, slot).run, NOW_MS);
	assert_int_equal(list_runs(f, "j").rows[1].run, 0);
	assert_string_equal(
	    list_runs(f, "j").rows[1].reason, "failed, is retried at 2027-01-15T08:00:01Z");
	open_again(f);
	schedules = ask_schedule(f, "aa", NOW_MS);
	assert_int_equal(schedules.open_count, 1);
	assert_int_equal(schedules.open[0].not_before_ms, NOW_MS + 1000);
	commit_run(f, claim(f, slot).run, NULL, 0);
	assert_int_equal(ask_schedule(f, "aa", NOW_MS).open_count, 0);
}

static void a_slot_that_waits_for_its_retry_keeps_no_other_from_waiting(void **state)
{
	struct fixture *f = *state;
	struct claim_slot next = slot_of("j", NOW + 120);

	fail_run(f, claim(f, slot_of("j", NOW)).run, NOW_MS);
	begin_run(f, "j", NOW + 60);
	next.overlap = OVERLAP_QUEUE;
	assert_int_equal(claim(f, next).state, CLAIM_WAITS);
}

static void a_retry_may_be_interrupted_once_and_an_interruption_uses_up_no_retry(void **state)
{
	struct fixture *f = *state;
	struct claim_slot slot = slot_of("j", NOW);

	fail_run(f, claim(f, slot).run, NOW_MS);
	assert_true(close_run(f, claim(f, slot).run, true, "interrupted").again);
	fail_run(f, claim(f, slot).run, NOW_MS);
	assert_true(fail_run(f, claim(f, slot).run, NOW_MS).again);
	assert_false(close_run(f, claim(f, slot).run, true, "interrupted").again);
}

static void a_run_by_hand_is_not_retried(void **state)
{
	struct fixture *f = *state;

	assert_false(
	    fail_run(f, claim(f, (struct claim_slot){.job = "j", .due = NOW, .trigger = TRIGGER_MANUAL}).run, NOW_MS)
	        .again);
}

static void a_store_of_the_first_version_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;

	commit_run(f, claim(f, slot_of("j", NOW)).run, NULL, 0);
	store_close(f->store);
	f->store = NULL;
	execute(f->url + 7, "ALTER TABLE slots DROP COLUMN failures; ALTER TABLE slots DROP COLUMN not_before_ms;"
	                    "DROP TABLE standbys; DROP INDEX messages_standby; DROP INDEX lanes_divert;"
	                    "DROP INDEX messages_urgent; ALTER TABLE messages DROP COLUMN urgent;"
	                    "ALTER TABLE messages DROP COLUMN standby; ALTER TABLE messages DROP COLUMN successor;"
	                    "ALTER TABLE lanes DROP COLUMN divert_until_ms;"
	                    "ALTER TABLE messages DROP COLUMN once;"
	                    "DELETE FROM schema_version WHERE version > 1");
	open_again(f);
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_DONE);
	assert_true(fail_run(f, claim(f, slot_of("j", NOW + 60)).run, NOW_MS).again);
}

static void a_new_main_interrupts_runs_of_instances_that_are_gone(void **state)
{
	struct fixture *f = *state;
	struct claim_slot other = slot_of("k", NOW), waiting = slot_of("j", NOW);
	int64_t run, by_hand;

	hello(f, ROLE_MAIN, "main-1");
	hello(f, ROLE_ONCE, "once-1");
	run = begin_run(f, "j", NOW);
	by_hand = claim_as(f, "once-1", other).run;
	assert_int_equal(hello(f, ROLE_MAIN, "main-1"), 0);
	open_again(f);
	hello(f, ROLE_ONCE, "once-1");
	assert_int_equal(hello(f, ROLE_MAIN, "main-2"), 1);
	assert_string_equal(show_run(f, run).reason, "interrupted: the process that ran it is gone");
	assert_string_equal(show_run(f, by_hand).state, "claimed");
	assert_int_equal(claim_as(f, "main-2", waiting).attempt, 2);
}

static void a_once_that_goes_leaves_no_run_open(void **state)
{
	struct fixture *f = *state;
	struct claim_slot by_hand = {.job = "j", .due = NOW, .trigger = TRIGGER_MANUAL};
	int64_t run;

	hello(f, ROLE_ONCE, "once-1");
	hello(f, ROLE_ONCE, "once-1"); /* it reconnected before the old connection's end was seen */
	run = claim_as(f, "once-1", by_hand).run;
	gone(f, ROLE_ONCE, "once-1");
	assert_string_equal(show_run(f, run).state, "claimed");
	gone(f, ROLE_ONCE, "once-1");
	assert_string_equal(show_run(f, run).state, "failed");
	assert_int_equal(claim(f, slot_of("j", NOW)).state, CLAIM_GRANTED);
}

static void runs_are_listed_newest_first_and_latest_is_one_a_job(void **state)
{
	struct fixture *f = *state;
	struct runs_reply reply = {0};

	for (int i = 0; i < 5; i++) {
		commit_run(f, begin_run(f, "a", NOW + i), NULL, 0);
		commit_run(f, begin_run(f, "b", NOW + i), NULL, 0);
	}
	must(ask(f, REQ_RUNS, &(struct runs_ask){.limit = 3}, &reply));
	assert_int_equal(reply.count, 3);
	assert_int_equal(reply.rows[0].run, 10);
	assert_int_equal(reply.rows[2].run, 8);
	must(ask(f, REQ_RUNS, &(struct runs_ask){.latest = true}, &reply));
	assert_int_equal(reply.count, 2);
	assert_int_equal(reply.rows[0].run + reply.rows[1].run, 19);
	must(ask(f, REQ_RUNS, &(struct runs_ask){.limit = 9, .since_ms = NOW_MS + 1}, &reply));
	assert_int_equal(reply.count, 0);
}

/* -- job state ------------------------------------------------------------------------------------ */

static struct state_reply state_at(struct fixture *f, const char *key, int64_t now)
{
	struct state_reply reply = {0};

	must(ask(f, REQ_STATE, &(struct state_ask){"j", key, now}, &reply));
	return reply;
}

static void state_is_committed_with_the_run_and_expires_by_the_runs_clock(void **state)
{
	struct fixture *f = *state;
	struct new_state states[] = {{"mark", "{\"at\":1}", 0}, {"soon", "7", NOW + 60}};
	struct new_state gone_state = {"mark", NULL, 0};
	struct commit commit = {
	    .run = begin_run(f, "j", NOW), .states = states, .state_count = 2, .ended_ms = NOW_MS};
	struct commit_reply reply;

	must(ask(f, REQ_COMMIT, &commit, &reply));
	assert_string_equal(state_at(f, "mark", NOW).value, "{\"at\":1}");
	assert_int_equal(state_at(f, "mark", NOW).written_ms, NOW_MS);
	assert_string_equal(state_at(f, "soon", NOW + 59).value, "7");
	assert_null(state_at(f, "soon", NOW + 60).value);
	assert_null(state_at(f, "other", NOW).value);
	commit = (struct commit){.run = begin_run(f, "j", NOW + 60), .states = &gone_state, .state_count = 1};
	must(ask(f, REQ_COMMIT, &commit, &reply));
	assert_null(state_at(f, "mark", NOW).value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(a_new_store_is_private_and_its_folders_are_made),
	    STORE_TEST(reading_a_store_that_is_not_there_makes_none),
	    STORE_TEST(an_unknown_scheme_is_refused),
	    STORE_TEST(a_file_of_another_kind_is_refused_and_left_alone),
	    STORE_TEST(a_database_of_something_else_is_refused),
	    STORE_TEST(a_folder_on_the_network_is_refused),
	    STORE_TEST(a_newer_store_is_refused),
	    STORE_TEST(a_damaged_store_is_an_error_and_no_crash),
	    STORE_TEST(a_store_open_for_reading_takes_no_changes),
	    STORE_TEST(a_request_that_is_not_the_stores_is_refused),
	    STORE_TEST(a_changed_schedule_starts_now_and_an_unchanged_one_goes_on),
	    STORE_TEST(a_schedule_that_is_not_asked_for_begins_anew_when_it_is_back),
	    STORE_TEST(a_claim_accounts_for_its_slot_and_a_run_by_hand_for_none),
	    STORE_TEST(the_keys_of_recorded_slots_are_told_who_asks_for_them),
	    STORE_TEST(a_slot_is_granted_once),
	    STORE_TEST(a_claim_whose_answer_was_lost_gives_the_same_run_again),
	    STORE_TEST(overlap_decides_what_an_open_run_means_for_the_next_slots),
	    STORE_TEST(a_skipped_slot_says_which_run_was_open),
	    STORE_TEST(a_waiting_slot_is_granted_when_the_run_is_closed),
	    STORE_TEST(slots_of_one_request_count_as_open_for_each_other),
	    STORE_TEST(missed_slots_are_recorded_once_and_stand_for_many),
	    STORE_TEST(a_run_by_hand_waits_and_stores_nothing_while_it_waits),
	    STORE_TEST(a_run_by_hand_whose_answer_was_lost_with_the_store_is_found_again),
	    STORE_TEST(a_commit_may_be_repeated_and_changes_nothing_more),
	    STORE_TEST(a_commit_is_whole_or_not_at_all),
	    STORE_TEST(a_failed_verb_does_not_spoil_its_batch),
	    STORE_TEST(a_closed_run_cannot_commit_and_a_committed_one_stands),
	    STORE_TEST(a_degraded_run_is_ok_and_says_so),
	    STORE_TEST(a_failed_run_keeps_its_traceback_and_values),
	    STORE_TEST(an_interrupted_run_runs_once_more_if_it_may),
	    STORE_TEST(the_second_interruption_is_the_last),
	    STORE_TEST(a_run_that_never_began_is_no_attempt),
	    STORE_TEST(a_slot_that_was_granted_before_is_not_skipped_for_another_run),
	    STORE_TEST(a_pause_outlives_the_store_process_and_a_changed_schedule),
	    STORE_TEST(a_failed_run_is_retried_as_often_as_its_job_says_with_growing_waits),
	    STORE_TEST(a_retry_outlives_the_store_process_and_says_when),
	    STORE_TEST(a_slot_that_waits_for_its_retry_keeps_no_other_from_waiting),
	    STORE_TEST(a_retry_may_be_interrupted_once_and_an_interruption_uses_up_no_retry),
	    STORE_TEST(a_run_by_hand_is_not_retried),
	    STORE_TEST(a_store_of_the_first_version_is_brought_up_to_date),
	    STORE_TEST(a_new_main_interrupts_runs_of_instances_that_are_gone),
	    STORE_TEST(a_once_that_goes_leaves_no_run_open),
	    STORE_TEST(runs_are_listed_newest_first_and_latest_is_one_a_job),
	    STORE_TEST(state_is_committed_with_the_run_and_expires_by_the_runs_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
