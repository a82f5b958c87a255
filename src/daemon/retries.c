/* SPDX-License-Identifier: MIT */
/* A timer for each slot that is to be claimed again. */
#include "daemon/retries.h"

#include <stdlib.h>
#include <utlist.h>

#include "daemon/clock.h"

struct delayed {
	struct retries *retries;
	struct wanted *wanted;
	struct event *timer;
	struct delayed *prev, *next;
};

static void forget(struct delayed *delayed)
{
	DL_DELETE(delayed->retries->waiting, delayed);
	event_free(delayed->timer);
	free(delayed);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct delayed *delayed = arg;
	struct retries *retries = delayed->retries;
	struct wanted *wanted = delayed->wanted;

	(void)fd, (void)what;
	forget(delayed);
	retries->due(retries->arg, wanted);
}

void retries_add(struct retries *retries, struct wanted *wanted, int64_t ms)
{
	struct delayed *delayed = mem_alloc(sizeof(*delayed));

	delayed->retries = retries;
	delayed->wanted = wanted;
	delayed->timer = evtimer_new(retries->base, on_due, delayed);
	timer_set(delayed->timer, ms);
	DL_APPEND(retries->waiting, delayed);
}

void retries_keep(struct retries *retries, bool (*keep)(void *arg, struct wanted *wanted), void *arg)
{
	struct delayed *delayed, *next;

	DL_FOREACH_SAFE(retries->waiting, delayed, next)
		if (!keep(arg, delayed->wanted))
			forget(delayed);
}

void retries_done(struct retries *retries)
{
	struct delayed *delayed, *next;

	DL_FOREACH_SAFE(retries->waiting, delayed, next) {
		wanted_destroy(delayed->wanted);
		forget(delayed);
	}
}
