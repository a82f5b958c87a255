/* SPDX-License-Identifier: MIT */
/* Rates over windows, and the lane: what may start, when, and what changes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "send/heads.h"
#include "send/lane.h"

#define WALL INT64_C(1795215600000)

static struct mono at(int64_t ms)
{
	return (struct mono){ms};
}

/* -- rates ----------------------------------------------------------------------------------------------- */

static void without_a_rate_there_is_always_room(void **state)
{
	struct rate_limit limit;

	(void)state;
	rate_init(&limit, &(struct rates){0});
	for (int i = 0; i < 10000; i++)
		rate_take(&limit, at(0), 1);
	assert_int_equal(rate_room(&limit, at(0)), INT64_MAX);
	assert_int_equal(rate_next(&limit, at(5)).ms, 5);
	rate_done(&limit);
}

static void a_window_lets_its_count_through_and_opens_when_the_first_is_old(void **state)
{
	static const struct rate four = {4, 1000};
	struct rate_limit limit;

	(void)state;
	rate_init(&limit, &(struct rates){&four, 1});
	assert_int_equal(rate_room(&limit, at(0)), 4);
	for (int i = 0; i < 4; i++)
		rate_take(&limit, at(i * 100), 1);
	assert_int_equal(rate_room(&limit, at(400)), 0);
	assert_int_equal(rate_next(&limit, at(400)).ms, 1020);
	assert_int_equal(rate_room(&limit, at(1019)), 0);
	assert_int_equal(rate_room(&limit, at(1020)), 1);
	assert_int_equal(rate_room(&limit, at(1120)), 2);
	rate_done(&limit);
}

static void what_costs_more_than_one_is_paid_back_by_waiting(void **state)
{
	static const struct rate one = {1, 1000}, ten = {10, 1000};
	struct rate_limit limit;

	(void)state;
	rate_init(&limit, &(struct rates){&one, 1});
	rate_take(&limit, at(0), 7); /* a text of seven segments */
	assert_int_equal(rate_next(&limit, at(0)).ms, 7 * 1020);
	rate_take(&limit, at(7140), 1);
	assert_int_equal(rate_next(&limit, at(7140)).ms, 7140 + 1020);
	rate_done(&limit);

	rate_init(&limit, &(struct rates){&ten, 1});
	rate_take(&limit, at(0), 6);
	assert_int_equal(rate_room(&limit, at(1)), 4);
	rate_take(&limit, at(500), 6); /* two too many: the next second has that less */
	assert_int_equal(rate_room(&limit, at(1019)), 0);
	assert_int_equal(rate_room(&limit, at(1020)), 4);
	assert_int_equal(rate_room(&limit, at(500 + 2040)), 10);
	rate_done(&limit);
}

/* What went out in the window before each instant, counted without the code under test. */
static void check_no_window_is_exceeded(const int64_t *sent, size_t count, const struct rate *rate)
{
	for (size_t i = 0, first = 0; i < count; i++) {
		while (sent[first] <= sent[i] - rate->window_ms)
			first++;
		assert_true((int64_t)(i - first + 1) <= rate->count);
	}
}

static void no_window_ever_sees_more_than_its_count(void **state)
{
	static const struct rate rows[][2] = {
	    {{4, 1000}, {60, 30000}},
	    {{1, 10}, {5, 2000}},
	    {{3000, 1000}, {10000, 5000}},
	    {{700, 1000}, {1000, 60000}},
	};
	int64_t *sent = mem_alloc(200000 * sizeof(*sent));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rate_limit limit;
		size_t count = 0;
		int64_t now = 0;

		rate_init(&limit, &(struct rates){rows[i], 2});
		while (count < 20000 && now < 700000) {
			while (rate_room(&limit, at(now)) > 0) {
				rate_take(&limit, at(now), 1);
				sent[count++] = now;
			}
			now = rate_next(&limit, at(now)).ms;
		}
		check_no_window_is_exceeded(sent, count, &rows[i][0]);
		check_no_window_is_exceeded(sent, count, &rows[i][1]);
		/* And nearly all that is allowed is used: within the slack of a fiftieth and a slice. */
		assert_true((double)count >
		            0.93 * (double)rows[i][1].count * (double)now / (double)rows[i][1].window_ms);
		rate_done(&limit);
	}
	free(sent);
}

