/* SPDX-License-Identifier: MIT */
/* Due slots: what each misfire rule makes of a downtime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/slots.h"

#define HOUR 3600
#define NOON 1775044800 /* 2026-04-01T12:00:00Z */

/* A job that fires at the full hour, UTC. */
struct fixture {
	struct conf_job job;
	const struct schedule *schedules[2];
	struct due_slots due;
};

static void parse(const char *text, const struct schedule **out)
{
	const struct tz *utc;
	struct schedule *schedule;

	assert_null(tz_get("UTC", &utc));
	assert_null(schedule_parse(text, utc, "job", DST_VIXIE, &schedule, NULL));
	*out = schedule;
}

#define LINE(of) (&(struct slot_line){.job = (of)})

static void set_up(struct fixture *f, enum misfire misfire)
{
	*f = (struct fixture){
	    .job = {.name = "job", .misfire = (int)misfire, .max_late_ms = -1, .max_catchup = 100, .schedule_count = 1}};
	f->job.schedules = f->schedules;
	parse("0 * * * *", &f->schedules[0]);
}

static void tear_down(struct fixture *f)
{
	for (size_t i = 0; i < f->job.schedule_count; i++)
		schedule_destroy((struct schedule *)f->schedules[i]);
	due_slots_done(&f->due);
}

static size_t runs_in(const struct due_slots *due)
{
	size_t runs = 0;

	for (size_t i = 0; i < due->count; i++)
		runs += due->items[i].action == CLAIM_RUN;
	return runs;
}

static void a_slot_on_time_runs_under_every_rule(void **state)
{
	(void)state;
	for (enum misfire misfire = MISFIRE_ONE; misfire <= MISFIRE_ALL; misfire++) {
		struct fixture f;

		set_up(&f, misfire);
		slots_due(LINE(&f.job), NOON, NOON, 0, true, &f.due);
		assert_int_equal(f.due.count, 1);
		assert_int_equal(f.due.items[0].slot, NOON);
		assert_int_equal(f.due.items[0].action, CLAIM_RUN);
		assert_int_equal(f.due.items[0].trigger, TRIGGER_SCHEDULE);
		tear_down(&f);
	}
}

static void misfire_one_runs_the_newest_and_records_the_rest(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_ONE);
	slots_due(LINE(&f.job), NOON, NOON + 3 * HOUR + 600, 0, false, &f.due);
	assert_int_equal(f.due.count, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(f.due.items[i].slot, NOON + (utc_t)i * HOUR);
		assert_int_equal(f.due.items[i].action, CLAIM_MISSED);
		assert_non_null(f.due.items[i].reason);
	}
	assert_int_equal(f.due.items[3].action, CLAIM_RUN);
	assert_int_equal(f.due.items[3].trigger, TRIGGER_CATCHUP);
	tear_down(&f);
}

static void misfire_none_runs_nothing_that_was_missed(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_NONE);
	slots_due(LINE(&f.job), NOON, NOON + 2 * HOUR + 600, 0, false, &f.due);
	assert_int_equal(f.due.count, 3);
	assert_int_equal(runs_in(&f.due), 0);
	tear_down(&f);
}

static void misfire_all_runs_each_in_order_up_to_max_catchup(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_ALL);
	f.job.max_catchup = 3;
	slots_due(LINE(&f.job), NOON, NOON + 5 * HOUR, 0, false, &f.due);
	assert_int_equal(f.due.count, 6);
	assert_int_equal(runs_in(&f.due), 3);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(f.due.items[i].slot, NOON + (utc_t)i * HOUR);
		assert_int_equal(f.due.items[i].action, i < 3 ? CLAIM_MISSED : CLAIM_RUN);
	}
	tear_down(&f);
}

static void a_slot_later_than_max_late_is_missed(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_ALL);
	f.job.max_late_ms = 90 * 60 * 1000;
	slots_due(LINE(&f.job), NOON, NOON + 2 * HOUR, 0, false, &f.due);
	assert_int_equal(f.due.count, 3);
	assert_int_equal(f.due.items[0].action, CLAIM_MISSED);
	assert_int_equal(f.due.items[1].action, CLAIM_RUN);
	assert_int_equal(f.due.items[2].action, CLAIM_RUN);
	tear_down(&f);
}

static void a_year_of_downtime_is_bounded_and_leaves_no_gap(void **state)
{
	struct fixture f;
	utc_t now = NOON + 366 * 24 * HOUR;

	(void)state;
	set_up(&f, MISFIRE_ONE);
	slots_due(LINE(&f.job), NOON, now, 0, false, &f.due);
	assert_int_equal(f.due.count, SLOTS_MISSED_MAX + 2);
	assert_int_equal(f.due.items[0].first, NOON);
	assert_int_equal(f.due.items[0].slot, f.due.items[1].slot - HOUR);
	assert_int_equal(f.due.items[0].action, CLAIM_MISSED);
	assert_int_equal(f.due.items[f.due.count - 1].slot, now);
	assert_int_equal(f.due.items[f.due.count - 1].action, CLAIM_RUN);
	tear_down(&f);
}

static void several_schedules_are_merged_and_a_shared_slot_counts_once(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_ALL);
	parse("0,30 12 * * *", &f.schedules[1]);
	f.job.schedule_count = 2;
	assert_int_equal(slots_next(LINE(&f.job), NOON), NOON + HOUR / 2);
	assert_int_equal(slots_prev(LINE(&f.job), NOON + HOUR), NOON + HOUR / 2);
	slots_due(LINE(&f.job), NOON, NOON + HOUR, 0, false, &f.due);
	assert_int_equal(f.due.count, 3);
	tear_down(&f);
}

