/* SPDX-License-Identifier: MIT */
/* The service manager: readiness, status and watchdog, in datagrams of sd_notify(3)'s format. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

/* Sends STATE ("READY=1\nSTATUS=...") to $NOTIFY_SOCKET; without one nothing happens. Never blocks. */
void notify(const char *state);

/* Half of $WATCHDOG_USEC if it is meant for this process: how often to send WATCHDOG=1; 0: never. */
int64_t notify_watchdog_ms(void);

#endif
