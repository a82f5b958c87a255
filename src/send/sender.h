/* SPDX-License-Identifier: MIT */
/*
 * The sender process: takes messages from the outbox and puts them on the wire, lane by lane.
 *
 * libevent and the curl multi socket API; never forks, never waits. Resolves the channels' secrets when
 * it starts and is not dumpable.
 */
#ifndef SEND_SENDER_H
#define SEND_SENDER_H

#include "conf/conf.h"

struct sender_setup {
	const struct conf *conf;
	int parent; /* the socket pair to main: REQ_DRAIN, then end of file; log lines go the other way */
	const char *store_socket;
	int64_t run; /* deliver only this run's messages (a --once without a daemon); 0: all */
};

/*
 * The child's life: returns its exit status. After REQ_DRAIN it takes nothing more, finishes what is on the
 * wire (gives back what is not), settles it and exits; main kills it when stop_timeout is over.
 */
int sender_process(const struct sender_setup *setup);

#endif
