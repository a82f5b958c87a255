/* SPDX-License-Identifier: MIT */
/* The store's outbox: keys, taking and settling, lanes, expiry, dead senders, what people do. */
#include "store_fixture.h"

#define DAY_MS INT64_C(86400000)

/* -- keys ----------------------------------------------------------------------------------------- */

/* What a second message with the same key becomes, by what became of the first. */
static const struct {
	const char *first;
	const char *second;
} key_rules[] = {
    {"queued", "suppressed"},
    {"retrying", "suppressed"},
    {"delivered", "suppressed"},
    {"ambiguous", "suppressed"},
    {"dead", "queued"},
};

static void a_key_is_held_by_a_message_that_was_or_may_be_sent(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(key_rules); i++) {
		const char *channel = arena_format(&f->arena, "channel%zu", i);
		const char *first = queue(f, message_to(f, channel, "k"));

		take(f, channel, 1, NOW_MS);
		settle(f, first, !strcmp(key_rules[i].first, "queued") ? "untried" : key_rules[i].first);
		assert_string_equal(state_of(f, first), key_rules[i].first);
		assert_string_equal(state_of(f, queue(f, message_to(f, channel, "k"))), key_rules[i].second);
	}
}

static void a_key_is_per_channel_and_recipient(void **state)
{
	struct fixture *f = *state;
	struct new_message other = message_to(f, "ops", "k");

	queue(f, message_to(f, "ops", "k"));
	other.to = "+15550100";
	assert_string_equal(state_of(f, queue(f, other)), "queued");
	assert_string_equal(state_of(f, queue(f, message_to(f, "chat", "k"))), "queued");
	assert_string_equal(state_of(f, queue(f, message_to(f, "ops", NULL))), "queued");
	assert_string_equal(state_of(f, queue(f, message_to(f, "ops", NULL))), "queued");
	other = message_to(f, "ops", "k");
	assert_string_equal(show(f, queue(f, other)).reason, "key sent by run 1");
	other = message_to(f, "ops", "k");
	other.again = true;
	assert_string_equal(state_of(f, queue(f, other)), "queued");
}

static void a_key_sent_again_that_dies_is_still_held_by_the_first(void **state)
{
	struct fixture *f = *state;
	const char *first = queue(f, message_to(f, "ops", "k"));
	struct new_message again = message_to(f, "ops", "k");
	const char *second;

	take(f, "ops", 1, NOW_MS);
	settle(f, first, "delivered");
	again.again = true;
	second = queue(f, again);
	take(f, "ops", 1, NOW_MS);
	settle(f, second, "dead");
	assert_string_equal(state_of(f, queue(f, message_to(f, "ops", "k"))), "suppressed");
}

/* -- send and wait -------------------------------------------------------------------------------- */

static void sending_is_idempotent_by_key_and_only_a_dead_one_is_made_anew(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct new_message first = message_to(f, "sms", "k"), second = message_to(f, "sms", "k");

	assert_string_equal(send_message(f, run, first).state, "queued");
	assert_string_equal(send_message(f, run, first).id, first.id);
	assert_string_equal(send_message(f, run, second).id, first.id);
	take(f, "sms", 1, NOW_MS);
	assert_string_equal(send_message(f, run, second).state, "sending");
	settle(f, first.id, "ambiguous");
	assert_string_equal(send_message(f, run, second).state, "ambiguous");
	must(ask(f, REQ_OUTBOX,
	    &(struct outbox){
	        .verb = "discard", .ids = &(struct id_record){first.id}, .count = 1, .now_ms = NOW_MS},
	    &(struct outbox_reply){0}));
	assert_string_equal(send_message(f, run, second).id, second.id);
	assert_int_equal(show_run(f, run).messages, 2);
}

