/* SPDX-License-Identifier: MIT */
/*
 * The slots that job modules name themselves (schedule `@module`): asked for in workers, kept here.
 *
 * A job's module is asked when the job begins, hourly, a minute before the next slot that is known, and
 * after a failure again and again with growing waits; each time for the time since its slots are accounted
 * for, and two days ahead. A failure costs nothing but news: the last list holds, and its end is announced.
 */
#ifndef DAEMON_MODULE_SLOTS_H
#define DAEMON_MODULE_SLOTS_H

#include "daemon/dispatcher.h"
#include "daemon/slot_list.h"

struct module_slots;

struct module_slots_setup {
	struct event_base *base;
	struct dispatcher *dispatcher;
	struct alarms *alarms; /* hear of a list that ends and cannot be renewed; NULL: nobody does */
	/* The list of JOB is another one now: what is due may have changed. */
	void (*changed)(void *arg, const struct conf_job *job);
	void *arg;
};

struct module_slots *module_slots_create(const struct module_slots_setup *setup);
void module_slots_destroy(struct module_slots *slots);

/*
 * JOB, which has an @module among its schedules, begins (or goes on as a newly read configuration has it,
 * with the list that a job of its name had): its module is asked at once. Slots up to ACCOUNTED_UNTIL have
 * their records.
 */
void module_slots_begin(struct module_slots *slots, const struct conf_job *job, utc_t accounted_until);
/* The job of this NAME is no more. */
void module_slots_end(struct module_slots *slots, const char *name);
/* Asks for all lists anew: the clock was set. */
void module_slots_ask_all(struct module_slots *slots);
/* Nothing is asked for any more. */
void module_slots_stop(struct module_slots *slots);

/* What the module of JOB has named; NULL if its schedule is another one. */
const struct slot_list *module_slots_list(const struct module_slots *slots, const struct conf_job *job);
/* The slots of JOB up to AT were due, and are claimed or recorded. */
void module_slots_take(struct module_slots *slots, const struct conf_job *job, utc_t at);

/* From the dispatcher: what a module answered. */
void module_slots_answered(struct module_slots *slots, const struct run_end *end);

#endif
