/* SPDX-License-Identifier: MIT */
/* The run API: what a job module asks for and leaves behind. */
#include "tests/unit/run_fixture.h"

static void begin(const char *job)
{
	bench->order.job = job;
	run_init(&bench->run, &bench->tools, &bench->order, conf_job(bench->conf, job), &bench->cancelled);
	assert_null(run_resolve(&bench->run));
}

static struct json *data_of(const char *key, const char *value)
{
	struct json *data = run_data(&bench->run);

	json_set_string(data, key, value);
	return data;
}

static const char *calls(void)
{
	return buf_text(&bench->tools.store->calls);
}

static struct json *report(bool failed)
{
	cleanup(free_text) char *text = run_report(&bench->run, failed);
	struct json *value;

	assert_null(json_parse(text, strlen(text), &value));
	return value;
}

static void assert_fails(struct err *e, enum err_kind kind, const char *part)
{
	assert_non_null(e);
	if (err_kind(e) != kind || !strstr(err_text(e), part))
		fail_msg("%s: %s", err_kind_name(err_kind(e)), err_text(e));
	err_destroy(e);
}

/* -- the run API ------------------------------------------------------------------------------------ */

static void a_run_knows_what_it_is(void **state)
{
	(void)state;
	begin("plain");
	assert_string_equal(run_job(&bench->run), "plain");
	assert_string_equal(run_node(&bench->run), "node1");
	assert_string_equal(tz_name(run_tz(&bench->run)), "UTC");
	assert_int_equal(run_slot(&bench->run), 1700000000);
	assert_int_equal(run_now(&bench->run), 1700000100);
	assert_false(run_is_dry(&bench->run));
	run_done(&bench->run);
}

static void options_come_with_their_references_resolved(void **state)
{
	const struct module_options *options;

	(void)state;
	begin("plain");
	options = run_options(&bench->run);
	assert_string_equal(options->greeting, "good morning, all");
	run_done(&bench->run);
}

static void a_message_goes_to_each_channel_of_the_job_with_the_commit(void **state)
{
	(void)state;
	begin("both");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	assert_string_equal(calls(), "");
	run_value(&bench->run, "count", 1);
	run_value(&bench->run, "count", 2);
	run_state_set(&bench->run, "last", json_int(7), 0);
	run_state_set(&bench->run, "last", NULL, 0);
	assert_ok(run_commit(&bench->run));
	assert_string_equal(calls(), "commit(2 messages, 1 states, 1 values) ");
	assert_int_equal(run_message_count(&bench->run), 2);
	assert_string_equal(bench->tools.store->last.channel, "hook");
	assert_non_null(strstr(
	    buf_text(&logged), "message_queued job=both run=42 slot=2023-11-14T22:13:20Z channel=out"));
	run_done(&bench->run);
}

static void a_message_may_name_its_channel_and_an_unknown_one_is_an_error(void **state)
{
	struct message message = {.kind = "report", .channel = "hook"};

	(void)state;
	begin("none");
	assert_ok(run_queue(&bench->run, &message, data_of("a", "b")));
	assert_int_equal(bench->run.message_count, 1);
	message.channel = "hok";
	assert_fails(run_queue(&bench->run, &message, data_of("a", "b")), ERR_CONFIG, "no channel 'hok'");
	message.channel = NULL;
	assert_fails(
	    run_queue(&bench->run, &message, data_of("a", "b")), ERR_CONFIG, "the job has no channels");
	run_done(&bench->run);
}

static void what_is_no_message_is_refused(void **state)
{
	struct message message = {.kind = "report", .severity = (enum severity)77};

	(void)state;
	begin("plain");
	assert_fails(run_queue(&bench->run, &message, data_of("a", "b")), ERR_BUG, "no severity is 77");
	assert_fails(
	    run_queue(&bench->run, &(struct message){0}, data_of("a", "b")), ERR_BUG, "without a kind");
	assert_fails(
	    run_queue(&bench->run, &(struct message){.kind = "report"}, NULL), ERR_BUG, "is no object");
	run_done(&bench->run);
}

