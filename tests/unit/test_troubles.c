/* SPDX-License-Identifier: MIT */
/* Troubles: told once when they begin, again while they last, once when they are over; never to the wrong
 * ear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "daemon/troubles.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define NOON   INT64_C(1795000020000) /* a full minute */

/* -- the policy: by the job's name ------------------------------------------------------------------ */

static const char *const ops[] = {"ops"}, *const both[] = {"ops", "mail"};

static void ask(void *arg, const struct trouble_subject *subject, struct trouble_policy *out)
{
	const char *job = subject->job ? subject->job : "";
	bool wide = !strncmp(job, "wide", 4) || text_equal(subject->channel, "ops");

	(void)arg;
	*out =
	    (struct trouble_policy){.channels = wide ? both : ops, .count = wide ? 2 : 1, .repeat_ms = HOUR};
	if (text_equal(subject->channel, "ops") && text_equal(job, "only"))
		out->count = 1;
	out->silent = !strcmp(job, "quiet");
	out->about = !strcmp(job, "paint") ? "the paint shop" : NULL;
}

static struct troubles *create(void)
{
	struct troubles *troubles = troubles_create(ask, NULL);
	int64_t since;

	troubles_load(troubles, NULL, NOON, &since);
	assert_int_equal(since, NOON);
	return troubles;
}

static void break_down(struct troubles *troubles, const char *job, int64_t run, int64_t at_ms)
{
	troubles_begin(troubles, &(struct trouble_report){
	                             .kind = TROUBLE_RUN,
	                             .job = job,
	                             .state = "failed",
	                             .text = "connection refused",
	                             .run = run,
	                             .at_ms = at_ms,
	                         });
}

static void recover(struct troubles *troubles, const char *job, int64_t run, int64_t at_ms)
{
	troubles_over(troubles, &(struct trouble_subject){TROUBLE_RUN, job, NULL}, run, at_ms);
}

static void lose(
    struct troubles *troubles, const char *job, const char *channel, const char *id, int64_t at_ms)
{
	troubles_begin(troubles, &(struct trouble_report){
	                             .kind = TROUBLE_MESSAGE,
	                             .job = job,
	                             .channel = channel,
	                             .state = "dead",
	                             .message = id,
	                             .at_ms = at_ms,
	                         });
}

static void stand_still(
    struct troubles *troubles, const char *channel, const char *state, int64_t at_ms, int64_t hold)
{
	troubles_begin(troubles, &(struct trouble_report){.kind = TROUBLE_CHANNEL,
	                             .channel = channel,
	                             .state = state,
	                             .at_ms = at_ms,
	                             .hold_ms = hold});
}

/* What is told at AT_MS, as "ops: paint begun, saw over; mail: ..."; "" for nothing. It counts as told. */
static const char *told(struct troubles *troubles, int64_t at_ms)
{
	static char text[2000];
	struct telling telling;

	text[0] = '\0';
	if (!troubles_tell(troubles, at_ms, &telling))
		return text;
	json_each(message, json_get(telling.order, "messages")) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s:", *text ? "; " : "",
		    json_text(json_get(message, "channel")));
		json_each(trouble, json_get(message, "troubles")) {
			const char *job = json_text(json_get(trouble, "job"));
			const char *how = json_get(trouble, "over_ms")   ? "over"
			                  : json_get(trouble, "told_ms") ? "lasting"
			                                                 : "begun";

			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s %s",
			    job ? job : json_text(json_get(trouble, "channel")), how);
		}
		int64_t more = json_length(json_get(message, "troubles")) ? 0 : -1;
		json_int64(json_get(message, "more"), &more);
		if (more)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " +%lld", (long long)more);
	}
	if (telling.unheard)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sunheard: %s", *text ? "; " : "",
		    telling.first_unheard);
	telling_done(&telling);
	troubles_told(troubles);
	return text;
}

/* -- when ------------------------------------------------------------------------------------------- */

static void nothing_is_due_while_all_is_well(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	assert_true(troubles_due(troubles, NOON) == INT64_MAX);
	recover(troubles, "paint", 7, NOON);
	assert_true(troubles_due(troubles, NOON) == INT64_MAX);
	assert_string_equal(told(troubles, NOON + HOUR), "");
	troubles_destroy(troubles);
}

