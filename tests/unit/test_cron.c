/* SPDX-License-Identifier: MIT */
/* Schedules: what expressions mean, and how wrong ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "schedule/schedule.h"

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

/* The COUNT fires after FROM as `01-02 03:04:05` in local time, the seconds left out where they are 0. */
static void list_fires(const struct schedule *schedule, utc_t from, int count, struct buf *out)
{
	for (int i = 0; i < count; i++) {
		char text[TIME_TEXT];

		from = schedule_next(schedule, from);
		if (i > 0)
			buf_add_text(out, ", ");
		if (from == UTC_NEVER) {
			buf_add_text(out, "never");
			return;
		}
		tz_format(schedule_tz(schedule), from, text);
		buf_format(out, "%.10s %.5s", text, text + 11);
		if (strncmp(text + 17, "00", 2) != 0)
			buf_format(out, ":%.2s", text + 17);
	}
}

struct fires_row {
	const char *expression;
	const char *from;
	int count;
	const char *fires;
};

static void check_fires(const struct fires_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cleanup(buf_done) struct buf fires = {0};
		struct schedule *schedule = schedule_of(rows[i].expression, "UTC", DST_VIXIE);

		list_fires(schedule, instant(rows[i].from) - 1, rows[i].count, &fires);
		if (strcmp(fires.text, rows[i].fires) != 0)
			fail_msg(
			    "%s\n  fires   %s\n  expected %s", rows[i].expression, fires.text, rows[i].fires);
		schedule_destroy(schedule);
	}
}

/* -- the grammar -------------------------------------------------------------------------------- */

