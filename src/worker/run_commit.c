/* SPDX-License-Identifier: MIT */
/* The commit of a run: messages, states, values and its end, at once; what became of each message is logged.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/child.h"
#include "store/client.h"
#include "worker/inside.h"

static void log_message(
    const struct run *run, const struct run_message *message, const struct stored_message *stored)
{
	bool suppressed = text_equal(stored->state, "suppressed");
	struct log_line line;

	run_log_begin(run, &line, LEVEL_INFO, suppressed ? "message_suppressed" : "message_queued");
	log_text(&line, "channel", message->record.channel);
	log_text(&line, "message", message->record.id);
	log_text(&line, "kind", message->record.kind);
	log_text(&line, "key", message->record.key);
	if (message->record.suppress) {
		log_text(&line, "reason", message->record.suppress);
	} else if (suppressed) {
		log_int(&line, "earlier_run", stored->earlier_run);
		log_text(&line, "earlier_message", stored->earlier_id);
		log_text(&line, "earlier_state", stored->earlier_state);
	}
	log_end(&line);
}

static void settle_outcome(struct run *run, struct run_message *message, const struct stored_message *stored)
{
	if (!text_equal(stored->state, "suppressed"))
		return;
	message->outcome = "suppressed";
	if (message->record.suppress)
		return;
	message->detail = arena_format(&run->arena, "run %lld sent it (message %s, %s)",
	    (long long)stored->earlier_run, stored->earlier_id ? stored->earlier_id : "-",
	    stored->earlier_state ? stored->earlier_state : "state unknown");
}

/* The reply names the messages in the order they were given. */
static void take_reply(struct run *run, const struct commit_reply *reply)
{
	size_t at = 0;

	for (size_t i = 0; i < run->message_count && at < reply->message_count; i++) {
		struct run_message *message = &run->messages[i];

		if (message->sent || !text_equal(message->record.id, reply->messages[at].id))
			continue;
		settle_outcome(run, message, &reply->messages[at]);
		log_message(run, message, &reply->messages[at]);
		at++;
	}
}

/* The messages that the commit carries: those that were not sent on their own. */
static struct new_message *queued_messages(struct run *run, size_t *out_count)
{
	struct new_message *queued = arena_alloc(&run->arena, (run->message_count + 1) * sizeof(*queued));

	*out_count = 0;
	for (size_t i = 0; i < run->message_count; i++)
		if (!run->messages[i].sent)
			queued[(*out_count)++] = run->messages[i].record;
	return queued;
}

static void add_contents(struct run *run, struct commit *commit)
{
	commit->messages = queued_messages(run, &commit->message_count);
	commit->states = run->states;
	commit->state_count = run->state_count;
}

/* A job's dry run commits too, if it took a slot: the slot's record, and nothing else. */
struct err *run_commit(struct run *run)
{
	struct commit commit = {
	    .run = run->order->run,
	    .instance = run->tools->instance,
	    .started_ms = run->started_ms,
	    .ended_ms = wall_ms(),
	    .degraded = run->degraded,
	    .values = run->values,
	    .value_count = run->value_count,
	};
	struct commit_reply reply = {0};

	if (!run->order->run)
		return NULL; /* `--dry-run`: the store does not know of this run */
	if (!run->tools->store)
		return ERR(ERR_BUG, "a run that is no dry run was started without a store");
	run_step(run, "commit");
	PASS(run_check(run));
	if (!run->order->dry_run)
		add_contents(run, &commit);
	TRY(store_call(run->tools->store, REQ_COMMIT, &commit, &run->arena, &reply), "commit run %lld",
	    (long long)run->order->run);
	if (!run->order->dry_run)
		take_reply(run, &reply);
	return NULL;
}

int64_t run_message_count(const struct run *run)
{
	int64_t count = 0;

	for (size_t i = 0; i < run->message_count; i++)
		if (!text_equal(run->messages[i].outcome, "suppressed"))
			count++;
	return count;
}
