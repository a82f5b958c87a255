/* SPDX-License-Identifier: MIT */
/* Hands granted runs to workers and watches their deadlines. */
#include "daemon/dispatcher.h"

#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/death.h"
#include "daemon/dispatcher_parts.h"
#include "daemon/listener.h"

#define KILL_AFTER_S       10
#define EXHAUSTED_MS       1000 /* a run that waits longer than this for a worker is worth a line */
#define EXHAUSTED_AGAIN_MS 60000

/* Where the run stands now; what it was told last stays if its worker has cleared the page since. */
static void note_step(struct run_entry *entry, const struct child *worker)
{
	const char *step = worker->page->step;

	if (*step || !entry->end.step)
		entry->end.step = arena_copy_n(&entry->arena, step, strnlen(step, STEP_TEXT));
}

/* -- the deadline ---------------------------------------------------------------------------------- */

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct run_entry *entry = arg;
	pid_t pid = entry->worker->pid;
	struct log_line line;

	(void)fd, (void)what;
	if (entry->worker->reaped)
		return;
	if (entry->overrun) { /* it did not end when asked */
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		return;
	}
	entry->overrun = true;
	note_step(entry, entry->worker);
	log_begin(&line, LEVEL_WARNING, "run_overdue");
	log_text(&line, "job", entry->granted.job->name);
	if (entry->granted.run)
		log_int(&line, "run", entry->granted.run);
	log_text(&line, "step", entry->end.step);
	log_end(&line);
	kill(pid, CRASH_ASK);
	kill(pid, SIGTERM);
	timer_set(entry->deadline, KILL_AFTER_S * 1000);
}

static void set_deadline(struct run_entry *entry)
{
	entry->deadline = evtimer_new(entry->dispatcher->setup.base, on_deadline, entry);
	timer_set(entry->deadline, entry->granted.job->timeout_ms);
}

/* -- starting -------------------------------------------------------------------------------------- */

static void give_order(struct run_entry *entry)
{
	const struct granted *granted = &entry->granted;
	utc_t now = wall_ms() / 1000;
	struct run_order order = {
	    .run = granted->run,
	    .job = granted->job->name,
	    .key = granted->key,
	    .slot = granted->slot,
	    .now = granted->now ? granted->now : now,
	    .attempt = granted->attempt,
	    .trigger = granted->trigger,
	    .deadline_ms = granted->job->timeout_ms,
	    .expires_base = granted->trigger == TRIGGER_MANUAL ? now : granted->slot,
	    .dry_run = granted->dry_run,
	    .debug = granted->debug,
	    .log_message = granted->log_message,
	    .again = granted->again,
	    .own_slot = granted->run && granted->trigger == TRIGGER_MANUAL && !granted->now,
	    .by_hand = granted->by_hand,
	    .report = granted->report,
	    .slots_from = granted->slots_from,
	    .slots_to = granted->slots_to,
	    .given = granted->given,
	};

	supervisor_order(entry->worker, &order);
}

static void start(struct run_entry *entry, struct child *worker)
{
	struct dispatcher *dispatcher = entry->dispatcher;

	DL_DELETE(dispatcher->waiting, entry);
	dispatcher->waiting_count--;
	DL_APPEND(dispatcher->running, entry);
	entry->worker = worker;
	worker->user = entry;
	entry->started = mono_now();
	entry->started_ms = wall_ms();
	if (!entry->granted.slots_to)
		listen_run_started(&entry->granted);
	if (dispatcher->setup.line && entry->granted.run)
		line_call(dispatcher->setup.line, REQ_START,
		    &(struct start){entry->granted.run, entry->started_ms}, NULL, NULL);
	set_deadline(entry);
	give_order(entry);
}

static void pump(struct dispatcher *dispatcher)
{
	while (!dispatcher->stopping && dispatcher->waiting && dispatcher->idle_count)
		start(dispatcher->waiting, dispatcher->idle[--dispatcher->idle_count]);
	if (!dispatcher->waiting)
		event_del(dispatcher->exhausted);
	else if (!event_pending(dispatcher->exhausted, EV_TIMEOUT, NULL))
		timer_set(dispatcher->exhausted, EXHAUSTED_MS);
}

static void on_exhausted(evutil_socket_t fd, short what, void *arg)
{
	struct dispatcher *dispatcher = arg;
	struct log_line line;

	(void)fd, (void)what;
	if (!dispatcher->waiting)
		return;
	log_begin(&line, LEVEL_WARNING, "workers_exhausted");
	log_int(&line, "waiting", (int64_t)dispatcher->waiting_count);
	log_text(&line, "job", dispatcher->waiting->granted.job->name);
	log_int(&line, "waits_ms", mono_now().ms - dispatcher->waiting->waiting_since.ms);
	log_end(&line);
	timer_set(dispatcher->exhausted, EXHAUSTED_AGAIN_MS);
}

