/* SPDX-License-Identifier: MIT */
/* heartbeat - a sign of life, for a receiver that alarms when it stops. */
#include <bmad/job.h>

static struct err *heartbeat_run(struct run *run)
{
	struct json *data = run_data(run);

	json_set_string(data, "host", run_node(run));
	json_set_instant(data, "at", run_now(run));
	return run_queue(run, &(struct message){.kind = "report"}, data);
}

const struct job_module heartbeat_module = {
    .name = "heartbeat",
    .summary = "a sign of life, for a receiver that alarms when it stops",
    .schedule = "@every 5m",
    .restartable = true,
    .run = heartbeat_run,
};
