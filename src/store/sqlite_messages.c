/* SPDX-License-Identifier: MIT */
/*
 * Messages coming into the outbox: their keys (a key is sent once for a channel and recipient), SEND, and
 * WAIT for what becomes of them.
 */
#include "store/sqlite.h"

#include <string.h>

struct err *sqlite_message(struct sqlite *db, const char *id, struct arena *arena, struct message_head *out)
{
	struct query q = query(db,
	    "SELECT seq, id, job, channel, lane, recipient, key, state, reason, taker, run, slot, attempts,"
	    " created_ms, expires_ms, by_hand, EXISTS (SELECT 1 FROM payloads WHERE message = seq)"
	    " FROM messages WHERE id = ?");

	*out = (struct message_head){0};
	bind_text(&q, id);
	if (query_row(&q))
		*out = (struct message_head){
		    .seq = column_int(&q, 0),
		    .id = column_text(&q, 1, arena),
		    .job = column_text(&q, 2, arena),
		    .channel = column_text(&q, 3, arena),
		    .lane = column_text(&q, 4, arena),
		    .to = column_text(&q, 5, arena),
		    .key = column_text(&q, 6, arena),
		    .state = column_text(&q, 7, arena),
		    .reason = column_text(&q, 8, arena),
		    .taker = column_text(&q, 9, arena),
		    .run = column_int(&q, 10),
		    .slot = column_int(&q, 11),
		    .attempts = column_int(&q, 12),
		    .created_ms = column_int(&q, 13),
		    .expires_ms = column_int(&q, 14),
		    .by_hand = column_int(&q, 15),
		    .has_payload = column_int(&q, 16),
		};
	return query_done(&q);
}

#define SUFFIX_MIN 6

/* Ids begin with the time and so are alike at the front: people copy the end. */
struct err *sqlite_resolve_id(struct sqlite *db, const char *id, struct arena *arena, const char **out_id)
{
	struct query q = query(db, "SELECT id FROM messages WHERE id = ?1"
	                           " UNION ALL SELECT id FROM messages WHERE ?2 AND id <> ?1 AND substr(id, "
	                           "-length(?1)) = ?1 LIMIT 2");
	const char *found = NULL;
	bool exact = false, several = false;

	bind_text(&q, id);
	bind_int(&q, strlen(id) >= SUFFIX_MIN);
	while (!exact && query_row(&q)) {
		several = found != NULL;
		found = column_text(&q, 0, arena);
		exact = !strcmp(found, id);
	}
	PASS(query_done(&q));
	if (!found)
		return ERR(ERR_PERMANENT, "message %s is not known", id);
	if (several)
		return ERR(ERR_PERMANENT, "more than one message ends in %s", id);
	*out_id = found;
	return NULL;
}

/* -- keys ------------------------------------------------------------------------------------------ */

static bool frees_key(const char *state)
{
	return !strcmp(state, "dead") || !strcmp(state, "discarded");
}

struct err *sqlite_key_holder(struct sqlite *db, const char *channel, const char *to, const char *key,
    struct arena *arena, struct key_holder *out)
{
	struct query q =
	    query(db, "SELECT keys.message, coalesce(messages.state, keys.state, 'delivered'), keys.run"
	              " FROM keys LEFT JOIN messages ON messages.id = keys.message"
	              " WHERE keys.channel = ? AND keys.recipient = ? AND keys.key = ?");

	*out = (struct key_holder){0};
	bind_text(&q, channel);
	bind_text(&q, to);
	bind_text(&q, key);
	if (query_row(&q))
		*out = (struct key_holder){
		    column_text(&q, 0, arena), column_text(&q, 1, arena), column_int(&q, 2)};
	PASS(query_done(&q));
	if (out->id && frees_key(out->state))
		*out = (struct key_holder){0};
	return NULL;
}

struct err *sqlite_hold_key(struct sqlite *db, const char *channel, const char *to, const char *key,
    const char *id, int64_t run, int64_t until_ms)
{
	struct query q = query(db,
	    "INSERT INTO keys (channel, recipient, key, message, run, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT (channel, recipient, key) DO UPDATE SET message = ?4, run = ?5, state = NULL,"
	    " until_ms = ?6");

	bind_text(&q, channel);
	bind_text(&q, to);
	bind_text(&q, key);
	bind_text(&q, id);
	bind_int(&q, run);
	bind_int(&q, until_ms);
	return query_run(&q);
}

/* -- new messages ---------------------------------------------------------------------------------- */

struct birth {
	const char *state, *reason, *taker;
	int64_t ended_ms;
};

static struct err *insert_row(
    struct sqlite *db, const struct run_head *run, const struct new_message *m, const struct birth *birth)
{
	struct query q = query(db,
	    "INSERT INTO messages (id, run, job, slot, channel, lane, kind, key, recipient, subject, "
	    "content_type,"
	    " severity, state, reason, by_hand, taker, created_ms, not_before_ms, expires_ms, ended_ms, urgent, once)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17, ?18, "
	    "?19, ?20, ?21)");

