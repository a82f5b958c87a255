/* SPDX-License-Identifier: MIT */
/* One run by hand: the same processes and the same path as the daemon's. */
#ifndef DAEMON_ONCE_H
#define DAEMON_ONCE_H

#include "conf/conf.h"

struct once_request {
	const struct conf *conf;
	const struct conf_job *job;
	utc_t at; /* 0: now */
	bool dry_run, debug, log_message, again;
	int64_t deliver_timeout_ms;
	const char *given; /* JSON: what the run is to do, or how (run_given()); NULL: its ordinary work */
};

/*
 * Runs the job and waits for its messages. *OUT_REPORT is what `--json` prints, owned by the caller.
 * Beside a daemon its store and sender serve this run; without one they are started for it. CONFIG error
 * if the store cannot be had.
 */
struct err *once_run(const struct once_request *request, struct json **out_report) MUST_CHECK;

#endif
