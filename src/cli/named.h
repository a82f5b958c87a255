/* SPDX-License-Identifier: MIT */
/* The slots of jobs with @module, for commands that show when jobs fire. */
#ifndef CLI_NAMED_H
#define CLI_NAMED_H

#include "conf/conf.h"
#include "daemon/slot_list.h"

/*
 * Asks the module of JOB, if @module is among its schedules, until COUNT slots after FROM are known or a
 * year has been asked for; OUT_LIST stays empty for any other job.
 */
struct err *named_load(const struct conf *conf, const struct conf_job *job, utc_t from, size_t count,
    struct slot_list *out_list) MUST_CHECK;

#endif
