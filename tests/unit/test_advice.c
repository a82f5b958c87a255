/* SPDX-License-Identifier: MIT */
/* Advice on schedules: steps, days, changes of clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "schedule/advice.h"

#define NEW_YEAR_2026 INT64_C(1767225600)

static void note(void *arg, int column, const char *text)
{
	buf_format(arg, "%d: %s\n", column, text);
}

static char *advice_on(const char *text, const char *zone, enum dst_rule dst, utc_t from)
{
	struct buf told = {0};
	struct schedule *schedule;
	const struct tz *tz;

	assert_null(tz_get(zone, &tz));
	assert_null(schedule_parse(text, tz, "job", dst, &schedule, NULL));
	schedule_advise(schedule, from, note, &told);
	schedule_destroy(schedule);
	char *all = mem_copy(buf_text(&told));
	buf_done(&told);
	return all;
}

#define NY "America/New_York"

static void advice_names_what_may_not_be_expected(void **state)
{
	static const struct {
		const char *text, *zone;
		enum dst_rule dst;
		const char *told;
	} rows[] = {
	    {"*/35 * * * *", "UTC", DST_VIXIE,
	        "1: '*/35' is uneven: after minute 35 it begins anew at 0, which is 25 later, not 35\n"},
	    {"5 0,*/7 * * *", "UTC", DST_VIXIE,
	        "5: '*/7' is uneven: after hour 21 it begins anew at 0, which is 3 later, not 7\n"},
	    {"*/50 * * * * *", "UTC", DST_VIXIE,
	        "1: '*/50' is uneven: after second 50 it begins anew at 0, which is 10 later, not 50\n"},
	    {"CRON_TZ=UTC 3/40 * * * *", NY, DST_VIXIE,
	        "13: '3/40' is uneven: after minute 43 it begins anew at 3, which is 20 later, not 40\n"},
	    {"0 0 */2 * *", "UTC", DST_VIXIE,
	        "5: '*/2' begins anew at day 1 of each month, however long the month is\n"},
	    {"0 0 1 */5 *", "UTC", DST_VIXIE,
	        "7: '*/5' is uneven: after month 11 it begins anew at 1, which is 2 later, not 5\n"},
	    {"*/15 */6 * */3 *", "UTC", DST_VIXIE, ""},
	    {"*/60 5/20 * * *", "UTC", DST_VIXIE, ""},
	    {"0-30/7 * * * *", "UTC", DST_VIXIE, ""},
	    {"0 0 13 * 5", "UTC", DST_VIXIE,
	        "1: day of month and day of week are both restricted: it fires on days that match either\n"},
	    {"0 0 1 * *", "UTC", DST_VIXIE, ""},
	    {"0 0 * * 5", "UTC", DST_VIXIE, ""},
	    {"@every 35m", NY, DST_VIXIE, ""},
	    {"@at 2026-03-08T02:30:00Z", NY, DST_VIXIE, ""},
	    {"30 2 * * *", NY, DST_VIXIE,
	        "1: 2026-03-08T02:30 does not exist in America/New_York, where the clocks are set forward: "
	        "it "
	        "fires once, at 2026-03-08T03:00:00-04:00 (dst: vixie)\n"},
	    {"30 2 * * *", NY, DST_RFC5545,
	        "1: 2026-03-08T02:30 does not exist in America/New_York, where the clocks are set forward: "
	        "it "
	        "fires at 2026-03-08T03:30:00-04:00 (dst: rfc5545)\n"},
	    {"30 2 * * *", NY, DST_SKIP,
	        "1: 2026-03-08T02:30 does not exist in America/New_York, where the clocks are set forward: "
	        "it "
	        "does not fire (dst: skip)\n"},
	    {"30 1 * * *", NY, DST_VIXIE,
	        "1: 2026-11-01T01:30 comes twice in America/New_York, where the clocks are set back: it "
	        "fires "
	        "the first time only (dst: vixie)\n"},
	    {"30 1 * * *", NY, DST_BOTH,
	        "1: 2026-11-01T01:30 comes twice in America/New_York, where the clocks are set back: it "
	        "fires "
	        "both times (dst: both)\n"},
	    {"CRON_TZ=America/New_York 30 1 * * *", "UTC", DST_VIXIE,
	        "1: 2026-11-01T01:30 comes twice in America/New_York, where the clocks are set back: it "
	        "fires "
	        "the first time only (dst: vixie)\n"},
	    {"0 * * * *", NY, DST_VIXIE, ""}, /* follows elapsed time */
	    {"*/15 * * * *", NY, DST_VIXIE, ""},
	    {"30 2 * * 1-5", NY, DST_VIXIE, ""}, /* the clocks change on Sundays */
	    {"0 4 * * *", NY, DST_VIXIE, ""},
	    {"@daily", "Africa/Cairo", DST_VIXIE,
	        "1: 2026-04-24T00:00 does not exist in Africa/Cairo, where the clocks are set forward: it "
	        "fires "
	        "once, at 2026-04-24T01:00:00+03:00 (dst: vixie)\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(free_text) char *told =
		    advice_on(rows[i].text, rows[i].zone, rows[i].dst, NEW_YEAR_2026);

		if (strcmp(told, rows[i].told) != 0)
			fail_msg("%s in %s\n%s\n%s", rows[i].text, rows[i].zone, rows[i].told, told);
	}
}

static void only_the_coming_twelve_months_are_looked_at(void **state)
{
	cleanup(free_text) char *after = advice_on("30 2 * * *", NY, DST_VIXIE, NEW_YEAR_2026 + 100 * 86400);
	cleanup(free_text) char *past =
	    advice_on("0 30 2 8 3 ? 2026", NY, DST_VIXIE, NEW_YEAR_2026 + 100 * 86400);

	(void)state;
	assert_non_null(strstr(after, "2027-03-14T02:30"));
	assert_null(strstr(after, "2026-03-08"));
	assert_string_equal(past, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(advice_names_what_may_not_be_expected),
	    cmocka_unit_test(only_the_coming_twelve_months_are_looked_at),
	};

	return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
