/* SPDX-License-Identifier: MIT */
/*
 * The scheduler from inside: scheduler.c has the course of things, scheduler_begin.c how jobs come in, at the
 * start and with another configuration.
 */
#ifndef DAEMON_SCHEDULER_PARTS_H
#define DAEMON_SCHEDULER_PARTS_H

#include <event2/event.h>

#include "daemon/agenda.h"
#include "daemon/backlog.h"
#include "daemon/claims.h"
#include "daemon/module_slots.h"
#include "daemon/pauses.h"
#include "daemon/retries.h"
#include "daemon/scheduler.h"
#include "daemon/slots.h"
#include "daemon/wall_timer.h"

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
	utc_t done_until; /* what was due until then has been judged */
	bool held;        /* since then nothing is judged: the store cannot record it */
	struct turnover *turnover; /* to another configuration; NULL: none */
	bool stopped;
};

/* -- scheduler.c ----------------------------------------------------------------------------------- */

/* WANTED goes to the store with the next request. */
void scheduler_claim(struct scheduler *scheduler, struct wanted *wanted);
void scheduler_stand_in_line(struct scheduler *scheduler, struct wanted *wanted);
void scheduler_claim_heads(struct scheduler *scheduler);
struct slot_line scheduler_line(const struct scheduler *scheduler, const struct conf_job *job);
/* All slots of the job from FIRST that have fired by NOW; its next one goes on the agenda. */
void scheduler_job_due(struct scheduler *scheduler, uint32_t index, utc_t first, utc_t now);
/* Wakes at the next slot, and at once when somebody sets the wall clock. */
void scheduler_arm(struct scheduler *scheduler);
/* Claims what is due. Returns the instant up to which all is done. */
utc_t scheduler_tick(struct scheduler *scheduler);

/* -- scheduler_begin.c ----------------------------------------------------------------------------- */

/* Asks the store up to where slots are accounted for; `ready` is called when all jobs have begun. */
void scheduler_begin(struct scheduler *scheduler);
/* WANTED is to wait, but while it was on its way its job went: true, it will not, and is settled. */
bool scheduler_withdrew(struct scheduler *scheduler, struct wanted *wanted);
void scheduler_end_turnover(struct scheduler *scheduler);

#endif