static void the_key_is_the_modules_or_the_slots(void **state)
{
	struct message own = {.kind = "report", .key = "zone|Z1"}, none = {.kind = "report"};

	(void)state;
	begin("plain");
	assert_ok(run_queue(&bench->run, &own, data_of("a", "b")));
	assert_ok(run_queue(&bench->run, &none, data_of("a", "b")));
	assert_string_equal(bench->run.messages[0].record.key, "zone|Z1");
	assert_string_equal(bench->run.messages[1].record.key, "plain|2023-11-14T22:13:20Z|report");
	run_done(&bench->run);
	begin("slotted");
	assert_ok(run_queue(&bench->run, &own, data_of("a", "b")));
	assert_string_equal(bench->run.messages[0].record.key, "slotted|2023-11-14T22:13:20Z|report");
	run_done(&bench->run);
}

static void a_run_by_hand_without_an_instant_has_a_slot_of_its_own(void **state)
{
	struct message own = {.kind = "report", .key = "zone|Z1"}, none = {.kind = "report"};

	(void)state;
	bench->order.own_slot = true;
	begin("plain");
	assert_ok(run_queue(&bench->run, &own, data_of("a", "b")));
	assert_ok(run_queue(&bench->run, &none, data_of("a", "b")));
	assert_string_equal(bench->run.messages[0].record.key, "zone|Z1");
	assert_string_equal(bench->run.messages[1].record.key, "plain|manual:42|report");
	run_done(&bench->run);
}

static void a_message_expires_at_the_earliest_of_what_job_channel_and_module_say(void **state)
{
	struct message message = {.kind = "report", .channel = "out"};
	const struct conf_channel *channel;
	int64_t now_ms = wall_ms();

	(void)state;
	bench->order.slot = bench->order.now = bench->order.expires_base = now_ms / 1000;
	begin("plain"); /* the channel's max_age alone */
	channel = conf_channel(bench->conf, "out");
	assert_ok(run_queue(&bench->run, &message, data_of("a", "b")));
	assert_int_equal(bench->run.messages[0].record.expires_ms,
	    bench->run.messages[0].record.created_ms + channel->max_age_ms);
	run_done(&bench->run);

	begin("both"); /* expires: 10m after the slot */
	assert_ok(run_queue(&bench->run, &message, data_of("a", "b")));
	assert_int_equal(bench->run.messages[0].record.expires_ms, (bench->order.slot + 600) * 1000);
	message.expires = bench->order.slot + 60;
	assert_ok(run_queue(&bench->run, &message, data_of("a", "b")));
	assert_int_equal(bench->run.messages[1].record.expires_ms, (bench->order.slot + 60) * 1000);
	run_done(&bench->run);
}

static void an_expiry_named_by_another_clock_is_moved_to_the_real_one(void **state)
{
	struct message message = {.kind = "report"};
	int64_t left;

	(void)state;
	bench->order.by_hand = true; /* --at: now is in 2023 */
	bench->order.expires_base = wall_ms() / 1000;
	message.expires = bench->order.now + 60;
	begin("plain");
	assert_ok(run_queue(&bench->run, &message, data_of("a", "b")));
	left = bench->run.messages[0].record.expires_ms - wall_ms();
	assert_in_range(left, 50000, 60000);
	run_done(&bench->run);
}

static void console_messages_of_a_run_by_hand_are_born_taken(void **state)
{
	(void)state;
	bench->order.by_hand = true;
	begin("both");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	assert_true(bench->run.messages[0].record.taken);  /* out */
	assert_false(bench->run.messages[1].record.taken); /* hook */
	run_done(&bench->run);
}

static void without_a_template_a_webhook_gets_the_envelope_or_the_data_as_it_says(void **state)
{
	struct message message = {.kind = "report", .channel = "hook"};
	const char *payload;

	(void)state;
	begin("plain");
	assert_ok(run_queue(&bench->run, &message, data_of("shift", "NIGHT")));
	payload = bench->run.messages[0].record.payload;
	assert_non_null(strstr(payload, "\"type\":\"bmad.report\""));
	assert_non_null(strstr(payload, bench->run.messages[0].record.id));
	assert_non_null(strstr(payload, "\"slot\":\"2023-11-14T22:13:20Z\""));
	message.channel = "raw";
	assert_ok(run_queue(&bench->run, &message, data_of("shift", "NIGHT")));
	assert_string_equal(bench->run.messages[1].record.payload, "{\"shift\":\"NIGHT\"}");
	run_done(&bench->run);
}

