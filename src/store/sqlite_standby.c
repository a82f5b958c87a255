/* SPDX-License-Identifier: MIT */
/*
 * Stand-ins: what goes out by another channel if a message does not get through by its own. They lie beside
 * the outbox, rendered and ready. The one of a message that waits becomes a message itself when its time has
 * come or the channel diverts; that of one that dies, at once; that of one that was delivered is dropped.
 */
#include "store/sqlite.h"

#include <string.h>

#define SLICE 500 /* in one batch; more follow in the next */

/* -- coming ---------------------------------------------------------------------------------------- */

static struct err *insert_standby(struct sqlite *db, const struct new_message *m,
    const struct standby *standby, const char *message, int64_t due_ms)
{
	struct query q = query(db,
	    "INSERT INTO standbys (message, id, channel, lane, kind, key, recipient, subject, content_type,"
	    " severity, expires_ms, after_ms, due_ms, payload)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");

	bind_text(&q, message);
	bind_text(&q, standby->id);
	bind_text(&q, standby->channel);
	bind_text(&q, text_or_empty(standby->lane));
	bind_text(&q, m->kind);
	bind_text(&q, standby->key);
	bind_text(&q, text_or_empty(standby->to));
	bind_text(&q, standby->subject);
	bind_text(&q, standby->content_type);
	bind_int(&q, m->severity);
	bind_int(&q, standby->expires_ms);
	bind_int(&q, standby->after_ms);
	bind_int(&q, due_ms);
	bind_bytes(&q, standby->payload, standby->payload_length);
	return query_run(&q);
}

static struct err *mark(struct sqlite *db, const char *id)
{
	struct query q = query(db,
	    "UPDATE messages SET standby = EXISTS (SELECT 1 FROM standbys WHERE message = ?1) WHERE id = ?1");

	bind_text(&q, id);
	return query_run(&q);
}

struct err *sqlite_add_standbys(struct sqlite *db, const struct new_message *m)
{
	for (size_t i = 0; i < m->standby_count; i++) {
		const struct standby *standby = &m->standbys[i];

		if (standby->of < 0 || standby->of > (int64_t)i)
			return ERR(ERR_BUG, "a stand-in of one that does not come before it");
		/* A later one's time begins when the one before it has become a message. */
		if (standby->of)
			PASS(insert_standby(db, m, standby, m->standbys[standby->of - 1].id, 0));
		else
			PASS(insert_standby(db, m, standby, m->id, m->created_ms + standby->after_ms));
	}
	return m->standby_count ? mark(db, m->id) : NULL;
}

/* -- going ----------------------------------------------------------------------------------------- */

struct err *sqlite_drop_standbys(struct sqlite *db, const char *id)
{
	struct query q = query(db, "WITH RECURSIVE chain (id) AS (SELECT id FROM standbys WHERE message = ?1"
	                           " UNION SELECT s.id FROM standbys AS s JOIN chain ON s.message = chain.id)"
	                           " DELETE FROM standbys WHERE id IN (SELECT id FROM chain)");

	bind_text(&q, id);
	PASS(query_run(&q));
	return mark(db, id);
}

struct head {
	const char *id; /* NULL: there is none */
	const char *channel, *to, *key;
	int64_t expires_ms, run;
};

static struct err *find(struct sqlite *db, const char *message, struct arena *arena, struct head *out)
{
	struct query q = query(db, "SELECT s.id, s.channel, s.recipient, s.key, s.expires_ms, m.run"
	                           " FROM standbys AS s JOIN messages AS m ON m.id = s.message"
	                           " WHERE s.message = ? ORDER BY s.rowid LIMIT 1");

	*out = (struct head){0};
	bind_text(&q, message);
	if (query_row(&q))
		*out = (struct head){
		    .id = column_text(&q, 0, arena),
		    .channel = column_text(&q, 1, arena),
		    .to = column_text(&q, 2, arena),
		    .key = column_text(&q, 3, arena),
		    .expires_ms = column_int(&q, 4),
		    .run = column_int(&q, 5),
		};
	return query_done(&q);
}