static void a_steady_stream_is_not_stopped_for_ever(void **state)
{
	static const struct rate rate = {100000, 1000};
	struct rate_limit limit;

	(void)state;
	rate_init(&limit, &(struct rates){&rate, 1});
	for (int64_t now = 0; now < 60000; now++) { /* one each millisecond is far below the rate */
		assert_true(rate_room(&limit, at(now)) > 98000);
		rate_take(&limit, at(now), 1);
	}
	rate_done(&limit);
}

/* -- the lane --------------------------------------------------------------------------------------- */

static const struct conf_channel plain = {
    .name = "c",
    .in_flight = 1,
    .retry_initial_ms = 2000,
    .retry_max_ms = 600000,
    .max_age_ms = 6 * 3600000,
    .breaker_after = 5,
    .breaker_probe_ms = 30000,
    .on_ambiguous = AMBIGUOUS_RETRY,
};

static enum lane_change end_with(struct lane *lane, struct lane_answer answer, int64_t now)
{
	if (!answer.left_ms)
		answer.left_ms = 3600000;
	if (!answer.reason)
		answer.reason = "why";
	if (!answer.retry_after_ms)
		answer.retry_after_ms = -1;
	return lane_end(lane, &answer, at(now)).change;
}

static void a_lane_starts_as_many_as_may_be_in_flight(void **state)
{
	struct conf_channel channel = plain;
	struct lane lane;

	(void)state;
	channel.in_flight = 2;
	lane_init(&lane, &channel);
	assert_true(lane_may_start(&lane, at(0)));
	lane_start(&lane, at(0), 1);
	assert_true(lane_may_start(&lane, at(0)));
	lane_start(&lane, at(0), 1);
	assert_false(lane_may_start(&lane, at(0)));
	assert_int_equal(end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, 1), LANE_SAME);
	assert_true(lane_may_start(&lane, at(1)));
	lane_done(&lane);
}

static void rows_are_taken_ahead_in_growing_portions(void **state)
{
	struct lane lane;
	int64_t room = 0;

	(void)state;
	lane_init(&lane, &plain);
	for (int64_t now = 0; now < 20; now++) {
		room = lane_room(&lane, at(now), 0);
		assert_in_range(room, 1, LANE_AHEAD_MAX);
		lane_took(&lane, at(now), room);
	}
	assert_int_equal(room, LANE_AHEAD_MAX);
	assert_int_equal(lane_room(&lane, at(20), 200), 0); /* enough in hand */
	lane_took(&lane, at(60000), 1);
	assert_int_equal(lane_room(&lane, at(60000), 0), LANE_AHEAD_MAX / 2);
	lane_done(&lane);
}

static void where_a_repeat_must_not_be_only_what_goes_out_at_once_is_taken(void **state)
{
	struct conf_channel channel = plain;
	struct lane lane;

	(void)state;
	channel.on_ambiguous = AMBIGUOUS_HOLD;
	channel.in_flight = 3;
	lane_init(&lane, &channel);
	assert_int_equal(lane_room(&lane, at(0), 0), 3);
	assert_int_equal(lane_room(&lane, at(0), 2), 1);
	lane_start(&lane, at(0), 1);
	assert_int_equal(lane_room(&lane, at(0), 2), 0);
	lane_done(&lane);
}

static void no_more_is_taken_than_the_rate_lets_out_now(void **state)
{
	static const struct rate rate = {2, 1000};
	struct conf_channel channel = plain;
	struct lane lane;

	(void)state;
	channel.rate = (struct rates){&rate, 1};
	lane_init(&lane, &channel);
	assert_int_equal(lane_room(&lane, at(0), 0), 2);
	lane_start(&lane, at(0), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, 1);
	lane_start(&lane, at(100), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, 101);
	assert_int_equal(lane_room(&lane, at(101), 0), 0);
	assert_false(lane_may_start(&lane, at(101)));
	assert_int_equal(lane_next(&lane, at(101)).ms, 1020);
	lane_done(&lane);
}