static void a_sent_message_is_there_although_its_run_fails(void **state)
{
	struct fixture *f = *state;
	int64_t run = begin_run(f, "j", NOW);
	struct new_message message = message_to(f, "sms", "k"), late = message_to(f, "sms", "late");
	struct message_state reply;

	send_message(f, run, message);
	close_run(f, run, false, "failed");
	assert_string_equal(state_of(f, message.id), "queued");
	must_fail(
	    ask(f, REQ_SEND, &(struct send){run, "main-1", &late}, &reply), ERR_PERMANENT, "closed already");
	late.key = NULL;
	must_fail(
	    ask(f, REQ_SEND, &(struct send){run, "main-1", &late}, &reply), ERR_BUG, "a channel and a key");
}

static void waiting_tells_the_state_answer_and_attempts(void **state)
{
	struct fixture *f = *state;
	struct id_record id = {queue(f, message_to(f, "ops", "k"))}, unknown = {"none"};
	struct wait_reply reply = {0};

	take(f, "ops", 1, NOW_MS);
	settle_as(f, "sender-1",
	    (struct settlement){
	        .id = id.id, .state = "dead", .reason = "rejected", .answer = "404 gone", .attempts = 2});
	must(ask(f, REQ_WAIT, &(struct wait){.ids = &id, .count = 1}, &reply));
	assert_string_equal(reply.messages[0].state, "dead");
	assert_string_equal(reply.messages[0].reason, "rejected");
	assert_string_equal(reply.messages[0].answer, "404 gone");
	assert_int_equal(reply.messages[0].attempts, 2);
	must_fail(
	    ask(f, REQ_WAIT, &(struct wait){.ids = &unknown, .count = 1}, &reply), ERR_PERMANENT, "none");
}

/* -- take and settle ------------------------------------------------------------------------------ */

static void taking_gives_each_row_once_oldest_first_with_its_payload(void **state)
{
	struct fixture *f = *state;
	const char *first = queue(f, message_to(f, "ops", "a"));
	const char *second = queue(f, message_to(f, "ops", "b"));
	struct take_reply taken;

	queue(f, message_to(f, "chat", "c"));
	taken = take(f, "ops", 1, NOW_MS);
	assert_string_equal(taken.messages[0].id, first);
	assert_int_equal(taken.messages[0].payload_length, 16);
	assert_memory_equal(taken.messages[0].payload, "{\"text\":\"hello\"}", 17);
	assert_string_equal(taken.messages[0].job, "j");
	assert_int_equal(taken.next_ms, NOW_MS);
	taken = take(f, "ops", 10, NOW_MS);
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.messages[0].id, second);
	assert_int_equal(taken.next_ms, 0);
	assert_int_equal(take(f, "ops", 10, NOW_MS).count, 0);
}

static void a_retrying_message_steps_aside_until_its_time(void **state)
{
	struct fixture *f = *state;
	const char *first = queue(f, message_to(f, "ops", "a"));
	const char *second;
	struct take_reply taken;

	take(f, "ops", 1, NOW_MS);
	settle_as(f, "sender-1",
	    (struct settlement){
	        .id = first, .state = "retrying", .attempts = 1, .not_before_ms = NOW_MS + 5000});
	second = queue(f, message_to(f, "ops", "b"));
	taken = take(f, "ops", 10, NOW_MS + 4999);
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.messages[0].id, second);
	assert_int_equal(taken.next_ms, NOW_MS + 5000);
	taken = take(f, "ops", 10, NOW_MS + 5000);
	assert_string_equal(taken.messages[0].id, first);
	assert_int_equal(taken.messages[0].attempts, 1);
}

static struct new_message in_lane(struct fixture *f, const char *lane)
{
	struct new_message message = message_to(f, "notes", NULL);

	message.lane = lane;
	return message;
}

static void a_named_lane_keeps_its_order_and_holds_up_no_other(void **state)
{
	struct fixture *f = *state;
	const char *a1 = queue(f, in_lane(f, "a")), *a2 = queue(f, in_lane(f, "a"));
	const char *b1 = queue(f, in_lane(f, "b")), *loose = queue(f, in_lane(f, NULL));
	struct take_reply taken = take(f, "notes", 10, NOW_MS);

	assert_int_equal(taken.count, 3);
	assert_string_equal(taken.messages[0].id, a1);
	assert_string_equal(taken.messages[1].id, b1);
	assert_string_equal(taken.messages[2].id, loose);
	settle_as(f, "sender-1",
	    (struct settlement){.id = a1, .state = "retrying", .not_before_ms = NOW_MS + 9000});
	assert_int_equal(take(f, "notes", 10, NOW_MS + 8999).count, 0);
	assert_string_equal(take(f, "notes", 10, NOW_MS + 9000).messages[0].id, a1);
	settle(f, a1, "dead");
	assert_string_equal(take(f, "notes", 10, NOW_MS).messages[0].id, a2);
}

