/* SPDX-License-Identifier: MIT */
/* The job that makes the messages of `on_failure`: bmad's own, in no configuration. */
#ifndef WORKER_ALARM_JOB_H
#define WORKER_ALARM_JOB_H

#include "conf/conf.h"

#define ALARM_JOB   "@alarm" /* no name that a configuration could give */
#define ALARM_STATE "troubles"

/* OUT borrows from CONF. */
void alarm_job(const struct conf *conf, struct conf_job *out);

#endif
