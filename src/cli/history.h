/* SPDX-License-Identifier: MIT */
/* The last run of each job, as far as there is a store. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <bmad/json.h>

#include "cli/cli.h"
#include "request/request.h"

/* The zero value is an empty history. */
struct history {
	struct arena arena;
	struct runs_reply runs; /* sorted by job */
};

/* Without a store yet the history is empty: nothing has run. */
struct err *history_load(const struct conf *conf, struct history *out_history) MUST_CHECK;
/* The newest run of JOB; NULL if there is none. */
const struct run_row *history_find(const struct history *history, const char *job);
void history_done(struct history *history);

#endif
