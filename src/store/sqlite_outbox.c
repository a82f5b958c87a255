/* SPDX-License-Identifier: MIT */
/*
 * The outbox from the sender's side: TAKE and SETTLE, what lanes remember, messages that expire, and
 * messages whose sender died.
 */
#include "store/sqlite.h"

#include <string.h>

/* -- expiry ---------------------------------------------------------------------------------------- */

#define EXPIRE_SLICE 1000 /* in one call; more are as good as expired and die in the next */

/* A row that is about to change, as far as it is told of. */
struct outbox_row {
	int64_t seq;
	bool by_hand, standby, once;
	struct message_row told;
};

struct rows {
	struct outbox_row *items;
	size_t count, capacity;
};

static void rows_done(struct rows *rows)
{
	free(rows->items);
}

#define ROW_COLUMNS "seq, id, job, run, slot, channel, attempts, lane, by_hand, standby, once"

/* Gathers the rows of Q, so that they can be changed. */
static struct err *gather(struct query *q, struct arena *arena, struct rows *rows)
{
	while (query_row(q)) {
		mem_grow(rows->items, rows->count, rows->capacity);
		rows->items[rows->count++] = (struct outbox_row){
		    .seq = column_int(q, 0),
		    .by_hand = column_int(q, 8),
		    .standby = column_int(q, 9),
		    .once = column_int(q, 10),
		    .told =
		        {
		            .id = column_text(q, 1, arena),
		            .job = column_text(q, 2, arena),
		            .run = column_int(q, 3),
		            .slot = column_int(q, 4),
		            .channel = column_text(q, 5, arena),
		            .attempts = column_int(q, 6),
		            .lane = column_text(q, 7, arena),
		        },
		};
	}
	return query_done(q);
}

static struct err *make_dead(struct store *store, struct outbox_row *row, const char *reason, int64_t now_ms)
{
	struct query q = query(
	    sqlite_of(store), "UPDATE messages SET state = 'dead', reason = ?, ended_ms = ? WHERE seq = ?");

	bind_text(&q, reason);
	bind_int(&q, now_ms);
	bind_int(&q, row->seq);
	PASS(query_run(&q));
	row->told.state = "dead";
	row->told.reason = reason;
	note_expired(store, &row->told);
	if (*row->told.lane)
		note_channel(store, row->told.channel); /* it may have held up its lane */
	return NULL;
}

/* It has another way to go, which may live longer; *OUT_GOES: it is not dead. */
static struct err *go_another_way(struct store *store, struct outbox_row *row, int64_t now_ms, bool *out_goes)
{
	cleanup(arena_done) struct arena arena = {0};

	*out_goes = false;
	if (!row->standby)
		return NULL;
	PASS(sqlite_stand_in(store, row->told.id, now_ms, &arena, &row->told.successor));
	*out_goes = row->told.successor != NULL;
	return *out_goes ? sqlite_end_by_fallback(store, &row->told, now_ms) : NULL;
}

static struct err *bury(struct store *store, struct outbox_row *row, const char *reason, int64_t now_ms)
{
	bool goes;

	PASS(go_another_way(store, row, now_ms, &goes));
	return goes ? NULL : make_dead(store, row, reason, now_ms);
}

static struct err *next_expiry(struct sqlite *db, int64_t *out_next_ms)
{
	struct query q = query(db,
	    "SELECT min(expires_ms) FROM messages WHERE state IN ('queued','retrying') AND expires_ms > 0");

	*out_next_ms = 0;
	if (query_row(&q))
		*out_next_ms = column_int(&q, 0);
	return query_done(&q);
}

static struct err *bury_all_expired(struct store *store, int64_t now_ms)
{
	struct query q = query(sqlite_of(store),
	    "SELECT " ROW_COLUMNS " FROM messages"
	    " WHERE state IN ('queued','retrying') AND expires_ms > 0 AND expires_ms <= ?"
	    " ORDER BY expires_ms LIMIT ?");
	cleanup(arena_done) struct arena arena = {0};
	cleanup(rows_done) struct rows rows = {0};

	bind_int(&q, now_ms);
	bind_int(&q, EXPIRE_SLICE);
	PASS(gather(&q, &arena, &rows));
	for (size_t i = 0; i < rows.count; i++)
		PASS(bury(store, &rows.items[i], "expired", now_ms));
	return NULL;
}

