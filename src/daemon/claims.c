/* SPDX-License-Identifier: MIT */
/* Batches of slots, claimed together. */
#include "daemon/claims.h"

#include <utlist.h>

#include "base/log.h"
#include "daemon/child.h"

#define CLAIM_MAX 8192 /* slots in one request */
#define RETRY_S   1    /* after a refusal */

/* Slots of one request to the store; they live until it is answered. */
struct batch {
	struct claims *claims;
	struct wanted **wanted;
	size_t count, capacity;
	bool waits; /* for the store to be able again */
	struct batch *prev, *next;
};

static void on_claimed(void *arg, struct err *e, const void *reply);

static void send_batch(struct batch *batch)
{
	cleanup(arena_done) struct arena arena = {0};
	struct claim_slot *slots = arena_alloc(&arena, (batch->count + 1) * sizeof(*slots));

	for (size_t i = 0; i < batch->count; i++)
		slots[i] = batch->wanted[i]->slot;
	struct claim claim = {batch->claims->instance, wall_ms(), slots, batch->count};
	line_call(batch->claims->line, REQ_CLAIM, &claim, on_claimed, batch);
}

void claims_flush(struct claims *claims)
{
	struct batch *batch = claims->filling;

	claims->filling = NULL;
	if (!batch)
		return;
	batch->waits = claims->refused;
	if (!batch->waits)
		send_batch(batch);
}

void claims_add(struct claims *claims, struct wanted *wanted)
{
	struct batch *batch = claims->filling;

	if (!batch) {
		batch = claims->filling = mem_alloc(sizeof(*batch));
		batch->claims = claims;
		DL_APPEND(claims->batches, batch);
	}
	mem_grow(batch->wanted, batch->count, batch->capacity);
	batch->wanted[batch->count++] = wanted;
	if (batch->count == CLAIM_MAX)
		claims_flush(claims);
}

static void batch_destroy(struct batch *batch)
{
	DL_DELETE(batch->claims->batches, batch);
	free(batch->wanted);
	free(batch);
}

/* The first that waits, or all of them: in order, since a job's older slots come first. */
static void send_waiting(struct claims *claims, bool all)
{
	struct batch *batch;

	DL_FOREACH(claims->batches, batch) {
		if (!batch->waits)
			continue;
		batch->waits = false;
		for (size_t i = 0; i < batch->count; i++)
			claims->judge_again(claims->arg, batch->wanted[i]);
		send_batch(batch);
		if (!all)
			return;
	}
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	send_waiting(arg, false);
}

/* The store is there but cannot: the slots wait, said once; one request at a time finds out when it can. */
static void refused(struct batch *batch, struct err *e)
{
	struct claims *claims = batch->claims;

	if (claims->refused)
		err_destroy(e);
	else
		log_fault(LEVEL_ERROR, "store_unavailable", ERR_AT(e, "claim %zu slots", batch->count));
	claims->refused = true;
	batch->waits = true;
	if (claims->stopped)
		return;
	if (!claims->retry)
		claims->retry = evtimer_new(claims->base, on_retry, claims);
	event_add(claims->retry, &(struct timeval){.tv_sec = RETRY_S});
}

static void on_claimed(void *arg, struct err *e, const void *reply)
{
	struct batch *batch = arg;
	struct claims *claims = batch->claims;
	const struct claim_reply *answer = reply;

	if (!e && answer->count != batch->count)
		e = ERR(ERR_BUG, "the store answered %zu of %zu slots", answer->count, batch->count);
	if (e) {
		refused(batch, e);
		return;
	}
	bool able_again = claims->refused;
	if (able_again) {
		claims->refused = false;
		send_waiting(claims, true);
	}
	for (size_t i = 0; i < batch->count; i++)
		claims->answered(claims->arg, batch->wanted[i], &answer->slots[i]);
	batch_destroy(batch);
	if (able_again && !claims->stopped)
		claims->able_again(claims->arg);
}

void claims_each(struct claims *claims, void (*visit)(void *arg, struct wanted *wanted), void *arg)
{
	struct batch *batch;

	DL_FOREACH(claims->batches, batch)
		for (size_t i = 0; i < batch->count; i++)
			visit(arg, batch->wanted[i]);
}

void claims_stop(struct claims *claims)
{
	claims->stopped = true;
	if (claims->retry)
		event_del(claims->retry);
}

void claims_done(struct claims *claims)
{
	struct batch *batch, *next;

	DL_FOREACH_SAFE(claims->batches, batch, next)
		batch_destroy(batch);
	if (claims->retry)
		event_free(claims->retry);
}
