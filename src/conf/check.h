/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration beyond its own text: `${...}` that do not resolve, addresses that are
 * none once they are resolved, templates. It reads files and learns secrets: main leaves it to a checker
 * process (daemon/checker.h).
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/conf.h"

/* Adds to PROBLEMS what is wrong with CONF, and sorts them all. Their texts may hold secrets: redact(). */
void conf_check(const struct conf *conf, struct conf_problems *problems);

/*
 * Adds what FRESH would change of RUNNING that cannot change while a daemon runs. Pure: strings are compared.
 */
void conf_check_change(const struct conf *running, const struct conf *fresh, struct conf_problems *problems);

/* Why REFERENCE does not resolve now; NULL: it does. */
struct err *conf_try_reference(
    const struct conf *conf, const struct conf_reference *reference) MUST_CHECK;

#endif