static void retry_after_stops_the_whole_lane_until_then(void **state)
{
	struct lane lane;

	(void)state;
	lane_init(&lane, &plain);
	lane_start(&lane, at(0), 1);
	assert_int_equal(
	    end_with(&lane,
	        (struct lane_answer){.verdict = VERDICT_LATER, .status = 500, .retry_after_ms = 30000}, 100),
	    LANE_PAUSED);
	assert_false(lane_may_start(&lane, at(30099)));
	assert_int_equal(lane_room(&lane, at(200), 0), 0);
	assert_true(lane_is_closed(&lane, at(200)));
	assert_false(lane_is_closed(&lane, at(29000)));
	assert_int_equal(lane_next(&lane, at(200)).ms, 30100);
	assert_true(lane_may_start(&lane, at(30100)));
	assert_int_equal(lane_room(&lane, at(30100), 0), 1); /* one shows whether it is well again */
	lane_start(&lane, at(30100), 1);
	assert_int_equal(
	    end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, 30200), LANE_RESUMED);
	assert_true(lane_room(&lane, at(30200), 0) > 1);
	lane_done(&lane);
}

static void too_many_requests_pause_the_lane_even_without_a_time(void **state)
{
	static const struct {
		struct lane_answer answer;
		bool paused;
	} rows[] = {
	    {{.verdict = VERDICT_LATER, .status = 429, .random = 0.5}, true},
	    {{.verdict = VERDICT_LATER, .status = 503, .random = 0.5}, true},
	    {{.verdict = VERDICT_LATER, .status = 500, .random = 0.5},
	        false}, /* perhaps this payload's own */
	    {{.verdict = VERDICT_LATER, .status = 0, .random = 0.5}, false},
	    {{.verdict = VERDICT_REJECTED, .status = 400, .random = 0.5}, false},
	    {{.verdict = VERDICT_UNCERTAIN, .status = 0, .random = 0.5}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lane lane;

		lane_init(&lane, &plain);
		lane_start(&lane, at(0), 1);
		end_with(&lane, rows[i].answer, 10);
		assert_int_equal(lane_may_start(&lane, at(20)), !rows[i].paused);
		lane_done(&lane);
	}
}

static void no_pause_outlives_the_message_that_caused_it(void **state)
{
	struct lane lane;

	(void)state;
	lane_init(&lane, &plain);
	lane_start(&lane, at(0), 1);
	end_with(&lane,
	    (struct lane_answer){.verdict = VERDICT_LATER,
	        .status = 429,
	        .retry_after_ms = INT64_C(1) << 45,
	        .left_ms = 60000},
	    0);
	assert_int_equal(lane_next(&lane, at(0)).ms, 60000);
	lane_done(&lane);
}

static void a_destination_that_refuses_for_good_gets_one_probe_an_hour(void **state)
{
	struct lane lane;

	(void)state;
	lane_init(&lane, &plain);
	lane_start(&lane, at(0), 1);
	assert_int_equal(end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 404}, 1000),
	    LANE_SUSPENDED);
	assert_int_equal(lane_room(&lane, at(LANE_PROBE_MS), 0), 0);
	assert_int_equal(lane_room(&lane, at(LANE_PROBE_MS + 1000), 0), 1);
	lane_start(&lane, at(LANE_PROBE_MS + 1000), 1);
	assert_false(lane_may_start(&lane, at(LANE_PROBE_MS + 1000)));
	assert_int_equal(
	    end_with(&lane, (struct lane_answer){.verdict = VERDICT_LATER, .status = 500}, LANE_PROBE_MS + 2000),
	    LANE_SAME);
	assert_false(lane_may_start(&lane, at(LANE_PROBE_MS + 3000)));
	lane_start(&lane, at(2 * LANE_PROBE_MS + 1000), 1);
	assert_int_equal(end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED, .status = 202},
	                     2 * LANE_PROBE_MS + 2000),
	    LANE_RESUMED);
	assert_true(lane_may_start(&lane, at(2 * LANE_PROBE_MS + 2000)));
	lane_done(&lane);
}

