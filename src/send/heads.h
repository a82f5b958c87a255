/* SPDX-License-Identifier: MIT */
/*
 * Named lanes whose head keeps failing: who blocks others for nothing. Pure.
 *
 * In a lane that messages name, one in retry holds those behind it. If its destination answered it with a
 * failure three times while it took other messages of the channel, the fault is the message's.
 */
#ifndef SEND_HEADS_H
#define SEND_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEADS_MAX 32 /* remembered per channel; who falls out starts counting anew */

struct head {
	uint64_t id; /* hash of the message id */
	int64_t failures;
	int64_t delivered_before; /* what the channel had delivered at the first of them */
};

struct heads {
	struct head items[HEADS_MAX];
	size_t next; /* the one to be replaced */
};

/* Counts a failure of message ID; true if it is one too many. DELIVERED: by the channel so far. */
bool heads_failed(struct heads *heads, const char *id, int64_t delivered);

#endif
