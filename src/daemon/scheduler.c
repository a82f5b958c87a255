/* SPDX-License-Identifier: MIT */
/* From due slots to granted runs. */
#include "daemon/scheduler.h"

#include <event2/event.h>
#include <string.h>

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/listener.h"
#include "daemon/scheduler_parts.h"

#define BACKLOG_S 1 /* a backlog that waits for a run of another process is asked for so often */
#define MS_PER_S  1000

static utc_t now_utc(void)
{
	return wall_ms() / MS_PER_S;
}

/* Nothing begins by itself while its job is paused, whatever it waited for until now. */
void scheduler_claim(struct scheduler *scheduler, struct wanted *wanted)
{
	struct claim_slot *slot = &wanted->slot;

	if (slot->action == CLAIM_RUN && slot->trigger != TRIGGER_MANUAL &&
	    pauses_hold(&scheduler->pauses, wanted->job, now_utc())) {
		slot->action = CLAIM_SKIPPED;
		slot->reason = SLOTS_PAUSED;
	}
	claims_add(&scheduler->claims, wanted);
}

/* -- backlogs -------------------------------------------------------------------------------------- */

static void watch_backlogs(struct scheduler *scheduler)
{
	if (scheduler->backlogs && !scheduler->stopped && !event_pending(scheduler->backlog_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->backlog_timer, &(struct timeval){.tv_sec = BACKLOG_S});
}

void scheduler_stand_in_line(struct scheduler *scheduler, struct wanted *wanted)
{
	backlog_add(&scheduler->backlogs, wanted);
	watch_backlogs(scheduler);
}

static void claim_head(struct scheduler *scheduler, struct backlog *backlog)
{
	struct wanted *head = backlog_take(backlog);

	if (head)
		scheduler_claim(scheduler, head);
}

void scheduler_claim_heads(struct scheduler *scheduler)
{
	struct backlog *backlog, *next;

	HASH_ITER(hh, scheduler->backlogs, backlog, next)
		claim_head(scheduler, backlog);
}

static void on_backlog_timer(evutil_socket_t fd, short what, void *arg)
{
	struct scheduler *scheduler = arg;

	(void)fd, (void)what;
	scheduler_claim_heads(scheduler);
	claims_flush(&scheduler->claims);
	watch_backlogs(scheduler);
}

static void on_retry_due(void *arg, struct wanted *wanted)
{
	struct scheduler *scheduler = arg;

	scheduler_claim(scheduler, wanted);
	claims_flush(&scheduler->claims);
}

/* -- answers --------------------------------------------------------------------------------------- */

static void grant(struct scheduler *scheduler, const struct wanted *wanted, const struct claim_result *result)
{
	const struct conf_job *now = conf_job(scheduler->setup.conf, wanted->slot.job);
	const struct conf_job *job = now ? now : wanted->job;
	struct granted granted = {
	    .job = job,
	    .withdrawn = !now,
	    .run = result->run,
	    .key = wanted->slot.key,
	    .slot = wanted->slot.due,
	    .attempt = result->attempt,
	    .trigger = (enum trigger)wanted->slot.trigger,
	    .dry_run = job->dry_run,
	    .debug = job->debug,
	    .log_message = job->log_message,
	};

	dispatcher_add(scheduler->setup.dispatcher, &granted);
	if (wanted->granted)
		wanted->granted(wanted->granted_arg, result->run, NULL);
}

static void missed(struct scheduler *scheduler, const struct claim_slot *slot)
{
	listen_slot_missed(slot->job, slot->due, slot->first, slot->reason);
	alarms_slot_missed(scheduler->setup.alarms, slot->job, slot->due, slot->reason);
}

static void on_answer(void *arg, struct wanted *wanted, const struct claim_result *result)
{
	struct scheduler *scheduler = arg;
	const struct claim_slot *slot = &wanted->slot;

	switch ((enum claim_state)result->state) {
	case CLAIM_GRANTED:
		grant(scheduler, wanted, result);
		break;
	case CLAIM_WAITS:
		if (scheduler_withdrew(scheduler, wanted))
			return;
		backlog_waits(&scheduler->backlogs, wanted);
		watch_backlogs(scheduler);
		return;
	case CLAIM_OVERLAPS:
		listen_slot_skipped(wanted->job, slot->due, result->open_run);
		break;
	case CLAIM_RECORDED:
		if (slot->action == CLAIM_MISSED)
			missed(scheduler, slot);
		else
			listen_slot_paused(wanted->job, slot->due);
		break;
	case CLAIM_DONE:
		break;
	}
	backlog_settled(&scheduler->backlogs, wanted);
}

/* -- what is due ----------------------------------------------------------------------------------- */

struct slot_line scheduler_line(const struct scheduler *scheduler, const struct conf_job *job)
{
	return (struct slot_line){job, module_slots_list(scheduler->modules, job)};
}

static void want_due(struct scheduler *scheduler, const struct conf_job *job, const struct due_slot *due, size_t runs)
{
	char instant[TIME_TEXT];
	const char *key = due->key ? due->key : utc_format(due->slot, instant);
	struct wanted *wanted = wanted_create(job, key, due->slot, due->trigger);

	wanted->slot.action = due->action;
	wanted->slot.reason = due->reason;
	wanted->slot.first = due->first;
	/* One that was asked for before the store could not record is perhaps only beginning now. */
	bool follows = runs > 1 || (scheduler->held && job->misfire == MISFIRE_ALL);
	if (due->action == CLAIM_RUN && (follows || backlog_catches_up(scheduler->backlogs, job)))
		scheduler_stand_in_line(scheduler, wanted);
	else
		scheduler_claim(scheduler, wanted);
}

/* All slots of the job from FIRST that have fired by NOW; its next one goes on the agenda. */
void scheduler_job_due(struct scheduler *scheduler, uint32_t index, utc_t first, utc_t now)
{
	const struct conf_job *job = &scheduler->setup.conf->jobs[index];
	struct slot_line line = scheduler_line(scheduler, job);
	struct due_slots *due = &scheduler->due;
	size_t runs = 0;

	due->count = 0;
	slots_due(&line, first, now, pauses_until(&scheduler->pauses, job),
	    first + job->delay_s >= scheduler->live_since, due);
	for (size_t i = 0; i < due->count; i++)
		runs += due->items[i].action == CLAIM_RUN;
	for (size_t i = 0; i < due->count; i++)
		want_due(scheduler, job, &due->items[i], runs);
	claim_head(scheduler, backlog_find(scheduler->backlogs, job));
	if (line.named)
		module_slots_take(scheduler->modules, job, now - job->delay_s);
	agenda_add(&scheduler->agenda, index, slots_fire(&line, now));
}

/* Wakes at the next slot, and at once when somebody sets the wall clock. */
void scheduler_arm(struct scheduler *scheduler)
{
	wall_timer_set(&scheduler->timer, scheduler->held ? UTC_NEVER : agenda_first(&scheduler->agenda));
}

/*
 * Returns the instant up to which all is done. While the store cannot record anything, nothing is judged: when
 * it can again, what was due meanwhile falls under misfire, as after a downtime.
 */
utc_t scheduler_tick(struct scheduler *scheduler)
{
	struct agenda_entry entry;
	utc_t now = now_utc();

	scheduler->held |= scheduler->claims.refused;
	if (scheduler->claims.refused) {
		scheduler_arm(scheduler);
		return scheduler->done_until;
	}
	while (agenda_take(&scheduler->agenda, now, &entry))
		scheduler_job_due(scheduler, entry.job, entry.at - scheduler->setup.conf->jobs[entry.job].delay_s, now);
	claims_flush(&scheduler->claims);
	scheduler->held = false;
	scheduler->done_until = now;
	scheduler_arm(scheduler);
	return now;
}

static void on_able_again(void *arg)
{
	scheduler_tick(arg);
}

/* One that goes on by its time: what stands in line has a turn, and what a reload withdrew has neither. */
static bool goes_by_time(const struct scheduler *scheduler, const struct wanted *wanted)
{
	const struct claim_slot *slot = &wanted->slot;

	return slot->action == CLAIM_RUN &&
	       (slot->trigger == TRIGGER_SCHEDULE || slot->trigger == TRIGGER_CATCHUP) && wanted->job &&
	       wanted->job->conf == scheduler->setup.conf &&
	       !backlog_holds(scheduler->backlogs, wanted->job, slot->key);
}

static void judge_again(void *arg, struct wanted *wanted)
{
	const struct scheduler *scheduler = arg;
	struct claim_slot *slot = &wanted->slot;

	if (!goes_by_time(scheduler, wanted))
		return;
	struct slot_line line = scheduler_line(scheduler, wanted->job);
	slot->reason = slots_overtaken(&line, slot->due, now_utc());
	if (slot->reason)
		slot->action = CLAIM_MISSED;
}

static void on_named(void *arg, const struct conf_job *job)
{
	struct scheduler *scheduler = arg;
	struct slot_line line = scheduler_line(scheduler, job);
	utc_t now = scheduler_tick(scheduler); /* no slot of the clock is pending now */

	agenda_move(&scheduler->agenda, (uint32_t)(job - scheduler->setup.conf->jobs), slots_fire(&line, now));
	scheduler_tick(scheduler);
}

static void on_timer(void *arg, bool jumped)
{
	struct scheduler *scheduler = arg;

	if (jumped)
		module_slots_ask_all(scheduler->modules);
	scheduler_tick(scheduler);
}

struct scheduler *scheduler_create(const struct scheduler_setup *setup)
{
	struct scheduler *scheduler = mem_alloc(sizeof(*scheduler));

	scheduler->setup = *setup;
	scheduler->claims = (struct claims){
	    .base = setup->base,
	    .line = setup->line,
	    .instance = setup->instance,
	    .answered = on_answer,
	    .judge_again = judge_again,
	    .able_again = on_able_again,
	    .arg = scheduler,
	};
	scheduler->retries = (struct retries){.base = setup->base, .due = on_retry_due, .arg = scheduler};
	scheduler->modules = module_slots_create(&(struct module_slots_setup){
	    .base = setup->base,
	    .dispatcher = setup->dispatcher,
	    .alarms = setup->alarms,
	    .changed = on_named,
	    .arg = scheduler,
	});
	pauses_init(&scheduler->pauses, setup->base, setup->conf);
	scheduler->live_since = scheduler->done_until = now_utc();
	scheduler->timer = (struct wall_timer){.due = on_timer, .arg = scheduler};
	wall_timer_init(&scheduler->timer, setup->base);
	scheduler->backlog_timer = evtimer_new(setup->base, on_backlog_timer, scheduler);
	scheduler_begin(scheduler);
	return scheduler;
}

/* -- from outside ---------------------------------------------------------------------------------- */

void scheduler_run(struct scheduler *scheduler, const struct conf_job *job, scheduler_granted *granted, void *arg)
{
	struct wanted *wanted = wanted_create(job, NULL, now_utc(), TRIGGER_MANUAL);

	wanted->granted = granted;
	wanted->granted_arg = arg;
	scheduler_claim(scheduler, wanted);
	claims_flush(&scheduler->claims);
}

void scheduler_pause(struct scheduler *scheduler, const struct conf_job *const *jobs, size_t count, utc_t until,
    pauses_stored *done, void *arg)
{
	pauses_change(&scheduler->pauses, scheduler->setup.line, &(struct pause_change){jobs, count, until}, done, arg);
}

bool scheduler_serves(const struct conf_job *job)
{
	return job->enabled && (job->schedule_count > 0 || job->run_at_start);
}

utc_t scheduler_paused_until(const struct scheduler *scheduler, const struct conf_job *job)
{
	return pauses_hold(&scheduler->pauses, job, now_utc()) ? pauses_until(&scheduler->pauses, job) : 0;
}

/* The slot of a run that has ended, of JOB as it is configured now (NULL: it is not), is open once more. */
static void run_again(struct scheduler *scheduler, const struct conf_job *job, const struct run_end *end)
{
	const struct granted *granted = end->granted;
	const char *unserved = granted->key ? wanted_unserved(job, granted->key) : NULL;

	if (unserved)
		scheduler_claim(scheduler, wanted_missed(granted->job->name, granted->key, granted->slot, unserved));
	else if (job && end->not_before_ms)
		retries_add(&scheduler->retries, wanted_create(job, granted->key, granted->slot, TRIGGER_RETRY),
		    end->not_before_ms - wall_ms());
	else if (job && granted->trigger != TRIGGER_MANUAL)
		scheduler_claim(scheduler, wanted_create(job, granted->key, granted->slot, granted->trigger));
}

void scheduler_run_ended(struct scheduler *scheduler, const struct run_end *end)
{
	const struct granted *granted = end->granted;
	const struct conf_job *job = conf_job(scheduler->setup.conf, granted->job->name);

	if (granted->slots_to && !granted->withdrawn)
		module_slots_answered(scheduler->modules, end);
	if (scheduler->stopped || granted->slots_to)
		return;
	if (end->again)
		run_again(scheduler, job, end);
	if (job)
		claim_head(scheduler, backlog_find(scheduler->backlogs, job));
	claims_flush(&scheduler->claims);
}

void scheduler_stop(struct scheduler *scheduler)
{
	scheduler->stopped = true;
	wall_timer_stop(&scheduler->timer);
	event_del(scheduler->backlog_timer);
	claims_stop(&scheduler->claims);
	retries_done(&scheduler->retries);
	pauses_stop(&scheduler->pauses);
	module_slots_stop(scheduler->modules);
}

const struct conf_job *scheduler_next(const struct scheduler *scheduler, utc_t *out_at)
{
	if (!scheduler->agenda.count)
		return NULL;
	const struct conf_job *job = &scheduler->setup.conf->jobs[scheduler->agenda.heap[0].job];
	*out_at = scheduler->agenda.heap[0].at - job->delay_s;
	return job;
}

void scheduler_destroy(struct scheduler *scheduler)
{
	if (!scheduler)
		return;
	backlogs_done(&scheduler->backlogs);
	claims_done(&scheduler->claims);
	retries_done(&scheduler->retries);
	pauses_done(&scheduler->pauses);
	module_slots_destroy(scheduler->modules);
	wall_timer_done(&scheduler->timer);
	scheduler_end_turnover(scheduler);
	event_free(scheduler->backlog_timer);
	agenda_done(&scheduler->agenda);
	due_slots_done(&scheduler->due);
	free(scheduler);
}
