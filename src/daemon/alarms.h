/* SPDX-License-Identifier: MIT */
/*
 * Alarms (`on_failure`): main's ear for troubles, and the runs that tell people of them.
 *
 * What is noticed goes into the account (troubles.h). When something is to be told, a run of bmad's own
 * module `alarm` is claimed and given what to say; its commit holds the messages and the account as it stands
 * then. So templates, budgets, outbox and retries are those of any message, and a restart neither repeats nor
 * forgets. An idle daemon has no timer here.
 *
 * Troubles of the alarm itself (its run fails, its message is lost) are only logged: no alarm begets another.
 */
#ifndef DAEMON_ALARMS_H
#define DAEMON_ALARMS_H

#include "conf/conf.h"
#include "daemon/dispatcher.h"
#include "daemon/line.h"
#include "daemon/troubles.h"

struct alarms;

struct alarms_setup {
	struct event_base *base;
	const struct conf *conf;
	const char *instance;
	struct line *line;
	struct dispatcher *dispatcher;
};

/* Reads the account of the last life from the store, and what the store has recorded since. */
struct alarms *alarms_create(const struct alarms_setup *setup);
void alarms_destroy(struct alarms *alarms);
/* From now on CONF says who is told; nothing of the one before is used any more. */
void alarms_configure(struct alarms *alarms, const struct conf *conf);
/* Nothing is told any more: the next daemon does it. */
void alarms_stop(struct alarms *alarms);

/* END is of a run of the alarm's own; all others are judged: failed, or well again. */
bool alarms_own(const struct granted *granted);
void alarms_run_ended(struct alarms *alarms, const struct run_end *end);
/* The module of END's job failed to name its slots, and those that are known end soon. */
void alarms_slots_failed(struct alarms *alarms, const struct run_end *end);
void alarms_slot_missed(struct alarms *alarms, const char *job, utc_t slot, const char *reason);
/* Of sender and store. */
void alarms_notices(struct alarms *alarms, const struct notices *notices);

/* Any other trouble, and its end. `at_ms` of the report is set here. */
void alarms_trouble(struct alarms *alarms, const struct trouble_report *report);
void alarms_over(struct alarms *alarms, enum trouble_kind kind, const char *job);

#endif
