/* SPDX-License-Identifier: MIT */
/* What a channel's `accept` leaves out. Pure. */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include <bmad/message.h>

#include "conf/conf.h"

/* Why MESSAGE, made at NOW, does not go out by CHANNEL, in ARENA; NULL: it does. */
const char *accept_refusal(
    const struct conf_channel *channel, const struct message *message, utc_t now, struct arena *arena);

#endif
