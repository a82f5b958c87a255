/* SPDX-License-Identifier: MIT */
/* From due slots to granted runs. */
#include "daemon/scheduler.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "base/log.h"
#include "daemon/agenda.h"
#include "daemon/child.h"
#include "daemon/listener.h"
#include "daemon/slots.h"

#define CLAIM_MAX      8192 /* slots in one request */
#define RETRY_S        1    /* a refused claim, and a backlog that waits for a run of another process */
#define MS_PER_S       1000

/* A slot on its way to the store. */
struct wanted {
	struct wanted *prev, *next; /* in a backlog */
	const struct conf_job *job;
	struct claim_slot slot; /* its key is in `key` */
	char key[TIME_TEXT];
	scheduler_granted *granted; /* of a run by hand */
	void *granted_arg;
};

/* Slots of one request to the store; they live until it is answered. */
struct batch {
	struct scheduler *scheduler;
	struct wanted **wanted;
	size_t count, capacity;
	struct event *retry;
	struct batch *prev, *next;
};

/* What waits for another run of the same job; the head is claimed first. */
struct backlog {
	const struct conf_job *job; /* the hash key */
	struct wanted *slots;
	bool claiming; /* the head is on its way */
	UT_hash_handle hh;
};

struct scheduler {
	struct scheduler_setup setup;
	struct agenda agenda;
	struct event *timer; /* of the timerfd */
	int timer_fd;
	struct event *backlog_timer;
	struct backlog *backlogs;
	struct batch *batches; /* unanswered */
	struct batch *filling;
	struct due_slots due; /* scratch */
	utc_t live_since;
	int64_t last_wall_ms;
	struct mono last_mono;
	bool stopped, refused;
};

static utc_t now_utc(void)
{
	return wall_ms() / MS_PER_S;
}

/* -- claiming --------------------------------------------------------------------------------------------- */

static void on_claimed(void *arg, struct err *e, const void *reply);

static void send_batch(struct batch *batch)
{
	cleanup(arena_done) struct arena arena = {0};
	struct claim_slot *slots = arena_alloc(&arena, (batch->count + 1) * sizeof(*slots));

	for (size_t i = 0; i < batch->count; i++)
		slots[i] = batch->wanted[i]->slot;
	struct claim claim = {batch->scheduler->setup.instance, wall_ms(), slots, batch->count};
	line_call(batch->scheduler->setup.line, REQ_CLAIM, &claim, on_claimed, batch);
}

static void flush(struct scheduler *scheduler)
{
	struct batch *batch = scheduler->filling;

	scheduler->filling = NULL;
	if (batch)
		send_batch(batch);
}

static void claim(struct scheduler *scheduler, struct wanted *wanted)
{
	struct batch *batch = scheduler->filling;

	if (!batch) {
		batch = scheduler->filling = mem_alloc(sizeof(*batch));
		batch->scheduler = scheduler;
		DL_APPEND(scheduler->batches, batch);
	}
	mem_grow(batch->wanted, batch->count, batch->capacity);
	batch->wanted[batch->count++] = wanted;
	if (batch->count == CLAIM_MAX)
		flush(scheduler);
}

static struct wanted *wanted_create(const struct conf_job *job, utc_t slot, enum trigger trigger)
{
	struct wanted *wanted = mem_alloc(sizeof(*wanted));

	wanted->job = job;
	wanted->slot = (struct claim_slot){
	    .job = job->name,
	    .due = slot,
	    .trigger = trigger,
	    .restartable = job->module->restartable,
	    .overlap = job->overlap,
	};
	if (trigger != TRIGGER_MANUAL)
		wanted->slot.key = utc_format(slot, wanted->key);
	return wanted;
}

/* -- backlogs ------------------------------------------------------------------------------------------------ */

static struct backlog *backlog_find(struct scheduler *scheduler, const struct conf_job *job)
{
	struct backlog *backlog;

	HASH_FIND_PTR(scheduler->backlogs, &job, backlog);
	return backlog;
}

