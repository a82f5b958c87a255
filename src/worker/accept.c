/* SPDX-License-Identifier: MIT */
/* Whether a channel accepts a message: by its kind, its severity and the time of day. */
#include "worker/accept.h"

#include <string.h>

#include "schedule/schedule.h"

static bool has_kind(const struct texts *kinds, const char *kind)
{
	for (size_t i = 0; i < kinds->count; i++)
		if (!strcmp(kinds->items[i], kind))
			return true;
	return !kinds->count;
}

/* Some second of the minute that AT is in matches. */
static bool is_open(const struct schedule *times, utc_t at)
{
	utc_t minute = at - at % 60;

	return !times || schedule_next(times, minute - 1) < minute + 60;
}

const char *accept_refusal(
    const struct conf_channel *channel, const struct message *message, utc_t now, struct arena *arena)
{
	if (!has_kind(&channel->accept_kinds, message->kind))
		return arena_format(arena, "channel %s does not accept messages of kind %s (accept.kinds)",
		    channel->name, message->kind);
	if ((int)message->severity < channel->accept_severity)
		return arena_format(
		    arena, "channel %s does not accept so low a severity (accept.severity)", channel->name);
	if (!is_open(channel->accept_schedule, now))
		return arena_format(
		    arena, "channel %s accepts no messages at this time (accept.times)", channel->name);
	return NULL;
}