static void settling_what_another_holds_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct settlement settlement = {.state = "delivered"};
	const char *id = queue(f, message_to(f, "ops", "a"));

	settlement.id = id;
	assert_int_equal(settle_as(f, "sender-1", settlement), 1);
	take(f, "ops", 1, NOW_MS);
	assert_int_equal(settle_as(f, "sender-2", settlement), 1);
	assert_string_equal(state_of(f, id), "sending");
	assert_int_equal(settle_as(f, "sender-1", settlement), 0);
	assert_int_equal(settle_as(f, "sender-1", settlement), 1);
	assert_string_equal(state_of(f, id), "delivered");
}

static void a_state_that_no_message_can_be_settled_in_is_refused(void **state)
{
	struct fixture *f = *state;
	struct settlement settlement = {.id = queue(f, message_to(f, "ops", "a")), .state = "sending"};
	struct settle request = {.instance = "sender-1", .messages = &settlement, .count = 1};

	must_fail(ask(f, REQ_SETTLE, &request, &(struct settle_reply){0}), ERR_BUG,
	    "cannot be settled as 'sending'");
}

static void a_message_given_back_is_as_before(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, message_to(f, "ops", "a"));

	take(f, "ops", 1, NOW_MS);
	settle_as(f, "sender-1", (struct settlement){.id = id, .state = "untried"});
	assert_int_equal(show(f, id).attempts, 0);
	assert_string_equal(state_of(f, id), "queued");
	assert_string_equal(take(f, "ops", 1, NOW_MS).messages[0].id, id);
	settle_as(f, "sender-1",
	    (struct settlement){
	        .id = id, .state = "retrying", .reason = "HTTP 500", .attempts = 1, .not_before_ms = NOW_MS + 5});
	take(f, "ops", 1, NOW_MS + 5);
	settle_as(f, "sender-1", (struct settlement){.id = id, .state = "untried"});
	assert_string_equal(state_of(f, id), "retrying");
	assert_string_equal(show(f, id).reason, "HTTP 500");
	assert_int_equal(show(f, id).next_ms, NOW_MS + 5);
}

static void a_probe_is_the_oldest_there_is_but_not_twice_the_same(void **state)
{
	struct fixture *f = *state;
	const char *first = queue(f, message_to(f, "ops", "a")), *second = queue(f, message_to(f, "ops", "b"));
	struct take probe = {
	    .instance = "sender-1", .channel = "ops", .limit = 1, .now_ms = NOW_MS, .probe = true};
	struct take_reply reply;

	must(ask(f, REQ_TAKE, &probe, &reply));
	assert_string_equal(reply.messages[0].id, first);
	settle_as(f, "sender-1",
	    (struct settlement){
	        .id = first, .state = "retrying", .attempts = 1, .not_before_ms = NOW_MS + 600000});
	probe.except = first;
	must(ask(f, REQ_TAKE, &probe, &reply));
	assert_string_equal(reply.messages[0].id, second);
	must(ask(f, REQ_TAKE, &probe, &reply)); /* there is no other, and it is not due */
	assert_string_equal(reply.messages[0].id, first);
}

static void an_uncertain_attempt_stays_on_the_record(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, message_to(f, "ops", "a"));

	take(f, "ops", 1, NOW_MS);
	settle_as(f, "sender-1",
	    (struct settlement){
	        .id = id, .state = "retrying", .attempts = 1, .ambiguous = true, .not_before_ms = NOW_MS});
	take(f, "ops", 1, NOW_MS);
	settle(f, id, "delivered");
	assert_true(show(f, id).ambiguous);
	assert_int_equal(show(f, id).attempts, 2);
}