static void backlog_add(struct scheduler *scheduler, struct wanted *wanted)
{
	struct backlog *backlog = backlog_find(scheduler, wanted->job);

	if (!backlog) {
		backlog = mem_alloc(sizeof(*backlog));
		backlog->job = wanted->job;
		HASH_ADD_PTR(scheduler->backlogs, job, backlog);
	}
	/* Its turn is a matter of order here, not of the job's overlap rule. */
	wanted->slot.overlap = OVERLAP_QUEUE;
	DL_APPEND(backlog->slots, wanted);
	if (!event_pending(scheduler->backlog_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->backlog_timer, &(struct timeval){.tv_sec = RETRY_S});
}

static void backlog_claim(struct scheduler *scheduler, struct backlog *backlog)
{
	if (backlog->claiming || !backlog->slots)
		return;
	backlog->claiming = true;
	claim(scheduler, backlog->slots);
}

static void wanted_done(struct scheduler *scheduler, struct wanted *wanted)
{
	struct backlog *backlog = backlog_find(scheduler, wanted->job);

	if (backlog && backlog->claiming && backlog->slots == wanted) {
		backlog->claiming = false;
		DL_DELETE(backlog->slots, wanted);
		if (!backlog->slots) {
			HASH_DEL(scheduler->backlogs, backlog);
			free(backlog);
		}
	}
	free(wanted);
}

/* Another run of the job is open: it waits at the head of the backlog, where it may stand already. */
static void wanted_waits(struct scheduler *scheduler, struct wanted *wanted)
{
	struct backlog *backlog = backlog_find(scheduler, wanted->job);

	if (backlog && backlog->claiming && backlog->slots == wanted)
		backlog->claiming = false;
	else
		backlog_add(scheduler, wanted);
}

static void on_backlog_timer(evutil_socket_t fd, short what, void *arg)
{
	struct scheduler *scheduler = arg;
	struct backlog *backlog, *next;

	(void)fd, (void)what;
	HASH_ITER(hh, scheduler->backlogs, backlog, next)
		backlog_claim(scheduler, backlog);
	flush(scheduler);
	if (scheduler->backlogs && !scheduler->stopped)
		event_add(scheduler->backlog_timer, &(struct timeval){.tv_sec = RETRY_S});
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

static void settle(struct scheduler *scheduler, struct wanted *wanted, const struct claim_result *result)
{
	const struct claim_slot *slot = &wanted->slot;

	switch ((enum claim_state)result->state) {
	case CLAIM_GRANTED:
		grant(scheduler, wanted, result);
		break;
	case CLAIM_WAITS:
		wanted_waits(scheduler, wanted);
		return;
	case CLAIM_OVERLAPS:
		listen_slot_skipped(wanted->job, slot->due, result->open_run);
		break;
	case CLAIM_RECORDED:
		if (slot->action == CLAIM_MISSED)
			listen_slot_missed(wanted->job, slot->due, slot->first, slot->reason);
		break;
	case CLAIM_DONE:
		break;
	}
	wanted_done(scheduler, wanted);
}

static void batch_destroy(struct batch *batch)
{
	DL_DELETE(batch->scheduler->batches, batch);
	if (batch->retry)
		event_free(batch->retry);
	free(batch->wanted);
	free(batch);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	send_batch(arg);
}

/* The store is there but cannot (a full disk): the slots wait, said once. */
static void refused(struct batch *batch, struct err *e)
{
	struct scheduler *scheduler = batch->scheduler;

	if (scheduler->refused)
		err_destroy(e);
	else
		log_fault(LEVEL_ERROR, "store_unavailable", ERR_AT(e, "claim %zu slots", batch->count));
	scheduler->refused = true;
	if (!batch->retry)
		batch->retry = evtimer_new(scheduler->setup.base, on_retry, batch);
	event_add(batch->retry, &(struct timeval){.tv_sec = RETRY_S});
}

static void on_claimed(void *arg, struct err *e, const void *reply)
{
	struct batch *batch = arg;
	struct scheduler *scheduler = batch->scheduler;
	const struct claim_reply *answer = reply;

	if (!e && answer->count != batch->count)
		e = ERR(ERR_BUG, "the store answered %zu of %zu slots", answer->count, batch->count);
	if (e) {
		refused(batch, e);
		return;
	}
	scheduler->refused = false;
	for (size_t i = 0; i < batch->count; i++)
		settle(scheduler, batch->wanted[i], &answer->slots[i]);
	batch_destroy(batch);
}

/* -- what is due ---------------------------------------------------------------------------------------------------- */

/* Slots caught up run one after the other, in order; so does what becomes due before they are through. */
static bool is_catching_up(struct scheduler *scheduler, const struct conf_job *job)
{
	const struct backlog *backlog = backlog_find(scheduler, job);
	const struct wanted *wanted;

	if (backlog)
		DL_FOREACH(backlog->slots, wanted)
			if (wanted->slot.trigger == TRIGGER_CATCHUP)
				return true;
	return false;
}

static void want_due(struct scheduler *scheduler, const struct conf_job *job, const struct due_slot *due, size_t runs)
{
	struct wanted *wanted = wanted_create(job, due->slot, due->trigger);

	wanted->slot.action = due->action;
	wanted->slot.reason = due->reason;
	wanted->slot.first = due->first;
	if (due->action == CLAIM_RUN && (runs > 1 || is_catching_up(scheduler, job)))
		backlog_add(scheduler, wanted);
	else
		claim(scheduler, wanted);
}

/* All slots of JOB from FIRST to NOW; its next one goes on the agenda. */
static void job_due(struct scheduler *scheduler, uint32_t index, utc_t first, utc_t now)
{
	const struct conf_job *job = &scheduler->setup.conf->jobs[index];
	struct due_slots *due = &scheduler->due;
	size_t runs = 0;

	due->count = 0;
	slots_due(job, first, now, first >= scheduler->live_since, due);
	for (size_t i = 0; i < due->count; i++)
		runs += due->items[i].action == CLAIM_RUN;
	for (size_t i = 0; i < due->count; i++)
		want_due(scheduler, job, &due->items[i], runs);
	struct backlog *backlog = backlog_find(scheduler, job);
	if (backlog)
		backlog_claim(scheduler, backlog);
	agenda_add(&scheduler->agenda, index, slots_next(job, now));
}

/* Wakes at the next slot, and at once when somebody sets the wall clock. */
static void arm(struct scheduler *scheduler)
{
	utc_t first = agenda_first(&scheduler->agenda);
	struct itimerspec when = {.it_value.tv_sec = first == UTC_NEVER ? INT32_MAX : first};

	if (timerfd_settime(scheduler->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL))
		log_fault(LEVEL_ERROR, "timer_failed", ERR(ERR_BUG, "timerfd_settime: %s", strerror(errno)));
}

static void tick(struct scheduler *scheduler)
{
	struct agenda_entry entry;
	utc_t now = now_utc();

	while (agenda_take(&scheduler->agenda, now, &entry))
		job_due(scheduler, entry.job, entry.at, now);
	flush(scheduler);
	scheduler->last_wall_ms = wall_ms();
	scheduler->last_mono = mono_now();
	arm(scheduler);
}

static void tell_jump(const struct scheduler *scheduler)
{
	int64_t expected = scheduler->last_wall_ms + mono_now().ms - scheduler->last_mono.ms;
	struct log_line line;

	log_begin(&line, LEVEL_WARNING, "clock_jumped");
	log_int(&line, "by_ms", wall_ms() - expected);
	log_end(&line);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct scheduler *scheduler = arg;
	uint64_t expirations;

	(void)what;
	if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED)
		tell_jump(scheduler);
	tick(scheduler);
}

/* -- the beginning ------------------------------------------------------------------------------------------------------- */

static bool is_scheduled(const struct conf_job *job)
{
	return job->enabled && job->schedule_count > 0;
}

static void reclaim(struct scheduler *scheduler, const struct open_slot *open)
{
	const struct conf_job *job = conf_job(scheduler->setup.conf, open->job);

	if (!job || !is_scheduled(job))
		return; /* it stays open in the store until its job is back or retention ends it */
	struct wanted *wanted = wanted_create(job, open->due, TRIGGER_CATCHUP);
	snprintf(wanted->key, sizeof(wanted->key), "%s", open->key);
	backlog_add(scheduler, wanted);
}

static void begin_job(struct scheduler *scheduler, uint32_t index, const struct schedule_state *state, utc_t now)
{
	const struct conf_job *job = &scheduler->setup.conf->jobs[index];
	utc_t first = slots_next(job, state->accounted_until);

	if (first <= now)
		job_due(scheduler, index, first, now);
	else
		agenda_add(&scheduler->agenda, index, first);
}

static void on_schedules(void *arg, struct err *e, const void *reply)
{
	struct scheduler *scheduler = arg;
	const struct conf *conf = scheduler->setup.conf;
	const struct schedules_reply *answer = reply;
	struct backlog *backlog, *next;
	size_t place = 0;

	if (e) {
		log_fault(LEVEL_ERROR, "store_unavailable", ERR_AT(e, "ask which slots are accounted for"));
		event_base_loopexit(scheduler->setup.base, NULL);
		return;
	}
	/* Interrupted slots are older than any that is due now: they come first. */
	for (size_t i = 0; i < answer->open_count; i++)
		reclaim(scheduler, &answer->open[i]);
	for (uint32_t i = 0; i < conf->job_count; i++)
		if (is_scheduled(&conf->jobs[i]) && place < answer->count)
			begin_job(scheduler, i, &answer->jobs[place++], scheduler->live_since);
	HASH_ITER(hh, scheduler->backlogs, backlog, next)
		backlog_claim(scheduler, backlog);
	tick(scheduler);
	scheduler->setup.ready(scheduler->setup.arg);
}

static void ask_schedules(struct scheduler *scheduler)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct conf *conf = scheduler->setup.conf;
	struct schedule_ask *asks = arena_alloc(&arena, (conf->job_count + 1) * sizeof(*asks));
	struct schedules request = {.instance = scheduler->setup.instance, .now_ms = wall_ms(), .jobs = asks};

	for (size_t i = 0; i < conf->job_count; i++)
		if (is_scheduled(&conf->jobs[i]))
			asks[request.count++] = (struct schedule_ask){conf->jobs[i].name,
			    arena_format(&arena, "%016llx", (unsigned long long)conf->jobs[i].fingerprint)};
	line_call(scheduler->setup.line, REQ_SCHEDULES, &request, on_schedules, scheduler);
}