static void templates_see_the_run_and_the_modules_view(void **state)
{
	(void)state;
	begin("plain");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "seen", .severity = SEVERITY_WARNING},
	    data_of("shift", "NIGHT")));
	assert_string_equal(bench->run.messages[0].record.payload,
	    "NIGHT plain tester seen warning node1 2023-11-14T22:13:20+00:00 1 out\n");
	assert_false(bench->run.degraded);
	run_done(&bench->run);
}

static void a_broken_template_degrades_the_run_and_says_why(void **state)
{
	struct json *shown;

	(void)state;
	begin("plain");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "broken"}, data_of("shift", "NIGHT")));
	assert_true(bench->run.degraded);
	assert_non_null(strstr(bench->run.messages[0].record.payload, "NIGHT"));
	assert_non_null(strstr(
	    buf_text(&logged), "template_failed job=plain run=42 slot=2023-11-14T22:13:20Z channel=out"));
	assert_non_null(strstr(buf_text(&logged), "broken.console.txt.mustache:1"));
	assert_ok(run_commit(&bench->run));
	assert_string_equal(calls(), "commit(1 messages, 0 states, 0 values, degraded) ");
	shown = report(false);
	assert_non_null(
	    strstr(json_text(json_get(json_first(json_get(shown, "messages")), "detail")), "broken"));
	json_destroy(shown);
	run_done(&bench->run);
}

static void a_suppressed_message_names_the_run_that_sent_it(void **state)
{
	struct json *shown;
	const struct json *message;

	(void)state;
	bench->tools.store->suppress = true;
	begin("plain");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	assert_ok(run_commit(&bench->run));
	assert_int_equal(run_message_count(&bench->run), 0);
	assert_non_null(strstr(
	    buf_text(&logged), "message_suppressed job=plain run=42 slot=2023-11-14T22:13:20Z channel=out"));
	assert_non_null(strstr(buf_text(&logged), "earlier_run=41"));
	shown = report(false);
	message = json_first(json_get(shown, "messages"));
	assert_string_equal(json_text(json_get(message, "outcome")), "suppressed");
	assert_string_equal(
	    json_text(json_get(message, "detail")), "run 41 sent it (message the-earlier-one, delivered)");
	json_destroy(shown);
	run_done(&bench->run);
}

static void the_report_shows_data_messages_and_metrics(void **state)
{
	struct json *shown;
	const struct json *message;

	(void)state;
	begin("both");
	assert_ok(
	    run_queue(&bench->run, &(struct message){.kind = "report", .to = "you"}, data_of("a", "b")));
	run_value(&bench->run, "slips_count", 3);
	shown = report(false);
	assert_int_equal(json_length(json_get(shown, "data")), 1); /* one object, though for two channels */
	assert_int_equal(json_length(json_get(shown, "messages")), 2);
	message = json_first(json_get(shown, "messages"));
	assert_string_equal(json_text(json_get(message, "type")), "console");
	assert_string_equal(json_text(json_get(message, "to")), "you");
	assert_string_equal(json_text(json_get(message, "outcome")), "queued");
	assert_true(json_is(json_get(message, "payload"), JSON_STRING));
	assert_true(json_is(json_get(message, "subject"), JSON_NULL));
	assert_int_equal(json_length(json_get(message, "attachments")), 0);
	message = json_next(message);
	assert_true(json_is(json_get(message, "payload"), JSON_OBJECT));
	assert_true(json_double(json_get(json_get(shown, "metrics"), "slips_count")) == 3);
	json_destroy(shown);
	run_done(&bench->run);
}

static void the_report_of_a_run_that_failed_shows_no_message_for_there_never_was_one(void **state)
{
	struct json *shown;

	(void)state;
	begin("both");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	shown = report(true);
	assert_int_equal(json_length(json_get(shown, "data")), 1);
	assert_int_equal(json_length(json_get(shown, "messages")), 0);
	json_destroy(shown);
	run_done(&bench->run);
}

static void secrets_do_not_reach_the_report(void **state)
{
	cleanup(free_text) char *text = NULL;

	(void)state;
	begin("plain"); /* its greeting came from a reference, so it is a secret */
	assert_ok(run_queue(
	    &bench->run, &(struct message){.kind = "report"}, data_of("a", "say good morning, all!")));
	text = run_report(&bench->run, false);
	assert_null(strstr(text, "good morning"));
	assert_non_null(strstr(text, "say ***!"));
	run_done(&bench->run);
}

