/* SPDX-License-Identifier: MIT */
/* Files that are read whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <bmad/err.h>

#include "base/buf.h"

/*
 * Appends what the file holds, if that is at most MOST bytes. Never waits for another process: only a regular
 * file is read, and a pipe put in its place is refused. CONFIG error, which does not say the PATH.
 */
struct err *file_read(const char *path, size_t most, struct buf *out) MUST_CHECK;

#endif