struct err *sqlite_expire(struct store *store, int64_t now_ms, int64_t *out_next_ms)
{
	int64_t stand_in_ms;

	TRY(bury_all_expired(store, now_ms), "end expired messages");
	PASS(sqlite_stand_in_all(store, now_ms, &stand_in_ms));
	PASS(next_expiry(sqlite_of(store), out_next_ms));
	if (stand_in_ms && (!*out_next_ms || stand_in_ms < *out_next_ms))
		*out_next_ms = stand_in_ms;
	return NULL;
}

/* -- channels that are no more --------------------------------------------------------------------- */

#define BURY_SLICE 1000

struct err *sqlite_waiting_channels(
    struct store *store, struct arena *arena, struct id_record **out, size_t *count)
{
	struct query q = query(
	    sqlite_of(store), "SELECT DISTINCT channel FROM messages WHERE state IN ('queued','retrying')");
	struct id_record *channels = NULL;
	size_t capacity = 0;

	*count = 0;
	while (query_row(&q)) {
		mem_grow(channels, *count, capacity);
		channels[(*count)++].id = column_text(&q, 0, arena);
	}
	*out = arena_take(arena, channels, *count * sizeof(*channels));
	return query_done(&q);
}

struct err *sqlite_bury(struct store *store, const char *channel, int64_t now_ms, bool *out_more)
{
	struct query q = query(sqlite_of(store),
	    "SELECT " ROW_COLUMNS " FROM messages WHERE channel = ? AND state IN ('queued','retrying')"
	    " ORDER BY not_before_ms LIMIT ?");
	cleanup(arena_done) struct arena arena = {0};
	cleanup(rows_done) struct rows rows = {0};

	bind_text(&q, channel);
	bind_int(&q, BURY_SLICE);
	PASS(gather(&q, &arena, &rows));
	for (size_t i = 0; i < rows.count; i++)
		TRY(bury(store, &rows.items[i], "removed: the channel is not configured any more", now_ms),
		    "end message %s", rows.items[i].told.id);
	*out_more = rows.count == BURY_SLICE;
	return NULL;
}

/* -- TAKE ------------------------------------------------------------------------------------------ */

/* The default lane (no name) has no order; in a named one nothing passes what is not finished. */
#define TAKE_COLUMNS                                                                                         \
	"SELECT seq, id, run, job, channel, lane, kind, key, recipient, subject, content_type, slot, "       \
	"created_ms,"                                                                                        \
	" expires_ms, attempts, severity, once, payload, urgent"                                             \
	" FROM messages AS m JOIN payloads ON message = seq"                                                 \
	" WHERE channel = ?1 AND state IN ('queued','retrying')"                                             \
	" AND (expires_ms = 0 OR expires_ms > ?2)"                                                           \
	" AND (lane = '' OR NOT EXISTS (SELECT 1 FROM messages AS e WHERE e.channel = m.channel"             \
	"  AND e.lane = m.lane AND e.lane <> '' AND e.seq < m.seq"                                           \
	"  AND e.state IN ('queued','retrying','sending')))"                                                 \
	" AND (?4 = 0 OR run = ?4)"
#define TAKE_ORDER  " AND not_before_ms <= ?2 ORDER BY not_before_ms, seq LIMIT ?3"
#define TAKE_URGENT TAKE_COLUMNS " AND urgent = 1" TAKE_ORDER
#define TAKE_OTHERS TAKE_COLUMNS " AND urgent = 0" TAKE_ORDER
#define TAKE_PROBE  TAKE_COLUMNS " ORDER BY id = ?5, seq LIMIT ?3"

static void read_taken(struct query *q, struct arena *arena, struct taken_message *out)
{
	*out = (struct taken_message){
	    .id = column_text(q, 1, arena),
	    .run = column_int(q, 2),
	    .job = column_text(q, 3, arena),
	    .channel = column_text(q, 4, arena),
	    .lane = column_text(q, 5, arena),
	    .kind = column_text(q, 6, arena),
	    .key = column_text(q, 7, arena),
	    .to = column_text(q, 8, arena),
	    .subject = column_text(q, 9, arena),
	    .content_type = column_text(q, 10, arena),
	    .slot = column_int(q, 11),
	    .created_ms = column_int(q, 12),
	    .expires_ms = column_int(q, 13),
	    .attempts = column_int(q, 14),
	    .severity = column_int(q, 15),
	    .once = column_int(q, 16),
	};
	out->payload = column_bytes(q, 17, arena, &out->payload_length);
	out->urgent = column_int(q, 18);
}

