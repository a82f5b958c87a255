/* SPDX-License-Identifier: MIT */
/* Backlogs: what waits for another run of its job is claimed in order, one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/backlog.h"

static const struct job_module module = {.name = "module", .restartable = true};
static const struct conf_job job = {.name = "job", .module = &module, .overlap = OVERLAP_SKIP};
static const struct conf_job other = {.name = "other", .module = &module};

static struct wanted *add(struct backlog **backlogs, const char *key, enum trigger trigger)
{
	struct wanted *wanted = wanted_create(&job, key, 1000, trigger);

	backlog_add(backlogs, wanted);
	return wanted;
}

static void only_the_head_is_taken_until_it_is_settled(void **state)
{
	struct backlog *backlogs = NULL;
	struct wanted *first = add(&backlogs, "1", TRIGGER_SCHEDULE), *second = add(&backlogs, "2", TRIGGER_SCHEDULE);

	(void)state;
	assert_ptr_equal(backlog_take(backlog_find(backlogs, &job)), first);
	assert_null(backlog_take(backlog_find(backlogs, &job)));
	backlog_settled(&backlogs, first);
	assert_ptr_equal(backlog_take(backlog_find(backlogs, &job)), second);
	backlog_settled(&backlogs, second);
	assert_null(backlogs);
}

static void what_must_wait_keeps_its_place_and_is_taken_again(void **state)
{
	struct backlog *backlogs = NULL;
	struct wanted *first = add(&backlogs, "1", TRIGGER_SCHEDULE);

	(void)state;
	add(&backlogs, "2", TRIGGER_SCHEDULE);
	assert_ptr_equal(backlog_take(backlog_find(backlogs, &job)), first);
	backlog_waits(&backlogs, first);
	assert_ptr_equal(backlog_take(backlog_find(backlogs, &job)), first);
	backlogs_done(&backlogs);
	assert_null(backlogs);
}

static void a_slot_that_did_not_stand_in_line_does_when_it_must_wait(void **state)
{
	struct backlog *backlogs = NULL;
	struct wanted *wanted = wanted_create(&job, "1", 1000, TRIGGER_SCHEDULE);

	(void)state;
	assert_int_equal(wanted->slot.overlap, OVERLAP_SKIP);
	assert_true(wanted->slot.restartable);
	backlog_waits(&backlogs, wanted);
	assert_int_equal(wanted->slot.overlap, OVERLAP_QUEUE);
	assert_true(backlog_holds(backlogs, &job, "1"));
	assert_false(backlog_holds(backlogs, &job, "2"));
	assert_false(backlog_holds(backlogs, &other, "1"));
	backlogs_done(&backlogs);
}

static void a_slot_without_a_line_is_simply_settled(void **state)
{
	struct backlog *backlogs = NULL;
	struct wanted *head = add(&backlogs, "1", TRIGGER_SCHEDULE);

	(void)state;
	backlog_settled(&backlogs, wanted_create(&job, "2", 2000, TRIGGER_SCHEDULE));
	assert_ptr_equal(backlog_take(backlog_find(backlogs, &job)), head);
	backlogs_done(&backlogs);
}

static void a_job_catches_up_while_such_a_slot_stands_in_line(void **state)
{
	struct backlog *backlogs = NULL;

	(void)state;
	assert_false(backlog_catches_up(backlogs, &job));
	add(&backlogs, "1", TRIGGER_MANUAL);
	assert_false(backlog_catches_up(backlogs, &job));
	add(&backlogs, "2", TRIGGER_CATCHUP);
	assert_true(backlog_catches_up(backlogs, &job));
	assert_false(backlog_catches_up(backlogs, &other));
	backlogs_done(&backlogs);
}

static void a_run_by_hand_has_no_key_of_its_own(void **state)
{
	struct wanted *wanted = wanted_create(&job, NULL, 1000, TRIGGER_MANUAL);

	(void)state;
	assert_null(wanted->slot.key);
	free(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_the_head_is_taken_until_it_is_settled),
	    cmocka_unit_test(what_must_wait_keeps_its_place_and_is_taken_again),
	    cmocka_unit_test(a_slot_that_did_not_stand_in_line_does_when_it_must_wait),
	    cmocka_unit_test(a_slot_without_a_line_is_simply_settled),
	    cmocka_unit_test(a_job_catches_up_while_such_a_slot_stands_in_line),
	    cmocka_unit_test(a_run_by_hand_has_no_key_of_its_own),
	};

	return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
