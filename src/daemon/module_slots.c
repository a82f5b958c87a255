/* SPDX-License-Identifier: MIT */
/* Lists of named slots: when they are asked for, and what an answer or its absence means. */
#include "daemon/module_slots.h"

#include <event2/event.h>
#include <uthash.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/alarms.h"
#include "daemon/child.h"
#include "daemon/listener.h"
#include "daemon/slots.h"

#define AHEAD_S       (2 * 86400) /* so much of the future is asked for */
#define BEHIND_S      (2 * 86400) /* and of the past: a slot that moved there without having fired is found */
#define BEHIND_MAX_S  (31 * 86400) /* of a downtime: what was before is not asked for */
#define ASK_S         3600
#define BEFORE_SLOT_S 60
#define RETRY_FIRST_S 5
#define ENDING_S      (6 * 3600) /* a list that ends so soon and cannot be renewed is worth an alarm */

struct module_job {
	char *name; /* the hash key */
	struct module_slots *slots;
	const struct conf_job *job;
	struct slot_list list;
	utc_t asked_from; /* the past is asked for from here */
	struct event *timer;
	bool asking;
	bool again;       /* what it was asked with is not what holds now */
	int64_t failures; /* since the last answer */
	UT_hash_handle hh;
};

struct module_slots {
	struct module_slots_setup setup;
	struct module_job *jobs;
	bool stopped;
};

static utc_t now_utc(void)
{
	return wall_ms() / 1000;
}

static struct module_job *find(const struct module_slots *slots, const char *name)
{
	struct module_job *job;

	HASH_FIND_STR(slots->jobs, name, job);
	return job;
}

/* -- asking ---------------------------------------------------------------------------------------- */

static void ask(struct module_job *job)
{
	utc_t now = now_utc();
	utc_t from = job->asked_from;

	job->again = job->asking;
	if (job->asking || job->slots->stopped)
		return;
	job->asking = true;
	event_del(job->timer);
	dispatcher_add(job->slots->setup.dispatcher, &(struct granted){
	                                                 .job = job->job,
	                                                 .slot = now,
	                                                 .attempt = 1,
	                                                 .dry_run = true,
	                                                 .debug = job->job->debug,
	                                                 .slots_from = from < now ? from : now,
	                                                 .slots_to = now + AHEAD_S,
	                                             });
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	ask(arg);
}

static int64_t retry_s(const struct module_job *job)
{
	int64_t wait = RETRY_FIRST_S;

	for (int64_t i = 1; i < job->failures && wait < ASK_S; i++)
		wait *= 2;
	return wait < ASK_S ? wait : ASK_S;
}

/* A minute before the next slot that is further away than that, or in an hour. */
static int64_t wait_s(const struct module_job *job)
{
	utc_t now = now_utc();
	utc_t slot = slot_list_next(&job->list, now + BEFORE_SLOT_S);
	int64_t wait = slot == UTC_NEVER ? ASK_S : slot - BEFORE_SLOT_S - now;

	return wait < ASK_S ? wait : ASK_S;
}

static void ask_later(struct module_job *job)
{
	int64_t wait = job->failures ? retry_s(job) : wait_s(job);

	if (!job->asking && !job->slots->stopped)
		event_add(job->timer, &(struct timeval){.tv_sec = wait});
}

/* -- answers --------------------------------------------------------------------------------------- */

static void tell_failed(const struct module_job *job, const struct run_end *end)
{
	struct slots_left left = {
	    .known_until = job->list.until,
	    .next = slot_list_next(&job->list, now_utc()),
	    .ending = job->list.until < now_utc() + ENDING_S,
	    .retry_s = retry_s(job),
	};

	listen_slots_failed(end, &left);
	if (left.ending)
		alarms_slots_failed(job->slots->setup.alarms, end);
}

static void tell_named(const struct module_job *job)
{
	struct log_line line;

	log_begin(&line, job->failures ? LEVEL_INFO : LEVEL_DEBUG, "module_slots_named");
	log_text(&line, "job", job->name);
	log_int(&line, "slots", (int64_t)job->list.count);
	log_instant(&line, "known_until", job->list.until);
	log_instant(&line, "next", slot_list_next(&job->list, now_utc()));
	if (job->failures)
		log_int(&line, "after_failures", job->failures);
	log_end(&line);
}

/* What was due has been taken by now; all but the last days need not be asked for again. */
static void raise_account(struct module_job *job, utc_t now)
{
	if (job->asked_from < now - BEHIND_S)
		job->asked_from = now - BEHIND_S;
}