static struct err *find_by(struct sqlite *db, const char *sql, const struct take *take, struct arena *arena,
    int64_t *seqs, struct take_reply *reply)
{
	struct query q = query(db, sql);

	bind_text(&q, take->channel);
	bind_int(&q, take->now_ms);
	bind_int(&q, take->limit - (int64_t)reply->count);
	bind_int(&q, take->run);
	if (take->probe)
		bind_text(&q, text_or_empty(take->except));
	while (query_row(&q)) {
		seqs[reply->count] = column_int(&q, 0);
		read_taken(&q, arena, &reply->messages[reply->count++]);
	}
	return query_done(&q);
}

static struct err *find_due(
    struct sqlite *db, const struct take *take, struct arena *arena, int64_t *seqs, struct take_reply *reply)
{
	if (take->probe)
		return find_by(db, TAKE_PROBE, take, arena, seqs, reply);
	PASS(find_by(db, TAKE_URGENT, take, arena, seqs, reply));
	if ((int64_t)reply->count == take->limit)
		return NULL;
	return find_by(db, TAKE_OTHERS, take, arena, seqs, reply);
}

static struct err *mark_taken(struct sqlite *db, int64_t seq, const char *taker)
{
	struct query q = query(db, "UPDATE messages SET state = 'sending', taker = ? WHERE seq = ?");

	bind_text(&q, taker);
	bind_int(&q, seq);
	return query_run(&q);
}

static struct err *next_due(struct sqlite *db, const struct take *take, int64_t *out_next_ms)
{
	struct query q = query(db,
	    "SELECT min(not_before_ms) FROM messages WHERE channel = ?1 AND state IN ('queued','retrying')"
	    " AND not_before_ms > ?2 AND (?3 = 0 OR run = ?3)");

	*out_next_ms = 0;
	bind_text(&q, take->channel);
	bind_int(&q, take->now_ms);
	bind_int(&q, take->run);
	if (query_row(&q))
		*out_next_ms = column_int(&q, 0);
	return query_done(&q);
}

#define TAKE_MAX 4096

struct err *sqlite_take(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct take *take = request;
	struct take_reply *reply = out;
	struct sqlite *db = sqlite_of(store);
	int64_t *seqs;

	if (!take->channel || !take->instance || take->limit < 0 || take->limit > TAKE_MAX)
		return ERR(ERR_BUG, "TAKE needs a channel, an instance and a limit of at most %d", TAKE_MAX);
	PASS(bury_all_expired(store, take->now_ms));
	*reply = (struct take_reply){0};
	reply->messages = arena_alloc(arena, (size_t)take->limit * sizeof(*reply->messages));
	seqs = arena_alloc(arena, (size_t)take->limit * sizeof(*seqs));
	TRY(find_due(db, take, arena, seqs, reply), "find what is due on %s", take->channel);
	for (size_t i = 0; i < reply->count; i++)
		PASS(mark_taken(db, seqs[i], take->instance));
	if (reply->count && (int64_t)reply->count == take->limit) {
		reply->next_ms = take->now_ms; /* there may well be more */
		return NULL;
	}
	return next_due(db, take, &reply->next_ms);
}

/* -- SETTLE ---------------------------------------------------------------------------------------- */

#define UNTRIED "untried" /* given back: it is as if it had not been taken */

/* What a settled message may become. */
static const struct {
	const char *state;
	bool ended; /* so that it is kept for a while and then swept */
	bool told;  /* to those who wait for it */
} settled_states[] = {
    {"delivered", true, true},
    {"dead", true, true},
    {"ambiguous", false, true},
    {"retrying", false, false},
    {UNTRIED, false, false},
};

static int find_settled_state(const char *state)
{
	for (size_t i = 0; state && i < ARRAY_SIZE(settled_states); i++)
		if (!strcmp(state, settled_states[i].state))
			return (int)i;
	return -1;
}

