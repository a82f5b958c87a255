/* SPDX-License-Identifier: MIT */
/* Slots that a module has named: what replaces, what moves, what was taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/slots.h"

#define HOUR 3600

static void a_list_of_which_nothing_is_known_has_no_slots(void **state)
{
	struct slot_list list = {0};

	(void)state;
	assert_true(slot_list_next(&list, 0) == UTC_NEVER);
	assert_int_equal(slot_list_prev(&list, UTC_NEVER), -1);
	assert_int_equal(slot_list_find(&list, 0, 0), 0);
	slot_list_take(&list, 1000);
	slot_list_done(&list);
}

static void slots_lie_strictly_after_and_strictly_before(void **state)
{
	cleanup(slot_list_done) struct slot_list list = {0};
	const struct slot_name names[] = {{"a", 100}, {"b", 200}, {"c", 200}, {"d", 300}};

	(void)state;
	slot_list_replace(&list, names, 4, 1000);
	assert_int_equal(slot_list_next(&list, 99), 100);
	assert_int_equal(slot_list_next(&list, 100), 200);
	assert_int_equal(slot_list_prev(&list, 300), 200);
	assert_int_equal(slot_list_prev(&list, 100), -1);
	size_t first = slot_list_find(&list, 200, 0);
	assert_string_equal(list.items[first].key, "b");
	assert_string_equal(list.items[slot_list_find(&list, 200, first + 1)].key, "c");
	assert_int_equal(slot_list_find(&list, 150, 0), list.count);
}

static void a_list_replaces_the_one_before(void **state)
{
	cleanup(slot_list_done) struct slot_list list = {0};

	(void)state;
	slot_list_replace(&list, (struct slot_name[]){{"a", 100}, {"b", 200}}, 2, 1000);
	slot_list_replace(&list, (struct slot_name[]){{"b", 150}}, 1, 1100);
	assert_int_equal(slot_list_next(&list, 0), 150);
	assert_true(slot_list_next(&list, 150) == UTC_NEVER);
	assert_int_equal(list.until, 1100);
}

static void a_slot_that_was_taken_is_not_due_again_wherever_it_moves(void **state)
{
	cleanup(slot_list_done) struct slot_list list = {0};

	(void)state;
	slot_list_replace(&list, (struct slot_name[]){{"a", 100}, {"b", 200}}, 2, 1000);
	slot_list_take(&list, 100);
	slot_list_replace(&list, (struct slot_name[]){{"b", 200}, {"a", 230}}, 2, 1000);
	assert_int_equal(slot_list_next(&list, 0), 200);
	assert_true(slot_list_next(&list, 200) == UTC_NEVER);
}

static void a_slot_that_moves_behind_one_that_was_taken_is_still_due(void **state)
{
	cleanup(slot_list_done) struct slot_list list = {0};

	(void)state;
	slot_list_replace(&list, (struct slot_name[]){{"a", 100}, {"b", 200}}, 2, 1000);
	slot_list_take(&list, 100);
	slot_list_replace(&list, (struct slot_name[]){{"b", 90}, {"a", 100}}, 2, 1000);
	assert_int_equal(slot_list_next(&list, -1), 90);
}

/* -- as a job's slots ---------------------------------------------------------------------------------- */

static struct conf_job job_with(enum misfire misfire)
{
	return (struct conf_job){
	    .name = "job", .misfire = (int)misfire, .max_late_ms = -1, .max_catchup = 100};
}

static const struct slot_name three[] = {{"one", HOUR}, {"two", 2 * HOUR}, {"three", 3 * HOUR}};