	bind_text(&q, m->id);
	bind_int(&q, run->id);
	bind_text(&q, run->job);
	bind_int(&q, run->due);
	bind_text(&q, m->channel);
	bind_text(&q, text_or_empty(m->lane));
	bind_text(&q, m->kind);
	bind_text(&q, m->key);
	bind_text(&q, text_or_empty(m->to));
	bind_text(&q, m->subject);
	bind_text(&q, m->content_type);
	bind_int(&q, m->severity);
	bind_text(&q, birth->state);
	bind_text(&q, birth->reason);
	bind_int(&q, birth->taker != NULL);
	bind_text(&q, birth->taker);
	bind_int(&q, m->created_ms);
	bind_int(&q, m->expires_ms);
	bind_int(&q, birth->ended_ms);
	bind_int(&q, m->urgent);
	bind_int(&q, m->once);
	return query_run(&q);
}

static struct err *insert_payload(struct sqlite *db, const struct new_message *m)
{
	int64_t seq = sqlite3_last_insert_rowid(db->connection);
	struct query q = query(db, "INSERT INTO payloads (message, payload) VALUES (?, ?)");

	bind_int(&q, seq);
	bind_bytes(&q, m->payload, m->payload_length);
	return query_run(&q);
}

/* Its key was sent before: the record says by whom; nothing goes out. */
static struct err *insert_suppressed(struct sqlite *db, const struct run_head *run,
    const struct new_message *m, const struct key_holder *holder, struct arena *arena,
    struct stored_message *out)
{
	struct birth birth = {.state = "suppressed", .ended_ms = m->created_ms};

	birth.reason = arena_format(arena, "key sent by run %lld", (long long)holder->run);
	*out = (struct stored_message){
	    .id = m->id,
	    .state = birth.state,
	    .earlier_run = holder->run,
	    .earlier_id = holder->id,
	    .earlier_state = holder->state,
	};
	return insert_row(db, run, m, &birth);
}

/* The configuration keeps it back; its key stays free for when it does not. */
static struct err *insert_kept_back(
    struct sqlite *db, const struct run_head *run, const struct new_message *m, struct stored_message *out)
{
	struct birth birth = {.state = "suppressed", .reason = m->suppress, .ended_ms = m->created_ms};

	*out = (struct stored_message){.id = m->id, .state = birth.state};
	return insert_row(db, run, m, &birth);
}

static struct err *insert_queued(struct store *store, const struct run_head *run, const char *instance,
    const struct new_message *m, struct stored_message *out)
{
	struct birth birth = {.state = m->taken ? "sending" : "queued", .taker = m->taken ? instance : NULL};

	*out = (struct stored_message){.id = m->id, .state = birth.state};
	PASS(insert_row(sqlite_of(store), run, m, &birth));
	PASS(insert_payload(sqlite_of(store), m));
	PASS(sqlite_add_standbys(sqlite_of(store), m));
	if (!m->taken)
		note_channel(store, m->channel);
	return NULL;
}

struct err *sqlite_insert_message(struct store *store, const struct run_head *run, const char *instance,
    const struct new_message *m, bool *out_queued, struct arena *arena, struct stored_message *out)
{
	struct sqlite *db = sqlite_of(store);
	const char *to = text_or_empty(m->to);
	struct key_holder holder = {0};

	if (!m->id || !m->channel)
		return ERR(ERR_BUG, "a message needs an id and a channel");
	if (m->taken && !instance)
		return ERR(ERR_BUG, "a message that is born taken needs an instance");
	*out_queued = false;
	if (m->suppress)
		return insert_kept_back(db, run, m, out);
	if (m->key)
		PASS(sqlite_key_holder(db, m->channel, to, m->key, arena, &holder));
	*out_queued = !holder.id || m->again;
	if (!*out_queued)
		return insert_suppressed(db, run, m, &holder, arena, out);
	/*
	 * One sent again on demand leaves the key with the first: if the second dies the key is still
	 * used.
	 */
	if (m->key && !holder.id)
		PASS(sqlite_hold_key(db, m->channel, to, m->key, m->id, run->id, m->key_until_ms));
	return insert_queued(store, run, instance, m, out);
}

/* -- WAIT and SEND --------------------------------------------------------------------------------- */

