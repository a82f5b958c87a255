/* SPDX-License-Identifier: MIT */
/* The daemon: main's loop, from start to drained stop. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "conf/conf.h"

/*
 * Runs until it is told to stop. Returns the exit status: 0, or 2 if another daemon has the store or it
 * cannot be opened, or the configuration is not fit. CONF is taken.
 */
int daemon_run(struct conf *conf);

#endif
