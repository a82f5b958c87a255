/* SPDX-License-Identifier: MIT */
/* The alarm as a job: what its configuration would say. */
#include "worker/alarm_job.h"

#define TIMEOUT_MS 60000

extern const struct job_module alarm_module;

void alarm_job(const struct conf *conf, struct conf_job *out)
{
	*out = (struct conf_job){
	    .name = ALARM_JOB,
	    .module = &alarm_module,
	    .overlap = OVERLAP_ALLOW,
	    .timeout_ms = TIMEOUT_MS,
	    .expires_ms = -1,
	};
	/* It was found when the configuration was loaded; should it be gone, UTC always works. */
	struct err *e = tz_get(conf->daemon.timezone, &out->tz);
	if (e)
		err_ignore(tz_get("UTC", &out->tz));
	err_ignore(e);
}
