/* SPDX-License-Identifier: MIT */
/* What the commands share that run something by hand: `--once` and `send`. */
#ifndef CLI_BY_HAND_H
#define CLI_BY_HAND_H

#include "cli/cli.h"
#include "daemon/once.h"

#define DELIVER_TIMEOUT_MS 60000

struct by_hand {
	struct once_request request; /* its `conf` and `job` are set by by_hand_run() */
	bool json;
};

/* Runs JOB of CONF, prints the outcome (a person reads it, or one JSON object), returns the exit status. */
int by_hand_run(struct by_hand *by_hand, const struct conf *conf, const struct conf_job *job);

#endif