static void a_once_takes_only_its_own_messages(void **state)
{
	struct fixture *f = *state;
	struct new_message mine = message_to(f, "ops", "b");
	struct take_reply reply = {0};
	int64_t run;

	queue(f, message_to(f, "ops", "a"));
	run = begin_run(f, "k", NOW);
	commit_run(f, run, &mine, 1);
	must(ask(f, REQ_TAKE,
	    &(struct take){.instance = "s", .channel = "ops", .limit = 9, .now_ms = NOW_MS, .run = run},
	    &reply));
	assert_int_equal(reply.count, 1);
	assert_string_equal(reply.messages[0].id, mine.id);
}

static void lanes_remember_the_last_value(void **state)
{
	struct fixture *f = *state;
	struct lanes_reply reply = {0};

	for (int i = 0; i < 2; i++) {
		struct lane_record lane = {"ops", i ? "{\"until\":9}" : "{}", 0};
		struct settle request = {.instance = "s", .lanes = &lane, .lane_count = 1};

		must(ask(f, REQ_SETTLE, &request, &(struct settle_reply){0}));
	}
	must(ask(f, REQ_LANES, &(struct nothing){0}, &reply));
	assert_int_equal(reply.count, 1);
	assert_string_equal(reply.lanes[0].value, "{\"until\":9}");
}

/* -- expiry and news ------------------------------------------------------------------------------ */

static bool serves_ops(void *arg, const char *channel)
{
	(void)arg;
	return !strcmp(channel, "ops");
}

static bool bury(struct fixture *f, bool everywhere)
{
	bool more;

	must(store_begin(f->store));
	must(store_bury(f->store, everywhere, NOW_MS, &more));
	must(store_commit(f->store));
	return more;
}

static void what_waits_for_a_channel_that_is_not_served_is_dead(void **state)
{
	struct fixture *f = *state;
	const char *kept = queue(f, message_to(f, "ops", "a")), *gone = queue(f, message_to(f, "chat", "a"));
	struct store_news news;

	store_news(f->store, &news); /* they were told of before the configuration changed */
	store_set_policy(f->store, &(struct store_policy){.serves = serves_ops});
	assert_false(bury(f, false));
	assert_string_equal(state_of(f, gone), "queued");
	assert_false(bury(f, true));
	assert_string_equal(state_of(f, gone), "dead");
	assert_string_equal(show(f, gone).reason, "removed: the channel is not configured any more");
	assert_string_equal(state_of(f, kept), "queued");
	store_news(f->store, &news);
	assert_int_equal(news.expired_count, 1);
	gone = queue(f, message_to(f, "chat", "b"));
	assert_false(bury(f, false));
	assert_string_equal(state_of(f, gone), "dead");
}

static void a_message_past_its_time_dies_and_is_told_of(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, message_to(f, "ops", "a"));
	struct store_news news;
	int64_t next_ms = -1;

	store_news(f->store, &news);
	must(store_begin(f->store));
	must(store_expire(f->store, NOW_MS + 3599999, &next_ms));
	assert_int_equal(next_ms, NOW_MS + 3600000);
	must(store_expire(f->store, NOW_MS + 3600000, &next_ms));
	must(store_commit(f->store));
	assert_int_equal(next_ms, 0);
	store_news(f->store, &news);
	assert_int_equal(news.expired_count, 1);
	assert_string_equal(news.expired[0].id, id);
	assert_true(news.messages_ended);
	assert_string_equal(state_of(f, id), "dead");
	assert_string_equal(show(f, id).reason, "expired");
}

static void taking_never_gives_an_expired_message(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, message_to(f, "ops", "a"));

	assert_int_equal(take(f, "ops", 9, NOW_MS + 3600000).count, 0);
	assert_string_equal(state_of(f, id), "dead");
}