struct scheduler *scheduler_create(const struct scheduler_setup *setup)
{
	struct scheduler *scheduler = mem_alloc(sizeof(*scheduler));

	scheduler->setup = *setup;
	scheduler->live_since = now_utc();
	scheduler->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	scheduler->timer = event_new(setup->base, scheduler->timer_fd, EV_READ | EV_PERSIST, on_timer, scheduler);
	event_add(scheduler->timer, NULL);
	scheduler->backlog_timer = evtimer_new(setup->base, on_backlog_timer, scheduler);
	ask_schedules(scheduler);
	return scheduler;
}

/* -- from outside ----------------------------------------------------------------------------------------------------------- */

void scheduler_run(struct scheduler *scheduler, const struct conf_job *job, scheduler_granted *granted, void *arg)
{
	struct wanted *wanted = wanted_create(job, now_utc(), TRIGGER_MANUAL);

	wanted->granted = granted;
	wanted->granted_arg = arg;
	claim(scheduler, wanted);
	flush(scheduler);
}

void scheduler_run_ended(struct scheduler *scheduler, const struct run_end *end)
{
	const struct granted *granted = end->granted;

	if (scheduler->stopped)
		return;
	if (end->again && granted->trigger != TRIGGER_MANUAL) {
		struct wanted *wanted = wanted_create(granted->job, granted->slot, granted->trigger);

		snprintf(wanted->key, sizeof(wanted->key), "%s", granted->key);
		claim(scheduler, wanted);
	}
	struct backlog *backlog = backlog_find(scheduler, granted->job);
	if (backlog)
		backlog_claim(scheduler, backlog);
	flush(scheduler);
}

