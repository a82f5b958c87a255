/* SPDX-License-Identifier: MIT */
/* The report of a run by hand. */
#include "daemon/once_report.h"

#include <string.h>

#include "base/text.h"
#include "store/error_json.h"

/* PART of the worker's report, or an empty one if the run did not get that far. */
static void add_part(struct json *report, const struct json *worker_report, const char *part, struct json *empty)
{
	const struct json *value = json_get(worker_report, part);

	if (value)
		json_destroy(empty);
	json_set(report, part, value ? json_copy(value) : empty);
}

struct json *once_report(const struct conf_job *job, utc_t slot, const struct run_end *end)
{
	cleanup(arena_done) struct arena arena = {0};
	struct json *report = json_object(), *parsed = NULL;
	cleanup(free_text) char *run = end->granted->run ? mem_format("%lld", (long long)end->granted->run)
	                                                 : mem_copy("dry-run");

	if (end->report)
		err_ignore(json_parse(end->report, strlen(end->report), &parsed));
	json_set_string(report, "job", job->name);
	json_set_string(report, "module", job->module->name);
	json_set_string(report, "run", run);
	json_set_instant(report, "slot", slot);
	json_set_bool(report, "dry_run", end->granted->dry_run);
	json_set_string(report, "result",
	    end->ending == ENDED_OK ? "ok" : end->ending == ENDED_DEGRADED ? "degraded" : "error");
	json_set(report, "error", error_json(end->error ? error_to_record(end->error, &arena) : NULL));
	add_part(report, parsed, "data", json_array());
	add_part(report, parsed, "messages", json_array());
	add_part(report, parsed, "metrics", json_object());
	json_destroy(parsed);
	return report;
}

/* -- what became of its messages ------------------------------------------------------------------- */

/* The state of the outbox in the words of the report. */
static const char *outcome_of(const struct message_state *state)
{
	static const char *const same[] = {"delivered", "ambiguous", "suppressed"};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (text_equal(state->state, same[i]))
			return same[i];
	if (text_equal(state->state, "discarded"))
		return "rejected";
	if (!text_equal(state->state, "dead"))
		return "queued";
	return state->reason && !strncmp(state->reason, "expired", strlen("expired")) ? "expired" : "rejected";
}

static struct json *message_of(struct json *report, const char *id)
{
	json_each(item, json_get(report, "messages"))
		if (text_equal(json_text(json_get(item, "id")), id))
			return (struct json *)item; /* the report is ours */
	return NULL;
}

void once_report_outcome(struct json *report, const struct message_state *state)
{
	struct json *message = message_of(report, state->id);

	if (!message)
		return;
	json_set_string(message, "outcome", outcome_of(state));
	json_set_int(message, "attempts", state->attempts);
	json_set_string(message, "detail", state->answer ? state->answer : state->reason);
}

bool once_report_waits(const struct json *message)
{
	return text_equal(json_text(json_get(message, "outcome")), "queued");
}