void module_slots_answered(struct module_slots *slots, const struct run_end *end)
{
	struct module_job *job = find(slots, end->granted->job->name);

	if (!job)
		return; /* it is no more */
	job->asking = false;
	if (slots->stopped)
		return;
	if (end->error) {
		job->failures++;
		tell_failed(job, end);
	} else {
		slot_list_replace(&job->list, end->slots, end->slot_count, end->granted->slots_to);
		tell_named(job);
		job->failures = 0;
		alarms_over(slots->setup.alarms, TROUBLE_SCHEDULE, job->name);
		slots->setup.changed(slots->setup.arg, job->job);
		raise_account(job, now_utc());
	}
	if (job->again)
		ask(job);
	else
		ask_later(job);
}

/* -- the front desk -------------------------------------------------------------------------------- */

struct module_slots *module_slots_create(const struct module_slots_setup *setup)
{
	struct module_slots *slots = mem_alloc(sizeof(*slots));

	slots->setup = *setup;
	return slots;
}

static utc_t cut_past(const char *name, utc_t accounted_until)
{
	utc_t from = now_utc() - BEHIND_MAX_S;
	struct log_line line;

	if (accounted_until >= from)
		return accounted_until;
	log_begin(&line, LEVEL_WARNING, "module_slots_forgotten");
	log_text(&line, "job", name);
	log_instant(&line, "since", accounted_until);
	log_instant(&line, "until", from);
	log_end(&line);
	return from;
}

/* What has its record was taken, wherever the module will say that it is. */
static void know_recorded(struct module_job *job, const struct schedule_state *state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct slot_name *names = arena_alloc(&arena, (state->key_count + 1) * sizeof(*names));

	for (size_t i = 0; i < state->key_count; i++)
		names[i] = (struct slot_name){.key = state->keys[i].id};
	slot_list_replace(&job->list, names, state->key_count, 0);
	slot_list_take(&job->list, 0);
}

static utc_t asked_from(const struct module_job *job, const struct schedule_state *state)
{
	utc_t behind = state->accounted_until - BEHIND_S;

	return cut_past(job->name, behind > state->since ? behind : state->since);
}

static struct module_job *create(
    struct module_slots *slots, const char *name, const struct schedule_state *state)
{
	struct module_job *job = mem_alloc(sizeof(*job));

	job->slots = slots;
	job->name = mem_copy(name);
	job->asked_from = asked_from(job, state);
	job->timer = evtimer_new(slots->setup.base, on_timer, job);
	know_recorded(job, state);
	HASH_ADD_KEYPTR(hh, slots->jobs, job->name, strlen(job->name), job);
	return job;
}

int64_t module_slots_recorded_s(const struct conf_job *job)
{
	return slots_have(job, SCHEDULE_MODULE) ? 2 * BEHIND_S : 0; /* those that have moved on, too */
}

void module_slots_begin(
    struct module_slots *slots, const struct conf_job *job, const struct schedule_state *state)
{
	struct module_job *entry = find(slots, job->name);

	if (!entry)
		entry = create(slots, job->name, state);
	entry->job = job;
	ask(entry);
}

static void forget(struct module_slots *slots, struct module_job *job)
{
	HASH_DEL(slots->jobs, job);
	event_free(job->timer);
	slot_list_done(&job->list);
	free(job->name);
	free(job);
}

void module_slots_end(struct module_slots *slots, const char *name)
{
	struct module_job *job = find(slots, name);

	if (job)
		forget(slots, job);
}

void module_slots_ask_all(struct module_slots *slots)
{
	struct module_job *job, *next;

	HASH_ITER(hh, slots->jobs, job, next)
		ask(job);
}

void module_slots_stop(struct module_slots *slots)
{
	struct module_job *job, *next;

	slots->stopped = true;
	HASH_ITER(hh, slots->jobs, job, next)
		event_del(job->timer);
}

const struct slot_list *module_slots_list(const struct module_slots *slots, const struct conf_job *job)
{
	struct module_job *entry = find(slots, job->name);

	return entry ? &entry->list : NULL;
}

void module_slots_take(struct module_slots *slots, const struct conf_job *job, utc_t at)
{
	struct module_job *entry = find(slots, job->name);

	if (entry)
		slot_list_take(&entry->list, at);
}

void module_slots_destroy(struct module_slots *slots)
{
	struct module_job *job, *next;

	if (!slots)
		return;
	HASH_ITER(hh, slots->jobs, job, next)
		forget(slots, job);
	free(slots);
}
