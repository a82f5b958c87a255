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
	const struct conf_job *job;
	struct claim_slot slot; /* its key is in `key` */
	scheduler_granted *granted; /* of a run by hand */
	void *granted_arg;
	char key[];
};

/* A slot without key if KEY is NULL: the store makes that of a run by hand. */
struct wanted *wanted_create(const struct conf_job *job, const char *key, utc_t slot, enum trigger trigger);

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
void backlogs_done(struct backlog **backlogs);

#endif
