/* SPDX-License-Identifier: MIT */
/* Exponential backoff with full jitter, and Retry-After as its lower bound. */
#include "send/backoff.h"

#include "base/number.h"

#define FLOOR_MS   500
#define DOUBLINGS  40                 /* more would overflow; every cap is reached long before */
#define LONGEST_MS (INT64_C(1) << 50) /* keeps the sums below in range */

const struct backoff backoff_slow = {60000, 3600000};

static int64_t doubled(int64_t base_ms, int64_t times, int64_t cap_ms)
{
	int64_t delay_ms = base_ms;

	for (int64_t i = 0; i < times && i < DOUBLINGS && delay_ms < cap_ms; i++)
		delay_ms *= 2;
	return smaller(delay_ms, cap_ms);
}

int64_t backoff_delay_ms(const struct backoff *backoff, int64_t attempt, double random)
{
	int64_t cap_ms = smaller(larger(backoff->cap_ms, 0), LONGEST_MS);
	int64_t base_ms = smaller(larger(backoff->base_ms, 0), cap_ms);
	int64_t highest_ms = doubled(base_ms, attempt - 1, cap_ms);
	int64_t lowest_ms = smaller(FLOOR_MS, base_ms);

	return lowest_ms + (int64_t)((double)(highest_ms - lowest_ms) * random);
}

int64_t backoff_wait_ms(int64_t delay_ms, int64_t retry_after_ms, double random)
{
	int64_t wait_ms = larger(delay_ms, smaller(retry_after_ms, LONGEST_MS));

	if (retry_after_ms <= 0)
		return delay_ms;
	return wait_ms + (int64_t)((double)wait_ms / 10 * random);
}
