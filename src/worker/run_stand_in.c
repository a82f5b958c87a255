/* SPDX-License-Identifier: MIT */
/*
 * Stand-ins: a message whose channel has a fallback is rendered for that too, and for the fallback's own. The
 * store keeps them until the message is delivered or one of them has to go out (sqlite_standby.c).
 */
#include <string.h>

#include "base/text.h"
#include "daemon/child.h"
#include "send/channel.h"
#include "worker/inside.h"
#include "worker/message.h"

/* What is kept back, printed here or redirected goes no other way. */
static bool has_stand_ins(const struct run_message *message)
{
	return message->channel->fallback && message->channel == message->meant_for &&
	       !message->record.suppress && !message->record.taken;
}

/* A recipient is of use only to a channel of the same type; another has its own. */
static struct err *stand_in_recipients(struct run *run, const struct run_message *message,
    const struct conf_channel *channel, struct texts *out_recipients, bool *out_own)
{
	const char **to = arena_alloc(&run->arena, sizeof(*to));
	bool same_type = channel->type == message->channel->type;

	*to = same_type && !message->own ? message->record.to : "";
	*out_recipients = (struct texts){to, 1};
	*out_own = !**to && channel->type->recipients;
	if (!*out_own)
		return NULL;
	return channel->type->recipients(run->tools->conf, channel, &run->arena, out_recipients);
}

static struct standby *new_stand_in(struct run *run, struct new_message *record)
{
	struct standby *grown = arena_alloc(&run->arena, (record->standby_count + 1) * sizeof(*grown));

	if (record->standby_count)
		memcpy(grown, record->standbys, record->standby_count * sizeof(*grown));
	record->standbys = grown;
	grown[record->standby_count] =
	    (struct standby){.id = uuid_v7(record->created_ms, arena_alloc(&run->arena, UUID_TEXT))};
	return &grown[record->standby_count++];
}

/* TWIN, the message as it would be by another channel, has one of its parts. */
static struct err *take_stand_in(struct run *run, struct run_message *twin, struct standby *standby,
    const struct rendering *rendering, const struct rendered *part)
{
	twin->record.id = standby->id;
	PASS(run_message_fill(run, twin, rendering, part));
	standby->channel = twin->channel->name;
	standby->to = twin->record.to;
	standby->subject = twin->record.subject;
	standby->content_type = twin->record.content_type;
	standby->payload = twin->record.payload;
	standby->payload_length = twin->record.payload_length;
	standby->expires_ms = twin->record.expires_ms;
	standby->definition = run->order->by_hand ? channel_definition(twin->channel) : 0;
	return NULL;
}

/* TWIN's parts become stand-ins of ADDED, for the OF-th of them (0: itself), whose channel has AFTER_MS. */
static struct err *add_twin(struct run *run, struct run_message *added, struct run_message *twin, int64_t of,
    int64_t after_ms, const struct rendering *rendering)
{
	struct rendered parts[RENDER_PARTS_MAX];
	const char *key = twin->record.key, *lane = added->record.lane;
	size_t count = rendering_for(rendering, twin->channel,
	    &(struct rendering_message){twin->record.id, key, twin->record.to, twin->channel}, parts);
	struct err *e = NULL;

	for (size_t i = 0; i < count && !e; i++) {
		struct standby *standby = new_stand_in(run, &added->record);

		if (!i && count > 1 && !*lane)
			lane = standby->id;
		standby->of = of;
		standby->after_ms = after_ms;
		standby->lane = lane;
		standby->key = i ? arena_format(&run->arena, "%s|part %zu", key, i + 1) : key;
		e = take_stand_in(run, twin, standby, rendering, &parts[i]);
	}
	for (size_t i = 0; i < count; i++)
		rendered_done(&parts[i]);
	return e;
}

/* The stand-ins by CHANNEL, which is the fallback of BEFORE. */
static struct err *add_by_channel(struct run *run, const struct message *message, struct run_message *added,
    const struct conf_channel *before, const struct conf_channel *channel, int64_t of,
    const struct rendering *rendering)
{
	struct run_message twin = *added;
	struct texts recipients;

	PASS(stand_in_recipients(run, added, channel, &recipients, &twin.own));
	twin.channel = twin.meant_for = channel;
	twin.record.channel = channel->name;
	twin.record.expires_ms = run_message_expiry(run, message, channel, added->record.created_ms);
	for (size_t i = 0; i < recipients.count; i++) {
		twin.record.to = recipients.items[i];
		PASS(add_twin(run, added, &twin, of, before->fallback_after_ms, rendering));
	}
	added->detail = twin.detail;
	return NULL;
}

/* The chain of fallbacks, as far as they take the message; the configuration has no loops. */
static struct err *add_chain(struct run *run, const struct message *message, struct run_message *added,
    const struct rendering *rendering)
{
	const struct conf *conf = run->tools->conf;
	const struct conf_channel *before = added->channel, *channel;
	int64_t of = 0;

	for (; before->fallback && (channel = conf_channel(conf, before->fallback)); before = channel) {
		size_t first = added->record.standby_count;

		if (run_message_refusal(run, message, channel, channel))
			return NULL;
		PASS(add_by_channel(run, message, added, before, channel, of, rendering));
		if (added->record.standby_count == first)
			return NULL;
		of = (int64_t)first + 1;
	}
	return NULL;
}

/* Whichever part fails, the whole goes the other way; their common key sees to it that it does so once. */
static void share_stand_ins(struct run *run, size_t first)
{
	const struct new_message *from = &run->messages[first].record;

	for (size_t i = first + 1; i < run->message_count; i++) {
		struct new_message *part = &run->messages[i].record;

		for (size_t k = 0; k < from->standby_count; k++) {
			struct standby *copy = new_stand_in(run, part);
			const char *id = copy->id;

			*copy = from->standbys[k];
			copy->id = id;
		}
	}
}

struct err *run_add_stand_ins(
    struct run *run, const struct message *message, size_t first, const struct rendering *rendering)
{
	if (!has_stand_ins(&run->messages[first]))
		return NULL;
	PASS(add_chain(run, message, &run->messages[first], rendering));
	share_stand_ins(run, first);
	return NULL;
}
