/* SPDX-License-Identifier: MIT */
/*
 * OUTBOX: what a person does with messages, retry and discard. A table says what each verb makes of each
 * state, and why not.
 */
#include "store/sqlite.h"

#include <string.h>

enum effect {
	REFUSED,
	REQUEUED, /* as new: attempts from 0, with time to live */
	HASTENED, /* due now */
	DISCARDED,
};

struct rule {
	const char *state;
	enum effect retry, discard;
	bool only_again;               /* retry needs `again` */
	bool bulk_retry, bulk_discard; /* also by --channel without --state */
	const char *refused_retry, *refused_discard;
};

/* An ambiguous one may have arrived, a discarded one was decided on: retried by name or state only. */
static const struct rule rules[] = {
    {"queued", HASTENED, DISCARDED, false, true, true, NULL, NULL},
    {"retrying", HASTENED, DISCARDED, false, true, true, NULL, NULL},
    {"dead", REQUEUED, DISCARDED, false, true, true, NULL, NULL},
    {"ambiguous", REQUEUED, DISCARDED, false, false, true, NULL, NULL},
    {"discarded", REQUEUED, REFUSED, false, false, false, NULL, "it is discarded already"},
    {"delivered", REQUEUED, REFUSED, true, false, false, "it was delivered (--again sends it once more)",
        "it was delivered"},
    {"sending", REFUSED, REFUSED, false, false, false, "it is being sent right now",
        "it is being sent right now"},
    {"suppressed", REFUSED, DISCARDED, false, false, false, "it was suppressed and has no content of its own",
        NULL},
};

static const struct rule *find_rule(const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!strcmp(state, rules[i].state))
			return &rules[i];
	return NULL;
}

/* -- the changes ----------------------------------------------------------------------------------- */

struct handling {
	struct store *store;
	const struct outbox *ask;
	bool retry;
	struct arena *arena;
};

/* As long again as it had, if its time is over. */
static int64_t fresh_expiry(const struct outbox *ask, const struct message_head *head)
{
	if (!head->expires_ms || head->expires_ms > ask->now_ms)
		return head->expires_ms;
	return ask->expires_ms ? ask->expires_ms : ask->now_ms + (head->expires_ms - head->created_ms);
}

static struct err *requeue(const struct handling *h, const struct message_head *head)
{
	struct query q =
	    query(sqlite_of(h->store), "UPDATE messages SET state = 'queued', reason = 'retried by hand', "
	                               "attempts = 0, not_before_ms = ?,"
	                               " expires_ms = ?, ended_ms = 0, taker = NULL WHERE seq = ?");

	bind_int(&q, h->ask->now_ms);
	bind_int(&q, fresh_expiry(h->ask, head));
	bind_int(&q, head->seq);
	PASS(query_run(&q));
	note_channel(h->store, head->channel);
	return NULL;
}

static struct err *hasten(const struct handling *h, const struct message_head *head)
{
	struct query q =
	    query(sqlite_of(h->store), "UPDATE messages SET not_before_ms = ?, expires_ms = ? WHERE seq = ?");

	bind_int(&q, h->ask->now_ms);
	bind_int(&q, fresh_expiry(h->ask, head));
	bind_int(&q, head->seq);
	PASS(query_run(&q));
	note_channel(h->store, head->channel);
	return NULL;
}

static struct err *discard(const struct handling *h, const struct message_head *head)
{
	struct query q = query(sqlite_of(h->store), "UPDATE messages SET state = 'discarded', reason = "
	                                            "'discarded by hand', ended_ms = ? WHERE seq = ?");

	bind_int(&q, h->ask->now_ms);
	bind_int(&q, head->seq);
	PASS(query_run(&q));
	PASS(sqlite_drop_standbys(sqlite_of(h->store), head->id));
	note_ended(h->store);
	if (*head->lane)
		note_channel(h->store, head->channel); /* it may have held up its lane */
	return NULL;
}