struct dispatcher *dispatcher_create(const struct dispatcher_setup *setup)
{
	struct dispatcher *dispatcher = mem_alloc(sizeof(*dispatcher));

	dispatcher->setup = *setup;
	dispatcher->exhausted = evtimer_new(setup->base, on_exhausted, dispatcher);
	return dispatcher;
}

/* A run that will not begin here. E is taken. */
static void abandon(struct run_entry *entry, enum ending ending, struct err *e)
{
	struct dispatcher *dispatcher = entry->dispatcher;

	DL_DELETE(dispatcher->waiting, entry);
	dispatcher->waiting_count--;
	DL_APPEND(dispatcher->running, entry);
	run_entry_close(entry, ending, e);
}

static void stop_waiting(struct run_entry *entry)
{
	abandon(entry, ENDED_INTERRUPTED, ERR(ERR_TEMPORARY, "bmad stopped before the run began"));
}

static void withdraw(struct run_entry *entry)
{
	entry->granted.withdrawn = true;
	abandon(entry, ENDED_FAILED,
	    ERR(ERR_CONFIG, "the job '%s' is not configured any more, and the run had not begun",
	        entry->granted.job->name));
}

void dispatcher_add(struct dispatcher *dispatcher, const struct granted *granted)
{
	struct run_entry *entry = mem_alloc(sizeof(*entry));

	entry->dispatcher = dispatcher;
	entry->granted = *granted;
	entry->granted.key = mem_copy(granted->key);
	entry->granted.given = mem_copy(granted->given);
	conf_ref(granted->job->conf);
	entry->end.granted = &entry->granted;
	entry->waiting_since = mono_now();
	if (granted->given)
		DL_PREPEND(dispatcher->waiting, entry);
	else
		DL_APPEND(dispatcher->waiting, entry);
	dispatcher->waiting_count++;
	dispatcher->count++;
	if (dispatcher->stopping)
		stop_waiting(entry);
	else if (granted->withdrawn)
		withdraw(entry);
	else
		pump(dispatcher);
}

/* -- what workers say ------------------------------------------------------------------------------ */

void dispatcher_ready(struct dispatcher *dispatcher, struct child *worker)
{
	worker->user = NULL;
	mem_grow(dispatcher->idle, dispatcher->idle_count, dispatcher->idle_capacity);
	dispatcher->idle[dispatcher->idle_count++] = worker;
	pump(dispatcher);
}

static void copy_result(struct run_entry *entry, const struct run_result *result)
{
	struct run_end *end = &entry->end;
	struct value_record *values = arena_alloc(&entry->arena, (result->value_count + 1) * sizeof(*values));

	for (size_t i = 0; i < result->value_count; i++)
		values[i] = (struct value_record){arena_copy(&entry->arena, result->values[i].name),
		    result->values[i].number};
	end->values = values;
	end->value_count = result->value_count;
	end->messages = result->messages;
	end->report = arena_copy(&entry->arena, result->report);
	end->ms = result->ended_ms - result->started_ms;
}

static void copy_slots(struct run_entry *entry, const struct run_result *result)
{
	struct slot_name *slots = arena_alloc(&entry->arena, (result->slot_count + 1) * sizeof(*slots));

	for (size_t i = 0; i < result->slot_count; i++)
		slots[i] = (struct slot_name){arena_copy(&entry->arena, result->slots[i].key), result->slots[i].at};
	entry->end.slots = slots;
	entry->end.slot_count = result->slot_count;
}

static struct run_entry *detach(struct child *worker)
{
	struct run_entry *entry = worker->user;

	worker->user = NULL;
	if (!entry)
		return NULL;
	entry->worker = NULL;
	event_free(entry->deadline);
	entry->deadline = NULL;
	return entry;
}

/* The run told its error itself: that has a traceback, unless the memory ended where no error was at hand. */
static void fail(struct run_entry *entry, const struct crash_record *crash, struct err *error)
{
	enum ending ending = entry->overrun ? ENDED_TIMEOUT : ENDED_FAILED;

	if (crash->cause == CRASH_EXHAUSTED)
		run_entry_trace(entry, crash, ending, error);
	else
		run_entry_close(entry, ending, error);
}

