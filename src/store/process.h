/* SPDX-License-Identifier: MIT */
/*
 * The store process: serves the requests of main, workers, senders and commands, one commit for all that
 * are ready together.
 *
 * It listens on the socket beside the store, which main made before the fork, so that a replaced store
 * process finds the callers waiting.
 */
#ifndef STORE_PROCESS_H
#define STORE_PROCESS_H

#include "conf/conf.h"

/* The socket beside the store at URL, in a buffer of the arena: `<file>.sock`; the lock: `<file>.lock`. */
const char *store_socket_path(const char *url, struct arena *arena);
const char *store_lock_path(const char *url, struct arena *arena);

struct store_setup {
	const struct conf *conf;
	int listener; /* the listening socket */
	/*
	 * The socket pair to main: its end of file ends this process when all is answered. Log lines go to
	 * main over it (REQ_LOG), and another configuration comes from there (REQ_CONF).
	 */
	int parent;
	/* The store is this configuration's alone: what waits for channels that it does not have is dead. */
	bool complete;
};

/* The child's life: returns its exit status. */
int store_process(const struct store_setup *setup);

#endif