static void a_pause_outlives_the_process(void **state)
{
	struct lane lane, other;
	struct json *value;

	(void)state;
	lane_init(&lane, &plain);
	lane_init(&other, &plain);
	lane_start(&lane, at(0), 1);
	end_with(
	    &lane, (struct lane_answer){.verdict = VERDICT_LATER, .status = 429, .retry_after_ms = 60000}, 0);
	value = lane_to_json(&lane, at(10000), WALL);
	lane_from_json(&other, value, at(5), WALL + 20000); /* another clock, 20 s later */
	assert_int_equal(lane_next(&other, at(5)).ms, 30005);
	assert_string_equal(other.reason, "why");
	json_destroy(value);
	lane_done(&lane);
	lane_done(&other);
}

static void a_new_sender_probes_a_suspended_lane_at_once(void **state)
{
	struct lane lane, other;
	struct json *value;

	(void)state;
	lane_init(&lane, &plain);
	lane_init(&other, &plain);
	lane_start(&lane, at(0), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 404}, 0);
	value = lane_to_json(&lane, at(10), WALL);
	lane_from_json(&other, value, at(5), WALL);
	assert_true(other.suspended);
	assert_int_equal(lane_room(&other, at(5), 0), 1);
	json_destroy(value);
	lane_done(&lane);
	lane_done(&other);
}

static void what_is_gone_for_good_is_not_probed(void **state)
{
	struct lane lane, other;
	struct json *value;

	(void)state;
	lane_init(&lane, &plain);
	lane_init(&other, &plain);
	lane_start(&lane, at(0), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 410, .for_good = true}, 0);
	assert_int_equal(lane_next(&lane, at(0)).ms, INT64_MAX);
	value = lane_to_json(&lane, at(10), WALL);
	lane_from_json(&other, value, at(5), WALL);
	assert_int_equal(lane_room(&other, at(100 * LANE_PROBE_MS), 0), 0);
	assert_int_equal(lane_release(&other).change, LANE_RESUMED);
	assert_true(lane_may_start(&other, at(6)));
	json_destroy(value);
	lane_done(&lane);
	lane_done(&other);
}

/* Over a restart: the lane of another process, whose clocks read otherwise. */
static void restart(struct lane *lane, int64_t now, int64_t later)
{
	struct json *value = lane_to_json(lane, at(now), WALL);
	struct rate_limit old = lane->own_rate;
	struct lane fresh;

	fresh = *lane;
	lane_init(&fresh, &plain);
	fresh.destination = lane->destination;
	fresh.own_rate = old;
	for (size_t i = 0; i < old.count; i++)
		old.windows[i].used = 0, old.windows[i].count = 0;
	*lane = fresh;
	lane->rate = &lane->own_rate;
	lane_from_json(lane, value, at(7), WALL + later);
	json_destroy(value);
}

static void the_level_of_a_rate_outlives_the_process(void **state)
{
	static const struct rate rates[] = {{4, 1000}, {6, 30000}};
	struct conf_channel channel = plain;
	struct lane lane;

	(void)state;
	channel.rate = (struct rates){rates, 2};
	lane_init(&lane, &channel);
	for (int i = 0; i < 4; i++) {
		lane_start(&lane, at(i * 100), 1);
		end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, i * 100 + 5);
	}
	restart(&lane, 310, 500);
	assert_int_equal(rate_room(lane.rate, at(7)), 0);
	assert_int_equal(lane_next(&lane, at(7)).ms, 7 + 1020 - 810); /* the first went out 810 ms ago */
	assert_int_equal(rate_room(lane.rate, at(1007)), 2); /* six in thirty seconds, four of them used */
	lane_done(&lane);
}

static void a_level_is_never_told_lower_than_it_is(void **state)
{
	static const struct rate rate = {3000, 60000};
	struct rate_limit limit, other;
	struct json *value;

	(void)state;
	rate_init(&limit, &(struct rates){&rate, 1});
	rate_init(&other, &(struct rates){&rate, 1});
	for (int64_t now = 0; now < 60000; now += 25)
		rate_take(&limit, at(now), 1);
	value = rate_to_json(&limit, at(60000), WALL);
	assert_true(json_length(value) <= 64);
	rate_from_json(&other, value, at(60000), WALL);
	for (int64_t now = 60000; now < 130000; now += 500)
		assert_true(rate_room(&other, at(now)) <= rate_room(&limit, at(now)));
	json_destroy(value);
	rate_done(&limit);
	rate_done(&other);
}

