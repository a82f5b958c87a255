/* SPDX-License-Identifier: MIT */
/* The clocks and timers of the loops of processes; nothing that computes reads a clock. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <bmad/time.h>

struct event;

int64_t wall_ms(void);
struct mono mono_now(void);

/* TIMER fires MS from now on; at once if that is not positive. */
void timer_set(struct event *timer, int64_t ms);

#endif
