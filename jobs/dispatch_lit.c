/* SPDX-License-Identifier: MIT */
/* dispatch_lit - visits of field engineers that were ordered from the vendor LIT: notes, texts, reminders. */
#include <bmad/job.h>

#include "jobs/dispatch/monitor.h"

static struct err *dispatch_lit_run(struct run *run)
{
	return monitor_run(run, &vendor_lit);
}

const struct job_module dispatch_lit_module = {
    .name = "dispatch_lit",
    .summary = "field engineers of LIT: notes on tickets, texts to client and engineer, reminders",
    .schedule = "@every 15m",
    .run_at_start = true,
    .options = dispatch_options,
    .options_size = sizeof(struct dispatch_options),
    .restartable = true,
    .names_channels = true,
    .templates = "dispatch",
    .run = dispatch_lit_run,
};
