/* SPDX-License-Identifier: MIT */
/* Files that are read whole, and written whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include <bmad/err.h>

#include "base/buf.h"

/*
 * Appends what the file holds, if that is at most MOST bytes. Never waits for another process: only a regular
 * file is read, and a pipe put in its place is refused. CONFIG error, which does not say the PATH.
 */
struct err *file_read(const char *path, size_t most, struct buf *out) MUST_CHECK;

/*
 * Writing for others who read at any time: under another name, brought to the disk, renamed. TEMPORARY
 * errors, which name the file.
 */

/* Opens the folder PATH, made if only its last part is missing: one above it may be a disk not mounted. */
struct err *file_open_folder(const char *path, int *out_dir) MUST_CHECK;
/* Writes NAME in DIR as it stands, and brings it to the disk. */
struct err *file_write(int dir, const char *name, const void *bytes, size_t length, mode_t mode) MUST_CHECK;
/* The same under another name first, which takes the place of NAME; .NAME.tmp is gone afterwards. */
struct err *file_replace(int dir, const char *name, const void *bytes, size_t length, mode_t mode) MUST_CHECK;
/* The same for a PATH. */
struct err *file_replace_path(const char *path, const void *bytes, size_t length, mode_t mode) MUST_CHECK;

#endif
