/* SPDX-License-Identifier: MIT */
/*
 * Claims: slots on their way to the store, as many in one request as are wanted at the same time.
 *
 * While the store is there but cannot record anything (a full disk) they wait here, and are asked for again.
 */
#ifndef DAEMON_CLAIMS_H
#define DAEMON_CLAIMS_H

#include <event2/event.h>

#include "daemon/backlog.h"
#include "daemon/line.h"

struct batch;

struct claims {
	struct event_base *base;
	struct line *line;
	const char *instance;
	/* The store's answer. WANTED belongs to the callee again. */
	void (*answered)(void *arg, struct wanted *wanted, const struct claim_result *result);
	/* WANTED has waited for the store to be able, and is about to be asked for again. */
	void (*judge_again)(void *arg, struct wanted *wanted);
	/* The store can record again; nobody should have added slots of the clock meanwhile. */
	void (*able_again)(void *arg);
	void *arg;
	/* its own */
	struct batch *batches; /* unanswered, in order */
	struct batch *filling;
	struct event *retry;
	bool refused; /* by the store, which cannot record anything now */
	bool stopped;
};

/* WANTED goes with the next request; it belongs to its backlog if it stands in one. */
void claims_add(struct claims *claims, struct wanted *wanted);
/* Sends what was added. */
void claims_flush(struct claims *claims);
/* Calls VISIT for each slot that is not answered. */
void claims_each(struct claims *claims, void (*visit)(void *arg, struct wanted *wanted), void *arg);
/* What is refused from now on is not asked for again. */
void claims_stop(struct claims *claims);
/* Forgets what is not answered; the slots themselves are not freed. */
void claims_done(struct claims *claims);

#endif
