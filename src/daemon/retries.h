/* SPDX-License-Identifier: MIT */
/*
 * Retries: slots whose run failed and that are claimed again later. The store knows them and their time as
 * well, so that a restart forgets none; here they only wait.
 */
#ifndef DAEMON_RETRIES_H
#define DAEMON_RETRIES_H

#include <event2/event.h>

#include "daemon/backlog.h"

struct delayed;

struct retries {
	struct event_base *base;
	void (*due)(void *arg, struct wanted *wanted); /* WANTED belongs to the callee again */
	void *arg;
	struct delayed *waiting; /* its own */
};

/* WANTED comes back in MS milliseconds (at once, but not from within, if that is not above 0). */
void retries_add(struct retries *retries, struct wanted *wanted, int64_t ms);
/* Those for which KEEP is false are forgotten; they belong to KEEP then. */
void retries_keep(struct retries *retries, bool (*keep)(void *arg, struct wanted *wanted), void *arg);
/* None comes back any more. */
void retries_done(struct retries *retries);

#endif
