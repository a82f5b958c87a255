/* SPDX-License-Identifier: MIT */
/* Waits between attempts, and what Retry-After asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "send/backoff.h"
#include "send/retry_after.h"

#define NOW INT64_C(1795215600) /* 2026-11-20T23:00:00Z, a Friday */

static const struct backoff chat = {2000, 600000};

static void the_longest_wait_doubles_up_to_the_cap(void **state)
{
	static const int64_t longest_ms[] = {
	    2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 512000, 600000, 600000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(longest_ms); i++)
		assert_in_range(
		    backoff_delay_ms(&chat, (int64_t)i + 1, 0.999999), longest_ms[i] - 10, longest_ms[i]);
	assert_in_range(backoff_delay_ms(&chat, INT64_MAX, 0.999999), 599990, 600000);
}

static void the_shortest_wait_is_half_a_second_whatever_the_attempt(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(&chat, 1, 0), 500);
	assert_int_equal(backoff_delay_ms(&chat, 20, 0), 500);
}

static void a_configured_first_wait_below_the_floor_replaces_it(void **state)
{
	static const struct backoff quick = {50, 200};

	(void)state;
	assert_int_equal(backoff_delay_ms(&quick, 1, 0), 50);
	assert_in_range(backoff_delay_ms(&quick, 1, 0.99), 50, 50);
	assert_in_range(backoff_delay_ms(&quick, 9, 0.99), 190, 200);
}

static void senseless_settings_give_no_negative_wait(void **state)
{
	static const struct backoff rows[] = {{-5, 100}, {100, -5}, {1000, 10}, {INT64_MAX, INT64_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int64_t attempt = -1; attempt < 100; attempt++)
			assert_true(backoff_delay_ms(&rows[i], attempt, 0.5) >= 0);
}

static void retry_after_is_a_lower_bound_with_a_tenth_on_top(void **state)
{
	(void)state;
	assert_int_equal(backoff_wait_ms(500, 2000, 0), 2000);
	assert_in_range(backoff_wait_ms(500, 2000, 0.9999), 2190, 2200);
	assert_int_equal(backoff_wait_ms(5000, 2000, 0), 5000);
	assert_int_equal(backoff_wait_ms(5000, -1, 0.9), 5000);
	assert_int_equal(backoff_wait_ms(5000, 0, 0.9), 5000);
	assert_true(backoff_wait_ms(5000, INT64_MAX, 0.9) > 0);
}

static void retry_after_is_read_in_both_forms(void **state)
{
	static const struct {
		const char *value, *date;
		int64_t ms;
	} rows[] = {
	    {"120", NULL, 120000},
	    {" 7 ", NULL, 7000},
	    {"0", NULL, 0},
	    {"1.2", NULL, 2000},
	    {"1.0", NULL, 1000},
	    {"0.001", NULL, 1000},
	    {"Fri, 20 Nov 2026 23:03:45 GMT", NULL, 225000},
	    {"Friday, 20-Nov-26 23:03:45 GMT", NULL, 225000},
	    {"Fri Nov 20 23:03:45 2026", NULL, 225000},
	    {"Sun Dec  6 23:00:00 2026", NULL, 16 * 86400000LL},
	    /* A server whose clock is a day behind: its own Date counts. */
	    {"Thu, 19 Nov 2026 23:03:45 GMT", "Thu, 19 Nov 2026 23:03:00 GMT", 45000},
	    {"Fri, 20 Nov 2026 23:03:45 GMT", "rubbish", 225000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(retry_after_ms(rows[i].value, rows[i].date, NOW), rows[i].ms);
}

static void what_cannot_be_a_retry_after_is_ignored(void **state)
{
	static const char *const values[] = {
	    "",
	    "soon",
	    "-5",
	    "+5",
	    "5s",
	    "1e3",
	    "0x10",
	    "1.2.3",
	    ".5",
	    "5 6",
	    "Fri, 20 Nov 2026 22:59:59 GMT", /* past */
	    "Fri, 20 Nov 2026 23:03:45 PST",
	    "Fri, 20 Nov 2026 23:03:45",
	    "Fri, 31 Nov 2026 23:03:45 GMT",
	    "Fri, 20 Foo 2026 23:03:45 GMT",
	    "Fri, 20 Nov 2026 25:03:45 GMT",
	    "Fri, 20 Nov 2026 23:03:45 GMT x",
	    "Fri, -1 Nov 2026 23:03:45 GMT",
	};

	(void)state;
	assert_int_equal(retry_after_ms(NULL, NULL, NOW), -1);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_int_equal(retry_after_ms(values[i], NULL, NOW), -1);
}

static void a_huge_retry_after_stays_in_range(void **state)
{
	(void)state;
	assert_true(retry_after_ms("99999999999999999999999999999999", NULL, NOW) > 0);
	assert_true(retry_after_ms("Fri, 31 Dec 9999 23:59:59 GMT", NULL, NOW) > 0);
}

static void a_two_digit_year_is_not_more_than_fifty_years_ahead(void **state)
{
	utc_t at = 0;

	(void)state;
	assert_true(http_date_parse("Sunday, 06-Nov-94 08:49:37 GMT", NOW, &at));
	assert_int_equal(at, 784111777);
	assert_true(http_date_parse("Friday, 06-Nov-76 08:49:37 GMT", NOW, &at));
	assert_int_equal(at, 3371878177);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_longest_wait_doubles_up_to_the_cap),
	    cmocka_unit_test(the_shortest_wait_is_half_a_second_whatever_the_attempt),
	    cmocka_unit_test(a_configured_first_wait_below_the_floor_replaces_it),
	    cmocka_unit_test(senseless_settings_give_no_negative_wait),
	    cmocka_unit_test(retry_after_is_a_lower_bound_with_a_tenth_on_top),
	    cmocka_unit_test(retry_after_is_read_in_both_forms),
	    cmocka_unit_test(what_cannot_be_a_retry_after_is_ignored),
	    cmocka_unit_test(a_huge_retry_after_stays_in_range),
	    cmocka_unit_test(a_two_digit_year_is_not_more_than_fifty_years_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
