/* SPDX-License-Identifier: MIT */
/* How a run that has ended leaves the dispatcher: traced if need be, closed in the store, told. */
#include <event2/event.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/dispatcher_parts.h"
#include "daemon/listener.h"

void run_entry_destroy(struct run_entry *entry)
{
	struct dispatcher *dispatcher = entry->dispatcher;

	dispatcher->count--;
	if (entry->deadline)
		event_free(entry->deadline);
	traceback_destroy(entry->traceback);
	err_destroy(entry->end.error);
	arena_done(&entry->arena);
	free((char *)entry->granted.key);
	free((char *)entry->granted.given);
	conf_unref(entry->granted.job->conf);
	free(entry);
}

void run_entry_finish(struct run_entry *entry)
{
	struct dispatcher *dispatcher = entry->dispatcher;

	DL_DELETE(dispatcher->running, entry); /* NOLINT(clang-analyzer-core.NullDereference): the list has it */
	if (!entry->granted.slots_to)
		listen_run_ended(&entry->end);
	dispatcher->setup.ended(dispatcher->setup.arg, &entry->end);
	run_entry_destroy(entry);
}

static void on_closed(void *arg, struct err *e, const void *reply)
{
	struct run_entry *entry = arg;
	const struct close_reply *closed = reply;

	if (e) {
		log_fault(LEVEL_ERROR, "run_not_closed", ERR_AT(e, "close run %lld", (long long)entry->granted.run));
	} else if (closed->committed) { /* it died between its commit and telling us: it stands */
		err_destroy(entry->end.error);
		entry->end.error = NULL;
		entry->end.ending = ENDED_OK;
	} else {
		entry->end.again = closed->again;
		entry->end.not_before_ms = closed->not_before_ms;
	}
	run_entry_finish(entry);
}

static const char *const close_reasons[] = {
    [ENDED_FAILED] = "failed",
    [ENDED_TIMEOUT] = "timeout",
    [ENDED_CRASHED] = "crashed",
    [ENDED_INTERRUPTED] = "interrupted",
};

void run_entry_close(struct run_entry *entry, enum ending ending, struct err *error)
{
	struct run_end *end = &entry->end;

	end->ending = ending;
	end->error = error;
	end->ms = entry->started.ms ? mono_now().ms - entry->started.ms : 0;
	if (!entry->dispatcher->setup.line || !entry->granted.run) {
		run_entry_finish(entry);
		return;
	}
	struct close request = {
	    .run = entry->granted.run,
	    .interrupted = ending == ENDED_INTERRUPTED,
	    .unbegun = !entry->started_ms,
	    .reason = close_reasons[ending],
	    .error = error_to_record(error, &entry->arena),
	    .started_ms = entry->started_ms,
	    .ended_ms = wall_ms(),
	    .values = (struct value_record *)end->values,
	    .value_count = end->value_count,
	    .retries = entry->granted.withdrawn ? 0 : entry->granted.job->retry_attempts,
	    .retry_initial_ms = entry->granted.job->retry_initial_ms,
	    .retry_max_ms = entry->granted.job->retry_max_ms,
	};
	line_call(entry->dispatcher->setup.line, REQ_CLOSE, &request, on_closed, entry);
}

static void on_traced(void *arg, const struct error_record *frames)
{
	struct run_entry *entry = arg;
	struct err *error = entry->end.error;

	entry->traceback = NULL;
	entry->end.traced = frames != NULL;
	run_entry_close(entry, entry->end.ending, frames ? traceback_merge(error, frames) : error);
}

void run_entry_trace(
    struct run_entry *entry, const struct crash_record *crash, enum ending ending, struct err *error)
{
	struct event_base *base = entry->dispatcher->setup.base;

	entry->end.ending = ending;
	entry->end.error = error;
	entry->traceback = traceback_start(base, crash, on_traced, entry);
	if (!entry->traceback)
		on_traced(entry, NULL);
}
