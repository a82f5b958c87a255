/* SPDX-License-Identifier: MIT */
/*
 * The lock beside the store: one daemon, or one --once of its own, at a time.
 *
 * Held by main and inherited by store, sender and workers, so that it is free only when the last of an
 * old daemon is gone. The file says who took it: `PID daemon` or `PID once`.
 */
#ifndef DAEMON_LOCK_H
#define DAEMON_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include <bmad/err.h>

struct lock_holder {
	pid_t pid; /* 0: unknown */
	bool daemon;
	bool alive; /* the process that took it, not only children that it left */
};

/*
 * Tries to take the lock at PATH as ROLE ("daemon" or "once"). *OUT_FD is -1 if somebody else has it,
 * and OUT_HOLDER then says who. CONFIG error if the file cannot be made.
 */
struct err *lock_try(const char *path, const char *role, int *out_fd, struct lock_holder *out_holder) MUST_CHECK;

#endif