static struct err *run_with(struct sqlite *db, const char *sql, const char *id, int64_t now_ms)
{
	struct query q = query(db, sql);

	bind_text(&q, id);
	bind_int(&q, now_ms);
	return query_run(&q);
}

/* The stand-in HEAD of MESSAGE becomes a message of the same run, and its own stand-in's time begins. */
static struct err *become_message(struct sqlite *db, const struct head *head, int64_t now_ms)
{
	if (head->key)
		PASS(sqlite_hold_key(db, head->channel, head->to, head->key, head->id, head->run, 0));
	PASS(run_with(db,
	    "INSERT INTO messages (id, run, job, slot, channel, lane, kind, key, recipient, subject, "
	    "content_type,"
	    " severity, state, created_ms, not_before_ms, expires_ms, urgent)"
	    " SELECT s.id, m.run, m.job, m.slot, s.channel, s.lane, s.kind, s.key, s.recipient, s.subject,"
	    " s.content_type, s.severity, 'queued', ?2, ?2, s.expires_ms, m.urgent"
	    " FROM standbys AS s JOIN messages AS m ON m.id = s.message WHERE s.id = ?1",
	    head->id, now_ms));
	PASS(run_with(db,
	    "INSERT INTO payloads (message, payload) SELECT m.seq, s.payload FROM standbys AS s JOIN "
	    "messages AS m"
	    " ON m.id = s.id WHERE s.id = ?1 AND ?2 > 0",
	    head->id, now_ms));
	PASS(run_with(db, "DELETE FROM standbys WHERE id = ?1 AND ?2 > 0", head->id, now_ms));
	PASS(run_with(db, "UPDATE standbys SET due_ms = ?2 + after_ms WHERE message = ?1", head->id, now_ms));
	return mark(db, head->id);
}

static struct err *point_to(struct sqlite *db, const char *message, const char *successor)
{
	struct query q = query(db, "UPDATE messages SET successor = ?, standby = 0 WHERE id = ?");

	bind_text(&q, successor);
	bind_text(&q, message);
	return query_run(&q);
}

/* With those that stand in for it. */
static struct err *drop_one(struct sqlite *db, const char *id)
{
	struct query q = query(db, "DELETE FROM standbys WHERE id = ?");

	PASS(sqlite_drop_standbys(db, id));
	bind_text(&q, id);
	return query_run(&q);
}

/* HEAD, one of the stand-ins of a message; *OUT_SUCCESSOR is left alone if it comes too late. */
static struct err *stand_in_one(struct store *store, const struct head *head, int64_t now_ms,
    struct arena *arena, const char **out_successor)
{
	struct sqlite *db = sqlite_of(store);
	struct key_holder holder = {0};

	if (head->expires_ms && head->expires_ms <= now_ms)
		return drop_one(db, head->id);
	if (head->key)
		PASS(sqlite_key_holder(db, head->channel, head->to, head->key, arena, &holder));
	if (holder.id) { /* the run sent it there anyway */
		*out_successor = holder.id;
		return drop_one(db, head->id);
	}
	*out_successor = head->id;
	note_channel(store, head->channel);
	return become_message(db, head, now_ms);
}

struct err *sqlite_stand_in(
    struct store *store, const char *message, int64_t now_ms, struct arena *arena, const char **out_successor)
{
	struct sqlite *db = sqlite_of(store);
	struct head head;

	*out_successor = NULL;
	PASS(find(db, message, arena, &head));
	while (head.id) {
		PASS(stand_in_one(store, &head, now_ms, arena, out_successor));
		PASS(find(db, message, arena, &head));
	}
	return point_to(db, message, *out_successor);
}

/* -- when it is time ------------------------------------------------------------------------------- */

struct waiting {
	struct message_row *told;
	size_t count, capacity;
};

static void waiting_done(struct waiting *waiting)
{
	free(waiting->told);
}

