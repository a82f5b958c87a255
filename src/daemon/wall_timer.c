/* SPDX-License-Identifier: MIT */
/* A timerfd on the wall clock that is cancelled when the clock is set. */
#include "daemon/wall_timer.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"

#define FAR_AWAY (INT64_C(1) << 33) /* the year 2242; the kernel's clock ends soon after */

static void tell_jump(const struct wall_timer *timer)
{
	int64_t expected = timer->set_wall_ms + mono_now().ms - timer->set_mono.ms;
	struct log_line line;

	log_begin(&line, LEVEL_WARNING, "clock_jumped");
	log_int(&line, "by_ms", wall_ms() - expected);
	log_end(&line);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wall_timer *timer = arg;
	uint64_t expirations;
	bool jumped = read(fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;

	(void)what;
	if (jumped)
		tell_jump(timer);
	timer->due(timer->arg, jumped);
}

void wall_timer_init(struct wall_timer *timer, struct event_base *base)
{
	timer->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	timer->event = event_new(base, timer->fd, EV_READ | EV_PERSIST, on_timer, timer);
	event_add(timer->event, NULL);
}

void wall_timer_set(struct wall_timer *timer, utc_t at)
{
	struct itimerspec when = {.it_value.tv_sec = at < FAR_AWAY ? at : FAR_AWAY};

	timer->set_wall_ms = wall_ms();
	timer->set_mono = mono_now();
	if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL))
		log_fault(LEVEL_ERROR, "timer_failed", ERR(ERR_BUG, "timerfd_settime: %s", strerror(errno)));
}

void wall_timer_stop(struct wall_timer *timer)
{
	event_del(timer->event);
}

void wall_timer_done(struct wall_timer *timer)
{
	event_free(timer->event);
	close(timer->fd);
}