static void what_begins_in_one_minute_is_one_message_at_its_end(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	break_down(troubles, "paint", 1, NOON + 1000);
	break_down(troubles, "saw", 2, NOON + 59999);
	assert_int_equal(troubles_due(troubles, NOON + 59999), NOON + MINUTE);
	assert_string_equal(told(troubles, NOON + MINUTE - 1), "");
	break_down(troubles, "next", 3, NOON + MINUTE);
	assert_string_equal(told(troubles, NOON + MINUTE), "ops: paint begun saw begun");
	assert_string_equal(told(troubles, NOON + 2 * MINUTE), "ops: next begun");
	troubles_destroy(troubles);
}

static void it_is_told_again_while_it_lasts_and_once_when_it_is_over(void **state)
{
	struct troubles *troubles = create();
	int64_t first = NOON + MINUTE;

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	assert_string_equal(told(troubles, first), "ops: paint begun");
	break_down(troubles, "paint", 2, NOON + 2 * MINUTE);
	assert_int_equal(troubles_due(troubles, NOON + 2 * MINUTE), first + HOUR);
	assert_string_equal(told(troubles, first + HOUR - 1), "");
	assert_string_equal(told(troubles, first + HOUR), "ops: paint lasting");
	assert_string_equal(told(troubles, first + 2 * HOUR), "ops: paint lasting");
	recover(troubles, "paint", 3, first + 2 * HOUR + 1);
	assert_string_equal(told(troubles, first + 2 * HOUR + MINUTE), "ops: paint over");
	assert_string_equal(told(troubles, first + 9 * HOUR), "");
	assert_int_equal(troubles_count(troubles), 0);
	troubles_destroy(troubles);
}

static void what_was_over_before_it_was_told_is_told_once(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	recover(troubles, "paint", 2, NOON + 1);
	assert_string_equal(told(troubles, NOON + MINUTE), "ops: paint over");
	assert_int_equal(troubles_count(troubles), 0);
	troubles_destroy(troubles);
}

static void a_short_pause_is_not_worth_a_word(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	stand_still(troubles, "mail", "paused", NOON + 1, MINUTE);
	assert_int_equal(troubles_due(troubles, NOON + 1), NOON + 2 * MINUTE);
	troubles_channel_over(troubles, "mail", NOON + 30000);
	assert_int_equal(troubles_count(troubles), 0);
	stand_still(troubles, "mail", "paused", NOON + 1, MINUTE);
	assert_string_equal(told(troubles, NOON + 2 * MINUTE), "ops: mail begun");
	troubles_channel_over(troubles, "mail", NOON + 2 * MINUTE);
	assert_string_equal(told(troubles, NOON + 3 * MINUTE), "ops: mail over");
	troubles_destroy(troubles);
}

static void a_repeat_that_is_due_soon_goes_with_other_news(void **state)
{
	struct troubles *troubles = create();
	int64_t first = NOON + MINUTE;

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	told(troubles, first);
	break_down(troubles, "saw", 2, first + HOUR - 2 * MINUTE + 1);
	assert_string_equal(told(troubles, first + HOUR - MINUTE), "ops: paint lasting saw begun");
	assert_string_equal(told(troubles, first + HOUR), "");
	troubles_destroy(troubles);
}

static void a_lost_message_is_told_again_only_when_more_were_lost(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	lose(troubles, "paint", "mail", "m1", NOON);
	lose(troubles, "paint", "mail", "m2", NOON);
	assert_string_equal(told(troubles, NOON + MINUTE), "ops: paint begun");
	assert_true(troubles_due(troubles, NOON + MINUTE) == INT64_MAX);
	lose(troubles, "paint", "mail", "m3", NOON + 2 * MINUTE);
	assert_string_equal(told(troubles, NOON + MINUTE + HOUR), "ops: paint lasting");
	troubles_channel_over(troubles, "mail", NOON + 3 * HOUR);
	assert_string_equal(told(troubles, NOON + 3 * HOUR + MINUTE), "ops: paint over");
	troubles_destroy(troubles);
}

static void a_clock_that_is_set_back_does_not_silence_the_repeats(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	told(troubles, NOON + MINUTE);
	break_down(troubles, "paint", 2, NOON - 5 * HOUR);
	assert_true(troubles_due(troubles, NOON - 5 * HOUR) <= NOON - 4 * HOUR);
	troubles_destroy(troubles);
}

