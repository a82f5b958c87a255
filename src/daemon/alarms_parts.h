/* SPDX-License-Identifier: MIT */
/* Alarms from inside: alarms.c hears and tells, alarms_past.c finds what the last daemon could not tell. */
#ifndef DAEMON_ALARMS_PARTS_H
#define DAEMON_ALARMS_PARTS_H

#include "daemon/alarms.h"
#include "worker/alarm_job.h"

struct alarms {
	struct alarms_setup setup;
	struct conf_job job; /* of the runs that tell */
	struct troubles *troubles;
	struct event *timer;
	struct telling telling;  /* on its way */
	char key[TIME_TEXT + 8]; /* of its slot */
	bool stopped;
};

/* What is noticed; the timer is to be armed afterwards. */
void alarms_begin(struct alarms *alarms, struct trouble_report *report); /* `at_ms` 0: now */
/* REPORT with what is known of the error behind it (E NULL: it was degraded). */
void alarms_begin_failed(struct alarms *alarms, struct trouble_report *report, struct err *e);
void alarms_well(struct alarms *alarms, enum trouble_kind kind, const char *job, int64_t run);
void alarms_notice(struct alarms *alarms, const struct notice *notice);
void alarms_arm(struct alarms *alarms);

bool alarms_anybody_is_told(const struct conf *conf);

/* alarms_past.c: the answer to STATE, the account of the last life. */
void alarms_on_state(void *arg, struct err *e, const void *reply);

#endif
