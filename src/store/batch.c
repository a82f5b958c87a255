/* SPDX-License-Identifier: MIT */
/*
 * One batch of the store process: all that was ready together, in one commit, answered after it; then
 * those are told who wait for what it changed.
 */
#include "store/process_parts.h"

#include <string.h>

#include <utlist.h>

#include "base/log.h"
#include "base/text.h"

#define SWEEP_EVERY_MS 300000
#define SWEEP_BITE_MS  50 /* from one bite to the next: all the others come first */

/* -- doing ----------------------------------------------------------------------------------------- */

static void do_hello(struct item *item)
{
	const struct hello *hello = item->request;
	struct caller *caller = item->caller;

	if (item->e)
		return;
	caller->role = (enum role)hello->role;
	caller->instance = mem_copy(hello->instance);
	caller->counted = true;
}

static struct err *do_gone(struct process *process, const struct caller *caller, int64_t now_ms)
{
	if (!caller->counted || !caller->instance)
		return NULL;
	return store_gone(process->store, caller->role, caller->instance, now_ms);
}

static void do_item(struct process *process, struct item *item, struct arena *arena, int64_t now_ms)
{
	if (!item->kind) {
		err_ignore(do_gone(process, item->caller, now_ms)); /* do_duties() tries again, and tells */
		return;
	}
	if (item->e)
		return; /* refused already */
	item->reply = arena_alloc(arena, request_types[item->kind].reply->size);
	item->e = definitions_check(&process->view, item->kind, item->request);
	if (!item->e)
		item->e = store_do(process->store, item->kind, item->request, arena, item->reply);
	if (item->kind == REQ_HELLO)
		do_hello(item);
}

/* A clock that was set back does not leave the sweep waiting until it has caught up. */
static bool sweep_is_due(const struct process *process, int64_t now_ms)
{
	return now_ms >= process->next_sweep_ms || process->next_sweep_ms > now_ms + SWEEP_EVERY_MS;
}

static struct err *sweep(struct process *process, int64_t now_ms)
{
	bool more;

	process->next_sweep_ms = now_ms + SWEEP_EVERY_MS;
	PASS(store_sweep(process->store, &process->view.keep, now_ms, &more));
	if (more)
		process->next_sweep_ms = now_ms + SWEEP_BITE_MS;
	return NULL;
}

/* Once the channels are other ones, everywhere; then wherever something new waits for none of them. */
static struct err *bury(struct process *process, int64_t now_ms)
{
	bool more;

	PASS(store_bury(process->store, process->bury, now_ms, &more));
	process->bury = more;
	return NULL;
}

/* A fault of these is no caller's: they are done again with the next batch. */
static struct err *do_duties(struct process *process, int64_t now_ms)
{
	PASS(store_expire(process->store, now_ms, &process->next_expiry_ms));
	PASS(bury(process, now_ms));
	return sweep_is_due(process, now_ms) ? sweep(process, now_ms) : NULL;
}

/* Nothing can be done now, but who is gone is gone: the store settles it when it can. */
static struct err *note_gone(struct process *process, struct err *e, int64_t now_ms)
{
	for (size_t i = 0; i < process->item_count; i++)
		if (!process->items[i].kind)
			err_ignore(do_gone(process, process->items[i].caller, now_ms));
	return e;
}

/* *OUT_FAULT is what went wrong besides the callers' requests; the value, what spoiled the batch. */
static struct err *do_all(
    struct process *process, struct arena *arena, int64_t now_ms, struct err **out_fault)
{
	struct err *e = store_begin(process->store);

	if (e)
		return note_gone(process, e, now_ms);
	for (size_t i = 0; i < process->item_count; i++)
		do_item(process, &process->items[i], arena, now_ms);
	*out_fault = do_duties(process, now_ms);
	return store_commit(process->store);
}

/* -- telling --------------------------------------------------------------------------------------- */

static void tell_availability(struct process *process, struct err *e)
{
	struct log_line line;

	if (e && !process->unavailable) {
		log_begin(&line, LEVEL_ERROR, "store_unavailable");
		log_error(&line, e);
		log_end(&line);
	}
	if (!e && process->unavailable) {
		log_begin(&line, LEVEL_INFO, "store_available");
		log_end(&line);
	}
	process->unavailable = e != NULL;
}

static void answer(struct process *process, struct item *item, int64_t now_ms)
{
	struct peer *peer = item->caller->peer;
	struct err *e = item->e;

	item->e = NULL;
	if (!peer)
		err_ignore(e);
	else if (e)
		peer_fail(peer, item->sequence, e);
	else if (item->kind == REQ_WAIT && !wait_is_over(item->request, item->reply, now_ms))
		wait_park(process, item);
	else
		peer_reply(peer, item->kind, item->sequence, item->reply);
}