/* -- who -------------------------------------------------------------------------------------------- */

static void each_channel_is_told_what_its_jobs_name_it_for(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	break_down(troubles, "wide", 1, NOON);
	break_down(troubles, "paint", 2, NOON);
	assert_string_equal(told(troubles, NOON + MINUTE), "ops: wide begun paint begun; mail: wide begun");
	troubles_destroy(troubles);
}

static void a_failing_channel_is_never_told_of_itself(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	stand_still(troubles, "ops", "suspended", NOON, 0);
	assert_string_equal(told(troubles, NOON + MINUTE), "mail: ops begun");
	lose(troubles, "only", "ops", "m1", NOON + MINUTE);
	assert_string_equal(told(troubles, NOON + 2 * MINUTE), "unheard: message|only|ops");
	troubles_destroy(troubles);
}

static void what_nobody_wants_to_know_is_forgotten(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	break_down(troubles, "quiet", 1, NOON);
	assert_string_equal(told(troubles, NOON + MINUTE), "");
	assert_int_equal(troubles_count(troubles), 0);
	troubles_destroy(troubles);
}

static void a_thousand_at_once_are_one_message_of_ten_and_a_number(void **state)
{
	struct troubles *troubles = create();
	struct telling telling;
	char name[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "job%d", i);
		break_down(troubles, name, i + 1, NOON + i);
	}
	assert_true(troubles_tell(troubles, NOON + MINUTE, &telling));
	assert_int_equal(telling.begun, 1000);
	const struct json *message = json_first(json_get(telling.order, "messages"));
	assert_null(json_next(message));
	assert_int_equal(json_length(json_get(message, "troubles")), TROUBLES_SHOWN);
	assert_int_equal(json_double(json_get(message, "more")), 1000 - TROUBLES_SHOWN);
	assert_int_equal(json_length(json_get(json_get(telling.order, "state"), "troubles")), 1000);
	telling_done(&telling);
	troubles_destroy(troubles);
}

/* -- what happens while it is told, and after ------------------------------------------------------- */

static void what_could_not_be_told_is_tried_again_a_minute_later(void **state)
{
	struct troubles *troubles = create();
	struct telling telling;

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	assert_true(troubles_tell(troubles, NOON + MINUTE, &telling));
	assert_true(troubles_due(troubles, NOON + MINUTE) == INT64_MAX);
	telling_done(&telling);
	troubles_untold(troubles, NOON + MINUTE + 5);
	assert_int_equal(troubles_due(troubles, NOON + MINUTE + 5), NOON + 2 * MINUTE + 5);
	assert_string_equal(told(troubles, NOON + 2 * MINUTE + 5), "ops: paint begun");
	troubles_destroy(troubles);
}

static void what_changes_while_it_is_told_is_told_next(void **state)
{
	struct troubles *troubles = create();
	struct telling telling;

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	break_down(troubles, "saw", 2, NOON);
	assert_true(troubles_tell(troubles, NOON + MINUTE, &telling));
	recover(troubles, "paint", 3, NOON + MINUTE + 1);
	telling_done(&telling);
	troubles_told(troubles);
	recover(troubles, "saw", 4, NOON + MINUTE + 2);
	assert_string_equal(told(troubles, NOON + 2 * MINUTE), "ops: paint over saw over");

	break_down(troubles, "paint", 5, NOON + HOUR);
	told(troubles, NOON + HOUR + MINUTE);
	recover(troubles, "paint", 6, NOON + HOUR + MINUTE);
	assert_true(troubles_tell(troubles, NOON + HOUR + 2 * MINUTE, &telling));
	break_down(troubles, "paint", 7, NOON + HOUR + 2 * MINUTE + 1);
	telling_done(&telling);
	troubles_told(troubles);
	assert_string_equal(told(troubles, NOON + HOUR + 3 * MINUTE), "ops: paint begun");
	troubles_destroy(troubles);
}

static void an_older_run_ends_nothing(void **state)
{
	struct troubles *troubles = create();

	(void)state;
	break_down(troubles, "paint", 8, NOON);
	recover(troubles, "paint", 7, NOON + 1);
	assert_string_equal(told(troubles, NOON + MINUTE), "ops: paint begun");
	troubles_destroy(troubles);
}