static void news_name_a_channel_once_and_are_told_once(void **state)
{
	struct fixture *f = *state;
	struct store_news news;

	queue(f, message_to(f, "ops", "a"));
	queue(f, message_to(f, "ops", "b"));
	queue(f, message_to(f, "chat", "a"));
	store_news(f->store, &news);
	assert_int_equal(news.channel_count, 2);
	assert_string_equal(news.channels[0], "ops");
	store_news(f->store, &news);
	assert_int_equal(news.channel_count, 0);
}

/* -- senders that die ----------------------------------------------------------------------------- */

static void what_a_dead_sender_had_follows_the_channels_policy(void **state)
{
	struct fixture *f = *state;
	const char *chat = queue(f, message_to(f, "chat", "a")), *sms = queue(f, message_to(f, "sms", "a"));
	struct store_news news;

	take(f, "chat", 1, NOW_MS);
	take(f, "sms", 1, NOW_MS);
	store_news(f->store, &news);
	assert_int_equal(hello(f, ROLE_SENDER, "sender-1"), 0);
	assert_int_equal(hello(f, ROLE_SENDER, "sender-2"), 0);
	gone(f, ROLE_SENDER, "sender-1");
	assert_string_equal(state_of(f, chat), "retrying");
	assert_string_equal(state_of(f, sms), "ambiguous");
	assert_true(show(f, chat).ambiguous);
	assert_int_equal(show(f, chat).attempts, 1);
	assert_string_equal(show(f, sms).reason, "ambiguous: the sender died while it was sending");
	store_news(f->store, &news);
	assert_int_equal(news.recovered_count, 2);
	assert_string_equal(news.recovered[1].state, "ambiguous");
}

static void a_new_sender_recovers_what_nobody_living_holds(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, message_to(f, "chat", "a"));

	take(f, "chat", 1, NOW_MS);
	open_again(f);
	assert_int_equal(hello(f, ROLE_SENDER, "sender-2"), 1);
	assert_string_equal(state_of(f, id), "retrying");
	assert_int_equal(settle(f, id, "delivered"), 1);
}

static void what_a_command_did_not_print_is_discarded(void **state)
{
	struct fixture *f = *state;
	struct new_message message = message_to(f, "console", "a");
	const char *id;

	hello(f, ROLE_ONCE, "main-1");
	message.taken = true;
	id = queue(f, message);
	assert_string_equal(state_of(f, id), "sending");
	assert_int_equal(take(f, "console", 9, NOW_MS).count, 0);
	gone(f, ROLE_ONCE, "main-1");
	assert_string_equal(state_of(f, id), "discarded");
	assert_string_equal(show(f, id).reason, "the command that was to print it ended");
}

/* -- people --------------------------------------------------------------------------------------- */

static struct outbox_change change(struct fixture *f, const char *verb, const char *id, bool again)
{
	struct outbox_reply reply = {0};
	struct id_record name = {id};

	must(ask(f, REQ_OUTBOX,
	    &(struct outbox){
	        .verb = verb, .ids = &name, .count = 1, .again = again, .now_ms = NOW_MS + 7200000},
	    &reply));
	assert_int_equal(reply.count, 1);
	return reply.changes[0];
}

static const char *message_in(struct fixture *f, const char *state)
{
	struct new_message message = message_to(f, "ops", NULL);
	const char *id;

	message.expires_ms = NOW_MS + 36000000;
	id = queue(f, message);
	if (!strcmp(state, "queued"))
		return id;
	assert_string_equal(take(f, "ops", 1, NOW_MS).messages[0].id, id);
	if (!strcmp(state, "discarded")) {
		settle(f, id, "dead");
		change(f, "discard", id, false);
	} else if (strcmp(state, "sending")) {
		settle_as(f, "sender-1",
		    (struct settlement){
		        .id = id, .state = state, .attempts = 3, .not_before_ms = NOW_MS + DAY_MS});
	}
	return id;
}

