/* SPDX-License-Identifier: MIT */
/*
 * TZif files: any bytes are refused or give a zone whose intervals follow each other, and in which
 * schedules find the same fires in both directions.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "schedule/schedule.h"
#include "schedule/tz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_3500 INT64_C(48282048000)

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_intervals(const struct tz *tz)
{
	struct tz_interval interval, other;

	tz_interval_at(tz, INT64_MIN, &interval);
	must(interval.start == INT64_MIN);
	while (interval.end < YEAR_3500) {
		struct tz_interval before = interval;

		tz_interval_next(tz, &interval);
		must(interval.start == before.end && interval.end > interval.start);
		must(interval.before == before.offset);
		tz_interval_at(tz, interval.start, &other);
		must(other.start == interval.start && other.end == interval.end);
		tz_interval_previous(tz, &other);
		must(other.start == before.start && other.end == before.end);
	}
}

static void check_local(const struct tz *tz, utc_t at)
{
	struct tz_local local;
	char text[TIME_TEXT];

	tz_to_local(tz, at, &local);
	must(tz_to_utc(tz, &local.civil) <= at);
	tz_format(tz, at, text);
}

static void check_fires(const struct tz *tz, const char *expression, enum dst_rule rule, utc_t at)
{
	struct schedule *schedule;
	struct err *e = schedule_parse(expression, tz, NULL, rule, &schedule, NULL);

	must(!e);
	at = schedule_next(schedule, at);
	for (int i = 0; i < 40 && at != UTC_NEVER; i++) {
		utc_t next = schedule_next(schedule, at);

		must(next > at);
		must(next == UTC_NEVER || schedule_prev(schedule, next) == at);
		at = next;
	}
	schedule_destroy(schedule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const expressions[] = {
	    "30 1-3 * * *", "*/20 * * * *", "0 0 1 * *", "15 0,23 * * *"};
	struct tz *tz = NULL;
	struct err *e = tz_parse("fuzz", data, size, &tz);

	if (!e) {
		check_intervals(tz);
		for (size_t i = 0; i < ARRAY_SIZE(expressions); i++) {
			struct tz_interval interval;
			utc_t at = (utc_t)i * 500000000;

			check_local(tz, at);
			tz_interval_at(tz, at, &interval);
			for (int rule = DST_VIXIE; rule <= DST_BOTH; rule++)
				check_fires(tz, expressions[i], (enum dst_rule)rule,
				    interval.end < YEAR_3500 ? interval.end - 100000 : at);
		}
	}
	err_destroy(e);
	tz_destroy(tz);
	return 0;
}
