/* SPDX-License-Identifier: MIT */
/* Instants, the calendar, and the text forms of times and durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include <bmad/time.h>

#include "base/mem.h"

static void each_day_of_eight_centuries_follows_the_one_before(void **state)
{
	int64_t days = days_from_civil(1600, 1, 1);
	int weekday = weekday_of_days(days);

	(void)state;
	assert_int_equal(weekday, 6); /* a Saturday */
	for (int year = 1600; year < 2400; year++)
		for (int month = 1; month <= 12; month++)
			for (int day = 1; day <= days_in_month(year, month); day++, days++) {
				int y, m, d;

				assert_int_equal(days_from_civil(year, month, day), days);
				civil_from_days(days, &y, &m, &d);
				assert_true(y == year && m == month && d == day);
				assert_int_equal(weekday_of_days(days), weekday);
				weekday = (weekday + 1) % 7;
			}
	assert_int_equal(days - days_from_civil(1600, 1, 1), 2 * 146097);
}

static void february_has_a_leap_day_by_the_gregorian_rule(void **state)
{
	(void)state;
	assert_int_equal(days_in_month(2000, 2), 29);
	assert_int_equal(days_in_month(2024, 2), 29);
	assert_int_equal(days_in_month(2026, 2), 28);
	assert_int_equal(days_in_month(2100, 2), 28);
	assert_int_equal(days_in_month(2026, 0), 0);
	assert_int_equal(days_in_month(2026, 13), 0);
}

static void instants_print_in_utc(void **state)
{
	static const struct {
		utc_t at;
		const char *text;
	} rows[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {-1, "1969-12-31T23:59:59Z"},
	    {1772960400, "2026-03-08T09:00:00Z"},
	    {951782400, "2000-02-29T00:00:00Z"},
	    {4102444799, "2099-12-31T23:59:59Z"},
	    {-62167219200, "0000-01-01T00:00:00Z"},
	    {UTC_NEVER, "never"},
	};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(utc_format(rows[i].at, text), rows[i].text);
}

static void milliseconds_print_before_the_z(void **state)
{
	char text[TIME_TEXT];

	(void)state;
	assert_string_equal(utc_format_ms(INT64_C(1772960400007), text), "2026-03-08T09:00:00.007Z");
	assert_string_equal(utc_format_ms(-1, text), "1969-12-31T23:59:59.999Z");
}

static void any_number_prints_within_the_buffer(void **state)
{
	static const int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -INT64_C(67768040609740800),
	    INT64_C(67767976233532799), INT64_MAX - 1, INT64_MAX};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(extremes); i++) {
		assert_true(strlen(utc_format(extremes[i], text)) < TIME_TEXT);
		assert_true(strlen(utc_format_ms(extremes[i], text)) < TIME_TEXT);
		assert_true(strlen(date_format(extremes[i], text)) < TIME_TEXT);
		assert_true(strlen(duration_format(extremes[i], text)) < TIME_TEXT);
	}
}

