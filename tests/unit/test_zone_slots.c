/* SPDX-License-Identifier: MIT */
/* When zone jobs are due: hour ends, shift ends, staffing times, the end of a date; over changes of clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "jobs/zone/shift.h"
#include "jobs/zone/slots.h"

struct fixture {
	struct arena arena;
	struct zone zone;
	struct zone_slot_list list;
};

static utc_t at(const char *text)
{
	utc_t utc;

	assert_null(utc_parse(text, &utc));
	return utc;
}

static struct zone zone_in(const char *id, const char *timezone, int minute)
{
	struct zone zone = {
	    .id = id,
	    .starts = {{"DAY", 6, minute}, {"NIGHT", 18, minute}},
	    .start_count = 2,
	};

	assert_null(tz_get(timezone, &zone.tz));
	return zone;
}

static void set_up(struct fixture *f, const char *timezone, int minute, const char *from, const char *to)
{
	*f = (struct fixture){.zone = zone_in("Z1", timezone, minute)};
	f->list = (struct zone_slot_list){.arena = &f->arena, .from = at(from), .to = at(to)};
}

static void done(struct fixture *f)
{
	free(f->list.items);
	arena_done(&f->arena);
}

static void check(const struct fixture *f, size_t place, const char *key, const char *instant)
{
	char text[TIME_TEXT];

	assert_true(place < f->list.count);
	assert_string_equal(f->list.items[place].key, key);
	assert_string_equal(utc_format(f->list.items[place].at, text), instant);
}

/* Each hour's slot is the one at which the report is about that hour. */
static void check_hours(const struct fixture *f, int64_t grace)
{
	for (size_t i = 0; i < f->list.count; i++) {
		struct shift shift;
		struct bucket hour = bucket_ripe(&f->zone, f->list.items[i].at - grace, &shift);
		char date[TIME_TEXT];

		assert_string_equal(
		    f->list.items[i].key, arena_format((struct arena *)&f->arena, "Z1|%s|%s|%lld",
		                              date_format(shift.date, date), shift.type, (long long)hour.no));
	}
}