static const struct {
	const char *verb, *before;
	bool again;
	const char *after, *refused;
} verb_rules[] = {
    {"retry", "dead", false, "queued", NULL},
    {"retry", "ambiguous", false, "queued", NULL},
    {"retry", "discarded", false, "queued", NULL},
    {"retry", "retrying", false, "retrying", NULL},
    {"retry", "delivered", false, "delivered", "it was delivered (--again sends it once more)"},
    {"retry", "delivered", true, "queued", NULL},
    {"retry", "sending", true, "sending", "it is being sent right now"},
    {"discard", "dead", false, "discarded", NULL},
    {"discard", "retrying", false, "discarded", NULL},
    {"discard", "ambiguous", false, "discarded", NULL},
    {"discard", "delivered", false, "delivered", "it was delivered"},
    {"discard", "sending", false, "sending", "it is being sent right now"},
};

static void people_may_retry_and_discard_what_is_not_on_its_way(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(verb_rules); i++) {
		const char *id = message_in(f, verb_rules[i].before);
		struct outbox_change changed = change(f, verb_rules[i].verb, id, verb_rules[i].again);

		assert_string_equal(changed.before, verb_rules[i].before);
		assert_string_equal(changed.after, verb_rules[i].after);
		assert_string_equal(state_of(f, id), verb_rules[i].after);
		assert_true(text_equal(changed.refused, verb_rules[i].refused));
		settle(f, id, "dead");
		change(f, "discard", id, false);
	}
}

static void a_retried_message_is_due_now_and_has_time_to_live(void **state)
{
	struct fixture *f = *state;
	const char *dead = queue(f, message_to(f, "ops", "a"));
	struct message_row row;

	assert_int_equal(take(f, "ops", 9, NOW_MS + 3600000).count, 0);
	change(f, "retry", dead, false);
	row = show(f, dead);
	assert_string_equal(row.reason, "retried by hand");
	assert_int_equal(row.expires_ms, NOW_MS + 7200000 + 3600000);
	assert_int_equal(take(f, "ops", 9, NOW_MS + 7200000).count, 1);
}

static void a_suppressed_message_has_nothing_to_send(void **state)
{
	struct fixture *f = *state;
	const char *id;

	queue(f, message_to(f, "ops", "a"));
	id = queue(f, message_to(f, "ops", "a"));
	assert_non_null(strstr(change(f, "retry", id, true).refused, "no content"));
}

static void a_dead_message_whose_key_was_sent_since_is_not_sent_too(void **state)
{
	struct fixture *f = *state;
	const char *dead = queue(f, message_to(f, "ops", "a"));

	take(f, "ops", 1, NOW_MS);
	settle(f, dead, "dead");
	assert_string_equal(state_of(f, queue(f, message_to(f, "ops", "a"))), "queued");
	assert_non_null(strstr(change(f, "retry", dead, false).refused, "its key was sent by run"));
	assert_null(change(f, "retry", dead, true).refused);
}

static void bulk_verbs_leave_alone_what_a_person_must_decide(void **state)
{
	struct fixture *f = *state;
	const char *dead = message_in(f, "dead"), *ambiguous = message_in(f, "ambiguous");
	struct outbox outbox = {.verb = "retry", .channel = "ops", .now_ms = NOW_MS};
	struct outbox_reply reply = {0};

	must(ask(f, REQ_OUTBOX, &outbox, &reply));
	assert_int_equal(reply.count, 1);
	assert_string_equal(reply.changes[0].id, dead);
	outbox.state = "ambiguous";
	must(ask(f, REQ_OUTBOX, &outbox, &reply));
	assert_string_equal(reply.changes[0].id, ambiguous);
	outbox.state = "lost";
	must_fail(ask(f, REQ_OUTBOX, &outbox, &reply), ERR_CONFIG, "state 'lost'");
}

static void an_id_may_be_named_by_its_end(void **state)
{
	struct fixture *f = *state;
	struct messages_reply reply = {0};

	queue(f, message_to(f, "ops", "a"));
	queue(f, message_to(f, "ops", "b"));
	assert_string_equal(show(f, "000002").key, "b");
	must_fail(
	    ask(f, REQ_MESSAGES, &(struct messages_ask){.id = "00002"}, &reply), ERR_PERMANENT, "not known");
	must_fail(
	    ask(f, REQ_MESSAGES, &(struct messages_ask){.id = "000003"}, &reply), ERR_PERMANENT, "not known");
}