/* One that was tried before stands in `retrying` until it ends. */
static struct query give_back_query(
    struct sqlite *db, const struct settle *settle, const struct settlement *s)
{
	struct query q = query(db, "UPDATE messages SET state = iif(attempts > 0, 'retrying', 'queued'),"
	                           " taker = NULL WHERE id = ? AND state = 'sending' AND taker = ?"
	                           " RETURNING channel, lane, 0, job, run, slot, attempts");

	bind_text(&q, s->id);
	bind_text(&q, settle->instance);
	return q;
}

/* One statement: it changes the row only while this instance holds it, and says where it was. */
static struct query settle_query(
    struct sqlite *db, const struct settle *settle, const struct settlement *s, bool ended)
{
	bool retrying = !strcmp(s->state, "retrying");
	struct query q =
	    query(db, "UPDATE messages SET state = ?1, reason = ?2, answer = coalesce(?3, answer),"
	              " provider_id = coalesce(?4, provider_id), attempts = attempts + ?5, ambiguous = "
	              "max(ambiguous, ?6),"
	              " not_before_ms = coalesce(nullif(?7, 0), not_before_ms), ended_ms = ?8, taker = NULL, "
	              "by_hand = 0"
	              " WHERE id = ?9 AND state = 'sending' AND taker = ?10"
	              " RETURNING channel, lane, standby, job, run, slot, attempts");

	bind_text(&q, s->state);
	bind_text(&q, s->reason);
	bind_text(&q, s->answer);
	bind_text(&q, s->provider_id);
	bind_int(&q, s->attempts);
	bind_int(&q, s->ambiguous || !strcmp(s->state, "ambiguous"));
	bind_int(&q, retrying ? s->not_before_ms : 0);
	bind_int(&q, ended ? settle->now_ms : 0);
	bind_text(&q, s->id);
	bind_text(&q, settle->instance);
	return q;
}

static void note_replaced(
    struct settle_reply *reply, const struct settle *settle, const char *id, struct arena *arena)
{
	if (!reply->replaced)
		reply->replaced = arena_alloc(arena, settle->count * sizeof(*reply->replaced));
	reply->replaced[reply->replaced_count++].id = id;
}

/* Delivered, it needs none; dead, it goes another way if there is one. */
static struct err *settle_standby(struct store *store, const struct settle *settle, struct message_row *told,
    struct arena *arena, struct settle_reply *reply)
{
	if (!strcmp(told->state, "delivered"))
		return sqlite_drop_standbys(sqlite_of(store), told->id);
	if (strcmp(told->state, "dead") != 0)
		return NULL;
	PASS(sqlite_stand_in(store, told->id, settle->now_ms, arena, &told->successor));
	if (!told->successor)
		return NULL;
	note_replaced(reply, settle, told->id, arena);
	return sqlite_end_by_fallback(store, told, settle->now_ms);
}

static struct err *settle_one(struct store *store, const struct settle *settle, const struct settlement *s,
    struct arena *arena, struct settle_reply *reply)
{
	int state = find_settled_state(s->state);
	struct message_row told = {.id = s->id, .state = s->state};
	struct query q;
	bool untried, standby = false;

	if (state < 0)
		return ERR(ERR_BUG, "message %s cannot be settled as '%s'", s->id, text_or_empty(s->state));
	untried = !strcmp(s->state, UNTRIED);
	q = untried ? give_back_query(sqlite_of(store), settle, s)
	            : settle_query(sqlite_of(store), settle, s, settled_states[state].ended);
	while (query_row(&q)) {
		told.channel = column_text(&q, 0, arena);
		told.lane = column_text(&q, 1, arena);
		standby = column_int(&q, 2);
		told.job = column_text(&q, 3, arena);
		told.run = column_int(&q, 4);
		told.slot = column_int(&q, 5);
		told.attempts = column_int(&q, 6);
	}
	PASS(query_done(&q));
	reply->stale += !told.channel;
	if (told.channel && settled_states[state].told)
		note_ended(store);
	if (told.channel && (*told.lane || untried || !store_serves(store, told.channel)))
		note_channel(store, told.channel); /* the next of the lane, or itself, can be taken */
	return standby ? settle_standby(store, settle, &told, arena, reply) : NULL;
}