static void free_caller(struct process *process, struct caller *caller)
{
	DL_DELETE(process->callers, caller);
	free(caller->instance);
	free(caller);
}

/* Each gets its own copy of what spoiled the batch. */
static void answer_all(struct process *process, struct err *spoiled, int64_t now_ms)
{
	for (size_t i = 0; i < process->item_count; i++) {
		struct item *item = &process->items[i];

		if (!item->kind) {
			free_caller(process, item->caller);
			continue;
		}
		if (spoiled && !item->e)
			item->e = ERR(err_kind(spoiled), "%s", err_message(spoiled));
		answer(process, item, now_ms);
		peer_release(item->kept);
	}
	process->item_count = 0;
}

static void wake_senders(struct process *process, const struct store_news *news)
{
	cleanup(arena_done) struct arena arena = {0};
	struct wake wake = {.count = news->channel_count};
	struct caller *caller;

	if (!news->channel_count)
		return;
	wake.channels = arena_alloc(&arena, news->channel_count * sizeof(*wake.channels));
	for (size_t i = 0; i < news->channel_count; i++)
		wake.channels[i].id = news->channels[i];
	DL_FOREACH(process->callers, caller)
	if (caller->peer && caller->counted && caller->role == ROLE_SENDER)
		peer_call(caller->peer, REQ_WAKE, &wake, NULL, NULL);
}

static void log_message(enum log_level level, const char *event, const struct message_row *row)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_text(&line, "job", row->job);
	log_int(&line, "run", row->run);
	log_instant(&line, "slot", row->slot);
	log_text(&line, "channel", row->channel);
	log_text(&line, "message", row->id);
	log_text(&line, "state", row->state);
	log_text(&line, "reason", row->reason);
	log_int(&line, "attempts", row->attempts);
	log_text(&line, "fallback", row->successor);
	log_end(&line);
}

static void tell_main(struct process *process, const struct message_row *row, enum notice_kind kind)
{
	struct notice notice = {
	    .kind = kind,
	    .channel = row->channel,
	    .job = row->job,
	    .message = row->id,
	    .run = row->run,
	    .slot = row->slot,
	    .reason = row->reason,
	};

	if (process->parent)
		peer_call(process->parent, REQ_NOTICES, &(struct notices){&notice, 1}, NULL, NULL);
}

static void tell_lost(struct process *process, const struct store_news *news)
{
	for (size_t i = 0; i < news->expired_count; i++)
		tell_main(process, &news->expired[i], NOTICE_DEAD);
	for (size_t i = 0; i < news->recovered_count; i++)
		if (text_equal(news->recovered[i].state, "ambiguous"))
			tell_main(process, &news->recovered[i], NOTICE_AMBIGUOUS);
}

/* Of messages whose sender died, or that go another way. */
static const struct {
	const char *state;
	const char *event;
	enum log_level level;
} recovered[] = {
    {"suppressed", "message_suppressed", LEVEL_WARNING},
    {"discarded", "message_discarded", LEVEL_WARNING},
    {NULL, "message_ambiguous", LEVEL_WARNING},
};

static void tell_recovered(const struct message_row *row)
{
	size_t i = 0;

	while (recovered[i].state && strcmp(recovered[i].state, row->state) != 0)
		i++;
	log_message(recovered[i].level, recovered[i].event, row);
}

static void tell_news(struct process *process, int64_t now_ms)
{
	struct store_news news;

	store_news(process->store, &news);
	tell_lost(process, &news);
	for (size_t i = 0; i < news.expired_count; i++) {
		const struct message_row *row = &news.expired[i];

		log_message(LEVEL_ERROR, text_equal(row->reason, "expired") ? "message_expired" : "message_rejected", row);
	}
	for (size_t i = 0; i < news.recovered_count; i++)
		tell_recovered(&news.recovered[i]);
	wake_senders(process, &news);
	waits_check(process, news.messages_ended, now_ms);
}

void process_batch(struct process *process, int64_t now_ms)
{
	cleanup(arena_done) struct arena arena = {0};
	struct err *fault = NULL;
	struct err *spoiled = do_all(process, &arena, now_ms, &fault);

	process->bury = process->bury || (spoiled && process->view.complete); /* it may have been undone */
	tell_availability(process, spoiled ? spoiled : fault);
	answer_all(process, spoiled, now_ms);
	err_destroy(spoiled);
	err_destroy(fault);
	tell_news(process, now_ms);
}
