/* SPDX-License-Identifier: MIT */
/*
 * The worker process: waits for a run, runs it, commits it, says how it went, waits for the next.
 *
 * Plain blocking code. SIGTERM asks the run to end (its SQL statement is cancelled); SIGKILL ends it if it
 * does not. End of file from main ends the worker.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "conf/conf.h"
#include "worker/crash.h"

#define STEP_TEXT 240

/* Shared with main, so that it can tell in what step, and where in the code, a killed run stood. */
struct worker_page {
	char step[STEP_TEXT];
	int program; /* the process group that a run has started: it ends with the worker; 0: none */
	struct crash_record crash;
};

struct worker_setup {
	const struct conf *conf;
	int parent;               /* the socket pair to main */
	const char *store_socket; /* NULL: no store at all (a dry run without one) */
	const char
	    *store_url; /* without a socket, for reading job state in a dry run; NULL: there is none yet */
	const char *instance; /* of main */
	struct worker_page *page;
	int number; /* from 1, for the process title; 0: none */
};

/* The child's life: returns its exit status. */
int worker_process(const struct worker_setup *setup);

#endif