static void named_slots_go_by_the_misfire_rule_under_their_names(void **state)
{
	static const struct {
		enum misfire misfire;
		enum claim_action actions[3];
	} rows[] = {
	    {MISFIRE_ONE, {CLAIM_MISSED, CLAIM_MISSED, CLAIM_RUN}},
	    {MISFIRE_ALL, {CLAIM_RUN, CLAIM_RUN, CLAIM_RUN}},
	    {MISFIRE_NONE, {CLAIM_MISSED, CLAIM_MISSED, CLAIM_MISSED}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conf_job job = job_with(rows[i].misfire);
		cleanup(slot_list_done) struct slot_list list = {0};
		cleanup(due_slots_done) struct due_slots due = {0};

		slot_list_replace(&list, three, 3, 9 * HOUR);
		slots_due(&(struct slot_line){&job, &list}, HOUR, 3 * HOUR + 600, 0, false, &due);
		assert_int_equal(due.count, 3);
		for (size_t n = 0; n < 3; n++) {
			assert_string_equal(due.items[n].key, three[n].key);
			assert_int_equal(due.items[n].action, rows[i].actions[n]);
		}
	}
}

static void named_slots_of_one_instant_share_its_fate(void **state)
{
	struct conf_job job = job_with(MISFIRE_ONE);
	cleanup(slot_list_done) struct slot_list list = {0};
	cleanup(due_slots_done) struct due_slots due = {0};

	(void)state;
	slot_list_replace(&list, (struct slot_name[]){{"old", 50}, {"a", 100}, {"b", 100}}, 3, 1000);
	slots_due(&(struct slot_line){&job, &list}, 50, 110, 0, true, &due);
	assert_int_equal(due.count, 3);
	assert_int_equal(due.items[0].action, CLAIM_MISSED);
	assert_int_equal(due.items[1].action, CLAIM_RUN);
	assert_int_equal(due.items[2].action, CLAIM_RUN);
}

static void a_clock_and_a_module_may_name_slots_of_one_job(void **state)
{
	struct conf_job job = job_with(MISFIRE_ALL);
	const struct schedule *schedules[1];
	const struct tz *tz;
	cleanup(slot_list_done) struct slot_list list = {0};
	cleanup(due_slots_done) struct due_slots due = {0};
	struct slot_line line = {&job, &list};

	(void)state;
	assert_null(tz_get("UTC", &tz));
	assert_null(
	    schedule_parse("0 * * * *", tz, NULL, DST_VIXIE, (struct schedule **)&schedules[0], NULL));
	job.schedules = schedules;
	job.schedule_count = 1;
	slot_list_replace(&list, (struct slot_name[]){{"half", HOUR / 2}, {"full", HOUR}}, 2, 9 * HOUR);
	slots_due(&line, HOUR / 2, 2 * HOUR, 0, true, &due);
	assert_int_equal(due.count, 4); /* half, the hour by name and by the clock, the next hour */
	assert_string_equal(due.items[0].key, "half");
	assert_null(due.items[3].key);
	assert_int_equal(slots_next(&line, HOUR / 2), HOUR);
	assert_int_equal(slots_fire(&line, 2 * HOUR), HOUR / 2); /* not taken yet */
	slot_list_take(&list, 2 * HOUR);
	assert_int_equal(slots_fire(&line, 2 * HOUR), 3 * HOUR);
	schedule_destroy((struct schedule *)schedules[0]);
}

static void jitter_delays_named_slots_too(void **state)
{
	struct conf_job job = job_with(MISFIRE_ONE);
	cleanup(slot_list_done) struct slot_list list = {0};
	cleanup(due_slots_done) struct due_slots due = {0};
	struct slot_line line = {&job, &list};

	(void)state;
	job.delay_s = 400;
	slot_list_replace(&list, three, 3, 9 * HOUR);
	assert_int_equal(slots_fire(&line, 0), HOUR + 400);
	slots_due(&line, HOUR, HOUR + 399, 0, true, &due);
	assert_int_equal(due.count, 0);
	slots_due(&line, HOUR, HOUR + 400, 0, true, &due);
	assert_int_equal(due.count, 1);
	assert_int_equal(due.items[0].slot, HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_of_which_nothing_is_known_has_no_slots),
	    cmocka_unit_test(slots_lie_strictly_after_and_strictly_before),
	    cmocka_unit_test(a_list_replaces_the_one_before),
	    cmocka_unit_test(a_slot_that_was_taken_is_not_due_again_wherever_it_moves),
	    cmocka_unit_test(a_slot_that_moves_behind_one_that_was_taken_is_still_due),
	    cmocka_unit_test(named_slots_go_by_the_misfire_rule_under_their_names),
	    cmocka_unit_test(named_slots_of_one_instant_share_its_fate),
	    cmocka_unit_test(a_clock_and_a_module_may_name_slots_of_one_job),
	    cmocka_unit_test(jitter_delays_named_slots_too),
	};

	return cmocka_run_group_tests_name("slot_list", tests, NULL, NULL);
}
