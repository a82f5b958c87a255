/* SPDX-License-Identifier: MIT */
/*
 * The run from the inside: what the files of the worker share.
 *
 *	struct run run;
 *
 *	run_init(&run, &tools, order, job, &cancelled);
 *	... the module's function, through include/bmad/run.h ...
 *	e = run_commit(&run);
 *	run_done(&run);
 */
#ifndef WORKER_INSIDE_H
#define WORKER_INSIDE_H

#include <bmad/job.h>

#include "base/log.h"
#include "conf/conf.h"
#include "worker/templates.h"
#include "request/request.h"
#include "worker/worker.h"

#define WORKER_MEMORY_MIB 512 /* of data: a run that wants more is a run that leaks */

struct apis;
struct sources;
struct store_client;

/* What a worker keeps from run to run. */
struct tools {
	const struct conf *conf;
	const char *instance;
	const char *node;
	struct template_set *templates;
	struct sources *sources;
	struct apis *apis;
	struct store_client *store; /* NULL: none (a dry run), or not yet opened */
	const char *store_url; /* to be opened for reading when state is asked for; NULL: there is none */
	struct worker_page *page;
};

/* A message that was queued, or sent and waited for, and what became of it. */
struct run_message {
	struct new_message record;
	const struct conf_channel *channel;   /* where it goes */
	const struct conf_channel *meant_for; /* where it would go without daemon.redirect_to */
	bool own;                             /* its recipient is one of the channel's own */
	const char *shown;              /* the payload without its secrets; NULL: redact() finds them in it */
	struct attachment *attachments; /* without their bytes, which are in the payload */
	size_t attachment_count;
	const char *const *labels; /* what `--json` shows besides: names and values in turn */
	bool sent;                 /* committed on its own, by run_send() */
	const char *outcome;       /* as --json names it */
	const char *detail;        /* or NULL */
	int64_t attempts;
};

struct run {
	struct tools *tools;
	const struct run_order *order;
	const struct conf_job *job;
	const volatile int *cancelled; /* set by a signal: the run is to end */
	struct mono deadline;
	int64_t started_ms;
	struct arena arena; /* of everything below */
	const void *options;
	const struct json *vars;
	const struct json *given;
	struct run_message *messages;
	size_t message_count, message_capacity;
	struct new_state *states;
	size_t state_count, state_capacity;
	struct state_place *state_places; /* of these, by key (run_state.c) */
	struct read_state *read_states;   /* by key: run_states_load() */
	struct value_record *values;
	size_t value_count, value_capacity;
	struct slot_name *slots; /* what the module's `slots` hook named */
	size_t slot_count, slot_capacity;
	struct json *data; /* copies of what templates were handed, if a report was asked for; else NULL */
	bool degraded;
};

/* Everything given outlives the run. */
void run_init(struct run *run, struct tools *tools, const struct run_order *order, const struct conf_job *job,
    const volatile int *cancelled);
void run_done(struct run *run);

/* Resolves the references in the job's options and variables. */
struct err *run_resolve(struct run *run) MUST_CHECK;

/* TEMPORARY error "timeout: ..." once the run was told to end or its time is over. */
struct err *run_check(const struct run *run) MUST_CHECK;

/* Forgets where its states stand (run_state.c); the rest is run_done()'s. */
void run_state_done(struct run *run);

/* VALUE, which lives as long as the run from now on. */
struct json *run_own(struct run *run, struct json *value);

/* Commits what was queued and stored, and logs each message. A dry run commits nothing. */
struct err *run_commit(struct run *run) MUST_CHECK;

/* Messages that go out: queued or sent, without the suppressed ones. */
int64_t run_message_count(const struct run *run);

/*
 * Asks the module for the slots that the order wants, into run->slots in the order of time (naming.c). BUG
 * error for what its hook must not do.
 */
struct err *run_name_slots(struct run *run) MUST_CHECK;

/* A dry run without a daemon reads the store for itself: opens it, if there is one and it is not yet open. */
struct err *run_open_store(struct run *run) MUST_CHECK;

/* The key of MESSAGE in channel TO, where it goes, being meant for MEANT_FOR (run_message.c). */
const char *run_message_key(struct run *run, const struct message *message, const struct conf_channel *to,
    const struct conf_channel *meant_for);

/* Begins a line for EVENT with job, run and slot. */
void run_log_begin(const struct run *run, struct log_line *line, enum log_level level, const char *event);

/* The level of what `debug` tells: a job that asks for it gets it, whatever the level of the log. */
enum log_level run_narration(void);

/*
 * Makes MESSAGE for each of its channels (run_message.c): rendered, with id, key and expiry, added to the
 * run. BUG error for what a module must not ask for. WHOLE: never in parts, whatever a channel says.
 */
struct err *run_add_messages(
    struct run *run, const struct message *message, const struct json *data, bool whole) MUST_CHECK;

/*
 * The JSON of `--json` as far as the worker knows it (report.c), to be free()d. Once for a run, whose data
 * objects it takes. FAILED: what was queued never was.
 */
char *run_report(struct run *run, bool failed);

#endif