static void a_dry_run_renders_but_commits_nothing(void **state)
{
	enum outcome outcome;
	struct json *shown;

	(void)state;
	bench->order.dry_run = true;
	bench->order.run = 0; /* --dry-run takes no slot */
	begin("both");
	assert_true(run_is_dry(&bench->run));
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	assert_ok(run_send(&bench->run,
	    &(struct message){.kind = "text", .channel = "out", .key = "k", .expires = bench->order.now + 60},
	    data_of("a", "b"), &outcome));
	assert_int_equal(outcome, OUTCOME_DRY_RUN);
	assert_ok(run_commit(&bench->run));
	assert_string_equal(calls(), "");
	shown = report(false);
	assert_int_equal(json_length(json_get(shown, "messages")), 3);
	json_each(message, json_get(shown, "messages"))
	    assert_string_equal(json_text(json_get(message, "outcome")), "dry_run");
	json_destroy(shown);
	run_done(&bench->run);
}

static void a_scheduled_dry_run_commits_its_slot_and_nothing_else(void **state)
{
	(void)state;
	bench->order.dry_run = true;
	begin("both");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	run_state_set(&bench->run, "mark", json_int(6), 0);
	assert_ok(run_commit(&bench->run));
	assert_string_equal(calls(), "commit(0 messages, 0 states, 0 values) ");
	run_done(&bench->run);
}

/* -- state ------------------------------------------------------------------------------------------ */

static void state_is_the_stores_or_what_the_run_itself_has_set(void **state)
{
	const struct json *value;

	(void)state;
	bench->tools.store->state = "{\"high\":5}";
	begin("plain");
	assert_ok(run_state_get(&bench->run, "mark", &value));
	assert_true(json_double(json_get(value, "high")) == 5);
	run_state_set(&bench->run, "mark", json_int(6), 0);
	assert_ok(run_state_get(&bench->run, "mark", &value));
	assert_true(json_double(value) == 6);
	run_state_set(&bench->run, "mark", NULL, 0);
	assert_ok(run_state_get(&bench->run, "mark", &value));
	assert_null(value);
	assert_string_equal(calls(), "state(mark) ");
	run_done(&bench->run);
}

static void without_a_store_there_is_no_state(void **state)
{
	const struct json *value = NULL;

	(void)state;
	store_client_destroy(bench->tools.store);
	bench->tools.store = NULL;
	bench->order.dry_run = true;
	begin("plain");
	assert_ok(run_state_get(&bench->run, "mark", &value));
	assert_null(value);
	run_done(&bench->run);
	bench->order.dry_run = false;
	begin("plain");
	assert_fails(run_commit(&bench->run), ERR_BUG, "without a store");
	run_done(&bench->run);
}

static struct err *store_full(void)
{
	return ERR(ERR_PERMANENT, "the disk is full");
}

static void a_commit_that_the_store_refuses_fails_the_run(void **state)
{
	(void)state;
	begin("plain");
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	bench->tools.store->refuse = store_full;
	assert_fails(run_commit(&bench->run), ERR_PERMANENT, "commit run 42: the disk is full");
	assert_null(strstr(buf_text(&logged), "message_queued"));
	assert_string_equal(bench->page.step, "commit");
	run_done(&bench->run);
}

/* -- send and wait ---------------------------------------------------------------------------------- */

