/* SPDX-License-Identifier: MIT */
/* The two clocks, and timers in milliseconds. */
#include "daemon/clock.h"

#include <event2/event.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

struct mono mono_now(void)
{
	return (struct mono){clock_ms(CLOCK_MONOTONIC)};
}

void timer_set(struct event *timer, int64_t ms)
{
	struct timeval after = {0};

	if (ms > 0)
		after = (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	event_add(timer, &after);
}
