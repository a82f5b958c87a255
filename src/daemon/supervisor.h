/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: starts the store, sender and worker processes, listens to them, replaces those that die.
 *
 * A child counts as gone when it was reaped and all that it had said was read. It is then replaced: at
 * once, but with growing delay when it keeps dying young. Log lines of children go to main's log here;
 * every other request goes to the owner's `request`.
 */
#ifndef DAEMON_SUPERVISOR_H
#define DAEMON_SUPERVISOR_H

#include <sys/types.h>

#include "conf/conf.h"
#include "daemon/line.h"
#include "request/peer.h"
#include "worker/worker.h"

enum child_kind { CHILD_STORE, CHILD_SENDER, CHILD_WORKER, CHILD_KINDS };

struct child {
	struct supervisor *supervisor;
	enum child_kind kind;
	int number; /* of a worker, from 1 */
	pid_t pid;  /* 0: not running now */
	struct peer *peer;
	struct worker_page *page; /* of a worker: shared with it */
	struct mono started;
	void *user; /* the owner's */
	unsigned generation; /* of the configuration that it was started with */
	/* the supervisor's own */
	bool reaped, used;
	bool nonsense; /* it sent what is no request, and was killed for that */
	int status;
	int64_t peak_kib;  /* the most memory that the one that was reaped had */
	int64_t oom_kills; /* of the kernel when it started; see death.h */
	int young_deaths;
	struct event *restart;
};

struct supervisor_setup {
	struct event_base *base;
	const struct conf *conf;
	const char *instance;
	const char *store_socket; /* NULL: children have no store */
	const char *store_url;    /* of a worker without a store socket */
	int listener;             /* of the store process; -1: there is none */
	int lock;                 /* inherited by every child; -1: none */
	int workers;
	bool daemon; /* not a command beside one or without one */
};

struct supervisor_events {
	/* A request of CHILD, other than REQ_LOG. */
	void (*request)(void *arg, struct child *child, enum request_kind kind, const void *request);
	/* A worker has started and may be given a run. */
	void (*ready)(void *arg, struct child *child);
	/* CHILD ended with STATUS (as waitpid gives it); its successor is started after this returns. */
	void (*gone)(void *arg, struct child *child, int status);
	/* PID, which is none of these children, ended with STATUS. NULL: nobody asks. */
	void (*other)(void *arg, pid_t pid, int status);
};

struct supervisor *supervisor_create(const struct supervisor_setup *setup, const struct supervisor_events *events,
    void *arg);
/* Starts the child of KIND, all workers for CHILD_WORKER. */
void supervisor_start(struct supervisor *supervisor, enum child_kind kind);
/* A sender started from now on delivers only RUN's messages (a --once without a daemon). */
void supervisor_send_only(struct supervisor *supervisor, int64_t run);
/* No more replacements of KIND. */
void supervisor_retire(struct supervisor *supervisor, enum child_kind kind);
/* Ends the children of KIND: closes their connection, or kills them with SIGNAL_NUMBER if it is not 0. */
void supervisor_end(struct supervisor *supervisor, enum child_kind kind, int signal_number);
/* Running children of KIND. */
size_t supervisor_count(const struct supervisor *supervisor, enum child_kind kind);
/* The child NUMBER (from 1) of KIND, running or not; NULL past the last. */
struct child *supervisor_child(struct supervisor *supervisor, enum child_kind kind, int number);
/* Reaps what has ended; to be called on SIGCHLD. */
void supervisor_reap(struct supervisor *supervisor);
/* Sends ORDER to a worker. */
void supervisor_order(struct child *child, const struct run_order *order);
/*
 * CONF takes the place of the configuration. What is started from now on has it; the store process hears of
 * it; the sender drains and is replaced. Workers are added or not replaced any more, as CONF says; those that
 * are there are outdated.
 */
void supervisor_reload(struct supervisor *supervisor, const struct conf *conf);
/* CHILD was started with an older configuration, or there is no need for it any more: it must get no run. */
bool supervisor_outdated(const struct child *child);
/* Lets CHILD go in order: its connection is closed, and a successor follows. */
void supervisor_replace(struct child *child);
/*
 * CHILD, which has just ended with STATUS, was a store process that could not open the store and never
 * will: its LINE was never answered. CONFIG error then, and no successor; else NULL.
 */
struct err *supervisor_hopeless(struct child *child, int status, const struct line *line) MUST_CHECK;
void supervisor_destroy(struct supervisor *supervisor); /* kills what still runs, and waits for it */

#endif