static struct err *load_one(struct sqlite *db, const char *id, struct arena *arena, struct message_state *out,
    const char **out_successor)
{
	struct query q = query(
	    db, "SELECT id, state, reason, attempts, answer, run, successor FROM messages WHERE id = ?");

	*out = (struct message_state){0};
	*out_successor = NULL;
	bind_text(&q, id);
	if (query_row(&q)) {
		*out = (struct message_state){
		    .id = column_text(&q, 0, arena),
		    .state = column_text(&q, 1, arena),
		    .reason = column_text(&q, 2, arena),
		    .attempts = column_int(&q, 3),
		    .answer = column_text(&q, 4, arena),
		    .run = column_int(&q, 5),
		};
		*out_successor = column_text(&q, 6, arena);
	}
	return query_done(&q);
}

/* What went another way is not over before that is, and if nothing came of it either, that is what counts. */
static struct err *load_state(
    struct sqlite *db, const char *id, struct arena *arena, struct message_state *out)
{
	struct message_state last;
	const char *next;

	PASS(load_one(db, id, arena, out, &next));
	if (!next || strcmp(out->state, "suppressed") != 0)
		return NULL;
	do
		PASS(load_one(db, next, arena, &last, &next));
	while (next && !strcmp(last.state, "suppressed"));
	out->answer = NULL;
	if (!last.id || !strcmp(last.state, "delivered"))
		return NULL;
	out->answer = last.answer;
	out->state = last.state;
	out->reason = last.reason;
	return NULL;
}

struct err *sqlite_wait(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct wait *wait = request;
	struct wait_reply *reply = out;

	reply->count = wait->count;
	reply->messages = arena_alloc(arena, wait->count * sizeof(*reply->messages));
	for (size_t i = 0; i < wait->count; i++) {
		PASS(load_state(sqlite_of(store), wait->ids[i].id, arena, &reply->messages[i]));
		if (!reply->messages[i].id)
			return ERR(ERR_PERMANENT, "message %s is not known", wait->ids[i].id);
	}
	return NULL;
}

/* What was sent is out of the run's hands: it cannot be run as if it had done nothing. */
static struct err *mark_sent(struct sqlite *db, int64_t run)
{
	struct query q = query(db, "UPDATE runs SET restartable = 0, messages = messages + 1 WHERE id = ?");

	bind_int(&q, run);
	return query_run(&q);
}

static struct err *check_send(const struct send *send, const struct run_head *run)
{
	if (!send->message || !send->message->key || !send->message->channel)
		return ERR(ERR_BUG, "a message that is waited for needs a channel and a key");
	if (strcmp(run->state, "claimed") && strcmp(run->state, "running"))
		return ERR(ERR_PERMANENT, "run %lld is closed already: %s", (long long)run->id,
		    run->reason ? run->reason : run->state);
	return NULL;
}

/* The state of the message that has the key; none: out->id is NULL. */
static struct err *load_by_key(struct sqlite *db, const char *channel, const char *to, const char *key,
    struct arena *arena, struct message_state *out)
{
	struct key_holder holder;

	*out = (struct message_state){0};
	PASS(sqlite_key_holder(db, channel, text_or_empty(to), key, arena, &holder));
	if (!holder.id)
		return NULL;
	PASS(load_state(db, holder.id, arena, out));
	if (!out->id) /* swept, but its key lives on */
		*out = (struct message_state){.id = holder.id, .state = holder.state, .run = holder.run};
	return NULL;
}

struct err *sqlite_key(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct key_ask *ask = request;
	struct wait_reply *reply = out;

	reply->count = ask->count;
	reply->messages = arena_alloc(arena, ask->count * sizeof(*reply->messages));
	for (size_t i = 0; i < ask->count; i++) {
		const struct message_key *key = &ask->keys[i];

		if (!key->channel || !key->key)
			return ERR(ERR_BUG, "KEY needs a channel and a key");
		PASS(load_by_key(
		    sqlite_of(store), key->channel, key->to, key->key, arena, &reply->messages[i]));
	}
	return NULL;
}

/* The message itself if this is a repeated SEND, else the one that has its key; none: out->id is NULL. */
static struct err *find_sent(
    struct sqlite *db, const struct new_message *m, struct arena *arena, struct message_state *out)
{
	PASS(load_state(db, m->id, arena, out));
	if (out->id || m->again || m->suppress)
		return NULL;
	return load_by_key(db, m->channel, m->to, m->key, arena, out);
}

struct err *sqlite_send(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct send *send = request;
	struct message_state *reply = out;
	struct sqlite *db = sqlite_of(store);
	struct stored_message stored;
	struct run_head run;
	bool queued;

	PASS(sqlite_run(db, send->run, arena, &run));
	PASS(check_send(send, &run));
	PASS(find_sent(db, send->message, arena, reply));
	if (reply->id)
		return NULL;
	TRY(sqlite_insert_message(store, &run, send->instance, send->message, &queued, arena, &stored),
	    "store message %s for %s", send->message->id, send->message->channel);
	PASS(mark_sent(db, run.id));
	*reply = (struct message_state){.id = stored.id, .state = stored.state, .run = run.id};
	return NULL;
}