static void times_are_read_in_rfc_3339(void **state)
{
	static const struct {
		const char *text;
		utc_t at;
	} rows[] = {
	    {"2026-03-08T09:00:00Z", 1772960400},
	    {"2026-03-08t09:00:00z", 1772960400},
	    {"2026-03-08 09:00:00Z", 1772960400},
	    {"2026-03-08T09:00:00.999Z", 1772960400},
	    {"2026-03-08T01:00:00-08:00", 1772960400},
	    {"2026-03-08T14:30:00+05:30", 1772960400},
	    {"2026-03-08", 1772928000},
	    {"2016-12-31T23:59:60Z", 1483228800},
	    {"2017-01-01T08:59:60+09:00", 1483228800},
	    {"1969-12-31T23:59:59Z", -1},
	    {"0000-01-01", -62167219200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		utc_t at = 0;

		assert_null(utc_parse(rows[i].text, &at));
		assert_int_equal(at, rows[i].at);
	}
}

static void what_is_no_time_is_refused_with_an_example(void **state)
{
	static const char *const texts[] = {
	    "",
	    "now",
	    "2026",
	    "2026-03",
	    "2026-3-8",
	    "2026-02-29",
	    "2026-13-01",
	    "2026-00-01",
	    "2026-01-00",
	    "2026-03-08T",
	    "2026-03-08T09:00Z",
	    "2026-03-08T09:00:00",
	    "2026-03-08T24:00:00Z",
	    "2026-03-08T09:60:00Z",
	    "2026-03-08T09:00:61Z",
	    "2026-03-08T09:00:60Z",
	    "2026-03-08T09:00:00.Z",
	    "2026-03-08T09:00:00+0530",
	    "2026-03-08T09:00:00+24:00",
	    "2026-03-08T09:00:00+05:60",
	    "2026-03-08T09:00:00Z ",
	    " 2026-03-08",
	    "2026-03-08Z",
	    "+026-03-08",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		utc_t at = 42;
		struct err *e = utc_parse(texts[i], &at);

		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_non_null(strstr(err_message(e), "2026-03-08T09:00:00Z"));
		assert_int_equal(at, 42);
		err_destroy(e);
	}
}

static void every_printed_instant_reads_back(void **state)
{
	char text[TIME_TEXT];

	(void)state;
	for (utc_t at = -62167219200; at < 253402300800; at += 86400 * 37 + 12347) {
		utc_t again;

		assert_null(utc_parse(utc_format(at, text), &again));
		assert_int_equal(again, at);
	}
}

static void dates_are_read_alone(void **state)
{
	int64_t days = 42;
	struct err *e;
	char text[TIME_TEXT];

	(void)state;
	e = date_parse("2026-03-08T00:00:00Z", &days);
	assert_non_null(strstr(err_message(e), "2026-03-08"));
	assert_int_equal(days, 42);
	err_destroy(e);
	assert_null(date_parse("2026-03-08", &days));
	assert_int_equal(days, 20520);
	assert_string_equal(date_format(days, text), "2026-03-08");
}

static void durations_print_as_people_write_them(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
	    {0, "0s"},
	    {1, "1s"},
	    {60, "1m"},
	    {90, "90s"},
	    {119, "119s"},
	    {120, "2m"},
	    {125, "2m5s"},
	    {3600, "1h"},
	    {5400, "1h30m"},
	    {604800, "7d"},
	    {90061, "1d1h1m1s"},
	    {-90, "-90s"},
	    {-3600, "-1h"},
	};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(duration_format(rows[i].seconds, text), rows[i].text);
}

static void durations_are_read_in_milliseconds(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
	    {"500ms", 500},
	    {"90s", 90000},
	    {"15m", 900000},
	    {"1h30m", 5400000},
	    {"7d", 604800000},
	    {"0s", 0},
	    {"1d2h3m4s5ms", 93784005},
	    {"007s", 7000},
	    {"9223372036854775806ms", INT64_MAX - 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ms = -1;

		assert_null(duration_parse_ms(rows[i].text, &ms));
		assert_int_equal(ms, rows[i].ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const texts[] = {"", "5", "s", "m5", "-5s", "+5s", "1.5h", "5 s", " 5s", "5s ",
	    "5S", "5w", "30m1h", "1h1h", "5sm", "99999999999999999999ms", "106751991168d",
	    "9223372036854775807ms", "9223372036854775000ms1s", "100000000000d200000000000h"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int64_t ms = 42;
		struct err *e = duration_parse_ms(texts[i], &ms);

		if (!e)
			fail_msg("'%s' was taken as %lld ms", texts[i], (long long)ms);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_int_equal(ms, 42);
		err_destroy(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_day_of_eight_centuries_follows_the_one_before),
	    cmocka_unit_test(february_has_a_leap_day_by_the_gregorian_rule),
	    cmocka_unit_test(instants_print_in_utc),
	    cmocka_unit_test(milliseconds_print_before_the_z),
	    cmocka_unit_test(any_number_prints_within_the_buffer),
	    cmocka_unit_test(times_are_read_in_rfc_3339),
	    cmocka_unit_test(what_is_no_time_is_refused_with_an_example),
	    cmocka_unit_test(every_printed_instant_reads_back),
	    cmocka_unit_test(dates_are_read_alone),
	    cmocka_unit_test(durations_print_as_people_write_them),
	    cmocka_unit_test(durations_are_read_in_milliseconds),
	    cmocka_unit_test(what_is_no_duration_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
