/* SPDX-License-Identifier: MIT */
/*
 * Send-and-wait: a message that is committed now and whose outcome the job waits for. Its key is the ledger:
 * asking twice sends once.
 */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "store/client.h"
#include "worker/inside.h"

#define WAIT_MS 1000 /* at a time: in between the run looks whether it was told to end */

static const struct {
	const char *state;
	enum outcome outcome;
	const char *name;
} ends[] = {
    {"delivered", OUTCOME_DELIVERED, "delivered"},
    {"ambiguous", OUTCOME_AMBIGUOUS, "ambiguous"},
    {"suppressed", OUTCOME_SUPPRESSED, "suppressed"},
    {"discarded", OUTCOME_REJECTED, "rejected"},
    {"dead", OUTCOME_REJECTED, "rejected"},
};

static bool is_expired(const struct message_state *state)
{
	return text_equal(state->state, "dead") && state->reason &&
	       !strncmp(state->reason, "expired", strlen("expired"));
}

/* OUTCOME_QUEUED while STATE is none that a message ends in. */
static enum outcome outcome_of(const struct message_state *state, const char **out_name)
{
	if (is_expired(state)) {
		*out_name = "expired";
		return OUTCOME_EXPIRED;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (text_equal(state->state, ends[i].state)) {
			*out_name = ends[i].name;
			return ends[i].outcome;
		}
	*out_name = "queued";
	return OUTCOME_QUEUED;
}

static struct err *check_send(const struct message *message)
{
	if (!message->channel || !message->key || (!message->expires && !message->within_ms))
		return ERR(ERR_BUG,
		    "message %s: to be waited for it must have a channel, a key and an expiry",
		    text_is_empty(message->kind) ? "?" : message->kind);
	return NULL;
}

/* One look at the message's state, waiting up to UNTIL_MS. */
static struct err *wait_once(struct run *run, const char *id, int64_t until_ms, struct message_state *state)
{
	struct id_record ids = {.id = id};
	struct wait wait = {.ids = &ids, .count = 1, .deadline_ms = until_ms};
	struct wait_reply reply = {0};

	PASS(store_call(run->tools->store, REQ_WAIT, &wait, &run->arena, &reply));
	if (!reply.count)
		return ERR(ERR_BUG, "the store does not know message %s", id);
	*state = reply.messages[0];
	return NULL;
}

/*
 * Until the message has ended, expired, or the run must end. Committed as it is, no fault of waiting may
 * look as if it were not: what is not known is said to be queued.
 */
static void wait_for_end(struct run *run, int64_t expires_ms, struct message_state *state)
{
	const char *id = state->id, *name;
	struct err *e = NULL;

	while (!e && outcome_of(state, &name) == OUTCOME_QUEUED && !(e = run_check(run))) {
		int64_t now_ms = wall_ms();

		if (now_ms > expires_ms + WAIT_MS) /* the store had the time to bury it */
			return;
		e = wait_once(run, id, now_ms + WAIT_MS, state);
	}
	if (e)
		run_warn(run, "message %s: its outcome is not known yet: %s", id, err_text(e));
	err_ignore(e);
}

static void log_sent(const struct run *run, const struct run_message *message)
{
	const char *suppress = message->record.suppress;
	struct log_line line;

	run_log_begin(run, &line, LEVEL_INFO, suppress ? "message_suppressed" : "message_queued");
	log_text(&line, "channel", message->record.channel);
	log_text(&line, "message", message->record.id);
	log_text(&line, "kind", message->record.kind);
	log_text(&line, "key", message->record.key);
	if (suppress)
		log_text(&line, "reason", suppress);
	log_end(&line);
}

static void take_state(struct run *run, struct run_message *message, const struct message_state *state)
{
	const char *detail = state->answer ? state->answer : state->reason;

	message->attempts = state->attempts;
	if (detail)
		message->detail = arena_copy(&run->arena, detail);
}

static struct err *commit(struct run *run, struct run_message *message, struct message_state *out_state)
{
	struct send send = {run->order->run, run->tools->instance, &message->record};

