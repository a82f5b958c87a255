/* SPDX-License-Identifier: MIT */
/*
 * Backlogs: slots that wait for another run of their job (overlap: queue, misfire: all, runs by hand), in
 * order. Only the head of a job's backlog is claimed; what follows waits until it is settled.
 */
#ifndef DAEMON_BACKLOG_H
#define DAEMON_BACKLOG_H

#include <uthash.h>

#include "daemon/slots.h"

/* Told with the run when one by hand was granted (RUN > 0), or why not (E, owned by the callee). */
typedef void scheduler_granted(void *arg, int64_t run, struct err *e);

/* A slot on its way to the store. */
struct wanted {
	struct wanted *prev, *next; /* in a backlog */
	const struct conf_job *job; /* it holds its configuration; NULL: the job is not there, nor to run */
	struct claim_slot slot; /* its texts are in `text` */
	scheduler_granted *granted; /* of a run by hand */
	void *granted_arg;
	char text[];
};

/* A slot without key if KEY is NULL: the store makes that of a run by hand. */
struct wanted *wanted_create(const struct conf_job *job, const char *key, utc_t slot, enum trigger trigger);

/*
 * The same of a slot that is open in the store and will not run: it is missed for REASON (a constant), and
 * needs no job.
 */
struct wanted *wanted_missed(const char *job, const char *key, utc_t slot, const char *reason);
/* WANTED does not run; it is to be claimed as missed for REASON. */
void wanted_miss(struct wanted *wanted, const char *reason);
/*
 * WANTED goes on as CONF has its job. Else the value is why it cannot: the job is not there, disabled, or
 * has no slots of its own any more; WANTED is as it was then.
 */
const char *wanted_move(struct wanted *wanted, const struct conf *conf);
void wanted_destroy(struct wanted *wanted);

/* Why a slot KEY (NULL: of a run by hand) of JOB cannot run; NULL: it can. */
const char *wanted_unserved(const struct conf_job *job, const char *key);

/* What waits for another run of the same job; the head is claimed first. */
struct backlog {
	const struct conf_job *job; /* the hash key */
	struct wanted *slots;
	bool claiming; /* the head is on its way */
	UT_hash_handle hh;
};

struct backlog *backlog_find(struct backlog *backlogs, const struct conf_job *job);
/* WANTED goes to the end of its job's backlog. */
void backlog_add(struct backlog **backlogs, struct wanted *wanted);
/* The slot KEY stands in the job's backlog. */
bool backlog_holds(struct backlog *backlogs, const struct conf_job *job, const char *key);
/* The head, which is to be claimed now; NULL if it is on its way already, or BACKLOG is NULL. */
struct wanted *backlog_take(struct backlog *backlog);
/* The store says that another run is open: WANTED stands (or goes on standing) in the backlog. */
void backlog_waits(struct backlog **backlogs, struct wanted *wanted);
/* WANTED, which may have been the head of a backlog, is settled: frees it. */
void backlog_settled(struct backlog **backlogs, struct wanted *wanted);
/* Slots caught up run one after the other, in order; so does what becomes due before they are through. */
bool backlog_catches_up(struct backlog *backlogs, const struct conf_job *job);
/*
 * All that waits goes on as CONF has it. What cannot is handed to WITHDRAWN with the reason, and belongs to the
 * callee; CLAIMING: it is on its way to the store, so the answer must be heard first.
 */
typedef void backlog_withdrawn(void *arg, struct wanted *wanted, const char *reason, bool claiming);
void backlogs_move(
    struct backlog **backlogs, const struct conf *conf, backlog_withdrawn *withdrawn, void *arg);
void backlogs_done(struct backlog **backlogs);

#endif
