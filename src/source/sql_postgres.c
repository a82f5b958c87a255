/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL as a source: `postgresql://USER@HOST/DATABASE` and whatever else libpq takes as a url.
 *
 * Rows come one by one (libpq's single-row mode), in text form. Nothing is kept prepared on the server and a
 * snapshot repeats the session's settings, so that snapshots read through a transaction pooler as they do
 * without one.
 */
#include "source/sql_postgres.h"

#include <string.h>

#include "source/source.h"

#define CONNECT_S 10 /* for each host, if the url does not say */

static struct postgres *postgres_of(const struct sql *db)
{
	return (struct postgres *)db;
}

/* -- statements -------------------------------------------------------------------------------------- */

static void finish(struct sql *base)
{
	struct postgres *db = postgres_of(base);

	PQclear(db->result);
	db->result = NULL;
	db->row = db->unread = false;
	db->written = NULL;
	positional_done(&db->sent);
	arena_done(&db->texts);
	if (db->conn && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		postgres_settle(db);
}

static void keep(struct postgres *db, PGresult *result, bool row)
{
	PQclear(db->result);
	db->result = result;
	db->row = row;
	db->unread = true;
}

/* The next row, the end of the rows, or that a statement without any is done. */
static struct err *advance(struct postgres *db)
{
	PGresult *result = NULL;
	struct err *e;

	PASS(postgres_take(db, &result));
	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
		keep(db, result, true);
		return NULL;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		keep(db, result, false);
		return NULL;
	case PGRES_EMPTY_QUERY:
		e = ERR(ERR_PERMANENT, "is empty");
		break;
	case PGRES_FATAL_ERROR:
		e = postgres_fault(db, result);
		break;
	default:
		e = ERR(ERR_PERMANENT, "is not a query: %s", PQresStatus(PQresultStatus(result)));
	}
	PQclear(result);
	return e;
}

/* What libpq is told of the parameters. */
struct bound {
	struct arena arena;
	Oid *types;
	const char **values;
	int count;
};

static void bound_done(struct bound *bound)
{
	arena_done(&bound->arena);
}

static void bound_make(const struct postgres *db, struct bound *out)
{
	size_t count = db->sent.count;

	out->count = (int)count;
	out->types = arena_alloc(&out->arena, count * sizeof(*out->types));
	out->values = arena_alloc(&out->arena, count * sizeof(*out->values));
	for (size_t i = 0; i < count; i++) {
		out->types[i] = postgres_type(&db->sent.params[i]->value);
		out->values[i] = postgres_text(&db->sent.params[i]->value, &out->arena);
	}
}

static struct err *run_statement(struct postgres *db)
{
	cleanup(bound_done) struct bound bound = {.count = 0};

	bound_make(db, &bound);
	if (!PQsendQueryParams(
	        db->conn, buf_text(&db->sent.text), bound.count, bound.types, bound.values, NULL, NULL, 0) ||
	    !PQsetSingleRowMode(db->conn))
		return postgres_fault(db, NULL);
	PASS(postgres_flush(db));
	return advance(db);
}

/* The server's unnamed statement, which the next one replaces. */
static struct err *describe_statement(struct postgres *db)
{
	cleanup(bound_done) struct bound bound = {.count = 0};

	bound_make(db, &bound);
	if (!PQsendPrepare(db->conn, "", buf_text(&db->sent.text), bound.count, bound.types))
		return postgres_fault(db, NULL);
	PASS(postgres_flush(db));
	PASS(postgres_take_all(db));
	if (!PQsendDescribePrepared(db->conn, ""))
		return postgres_fault(db, NULL);
	PASS(postgres_flush(db));
	return advance(db);
}

static struct err *start(struct postgres *db, const char *text, const struct sql_param *params, size_t count,
    struct err *(*go)(struct postgres *db))
{
	struct err *e;

	db->notices = 0;
	e = positional_make(text, params, count, &db->sent);
	if (!e)
		e = postgres_connect(db);
	db->written = text;
	if (!e)
		e = go(db);
	if (e)
		finish(&db->base);
	db->written = NULL; /* the caller's, for as long as this call */
	return e;
}

static struct err *query(struct sql *base, const char *text, const struct sql_param *params, size_t count)
{
	return start(postgres_of(base), text, params, count, run_statement);
}

static struct err *try_query(struct sql *base, const char *text, const struct sql_param *params, size_t count)
{
	return start(postgres_of(base), text, params, count, describe_statement);
}

/* -- rows -------------------------------------------------------------------------------------------- */

static struct err *next(struct sql *base, bool *out_row)
{
	struct postgres *db = postgres_of(base);

	arena_done(&db->texts);
	if (!db->unread)
		PASS(advance(db));
	db->unread = !db->row; /* the end may be asked for again */
	*out_row = db->row;
	return NULL;
}

static size_t columns(const struct sql *base)
{
	return (size_t)PQnfields(postgres_of(base)->result);
}

static const char *column_name(const struct sql *base, size_t column)
{
	const char *name = PQfname(postgres_of(base)->result, (int)column);

	return name ? name : "?";
}

static struct sql_cell cell(const struct sql *base, size_t column)
{
	struct postgres *db = postgres_of(base);
	int index = (int)column;

	if (PQgetisnull(db->result, 0, index))
		return (struct sql_cell){.type = SQL_NULL};
	return postgres_cell(PQftype(db->result, index), PQgetvalue(db->result, 0, index),
	    (size_t)PQgetlength(db->result, 0, index), &db->texts);
}

/* -- snapshots --------------------------------------------------------------------------------------- */

/* The snapshot is taken by the first query after it. */
static struct err *begin(struct sql *base)
{
	struct postgres *db = postgres_of(base);
	cleanup(buf_done) struct buf commands = {0};

	db->notices = 0;
	PASS(postgres_connect(db));
	buf_format(
	    &commands, "begin isolation level repeatable read%s; ", db->source->writable ? "" : " read only");
	postgres_settings(db, "set local", &commands);
	PASS(postgres_execute(db, commands.text));
	db->snapshot = true;
	return NULL;
}

/* The server answers a commit of what has failed as if all were well. */
static struct err *end(struct sql *base)
{
	struct postgres *db = postgres_of(base);
	bool failed = db->conn && PQtransactionStatus(db->conn) == PQTRANS_INERROR;

	PASS(postgres_connect(db));
	db->snapshot = false;
	PASS(postgres_execute(db, failed ? "rollback" : "commit"));
	if (failed && db->source->writable)
		return ERR(ERR_PERMANENT, "a statement failed: nothing was written");
	return NULL;
}

static void rollback(struct sql *base)
{
	struct postgres *db = postgres_of(base);

	db->snapshot = false;
	postgres_rollback(db);
}

/* -- the connection ---------------------------------------------------------------------------------- */

static bool usable(const struct sql *base)
{
	const struct postgres *db = postgres_of(base);

	return !db->lost && (!db->conn || PQstatus(db->conn) == CONNECTION_OK);
}

static void close_postgres(struct sql *base)
{
	struct postgres *db = postgres_of(base);

	finish(base);
	PQfinish(db->conn);
	free(db);
}

static const struct sql_driver driver = {
    .begin = begin,
    .end = end,
    .query = query,
    .try_query = try_query,
    .next = next,
    .columns = columns,
    .column_name = column_name,
    .cell = cell,
    .finish = finish,
    .rollback = rollback,
    .usable = usable,
    .close = close_postgres,
};

/* What libpq quotes of a url may be the password. */
static struct err *wrong_url(char *fault)
{
	cleanup(buf_done) struct buf text = {0};

	if (fault)
		postgres_one_line(&text, fault);
	PQfreemem(fault);
	size_t length = strcspn(buf_text(&text), "\"");
	return ERR(ERR_CONFIG, "url: not as PostgreSQL has it: %.*s", (int)length, buf_text(&text));
}

static const char *part_of(const PQconninfoOption *parts, const char *name)
{
	for (; parts->keyword; parts++)
		if (!strcmp(parts->keyword, name))
			return parts->val;
	return NULL;
}

/* libpq tries one host after the other. */
static int64_t hosts_in(const char *list)
{
	int64_t hosts = 1;

	while (list && (list = strchr(list, ','))) {
		hosts++;
		list++;
	}
	return hosts;
}

static struct err *read_url(const char *url, int64_t *out_connect_ms)
{
	char *fault = NULL;
	PQconninfoOption *parts = PQconninfoParse(url, &fault);

	if (!parts)
		return wrong_url(fault);
	const char *limit = part_of(parts, "connect_timeout");
	int64_t seconds = limit ? strtol(limit, NULL, 10) : CONNECT_S;
	*out_connect_ms =
	    seconds > 0 && seconds < 100000 ? seconds * 1000 * hosts_in(part_of(parts, "host")) : 0;
	PQconninfoFree(parts);
	return NULL;
}

static struct err *open_postgres(const struct conf_source *source, struct sql **out_db)
{
	int64_t connect_ms = 0;

	PASS(read_url(source->url.hidden, &connect_ms));
	struct postgres *db = mem_alloc(sizeof(*db));
	db->source = source;
	db->connect_ms = connect_ms;
	sql_init(&db->base, &driver, source);
	*out_db = &db->base;
	return NULL;
}

#define SUMMARY "a PostgreSQL database: postgresql://USER@HOST/DATABASE"

const struct source_type source_postgresql = {
    .name = "postgresql",
    .scheme = "postgresql://",
    .summary = SUMMARY,
    .open = open_postgres,
};

const struct source_type source_postgres = {
    .name = "postgresql",
    .scheme = "postgres://",
    .summary = SUMMARY,
    .open = open_postgres,
};
