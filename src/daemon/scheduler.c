/* SPDX-License-Identifier: MIT */
/* From due slots to granted runs. */
#include "daemon/scheduler.h"

#include <event2/event.h>
#include <string.h>

#include "base/log.h"
#include "daemon/agenda.h"
#include "daemon/backlog.h"
#include "daemon/child.h"
#include "daemon/claims.h"
#include "daemon/listener.h"
#include "daemon/module_slots.h"
#include "daemon/pauses.h"
#include "daemon/retries.h"
#include "daemon/slots.h"
#include "daemon/starts.h"
#include "daemon/wall_timer.h"

#define BACKLOG_S 1 /* a backlog that waits for a run of another process is asked for so often */
#define MS_PER_S  1000

struct scheduler {
	struct scheduler_setup setup;
	struct agenda agenda;
	struct wall_timer timer;
	struct event *backlog_timer;
	struct backlog *backlogs;
	struct claims claims;
	struct retries retries;
	struct job_pauses pauses;
	struct module_slots *modules; /* what they have named */
	struct due_slots due; /* scratch */
	utc_t live_since;
	bool stopped;
};

static utc_t now_utc(void)
{
	return wall_ms() / MS_PER_S;
}

/* Nothing begins by itself while its job is paused, whatever it waited for until now. */
static void claim(struct scheduler *scheduler, struct wanted *wanted)
{
	struct claim_slot *slot = &wanted->slot;

	if (slot->action == CLAIM_RUN && slot->trigger != TRIGGER_MANUAL &&
	    pauses_hold(&scheduler->pauses, wanted->job, now_utc())) {
		slot->action = CLAIM_SKIPPED;
		slot->reason = SLOTS_PAUSED;
	}
	claims_add(&scheduler->claims, wanted);
}

/* -- backlogs ------------------------------------------------------------------------------------------------ */

static void watch_backlogs(struct scheduler *scheduler)
{
	if (scheduler->backlogs && !scheduler->stopped && !event_pending(scheduler->backlog_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->backlog_timer, &(struct timeval){.tv_sec = BACKLOG_S});
}

static void stand_in_line(struct scheduler *scheduler, struct wanted *wanted)
{
	backlog_add(&scheduler->backlogs, wanted);
	watch_backlogs(scheduler);
}

static void claim_head(struct scheduler *scheduler, struct backlog *backlog)
{
	struct wanted *head = backlog_take(backlog);

	if (head)
		claim(scheduler, head);
}

static void claim_heads(struct scheduler *scheduler)
{
	struct backlog *backlog, *next;

	HASH_ITER(hh, scheduler->backlogs, backlog, next)
		claim_head(scheduler, backlog);
}

static void on_backlog_timer(evutil_socket_t fd, short what, void *arg)
{
	struct scheduler *scheduler = arg;

	(void)fd, (void)what;
	claim_heads(scheduler);
	claims_flush(&scheduler->claims);
	watch_backlogs(scheduler);
}

static void on_retry_due(void *arg, struct wanted *wanted)
{
	struct scheduler *scheduler = arg;

	claim(scheduler, wanted);
	claims_flush(&scheduler->claims);
}

/* -- answers ---------------------------------------------------------------------------------------------------- */

static void grant(struct scheduler *scheduler, const struct wanted *wanted, const struct claim_result *result)
{
	struct granted granted = {
	    .job = wanted->job,
	    .run = result->run,
	    .key = wanted->slot.key,
	    .slot = wanted->slot.due,
	    .attempt = result->attempt,
	    .trigger = (enum trigger)wanted->slot.trigger,
	    .dry_run = wanted->job->dry_run,
	    .debug = wanted->job->debug,
	    .log_message = wanted->job->log_message,
	};

	dispatcher_add(scheduler->setup.dispatcher, &granted);
	if (wanted->granted)
		wanted->granted(wanted->granted_arg, result->run, NULL);
}

static void missed(struct scheduler *scheduler, const struct conf_job *job, const struct claim_slot *slot)
{
	listen_slot_missed(job, slot->due, slot->first, slot->reason);
	alarms_slot_missed(scheduler->setup.alarms, job->name, slot->due, slot->reason);
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
		backlog_waits(&scheduler->backlogs, wanted);
		watch_backlogs(scheduler);
		return;
	case CLAIM_OVERLAPS:
		listen_slot_skipped(wanted->job, slot->due, result->open_run);
		break;
	case CLAIM_RECORDED:
		if (slot->action == CLAIM_MISSED)
			missed(scheduler, wanted->job, slot);
		else
			listen_slot_paused(wanted->job, slot->due);
		break;
	case CLAIM_DONE:
		break;
	}
	backlog_settled(&scheduler->backlogs, wanted);
}

/* -- what is due ---------------------------------------------------------------------------------------------------- */

