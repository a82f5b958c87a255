/* SPDX-License-Identifier: MIT */
/*
 * Which jobs are paused, and until when. The store keeps it over restarts; this is main's own account of it,
 * and the timer that tells when a pause is over.
 */
#ifndef DAEMON_PAUSES_H
#define DAEMON_PAUSES_H

#include <event2/event.h>

#include "conf/conf.h"
#include "daemon/line.h"

struct job_pause_state {
	utc_t until;   /* of the newest pause; 0: none */
	bool in_force; /* its end is not told yet */
};

struct job_pauses {
	const struct conf *conf;
	struct job_pause_state *states; /* by the job's index */
	struct event *timer;
};

void pauses_init(struct job_pauses *pauses, struct event_base *base, const struct conf *conf);
void pauses_done(struct job_pauses *pauses);
/* The jobs are those of CONF from now on; one that is not among them any more is forgotten. */
void pauses_move(struct job_pauses *pauses, const struct conf *conf);
/* No pause is told to be over any more. */
void pauses_stop(struct job_pauses *pauses);

/* UNTIL: UTC_NEVER until resumed by hand, 0 resumes. To be followed by pauses_arm(). */
void pauses_set(struct job_pauses *pauses, const struct conf_job *job, utc_t until, utc_t now);
void pauses_arm(struct job_pauses *pauses, utc_t now);
/* UNTIL for COUNT jobs. */
struct pause_change {
	const struct conf_job *const *jobs;
	size_t count;
	utc_t until;
};
/* Told when the store has the change, or why not (E, owned by the callee). */
typedef void pauses_stored(void *arg, struct err *e);
/* Has the store keep CHANGE (copied) first, then makes and tells it. */
void pauses_change(struct job_pauses *pauses, struct line *line, const struct pause_change *change,
    pauses_stored *done, void *arg);

/* The last instant of the pause that JOB is in or was in last; 0: none. */
utc_t pauses_until(const struct job_pauses *pauses, const struct conf_job *job);
bool pauses_hold(const struct job_pauses *pauses, const struct conf_job *job, utc_t now);

#endif
