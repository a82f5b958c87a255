/* SPDX-License-Identifier: MIT */
/* The last run and the pause of each job and the state of each channel, as far as there is a store. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <bmad/json.h>

#include "cli/cli.h"
#include "request/request.h"
#include "send/channel_states.h"

/* The zero value is an empty history. */
struct history {
	struct arena arena;
	struct runs_reply runs; /* sorted by job */
	struct pauses pauses;   /* likewise */
	const struct lane_view *states; /* of the configuration's channels, in their order */
};

/* Without a store yet the history is empty: nothing has run. */
struct err *history_load(const struct conf *conf, utc_t now, struct history *out_history) MUST_CHECK;
/* The newest run of JOB; NULL if there is none. */
const struct run_row *history_find(const struct history *history, const char *job);
/* Until when JOB is paused at NOW (UTC_NEVER: until it is resumed); 0: it is not. */
utc_t history_paused_until(const struct history *history, const char *job, utc_t now);
void history_done(struct history *history);

#endif
