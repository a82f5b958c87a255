/* SPDX-License-Identifier: MIT */
/* Those who wait for messages to come to their end. */
#include "store/process_parts.h"

#include <string.h>

static bool is_end_state(const char *state)
{
	return strcmp(state, "queued") && strcmp(state, "retrying") && strcmp(state, "sending");
}

bool wait_is_over(const struct wait *wait, const struct wait_reply *reply, int64_t now_ms)
{
	if (now_ms >= wait->deadline_ms)
		return true;
	for (size_t i = 0; i < reply->count; i++)
		if (!is_end_state(reply->messages[i].state))
			return false;
	return true;
}

void wait_park(struct process *process, struct item *item)
{
	mem_grow(process->parked, process->parked_count, process->parked_capacity);
	process->parked[process->parked_count++] = (struct parked){
	    .caller = item->caller,
	    .sequence = item->sequence,
	    .wait = item->request,
	    .kept = item->kept,
	};
	item->kept = NULL;
}

static void remove_parked(struct process *process, size_t index)
{
	peer_release(process->parked[index].kept);
	process->parked[index] = process->parked[--process->parked_count];
}

/* True: answered. */
static bool answer_if_over(struct process *process, const struct parked *parked, int64_t now_ms)
{
	cleanup(arena_done) struct arena arena = {0};
	struct wait_reply reply = {0};
	struct err *e = store_do(process->store, REQ_WAIT, parked->wait, &arena, &reply);

	if (e)
		peer_fail(parked->caller->peer, parked->sequence, e);
	else if (wait_is_over(parked->wait, &reply, now_ms))
		peer_reply(parked->caller->peer, REQ_WAIT, parked->sequence, &reply);
	else
		return false;
	return true;
}

void waits_check(struct process *process, bool messages_ended, int64_t now_ms)
{
	for (size_t i = process->parked_count; i-- > 0;) {
		const struct parked *parked = &process->parked[i];

		if (!messages_ended && now_ms < parked->wait->deadline_ms)
			continue;
		if (answer_if_over(process, parked, now_ms))
			remove_parked(process, i);
	}
}

void waits_forget(struct process *process, const struct caller *caller)
{
	for (size_t i = process->parked_count; i-- > 0;)
		if (process->parked[i].caller == caller)
			remove_parked(process, i);
}

int64_t waits_deadline(const struct process *process)
{
	int64_t earliest = 0;

	for (size_t i = 0; i < process->parked_count; i++) {
		int64_t deadline = process->parked[i].wait->deadline_ms;

		if (!earliest || deadline < earliest)
			earliest = deadline;
	}
	return earliest;
}
