/* SPDX-License-Identifier: MIT */
/* Job modules of the test binary only: jobs that misbehave, and jobs that do next to nothing. */
#ifndef TEST_MODULES_H
#define TEST_MODULES_H

#include <bmad/job.h>
#include <bmad/mem.h>

extern const struct job_module caller_module, fault_module, probe_module, noop_module, named_module,
    parcel_module;

#define BMAD_TEST_MODULE_ROWS                                                                                \
	&caller_module, &fault_module, &probe_module, &noop_module, &named_module, &parcel_module,

#endif