static void hours_are_due_at_their_end_and_grace_through_nights_of_any_length(void **state)
{
	static const struct {
		const char *timezone;
		int minute;
		const char *from, *to;
		size_t count;
		const char *last_key, *last_at;
	} rows[] = {
	    /* 13 and 11 hours of a night */
	    {"America/Los_Angeles", 0, "2024-11-03T01:02:01Z", "2024-11-03T14:02:01Z", 13,
	        "Z1|2024-11-02|NIGHT|13", "2024-11-03T14:02:00Z"},
	    {"America/Los_Angeles", 0, "2025-03-09T02:02:01Z", "2025-03-09T13:02:01Z", 11,
	        "Z1|2025-03-08|NIGHT|11", "2025-03-09T13:02:00Z"},
	    /* hours to half past */
	    {"America/Los_Angeles", 30, "2024-11-03T01:32:01Z", "2024-11-03T14:32:01Z", 13,
	        "Z1|2024-11-02|NIGHT|13", "2024-11-03T14:32:00Z"},
	    /* 12.5 hours (the last is short) and 11.5 */
	    {"Australia/Lord_Howe", 30, "2025-04-05T07:32:01Z", "2025-04-05T20:02:01Z", 13,
	        "Z1|2025-04-05|NIGHT|13", "2025-04-05T20:02:00Z"},
	    {"Australia/Lord_Howe", 30, "2024-10-05T08:02:01Z", "2024-10-05T19:32:01Z", 12,
	        "Z1|2024-10-05|NIGHT|12", "2024-10-05T19:32:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f;

		set_up(&f, rows[i].timezone, rows[i].minute, rows[i].from, rows[i].to);
		zone_add_hourly(&f.list, &f.zone, 120);
		assert_int_equal(f.list.count, rows[i].count);
		check(&f, rows[i].count - 1, rows[i].last_key, rows[i].last_at);
		check_hours(&f, 120);
	}
}

static void the_time_asked_for_is_half_open_and_may_be_cut_anywhere(void **state)
{
	cleanup(done) struct fixture whole, parts;
	utc_t from = at("2024-11-01T00:00:00Z"), to = at("2024-11-05T00:00:00Z");

	(void)state;
	set_up(&whole, "America/Los_Angeles", 0, "2024-11-01T00:00:00Z", "2024-11-05T00:00:00Z");
	set_up(&parts, "America/Los_Angeles", 0, "2024-11-01T00:00:00Z", "2024-11-05T00:00:00Z");
	zone_add_hourly(&whole.list, &whole.zone, 0);
	for (utc_t cut = from; cut < to; cut += 1800) { /* on and between slots */
		parts.list.from = cut;
		parts.list.to = cut + 1800;
		zone_add_hourly(&parts.list, &parts.zone, 0);
	}
	assert_int_equal(whole.list.count, 4 * 24);
	assert_int_equal(parts.list.count, whole.list.count);
	for (size_t i = 0; i < whole.list.count; i++) {
		assert_string_equal(parts.list.items[i].key, whole.list.items[i].key);
		assert_int_equal(parts.list.items[i].at, whole.list.items[i].at);
	}
}

static void a_grace_longer_than_a_shift_loses_no_hour(void **state)
{
	cleanup(done) struct fixture f;

	(void)state;
	set_up(&f, "UTC", 0, "2026-01-10T00:00:00Z", "2026-01-11T00:00:00Z");
	zone_add_hourly(&f.list, &f.zone, 86400);
	assert_int_equal(f.list.count, 24);
	check(&f, 0, "Z1|2026-01-08|NIGHT|6", "2026-01-10T00:00:00Z");
}

static void each_shift_end_is_due_once_whatever_the_clocks_do(void **state)
{
	cleanup(done) struct fixture f;

	(void)state;
	set_up(&f, "America/Los_Angeles", 0, "2024-11-02T00:00:00Z", "2024-11-05T00:00:00Z");
	zone_add_shift_ends(&f.list, &f.zone, 600);
	assert_int_equal(f.list.count, 6);
	check(&f, 0, "Z1|2024-11-01|DAY", "2024-11-02T01:10:00Z");
	check(&f, 2, "Z1|2024-11-02|DAY", "2024-11-03T01:10:00Z");
	check(&f, 3, "Z1|2024-11-02|NIGHT", "2024-11-03T14:10:00Z");
	check(&f, 4, "Z1|2024-11-03|DAY", "2024-11-04T02:10:00Z");
}

static void staffing_is_due_half_an_hour_into_a_shift_and_then_in_steps_while_it_lasts(void **state)
{
	cleanup(done) struct fixture f;

	(void)state;
	set_up(&f, "Australia/Lord_Howe", 30, "2025-04-05T07:30:00Z", "2025-04-05T20:00:00Z");
	zone_add_staffing(&f.list, &f.zone, 1800, 300);
	assert_int_equal(f.list.count, 12 * 12); /* of 12.5 hours */
	check(&f, 0, "Z1|2025-04-05|NIGHT|30", "2025-04-05T08:00:00Z");
	check(&f, 1, "Z1|2025-04-05|NIGHT|35", "2025-04-05T08:05:00Z");
	check(&f, 143, "Z1|2025-04-05|NIGHT|745", "2025-04-05T19:55:00Z");
}

static void a_plants_date_is_over_when_its_last_zone_has_ended_it(void **state)
{
	cleanup(done) struct fixture f;
	const struct zone zones[] = {
	    zone_in("Z1", "Europe/Berlin", 0), zone_in("Z2", "America/Los_Angeles", 30)};

	(void)state;
	set_up(&f, "UTC", 0, "2024-11-02T00:00:00Z", "2024-11-05T00:00:00Z");
	zone_add_daily(&f.list, zones, 2, 600);
	assert_int_equal(f.list.count, 3);
	check(&f, 0, "2024-11-01", "2024-11-02T13:40:00Z");
	check(&f, 1, "2024-11-02", "2024-11-03T14:40:00Z"); /* the clocks have gone back */
	check(&f, 2, "2024-11-03", "2024-11-04T14:40:00Z");
}

static void a_date_that_a_zone_never_had_is_not_due(void **state)
{
	cleanup(done) struct fixture f;
	const struct zone zone = zone_in("Z1", "Pacific/Apia", 0);

	(void)state;
	set_up(&f, "UTC", 0, "2011-12-29T00:00:00Z", "2012-01-02T00:00:00Z");
	zone_add_daily(&f.list, &zone, 1, 0);
	for (size_t i = 0; i < f.list.count; i++)
		assert_string_not_equal(f.list.items[i].key, "2011-12-30");
	assert_int_equal(f.list.count, 4);
	check(&f, 1, "2011-12-29", "2011-12-30T16:00:00Z");
	check(&f, 2, "2011-12-31", "2011-12-31T16:00:00Z");
}

static void zones_that_are_due_together_are_one_slot(void **state)
{
	cleanup(done) struct fixture f;
	const struct zone second = zone_in("Z2", "UTC", 0), third = zone_in("Z3", "UTC", 30);

	(void)state;
	set_up(&f, "UTC", 0, "2026-01-10T06:00:01Z", "2026-01-10T08:00:00Z");
	zone_add_hourly(&f.list, &f.zone, 0);
	zone_add_hourly(&f.list, &second, 0);
	zone_add_hourly(&f.list, &third, 0);
	zone_slots_arrange(&f.list);
	assert_int_equal(f.list.count, 3);
	check(&f, 0, "Z3|2026-01-09|NIGHT|12", "2026-01-10T06:30:00Z");
	check(&f, 1, "Z1|2026-01-10|DAY|1", "2026-01-10T07:00:00Z");
	check(&f, 2, "Z3|2026-01-10|DAY|1", "2026-01-10T07:30:00Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hours_are_due_at_their_end_and_grace_through_nights_of_any_length),
	    cmocka_unit_test(the_time_asked_for_is_half_open_and_may_be_cut_anywhere),
	    cmocka_unit_test(a_grace_longer_than_a_shift_loses_no_hour),
	    cmocka_unit_test(each_shift_end_is_due_once_whatever_the_clocks_do),
	    cmocka_unit_test(staffing_is_due_half_an_hour_into_a_shift_and_then_in_steps_while_it_lasts),
	    cmocka_unit_test(a_plants_date_is_over_when_its_last_zone_has_ended_it),
	    cmocka_unit_test(a_date_that_a_zone_never_had_is_not_due),
	    cmocka_unit_test(zones_that_are_due_together_are_one_slot),
	};

	return cmocka_run_group_tests_name("zone_slots", tests, NULL, NULL);
}
