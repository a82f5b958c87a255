/* SPDX-License-Identifier: MIT */
/*
 * What the daemon and `--once` set up alike before their first run: the log target, the lock, the store's
 * socket, this instance's name.
 */
#ifndef DAEMON_STAGE_H
#define DAEMON_STAGE_H

#include "conf/conf.h"
#include "daemon/lock.h"

struct stage {
	struct arena arena;
	const struct conf *conf;
	const char *socket_path; /* of the store process */
	const char *instance;    /* UUID of this process */
	int lock;                /* -1: not held */
	int listener;            /* -1: not ours */
	struct event_base *base;
};

/* Sends log lines where the configuration says; TARGET_AUTO is standard error for ON_TERMINAL or --once. */
struct err *stage_log(const struct conf *conf, bool by_hand) MUST_CHECK;

/* Names and paths, and the event base; nothing is locked or opened yet. */
void stage_init(struct stage *stage, const struct conf *conf);

/*
 * Takes the store's lock as ROLE and opens its socket. Waits up to PATIENCE_MS for a holder that is dying,
 * or is a --once. *OUT_HELD false, nothing taken: a living daemon has it (OUT_HOLDER). CONFIG error when it
 * cannot be had.
 */
struct err *stage_lock(struct stage *stage, const char *role, int64_t patience_ms, bool *out_held,
    struct lock_holder *out_holder) MUST_CHECK;

/* The line that opens every daemon's and --once's log: environment, configuration. */
void stage_announce(const struct conf *conf, const char *event);

void stage_done(struct stage *stage);

#endif