static struct err *store_lane(struct sqlite *db, const struct lane_record *lane)
{
	struct query q = query(db, "INSERT INTO lanes (channel, value, divert_until_ms) VALUES (?1, ?2, ?3)"
	                           " ON CONFLICT (channel) DO UPDATE SET value = ?2, divert_until_ms = ?3");

	bind_text(&q, lane->channel);
	bind_text(&q, text_or_empty(lane->value));
	bind_int(&q, lane->divert_until_ms);
	return query_run(&q);
}

struct err *sqlite_settle(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct settle *settle = request;
	struct settle_reply *reply = out;

	*reply = (struct settle_reply){0};
	if (!settle->instance)
		return ERR(ERR_BUG, "SETTLE needs an instance");
	for (size_t i = 0; i < settle->count; i++)
		TRY(settle_one(store, settle, &settle->messages[i], arena, reply), "settle message %s",
		    settle->messages[i].id);
	for (size_t i = 0; i < settle->lane_count; i++)
		PASS(store_lane(sqlite_of(store), &settle->lanes[i]));
	return NULL;
}

struct err *sqlite_lanes(struct store *store, const void *request, struct arena *arena, void *out)
{
	struct lanes_reply *reply = out;
	struct query q = query(sqlite_of(store), "SELECT channel, value FROM lanes ORDER BY channel");
	struct lane_record *lanes = NULL;
	size_t count = 0, capacity = 0;

	(void)request;
	while (query_row(&q)) {
		mem_grow(lanes, count, capacity);
		lanes[count].channel = column_text(&q, 0, arena);
		lanes[count++].value = column_text(&q, 1, arena);
	}
	reply->count = count;
	reply->lanes = arena_take(arena, lanes, count * sizeof(*lanes));
	return query_done(&q);
}

/* -- messages whose taker is gone ------------------------------------------------------------------ */

static struct err *update_recovered(struct sqlite *db, const struct outbox_row *row, int64_t now_ms)
{
	struct query q = query(db, "UPDATE messages SET state = ?1, reason = ?2, attempts = attempts + ?3, "
	                           "ambiguous = max(ambiguous, ?3),"
	                           " taker = NULL, by_hand = 0, ended_ms = ?4 WHERE seq = ?5");

	bind_text(&q, row->told.state);
	bind_text(&q, row->told.reason);
	bind_int(&q, row->told.ambiguous);
	bind_int(&q, row->by_hand ? now_ms : 0);
	bind_int(&q, row->seq);
	return query_run(&q);
}

/* What a command was to print itself is of no use to anybody else. */
static void discard_unprinted(struct message_row *row)
{
	row->state = "discarded";
	row->reason = "the command that was to print it ended";
}

/*
 * Whether it went out is not known: by its own wish or the channel's policy it waits for a person, or goes out
 * (again).
 */
static void make_ambiguous(const struct store *store, bool once, struct message_row *row)
{
	row->state = once || store_holds(store, row->channel) ? "ambiguous" : "retrying";
	row->reason = "ambiguous: the sender died while it was sending";
	row->ambiguous = true;
	row->attempts++;
}

static struct err *recover_one(struct store *store, struct outbox_row *row, int64_t now_ms)
{
	if (row->by_hand)
		discard_unprinted(&row->told);
	else
		make_ambiguous(store, row->once, &row->told);
	PASS(update_recovered(sqlite_of(store), row, now_ms));
	note_recovered(store, &row->told);
	note_channel(store, row->told.channel);
	return NULL;
}

struct err *sqlite_recover_messages(struct store *store, const char *instance, int64_t now_ms, int64_t *count)
{
	struct query q = query(sqlite_of(store), "SELECT " ROW_COLUMNS " FROM messages"
	                                         " WHERE state = 'sending' AND taker = ? ORDER BY seq");
	cleanup(arena_done) struct arena arena = {0};
	cleanup(rows_done) struct rows rows = {0};

	bind_text(&q, instance);
	PASS(gather(&q, &arena, &rows));
	for (size_t i = 0; i < rows.count; i++)
		TRY(recover_one(store, &rows.items[i], now_ms), "recover message %s", rows.items[i].told.id);
	*count += (int64_t)rows.count;
	return NULL;
}
