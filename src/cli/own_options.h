/* SPDX-License-Identifier: MIT */
/* Options of the command line that belong to a job's module (job_module.by_hand). */
#ifndef CLI_OWN_OPTIONS_H
#define CLI_OWN_OPTIONS_H

#include "cli/cli.h"

/*
 * Takes argv[*I], and the value behind it, into GIVEN if some module has such an option: `--confirm ID`
 * becomes {"confirm": "ID"}, `--include-past` {"include_past": true}. *OUT_TAKEN tells whether it did.
 */
struct err *own_option_take(struct json *given, int argc, char **argv, int *i, bool *out_taken) MUST_CHECK;
/* CONFIG error if MODULE has not all that is in GIVEN. */
struct err *own_options_check(const struct json *given, const struct job_module *module) MUST_CHECK;

#endif
