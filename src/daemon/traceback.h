/* SPDX-License-Identifier: MIT */
/*
 * The traceback of a run whose worker could not tell it itself: a helper process turns the addresses that
 * the worker left behind into functions, files and lines.
 *
 * The helper is forked from main like the worker was, so the same code is at the same addresses, and what
 * it reads and allocates ends with it. Main does not wait: no answer within a few seconds is an answer.
 */
#ifndef DAEMON_TRACEBACK_H
#define DAEMON_TRACEBACK_H

#include "request/request.h"
#include "worker/crash.h"

struct event_base;
struct traceback;

/* FRAMES: at least one, innermost first, borrowed; NULL: there are none to be had. The traceback is gone
 * then. */
typedef void traceback_function(void *arg, const struct error_record *frames);

/* Calls DONE once, from the loop. NULL, and no call, if there is nothing to trace or no process to do it. */
struct traceback *traceback_start(
    struct event_base *base, const struct crash_record *crash, traceback_function *done, void *arg);
/* DONE is not called any more; NULL is fine. */
void traceback_destroy(struct traceback *traceback);

/* The error E told by FRAMES, innermost first, instead of by its own. Consumes E. */
struct err *traceback_merge(struct err *e, const struct error_record *frames) MUST_CHECK;

/* What the helper does: the frames of CRASH, in ARENA, without those of the worker's own and of abort(). */
struct error_record *traceback_frames(const struct crash_record *crash, struct arena *arena);

#endif
