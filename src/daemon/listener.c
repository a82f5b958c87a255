/* SPDX-License-Identifier: MIT */
/* Run and slot outcomes as log lines. */
#include "daemon/listener.h"

#include <stdio.h>

#include "base/log.h"

static const struct {
	const char *event;
	enum log_level level;
} endings[] = {
    [ENDED_OK] = {"run_succeeded", LEVEL_INFO},
    [ENDED_DEGRADED] = {"run_succeeded", LEVEL_WARNING},
    [ENDED_FAILED] = {"run_failed", LEVEL_ERROR},
    [ENDED_TIMEOUT] = {"run_timeout", LEVEL_ERROR},
    [ENDED_CRASHED] = {"run_crashed", LEVEL_ERROR},
    [ENDED_INTERRUPTED] = {"run_interrupted", LEVEL_WARNING},
};

static void begin(struct log_line *line, enum log_level level, const char *event, const struct granted *granted)
{
	log_begin(line, level, event);
	log_text(line, "job", granted->job->name);
	if (granted->run)
		log_int(line, "run", granted->run);
	log_instant(line, "slot", granted->slot);
}

void listen_run_started(const struct granted *granted)
{
	struct log_line line;

	begin(&line, LEVEL_INFO, "run_started", granted);
	log_text(&line, "trigger", trigger_names[granted->trigger]);
	if (granted->attempt > 1)
		log_int(&line, "attempt", granted->attempt);
	if (granted->dry_run)
		log_literal(&line, "dry_run", "true");
	log_end(&line);
}

static void add_values(struct log_line *line, const struct run_end *end)
{
	for (size_t i = 0; i < end->value_count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%.15g", end->values[i].number);
		log_named(line, "value.", end->values[i].name, text, true);
	}
}

static void tell_frames(const struct run_end *end)
{
	for (size_t i = 0; i < err_frames(end->error); i++) {
		const struct err_frame *frame = err_frame(end->error, i);
		struct log_line line;

		log_begin(&line, LEVEL_ERROR, "traceback");
		log_text(&line, "job", end->granted->job->name);
		if (end->granted->run)
			log_int(&line, "run", end->granted->run);
		log_int(&line, "frame", (int64_t)i);
		log_text(&line, "function", frame->function);
		log_text(&line, "file", frame->file);
		log_int(&line, "line", frame->line);
		log_text(&line, "note", frame->note);
		log_end(&line);
	}
}

void listen_run_ended(const struct run_end *end)
{
	struct log_line line;

	begin(&line, endings[end->ending].level, endings[end->ending].event, end->granted);
	log_int(&line, "ms", end->ms);
	log_int(&line, "messages", end->messages);
	if (end->ending == ENDED_DEGRADED)
		log_literal(&line, "degraded", "true");
	if (end->error)
		log_error(&line, end->error);
	if (end->step && end->step[0])
		log_text(&line, "step", end->step);
	if (end->again)
		log_literal(&line, "runs_again", "true");
	if (end->not_before_ms)
		log_instant(&line, "retry_at", end->not_before_ms / 1000);
	add_values(&line, end);
	log_end(&line);
	/* A run that was cut from outside: its line says by what, and there is no fault to trace. */
	if (end->error && (end->ending != ENDED_INTERRUPTED || end->traced))
		tell_frames(end);
}

static void tell_left(struct log_line *line, const struct run_end *end, const struct slots_left *left)
{
	log_text(line, "job", end->granted->job->name);
	if (left->known_until)
		log_instant(line, "known_until", left->known_until);
	if (left->next != UTC_NEVER)
		log_instant(line, "next", left->next);
}

void listen_slots_failed(const struct run_end *end, const struct slots_left *left)
{
	struct log_line line;

	log_begin(&line, LEVEL_ERROR, "module_slots_failed");
	tell_left(&line, end, left);
	log_int(&line, "ms", end->ms);
	log_int(&line, "retry_s", left->retry_s);
	log_error(&line, end->error);
	if (end->step && end->step[0])
		log_text(&line, "step", end->step);
	log_end(&line);
	if (end->ending != ENDED_INTERRUPTED || end->traced)
		tell_frames(end);
	if (!left->ending)
		return;
	log_begin(&line, LEVEL_ERROR, "module_slots_ending");
	tell_left(&line, end, left);
	log_text(&line, "error", "no slot is known beyond this: the job will not run until its module can name them");
	log_end(&line);
}

void listen_slot_missed(const char *job, utc_t slot, utc_t first, const char *reason)
{
	struct log_line line;

	log_begin(&line, LEVEL_WARNING, "slot_missed");
	log_text(&line, "job", job);
	log_instant(&line, "slot", slot);
	if (first)
		log_instant(&line, "since", first);
	log_text(&line, "reason", reason);
	log_end(&line);
}

void listen_slot_skipped(const struct conf_job *job, utc_t slot, int64_t open_run)
{
	struct log_line line;

	log_begin(&line, LEVEL_WARNING, "slot_skipped");
	log_text(&line, "job", job->name);
	log_instant(&line, "slot", slot);
	log_int(&line, "open_run", open_run);
	log_text(&line, "reason", "the run before is still open (overlap: skip)");
	log_end(&line);
}

void listen_slot_paused(const struct conf_job *job, utc_t slot)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "slot_skipped");
	log_text(&line, "job", job->name);
	log_instant(&line, "slot", slot);
	log_text(&line, "reason", "the job is paused");
	log_end(&line);
}
