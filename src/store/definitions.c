/* SPDX-License-Identifier: MIT */
/*
 * What a --once sends is delivered by the daemon, as the daemon's configuration says. Where that is not what
 * the command's own says of the channel, its messages are refused before they are stored.
 */
#include "store/process_parts.h"

static struct err *check_channel(const struct store_view *view, const char *name, int64_t definition)
{
	const struct channel_record *channel = store_view_channel(view, name);

	if (channel && channel->definition == definition)
		return NULL;
	return ERR(ERR_CONFIG, "the running daemon %s channel '%s': reload the daemon",
	    channel ? "has another definition of" : "does not know", name);
}

static struct err *check_message(const struct store_view *view, const struct new_message *message)
{
	if (message->definition && !message->taken && message->channel)
		PASS(check_channel(view, message->channel, message->definition));
	for (size_t i = 0; i < message->standby_count; i++)
		if (message->standbys[i].definition)
			PASS(check_channel(view, message->standbys[i].channel, message->standbys[i].definition));
	return NULL;
}

struct err *definitions_check(const struct store_view *view, enum request_kind kind, const void *request)
{
	const struct commit *commit = request;
	const struct send *send = request;

	if (kind == REQ_SEND && send->message)
		return check_message(view, send->message);
	for (size_t i = 0; kind == REQ_COMMIT && i < commit->message_count; i++)
		PASS(check_message(view, &commit->messages[i]));
	return NULL;
}
