/* SPDX-License-Identifier: MIT */
/* The control socket: what the commands status, run, pause, resume, reload and stop ask of the running daemon. */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "conf/conf.h"
#include "daemon/dispatcher.h"
#include "daemon/reload.h"
#include "daemon/scheduler.h"
#include "daemon/supervisor.h"

struct control_socket;

struct control_setup {
	struct event_base *base;
	const struct conf *conf;
	struct line *line;
	struct supervisor *supervisor;
	struct dispatcher *dispatcher;
	struct scheduler *scheduler;
	void (*stop)(void *arg);      /* the daemon is asked to end in order */
	int64_t (*reload)(void *arg); /* and to reload; see reload_ask() */
	void *arg;
};

/* Listens on the configuration's control path. CONFIG error if that cannot be. */
struct err *control_create(const struct control_setup *setup, struct control_socket **out_control) MUST_CHECK;
void control_destroy(struct control_socket *control);

/* CONF takes the place of the configuration. */
void control_set_conf(struct control_socket *control, const struct conf *conf);
/* Answers `reload`. */
void control_reloaded(struct control_socket *control, const struct reload_outcome *outcome);
/* From the dispatcher: answers `run --wait`. */
void control_run_ended(struct control_socket *control, const struct run_end *end);

#endif
