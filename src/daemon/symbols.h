/* SPDX-License-Identifier: MIT */
/*
 * Addresses of this process's code as functions, files and lines, by its debugging information (libdw).
 *
 * Reads files and takes megabytes: for a process that does nothing else.
 */
#ifndef DAEMON_SYMBOLS_H
#define DAEMON_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "request/request.h"

struct symbols;

/* NULL if there is nothing to look things up with. */
struct symbols *symbols_create(void);
void symbols_destroy(struct symbols *symbols);

/*
 * Calls ADD for the frame at ADDRESS: first for the calls that were inlined there, innermost first. EXACT:
 * the address is of the instruction itself, else of the one after a call. What is not known is given as the
 * object's name and the offset in it. Texts live as long as SYMBOLS. False: not found at all.
 */
bool symbols_resolve(struct symbols *symbols, uintptr_t address, bool exact,
    void (*add)(void *arg, const struct frame_record *frame), void *arg);

#endif
