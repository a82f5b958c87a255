/* SPDX-License-Identifier: MIT */
/*
 * Messages of a run: for each channel one, rendered, with its id, key and expiry. What is queued here goes
 * out with the run's commit (run_commit.c); what is sent goes out at once (run_send.c).
 */
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "daemon/child.h"
#include "send/channel.h"
#include "worker/accept.h"
#include "worker/inside.h"
#include "worker/message.h"
#include "worker/rendering.h"

/* -- the parts of a message ------------------------------------------------------------------------ */

/* As the store names slots: two runs that were asked for in the same second are two. */
static const char *slot_key(struct run *run)
{
	char slot[TIME_TEXT];

	if (run->order->own_slot)
		return arena_format(&run->arena, "manual:%lld", (long long)run->order->run);
	return arena_copy(&run->arena, utc_format(run->order->slot, slot));
}

/* One message of its kind for each slot, if the module names no key or the job wants it so. */
static const char *key_of(struct run *run, const struct message *message)
{
	if (message->key && run->job->dedupe != DEDUPE_SLOT)
		return arena_copy(&run->arena, message->key);
	return arena_format(&run->arena, "%s|%s|%s", run->job->name, slot_key(run), message->kind);
}

int64_t run_message_expiry(
    const struct run *run, const struct message *message, const struct conf_channel *channel, int64_t now_ms)
{
	int64_t expires = now_ms + channel->max_age_ms;
	int64_t shift = run->order->by_hand ? run->started_ms - run->order->now * 1000 : 0;

	if (run->job->expires_ms >= 0)
		expires = smaller(expires, run->order->expires_base * 1000 + run->job->expires_ms);
	if (message->expires)
		expires = smaller(expires, message->expires * 1000 + shift);
	if (message->within_ms)
		expires = smaller(expires, now_ms + message->within_ms);
	return expires;
}

/*
 * Two messages that are redirected to one channel are still two, each of which is sent once; so are two that
 * would have had recipients of their own.
 */
const char *run_message_key(struct run *run, const struct message *message, const struct conf_channel *to,
    const struct conf_channel *meant_for)
{
	const char *key = key_of(run, message);

	if (to == meant_for)
		return key;
	return arena_format(&run->arena, "%s|%s%s%s", meant_for->name, message->to ? message->to : "",
	    message->to ? "|" : "", key);
}

const char *run_message_refusal(struct run *run, const struct message *message,
    const struct conf_channel *channel, const struct conf_channel *meant_for)
{
	if (!conf_allows(run->tools->conf, channel))
		return arena_format(
		    &run->arena, "channel %s is not among daemon.allow_channels", channel->name);
	return accept_refusal(meant_for, message, run->order->now, &run->arena);
}

static const char *const *copy_labels(struct run *run, const char *const *labels)
{
	size_t count = 0;

	while (labels && labels[count])
		count++;
	const char **copies = arena_alloc(&run->arena, (count + 1) * sizeof(*copies));
	for (size_t i = 0; i < count; i++)
		copies[i] = arena_copy(&run->arena, labels[i]);
	return copies;
}

/* One row; TO NULL: the message names no recipient. */
static struct run_message *add_message(
    struct run *run, const struct message *message, const struct conf_channel *meant_for, const char *to)
{
	const struct conf_channel *channel = conf_destination(run->tools->conf, meant_for);
	const char *suppress = run_message_refusal(run, message, channel, meant_for);
	char *id = arena_alloc(&run->arena, UUID_TEXT);
	int64_t now_ms = wall_ms();
	struct run_message *added;

	mem_grow(run->messages, run->message_count, run->message_capacity);
	added = &run->messages[run->message_count++];
	*added = (struct run_message){
	    .channel = channel,
	    .meant_for = meant_for,
	    .detail = suppress ? suppress
	              : channel == meant_for
	                  ? NULL
	                  : arena_format(&run->arena, "meant for channel %s", meant_for->name),
	    .outcome = run->order->dry_run ? "dry_run" : "queued",
	    .labels = copy_labels(run, message->labels),
	    .record =
	        {
	            .id = uuid_v7(now_ms, id),
	            .channel = channel->name,
	            .lane = message->lane ? arena_copy(&run->arena, message->lane) : "",
	            .kind = arena_copy(&run->arena, message->kind),
	            .key = run_message_key(run, message, channel, meant_for),
	            .to = to ? arena_copy(&run->arena, to) : "",
	            .subject = "",
	            .created_ms = now_ms,
	            .expires_ms = run_message_expiry(run, message, channel, now_ms),
	            .severity = message->severity,
	            .urgent = message->severity == SEVERITY_CRITICAL,
	            .key_until_ms = message->key_kept_ms ? now_ms + message->key_kept_ms : 0,
	            .once = message->once,
	            .definition = run->order->by_hand ? channel_definition(channel) : 0,
	            .again = run->order->again,
	            .taken = run->order->by_hand && !suppress && !strcmp(channel->type->name, "console"),
	            .suppress = suppress,
	        },
	};
	return added;
}

static void note_data(struct run *run, const struct message *message, const struct json *data)
{
	cleanup(free_text) char *text = NULL;
	struct log_line line;

	if (run->data)
		json_add(run->data, json_copy(data));
	if (!run->order->log_message && !run->order->debug)
		return;
	text = json_print(data);
	run_log_begin(run, &line, run_narration(), "message_data");
	log_text(&line, "kind", message->kind);
	log_literal(&line, "data", text);
	log_end(&line);
}

