/* SPDX-License-Identifier: MIT */
/* One timer at an instant of the wall clock, which also goes off at once when somebody sets that clock. */
#ifndef DAEMON_WALL_TIMER_H
#define DAEMON_WALL_TIMER_H

#include <event2/event.h>

#include "daemon/child.h"

struct wall_timer {
	/* The instant has come, or JUMPED: the clock was set, which has been told in the log. */
	void (*due)(void *arg, bool jumped);
	void *arg;
	/* its own */
	struct event *event;
	int fd;
	int64_t set_wall_ms; /* both clocks when it was set: how they differ is the jump */
	struct mono set_mono;
};

/* `due` and `arg` are set. */
void wall_timer_init(struct wall_timer *timer, struct event_base *base);
/* Instead of what it was set to; UTC_NEVER: only jumps. */
void wall_timer_set(struct wall_timer *timer, utc_t at);
void wall_timer_stop(struct wall_timer *timer);
void wall_timer_done(struct wall_timer *timer);

#endif