static void messages_are_listed_newest_first_by_state_channel_and_run(void **state)
{
	struct fixture *f = *state;
	struct messages_reply reply = {0};

	queue(f, message_to(f, "ops", "a"));
	queue(f, message_to(f, "chat", "b"));
	queue(f, message_to(f, "ops", "a"));
	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.limit = 9}, &reply));
	assert_int_equal(reply.count, 3);
	assert_string_equal(reply.rows[0].state, "suppressed");
	assert_null(reply.rows[0].payload);
	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.channel = "ops", .state = "queued", .limit = 9},
	    &reply));
	assert_int_equal(reply.count, 1);
	assert_int_equal(reply.rows[0].next_ms, NOW_MS);
	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.run = 2, .limit = 9}, &reply));
	assert_int_equal(reply.count, 1);
	assert_string_equal(reply.rows[0].channel, "chat");
}

static void counts_are_of_what_is_unfinished_or_in_trouble(void **state)
{
	struct fixture *f = *state;
	struct counts_reply reply = {0};

	message_in(f, "delivered");
	message_in(f, "dead");
	message_in(f, "sending");
	message_in(f, "queued");
	must(ask(f, REQ_COUNTS, &(struct nothing){0}, &reply));
	assert_int_equal(reply.count, 3);
	for (size_t i = 0; i < reply.count; i++) {
		assert_int_equal(reply.rows[i].messages, 1);
		assert_int_equal(reply.rows[i].unfinished, strcmp(reply.rows[i].state, "dead") != 0);
		assert_int_equal(reply.rows[i].oldest_ms, NOW_MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(a_key_is_held_by_a_message_that_was_or_may_be_sent),
	    STORE_TEST(a_key_is_per_channel_and_recipient),
	    STORE_TEST(a_key_sent_again_that_dies_is_still_held_by_the_first),
	    STORE_TEST(sending_is_idempotent_by_key_and_only_a_dead_one_is_made_anew),
	    STORE_TEST(a_sent_message_is_there_although_its_run_fails),
	    STORE_TEST(waiting_tells_the_state_answer_and_attempts),
	    STORE_TEST(taking_gives_each_row_once_oldest_first_with_its_payload),
	    STORE_TEST(a_retrying_message_steps_aside_until_its_time),
	    STORE_TEST(a_named_lane_keeps_its_order_and_holds_up_no_other),
	    STORE_TEST(settling_what_another_holds_changes_nothing),
	    STORE_TEST(a_state_that_no_message_can_be_settled_in_is_refused),
	    STORE_TEST(a_message_given_back_is_as_before),
	    STORE_TEST(a_probe_is_the_oldest_there_is_but_not_twice_the_same),
	    STORE_TEST(an_uncertain_attempt_stays_on_the_record),
	    STORE_TEST(a_once_takes_only_its_own_messages),
	    STORE_TEST(lanes_remember_the_last_value),
	    STORE_TEST(what_waits_for_a_channel_that_is_not_served_is_dead),
	    STORE_TEST(a_message_past_its_time_dies_and_is_told_of),
	    STORE_TEST(taking_never_gives_an_expired_message),
	    STORE_TEST(news_name_a_channel_once_and_are_told_once),
	    STORE_TEST(what_a_dead_sender_had_follows_the_channels_policy),
	    STORE_TEST(a_new_sender_recovers_what_nobody_living_holds),
	    STORE_TEST(what_a_command_did_not_print_is_discarded),
	    STORE_TEST(people_may_retry_and_discard_what_is_not_on_its_way),
	    STORE_TEST(a_retried_message_is_due_now_and_has_time_to_live),
	    STORE_TEST(a_suppressed_message_has_nothing_to_send),
	    STORE_TEST(a_dead_message_whose_key_was_sent_since_is_not_sent_too),
	    STORE_TEST(bulk_verbs_leave_alone_what_a_person_must_decide),
	    STORE_TEST(an_id_may_be_named_by_its_end),
	    STORE_TEST(messages_are_listed_newest_first_by_state_channel_and_run),
	    STORE_TEST(counts_are_of_what_is_unfinished_or_in_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
