/* SPDX-License-Identifier: MIT */
/*
 * Schedules: any text is refused with its column or gives a schedule that never goes back, in whichever
 * zone. The first byte chooses zone and DST rule, the next three when to begin.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "schedule/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_fires(const struct schedule *schedule, utc_t at)
{
	for (int i = 0; i < 20; i++) {
		utc_t next = schedule_next(schedule, at);

		must(next > at);
		if (next == UTC_NEVER)
			return;
		must(schedule_next(schedule, next - 1) == next);
		must(schedule_prev(schedule, next + 1) == next);
		utc_t previous = schedule_prev(schedule, next);
		must(i == 0 ? previous <= at : previous == at);
		at = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
	    "America/Havana", "Africa/Casablanca", "Pacific/Apia", "Europe/Dublin", "Asia/Beirut"};
	struct schedule *schedule = NULL;
	const struct tz *tz;
	int column = 0;

	if (size < 4)
		return 0;
	struct err *e = tz_get(zones[data[0] % ARRAY_SIZE(zones)], &tz);
	must(!e);
	char *text = mem_copy_n((const char *)data + 4, size - 4);
	e = schedule_parse(text, tz, "job", (enum dst_rule)(data[0] / 64), &schedule, &column);
	if (e)
		must(column >= 1 && column <= (int)strlen(text) + 1);
	else
		check_fires(schedule, (data[1] << 16 | data[2] << 8 | data[3]) * INT64_C(311));
	err_destroy(e);
	schedule_destroy(schedule);
	free(text);
	return 0;
}
