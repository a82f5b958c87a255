/* SPDX-License-Identifier: MIT */
/*
 * The checker: a throw-away process that judges a configuration as `bmad check` does.
 *
 * It reads files, which may hang, and learns secrets, which main must not know; what it crashes of or hangs
 * in costs nobody anything. Main goes on meanwhile and hears the verdict, or why there is none.
 */
#ifndef DAEMON_CHECKER_H
#define DAEMON_CHECKER_H

#include <sys/types.h>

#include "conf/conf.h"
#include "request/request.h"

struct event_base;
struct checker;

/* Longer than the largest configuration takes on a small machine. */
#define CHECKER_PATIENCE_MS 30000

struct checker_plan {
	const struct conf *loaded; /* judge this one; NULL: load what `request` says */
	struct conf_request request;
	const struct conf *running; /* what it is to replace; NULL: nothing */
	int64_t patience_ms;
};

/*
 * CHECKED (borrowed) is the verdict; NULL: the checker gave none, E (owned by the callee) says why. The
 * checker is gone when this is called.
 */
typedef void checker_done(void *arg, const struct checked *checked, struct err *e);

/* Calls DONE once, from the loop. Texts and structures of PLAN need to live only until this returns. */
struct err *checker_start(struct event_base *base, const struct checker_plan *plan, checker_done *done, void *arg,
    struct checker **out_checker) MUST_CHECK;
/* Whoever reaps children: PID ended with STATUS. Not needed where nobody else does. */
void checker_reaped(struct checker *checker, pid_t pid, int status);
/* Ends it; DONE is not called any more. NULL is fine. */
void checker_destroy(struct checker *checker);

/* Warnings and errors of CHECKED are added to PROBLEMS. */
void checked_problems(const struct checked *checked, struct conf_problems *problems);

#endif
