/* SPDX-License-Identifier: MIT */
/* The data object of the slips report. Pure. */
#ifndef JOBS_SLIPS_REPORT_H
#define JOBS_SLIPS_REPORT_H

#include <bmad/json.h>

#include "jobs/slips/gather.h"

struct slips_totals {
	size_t slips, improvements;                 /* rows */
	size_t slip_services, improvement_services; /* different services among them */
	size_t unplanned;
};

/*
 * Fills DATA, with keys in sorted order. A change of less than DELTA days is left out, and so is one of
 * none. FIRST: nothing was ever sent.
 */
void put_report(struct json *data, struct gathered *gathered, const struct window *window, int64_t delta,
    bool first, struct slips_totals *out_totals);

#endif
