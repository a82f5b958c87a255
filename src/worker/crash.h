/* SPDX-License-Identifier: MIT */
/*
 * What a worker leaves behind of where it stood: the addresses on its stack, in memory it shares with main.
 *
 * They are taken by signal handlers on a stack of their own, in a process whose heap and stack may be in
 * ruins, so nothing is allocated, locked or looked up here. Main has the same code at the same addresses
 * (workers are forked, not exec'ed): names and lines are found elsewhere, after the worker's end, by
 * src/daemon/traceback.h.
 */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include <stddef.h>
#include <stdint.h>

#define CRASH_FRAMES 48
/* Asks a worker that overruns its deadline where it stands; one that is deaf to it leaves no record. */
#define CRASH_ASK SIGUSR2

enum crash_cause {
	CRASH_NONE,
	CRASH_FAULT,     /* a signal of its own making: frame 0 is the instruction itself */
	CRASH_OVERDUE,   /* it was asked: likewise */
	CRASH_EXHAUSTED, /* no memory left: like all the others, frame 0 is where a call returns to */
	CRASH_STEP,      /* nothing happened: where the run began its last step, should it be killed */
};

/* Written by a process that may write anything: to be read with crash_copy(). */
struct crash_record {
	int cause;
	uintptr_t where; /* FAULT: the address that could not be used; 0: none */
	uintptr_t root;  /* the function below which the frames are the worker's own */
	size_t count;
	uintptr_t frames[CRASH_FRAMES]; /* innermost first */
};

/*
 * From now on this process writes RECORD when it crashes (and then dies of it, as it would have) or is
 * asked. ROOT is the function that begins a run, STACK_TOP a frame address of one of its callers.
 */
void crash_watch(struct crash_record *record, uintptr_t root, const void *stack_top);

/* Both do nothing if crash_watch() was not called. Writes the record for where the caller stands, for CAUSE.
 */
void crash_note(enum crash_cause cause);
/* The same for who called the caller, as CRASH_STEP: for less than a microsecond, by frame pointers alone. */
void crash_step(void);

/* Forgets what an earlier run left. */
void crash_clear(struct crash_record *record);

/* A copy whose numbers are within bounds; its addresses may still be anything. */
struct crash_record crash_copy(const struct crash_record *record);

#endif
