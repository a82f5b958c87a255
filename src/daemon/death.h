/* SPDX-License-Identifier: MIT */
/* What the death of a worker says of the run it had in hand. */
#ifndef DAEMON_DEATH_H
#define DAEMON_DEATH_H

#include <stdbool.h>
#include <stdint.h>

#include <bmad/err.h>

#include "worker/crash.h"

struct death {
	int status;                  /* as waitpid gives it */
	const char *step;            /* where the run stood; "" unknown */
	int64_t timeout_ms, grace_s; /* of the run: how long it had, and how long after that */
	bool overrun;                /* it was killed, or asked to end, at its deadline */
	bool nonsense;               /* it was killed for what it sent */
	int64_t peak_kib;            /* the most memory it had */
	int64_t oom_kills;           /* of the kernel since the worker began; see oom_kills() */
	struct crash_record crash;
};

/* The error of a run whose worker died so. */
struct err *death_error(const struct death *death) MUST_CHECK;

/* Somebody killed the worker, which is no fault of the job. Any other signal, and an exit, is its own doing.
 */
bool death_is_from_outside(const struct death *death);

/* How often the kernel has killed a process on this machine for want of memory; 0 if it does not tell. */
int64_t oom_kills(void);

#endif
