/* SPDX-License-Identifier: MIT */
/* What the store's records of lanes say of each channel, for commands and main. */
#ifndef SEND_CHANNEL_STATES_H
#define SEND_CHANNEL_STATES_H

#include "conf/conf.h"
#include "request/request.h"
#include "send/lane.h"

/* One for each of CONF's channels, in their order; in ARENA, with all texts. */
const struct lane_view *channel_states(
    const struct conf *conf, const struct lanes_reply *lanes, int64_t wall_ms, struct arena *arena);

/* Sets `state`, `until`, `reason` and `by` of OBJECT. */
void channel_state_print(const struct lane_view *view, struct json *object);

#endif
