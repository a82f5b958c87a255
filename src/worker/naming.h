/* SPDX-License-Identifier: MIT */
/*
 * A module asked for its slots in this very process: for commands that show them. The daemon asks in its
 * workers.
 */
#ifndef WORKER_NAMING_H
#define WORKER_NAMING_H

#include "conf/conf.h"
#include "request/request.h"

/* The slots of [FROM, TO) of JOB, which has an @module, in the order of time and in ARENA, as its module
 * says. */
struct err *naming_ask(const struct conf *conf, const struct conf_job *job, utc_t from, utc_t to, utc_t now,
    struct arena *arena, struct slot_name **out_slots, size_t *out_count) MUST_CHECK;

#endif