void scheduler_stop(struct scheduler *scheduler)
{
	scheduler->stopped = true;
	event_del(scheduler->timer);
	event_del(scheduler->backlog_timer);
}

const struct conf_job *scheduler_next(const struct scheduler *scheduler, utc_t *out_at)
{
	if (!scheduler->agenda.count)
		return NULL;
	*out_at = scheduler->agenda.heap[0].at;
	return &scheduler->setup.conf->jobs[scheduler->agenda.heap[0].job];
}

static void backlog_destroy(struct scheduler *scheduler, struct backlog *backlog)
{
	struct wanted *wanted, *next;

	DL_FOREACH_SAFE(backlog->slots, wanted, next)
		free(wanted);
	HASH_DEL(scheduler->backlogs, backlog);
	free(backlog);
}

void scheduler_destroy(struct scheduler *scheduler)
{
	struct backlog *backlog, *next_backlog;
	struct batch *batch, *next_batch;

	if (!scheduler)
		return;
	HASH_ITER(hh, scheduler->backlogs, backlog, next_backlog)
		backlog_destroy(scheduler, backlog);
	DL_FOREACH_SAFE(scheduler->batches, batch, next_batch)
		batch_destroy(batch);
	event_free(scheduler->timer);
	event_free(scheduler->backlog_timer);
	close(scheduler->timer_fd);
	agenda_done(&scheduler->agenda);
	due_slots_done(&scheduler->due);
	free(scheduler);
}
