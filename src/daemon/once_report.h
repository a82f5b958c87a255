/* SPDX-License-Identifier: MIT */
/* Pure: what `--once --json` prints, made when the run has ended and completed as its messages end. */
#ifndef DAEMON_ONCE_REPORT_H
#define DAEMON_ONCE_REPORT_H

#include <bmad/json.h>

#include "daemon/dispatcher.h"

/* Owned by the caller. Of a run that failed, data and messages are empty. */
struct json *once_report(const struct conf_job *job, utc_t slot, const struct run_end *end);

/* STATE becomes the outcome of the message that it is about. */
void once_report_outcome(struct json *report, const struct message_state *state);
/* MESSAGE, one of the report's, has no outcome yet. */
bool once_report_waits(const struct json *message);

#endif