static void what_is_still_to_be_paid_back_outlives_the_process(void **state)
{
	static const struct rate rate = {1, 1000};
	struct rate_limit limit;
	struct json *value;

	(void)state;
	rate_init(&limit, &(struct rates){&rate, 1});
	rate_take(&limit, at(0), 7);
	value = rate_to_json(&limit, at(100), WALL);
	rate_done(&limit);
	rate_init(&limit, &(struct rates){&rate, 1});
	rate_from_json(&limit, value, at(5), WALL + 1000);
	assert_int_equal(rate_next(&limit, at(5)).ms, 5 + 7 * 1020 - 1100);
	json_destroy(value);
	rate_done(&limit);
}

static void of_several_records_of_one_rate_the_newest_wins(void **state)
{
	static const struct rate rate = {10, 10000};
	struct rate_limit limit;
	struct json *older, *newer;

	(void)state;
	rate_init(&limit, &(struct rates){&rate, 1});
	rate_take(&limit, at(0), 1);
	older = rate_to_json(&limit, at(100), WALL);
	rate_take(&limit, at(100), 1);
	newer = rate_to_json(&limit, at(100), WALL);
	rate_done(&limit);
	rate_init(&limit, &(struct rates){&rate, 1});
	rate_from_json(&limit, newer, at(100), WALL);
	rate_from_json(&limit, older, at(100), WALL);
	rate_from_json(&limit, newer, at(100), WALL);
	assert_int_equal(rate_room(&limit, at(100)), 8);
	json_destroy(older);
	json_destroy(newer);
	rate_done(&limit);
}

/* -- paused by hand --------------------------------------------------------------------------------------- */

static void a_paused_lane_sends_nothing_until_it_is_resumed(void **state)
{
	struct lane lane;

	(void)state;
	lane_init(&lane, &plain);
	assert_int_equal(lane_hold(&lane, at(INT64_MAX), "ann").change, LANE_PAUSED);
	assert_false(lane_may_start(&lane, at(1000000)));
	assert_int_equal(lane_room(&lane, at(1000000), 0), 0);
	assert_true(lane_is_closed(&lane, at(0)));
	restart(&lane, 10, 1000);
	assert_false(lane_may_start(&lane, at(1000000)));
	assert_string_equal(lane.held_by, "ann");
	assert_int_equal(lane_tick(&lane, at(1000000)).change, LANE_SAME);
	assert_int_equal(lane_release(&lane).change, LANE_RESUMED);
	assert_true(lane_may_start(&lane, at(1000000)));
	assert_int_equal(lane_release(&lane).change, LANE_SAME);
	lane_done(&lane);
}

static void a_pause_for_a_while_ends_by_itself_also_over_a_restart(void **state)
{
	struct lane lane;

	(void)state;
	lane_init(&lane, &plain);
	lane_hold(&lane, at(60000), "ann");
	restart(&lane, 10000, 20000);
	assert_int_equal(lane_next(&lane, at(7)).ms, 30007);
	assert_int_equal(lane_tick(&lane, at(30006)).change, LANE_SAME);
	assert_int_equal(lane_tick(&lane, at(30007)).change, LANE_RESUMED);
	assert_int_equal(lane_tick(&lane, at(30008)).change, LANE_SAME);
	lane_done(&lane);
}

static void resuming_opens_whatever_shut_the_lane(void **state)
{
	struct lane lane;

	(void)state;
	lane_init(&lane, &plain);
	lane_start(&lane, at(0), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 404}, 0);
	lane_start(&lane, at(0), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_LATER, .status = 429, .retry_after_ms = 60000}, 0);
	lane_hold(&lane, at(INT64_MAX), "ann");
	lane_release(&lane);
	assert_true(lane_may_start(&lane, at(1)));
	assert_true(lane_is_well(&lane));
	lane_done(&lane);
}

/* -- the breaker of a lane ------------------------------------------------------------------------------- */

/* Starts whatever the lane lets through until END, each answered by STATUS at once; how many those were. */
static int64_t fail_until(struct lane *lane, int64_t *now, int64_t end, long status)
{
	int64_t count = 0;

	while (lane_next(lane, at(*now)).ms < end) {
		*now = lane_next(lane, at(*now)).ms;
		assert_true(lane_may_start(lane, at(*now)));
		lane_start(lane, at(*now), 1);
		end_with(lane, (struct lane_answer){.verdict = VERDICT_LATER, .status = status, .random = 0.99}, *now);
		count++;
	}
	return count;
}

