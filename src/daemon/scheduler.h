/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: finds what is due, claims it in the store, passes what is granted to the dispatcher.
 *
 * It begins by asking the store up to where each job's slots are accounted for; what lies between then and
 * now is judged by the job's misfire rule (slots.h). No run starts unclaimed: while the store cannot
 * answer, due slots wait (claims.h). Slots that wait for another run of their job stand in its backlog
 * (backlog.h).
 */
#ifndef DAEMON_SCHEDULER_H
#define DAEMON_SCHEDULER_H

#include "conf/conf.h"
#include "daemon/alarms.h"
#include "daemon/backlog.h"
#include "daemon/dispatcher.h"
#include "daemon/line.h"
#include "daemon/pauses.h"

struct scheduler;

struct scheduler_setup {
	struct event_base *base;
	const struct conf *conf;
	const char *instance;
	struct line *line;
	struct dispatcher *dispatcher;
	struct alarms *alarms; /* hear of missed slots */
	void (*ready)(void *arg); /* the first slots are on the agenda */
	void *arg;
};

struct scheduler *scheduler_create(const struct scheduler_setup *setup);
void scheduler_destroy(struct scheduler *scheduler);

/* Nothing becomes due any more. */
void scheduler_stop(struct scheduler *scheduler);

/*
 * CONF takes the place of the configuration. Jobs with the same schedule keep their phase, and what waits
 * goes on; others begin now, when the store has answered: then DONE is called. What waits of jobs that are no
 * more is recorded as missed. One at a time.
 */
typedef void scheduler_reloaded(void *arg);
void scheduler_reload(struct scheduler *scheduler, const struct conf *conf, scheduler_reloaded *done, void *arg);

/* A run by hand of JOB; it waits for an open run of that job. */
void scheduler_run(struct scheduler *scheduler, const struct conf_job *job, scheduler_granted *granted, void *arg);

/* Slots of JOBS that are due before UNTIL are skipped (UTC_NEVER: until resumed; 0: resumed). */
void scheduler_pause(struct scheduler *scheduler, const struct conf_job *const *jobs, size_t count, utc_t until,
    pauses_stored *done, void *arg);
/* Until when JOB is paused now; 0: it is not. */
utc_t scheduler_paused_until(const struct scheduler *scheduler, const struct conf_job *job);
/* JOB has slots of its own, so that it can be paused; else it runs by hand only. */
bool scheduler_serves(const struct conf_job *job);

/* From the dispatcher. */
void scheduler_run_ended(struct scheduler *scheduler, const struct run_end *end);

/* The job that fires next, and the slot; NULL if none will. */
const struct conf_job *scheduler_next(const struct scheduler *scheduler, utc_t *out_at);

#endif
