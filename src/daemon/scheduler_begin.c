/* SPDX-License-Identifier: MIT */
/*
 * How jobs come to the scheduler: at the start with what the store knows of them, later with another
 * configuration. A job whose schedule is the same goes on as it was; every other one begins now.
 */
#include <stdlib.h>

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/listener.h"
#include "daemon/scheduler_parts.h"
#include "daemon/starts.h"

#define ASK_AGAIN_S 1 /* the store refused (a full disk) */
#define RESTARTED   "missed: the daemon has started anew"

static struct schedule_ask ask_schedule(const struct conf_job *job, struct arena *arena)
{
	return (struct schedule_ask){
	    .job = job->name,
	    .fingerprint = arena_format(arena, "%016llx", (unsigned long long)job->fingerprint),
	    .recorded_s = module_slots_recorded_s(job),
	};
}

static void ask_schedules(struct scheduler *scheduler, reply_function *on_reply, void *arg)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct conf *conf = scheduler->setup.conf;
	struct schedule_ask *asks = arena_alloc(&arena, (conf->job_count + 1) * sizeof(*asks));
	struct schedules request = {.instance = scheduler->setup.instance, .now_ms = wall_ms(), .jobs = asks};

	for (size_t i = 0; i < conf->job_count; i++)
		if (scheduler_serves(&conf->jobs[i]))
			asks[request.count++] = ask_schedule(&conf->jobs[i], &arena);
	line_call(scheduler->setup.line, REQ_SCHEDULES, &request, on_reply, arg);
}

static void reclaim(struct scheduler *scheduler, const struct open_slot *open)
{
	const struct conf_job *job = conf_job(scheduler->setup.conf, open->job);
	const char *unserved = wanted_unserved(job, open->key);

	if (*open->job == '@') /* bmad's own: what it was to do is done anew */
		unserved = RESTARTED;
	if (unserved) {
		scheduler_claim(scheduler, wanted_missed(open->job, open->key, open->due, unserved));
		return;
	}
	enum trigger trigger = open->not_before_ms ? TRIGGER_RETRY : TRIGGER_CATCHUP;
	struct wanted *wanted = wanted_create(job, open->key, open->due, trigger);
	if (starts_is_key(open->key)) { /* there is a newer start */
		wanted_miss(wanted, RESTARTED);
		scheduler_claim(scheduler, wanted);
	} else if (open->not_before_ms) {
		retries_add(&scheduler->retries, wanted, open->not_before_ms - wall_ms());
	} else {
		scheduler_stand_in_line(scheduler, wanted);
	}
}

/* Its slots up to those of STATE are accounted for. */
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
		scheduler_job_due(scheduler, index, first, now);
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
			scheduler_stand_in_line(
			    scheduler, wanted_create(job, boot_key, scheduler->live_since, TRIGGER_START));
		if (job->run_at_start)
			scheduler_claim(scheduler,
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
		if (scheduler_serves(&conf->jobs[i]))
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
		if (scheduler_serves(&conf->jobs[i]) && place < answer->count)
			begin_job(scheduler, i, &answer->jobs[place++], scheduler->live_since);
	scheduler_claim_heads(scheduler);
	begin_all_starts(scheduler);
	scheduler_claim_heads(scheduler);
	scheduler_tick(scheduler);
	scheduler->setup.ready(scheduler->setup.arg);
}

void scheduler_begin(struct scheduler *scheduler)
{
	ask_schedules(scheduler, on_schedules, scheduler);
}

/* -- another configuration ------------------------------------------------------------------------- */

/* What is asked of the store for a configuration that has just taken its place. */
struct turnover {
	struct scheduler *scheduler;
	bool *begins; /* by the job's index: it was not there before, or with another schedule */
	struct event *again;
	scheduler_reloaded *done; /* NULL: was called */
	void *arg;
};

static bool goes_on(const struct conf_job *before, const struct conf_job *job)
{
	return before && scheduler_serves(before) && scheduler_serves(job) &&
	       before->fingerprint == job->fingerprint;
}

/* Slots that are not due yet stay where they are, unless the zone's own rules are other ones now. */
static void carry_agenda(struct scheduler *scheduler, const struct conf *before, const struct conf *conf, utc_t now)
{
	struct agenda old = scheduler->agenda;

	scheduler->agenda = (struct agenda){0};
	for (size_t i = 0; i < old.count; i++) {
		const struct conf_job *was = &before->jobs[old.heap[i].job];
		const struct conf_job *job = conf_job(conf, was->name);

		if (!job || !goes_on(was, job))
			continue;
		struct slot_line line = scheduler_line(scheduler, job);
		utc_t at = was->tz == job->tz ? old.heap[i].at - was->delay_s + job->delay_s : slots_fire(&line, now);
		agenda_add(&scheduler->agenda, (uint32_t)(job - conf->jobs), at);
	}
	agenda_done(&old);
}

/* Those that begin do so when the store has answered, with an empty list. */
static void carry_modules(struct scheduler *scheduler, const struct conf *before, const struct conf *conf)
{
	for (size_t i = 0; i < before->job_count; i++) {
		const struct conf_job *was = &before->jobs[i];
		const struct conf_job *job = conf_job(conf, was->name);

		if (!slots_have(was, SCHEDULE_MODULE))
			continue;
		if (job && goes_on(was, job))
			module_slots_begin(scheduler->modules, job, &(struct schedule_state){0});
		else
			module_slots_end(scheduler->modules, was->name);
	}
}

