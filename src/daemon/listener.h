/* SPDX-License-Identifier: MIT */
/* The job listener: every outcome of a run as log lines, failures with their traceback. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include "daemon/dispatcher.h"

void listen_run_started(const struct granted *granted);
void listen_run_ended(const struct run_end *end);

/* What is still known of a job's slots when its module could not name them. */
struct slots_left {
	utc_t known_until; /* 0: nothing */
	utc_t next;        /* the next slot known; UTC_NEVER: none */
	bool ending;       /* KNOWN_UNTIL is near, or over */
	int64_t retry_s;   /* it is asked again in so many seconds */
};

void listen_slots_failed(const struct run_end *end, const struct slots_left *left);
void listen_slot_missed(const char *job, utc_t slot, utc_t first, const char *reason);
void listen_slot_skipped(const struct conf_job *job, utc_t slot, int64_t open_run);
void listen_slot_paused(const struct conf_job *job, utc_t slot);

#endif