static struct err *gather(struct query *q, struct arena *arena, struct waiting *out)
{
	while (out->count < SLICE && query_row(q)) {
		mem_grow(out->told, out->count, out->capacity);
		out->told[out->count++] = (struct message_row){
		    .id = column_text(q, 0, arena),
		    .job = column_text(q, 1, arena),
		    .run = column_int(q, 2),
		    .slot = column_int(q, 3),
		    .channel = column_text(q, 4, arena),
		    .attempts = column_int(q, 5),
		    .state = column_text(q, 6, arena),
		    .lane = column_text(q, 7, arena),
		};
	}
	return query_done(q);
}

#define COLUMNS "SELECT m.id, m.job, m.run, m.slot, m.channel, m.attempts, m.state, m.lane"

static struct err *find_due(struct sqlite *db, int64_t now_ms, struct arena *arena, struct waiting *out)
{
	struct query q =
	    query(db, COLUMNS " FROM standbys AS s JOIN messages AS m ON m.id = s.message"
	                      " WHERE s.due_ms > 0 AND s.due_ms <= ?"
	                      " AND m.state IN ('queued','retrying','ambiguous') ORDER BY s.due_ms");

	bind_int(&q, now_ms);
	return gather(&q, arena, out);
}

static struct err *find_diverted(struct sqlite *db, int64_t now_ms, struct arena *arena, struct waiting *out)
{
	struct query q =
	    query(db, COLUMNS " FROM lanes AS l CROSS JOIN messages AS m ON m.channel = l.channel"
	                      " WHERE l.divert_until_ms > ? AND l.divert_until_ms > 0"
	                      " AND m.standby = 1 AND m.state IN ('queued','retrying') ORDER BY m.seq");

	bind_int(&q, now_ms);
	return gather(&q, arena, out);
}

struct err *sqlite_end_by_fallback(struct store *store, struct message_row *told, int64_t now_ms)
{
	struct query q =
	    query(sqlite_of(store), "UPDATE messages SET state = 'suppressed', reason = 'fallback',"
	                            " taker = NULL, ended_ms = ? WHERE id = ?");

	bind_int(&q, now_ms);
	bind_text(&q, told->id);
	PASS(query_run(&q));
	told->state = "suppressed";
	told->reason = "fallback";
	note_recovered(store, told);
	if (*told->lane)
		note_channel(store, told->channel); /* it may have held up its lane */
	return NULL;
}

/* One that may have arrived and waits for a person goes on waiting. */
static struct err *send_stand_in(
    struct store *store, struct message_row *told, int64_t now_ms, struct arena *arena)
{
	PASS(sqlite_stand_in(store, told->id, now_ms, arena, &told->successor));
	if (!told->successor)
		return NULL;
	if (strcmp(told->state, "ambiguous") != 0)
		return sqlite_end_by_fallback(store, told, now_ms);
	told->reason = "fallback";
	note_recovered(store, told);
	return NULL;
}

static struct err *next_due(struct sqlite *db, int64_t now_ms, int64_t *out_next_ms)
{
	struct query q = query(db, "SELECT min(due_ms) FROM standbys WHERE due_ms > 0 AND due_ms > ?");

	*out_next_ms = 0;
	bind_int(&q, now_ms);
	if (query_row(&q))
		*out_next_ms = column_int(&q, 0);
	return query_done(&q);
}

struct err *sqlite_stand_in_all(struct store *store, int64_t now_ms, int64_t *out_next_ms)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(waiting_done) struct waiting waiting = {0};
	struct sqlite *db = sqlite_of(store);

	PASS(find_due(db, now_ms, &arena, &waiting));
	PASS(find_diverted(db, now_ms, &arena, &waiting));
	for (size_t i = 0; i < waiting.count; i++)
		TRY(send_stand_in(store, &waiting.told[i], now_ms, &arena), "send the stand-in of message %s",
		    waiting.told[i].id);
	if (waiting.count < SLICE)
		return next_due(db, now_ms, out_next_ms);
	*out_next_ms = now_ms; /* there are more */
	return NULL;
}