static struct slot_line line_of(const struct scheduler *scheduler, const struct conf_job *job)
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
	if (due->action == CLAIM_RUN && (runs > 1 || backlog_catches_up(scheduler->backlogs, job)))
		stand_in_line(scheduler, wanted);
	else
		claim(scheduler, wanted);
}

/* All slots of the job from FIRST that have fired by NOW; its next one goes on the agenda. */
static void job_due(struct scheduler *scheduler, uint32_t index, utc_t first, utc_t now)
{
	const struct conf_job *job = &scheduler->setup.conf->jobs[index];
	struct slot_line line = line_of(scheduler, job);
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

/* Returns the instant up to which all is done. */
static utc_t tick(struct scheduler *scheduler)
{
	struct agenda_entry entry;
	utc_t now = now_utc();

	while (agenda_take(&scheduler->agenda, now, &entry))
		job_due(scheduler, entry.job, entry.at - scheduler->setup.conf->jobs[entry.job].delay_s, now);
	claims_flush(&scheduler->claims);
	wall_timer_set(&scheduler->timer, agenda_first(&scheduler->agenda));
	return now;
}

static void on_named(void *arg, const struct conf_job *job)
{
	struct scheduler *scheduler = arg;
	struct slot_line line = line_of(scheduler, job);
	utc_t now = tick(scheduler); /* no slot of the clock is pending now */

	agenda_move(&scheduler->agenda, (uint32_t)(job - scheduler->setup.conf->jobs), slots_fire(&line, now));
	tick(scheduler);
}

static void on_timer(void *arg, bool jumped)
{
	struct scheduler *scheduler = arg;

	if (jumped)
		module_slots_ask_all(scheduler->modules);
	tick(scheduler);
}

/* -- the beginning ------------------------------------------------------------------------------------------------------- */

/* Not by hand alone. */
static bool runs_by_itself(const struct conf_job *job)
{
	return job->enabled && (job->schedule_count > 0 || job->run_at_start);
}

static void reclaim(struct scheduler *scheduler, const struct open_slot *open)
{
	const struct conf_job *job = conf_job(scheduler->setup.conf, open->job);

	if (!job || !runs_by_itself(job))
		return; /* it stays open in the store until its job is back */
	enum trigger trigger = open->not_before_ms ? TRIGGER_RETRY : TRIGGER_CATCHUP;
	struct wanted *wanted = wanted_create(job, open->key, open->due, trigger);
	if (starts_is_key(open->key)) { /* there is a newer start */
		wanted->slot.action = CLAIM_MISSED;
		wanted->slot.reason = "missed: the daemon has started anew";
		claim(scheduler, wanted);
	} else if (open->not_before_ms) {
		retries_add(&scheduler->retries, wanted, open->not_before_ms - wall_ms());
	} else {
		stand_in_line(scheduler, wanted);
	}
}

static void begin_job(struct scheduler *scheduler, uint32_t index, const struct schedule_state *state, utc_t now)
{
	const struct conf_job *job = &scheduler->setup.conf->jobs[index];
	struct slot_line line = {.job = job}; /* its module will be heard later */
	utc_t first = slots_next(&line, state->accounted_until);

	if (slots_have(job, SCHEDULE_MODULE))
		module_slots_begin(scheduler->modules, job, state);
	if (first == UTC_NEVER)
		return;
	if (first + job->delay_s <= now)
		job_due(scheduler, index, first, now);
	else
		agenda_add(&scheduler->agenda, index, first + job->delay_s);
}

/*
 * A boot is not to be lost, so its slot waits for open runs; that of a daemon's start goes by the job's
 * overlap rule: a slot caught up at the same moment serves as well.
 */
static void begin_starts(struct scheduler *scheduler, const char *boot_key, const char *start_key)
{
	const struct conf *conf = scheduler->setup.conf;

	for (size_t i = 0; i < conf->job_count; i++) {
		const struct conf_job *job = &conf->jobs[i];

		if (!job->enabled)
			continue;
		if (boot_key && slots_have(job, SCHEDULE_REBOOT) && !backlog_holds(scheduler->backlogs, job, boot_key))
			stand_in_line(
			    scheduler, wanted_create(job, boot_key, scheduler->live_since, TRIGGER_START));
		if (job->run_at_start)
			claim(scheduler,
			    wanted_create(job, start_key, scheduler->live_since, TRIGGER_START));
	}
}

static void begin_all_starts(struct scheduler *scheduler)
{
	char boot_key[START_KEY_TEXT], start_key[START_KEY_TEXT];
	struct err *e = starts_boot_key(boot_key);

	if (e)
		log_fault(LEVEL_ERROR, "boot_unknown", e);
	starts_key(scheduler->setup.instance, start_key);
	begin_starts(scheduler, e ? NULL : boot_key, start_key);
}

static void load_pauses(struct scheduler *scheduler, const struct schedules_reply *answer)
{
	const struct conf *conf = scheduler->setup.conf;
	size_t place = 0;

	for (size_t i = 0; i < conf->job_count && place < answer->count; i++)
		if (runs_by_itself(&conf->jobs[i]))
			pauses_set(&scheduler->pauses, &conf->jobs[i], answer->jobs[place++].paused_until,
			    scheduler->live_since);
	pauses_arm(&scheduler->pauses, scheduler->live_since);
}

static void on_schedules(void *arg, struct err *e, const void *reply)
{
	struct scheduler *scheduler = arg;
	const struct conf *conf = scheduler->setup.conf;
	const struct schedules_reply *answer = reply;
	size_t place = 0;

	if (e) {
		log_fault(LEVEL_ERROR, "store_unavailable", ERR_AT(e, "ask which slots are accounted for"));
		event_base_loopexit(scheduler->setup.base, NULL);
		return;
	}
	load_pauses(scheduler, answer);
	/* Interrupted slots are older than any that is due now: they come first. */
	for (size_t i = 0; i < answer->open_count; i++)
		reclaim(scheduler, &answer->open[i]);
	for (uint32_t i = 0; i < conf->job_count; i++)
		if (runs_by_itself(&conf->jobs[i]) && place < answer->count)
			begin_job(scheduler, i, &answer->jobs[place++], scheduler->live_since);
	claim_heads(scheduler);
	begin_all_starts(scheduler);
	claim_heads(scheduler);
	tick(scheduler);
	scheduler->setup.ready(scheduler->setup.arg);
}

static struct schedule_ask ask_schedule(const struct conf_job *job, struct arena *arena)
{
	return (struct schedule_ask){
	    .job = job->name,
	    .fingerprint = arena_format(arena, "%016llx", (unsigned long long)job->fingerprint),
	    .recorded_s = module_slots_recorded_s(job),
	};
}

static void ask_schedules(struct scheduler *scheduler)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct conf *conf = scheduler->setup.conf;
	struct schedule_ask *asks = arena_alloc(&arena, (conf->job_count + 1) * sizeof(*asks));
	struct schedules request = {.instance = scheduler->setup.instance, .now_ms = wall_ms(), .jobs = asks};

	for (size_t i = 0; i < conf->job_count; i++)
		if (runs_by_itself(&conf->jobs[i]))
			asks[request.count++] = ask_schedule(&conf->jobs[i], &arena);
	line_call(scheduler->setup.line, REQ_SCHEDULES, &request, on_schedules, scheduler);
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
	scheduler->live_since = now_utc();
	scheduler->timer = (struct wall_timer){.due = on_timer, .arg = scheduler};
	wall_timer_init(&scheduler->timer, setup->base);
	scheduler->backlog_timer = evtimer_new(setup->base, on_backlog_timer, scheduler);
	ask_schedules(scheduler);
	return scheduler;
}

