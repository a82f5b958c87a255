/* SPDX-License-Identifier: MIT */
/* The agenda: what is due comes out, earliest first, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/agenda.h"

static void an_empty_agenda_has_nothing_due(void **state)
{
	struct agenda agenda = {0};
	struct agenda_entry entry;

	(void)state;
	assert_true(agenda_first(&agenda) == UTC_NEVER);
	assert_false(agenda_take(&agenda, 1000, &entry));
}

static void a_job_that_never_fires_is_not_kept(void **state)
{
	struct agenda agenda = {0};

	(void)state;
	agenda_add(&agenda, 1, UTC_NEVER);
	assert_int_equal(agenda.count, 0);
	agenda_done(&agenda);
}

static void what_is_due_comes_out_in_order_of_time_then_job(void **state)
{
	struct agenda agenda = {0};
	struct agenda_entry entry;
	utc_t last_at = 0;
	uint32_t last_job = 0;
	size_t taken = 0;

	(void)state;
	srand(7);
	for (uint32_t job = 0; job < 1000; job++)
		agenda_add(&agenda, job, rand() % 100);
	while (agenda_take(&agenda, 49, &entry)) {
		assert_in_range(entry.at, last_at, 49);
		assert_true(entry.at > last_at || !taken || entry.job > last_job);
		last_at = entry.at;
		last_job = entry.job;
		taken++;
	}
	assert_in_range(taken, 400, 600);
	assert_int_equal(agenda.count, 1000 - taken);
	assert_true(agenda_first(&agenda) >= 50);
	agenda_done(&agenda);
}

static void a_job_put_back_fires_again(void **state)
{
	struct agenda agenda = {0};
	struct agenda_entry entry;

	(void)state;
	agenda_add(&agenda, 5, 10);
	agenda_add(&agenda, 6, 20);
	assert_true(agenda_take(&agenda, 10, &entry));
	agenda_add(&agenda, entry.job, 15);
	assert_int_equal(agenda_first(&agenda), 15);
	assert_false(agenda_take(&agenda, 14, &entry));
	agenda_done(&agenda);
}

static void a_job_that_is_moved_is_due_once_and_at_its_new_time(void **state)
{
	struct agenda_entry entry;
	size_t times = 0;
	utc_t last = 0;

	(void)state;
	srand(11);
	for (int round = 0; round < 200; round++) {
		struct agenda agenda = {0};
		utc_t at[20];

		for (uint32_t job = 0; job < 20; job++)
			agenda_add(&agenda, job, rand() % 100);
		for (uint32_t job = 0; job < 20; job++)
			agenda_move(&agenda, job, at[job] = rand() % 100);
		for (times = 0, last = 0; agenda_take(&agenda, 100, &entry); times++) {
			assert_int_equal(entry.at, at[entry.job]);
			assert_true(entry.at >= last);
			last = entry.at;
		}
		assert_int_equal(times, 20);
		agenda_done(&agenda);
	}
}

static void a_job_that_is_moved_to_never_is_gone(void **state)
{
	struct agenda agenda = {0};

	(void)state;
	agenda_add(&agenda, 1, 10);
	agenda_add(&agenda, 2, 20);
	agenda_move(&agenda, 1, UTC_NEVER);
	assert_int_equal(agenda.count, 1);
	assert_int_equal(agenda_first(&agenda), 20);
	agenda_done(&agenda);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_agenda_has_nothing_due),
	    cmocka_unit_test(a_job_that_never_fires_is_not_kept),
	    cmocka_unit_test(what_is_due_comes_out_in_order_of_time_then_job),
	    cmocka_unit_test(a_job_put_back_fires_again),
	    cmocka_unit_test(a_job_that_is_moved_is_due_once_and_at_its_new_time),
	    cmocka_unit_test(a_job_that_is_moved_to_never_is_gone),
	};

	return cmocka_run_group_tests_name("agenda", tests, NULL, NULL);
}
