/* SPDX-License-Identifier: MIT */
/* Stand-ins: when what does not get through by its own channel goes another way, and that it never does twice. */
#include "store_fixture.h"

static const char text[] = "by another way";

/* A message to `chat` whose stand-in goes to `ops` after a minute, and that one's to `last` after two more. */
static struct new_message with_stand_ins(struct fixture *f, const char *key)
{
	struct new_message message = message_to(f, "chat", key);
	struct standby *standbys = arena_alloc(&f->arena, 2 * sizeof(*standbys));
	static const char *const channels[] = {"ops", "last"};

	for (int i = 0; i < 2; i++)
		standbys[i] = (struct standby){
		    .id = arena_format(&f->arena, "%s-%d", message.id, i),
		    .of = i,
		    .channel = channels[i],
		    .key = key,
		    .content_type = "text/plain",
		    .payload = text,
		    .payload_length = sizeof(text) - 1,
		    .expires_ms = NOW_MS + 7200000,
		    .after_ms = (i + 1) * 60000,
		};
	message.standbys = standbys;
	message.standby_count = 2;
	return message;
}

static int64_t pass_time(struct fixture *f, int64_t now_ms)
{
	int64_t next_ms = 0;

	must(store_begin(f->store));
	must(store_expire(f->store, now_ms, &next_ms));
	must(store_commit(f->store));
	return next_ms;
}

static const char *first_on(struct fixture *f, const char *channel)
{
	struct messages_reply reply = {0};

	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.channel = channel, .limit = 9}, &reply));
	return reply.count ? reply.rows[0].id : NULL;
}

static void what_waits_for_too_long_goes_another_way(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a")), *other;
	struct take_reply taken;

	assert_int_equal(pass_time(f, NOW_MS + 59999), NOW_MS + 60000);
	assert_null(first_on(f, "ops"));
	assert_int_equal(pass_time(f, NOW_MS + 60000), NOW_MS + 180000); /* then it is the next one's turn */
	assert_string_equal(state_of(f, id), "suppressed");
	assert_string_equal(show(f, id).reason, "fallback");
	taken = take(f, "ops", 9, NOW_MS + 60000);
	other = first_on(f, "ops");
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.messages[0].id, other);
	assert_string_equal(taken.messages[0].payload, text);
	assert_string_equal(taken.messages[0].key, "a");
	settle(f, other, "delivered");
	assert_int_equal(pass_time(f, NOW_MS + 200000), 0);
	assert_null(first_on(f, "last"));
}

static void what_was_delivered_goes_no_other_way(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a"));

	take(f, "chat", 1, NOW_MS);
	settle(f, id, "delivered");
	assert_int_equal(pass_time(f, NOW_MS + 600000), 0);
	assert_string_equal(state_of(f, id), "delivered");
	assert_null(first_on(f, "ops"));
}

static void what_is_rejected_goes_another_way_at_once_and_the_next_after_that(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a")), *other;
	struct store_news news;

	take(f, "chat", 1, NOW_MS);
	store_news(f->store, &news);
	settle_as(f, "sender-1",
	    (struct settlement){.id = id, .state = "dead", .reason = "rejected", .answer = "HTTP 400", .attempts = 1});
	assert_string_equal(state_of(f, id), "suppressed");
	other = first_on(f, "ops");
	store_news(f->store, &news);
	assert_int_equal(news.recovered_count, 1);
	assert_string_equal(news.recovered[0].successor, other);
	take(f, "ops", 1, NOW_MS);
	settle(f, other, "dead");
	assert_string_equal(state_of(f, other), "suppressed");
	take(f, "last", 1, NOW_MS);
	settle(f, first_on(f, "last"), "dead");
	assert_string_equal(state_of(f, first_on(f, "last")), "dead"); /* there is no other way left */
}

static void what_expires_goes_another_way_that_lives_longer(void **state)
{
	struct fixture *f = *state;
	struct new_message message = with_stand_ins(f, "a"), late = with_stand_ins(f, "b");
	const char *id, *dead;

	message.expires_ms = late.expires_ms = NOW_MS + 1000;
	late.standbys[0].expires_ms = NOW_MS + 1000;
	id = queue(f, message);
	dead = queue(f, late);
	pass_time(f, NOW_MS + 1000);
	assert_string_equal(state_of(f, id), "suppressed");
	assert_string_equal(state_of(f, dead), "dead");
	assert_string_equal(show(f, dead).reason, "expired");
	assert_int_equal(take(f, "ops", 9, NOW_MS + 1000).count, 1);
}

static void what_may_have_arrived_goes_both_ways_when_its_time_is_over(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a"));

	take(f, "chat", 1, NOW_MS);
	settle(f, id, "ambiguous");
	pass_time(f, NOW_MS + 59999);
	assert_null(first_on(f, "ops"));
	pass_time(f, NOW_MS + 60000);
	assert_string_equal(state_of(f, id), "ambiguous");
	assert_non_null(first_on(f, "ops"));
}

static void what_is_on_the_wire_waits_for_its_end(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a"));

	take(f, "chat", 1, NOW_MS);
	assert_int_equal(pass_time(f, NOW_MS + 70000), 0); /* no timer can hasten it */
	assert_null(first_on(f, "ops"));
	settle_as(f, "sender-1",
	    (struct settlement){.id = id, .state = "retrying", .attempts = 1, .not_before_ms = NOW_MS + 90000});
	pass_time(f, NOW_MS + 70000);
	assert_string_equal(state_of(f, id), "suppressed");
}

static void divert(struct fixture *f, int64_t until_ms)
{
	struct lane_record lane = {"chat", "{}", until_ms};
	struct settle_reply reply;

	must(ask(f, REQ_SETTLE,
	    &(struct settle){.instance = "sender-1", .now_ms = NOW_MS, .lanes = &lane, .lane_count = 1}, &reply));
}

