/* SPDX-License-Identifier: MIT */
/* dispatch_cts - visits of field engineers that were ordered from the vendor CTS: notes, texts, reminders. */
#include <bmad/job.h>

#include "jobs/dispatch/monitor.h"

static struct err *dispatch_cts_run(struct run *run)
{
	return monitor_run(run, &vendor_cts);
}

const struct job_module dispatch_cts_module = {
    .name = "dispatch_cts",
    .summary = "field engineers of CTS: notes on tickets, texts to client and engineer, reminders",
    .schedule = "@every 15m",
    .run_at_start = true,
    .options = dispatch_options,
    .options_size = sizeof(struct dispatch_options),
    .restartable = true,
    .names_channels = true,
    .templates = "dispatch",
    .run = dispatch_cts_run,
};