/* -- from outside ----------------------------------------------------------------------------------------------------------- */

void scheduler_run(struct scheduler *scheduler, const struct conf_job *job, scheduler_granted *granted, void *arg)
{
	struct wanted *wanted = wanted_create(job, NULL, now_utc(), TRIGGER_MANUAL);

	wanted->granted = granted;
	wanted->granted_arg = arg;
	claim(scheduler, wanted);
	claims_flush(&scheduler->claims);
}

void scheduler_pause(struct scheduler *scheduler, const struct conf_job *const *jobs, size_t count, utc_t until,
    pauses_stored *done, void *arg)
{
	pauses_change(&scheduler->pauses, scheduler->setup.line, &(struct pause_change){jobs, count, until}, done, arg);
}

bool scheduler_serves(const struct conf_job *job)
{
	return runs_by_itself(job);
}

utc_t scheduler_paused_until(const struct scheduler *scheduler, const struct conf_job *job)
{
	return pauses_hold(&scheduler->pauses, job, now_utc()) ? pauses_until(&scheduler->pauses, job) : 0;
}

void scheduler_run_ended(struct scheduler *scheduler, const struct run_end *end)
{
	const struct granted *granted = end->granted;

	if (granted->slots_to)
		module_slots_answered(scheduler->modules, end);
	if (scheduler->stopped || granted->slots_to)
		return;
	if (end->again && end->not_before_ms)
		retries_add(&scheduler->retries,
		    wanted_create(granted->job, granted->key, granted->slot, TRIGGER_RETRY),
		    end->not_before_ms - wall_ms());
	else if (end->again && granted->trigger != TRIGGER_MANUAL)
		claim(scheduler,
		    wanted_create(granted->job, granted->key, granted->slot, granted->trigger));
	claim_head(scheduler, backlog_find(scheduler->backlogs, granted->job));
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
	event_free(scheduler->backlog_timer);
	agenda_done(&scheduler->agenda);
	due_slots_done(&scheduler->due);
	free(scheduler);
}