static void a_dead_destination_gets_few_requests_however_many_messages_wait(void **state)
{
	struct lane lane;
	int64_t now = 0;

	(void)state;
	lane_init(&lane, &plain);
	/* Five at once, then ever slower (2, 4, 8, 16 s) until it has lasted 30 s and the breaker opens. */
	assert_int_equal(fail_until(&lane, &now, 31000, 500), 10);
	assert_true(lane.breaker.open);
	now = lane.breaker.probe_at.ms - 30000;
	int64_t opened = now;
	/* Probes 30 s, 1, 2, 5, 10 min after the one before. */
	assert_int_equal(fail_until(&lane, &now, opened + 30000, 500), 0);
	assert_int_equal(fail_until(&lane, &now, opened + 30001, 500), 1);
	assert_int_equal(fail_until(&lane, &now, opened + 90001, 500), 1);
	assert_int_equal(fail_until(&lane, &now, opened + 210001, 500), 1);
	assert_int_equal(fail_until(&lane, &now, opened + 510001, 500), 1);
	assert_int_equal(fail_until(&lane, &now, opened + 1110001, 500), 1);
	assert_int_equal(fail_until(&lane, &now, opened + 1710001, 500), 1);
	lane_done(&lane);
}

static void too_many_requests_do_not_open_the_breaker(void **state)
{
	struct lane lane;
	int64_t now = 0;

	(void)state;
	lane_init(&lane, &plain);
	assert_true(fail_until(&lane, &now, 3600000, 429) > 5);
	assert_false(lane.breaker.open);
	lane_done(&lane);
}

static void one_success_closes_the_breaker_and_what_is_in_flight_grows_from_one(void **state)
{
	struct conf_channel channel = plain;
	struct lane lane;
	int64_t now = 0;

	(void)state;
	channel.in_flight = 4;
	lane_init(&lane, &channel);
	fail_until(&lane, &now, 31000, 0);
	assert_true(lane_probes(&lane));
	assert_true(lane_is_closed(&lane, at(now)));
	now = lane_next(&lane, at(now)).ms;
	lane_start(&lane, at(now), 1);
	assert_false(lane_may_start(&lane, at(now + 1))); /* one shows whether it is back */
	assert_int_equal(end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, now), LANE_RESUMED);
	for (int64_t allowed = 1; allowed <= 4; allowed *= 2) {
		for (int64_t i = 0; i < allowed; i++) {
			assert_true(lane_may_start(&lane, at(now)));
			lane_start(&lane, at(now), 1);
		}
		assert_false(lane_may_start(&lane, at(now)));
		while (lane.in_flight > 1)
			lane.in_flight--;
		end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, now);
	}
	lane_done(&lane);
}

static void an_open_breaker_outlives_the_process(void **state)
{
	struct lane lane;
	int64_t now = 0, left;

	(void)state;
	lane_init(&lane, &plain);
	fail_until(&lane, &now, 31000, 500);
	left = lane_next(&lane, at(now)).ms - now;
	restart(&lane, now, 10000);
	assert_true(lane.breaker.open);
	assert_int_equal(lane_next(&lane, at(7)).ms, 7 + left - 10000);
	assert_string_equal(lane.reason, "why");
	lane_done(&lane);
}

static void a_wrong_certificate_slows_the_lane_down_to_an_attempt_an_hour(void **state)
{
	struct lane_answer answer = {.verdict = VERDICT_LATER, .certificate = true, .random = 0.999};
	struct conf_channel channel = plain;
	struct lane_news news;
	struct lane lane;
	int64_t now = 0, wait = 0;

	(void)state;
	channel.breaker_after = 100; /* not its affair here */
	lane_init(&lane, &channel);
	answer.reason = "why", answer.retry_after_ms = -1, answer.left_ms = INT64_MAX;
	for (int i = 0; i < 12; i++) {
		lane_start(&lane, at(now), 1);
		news = lane_end(&lane, &answer, at(now));
		assert_int_equal(news.change, i ? LANE_SAME : LANE_PAUSED);
		assert_int_equal(news.cause, LANE_BY_CERTIFICATE);
		wait = lane_next(&lane, at(now)).ms - now;
		assert_in_range(wait, 1000, 3600000);
		now += wait;
	}
	assert_in_range(wait, 3500000, 3600000);
	lane_done(&lane);
}

