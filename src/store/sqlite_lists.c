/* SPDX-License-Identifier: MIT */
/* RUNS, MESSAGES and COUNTS: what people ask for, newest first, in pages. */
#include "store/sqlite.h"

#include <string.h>

#include "store/error_json.h"

#define LIST_DEFAULT 20
#define LIST_MAX     100000

static int64_t bounded(int64_t limit)
{
	if (limit <= 0)
		return LIST_DEFAULT;
	return limit < LIST_MAX ? limit : LIST_MAX;
}

/* -- RUNS ------------------------------------------------------------------------------------------ */

struct dated_row {
	int64_t at_ms;
	struct run_row row;
};

struct run_list {
	struct dated_row *items;
	size_t count, capacity;
};

static void run_list_done(struct run_list *list)
{
	free(list->items);
}

static const char *trigger_name(int64_t trigger)
{
	return trigger >= TRIGGER_SCHEDULE && trigger < TRIGGERS ? trigger_names[trigger] : "unknown";
}

#define RUN_COLUMNS                                                                                          \
	"claimed_ms, id, job, key, state, reason, trigger, due, attempt, started_ms, ended_ms, messages, "   \
	"error, report"

static void read_run(struct query *q, struct arena *arena, struct dated_row *out)
{
	int64_t started_ms = column_int(q, 9), ended_ms = column_int(q, 10);
	struct run_row *row = &out->row;

	out->at_ms = column_int(q, 0);
	*row = (struct run_row){
	    .run = column_int(q, 1),
	    .job = column_text(q, 2, arena),
	    .key = column_text(q, 3, arena),
	    .state = column_text(q, 4, arena),
	    .reason = column_text(q, 5, arena),
	    .trigger = trigger_name(column_int(q, 6)),
	    .slot = column_int(q, 7),
	    .attempt = column_int(q, 8),
	    .started_ms = started_ms,
	    .ms = started_ms && ended_ms > started_ms ? ended_ms - started_ms : 0,
	    .messages = column_int(q, 11),
	};
	row->error = error_from_json(column_text(q, 12, arena), arena);
	values_from_json(column_text(q, 13, arena), arena, &row->values, &row->value_count);
}

/* Rows come newest first: the first that is too old ends the list. */
static struct err *gather_runs(struct query *q, int64_t since_ms, struct arena *arena, struct run_list *list)
{
	while (query_row(q)) {
		if (column_int(q, 0) < since_ms)
			break;
		mem_grow(list->items, list->count, list->capacity);
		read_run(q, arena, &list->items[list->count++]);
	}
	return query_done(q);
}

static struct err *list_one_run(
    struct sqlite *db, const struct runs_ask *ask, struct arena *arena, struct run_list *list)
{
	struct query q = query(db, "SELECT " RUN_COLUMNS " FROM runs WHERE id = ?");

	bind_int(&q, ask->run);
	return gather_runs(&q, 0, arena, list);
}

/* The recursion hops from job to job in the index instead of going through all runs. */
static struct err *list_latest(
    struct sqlite *db, const struct runs_ask *ask, struct arena *arena, struct run_list *list)
{
	struct query q =
	    query(db, "WITH RECURSIVE jobs (name) AS (SELECT min(job) FROM runs UNION ALL"
	              " SELECT (SELECT min(job) FROM runs WHERE job > name) FROM jobs WHERE name IS NOT NULL)"
	              " SELECT " RUN_COLUMNS " FROM jobs JOIN runs"
	              " ON id = (SELECT max(id) FROM runs WHERE job = name) WHERE ?1 IS NULL OR name = ?1");

	bind_text(&q, ask->job);
	return gather_runs(&q, 0, arena, list);
}

static struct err *list_runs_of(
    struct sqlite *db, const struct runs_ask *ask, struct arena *arena, struct run_list *list)
{
	struct query q =
	    ask->job ? query(db, "SELECT " RUN_COLUMNS " FROM runs WHERE job = ?2 ORDER BY id DESC LIMIT ?1")
	             : query(db, "SELECT " RUN_COLUMNS " FROM runs ORDER BY id DESC LIMIT ?1");

