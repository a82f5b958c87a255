/* SPDX-License-Identifier: MIT */
/* Messages of a run in the making: what run_message.c, run_payload.c and run_stand_in.c share. */
#ifndef WORKER_MESSAGE_H
#define WORKER_MESSAGE_H

#include "worker/rendering.h"

struct run;
struct run_message;

/* -- run_message.c --------------------------------------------------------------------------------- */

/*
 * When MESSAGE, made at NOW_MS for CHANNEL, is of no use any more. Delivery goes by the real clock; a run by
 * hand may have another (--at), by which the module named its instant.
 */
int64_t run_message_expiry(
    const struct run *run, const struct message *message, const struct conf_channel *channel, int64_t now_ms);

/* Why MESSAGE may not go out by CHANNEL, meant for MEANT_FOR; NULL: it may. */
const char *run_message_refusal(struct run *run, const struct message *message,
    const struct conf_channel *channel, const struct conf_channel *meant_for);

/* -- run_payload.c --------------------------------------------------------------------------------- */

/* RENDERED becomes the payload of MESSAGE, and what was wrong with it or left out is logged. */
struct err *run_message_fill(struct run *run, struct run_message *message, const struct rendering *rendering,
    const struct rendered *rendered) MUST_CHECK;

/* -- run_stand_in.c -------------------------------------------------------------------------------- */

/*
 * Gives the run's messages from FIRST on, all parts of MESSAGE, what stands in for them by the fallbacks of
 * their channel; nothing if there are none.
 */
struct err *run_add_stand_ins(struct run *run, const struct message *message, size_t first,
    const struct rendering *rendering) MUST_CHECK;

#endif