/* -- another way ------------------------------------------------------------------------------------------ */

static void messages_are_diverted_while_suspended_or_failing_for_long(void **state)
{
	struct lane lane;
	int64_t now = 0;

	(void)state;
	lane_init(&lane, &plain);
	assert_int_equal(lane_diverts(&lane, at(0), 60000).ms, 0);
	fail_until(&lane, &now, 31000, 500);
	assert_int_equal(lane_diverts(&lane, at(now), 60000).ms, 0);
	fail_until(&lane, &now, 65000, 500); /* the probe, 30 s after it opened */
	assert_true(lane_diverts(&lane, at(now), 60000).ms > now);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_DELIVERED}, now);
	assert_int_equal(lane_diverts(&lane, at(now), 60000).ms, 0);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 404}, now);
	assert_int_equal(lane_diverts(&lane, at(now), 60000).ms, now + LANE_PROBE_MS);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 410, .for_good = true}, now);
	assert_int_equal(lane_diverts(&lane, at(now), 60000).ms, INT64_MAX);
	lane_done(&lane);
}

/* -- what a record says to people -------------------------------------------------------------------------- */

static void a_record_says_what_shuts_the_channel(void **state)
{
	static const struct {
		const char *record, *state;
		int64_t until_ms;
	} rows[] = {
	    {"{}", "enabled", 0},
	    {"{\"rate\":[[1,2]]}", "enabled", 0},
	    {"{\"not_before_ms\":900}", "enabled", 0},
	    {"{\"not_before_ms\":1500}", "waiting", 1500},
	    {"{\"suspended\":true,\"probe_ms\":2000,\"not_before_ms\":1500}", "suspended", 2000},
	    {"{\"suspended\":true,\"for_good\":true}", "suspended", 0},
	    {"{\"breaker\":{\"failures\":7,\"open\":true,\"probe_ms\":1800}}", "breaker_open", 1800},
	    {"{\"breaker\":{\"failures\":2}}", "enabled", 0},
	    {"{\"held\":{\"until_ms\":-1},\"suspended\":true}", "paused", 0},
	    {"{\"held\":{\"until_ms\":5000}}", "paused", 5000},
	    {"{\"held\":{\"until_ms\":500},\"suspended\":true}", "suspended", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *value = NULL;
		struct lane_view view;

		assert_null(json_parse(rows[i].record, strlen(rows[i].record), &value));
		lane_view(value, true, 1000, &view);
		assert_string_equal(view.state, rows[i].state);
		assert_int_equal(view.until_ms, rows[i].until_ms);
		lane_view(value, false, 1000, &view);
		assert_string_equal(view.state, "disabled");
		json_destroy(value);
	}
}

static void another_destination_inherits_no_condition_but_the_rate_and_a_persons_word(void **state)
{
	struct lane lane, other;
	struct json *value;

	(void)state;
	lane_init(&lane, &plain);
	lane_init(&other, &plain);
	lane.destination = 11;
	other.destination = 12;
	lane_start(&lane, at(0), 1);
	end_with(&lane, (struct lane_answer){.verdict = VERDICT_GONE, .status = 410, .for_good = true}, 0);
	lane_hold(&lane, at(INT64_MAX), "ann");
	value = lane_to_json(&lane, at(10), WALL);
	lane_from_json(&other, value, at(5), WALL);
	assert_false(other.suspended);
	assert_true(other.held);
	json_destroy(value);
	lane_done(&lane);
	lane_done(&other);
}

static void a_damaged_record_leaves_the_lane_open(void **state)
{
	static const char *const texts[] = {"{}", "[]", "null", "3", "{\"rate\":[[1],[\"a\",2],[3,-4]]}",
	    "{\"held\":{}}", "{\"held\":{\"until_ms\":5}}", "{\"breaker\":{\"open\":true}}", "{\"breaker\":7}", "{\"not_before_ms\":\"x\"}",
	    "{\"not_before_ms\":-5}", "{\"suspended\":\"yes\",\"reason\":7}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct json *value = NULL;
		struct lane lane;

		assert_null(json_parse(texts[i], strlen(texts[i]), &value));
		lane_init(&lane, &plain);
		lane_from_json(&lane, value, at(0), WALL);
		assert_true(lane_may_start(&lane, at(0)));
		json_destroy(value);
		lane_done(&lane);
	}
}

/* -- named lanes ------------------------------------------------------------------------------------ */

static void a_head_that_fails_while_others_pass_is_one_too_many(void **state)
{
	struct heads heads = {0};

	(void)state;
	assert_false(heads_failed(&heads, "a", 10));
	assert_false(heads_failed(&heads, "a", 11));
	assert_true(heads_failed(&heads, "a", 11));
}

static void a_head_is_not_to_blame_while_nothing_passes(void **state)
{
	struct heads heads = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_false(heads_failed(&heads, "a", 10));
	assert_true(heads_failed(&heads, "a", 11));
}

static void heads_are_counted_apart(void **state)
{
	struct heads heads = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_false(heads_failed(&heads, "a", 10 + i));
		assert_false(heads_failed(&heads, "b", 10 + i));
	}
	assert_true(heads_failed(&heads, "a", 12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_a_rate_there_is_always_room),
	    cmocka_unit_test(what_costs_more_than_one_is_paid_back_by_waiting),
	    cmocka_unit_test(a_window_lets_its_count_through_and_opens_when_the_first_is_old),
	    cmocka_unit_test(no_window_ever_sees_more_than_its_count),
	    cmocka_unit_test(a_steady_stream_is_not_stopped_for_ever),
	    cmocka_unit_test(a_lane_starts_as_many_as_may_be_in_flight),
	    cmocka_unit_test(rows_are_taken_ahead_in_growing_portions),
	    cmocka_unit_test(where_a_repeat_must_not_be_only_what_goes_out_at_once_is_taken),
	    cmocka_unit_test(no_more_is_taken_than_the_rate_lets_out_now),
	    cmocka_unit_test(retry_after_stops_the_whole_lane_until_then),
	    cmocka_unit_test(too_many_requests_pause_the_lane_even_without_a_time),
	    cmocka_unit_test(no_pause_outlives_the_message_that_caused_it),
	    cmocka_unit_test(a_destination_that_refuses_for_good_gets_one_probe_an_hour),
	    cmocka_unit_test(a_pause_outlives_the_process),
	    cmocka_unit_test(a_new_sender_probes_a_suspended_lane_at_once),
	    cmocka_unit_test(what_is_gone_for_good_is_not_probed),
	    cmocka_unit_test(the_level_of_a_rate_outlives_the_process),
	    cmocka_unit_test(a_level_is_never_told_lower_than_it_is),
	    cmocka_unit_test(what_is_still_to_be_paid_back_outlives_the_process),
	    cmocka_unit_test(of_several_records_of_one_rate_the_newest_wins),
	    cmocka_unit_test(a_paused_lane_sends_nothing_until_it_is_resumed),
	    cmocka_unit_test(a_pause_for_a_while_ends_by_itself_also_over_a_restart),
	    cmocka_unit_test(resuming_opens_whatever_shut_the_lane),
	    cmocka_unit_test(a_dead_destination_gets_few_requests_however_many_messages_wait),
	    cmocka_unit_test(too_many_requests_do_not_open_the_breaker),
	    cmocka_unit_test(one_success_closes_the_breaker_and_what_is_in_flight_grows_from_one),
	    cmocka_unit_test(an_open_breaker_outlives_the_process),
	    cmocka_unit_test(a_wrong_certificate_slows_the_lane_down_to_an_attempt_an_hour),
	    cmocka_unit_test(messages_are_diverted_while_suspended_or_failing_for_long),
	    cmocka_unit_test(a_record_says_what_shuts_the_channel),
	    cmocka_unit_test(another_destination_inherits_no_condition_but_the_rate_and_a_persons_word),
	    cmocka_unit_test(a_damaged_record_leaves_the_lane_open),
	    cmocka_unit_test(a_head_that_fails_while_others_pass_is_one_too_many),
	    cmocka_unit_test(a_head_is_not_to_blame_while_nothing_passes),
	    cmocka_unit_test(heads_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
