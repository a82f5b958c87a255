/* SPDX-License-Identifier: MIT */
/* Fires: what happens when clocks change, next against prev, every zone of the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "schedule/schedule.h"
#include "schedule/tz.h"

#define DAY INT64_C(86400)

static utc_t instant(const char *text)
{
	utc_t at;

	assert_null(utc_parse(text, &at));
	return at;
}

static const struct tz *zone(const char *name)
{
	const struct tz *tz = NULL;
	struct err *e = tz_get(name, &tz);

	if (e)
		fail_msg("%s", err_text(e));
	return tz;
}

static struct schedule *schedule_of(const char *text, const char *zone_name, enum dst_rule dst)
{
	struct schedule *schedule = NULL;
	struct err *e = schedule_parse(text, zone(zone_name), "job", dst, &schedule, NULL);

	if (e)
		fail_msg("%s: %s", text, err_text(e));
	return schedule;
}

/* -- clock changes ------------------------------------------------------------------------------ */

#define NEW_YORK "America/New_York"

struct change_row {
	enum dst_rule dst;
	const char *zone, *expression;
	const char *from, *to; /* all fires from FROM up to before TO, instants */
	const char *fires;     /* local time and offset */
};

static const struct change_row change_rows[] = {
    /* Forward, an hour. */
    {DST_VIXIE, NEW_YORK, "30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "03:00-04"},
    {DST_VIXIE, NEW_YORK, "0,30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "03:00-04"},
    {DST_VIXIE, NEW_YORK, "0 2,3 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "03:00-04"},
    {DST_VIXIE, NEW_YORK, "0 * * * *", "2026-03-08T06:00:00Z", "2026-03-08T08:30:00Z",
        "01:00-05 03:00-04 04:00-04"},
    {DST_VIXIE, NEW_YORK, "*/15 * * * *", "2026-03-08T06:40:00Z", "2026-03-08T07:20:00Z",
        "01:45-05 03:00-04 03:15-04"},
    {DST_VIXIE, NEW_YORK, "0 */2 * * *", "2026-03-08T05:00:00Z", "2026-03-08T09:00:00Z",
        "00:00-05 03:00-04 04:00-04"},
    {DST_VIXIE, NEW_YORK, "20,40 1-2 * * *", "2026-03-08T06:00:00Z", "2026-03-08T10:00:00Z",
        "01:20-05 01:40-05 03:00-04"},
    {DST_VIXIE, NEW_YORK, "30 2 9 * *", "2026-03-08T05:00:00Z", "2026-03-10T04:00:00Z", "02:30-04"},
    {DST_VIXIE, NEW_YORK, "@every 30m", "2026-03-08T06:30:00Z", "2026-03-08T08:00:00Z",
        "01:30-05 03:00-04 03:30-04"},
    /* Back, an hour. */
    {DST_VIXIE, NEW_YORK, "30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01:30-04"},
    {DST_VIXIE, NEW_YORK, "0 * * * *", "2026-11-01T05:00:00Z", "2026-11-01T07:30:00Z",
        "01:00-04 01:00-05 02:00-05"},
    {DST_VIXIE, NEW_YORK, "0 0-23 * * *", "2026-11-01T05:00:00Z", "2026-11-01T07:30:00Z",
        "01:00-04 01:00-05 02:00-05"},
    {DST_VIXIE, NEW_YORK, "*/15 * * * *", "2026-11-01T05:15:00Z", "2026-11-01T07:15:00Z",
        "01:15-04 01:30-04 01:45-04 01:00-05 01:15-05 01:30-05 01:45-05 02:00-05"},
    {DST_VIXIE, NEW_YORK, "*/15 1 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
        "01:00-04 01:15-04 01:30-04 01:45-04"},
    {DST_VIXIE, NEW_YORK, "0 1,2 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01:00-04 02:00-05"},
    {DST_VIXIE, NEW_YORK, "30 0-2 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
        "00:30-04 01:30-04 01:30-05 02:30-05"},
    {DST_VIXIE, NEW_YORK, "30 0-2 1 11 *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
        "00:30-04 01:30-04 01:30-05 02:30-05"},
    /* Other sizes and hours of change. */
    {DST_VIXIE, "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z",
        "02:30+11"},
    {DST_VIXIE, "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z",
        "01:45+11"},
    {DST_VIXIE, "Australia/Lord_Howe", "*/20 * * * *", "2026-04-04T14:40:00Z", "2026-04-04T15:40:00Z",
        "01:40+11 01:40+10:30 02:00+10:30"},
    {DST_VIXIE, "America/Santiago", "0 0 * * *", "2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z", "01:00-03"},
    {DST_VIXIE, "America/Santiago", "0 0 6 9 *", "2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z", "01:00-03"},
    {DST_VIXIE, "Africa/Cairo", "30 0 * * *", "2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z", "01:00+03"},
    {DST_VIXIE, "Asia/Beirut", "0 0 * * sun", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "01:00+03"},
    {DST_VIXIE, "Africa/Casablanca", "30 2 * * *", "2025-02-22T12:00:00Z", "2025-02-23T12:00:00Z",
        "02:30+01"},
    {DST_VIXIE, "Africa/Casablanca", "30 2 * * *", "2025-04-05T12:00:00Z", "2025-04-06T12:00:00Z",
        "03:00+01"},
    {DST_VIXIE, "Europe/Dublin", "30 1 * * *", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "02:00+01"},
    {DST_VIXIE, "Europe/Dublin", "30 1 * * *", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "01:30+01"},
    {DST_VIXIE, "America/Havana", "*/30 * * * sun", "2024-11-03T04:00:00Z", "2024-11-03T06:30:00Z",
        "00:00-04 00:30-04 00:00-05 00:30-05 01:00-05"},
    {DST_VIXIE, "America/Havana", "30 0 * * *", "2024-11-02T12:00:00Z", "2024-11-03T12:00:00Z", "00:30-04"},
    {DST_VIXIE, "Pacific/Apia", "0 6 * * *", "2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z",
        "00:00+14 06:00+14"},
    {DST_VIXIE, "Pacific/Apia", "0 6 30 12 *", "2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z", "00:00+14"},
    {DST_VIXIE, "Pacific/Apia", "0 */6 * * *", "2011-12-30T03:00:00Z", "2011-12-30T17:00:00Z",
        "18:00-10 00:00+14 06:00+14"},
    /* The other rules. */
    {DST_RFC5545, NEW_YORK, "30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "03:30-04"},
    {DST_RFC5545, NEW_YORK, "0,30 2,3 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z",
        "03:00-04 03:30-04"},
    {DST_RFC5545, NEW_YORK, "10 2 * * *", "2026-03-08T07:11:00Z", "2026-03-09T04:00:00Z", ""},
    {DST_RFC5545, NEW_YORK, "10,50 2,3 * * *", "2026-03-08T07:11:00Z", "2026-03-09T04:00:00Z", "03:50-04"},
    {DST_RFC5545, NEW_YORK, "30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01:30-04"},
    {DST_RFC5545, NEW_YORK, "0 * * * *", "2026-03-08T06:00:00Z", "2026-03-08T08:30:00Z",
        "01:00-05 03:00-04 04:00-04"},
    {DST_SKIP, NEW_YORK, "30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", ""},
    {DST_SKIP, NEW_YORK, "0 2,3 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "03:00-04"},
    {DST_SKIP, NEW_YORK, "30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01:30-04"},
    {DST_BOTH, NEW_YORK, "30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "03:00-04"},
    {DST_BOTH, NEW_YORK, "30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01:30-04 01:30-05"},
    {DST_BOTH, NEW_YORK, "30 1 1 11 *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01:30-04 01:30-05"},
};

/* `03:00-04`: the time, the offset without minutes that are 0. */
static void add_local(const struct tz *tz, utc_t at, struct buf *out)
{
	char text[TIME_TEXT];

	tz_format(tz, at, text);
	buf_format(out, "%s%.5s%.3s", out->length ? " " : "", text + 11, text + 19);
	if (strcmp(text + 23, "00") != 0)
		buf_add_text(out, text + 22);
}

static void check_change(const struct change_row *row)
{
	cleanup(buf_done) struct buf forward = {0};
	struct schedule *schedule = schedule_of(row->expression, row->zone, row->dst);
	utc_t fires[20] = {0}, at;
	size_t count = 0;

	for (at = instant(row->from) - 1; (at = schedule_next(schedule, at)) < instant(row->to);) {
		assert_true(count < ARRAY_SIZE(fires));
		fires[count++] = at;
		add_local(schedule_tz(schedule), at, &forward);
	}
	if (strcmp(buf_text(&forward), row->fires) != 0)
		fail_msg("%s: %s\n  fires    %s\n  expected %s", row->zone, row->expression,
		    buf_text(&forward), row->fires);
	/* And the same fires backwards. */
	for (at = instant(row->to); (at = schedule_prev(schedule, at)) >= instant(row->from);) {
		assert_true(count > 0);
		assert_int_equal(at, fires[--count]);
	}
	assert_int_equal(count, 0);
	schedule_destroy(schedule);
}

static void clock_changes_follow_the_dst_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(change_rows); i++)
		check_change(&change_rows[i]);
}

/* -- next and prev ------------------------------------------------------------------------------ */

static void no_fires_are_before_1970_or_beyond_a_hundred_years(void **state)
{
	struct schedule *daily = schedule_of("0 0 * * *", "UTC", DST_VIXIE);
	struct schedule *past = schedule_of("0 0 0 1 1 ? 2020", "UTC", DST_VIXIE);
	struct schedule *at = schedule_of("@at 1960-01-01", "UTC", DST_VIXIE);

	(void)state;
	assert_int_equal(schedule_next(daily, INT64_MIN), 0);
	assert_int_equal(schedule_next(daily, -1), 0);
	assert_int_equal(schedule_next(daily, 0), 86400);
	assert_int_equal(schedule_prev(daily, 1), 0);
	assert_int_equal(schedule_prev(daily, 0), -1);
	assert_int_equal(schedule_prev(daily, INT64_MIN), -1);
	assert_int_equal(schedule_next(daily, UTC_NEVER), UTC_NEVER);
	assert_int_equal(schedule_next(daily, UTC_NEVER - 1), UTC_NEVER);
	assert_int_equal(schedule_prev(daily, UTC_NEVER), instant("9999-12-31"));
	assert_int_equal(schedule_prev(past, instant("2026-01-01")), instant("2020-01-01"));
	assert_int_equal(schedule_prev(past, instant("2020-01-01")), -1);
	assert_int_equal(schedule_prev(past, instant("2125-01-01")), -1);
	assert_int_equal(schedule_next(at, INT64_MIN), UTC_NEVER);
	assert_int_equal(schedule_prev(at, 0), -1);
	schedule_destroy(daily);
	schedule_destroy(past);
	schedule_destroy(at);
}

static void every_duration_keeps_its_phase(void **state)
{
	struct schedule *schedule = schedule_of("@every 7m", NEW_YORK, DST_VIXIE);

	(void)state;
	for (utc_t at = instant("2026-01-01"); at < instant("2026-01-02"); at += 101) {
		utc_t next = schedule_next(schedule, at), previous = schedule_prev(schedule, at);

		assert_true(next > at && next <= at + 420 && next % 420 == 0);
		assert_true(previous < at && previous >= at - 420 && previous % 420 == 0);
	}
	schedule_destroy(schedule);
}

/* For the fires after AT: each is the one before the next one. */
static void check_both_ways(const struct schedule *schedule, utc_t at, int count)
{
	at = schedule_next(schedule, at);
	for (int i = 0; i < count && at != UTC_NEVER; i++) {
		utc_t next = schedule_next(schedule, at);

		assert_true(next > at);
		if (next != UTC_NEVER) {
			assert_int_equal(schedule_prev(schedule, next), at);
			assert_int_equal(schedule_next(schedule, next - 1), next);
		}
		assert_int_equal(schedule_prev(schedule, at + 1), at);
		at = next;
	}
}

static void prev_undoes_next(void **state)
{
	static const char *const texts[] = {"* * * * *", "*/7 1-3 * * *", "30 0 * * *", "30 1,2 * * *",
	    "0 0 29 2 *", "0 0 13 * 5", "0 12 L * *", "15 3 LW * sun#1", "59 59 23 31 12 ? *",
	    "*/45 * * * * *", "17 2 * 3,10,11 0", "0 0 31W * *", "0 0 0 1 1 ? 2030,2040,2050"};
	static const char *const zones[] = {"UTC", NEW_YORK, "Australia/Lord_Howe", "Africa/Casablanca",
	    "America/Santiago", "Pacific/Apia", "Europe/Dublin", "Asia/Kathmandu"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t j = 0; j < ARRAY_SIZE(zones); j++)
			for (int rule = DST_VIXIE; rule <= DST_BOTH; rule++) {
				struct schedule *schedule =
				    schedule_of(texts[i], zones[j], (enum dst_rule)rule);

				check_both_ways(schedule, instant("2011-12-29"), 200);
				check_both_ways(schedule, instant("2026-03-07T12:00:00Z"), 200);
				check_both_ways(schedule, instant("2026-10-31T12:00:00Z"), 200);
				check_both_ways(schedule, instant("2500-03-07T12:00:00Z"), 20);
				schedule_destroy(schedule);
			}
}

/* -- all zones ---------------------------------------------------------------------------------- */

static void check_stretch(const struct schedule *schedule, utc_t from, utc_t to)
{
	utc_t at = schedule_next(schedule, from);

	while (at < to) {
		utc_t next = schedule_next(schedule, at);

		if (next <= at || next > at + 3 * DAY || schedule_prev(schedule, next) != at)
			fail_msg("%s: after %lld comes %lld, before it was %lld",
			    tz_name(schedule_tz(schedule)), (long long)at, (long long)next,
			    (long long)schedule_prev(schedule, next));
		at = next;
	}
}

/* The days around every change of the clocks; between them, days are all alike. */
static void check_all_years(const char *zone_name)
{
	struct schedule *schedule = schedule_of("30 0,1,2,23 * * *", zone_name, DST_VIXIE);
	struct tz_interval interval;

	check_stretch(schedule, 0, 10 * DAY);
	tz_interval_at(zone(zone_name), 0, &interval);
	for (; interval.end < instant("2100-01-01"); tz_interval_next(zone(zone_name), &interval))
		check_stretch(schedule, interval.end - 2 * DAY, interval.end + 2 * DAY);
	schedule_destroy(schedule);
}

static void check_folder(const char *prefix, size_t *count)
{
	cleanup(free_text) char *path = mem_format("/usr/share/zoneinfo/%s", prefix);
	DIR *entries = opendir(path);
	struct dirent *entry;

	assert_non_null(entries);
	while ((entry = readdir(entries))) {
		cleanup(free_text) char *name = mem_format("%s%s", prefix, entry->d_name);
		cleanup(free_text) char *below = mem_format("%s/", name);

		if (strchr(name, '.') || !strcmp(name, "right") || !strcmp(name, "posix") ||
		    !strcmp(name, "leapseconds"))
			continue;
		if (entry->d_type == DT_DIR) {
			check_folder(below, count);
		} else if (entry->d_type == DT_REG) {
			check_all_years(name);
			++*count;
		}
	}
	closedir(entries);
}

static void no_change_of_130_years_in_any_zone_makes_fires_go_back(void **state)
{
	size_t count = 0;

	(void)state;
	check_folder("", &count);
	assert_true(count > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clock_changes_follow_the_dst_rule),
	    cmocka_unit_test(no_fires_are_before_1970_or_beyond_a_hundred_years),
	    cmocka_unit_test(every_duration_keeps_its_phase),
	    cmocka_unit_test(prev_undoes_next),
	    cmocka_unit_test(no_change_of_130_years_in_any_zone_makes_fires_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
