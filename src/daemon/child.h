/* SPDX-License-Identifier: MIT */
/* What every forked child does first, and how its log lines reach main. */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "daemon/clock.h"

/*
 * Sends this process's log lines over PARENT (blocking, the socket pair to main) as REQ_LOG; for children
 * that have a peer to main, pass lines with log_to_function() themselves.
 */
void child_log_to(int parent);

struct child_plan {
	const char *title; /* "store", "worker 3": shown by ps as `bmad: TITLE` */
	/* The child's life; PARENT is its end of a new socket pair. Its value is the exit status. */
	int (*life)(void *arg, int parent);
	void *arg;
	int keep[2];    /* descriptors that it needs besides 0, 1, 2 and PARENT; -1: none */
	bool own_group; /* leads a process group, so that it is killed with all that it started */
};

/*
 * Forks. The child dies with its parent, has fresh signal state and only its own descriptors, and leaves
 * through _exit(). *OUT_FD is main's end of the socket pair. TEMPORARY error if there are no more
 * processes or descriptors.
 */
struct err *child_fork(const struct child_plan *plan, pid_t *out_pid, int *out_fd) MUST_CHECK;

#endif
