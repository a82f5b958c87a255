/* SPDX-License-Identifier: MIT */
/* What a worker tells main of a run: REQ_RESULT. */
#ifndef WORKER_RESULT_H
#define WORKER_RESULT_H

#include "request/link.h"
#include "worker/inside.h"

/*
 * Sends how RUN ended: E (borrowed, NULL: well) and all that it reported. LEAVING: the worker exits after
 * this. TEMPORARY error when main is gone.
 */
struct err *result_send(
    struct link *main_link, struct run *run, const struct err *e, bool leaving) MUST_CHECK;

/*
 * When nothing more can be allocated: tells that RUN (NULL: none) failed for want of SIZE bytes, with what it
 * was doing. Uses little, and gives up silently.
 */
void result_send_exhausted(struct link *main_link, const struct run *run, size_t size);

#endif
