/* SPDX-License-Identifier: MIT */
/*
 * The SQLite backend from inside: its connection, queries and the verbs of its files.
 *
 *	struct query q = query(db, "SELECT state FROM slots WHERE job = ? AND key = ?");
 *
 *	bind_text(&q, job);
 *	bind_text(&q, key);
 *	if (query_row(&q))
 *		state = column_text(&q, 0, arena);
 *	PASS(query_done(&q));
 *
 * A query keeps its first fault and does nothing more after it; query_done() tells it. One statement of a
 * text exists, so a query must be done before the same text is begun again; and what a SELECT goes through is
 *not changed before it is done.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "store/backend.h"

#define STATEMENT_SLOTS 512 /* a power of two, well above the number of texts */

/* Where the janitor's round stands: each bite goes on after what the last one saw. */
struct sweep {
	size_t step;
	struct buf job; /* runs of the jobs up to this one were counted */
	struct sweep_place {
		int64_t at;
		struct buf job, key;
	} slots, states;
};

struct sqlite {
	sqlite3 *connection;
	char *path;
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} statements[STATEMENT_SLOTS];
	int64_t runs_before; /* the highest run id that was there when this process opened the store */
	struct sweep sweep;
};

struct query {
	struct sqlite *db;
	sqlite3_stmt *statement;
	int bound;
	int status; /* SQLITE_OK, or the first fault */
};

/* SQL is a string constant: its address is what the prepared statement is found by. */
struct query query(struct sqlite *db, const char *sql);
/* Parameters, from left to right; texts are borrowed until query_done(). NULL text: NULL. */
void bind_int(struct query *q, int64_t value);
void bind_text(struct query *q, const char *text);
void bind_bytes(struct query *q, const char *bytes, size_t length);
bool query_row(struct query *q); /* false: no more rows, or a fault */
int64_t column_int(struct query *q, int column);
const char *column_text(struct query *q, int column, struct arena *arena); /* NULL stays NULL */
const char *column_bytes(struct query *q, int column, struct arena *arena, size_t *out_length);
/* Ends the query in any case. */
struct err *query_done(struct query *q) MUST_CHECK;
/* For what gives no rows. */
struct err *query_run(struct query *q) MUST_CHECK;
/* How many rows the last change touched. */
int64_t rows_changed(const struct sqlite *db);

/* SQL without parameters or rows, of any number of statements. */
struct err *sqlite_execute(struct sqlite *db, const char *sql) MUST_CHECK;
struct err *sqlite_fault(const struct sqlite *db, int code, const char *what) MUST_CHECK;
void sqlite_forget_statements(struct sqlite *db);

static inline struct sqlite *sqlite_of(struct store *store)
{
	return store->data;
}

static inline const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* Pure: CONFIG error if TYPE (statfs(2)) is that of a file system that several machines share. */
struct err *sqlite_refuse_network(const char *folder, unsigned long type) MUST_CHECK;

/* sqlite_schema.c: creates the tables or brings them up to date; CONFIG error when they are not ours. */
struct err *sqlite_check_schema(struct sqlite *db) MUST_CHECK;
struct err *sqlite_migrate(struct sqlite *db, int64_t now_ms) MUST_CHECK;
int64_t sqlite_schema_newest(void);

/* sqlite_claim.c, sqlite_runs.c */
struct run_head {
	int64_t id; /* 0: there is none */
	const char *job, *key, *state, *reason, *instance;
	int64_t due, attempt, restartable, trigger;
};
struct err *sqlite_run(struct sqlite *db, int64_t run, struct arena *arena, struct run_head *out) MUST_CHECK;

/* sqlite_messages.c: the message row as far as verbs change it. */
struct message_head {
	int64_t seq; /* 0: there is none */
	const char *id, *job, *channel, *lane, *to, *key, *state, *reason, *taker;
	int64_t run, slot, attempts, created_ms, expires_ms;
	bool by_hand, has_payload;
};
struct err *sqlite_message(
    struct sqlite *db, const char *id, struct arena *arena, struct message_head *out) MUST_CHECK;
/* The message that holds HEAD's key (id NULL: none, the key is free). */
struct key_holder {
	const char *id;
	const char *state;
	int64_t run;
};
struct err *sqlite_key_holder(struct sqlite *db, const char *channel, const char *to, const char *key,
    struct arena *arena, struct key_holder *out) MUST_CHECK;
struct err *sqlite_hold_key(struct sqlite *db, const char *channel, const char *to, const char *key,
    const char *id, int64_t run, int64_t until_ms) MUST_CHECK;
struct err *sqlite_insert_message(struct store *store, const struct run_head *run, const char *instance,
    const struct new_message *message, bool *out_queued, struct arena *arena,
    struct stored_message *out) MUST_CHECK;
/* sqlite_standby.c: stand-ins by other channels. */
struct err *sqlite_add_standbys(struct sqlite *db, const struct new_message *message) MUST_CHECK;
struct err *sqlite_drop_standbys(struct sqlite *db, const char *id) MUST_CHECK;
/* The stand-in of message ID becomes a message: *OUT_SUCCESSOR; NULL: there is none that may still go out. */
struct err *sqlite_stand_in(struct store *store, const char *id, int64_t now_ms, struct arena *arena,
    const char **out_successor) MUST_CHECK;
/* The message, whose `successor` is set, is suppressed, and that is told. */
struct err *sqlite_end_by_fallback(struct store *store, struct message_row *told, int64_t now_ms) MUST_CHECK;
/* All whose time has come; *OUT_NEXT_MS is when to call again, 0: none waits. */
struct err *sqlite_stand_in_all(struct store *store, int64_t now_ms, int64_t *out_next_ms) MUST_CHECK;

/* The id that ID, or a unique end of at least 6 characters of one, stands for; PERMANENT error if none. */
struct err *sqlite_resolve_id(
    struct sqlite *db, const char *id, struct arena *arena, const char **out_id) MUST_CHECK;

/* Verbs, by file. */
store_verb sqlite_schedules, sqlite_claim;
store_verb sqlite_start, sqlite_commit_run, sqlite_close_run, sqlite_state, sqlite_states;
store_verb sqlite_send, sqlite_key, sqlite_wait;
store_verb sqlite_take, sqlite_settle, sqlite_lanes;
store_verb sqlite_outbox;
store_verb sqlite_list_runs, sqlite_list_messages, sqlite_counts, sqlite_pause, sqlite_paused;

struct err *sqlite_expire(struct store *store, int64_t now_ms, int64_t *out_next_ms) MUST_CHECK;
struct err *sqlite_waiting_channels(
    struct store *store, struct arena *arena, struct id_record **out, size_t *count) MUST_CHECK;
struct err *sqlite_bury(struct store *store, const char *channel, int64_t now_ms, bool *out_more) MUST_CHECK;
struct err *sqlite_sweep(
    struct store *store, const struct store_retention *keep, int64_t now_ms, bool *out_more) MUST_CHECK;
void sqlite_sweep_done(struct sweep *sweep);
struct err *sqlite_interrupt_runs(
    struct store *store, const char *instance, int64_t now_ms, int64_t *count) MUST_CHECK;
struct err *sqlite_recover_messages(
    struct store *store, const char *instance, int64_t now_ms, int64_t *count) MUST_CHECK;
struct err *sqlite_run_holders(
    struct store *store, struct arena *arena, struct id_record **out, size_t *count) MUST_CHECK;
struct err *sqlite_message_holders(
    struct store *store, struct arena *arena, struct id_record **out, size_t *count) MUST_CHECK;

#endif