/* A run by hand has no record yet; whoever asked for it is told. */
static void withdraw(struct scheduler *scheduler, struct wanted *wanted, const char *reason)
{
	if (wanted->slot.key) {
		wanted_miss(wanted, reason);
		scheduler_claim(scheduler, wanted);
		return;
	}
	if (wanted->granted)
		wanted->granted(wanted->granted_arg, 0,
		    ERR(ERR_CONFIG, "the job '%s' is not configured any more", wanted->slot.job));
	wanted_destroy(wanted);
}

static void on_withdrawn(void *arg, struct wanted *wanted, const char *reason, bool claiming)
{
	if (!claiming) /* else its answer comes, and finds the old configuration */
		withdraw(arg, wanted, reason);
}

static bool keep_retry(void *arg, struct wanted *wanted)
{
	struct scheduler *scheduler = arg;
	const char *reason = wanted_move(wanted, scheduler->setup.conf);

	if (reason)
		withdraw(scheduler, wanted, reason);
	return !reason;
}

static void move_claim(void *arg, struct wanted *wanted)
{
	const struct scheduler *scheduler = arg;

	/* What cannot be moved stays with its old configuration: see scheduler_withdrew(). */
	if (wanted->job)
		(void)wanted_move(wanted, scheduler->setup.conf);
}

bool scheduler_withdrew(struct scheduler *scheduler, struct wanted *wanted)
{
	const struct conf *conf = scheduler->setup.conf;

	if (!wanted->job || wanted->job->conf == conf)
		return false;
	withdraw(scheduler, wanted, wanted_unserved(conf_job(conf, wanted->slot.job), wanted->slot.key));
	claims_flush(&scheduler->claims);
	return true;
}

static bool *find_beginners(const struct conf *before, const struct conf *conf)
{
	bool *begins = mem_alloc((conf->job_count + 1) * sizeof(*begins));

	for (size_t i = 0; i < conf->job_count; i++)
		begins[i] = scheduler_serves(&conf->jobs[i]) &&
		            !goes_on(conf_job(before, conf->jobs[i].name), &conf->jobs[i]);
	return begins;
}

static void answer(struct turnover *turnover)
{
	scheduler_reloaded *done = turnover->done;

	turnover->done = NULL;
	if (done)
		done(turnover->arg);
}

void scheduler_end_turnover(struct scheduler *scheduler)
{
	struct turnover *turnover = scheduler->turnover;

	scheduler->turnover = NULL;
	if (!turnover)
		return;
	event_free(turnover->again);
	free(turnover->begins);
	free(turnover);
}

static void on_turnover(void *arg, struct err *e, const void *reply)
{
	struct turnover *turnover = arg;
	struct scheduler *scheduler = turnover->scheduler;
	const struct conf *conf = scheduler->setup.conf;
	const struct schedules_reply *answered = reply;
	utc_t now = wall_ms() / 1000;
	size_t place = 0;

	if (e) {
		log_fault(LEVEL_ERROR, "store_unavailable", ERR_AT(e, "ask for the schedules of new jobs"));
		event_add(turnover->again, &(struct timeval){.tv_sec = ASK_AGAIN_S});
		return;
	}
	for (uint32_t i = 0; i < conf->job_count && !scheduler->stopped; i++) {
		const struct schedule_state *state;

		if (!scheduler_serves(&conf->jobs[i]) || place >= answered->count)
			continue;
		state = &answered->jobs[place++];
		if (!turnover->begins[i])
			continue;
		pauses_set(&scheduler->pauses, &conf->jobs[i], state->paused_until, now);
		begin_job(scheduler, i, state, now);
	}
	if (!scheduler->stopped) {
		pauses_arm(&scheduler->pauses, now);
		scheduler_tick(scheduler);
	}
	answer(turnover);
	scheduler_end_turnover(scheduler);
}

static void on_ask_again(evutil_socket_t fd, short what, void *arg)
{
	struct turnover *turnover = arg;

	(void)fd, (void)what;
	ask_schedules(turnover->scheduler, on_turnover, turnover);
}

void scheduler_reload(struct scheduler *scheduler, const struct conf *conf, scheduler_reloaded *done, void *arg)
{
	const struct conf *before = scheduler->setup.conf;
	utc_t now = scheduler_tick(scheduler); /* what is due is the old configuration's */
	struct turnover *turnover = mem_alloc(sizeof(*turnover));

	*turnover = (struct turnover){.scheduler = scheduler, .done = done, .arg = arg};
	turnover->begins = find_beginners(before, conf);
	turnover->again = evtimer_new(scheduler->setup.base, on_ask_again, turnover);
	scheduler->turnover = turnover;
	scheduler->setup.conf = conf;
	pauses_move(&scheduler->pauses, conf);
	carry_modules(scheduler, before, conf);
	carry_agenda(scheduler, before, conf, now);
	claims_each(&scheduler->claims, move_claim, scheduler);
	backlogs_move(&scheduler->backlogs, conf, on_withdrawn, scheduler);
	retries_keep(&scheduler->retries, keep_retry, scheduler);
	scheduler_claim_heads(scheduler);
	claims_flush(&scheduler->claims);
	scheduler_arm(scheduler);
	ask_schedules(scheduler, on_turnover, turnover);
}
