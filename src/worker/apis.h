/* SPDX-License-Identifier: MIT */
/* The vendor APIs that a worker has spoken to: connections and sessions are kept between its runs. */
#ifndef WORKER_APIS_H
#define WORKER_APIS_H

#include <bmad/api.h>

#include "conf/conf.h"

struct apis;

struct apis *apis_create(const struct conf *conf);
void apis_destroy(struct apis *apis);

/* The API NAME, its references resolved when it is first used. CONFIG error for an unknown name. */
struct err *apis_get(struct apis *apis, const char *name, struct api **out_api) MUST_CHECK;

#endif
