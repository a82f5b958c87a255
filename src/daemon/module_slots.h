/* SPDX-License-Identifier: MIT */
/*
 * The slots that job modules name themselves (schedule `@module`): asked for in workers, kept here.
 *
 * A job's module is asked when the job begins, hourly, a minute before the next slot that is known, and
 * after a failure again and again with growing waits; each time for two days ahead, and for the past from two
 * days before its slots were accounted for: what moved there without having fired is not lost, and what has
 * its record is known by its key. A failure costs nothing but news: the last list holds, and its end is
 * announced.
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

/* How far back the store is asked which slots of JOB have their records: schedule_ask's `recorded_s`. */
int64_t module_slots_recorded_s(const struct conf_job *job);
/*
 * JOB, which has an @module among its schedules, begins as the store left it (or goes on as a newly read
 * configuration has it, with the list that a job of its name had): its module is asked at once.
 */
void module_slots_begin(
    struct module_slots *slots, const struct conf_job *job, const struct schedule_state *state);
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
