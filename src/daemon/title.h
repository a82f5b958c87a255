/* SPDX-License-Identifier: MIT */
/* The process title that ps and top show: `bmad: worker 3 [zone1-hourly]`. */
#ifndef DAEMON_TITLE_H
#define DAEMON_TITLE_H

/* Once, at the start of main(): titles are written where the arguments and the environment were. */
void title_init(int argc, char **argv);
/* Without title_init() (tests) nothing happens. */
void title_set(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