static void fields_lists_ranges_and_steps_fire_when_they_say(void **state)
{
	static const struct fires_row rows[] = {
	    {"* * * * *", "2026-01-01", 3, "2026-01-01 00:00, 2026-01-01 00:01, 2026-01-01 00:02"},
	    {"* * * * * *", "2026-01-01", 2, "2026-01-01 00:00, 2026-01-01 00:00:01"},
	    {"30 0 12 * * *", "2026-01-01", 2, "2026-01-01 12:00:30, 2026-01-02 12:00:30"},
	    {"5/20 * * * *", "2026-01-01", 4,
	        "2026-01-01 00:05, 2026-01-01 00:25, 2026-01-01 00:45, 2026-01-01 01:05"},
	    {"*/35 * * * *", "2026-01-01", 3, "2026-01-01 00:00, 2026-01-01 00:35, 2026-01-01 01:00"},
	    {"10-30/10 4 * * *", "2026-01-01", 4,
	        "2026-01-01 04:10, 2026-01-01 04:20, 2026-01-01 04:30, 2026-01-02 04:10"},
	    {"0,15,59 4 * * *", "2026-01-01", 3, "2026-01-01 04:00, 2026-01-01 04:15, 2026-01-01 04:59"},
	    {"0 22-2 * * *", "2026-01-01", 5,
	        "2026-01-01 00:00, 2026-01-01 01:00, 2026-01-01 02:00, 2026-01-01 22:00, 2026-01-01 23:00"},
	    {"0 22-4/3 * * *", "2026-01-01", 3, "2026-01-01 01:00, 2026-01-01 04:00, 2026-01-01 22:00"},
	    {"08 007 * * *", "2026-01-01", 1, "2026-01-01 07:08"},
	    {"\t0 \t 0  * * *  ", "2026-01-01", 1, "2026-01-01 00:00"},
	    /* The longest steps leave the first value: midnight of 1 January, when it is a Sunday. */
	    {"*/60 */24 */31 */12 */7", "2026-01-01", 2, "2034-01-01 00:00, 2040-01-01 00:00"},
	    {"59 23 31 12 *", "2026-01-01", 2, "2026-12-31 23:59, 2027-12-31 23:59"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void months_and_weekdays_have_names_in_any_case(void **state)
{
	static const struct fires_row rows[] = {
	    {"0 0 1 jan *", "2026-01-02", 1, "2027-01-01 00:00"},
	    {"0 0 1 NOV-feb *", "2026-01-02", 4,
	        "2026-02-01 00:00, 2026-11-01 00:00, 2026-12-01 00:00, 2027-01-01 00:00"},
	    {"0 0 1 Jan-Dec/6 *", "2026-01-02", 2, "2026-07-01 00:00, 2027-01-01 00:00"},
	    {"0 0 1 mar,sep *", "2026-01-02", 2, "2026-03-01 00:00, 2026-09-01 00:00"},
	    {"0 0 * * fri-mon", "2026-01-01", 5,
	        "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-05 00:00, 2026-01-09 00:00"},
	    {"0 0 * * sat,WED", "2026-01-01", 3, "2026-01-03 00:00, 2026-01-07 00:00, 2026-01-10 00:00"},
	    {"0 0 * * mon-fri/2", "2026-01-03", 4,
	        "2026-01-05 00:00, 2026-01-07 00:00, 2026-01-09 00:00, 2026-01-12 00:00"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void sunday_is_0_and_7(void **state)
{
	static const struct fires_row rows[] = {
	    {"0 0 * * 0", "2026-01-01", 2, "2026-01-04 00:00, 2026-01-11 00:00"},
	    {"0 0 * * 7", "2026-01-01", 2, "2026-01-04 00:00, 2026-01-11 00:00"},
	    {"0 0 * * 5-7", "2026-01-01", 4,
	        "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-09 00:00"},
	    {"0 0 * * 0-7", "2026-01-01", 2, "2026-01-01 00:00, 2026-01-02 00:00"},
	    {"0 0 * * 7-1", "2026-01-01", 3, "2026-01-04 00:00, 2026-01-05 00:00, 2026-01-11 00:00"},
	    {"0 0 * * 6-0", "2026-01-01", 3, "2026-01-03 00:00, 2026-01-04 00:00, 2026-01-10 00:00"},
	    {"0 0 * * 7/3", "2026-01-01", 4,
	        "2026-01-03 00:00, 2026-01-04 00:00, 2026-01-07 00:00, 2026-01-10 00:00"},
	    {"0 0 * * 7L", "2026-01-01", 2, "2026-01-25 00:00, 2026-02-22 00:00"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void day_fields_match_either_unless_one_is_starred(void **state)
{
	static const struct fires_row rows[] = {
	    {"0 0 13 * 5", "2026-01-01", 4,
	        "2026-01-02 00:00, 2026-01-09 00:00, 2026-01-13 00:00, 2026-01-16 00:00"},
	    {"0 0 */2 * 1", "2026-01-01", 3, "2026-01-05 00:00, 2026-01-19 00:00, 2026-02-09 00:00"},
	    {"0 0 13 * */5", "2026-01-01", 2, "2026-02-13 00:00, 2026-03-13 00:00"},
	    {"0 0 ? * 5", "2026-01-01", 2, "2026-01-02 00:00, 2026-01-09 00:00"},
	    {"0 0 13 * ?", "2026-01-01", 2, "2026-01-13 00:00, 2026-02-13 00:00"},
	    {"0 0 1-31 * 5", "2026-01-01", 2, "2026-01-01 00:00, 2026-01-02 00:00"},
	    {"0 0 L * fri#1", "2026-01-01", 3, "2026-01-02 00:00, 2026-01-31 00:00, 2026-02-06 00:00"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void quartz_days_count_from_the_months_end_and_by_weeks(void **state)
{
	static const struct fires_row rows[] = {
	    {"0 0 L * *", "2026-01-01", 3, "2026-01-31 00:00, 2026-02-28 00:00, 2026-03-31 00:00"},
	    {"0 0 L-3 * *", "2026-01-01", 3, "2026-01-28 00:00, 2026-02-25 00:00, 2026-03-28 00:00"},
	    {"0 0 L-30 * *", "2026-01-01", 3, "2026-01-01 00:00, 2026-03-01 00:00, 2026-05-01 00:00"},
	    {"0 0 LW * *", "2026-01-01", 3, "2026-01-30 00:00, 2026-02-27 00:00, 2026-03-31 00:00"},
	    {"0 0 1W * *", "2026-01-01", 4,
	        "2026-01-01 00:00, 2026-02-02 00:00, 2026-03-02 00:00, 2026-04-01 00:00"},
	    {"0 0 15w * *", "2026-01-01", 3, "2026-01-15 00:00, 2026-02-16 00:00, 2026-03-16 00:00"},
	    {"0 0 31W * *", "2026-01-01", 4,
	        "2026-01-30 00:00, 2026-03-31 00:00, 2026-05-29 00:00, 2026-07-31 00:00"},
	    {"0 0 1,L,15W * *", "2026-02-01", 4,
	        "2026-02-01 00:00, 2026-02-16 00:00, 2026-02-28 00:00, 2026-03-01 00:00"},
	    {"0 0 * * 5L", "2026-01-01", 3, "2026-01-30 00:00, 2026-02-27 00:00, 2026-03-27 00:00"},
	    {"0 0 * * friL", "2026-01-01", 2, "2026-01-30 00:00, 2026-02-27 00:00"},
	    {"0 0 * * fri#2", "2026-01-01", 3, "2026-01-09 00:00, 2026-02-13 00:00, 2026-03-13 00:00"},
	    {"0 0 * * 5#5", "2026-01-01", 3, "2026-01-30 00:00, 2026-05-29 00:00, 2026-07-31 00:00"},
	    {"0 0 * * mon#1,tue#1", "2026-01-01", 3, "2026-01-05 00:00, 2026-01-06 00:00, 2026-02-02 00:00"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void the_seventh_field_is_the_year(void **state)
{
	static const struct fires_row rows[] = {
	    {"0 0 12 1 1 ? 2030", "2026-01-01", 2, "2030-01-01 12:00, never"},
	    {"0 0 12 1 1 ? 2027-2030/3", "2026-01-01", 3, "2027-01-01 12:00, 2030-01-01 12:00, never"},
	    {"0 0 12 1 1 ? 2020", "2026-01-01", 1, "never"},
	    {"0 0 0 29 2 ? 2040,2100-2199", "2026-01-01", 2, "2040-02-29 00:00, 2104-02-29 00:00"},
	    {"0 0 0 1 1 ? *", "2026-01-02", 1, "2027-01-01 00:00"},
	    {"0 0 0 1 1 ? */100", "2026-01-02", 2, "2070-01-01 00:00, 2170-01-01 00:00"},
	    {"59 59 23 31 12 ? 2199", "2150-01-01", 2, "2199-12-31 23:59:59, never"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void words_stand_for_expressions(void **state)
{
	static const struct fires_row rows[] = {
	    {"@yearly", "2026-01-02", 2, "2027-01-01 00:00, 2028-01-01 00:00"},
	    {"@annually", "2026-01-02", 1, "2027-01-01 00:00"},
	    {"@monthly", "2026-01-02", 2, "2026-02-01 00:00, 2026-03-01 00:00"},
	    {"@weekly", "2026-01-02", 2, "2026-01-04 00:00, 2026-01-11 00:00"},
	    {"@daily", "2026-01-02", 2, "2026-01-02 00:00, 2026-01-03 00:00"},
	    {"@midnight", "2026-01-02", 2, "2026-01-02 00:00, 2026-01-03 00:00"},
	    {" @Hourly ", "2026-01-02", 2, "2026-01-02 00:00, 2026-01-02 01:00"},
	    {"@every 90s", "2026-01-01", 3, "2026-01-01 00:00, 2026-01-01 00:01:30, 2026-01-01 00:03"},
	    {"@every 1h30m", "2026-01-01", 2, "2026-01-01 00:00, 2026-01-01 01:30"},
	    {"@every  7d", "2026-01-01", 2, "2026-01-01 00:00, 2026-01-08 00:00"},
	    {"@every 7h", "1970-01-01", 3, "1970-01-01 00:00, 1970-01-01 07:00, 1970-01-01 14:00"},
	    {"@at 2026-03-08T09:00:00Z", "2026-01-01", 2, "2026-03-08 09:00, never"},
	    {"@at 2026-03-08T09:00:00Z", "2026-03-08T09:00:01Z", 1, "never"},
	    {"@reboot", "2026-01-01", 1, "never"},
	    {"@module", "2026-01-01", 1, "never"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

static void each_kind_is_told(void **state)
{
	static const struct {
		const char *text;
		enum schedule_kind kind;
	} rows[] = {
	    {"* * * * *", SCHEDULE_CRON},
	    {"@daily", SCHEDULE_CRON},
	    {"@every 1s", SCHEDULE_EVERY},
	    {"@at 2026-01-01", SCHEDULE_AT},
	    {"@reboot", SCHEDULE_REBOOT},
	    {"@module", SCHEDULE_MODULE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct schedule *schedule = schedule_of(rows[i].text, "UTC", DST_VIXIE);

		assert_int_equal(schedule_kind(schedule), rows[i].kind);
		assert_string_equal(schedule_text(schedule), rows[i].text);
		assert_ptr_equal(schedule_tz(schedule), zone("UTC"));
		schedule_destroy(schedule);
	}
}

static void a_prefix_names_the_zone_of_one_expression(void **state)
{
	struct schedule *schedule =
	    schedule_of("CRON_TZ=Asia/Tokyo  0 9 * * *", "America/New_York", DST_VIXIE);

	(void)state;
	assert_ptr_equal(schedule_tz(schedule), zone("Asia/Tokyo"));
	assert_int_equal(schedule_next(schedule, instant("2026-01-01")), instant("2026-01-02T00:00:00Z"));
	schedule_destroy(schedule);
}

/* -- stable values ------------------------------------------------------------------------------ */

static struct schedule *schedule_of_job(const char *text, const char *job)
{
	struct schedule *schedule = NULL;
	struct err *e = schedule_parse(text, zone("UTC"), job, DST_VIXIE, &schedule, NULL);

	if (e)
		fail_msg("%s: %s", text, err_text(e));
	return schedule;
}

static int stable_value(const char *job, const char *field, int size)
{
	uint64_t hash = fnv1a(FNV_START, job, strlen(job) + 1);

	return (int)(fnv1a(hash, field, strlen(field)) % (uint64_t)size);
}

static void a_stable_value_is_the_hash_of_job_and_field(void **state)
{
	static const char *const jobs[] = {"zone1-hourly", "slips", "rota", "x", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		struct schedule *schedule = schedule_of_job("H 5~7 * * *", jobs[i]);
		struct schedule *bare = schedule_of_job("~ 22~1 * * *", jobs[i]);
		int minute = stable_value(jobs[i], "minute", 60);
		utc_t fire = schedule_next(schedule, instant("2026-01-01") - 1);

		assert_int_equal(fire - instant("2026-01-01"),
		    (5 + stable_value(jobs[i], "hour", 3)) * 3600 + minute * 60);
		fire = schedule_next(bare, instant("2026-01-01") - 1);
		assert_int_equal(fire - instant("2026-01-01"),
		    (22 + stable_value(jobs[i], "hour", 4)) % 24 * 3600 + minute * 60);
		schedule_destroy(schedule);
		schedule_destroy(bare);
	}
}

static void stable_values_spread_jobs_over_the_whole_range(void **state)
{
	uint64_t minutes = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		cleanup(free_text) char *job = mem_format("job-%d", i);
		struct schedule *schedule = schedule_of_job("H * * * *", job);

		minutes |= UINT64_C(1) << schedule_next(schedule, instant("2026-01-01") - 1) / 60 % 60;
		schedule_destroy(schedule);
	}
	assert_true(minutes == (UINT64_C(1) << 60) - 1);
}

/* -- errors ------------------------------------------------------------------------------------- */

static void errors_tell_the_column_and_what_was_expected(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *words;
	} rows[] = {
	    {"", 1, "expected a cron expression"},
	    {"   ", 4, "expected a cron expression"},
	    {"* * * *", 8, "4 fields: expected 5"},
	    {"*", 2, "1 field: expected 5"},
	    {"* * * * * * * *", 15, "too many fields"},
	    {"60 * * * *", 1, "minute 60 is out of range: expected 0 to 59"},
	    {"0 24 * * *", 3, "hour 24 is out of range: expected 0 to 23"},
	    {"0 0 0 * *", 5, "day of month 0 is out of range: expected 1 to 31"},
	    {"0 0 32 * *", 5, "expected 1 to 31"},
	    {"0 0 1 13 *", 7, "month 13 is out of range: expected 1 to 12"},
	    {"0 0 1 0 *", 7, "expected 1 to 12"},
	    {"0 0 * * 8", 9, "day of week 8 is out of range: expected 0 to 7"},
	    {"0 0 0 1 1 ? 2200", 13, "expected 1970 to 2199"},
	    {"0 0 0 1 1 ? 1969", 13, "expected 1970 to 2199"},
	    {"0 0 0 1 1 ? 2030-2026", 18, "years do not wrap"},
	    {"99999999999999999999999 * * * *", 1, "out of range"},
	    {"1,,2 * * * *", 3, "empty item"},
	    {",1 * * * *", 1, "empty item"},
	    {"1, * * * *", 3, "empty item"},
	    {"*/0 * * * *", 3, "step 0 is out of range: expected 1 to 60"},
	    {"*/90 * * * *", 3, "expected 1 to 60"},
	    {"0 */25 * * *", 5, "expected 1 to 24"},
	    {"*/ * * * *", 3, "expected a step"},
	    {"*/x * * * *", 3, "unexpected 'x'"},
	    {"5- * * * *", 3, "expected a number"},
	    {"-5 * * * *", 1, "unexpected '-'"},
	    {"1-2-3 * * * *", 4, "unexpected '-'"},
	    {"1.5 * * * *", 2, "unexpected '.'"},
	    {"*5 * * * *", 2, "unexpected '5'"},
	    {"** * * * *", 2, "unexpected '*'"},
	    {"x * * * *", 1, "unexpected 'x' in minute: expected a number"},
	    {"0 jan * * *", 3, "unexpected 'j' in hour"},
	    {"0 0 1 jna *", 7, "unknown month 'jna'; did you mean 'jan'?"},
	    {"0 0 1 january *", 7, "unknown month 'january'; did you mean 'jan'?"},
	    {"0 0 1 jan-fbe *", 11, "did you mean 'feb'?"},
	    {"0 0 * * monday", 9, "unknown day of week 'monday'; did you mean 'mon'?"},
	    {"0 0 * * Tus", 9, "unknown day of week 'tus'; did you mean 'tue'?"},
	    {"0 0 * * xyz", 9, "expected a number or a name from sun to sat"},
	    {"0 0 * * L", 9, "L alone is ambiguous"},
	    {"0 0 * * fri#6", 13, "expected 1 to 5"},
	    {"0 0 * * fri#0", 13, "expected 1 to 5"},
	    {"0 0 * * fri#", 13, "expected a number from 1 to 5"},
	    {"0 0 * * friL-2", 13, "after L"},
	    {"0 0 L-31 * *", 7, "expected 1 to 30"},
	    {"0 0 L-0 * *", 7, "expected 1 to 30"},
	    {"0 0 L- * *", 7, "a number of days"},
	    {"0 0 LX * *", 6, "unexpected 'X'"},
	    {"0 0 0W * *", 5, "expected 1 to 31"},
	    {"0 0 15W-17 * *", 8, "unexpected '-'"},
	    {"0 0 W * *", 5, "unexpected 'W'"},
	    {"? * * * *", 1, "'?' is for day of month and day of week only"},
	    {"0 0 ?/2 * *", 6, "nothing after '?'"},
	    {"0 0 1,? * *", 7, "unexpected '?'"},
	    {"H/5 * * * *", 2, "unexpected '/'"},
	    {"0 0 30 2 *", 5, "can never fire"},
	    {"0 0 31 4,6,9,11 *", 5, "can never fire"},
	    {"0 0 31W feb *", 5, "can never fire"},
	    {"0 0 0 29 2 ? 2023", 7, "can never fire"},
	    {"0 0 0 29 2 ? 2100", 7, "can never fire"},
	    {"0 0 L-30 2 *", 5, "can never fire"},
	    {"0 0 \x01 * *", 5, "unexpected byte 1"},
	    {"0 0 \xc3\xa9 * *", 5, "unexpected byte 195"},
	    {"0\n0 * * *", 10, "4 fields"},
	    {"@dayly", 1, "did you mean '@daily'?"},
	    {"@sometimes", 1, "expected one like @daily"},
	    {"@daily x", 8, "expected nothing more after @daily"},
	    {"@every", 7, "@every 15m"},
	    {"@every 15", 8, "'15' is no duration"},
	    {"@every 500ms", 8, "expected whole seconds"},
	    {"@every 0s", 8, "expected whole seconds"},
	    {"@every 40000d", 8, "expected whole seconds"},
	    {"@every 1h 30m", 11, "nothing more"},
	    {"@at tomorrow", 5, "'tomorrow' is no time"},
	    {"@at", 4, "@at 2026-03-08T09:00:00Z"},
	    {"CRON_TZ=Europe/Pariss 0 0 * * *", 9, "did you mean 'Europe/Paris'?"},
	    {"CRON_TZ=UTC", 12, "expected a cron expression"},
	    {"CRON_TZ=UTC 0 25 * * *", 15, "hour 25"},
	    {"CRON_TZ=UTC @dayly", 13, "did you mean"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct schedule *schedule = NULL;
		int column = -1;
		struct err *e =
		    schedule_parse(rows[i].text, zone("UTC"), "job", DST_VIXIE, &schedule, &column);
		char prefix[40];

		if (!e)
			fail_msg("'%s' was taken", rows[i].text);
		snprintf(prefix, sizeof(prefix), "column %d: ", rows[i].column);
		if (column != rows[i].column || strncmp(err_message(e), prefix, strlen(prefix)) != 0 ||
		    !strstr(err_message(e), rows[i].words))
			fail_msg("'%s': %s (expected %s...%s)", rows[i].text, err_message(e), prefix,
			    rows[i].words);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_null(schedule);
		err_destroy(e);
	}
}

static void stable_values_need_the_name_of_a_job(void **state)
{
	static const char *const texts[] = {"H * * * *", "1~5 * * * *", "~ * * * *"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct schedule *schedule = NULL;
		int column = 0;
		struct err *e = schedule_parse(texts[i], zone("UTC"), NULL, DST_VIXIE, &schedule, &column);

		assert_non_null(e);
		assert_int_equal(column, 1);
		assert_non_null(strstr(err_message(e), "job's name"));
		err_destroy(e);
	}
}

static void dst_rules_have_names(void **state)
{
	static const struct {
		const char *name;
		enum dst_rule rule;
	} rows[] = {{"vixie", DST_VIXIE}, {"rfc5545", DST_RFC5545}, {"skip", DST_SKIP}, {"both", DST_BOTH}};
	enum dst_rule rule = DST_VIXIE;
	struct err *e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_null(dst_rule_parse(rows[i].name, &rule));
		assert_int_equal(rule, rows[i].rule);
	}
	e = dst_rule_parse("vixi", &rule);
	assert_non_null(strstr(err_message(e), "did you mean 'vixie'?"));
	err_destroy(e);
	e = dst_rule_parse("", &rule);
	assert_non_null(strstr(err_message(e), "expected vixie, rfc5545, skip or both"));
	err_destroy(e);
}

/* -- sparse expressions -------------------------------------------------------------------------- */

static void sparse_expressions_reach_over_years(void **state)
{
	static const struct fires_row rows[] = {
	    {"0 0 29 2 *", "2026-01-01", 2, "2028-02-29 00:00, 2032-02-29 00:00"},
	    {"0 0 29 2 *", "2096-01-01", 2, "2096-02-29 00:00, 2104-02-29 00:00"},
	    {"0 0 29 2 */7", "2026-01-01", 2, "2032-02-29 00:00, 2060-02-29 00:00"},
	    {"0 0 29 2 */7", "2072-03-01", 1, "2088-02-29 00:00"},
	    {"0 0 0 1 1 ? 2199", "2090-01-01", 1, "never"},
	    {"0 0 0 1 1 ? 2199", "2099-06-01", 1, "2199-01-01 00:00"},
	};

	(void)state;
	check_fires(rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_lists_ranges_and_steps_fire_when_they_say),
	    cmocka_unit_test(months_and_weekdays_have_names_in_any_case),
	    cmocka_unit_test(sunday_is_0_and_7),
	    cmocka_unit_test(day_fields_match_either_unless_one_is_starred),
	    cmocka_unit_test(quartz_days_count_from_the_months_end_and_by_weeks),
	    cmocka_unit_test(the_seventh_field_is_the_year),
	    cmocka_unit_test(words_stand_for_expressions),
	    cmocka_unit_test(each_kind_is_told),
	    cmocka_unit_test(a_prefix_names_the_zone_of_one_expression),
	    cmocka_unit_test(a_stable_value_is_the_hash_of_job_and_field),
	    cmocka_unit_test(stable_values_spread_jobs_over_the_whole_range),
	    cmocka_unit_test(errors_tell_the_column_and_what_was_expected),
	    cmocka_unit_test(stable_values_need_the_name_of_a_job),
	    cmocka_unit_test(dst_rules_have_names),
	    cmocka_unit_test(sparse_expressions_reach_over_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