/* -- the next life ---------------------------------------------------------------------------------- */

static struct json *state_after(struct troubles *troubles, int64_t at_ms)
{
	struct telling telling;

	assert_true(troubles_tell(troubles, at_ms, &telling));
	struct json *state = json_copy(json_get(telling.order, "state"));
	telling_done(&telling);
	troubles_destroy(troubles); /* killed before it hears that it was told */
	return state;
}

static void a_restart_repeats_nothing_and_forgets_nothing(void **state)
{
	struct troubles *troubles = create();
	int64_t first = NOON + MINUTE, since;

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	break_down(troubles, "saw", 2, NOON);
	struct json *kept = state_after(troubles, first);

	troubles = troubles_create(ask, NULL);
	break_down(troubles, "saw", 2, NOON);                           /* the store tells of it again */
	recover(troubles, "paint", 3, first + 1000); /* before the state was read */
	recover(troubles, "other", 4, first + 1000);
	assert_true(troubles_due(troubles, first + HOUR) == INT64_MAX);
	troubles_load(troubles, kept, first + 2000, &since);
	assert_int_equal(since, first);
	assert_string_equal(told(troubles, first + MINUTE), "ops: paint over");
	assert_string_equal(told(troubles, first + HOUR), "ops: saw lasting");
	troubles_destroy(troubles);
	json_destroy(kept);
}

static void what_was_not_told_before_a_restart_is_told_after_it(void **state)
{
	struct troubles *troubles = create();
	int64_t since;

	(void)state;
	break_down(troubles, "paint", 1, NOON);
	break_down(troubles, "late", 2, NOON + MINUTE);
	struct json *kept = state_after(troubles, NOON + MINUTE);
	troubles = troubles_create(ask, NULL);
	troubles_load(troubles, kept, NOON + 2 * MINUTE, &since);
	assert_string_equal(told(troubles, NOON + 2 * MINUTE), "ops: late begun");
	troubles_destroy(troubles);
	json_destroy(kept);
}

static void a_channel_that_is_open_before_the_account_is_read_is_over(void **state)
{
	struct troubles *troubles = create();
	int64_t since;

	(void)state;
	stand_still(troubles, "mail", "suspended", NOON, 0);
	lose(troubles, "paint", "mail", "m1", NOON);
	struct json *kept = state_after(troubles, NOON + MINUTE);
	troubles = troubles_create(ask, NULL);
	troubles_over(troubles, &(struct trouble_subject){TROUBLE_CHANNEL, NULL, "mail"}, 0, NOON + MINUTE);
	troubles_load(troubles, kept, 0, &since);
	assert_string_equal(told(troubles, NOON + 2 * MINUTE), "ops: mail over");
	assert_int_equal(troubles_count(troubles), 1);
	troubles_destroy(troubles);
	json_destroy(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_due_while_all_is_well),
	    cmocka_unit_test(what_begins_in_one_minute_is_one_message_at_its_end),
	    cmocka_unit_test(it_is_told_again_while_it_lasts_and_once_when_it_is_over),
	    cmocka_unit_test(what_was_over_before_it_was_told_is_told_once),
	    cmocka_unit_test(a_short_pause_is_not_worth_a_word),
	    cmocka_unit_test(a_repeat_that_is_due_soon_goes_with_other_news),
	    cmocka_unit_test(a_lost_message_is_told_again_only_when_more_were_lost),
	    cmocka_unit_test(a_clock_that_is_set_back_does_not_silence_the_repeats),
	    cmocka_unit_test(each_channel_is_told_what_its_jobs_name_it_for),
	    cmocka_unit_test(a_failing_channel_is_never_told_of_itself),
	    cmocka_unit_test(what_nobody_wants_to_know_is_forgotten),
	    cmocka_unit_test(a_thousand_at_once_are_one_message_of_ten_and_a_number),
	    cmocka_unit_test(what_could_not_be_told_is_tried_again_a_minute_later),
	    cmocka_unit_test(what_changes_while_it_is_told_is_told_next),
	    cmocka_unit_test(an_older_run_ends_nothing),
	    cmocka_unit_test(a_restart_repeats_nothing_and_forgets_nothing),
	    cmocka_unit_test(a_channel_that_is_open_before_the_account_is_read_is_over),
	    cmocka_unit_test(what_was_not_told_before_a_restart_is_told_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
