/* SPDX-License-Identifier: MIT */
/* An entry of `apis` in use: behind include/bmad/api.h. */
#ifndef SOURCE_API_H
#define SOURCE_API_H

#include <bmad/api.h>
#include <bmad/time.h>

#include "conf/conf.h"

/* What bounds a run, and the clocks it goes by. */
struct api_limits {
	struct mono deadline;
	const volatile int *cancel; /* set by a signal: the run is to end */
	struct mono (*now)(void);
	int64_t (*wall_ms)(void);
};

/* ENTRY is resolved and outlives the API. Nothing is connected before the first call. */
struct api *api_create(const struct conf_api *entry);
void api_destroy(struct api *api); /* API may be NULL */
/* Before each run. */
void api_limit(struct api *api, const struct api_limits *limits);

#endif
