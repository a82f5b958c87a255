/* SPDX-License-Identifier: MIT */
/* The table of job modules: one line here for each file of this folder. */
#include <bmad/job.h>

#ifdef BMAD_TEST_MODULES
#include "tests/modules/test_modules.h"
#endif

extern const struct job_module command_module;
extern const struct job_module dispatch_cts_module;
extern const struct job_module dispatch_lit_module;
extern const struct job_module heartbeat_module;
extern const struct job_module plant_daily_module;
extern const struct job_module query_report_module;
extern const struct job_module rota_module;
extern const struct job_module rota_reminder_module;
extern const struct job_module slips_module;
extern const struct job_module zone_alert_module;
extern const struct job_module zone_eos_module;
extern const struct job_module zone_hourly_module;
extern const struct job_module zone_staffing_module;

const struct job_module *const job_modules[] = {
    &command_module,
    &dispatch_cts_module,
    &dispatch_lit_module,
    &heartbeat_module,
    &plant_daily_module,
    &query_report_module,
    &rota_module,
    &rota_reminder_module,
    &slips_module,
    &zone_alert_module,
    &zone_eos_module,
    &zone_hourly_module,
    &zone_staffing_module,
#ifdef BMAD_TEST_MODULES
    BMAD_TEST_MODULE_ROWS
#endif
        NULL,
};