	bind_int(&q, bounded(ask->limit));
	if (ask->job)
		bind_text(&q, ask->job);
	return gather_runs(&q, ask->since_ms, arena, list);
}

/* Slots that never ran (missed, skipped) or wait to be claimed again; not those whose run is no longer kept. */
static struct err *list_runless_slots(
    struct sqlite *db, const struct runs_ask *ask, struct arena *arena, struct run_list *list)
{
	struct query q = query(db,
	    "SELECT recorded_ms, 0, job, key, state,"
	    " CASE slots WHEN 1 THEN reason ELSE coalesce(reason || ', ', '') || slots || ' slots' END,"
	    " trigger, due, attempt, 0, 0, 0, NULL, NULL"
	    " FROM slots WHERE run = 0 AND state IN ('claimed','missed','skipped') AND (?1 IS NULL OR job = ?1) ORDER BY recorded_ms DESC LIMIT ?2");

	bind_text(&q, ask->job);
	bind_int(&q, bounded(ask->limit));
	return gather_runs(&q, ask->since_ms, arena, list);
}

static int newer_first(const void *a, const void *b)
{
	const struct dated_row *left = a, *right = b;

	if (left->at_ms != right->at_ms)
		return left->at_ms < right->at_ms ? 1 : -1;
	if (left->row.slot != right->row.slot)
		return left->row.slot < right->row.slot ? 1 : -1;
	return (left->row.run < right->row.run) - (left->row.run > right->row.run);
}

static struct err *gather_asked(
    struct sqlite *db, const struct runs_ask *ask, struct arena *arena, struct run_list *list)
{
	if (ask->run)
		return list_one_run(db, ask, arena, list);
	if (ask->latest)
		return list_latest(db, ask, arena, list);
	PASS(list_runs_of(db, ask, arena, list));
	PASS(list_runless_slots(db, ask, arena, list));
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), newer_first);
	if (list->count > (size_t)bounded(ask->limit))
		list->count = (size_t)bounded(ask->limit);
	return NULL;
}

struct err *sqlite_list_runs(struct store *store, const void *request, struct arena *arena, void *out)
{
	cleanup(run_list_done) struct run_list list = {0};
	struct runs_reply *reply = out;

	TRY(gather_asked(sqlite_of(store), request, arena, &list), "list runs");
	reply->count = list.count;
	reply->rows = arena_alloc(arena, list.count * sizeof(*reply->rows));
	for (size_t i = 0; i < list.count; i++)
		reply->rows[i] = list.items[i].row;
	return NULL;
}

/* -- MESSAGES -------------------------------------------------------------------------------------- */

#define MESSAGE_COLUMNS                                                                                      \
	"id, run, job, channel, lane, kind, key, recipient, subject, content_type, state, reason, answer,"   \
	" provider_id, slot, attempts, created_ms, not_before_ms, expires_ms, ambiguous"

static void read_message(struct query *q, struct arena *arena, struct message_row *out)
{
	*out = (struct message_row){
	    .id = column_text(q, 0, arena),
	    .run = column_int(q, 1),
	    .job = column_text(q, 2, arena),
	    .channel = column_text(q, 3, arena),
	    .lane = column_text(q, 4, arena),
	    .kind = column_text(q, 5, arena),
	    .key = column_text(q, 6, arena),
	    .to = column_text(q, 7, arena),
	    .subject = column_text(q, 8, arena),
	    .content_type = column_text(q, 9, arena),
	    .state = column_text(q, 10, arena),
	    .reason = column_text(q, 11, arena),
	    .answer = column_text(q, 12, arena),
	    .provider_id = column_text(q, 13, arena),
	    .slot = column_int(q, 14),
	    .attempts = column_int(q, 15),
	    .created_ms = column_int(q, 16),
	    .next_ms = column_int(q, 17),
	    .expires_ms = column_int(q, 18),
	    .ambiguous = column_int(q, 19),
	};
	if (strcmp(out->state, "queued") && strcmp(out->state, "retrying"))
		out->next_ms = 0;
}

