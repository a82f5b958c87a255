/* SPDX-License-Identifier: MIT */
/* The connections to SQL sources that a worker keeps between its runs: at most one for each source. */
#ifndef WORKER_SOURCES_H
#define WORKER_SOURCES_H

#include <bmad/sql.h>

#include "conf/conf.h"

struct sources;

struct sources *sources_create(const struct conf *conf);
void sources_destroy(struct sources *sources);

/* The connection to NAME, opened when first used. CONFIG error for an unknown name. */
struct err *sources_get(struct sources *sources, const char *name, struct sql **out_db) MUST_CHECK;

/* Between runs: ends what the run left open and drops connections that broke. */
void sources_reset(struct sources *sources);

#endif
