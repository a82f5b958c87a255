/* SPDX-License-Identifier: MIT */
/*
 * Slots that come with a start of the machine (@reboot) or of the daemon (run_at_start): what names them,
 * since no instant does.
 */
#ifndef DAEMON_STARTS_H
#define DAEMON_STARTS_H

#include <stdbool.h>

#include <bmad/err.h>

#define START_KEY_TEXT 64 /* a prefix and a UUID */

/* `boot:ID` with the kernel's id of this boot. */
struct err *starts_boot_key(char out_key[START_KEY_TEXT]) MUST_CHECK;
/* `start:INSTANCE`. */
void starts_key(const char *instance, char out_key[START_KEY_TEXT]);
/* KEY is of a start: when the next one comes, it has had its time. */
bool starts_is_key(const char *key);

#endif
