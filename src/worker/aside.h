/* SPDX-License-Identifier: MIT */
/*
 * A job's module at work in this very process, outside any run: for commands that ask it something. What it
 * queues and stores is dropped; nothing is committed.
 */
#ifndef WORKER_ASIDE_H
#define WORKER_ASIDE_H

#include "worker/inside.h"

/* Calls ASK with a run of JOB whose options are resolved, as ORDER says. */
struct err *run_aside(const struct conf *conf, const struct conf_job *job, const struct run_order *order,
    struct err *(*ask)(struct run *run, void *arg), void *arg) MUST_CHECK;

#endif
