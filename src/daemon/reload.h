/* SPDX-License-Identifier: MIT */
/*
 * Reloading: another configuration for a daemon that runs, all of it or none.
 *
 * A checker process judges it as `bmad check` would; only then main reads it too, and makes sure that it read
 * the same. One reload goes on at a time; what is asked for meanwhile is one more reload afterwards, since the
 * files may have changed after they were read.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include <sys/types.h>

#include "conf/conf.h"

struct event_base;
struct reload;

/* How the reloads up to number NUMBER ended. */
struct reload_outcome {
	int64_t number;
	bool accepted;
	const struct conf_problems *problems; /* errors if it is rejected; warnings may come with success */
	const struct conf *conf;              /* that is in force now */
};

struct reload_setup {
	struct event_base *base;
	const struct conf *conf; /* in force */
	/* CONF (taken) is in force from now on. To be followed by reload_applied(), not before this returns. */
	void (*apply)(void *arg, struct conf *conf);
	void (*ended)(void *arg, const struct reload_outcome *outcome);
	void *arg;
};

struct reload *reload_create(const struct reload_setup *setup);
void reload_destroy(struct reload *reload);

/* The daemon is ready: what was asked for until now begins. */
void reload_allow(struct reload *reload);
/* Nothing is reloaded any more. */
void reload_stop(struct reload *reload);

/* Asks for a reload; the value is the number to wait for in `ended`, 0: the daemon stops. */
int64_t reload_ask(struct reload *reload);
/* What was to be applied is. */
void reload_applied(struct reload *reload);
/* Whoever reaps children. */
void reload_reaped(struct reload *reload, pid_t pid, int status);

#endif