static void send_waits_for_the_end_and_names_it(void **state)
{
	static const struct {
		const char *ends;
		enum outcome outcome;
		const char *calls;
	} rows[] = {
	    {"delivered", OUTCOME_DELIVERED, "send(k) "},
	    {"queued sending delivered", OUTCOME_DELIVERED, "send(k) wait wait "},
	    {"queued retrying dead", OUTCOME_EXPIRED, "send(k) wait wait "}, /* WAIT's reason is `expired` */
	    {"dead", OUTCOME_REJECTED, "send(k) "},
	    {"ambiguous", OUTCOME_AMBIGUOUS, "send(k) "},
	    {"discarded", OUTCOME_REJECTED, "send(k) "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message = {.kind = "text", .channel = "out", .key = "k"};
		enum outcome outcome = OUTCOME_QUEUED;

		buf_truncate(&bench->tools.store->calls, 0);
		bench->tools.store->ends = rows[i].ends;
		bench->order.by_hand = true;
		message.expires = bench->order.now + 60;
		begin("plain");
		assert_ok(run_send(&bench->run, &message, data_of("a", "b"), &outcome));
		assert_int_equal(outcome, rows[i].outcome);
		assert_string_equal(calls(), rows[i].calls);
		assert_false(bench->tools.store->last.taken);
		assert_ok(run_commit(&bench->run));
		assert_non_null(strstr(calls(), "commit(0 messages")); /* not a second time */
		run_done(&bench->run);
	}
}

static void send_wants_channel_key_and_expiry(void **state)
{
	enum outcome outcome;

	(void)state;
	begin("plain");
	assert_fails(run_send(&bench->run, &(struct message){.kind = "text", .channel = "out", .key = "k"},
	                 data_of("a", "b"), &outcome),
	    ERR_BUG, "must have a channel, a key and an expiry");
	run_done(&bench->run);
}

static void an_error_of_send_means_that_nothing_was_committed(void **state)
{
	struct message message = {.kind = "text", .channel = "out", .key = "k", .expires = 1700000200};
	enum outcome outcome;

	(void)state;
	begin("plain");
	bench->tools.store->refuse = store_full;
	assert_fails(
	    run_send(&bench->run, &message, data_of("a", "b"), &outcome), ERR_PERMANENT, "disk is full");
	assert_int_equal(bench->run.message_count, 0);
	run_done(&bench->run);
}

static void a_run_that_must_end_while_it_waits_says_queued(void **state)
{
	struct message message = {.kind = "text", .channel = "out", .key = "k"};
	enum outcome outcome = OUTCOME_DELIVERED;

	(void)state;
	bench->tools.store->ends = "queued";
	bench->order.by_hand = true;
	bench->order.deadline_ms = 200;
	message.expires = bench->order.now + 60;
	begin("plain");
	assert_ok(run_send(&bench->run, &message, data_of("a", "b"), &outcome));
	assert_int_equal(outcome, OUTCOME_QUEUED);
	assert_non_null(strstr(
	    buf_text(&logged), "its outcome is not known yet: timeout: the run has taken longer than 200ms"));
	run_done(&bench->run);
}

/* -- timeouts, steps, what is said ------------------------------------------------------------------ */

static void once_cancelled_every_call_that_can_fail_does(void **state)
{
	const struct json *value;
	struct sql *db;

	(void)state;
	begin("plain");
	bench->cancelled = 1;
	assert_fails(run_source(&bench->run, "memory", &db), ERR_TEMPORARY, "timeout: ");
	assert_fails(run_state_get(&bench->run, "k", &value), ERR_TEMPORARY, "timeout: ");
	assert_fails(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")),
	    ERR_TEMPORARY, "timeout: the run has taken longer than 1m");
	assert_fails(run_commit(&bench->run), ERR_TEMPORARY, "timeout: ");
	assert_string_equal(calls(), "");
	run_done(&bench->run);
}

static void a_step_longer_than_its_place_is_cut(void **state)
{
	char text[2 * STEP_TEXT];

	(void)state;
	begin("plain");
	memset(text, 's', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	run_step(&bench->run, "%s", text);
	assert_int_equal(strlen(bench->page.step), STEP_TEXT - 1);
	run_step(&bench->run, "query %d", 3);
	assert_string_equal(bench->page.step, "query 3");
	run_done(&bench->run);
}

static void decisions_are_told_only_when_asked_for(void **state)
{
	(void)state;
	begin("plain");
	run_decide(&bench->run, "no alarm: %d of 3", 2);
	assert_string_equal(buf_text(&logged), "");
	run_done(&bench->run);
	bench->order.debug = true;
	begin("plain");
	run_decide(&bench->run, "no alarm: %d of 3", 2);
	assert_string_equal(
	    buf_text(&logged), "decision job=plain run=42 slot=2023-11-14T22:13:20Z text=no alarm: 2 of 3\n");
	buf_truncate(&logged, 0);
	assert_ok(run_queue(&bench->run, &(struct message){.kind = "report"}, data_of("a", "b")));
	assert_non_null(strstr(buf_text(&logged),
	    "message_data job=plain run=42 slot=2023-11-14T22:13:20Z kind=report data={\"a\":\"b\"}"));
	run_done(&bench->run);
}

/* -- sources ---------------------------------------------------------------------------------------- */

static int64_t count_of(struct sql *db, const char *query)
{
	static const enum sql_type types[] = {SQL_INT};
	struct sql_rows *rows;
	int64_t value = -1;

	assert_ok(sql_query(db, query, NULL, 0, types, 1, &rows));
	while (sql_next(rows))
		value = sql_int(rows, 0);
	assert_ok(sql_close(rows));
	return value;
}

static void a_source_is_one_connection_kept_between_runs(void **state)
{
	struct sql *first, *second;

	(void)state;
	write_file("source.db", "");
	begin("plain");
	assert_ok(run_source(&bench->run, "memory", &first));
	assert_int_equal(count_of(first, "select 6 * 7"), 42);
	assert_ok(run_source(&bench->run, "memory", &second));
	assert_ptr_equal(first, second);
	assert_ok(sql_begin(first)); /* left open by a careless module */
	run_done(&bench->run);
	sources_reset(bench->tools.sources);
	begin("plain");
	assert_ok(run_source(&bench->run, "memory", &second));
	assert_ptr_equal(first, second);
	assert_ok(sql_begin(second));
	assert_ok(sql_end(second));
	run_done(&bench->run);
}

static void an_unknown_source_is_a_configuration_error(void **state)
{
	struct sql *db;

	(void)state;
	begin("plain");
	assert_fails(run_source(&bench->run, "plannt", &db), ERR_CONFIG, "there is no source 'plannt'");
	run_done(&bench->run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH_TEST(a_run_knows_what_it_is),
	    BENCH_TEST(options_come_with_their_references_resolved),
	    BENCH_TEST(a_message_goes_to_each_channel_of_the_job_with_the_commit),
	    BENCH_TEST(a_message_may_name_its_channel_and_an_unknown_one_is_an_error),
	    BENCH_TEST(what_is_no_message_is_refused),
	    BENCH_TEST(the_key_is_the_modules_or_the_slots),
	    BENCH_TEST(a_run_by_hand_without_an_instant_has_a_slot_of_its_own),
	    BENCH_TEST(a_message_expires_at_the_earliest_of_what_job_channel_and_module_say),
	    BENCH_TEST(an_expiry_named_by_another_clock_is_moved_to_the_real_one),
	    BENCH_TEST(console_messages_of_a_run_by_hand_are_born_taken),
	    BENCH_TEST(without_a_template_a_webhook_gets_the_envelope_or_the_data_as_it_says),
	    BENCH_TEST(templates_see_the_run_and_the_modules_view),
	    BENCH_TEST(a_broken_template_degrades_the_run_and_says_why),
	    BENCH_TEST(a_suppressed_message_names_the_run_that_sent_it),
	    BENCH_TEST(the_report_shows_data_messages_and_metrics),
	    BENCH_TEST(the_report_of_a_run_that_failed_shows_no_message_for_there_never_was_one),
	    BENCH_TEST(secrets_do_not_reach_the_report),
	    BENCH_TEST(a_dry_run_renders_but_commits_nothing),
	    BENCH_TEST(a_scheduled_dry_run_commits_its_slot_and_nothing_else),
	    BENCH_TEST(state_is_the_stores_or_what_the_run_itself_has_set),
	    BENCH_TEST(without_a_store_there_is_no_state),
	    BENCH_TEST(a_commit_that_the_store_refuses_fails_the_run),
	    BENCH_TEST(send_waits_for_the_end_and_names_it),
	    BENCH_TEST(send_wants_channel_key_and_expiry),
	    BENCH_TEST(an_error_of_send_means_that_nothing_was_committed),
	    BENCH_TEST(a_run_that_must_end_while_it_waits_says_queued),
	    BENCH_TEST(once_cancelled_every_call_that_can_fail_does),
	    BENCH_TEST(a_step_longer_than_its_place_is_cut),
	    BENCH_TEST(decisions_are_told_only_when_asked_for),
	    BENCH_TEST(a_source_is_one_connection_kept_between_runs),
	    BENCH_TEST(an_unknown_source_is_a_configuration_error),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