	TRY(store_call(run->tools->store, REQ_SEND, &send, &run->arena, out_state), "send message %s",
	    message->record.kind);
	return NULL;
}

/* Whether STATE is that of an earlier message, which has ended. */
static bool is_past(const struct message_state *state, const struct run_message *message)
{
	const char *name;

	return !text_equal(state->id, message->record.id) && outcome_of(state, &name) != OUTCOME_QUEUED;
}

static struct err *send_now(
    struct run *run, struct run_message *message, bool anew, enum outcome *out_outcome)
{
	struct message_state state = {0};

	if (!run->tools->store)
		return ERR(ERR_BUG, "a run that is no dry run was started without a store");
	run_step(run, "send %s to %s", message->record.kind, message->record.channel);
	PASS(commit(run, message, &state));
	if (anew && is_past(&state, message)) {
		message->record.again = true;
		PASS(commit(run, message, &state));
	}
	message->sent = true;
	if (text_equal(state.id, message->record.id))
		log_sent(run, message);
	else
		run_decide(run, "key %s: message %s (%s) is there already", message->record.key,
		    state.id ? state.id : "?", state.state ? state.state : "?");
	wait_for_end(run, message->record.expires_ms, &state);
	*out_outcome = outcome_of(&state, &message->outcome);
	take_state(run, message, &state);
	return NULL;
}

/* The message that was not committed never was. */
static void forget_last(struct run *run)
{
	run->message_count--;
}

struct err *run_send(
    struct run *run, const struct message *message, struct json *data, enum outcome *out_outcome)
{
	struct run_message *added;
	size_t before = run->message_count;
	struct err *e;

	PASS(check_send(message));
	PASS(run_add_messages(run, message, data, true));
	if (run->message_count != before + 1) {
		run->message_count = before;
		return ERR(
		    ERR_BUG, "message %s: to be waited for it must name its one recipient", message->kind);
	}
	added = &run->messages[run->message_count - 1];
	added->record.taken = false; /* nobody would settle it before the run is over */
	added->record.urgent = true;
	added->record.standby_count = 0; /* who waits for a text is not helped by a chat */
	if (run->order->dry_run) {
		*out_outcome = OUTCOME_DRY_RUN;
		return NULL;
	}
	e = send_now(run, added, message->anew, out_outcome);
	if (e)
		forget_last(run);
	return e;
}

/* Where MESSAGE would go, as its row in the outbox names it. */
static struct err *find_key(struct run *run, const struct message *message, struct message_key *out_key)
{
	const struct conf_channel *meant_for = conf_channel(run->tools->conf, message->channel);

	if (!meant_for)
		return ERR(ERR_CONFIG, "there is no channel '%s'", message->channel);
	const struct conf_channel *channel = conf_destination(run->tools->conf, meant_for);
	*out_key = (struct message_key){
	    .channel = channel->name,
	    .to = channel == meant_for ? message->to : NULL,
	    .key = run_message_key(run, message, channel, meant_for),
	};
	return NULL;
}

static struct err *ask_for(
    struct run *run, const struct message *messages, size_t count, struct wait_reply *out_reply)
{
	struct key_ask ask = {.count = count};

	ask.keys = arena_alloc(&run->arena, count * sizeof(*ask.keys));
	for (size_t i = 0; i < count; i++)
		PASS(find_key(run, &messages[i], &ask.keys[i]));
	PASS(run_open_store(run));
	if (!run->tools->store)
		return NULL;
	TRY(store_call(run->tools->store, REQ_KEY, &ask, &run->arena, out_reply), "look for messages by their keys");
	return NULL;
}

struct err *run_sent(
    struct run *run, const struct message *messages, size_t count, enum outcome *out_outcomes)
{
	struct wait_reply reply = {0};
	const char *name;

	PASS(run_check(run));
	PASS(ask_for(run, messages, count, &reply));
	for (size_t i = 0; i < count; i++)
		out_outcomes[i] = i < reply.count && reply.messages[i].id
		                      ? outcome_of(&reply.messages[i], &name)
		                      : OUTCOME_NONE;
	return NULL;
}
