/* SPDX-License-Identifier: MIT */
/* `bmad check --connect`: every source, API and channel tried without changing or sending anything. */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include "conf/conf.h"

/* Prints a line for each, in the order of the configuration. EXIT_FAILED if one failed. */
int connect_all(const struct conf *conf);

#endif