/* While it lay dead another message with its key may have gone out. */
static struct err *claim_key_again(
    const struct handling *h, const struct message_head *head, const char **out_refused)
{
	struct sqlite *db = sqlite_of(h->store);
	struct key_holder holder;

	if (!head->key)
		return NULL;
	PASS(sqlite_key_holder(db, head->channel, head->to, head->key, h->arena, &holder));
	if (!holder.id)
		return sqlite_hold_key(db, head->channel, head->to, head->key, head->id, head->run, 0);
	if (strcmp(holder.id, head->id) && !h->ask->again)
		*out_refused = arena_format(h->arena,
		    "its key was sent by run %lld since (--again sends it too)", (long long)holder.run);
	return NULL;
}

static struct err *apply(const struct handling *h, enum effect effect, const struct message_head *head,
    struct outbox_change *change)
{
	if (effect == REQUEUED) {
		PASS(claim_key_again(h, head, &change->refused));
		if (change->refused)
			return NULL;
		change->after = "queued";
		return requeue(h, head);
	}
	if (effect == HASTENED)
		return hasten(h, head);
	change->after = "discarded";
	return discard(h, head);
}

static struct err *handle(const struct handling *h, const char *id, struct outbox_change *change)
{
	struct message_head head;
	const struct rule *rule;
	enum effect effect;

	PASS(sqlite_message(sqlite_of(h->store), id, h->arena, &head));
	rule = find_rule(head.state);
	if (!rule)
		return ERR(ERR_BUG, "message %s is in the unknown state '%s'", id, head.state);
	effect = h->retry ? rule->retry : rule->discard;
	*change = (struct outbox_change){.id = head.id, .before = head.state, .after = head.state};
	if (effect == REFUSED || (h->retry && rule->only_again && !h->ask->again))
		change->refused = h->retry ? rule->refused_retry : rule->refused_discard;
	else if (effect == REQUEUED && !head.has_payload)
		change->refused = "its content is not there any more";
	return change->refused ? NULL : apply(h, effect, &head, change);
}

/* -- which messages -------------------------------------------------------------------------------- */

struct id_list {
	struct id_record *items;
	size_t count, capacity;
};

static void id_list_done(struct id_list *list)
{
	free(list->items);
}

static struct err *select_in_state(const struct handling *h, const char *state, struct id_list *list)
{
	struct query q = query(
	    sqlite_of(h->store), "SELECT id FROM messages WHERE channel = ?1 AND state = ?2 ORDER BY seq");

	bind_text(&q, h->ask->channel);
	bind_text(&q, state);
	while (query_row(&q)) {
		mem_grow(list->items, list->count, list->capacity);
		list->items[list->count++].id = column_text(&q, 0, h->arena);
	}
	return query_done(&q);
}

static struct err *select_bulk(const struct handling *h, struct id_list *list)
{
	const char *state = h->ask->state;

	if (state && !find_rule(state))
		return ERR(ERR_CONFIG,
		    "state '%s': expected queued, sending, retrying, delivered, ambiguous, dead, suppressed "
		    "or "
		    "discarded",
		    state);
	if (state)
		return select_in_state(h, state, list);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (h->retry ? rules[i].bulk_retry : rules[i].bulk_discard)
			PASS(select_in_state(h, rules[i].state, list));
	return NULL;
}

static struct err *select_named(const struct handling *h, struct id_list *list)
{
	for (size_t i = 0; i < h->ask->count; i++) {
		mem_grow(list->items, list->count, list->capacity);
		PASS(sqlite_resolve_id(
		    sqlite_of(h->store), h->ask->ids[i].id, h->arena, &list->items[list->count].id));
		list->count++;
	}
	return NULL;
}

struct err *sqlite_outbox(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct outbox *ask = request;
	struct outbox_reply *reply = out;
	struct handling h = {.store = store, .ask = ask, .arena = arena};
	cleanup(id_list_done) struct id_list ids = {0};

	h.retry = ask->verb && !strcmp(ask->verb, "retry");
	if (!h.retry && (!ask->verb || strcmp(ask->verb, "discard")))
		return ERR(ERR_BUG, "outbox verb '%s': expected retry or discard", text_or_empty(ask->verb));
	PASS(ask->channel ? select_bulk(&h, &ids) : select_named(&h, &ids));
	reply->changes = arena_alloc(arena, ids.count * sizeof(*reply->changes));
	reply->count = ids.count;
	for (size_t i = 0; i < ids.count; i++)
		TRY(handle(&h, ids.items[i].id, &reply->changes[i]), "%s message %s", ask->verb,
		    ids.items[i].id);
	return NULL;
}
