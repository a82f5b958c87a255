/* SPDX-License-Identifier: MIT */
/* Inside of the logger: the places where finished lines go. A BODY is a line as log_print() makes it without
 * ts. */
#ifndef BASE_LOG_TARGET_H
#define BASE_LOG_TARGET_H

#include "base/log.h"

/* Writes BODY as one line with the time before the rest (AT_MS < 0: without). False: it could not be written.
 */
bool stderr_write(enum log_format format, int64_t at_ms, const char *body, size_t length);

struct syslog_target;

/* CONFIG error for an unknown FACILITY or a PATH too long. The socket is opened when the first line comes. */
struct err *syslog_target_create(const char *path, const char *facility, enum log_format format,
    struct syslog_target **out_target) MUST_CHECK;
void syslog_target_destroy(struct syslog_target *target); /* forgets what waits */

/*
 * Each returns how many lines were lost. What the socket does not take now is queued; while there is no
 * socket, lines go to standard error.
 */
uint64_t syslog_target_send(struct syslog_target *target, enum log_level level, int64_t at_ms, const char *body,
    size_t length);
uint64_t syslog_target_flush(struct syslog_target *target);
/* Writes what waits to standard error: the target will not be used any more. */
uint64_t syslog_target_give_up(struct syslog_target *target);

bool syslog_target_waits(const struct syslog_target *target);

#endif