static void jitter_delays_the_fire_and_leaves_the_slot_where_it_is(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_ONE);
	f.job.delay_s = 400;
	assert_int_equal(slots_fire(LINE(&f.job), NOON - HOUR + 400), NOON + 400);
	assert_int_equal(slots_fire(LINE(&f.job), NOON + 399), NOON + 400);
	assert_int_equal(slots_next(LINE(&f.job), NOON - 1), NOON);
	slots_due(LINE(&f.job), NOON, NOON + 399, 0, true, &f.due);
	assert_int_equal(f.due.count, 0);
	slots_due(LINE(&f.job), NOON, NOON + 400, 0, true, &f.due);
	assert_int_equal(f.due.count, 1);
	assert_int_equal(f.due.items[0].slot, NOON);
	assert_int_equal(f.due.items[0].trigger, TRIGGER_SCHEDULE);
	tear_down(&f);
}

static void jitter_makes_no_slot_late(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_NONE);
	f.job.delay_s = HOUR + 600;
	f.job.max_late_ms = 5000;
	slots_due(LINE(&f.job), NOON, NOON + HOUR + 603, 0, true, &f.due);
	assert_int_equal(f.due.count, 1);
	assert_int_equal(f.due.items[0].action, CLAIM_RUN);
	f.due.count = 0;
	slots_due(LINE(&f.job), NOON, NOON + HOUR + 606, 0, true, &f.due);
	assert_int_equal(f.due.items[0].action, CLAIM_MISSED);
	tear_down(&f);
}

static void slots_before_the_end_of_a_pause_are_skipped_and_the_rest_goes_by_misfire(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, MISFIRE_ONE);
	slots_due(LINE(&f.job), NOON, NOON + 3 * HOUR + 600, NOON + 2 * HOUR, false, &f.due);
	assert_int_equal(f.due.count, 4);
	assert_int_equal(f.due.items[0].action, CLAIM_SKIPPED);
	assert_string_equal(f.due.items[1].reason, SLOTS_PAUSED);
	assert_int_equal(f.due.items[2].action, CLAIM_MISSED);
	assert_int_equal(f.due.items[3].action, CLAIM_RUN);
	f.due.count = 0;
	slots_due(LINE(&f.job), NOON, NOON, UTC_NEVER, true, &f.due);
	assert_int_equal(f.due.items[0].action, CLAIM_SKIPPED);
	tear_down(&f);
}

static void a_job_without_schedule_never_fires(void **state)
{
	struct conf_job job = {.name = "job"};

	(void)state;
	assert_true(slots_next(LINE(&job), NOON) == UTC_NEVER);
	assert_true(slots_fire(LINE(&job), NOON) == UTC_NEVER);
	assert_int_equal(slots_prev(LINE(&job), NOON), -1);
}

/* A slot of NOON that could not be claimed before: the job's rule, when that is, whether it still runs. */
static const struct {
	enum misfire misfire;
	int64_t max_late_ms;
	utc_t now;
	const char *reason;
} overtakings[] = {
    {MISFIRE_ONE, -1, NOON + HOUR - 1, NULL},
    {MISFIRE_ONE, -1, NOON + HOUR, "missed: a newer slot runs instead (misfire: one)"},
    {MISFIRE_ONE, 600000, NOON + 600, NULL},
    {MISFIRE_ONE, 600000, NOON + 601, "missed: later than max_late"},
    {MISFIRE_NONE, -1, NOON + SLOTS_TOLERANCE_S, NULL},
    {MISFIRE_NONE, -1, NOON + SLOTS_TOLERANCE_S + 1, "missed: not caught up (misfire: none)"},
    {MISFIRE_ALL, -1, NOON + 9 * HOUR, NULL},
    {MISFIRE_ALL, 600000, NOON + 601, "missed: later than max_late"},
};

static void a_slot_that_could_not_be_claimed_is_judged_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(overtakings); i++) {
		struct fixture f;

		set_up(&f, overtakings[i].misfire);
		f.job.max_late_ms = overtakings[i].max_late_ms;
		const char *reason = slots_overtaken(LINE(&f.job), NOON, overtakings[i].now);
		if (overtakings[i].reason)
			assert_string_equal(reason, overtakings[i].reason);
		else
			assert_null(reason);
		tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slot_on_time_runs_under_every_rule),
	    cmocka_unit_test(a_slot_that_could_not_be_claimed_is_judged_again),
	    cmocka_unit_test(misfire_one_runs_the_newest_and_records_the_rest),
	    cmocka_unit_test(misfire_none_runs_nothing_that_was_missed),
	    cmocka_unit_test(misfire_all_runs_each_in_order_up_to_max_catchup),
	    cmocka_unit_test(a_slot_later_than_max_late_is_missed),
	    cmocka_unit_test(a_year_of_downtime_is_bounded_and_leaves_no_gap),
	    cmocka_unit_test(several_schedules_are_merged_and_a_shared_slot_counts_once),
	    cmocka_unit_test(jitter_delays_the_fire_and_leaves_the_slot_where_it_is),
	    cmocka_unit_test(jitter_makes_no_slot_late),
	    cmocka_unit_test(slots_before_the_end_of_a_pause_are_skipped_and_the_rest_goes_by_misfire),
	    cmocka_unit_test(a_job_without_schedule_never_fires),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
