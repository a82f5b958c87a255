/* SPDX-License-Identifier: MIT */
/*
 * The store process from inside: its callers, the batch that is being gathered, and the waits that are
 * parked. process.c has the loop, batch.c what happens in one batch, waits.c those who wait.
 */
#ifndef STORE_PROCESS_PARTS_H
#define STORE_PROCESS_PARTS_H

#include <event2/event.h>

#include "request/peer.h"
#include "store/store.h"
#include "store/view.h"

struct process;

struct caller {
	struct process *process;
	struct peer *peer; /* NULL: it is gone; the caller lives until the batch has settled that */
	bool greeted;      /* HELLO was asked */
	bool counted;      /* HELLO was done: store_gone() is due for it */
	enum role role;
	char *instance;
	struct caller *prev, *next;
};

/* A request of the batch, or (kind 0) the news that its caller is gone. */
struct item {
	struct caller *caller;
	enum request_kind kind;
	uint64_t sequence;
	const void *request;
	struct kept *kept; /* what `request` lives in */
	void *reply;
	struct err *e;
};

/* A WAIT whose messages are still on their way. */
struct parked {
	struct caller *caller;
	uint64_t sequence;
	const struct wait *wait;
	struct kept *kept;
};

struct process {
	struct store_view view;
	struct store *store;
	struct event_base *base;
	struct event *accepting, *accept_again, *batch_due, *start_due, *timer;
	struct peer *parent;
	struct caller *callers;
	struct item *items;
	size_t item_count, item_capacity;
	struct parked *parked;
	size_t parked_count, parked_capacity;
	int64_t next_expiry_ms, next_sweep_ms; /* 0: nothing waits to expire */
	bool unavailable;                      /* the last commit failed, and that was said */
	bool bury; /* what waits for channels that are no more is not all dead yet */
	bool stopping;
};

/* definitions.c: whether all messages of a COMMIT or SEND mean channels of VIEW; CONFIG error else. */
struct err *definitions_check(const struct store_view *view, enum request_kind kind, const void *request) MUST_CHECK;

/* batch.c: does and answers what was gathered. */
void process_batch(struct process *process, int64_t now_ms);

/* waits.c: parks a WAIT that was asked but is not over; takes over `kept` of ITEM. */
void wait_park(struct process *process, struct item *item);
/* Whether WAIT can be answered with REPLY. */
bool wait_is_over(const struct wait *wait, const struct wait_reply *reply, int64_t now_ms);
/* Answers those that are over. Unless MESSAGES_ENDED, only the clock can have ended them. */
void waits_check(struct process *process, bool messages_ended, int64_t now_ms);
void waits_forget(struct process *process, const struct caller *caller);
/* The earliest deadline, 0: nobody waits. */
int64_t waits_deadline(const struct process *process);

#endif
