/* SPDX-License-Identifier: MIT */
/* What a worker tells main of a run. Secrets stay here: main knows none that it could redact. */
#include "worker/result.h"

#include <string.h>

#include "base/log.h"
#include "daemon/child.h"

static const char *redacted(const char *text, struct arena *arena)
{
	cleanup(buf_done) struct buf shown = {0};

	if (!text)
		return NULL;
	buf_add_text(&shown, text);
	redact(&shown);
	return arena_copy(arena, buf_text(&shown));
}

static struct error_record *redacted_error(const struct err *e, struct arena *arena)
{
	struct error_record *record = error_to_record(e, arena);

	record->message = redacted(record->message, arena);
	for (size_t i = 0; i < record->frame_count; i++)
		record->frames[i].note = redacted(record->frames[i].note, arena);
	return record;
}

struct err *result_send(struct link *main_link, struct run *run, const struct err *e, bool leaving)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(free_text) char *report = run->order->report ? run_report(run, e != NULL) : NULL;
	struct run_result result = {
	    .run = run->order->run,
	    .degraded = run->degraded,
	    .leaving = leaving,
	    .error = e ? redacted_error(e, &arena) : NULL,
	    .started_ms = run->started_ms,
	    .ended_ms = wall_ms(),
	    .messages = e ? 0 : run_message_count(run),
	    .values = run->values,
	    .value_count = run->value_count,
	    .report = report,
	    .slots = run->slots,
	    .slot_count = e ? 0 : run->slot_count,
	};

	struct err *sent = link_send(main_link, REQ_RESULT, &result);
	if (!sent || err_kind(sent) != ERR_PERMANENT)
		return sent;
	log_fault(LEVEL_WARNING, "job_log", ERR_AT(sent, "leave out the report of %s", run->job->name));
	result.report = NULL;
	return link_send(main_link, REQ_RESULT, &result);
}

void result_send_exhausted(struct link *main_link, const struct run *run, size_t size)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *step = run ? run->tools->page->step : "";
	struct run_result result = {.leaving = true};

	if (!run)
		return;
	result.run = run->order->run;
	result.started_ms = run->started_ms;
	result.ended_ms = wall_ms();

	struct err *e = ERR(ERR_TEMPORARY, "out of memory: %zu bytes more than the %d MiB of a run%s%s", size,
	    WORKER_MEMORY_MIB, *step ? ", in step: " : "", step);
	result.error = error_to_record(e, &arena);
	err_ignore(link_send(main_link, REQ_RESULT, &result));
	err_destroy(e);
}