static void a_channel_that_diverts_sends_what_waits_and_what_comes_another_way_at_once(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a")), *next;

	divert(f, NOW_MS + 5000);
	pass_time(f, NOW_MS);
	assert_string_equal(state_of(f, id), "suppressed");
	next = queue(f, with_stand_ins(f, "b"));
	pass_time(f, NOW_MS + 1);
	assert_string_equal(state_of(f, next), "suppressed");
	next = queue(f, with_stand_ins(f, "c"));
	pass_time(f, NOW_MS + 5000); /* it is to be probed, with something */
	assert_string_equal(state_of(f, next), "queued");
	divert(f, 0);
	next = queue(f, with_stand_ins(f, "d"));
	pass_time(f, NOW_MS + 1);
	assert_string_equal(state_of(f, next), "queued");
}

static struct settle_reply settle_dead(struct fixture *f, const char *id)
{
	struct settlement dead = {.id = id, .state = "dead", .reason = "rejected", .attempts = 1};
	struct settle_reply reply;

	take(f, "chat", 1, NOW_MS);
	must(ask(f, REQ_SETTLE,
	    &(struct settle){.instance = "sender-1", .now_ms = NOW_MS, .messages = &dead, .count = 1}, &reply));
	return reply;
}

static void the_sender_hears_which_dead_message_goes_another_way(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a"));
	struct settle_reply reply = settle_dead(f, id);

	assert_int_equal(reply.replaced_count, 1);
	assert_string_equal(reply.replaced[0].id, id);
	assert_string_equal(state_of(f, id), "suppressed");
	id = queue(f, message_to(f, "chat", "alone"));
	assert_int_equal(settle_dead(f, id).replaced_count, 0);
	assert_string_equal(state_of(f, id), "dead");
}

static void a_run_that_sends_by_both_channels_has_no_message_twice(void **state)
{
	struct fixture *f = *state;
	struct new_message both[2] = {with_stand_ins(f, "a"), message_to(f, "ops", "a")};
	struct messages_reply reply = {0};

	commit_run(f, begin_run(f, "both", NOW), both, 2);
	divert(f, INT64_MAX);
	pass_time(f, NOW_MS);
	assert_string_equal(state_of(f, both[0].id), "suppressed");
	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.channel = "ops", .limit = 9}, &reply));
	assert_int_equal(reply.count, 1);
}

static void who_waits_hears_of_the_other_ways_end(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a"));
	struct id_record ids = {id};
	struct wait wait = {.ids = &ids, .count = 1, .deadline_ms = NOW_MS + 1000};
	struct wait_reply reply;

	take(f, "chat", 1, NOW_MS);
	settle(f, id, "dead");
	must(ask(f, REQ_WAIT, &wait, &reply));
	assert_string_equal(reply.messages[0].state, "queued");
	take(f, "ops", 1, NOW_MS);
	settle(f, first_on(f, "ops"), "delivered");
	must(ask(f, REQ_WAIT, &wait, &reply));
	assert_string_equal(reply.messages[0].state, "suppressed");
	assert_string_equal(reply.messages[0].reason, "fallback");
}

static void who_discards_a_message_discards_its_other_ways(void **state)
{
	struct fixture *f = *state;
	const char *id = queue(f, with_stand_ins(f, "a"));
	struct id_record ids = {id};
	struct outbox_reply reply = {0};

	must(ask(f, REQ_OUTBOX, &(struct outbox){.verb = "discard", .ids = &ids, .count = 1, .now_ms = NOW_MS}, &reply));
	assert_int_equal(pass_time(f, NOW_MS + 600000), 0);
	assert_null(first_on(f, "ops"));
}

static void what_is_urgent_is_taken_first_but_passes_nothing_in_a_named_lane(void **state)
{
	struct fixture *f = *state;
	struct new_message urgent = message_to(f, "ops", "c"), behind = message_to(f, "ops", "e");
	const char *ids[3];
	struct take_reply taken;

	urgent.urgent = behind.urgent = true;
	ids[1] = queue(f, message_to(f, "ops", "a"));
	ids[2] = queue(f, message_to(f, "ops", "b"));
	ids[0] = queue(f, urgent);
	taken = take(f, "ops", 9, NOW_MS);
	assert_int_equal(taken.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(taken.messages[i].id, ids[i]);
	assert_true(taken.messages[0].urgent);
	behind.lane = "ticket";
	urgent = message_to(f, "ops", "d");
	urgent.lane = "ticket";
	ids[0] = queue(f, urgent);
	queue(f, behind);
	taken = take(f, "ops", 9, NOW_MS);
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.messages[0].id, ids[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(what_waits_for_too_long_goes_another_way),
	    STORE_TEST(what_was_delivered_goes_no_other_way),
	    STORE_TEST(what_is_rejected_goes_another_way_at_once_and_the_next_after_that),
	    STORE_TEST(what_expires_goes_another_way_that_lives_longer),
	    STORE_TEST(what_may_have_arrived_goes_both_ways_when_its_time_is_over),
	    STORE_TEST(what_is_on_the_wire_waits_for_its_end),
	    STORE_TEST(a_channel_that_diverts_sends_what_waits_and_what_comes_another_way_at_once),
	    STORE_TEST(the_sender_hears_which_dead_message_goes_another_way),
	    STORE_TEST(a_run_that_sends_by_both_channels_has_no_message_twice),
	    STORE_TEST(who_waits_hears_of_the_other_ways_end),
	    STORE_TEST(who_discards_a_message_discards_its_other_ways),
	    STORE_TEST(what_is_urgent_is_taken_first_but_passes_nothing_in_a_named_lane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