void dispatcher_result(struct dispatcher *dispatcher, struct child *worker, const struct run_result *result)
{
	struct run_entry *entry = worker->user;
	struct crash_record crash;

	if (!entry || entry->granted.run != result->run)
		return; /* of a run that is not its own: what is true will show when it dies or overruns */
	detach(worker);
	copy_result(entry, result);
	copy_slots(entry, result);
	crash = crash_copy(&worker->page->crash); /* before the worker gets its next run */
	/* Cancelled half-way: what it keeps between runs is not to be trusted. */
	if (entry->overrun || supervisor_outdated(worker))
		supervisor_replace(worker);
	else if (!result->leaving)
		dispatcher_ready(dispatcher, worker);
	if (result->error) {
		fail(entry, &crash, error_from_record(result->error));
		return;
	}
	entry->end.ending = result->degraded ? ENDED_DEGRADED : ENDED_OK;
	run_entry_finish(entry);
}

static void drop_idle(struct dispatcher *dispatcher, const struct child *worker)
{
	for (size_t i = 0; i < dispatcher->idle_count; i++) {
		if (dispatcher->idle[i] != worker)
			continue;
		dispatcher->idle[i] = dispatcher->idle[--dispatcher->idle_count];
		return;
	}
}

static enum ending death_ending(const struct death *death)
{
	if (death->overrun)
		return ENDED_TIMEOUT;
	return death_is_from_outside(death) ? ENDED_INTERRUPTED : ENDED_CRASHED;
}

void dispatcher_gone(struct dispatcher *dispatcher, struct child *worker, int status)
{
	struct run_entry *entry = detach(worker);

	drop_idle(dispatcher, worker);
	if (!entry)
		return;
	note_step(entry, worker);
	struct death death = {
	    .status = status,
	    .step = entry->end.step,
	    .timeout_ms = entry->granted.job->timeout_ms,
	    .grace_s = KILL_AFTER_S,
	    .overrun = entry->overrun,
	    .nonsense = worker->nonsense,
	    .peak_kib = worker->peak_kib,
	    .oom_kills = oom_kills() - worker->oom_kills,
	    .crash = crash_copy(&worker->page->crash),
	};
	if (death_is_from_outside(&death) && !death.oom_kills)
		death.crash.count = 0; /* no fault of the job's: there is nothing to trace */
	run_entry_trace(entry, &death.crash, death_ending(&death), death_error(&death));
}

/* -- another configuration ------------------------------------------------------------------------- */

static void move_waiting(struct run_entry *entry, const struct conf *conf)
{
	struct granted *granted = &entry->granted;
	const struct conf_job *job = conf_job(conf, granted->job->name);

	if (!granted->job->conf)
		return; /* one of bmad's own */
	if (!job) {
		withdraw(entry);
		return;
	}
	conf_ref(conf);
	conf_unref(granted->job->conf);
	granted->job = job;
	granted->debug = job->debug;
	granted->log_message = job->log_message;
	granted->dry_run = job->dry_run || granted->slots_to;
}

/* The list is made anew: a run must not be given to one that is about to go. */
static void replace_outdated(struct dispatcher *dispatcher)
{
	struct child **idle = dispatcher->idle;
	size_t count = dispatcher->idle_count;

	dispatcher->idle = NULL;
	dispatcher->idle_count = dispatcher->idle_capacity = 0;
	for (size_t i = 0; i < count; i++)
		if (supervisor_outdated(idle[i]))
			supervisor_replace(idle[i]);
		else
			dispatcher_ready(dispatcher, idle[i]);
	free(idle);
}

void dispatcher_reload(struct dispatcher *dispatcher, const struct conf *conf)
{
	struct run_entry *entry, *next;

	DL_FOREACH_SAFE(dispatcher->waiting, entry, next)
		move_waiting(entry, conf);
	supervisor_reload(dispatcher->setup.supervisor, conf);
	replace_outdated(dispatcher);
}

/* -- stopping -------------------------------------------------------------------------------------- */

void dispatcher_stop(struct dispatcher *dispatcher)
{
	struct run_entry *entry, *next;

	dispatcher->stopping = true;
	event_del(dispatcher->exhausted);
	DL_FOREACH_SAFE(dispatcher->waiting, entry, next)
		stop_waiting(entry);
}

size_t dispatcher_count(const struct dispatcher *dispatcher)
{
	return dispatcher->count;
}

size_t dispatcher_waiting(const struct dispatcher *dispatcher)
{
	return dispatcher->waiting_count;
}

const char *dispatcher_job_of(const struct child *worker)
{
	const struct run_entry *entry = worker->user;

	return entry ? entry->granted.job->name : NULL;
}

void dispatcher_destroy(struct dispatcher *dispatcher)
{
	struct run_entry *entry, *next;

	if (!dispatcher)
		return;
	DL_FOREACH_SAFE(dispatcher->waiting, entry, next)
		run_entry_destroy(entry);
	DL_FOREACH_SAFE(dispatcher->running, entry, next)
		run_entry_destroy(entry);
	event_free(dispatcher->exhausted);
	free(dispatcher->idle);
	free(dispatcher);
}