static struct err *show_message(
    struct sqlite *db, const char *id, struct arena *arena, struct messages_reply *reply)
{
	const char *whole_id;

	PASS(sqlite_resolve_id(db, id, arena, &whole_id));

	struct query q =
	    query(db, "SELECT " MESSAGE_COLUMNS
	              ", payload FROM messages LEFT JOIN payloads ON message = seq WHERE id = ?");

	bind_text(&q, whole_id);
	reply->rows = arena_alloc(arena, sizeof(*reply->rows));
	if (query_row(&q)) {
		reply->count = 1;
		read_message(&q, arena, reply->rows);
		reply->rows->payload = column_bytes(&q, 20, arena, &reply->rows->payload_length);
	}
	return query_done(&q);
}

static struct query messages_query(struct sqlite *db, const struct messages_ask *ask)
{
	struct query q = ask->run
	                     ? query(db, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE run = ?5"
	                                 " AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR channel = ?2)"
	                                 " AND created_ms >= ?3 AND ended_ms >= ?6 ORDER BY seq DESC LIMIT ?4")
	                     : query(db, "SELECT " MESSAGE_COLUMNS " FROM messages"
	                                 " WHERE ?5 = 0 AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR channel = ?2)"
	                                 " AND created_ms >= ?3 AND ended_ms >= ?6 ORDER BY seq DESC LIMIT ?4");

	bind_text(&q, ask->state);
	bind_text(&q, ask->channel);
	bind_int(&q, ask->since_ms);
	bind_int(&q, bounded(ask->limit));
	bind_int(&q, ask->run);
	bind_int(&q, ask->ended_since_ms);
	return q;
}

static struct err *page_messages(
    struct sqlite *db, const struct messages_ask *ask, struct arena *arena, struct messages_reply *reply)
{
	struct query q = messages_query(db, ask);
	struct message_row *rows = NULL;
	size_t count = 0, capacity = 0;

	while (query_row(&q)) {
		mem_grow(rows, count, capacity);
		read_message(&q, arena, &rows[count++]);
	}
	reply->count = count;
	reply->rows = arena_take(arena, rows, count * sizeof(*rows));
	return query_done(&q);
}

struct err *sqlite_list_messages(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct messages_ask *ask = request;
	struct messages_reply *reply = out;

	*reply = (struct messages_reply){0};
	if (ask->id)
		return show_message(sqlite_of(store), ask->id, arena, reply);
	TRY(page_messages(sqlite_of(store), ask, arena, reply), "list messages");
	return NULL;
}

/* -- COUNTS ---------------------------------------------------------------------------------------- */

/* Each part stays within a partial index: the ended messages of a month are not walked. */
#define COUNT_COLUMNS "SELECT channel, state, count(*), min(created_ms) FROM messages "

struct err *sqlite_counts(struct store *store, const void *request, struct arena *arena, void *out)
{
	struct counts_reply *reply = out;
	struct query q = query(sqlite_of(store), COUNT_COLUMNS
	    "WHERE state IN ('queued','retrying') GROUP BY channel, state UNION ALL " COUNT_COLUMNS
	    "WHERE state = 'sending' GROUP BY channel UNION ALL " COUNT_COLUMNS
	    "WHERE state IN ('dead','ambiguous','discarded') GROUP BY channel, state");
	struct count_row *rows = NULL;
	size_t count = 0, capacity = 0;

	(void)request;
	while (query_row(&q)) {
		const char *state = column_text(&q, 1, arena);

		mem_grow(rows, count, capacity);
		rows[count++] = (struct count_row){
		    .channel = column_text(&q, 0, arena),
		    .state = state,
		    .unfinished =
		        !strcmp(state, "queued") || !strcmp(state, "retrying") || !strcmp(state, "sending"),
		    .messages = column_int(&q, 2),
		    .oldest_ms = column_int(&q, 3),
		};
	}
	reply->count = count;
	reply->rows = arena_take(arena, rows, count * sizeof(*rows));
	return query_done(&q);
}
