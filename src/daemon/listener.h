/* SPDX-License-Identifier: MIT */
/* The job listener: every outcome of a run as log lines, failures with their traceback. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include "daemon/dispatcher.h"

void listen_run_started(const struct granted *granted);
void listen_run_ended(const struct run_end *end);
void listen_slot_missed(const struct conf_job *job, utc_t slot, utc_t first, const char *reason);
void listen_slot_skipped(const struct conf_job *job, utc_t slot, int64_t open_run);
void listen_slot_paused(const struct conf_job *job, utc_t slot);

#endif