/* -- the front desk -------------------------------------------------------------------------------- */

static struct err *check_message(
    const struct run *run, const struct message *message, const struct json *data)
{
	PASS(run_check(run));
	if (text_is_empty(message->kind))
		return ERR(ERR_BUG, "a message without a kind");
	if (message->severity < SEVERITY_NONE || message->severity > SEVERITY_CRITICAL)
		return ERR(ERR_BUG, "message %s: no severity is %d", message->kind, (int)message->severity);
	if (!json_is(data, JSON_OBJECT))
		return ERR(ERR_BUG, "message %s: its data is no object", message->kind);
	return NULL;
}

/* A further part of what FIRST began: under a key of its own, and in a lane that keeps them in order. */
static void follow(struct run *run, struct run_message *part, const struct run_message *first, size_t number)
{
	part->own = first->own;
	part->record.key = arena_format(&run->arena, "%s|part %zu", first->record.key, number);
	part->record.lane = first->record.lane;
	part->record.created_ms = first->record.created_ms;
}

static struct err *take_parts(struct run *run, size_t first, const struct message *message,
    const struct rendering *rendering, const struct rendered *parts, size_t count)
{
	const struct conf_channel *meant_for = run->messages[first].meant_for;
	const char *to = run->messages[first].record.to;

	for (size_t i = 0; i < count; i++) {
		struct run_message *part =
		    i ? add_message(run, message, meant_for, to) : &run->messages[first];

		if (i)
			follow(run, part, &run->messages[first], i + 1);
		PASS(run_message_fill(run, part, rendering, &parts[i]));
	}
	return NULL;
}

/* A message to one recipient, which may come to several. */
static struct err *add_for(struct run *run, const struct message *message,
    const struct conf_channel *meant_for, const char *to, bool own, const struct rendering *rendering)
{
	struct rendered parts[RENDER_PARTS_MAX];
	size_t first = run->message_count, count;
	struct run_message *added = add_message(run, message, meant_for, to);
	struct new_message *record = &added->record;

	added->own = own;
	count = rendering_for(rendering, added->channel,
	    &(struct rendering_message){record->id, record->key, record->to, meant_for}, parts);
	if (count > 1 && !*record->lane)
		record->lane = record->id;
	struct err *e = take_parts(run, first, message, rendering, parts, count);
	for (size_t i = 0; i < count; i++)
		rendered_done(&parts[i]);
	return e ? e : run_add_stand_ins(run, message, first, rendering);
}

/* A copy for each of the channel's own recipients, so that one who is refused harms no other. */
static struct err *add_for_recipients(struct run *run, const struct message *message,
    const struct conf_channel *meant_for, const struct rendering *rendering)
{
	const struct conf_channel *channel = conf_destination(run->tools->conf, meant_for);
	struct texts recipients;

	PASS(channel->type->recipients(run->tools->conf, channel, &run->arena, &recipients));
	if (!recipients.count) /* the sender will say that there is nobody */
		return add_for(run, message, meant_for, NULL, false, rendering);
	for (size_t i = 0; i < recipients.count; i++)
		PASS(add_for(run, message, meant_for, recipients.items[i], true, rendering));
	return NULL;
}

/* What is redirected must not reach those whom it was meant for; what is suppressed needs nobody. */
static struct err *add_for_channel(struct run *run, const struct message *message,
    const struct conf_channel *meant_for, const struct rendering *rendering)
{
	const struct conf_channel *channel = conf_destination(run->tools->conf, meant_for);

	if (channel->type->recipients && conf_allows(run->tools->conf, channel) &&
	    (!message->to || channel != meant_for))
		return add_for_recipients(run, message, meant_for, rendering);
	return add_for(run, message, meant_for, message->to, false, rendering);
}

static struct err *add_for_channels(
    struct run *run, const struct message *message, const struct rendering *rendering)
{
	const struct conf_channel *channel;

	if (!message->channel) {
		for (size_t i = 0; i < run->job->channel_count; i++)
			PASS(add_for_channel(run, message, run->job->channels[i], rendering));
		return run->job->channel_count ? NULL : ERR(ERR_CONFIG, "the job has no channels");
	}
	channel = conf_channel(run->tools->conf, message->channel);
	if (!channel)
		return ERR(ERR_CONFIG, "there is no channel '%s'", message->channel);
	return add_for_channel(run, message, channel, rendering);
}

struct err *run_add_messages(
    struct run *run, const struct message *message, const struct json *data, bool whole)
{
	struct rendering rendering = {
	    .templates = run->tools->templates,
	    .conf = run->tools->conf,
	    .job = run->job,
	    .vars = run->vars,
	    .node = run->tools->node,
	    .run = run->order->run,
	    .slot = run->order->slot,
	    .now = run->order->now,
	    .kind = message->kind,
	    .stem = message->stem,
	    .severity = message->severity,
	    .data = data,
	    .alert = message->alert,
	    .clear = message->clear,
	    .attachments = message->attachments,
	    .attachment_count = message->attachment_count,
	    .whole = whole,
	};

	size_t before = run->message_count;

	PASS(check_message(run, message, data));
	note_data(run, message, data);
	rendering_begin(&rendering);
	struct err *e = add_for_channels(run, message, &rendering);
	rendering_done(&rendering);
	if (e) /* what could not be made for all was made for nobody */
		run->message_count = before;
	return ERR_AT(e, "queue message %s", message->kind);
}

struct err *run_queue(struct run *run, const struct message *message, struct json *data)
{
	return run_add_messages(run, message, data, false);
}
