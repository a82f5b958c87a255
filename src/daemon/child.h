/* SPDX-License-Identifier: MIT */
/* What every forked child does first, and how its log lines reach main. */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include "conf/conf.h"

/* The clocks, for the loops of processes; nothing else reads them. */
int64_t wall_ms(void);
struct mono mono_now(void);

/*
 * Sends this process's log lines over PARENT (blocking, the socket pair to main) as REQ_LOG; for children that have a
 * peer to main, pass lines with log_to_function() themselves.
 */
void child_log_to(int parent);

#endif
