/* SPDX-License-Identifier: MIT */
/*
 * The connection to a PostgreSQL server: all waiting is here, in poll(), so that deadlines hold and SIGTERM
 * is noticed. (PQexec() and PQconnectdb() go on waiting after a signal.)
 *
 * Only the look-up of the host's name is libpq's own affair and as slow as the resolver.
 */
#include "source/sql_postgres.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#define LOOK_MS     200  /* between two looks at `cancel`: a signal may come just before poll() */
#define PATIENCE_MS 1000 /* for the end of a statement that nobody wants any more */
#define PAUSE_MS    20
#define READ_MS     5 /* what a read that found something counts for: without end there may be many */

/* -- waiting ----------------------------------------------------------------------------------------- */

static int time_to_look(const struct postgres *db)
{
	int64_t left;

	if (!db->base.now)
		return LOOK_MS;
	left = db->base.statement_deadline.ms - db->base.now().ms;
	return left <= 0 ? 0 : left < LOOK_MS ? (int)left : LOOK_MS;
}

/* Waits until the socket is ready for EVENTS; false when time is up. */
static bool await(const struct postgres *db, short events)
{
	for (;;) {
		struct pollfd socket = {.fd = PQsocket(db->conn), .events = events};

		if (sql_expired(&db->base))
			return false;
		if (socket.fd < 0)
			return true; /* broken, as the next read will tell */
		if (poll(&socket, 1, time_to_look(db)) > 0)
			return true;
	}
}

struct err *postgres_flush(struct postgres *db)
{
	for (;;) {
		int left = PQflush(db->conn);

		if (!left)
			return NULL;
		/* The server may have to say something before it reads on. */
		if (left < 0 || !await(db, POLLIN | POLLOUT) || !PQconsumeInput(db->conn))
			return postgres_fault(db, NULL);
	}
}

struct err *postgres_take(struct postgres *db, PGresult **out_result)
{
	while (PQisBusy(db->conn))
		if (!await(db, POLLIN) || !PQconsumeInput(db->conn))
			return postgres_fault(db, NULL);
	*out_result = PQgetResult(db->conn);
	return NULL;
}

struct err *postgres_take_all(struct postgres *db)
{
	struct err *first = NULL;

	for (;;) {
		PGresult *result = NULL;
		struct err *e = postgres_take(db, &result);

		if (!e && !result)
			return first;
		if (!e && PQresultStatus(result) == PGRES_FATAL_ERROR)
			e = postgres_fault(db, result);
		PQclear(result);
		if (!e)
			continue;
		if (first)
			err_ignore(e);
		else
			first = e;
		if (PQstatus(db->conn) != CONNECTION_OK || sql_expired(&db->base))
			return first;
	}
}

struct err *postgres_execute(struct postgres *db, const char *commands)
{
	struct err *e = PQsendQuery(db->conn, commands) ? postgres_flush(db) : postgres_fault(db, NULL);

	if (!e)
		e = postgres_take_all(db);
	if (e)
		postgres_settle(db);
	return e;
}

/* -- ending what is under way ------------------------------------------------------------------------ */

static void abandon(struct postgres *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->lost = true;
}

/* Throws away results that have come. 1: the statement is over; 0: more is to come; -1: it cannot be ended.
 */
static int discard(PGconn *conn)
{
	while (!PQisBusy(conn)) {
		PGresult *result = PQgetResult(conn);
		ExecStatusType status = PQresultStatus(result);

		if (!result)
			return 1;
		PQclear(result);
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
			return -1;
	}
	return 0;
}

/* Reads on for about PATIENCE_MS, whatever the deadline; the connection may be gone afterwards. */
static bool drain(PGconn *conn, int patience_ms)
{
	for (;;) {
		struct pollfd socket = {.fd = PQsocket(conn), .events = POLLIN};
		int over = PQflush(conn) < 0 ? -1 : discard(conn);

		if (over || patience_ms <= 0)
			return over > 0 && PQstatus(conn) == CONNECTION_OK;
		patience_ms -= poll(&socket, 1, PAUSE_MS) > 0 ? READ_MS : PAUSE_MS;
		if (!PQconsumeInput(conn))
			return false;
	}
}

/* On a connection of its own; tcp_user_timeout bounds how long it may take. */
static void cancel(PGconn *conn)
{
	PGcancel *request = PQgetCancel(conn);
	char fault[256];

	if (request)
		PQcancel(request, fault, sizeof(fault)); /* if it fails the drain will, too */
	PQfreeCancel(request);
}

/*
 * A result that was not read to its end is mostly a short one, and to cancel it would break a snapshot:
 * so it is read first, unless its time is over.
 */
void postgres_settle(struct postgres *db)
{
	if (!db->conn)
		return;
	if (drain(db->conn, sql_expired(&db->base) ? 0 : PATIENCE_MS))
		return;
	if (PQstatus(db->conn) == CONNECTION_OK) {
		cancel(db->conn);
		if (drain(db->conn, PATIENCE_MS))
			return;
	}
	abandon(db);
}

void postgres_rollback(struct postgres *db)
{
	if (db->conn && PQtransactionStatus(db->conn) == PQTRANS_ACTIVE)
		postgres_settle(db);
	if (!db->conn || PQtransactionStatus(db->conn) == PQTRANS_IDLE)
		return;
	if (!PQsendQuery(db->conn, "rollback") || !drain(db->conn, PATIENCE_MS))
		abandon(db);
}

/* -- connecting -------------------------------------------------------------------------------------- */

static PGconn *start(const struct postgres *db)
{
	/* What stands before the url may be set otherwise in it. */
	const char *const keys[] = {
	    "fallback_application_name", "tcp_user_timeout", "dbname", "client_encoding", "password", NULL};
	const char *const values[] = {
	    "bmad", "10000", db->source->url.hidden, "UTF8", db->source->password.hidden, NULL};

	return PQconnectStartParams(keys, values, 1);
}

static struct err *too_slow(const struct postgres *db)
{
	char limit[TIME_TEXT];

	if ((db->base.cancel && *db->base.cancel) || db->base.statement_deadline.ms >= db->base.deadline.ms)
		return sql_expiry(&db->base);
	return ERR(ERR_TEMPORARY, "no connection within %s (connect_timeout)",
	    duration_format(db->connect_ms / 1000, limit));
}

static struct err *await_connection(struct postgres *db)
{
	PostgresPollingStatusType state =
	    PQstatus(db->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK) {
		if (state == PGRES_POLLING_FAILED)
			return postgres_fault(db, NULL);
		if (!await(db, state == PGRES_POLLING_READING ? POLLIN : POLLOUT))
			return too_slow(db);
		state = PQconnectPoll(db->conn);
	}
	return NULL;
}

/* A statement's time begins when there is a connection; until then connect_timeout holds. */
static struct err *connect_in_time(struct postgres *db)
{
	struct sql *base = &db->base;
	int64_t statement_end = base->statement_deadline.ms;
	int64_t begin = base->now ? base->now().ms : 0;
	struct err *e;

	base->statement_deadline = base->deadline;
	if (db->connect_ms && db->connect_ms < base->deadline.ms - begin)
		base->statement_deadline.ms = begin + db->connect_ms;
	e = await_connection(db);
	int64_t took = base->now ? base->now().ms - begin : 0;
	base->statement_deadline = base->deadline;
	if (statement_end < base->deadline.ms - took)
		base->statement_deadline.ms = statement_end + took;
	return e;
}

static void add_name(struct buf *out, const char *name)
{
	buf_add_char(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_add_char(out, '"');
		buf_add_char(out, *name);
	}
	buf_add_char(out, '"');
}

void postgres_settings(const struct postgres *db, const char *verb, struct buf *out)
{
	int64_t timeout = db->base.statement_timeout_ms < INT_MAX ? db->base.statement_timeout_ms : INT_MAX;

	buf_format(
	    out, "%s datestyle = 'ISO'; %s timezone = 'UTC'; %s bytea_output = 'hex'", verb, verb, verb);
	buf_format(out, "; %s statement_timeout = %lld", verb, (long long)timeout);
	buf_format(out, "; %s default_transaction_read_only = %s", verb, db->source->writable ? "off" : "on");
	if (db->source->schema) {
		buf_format(out, "; %s search_path = ", verb);
		add_name(out, db->source->schema);
	}
}

/* A schema that is not there is no error to the server: it would only not find the tables. */
static struct err *check_schema(struct postgres *db)
{
	const char *schema = db->source->schema;
	PGresult *result = NULL;

	if (!PQsendQueryParams(db->conn, "select from pg_catalog.pg_namespace where nspname = $1", 1, NULL,
	        &schema, NULL, NULL, 0))
		return postgres_fault(db, NULL);
	PASS(postgres_flush(db));
	PASS(postgres_take(db, &result));
	struct err *e = PQresultStatus(result) == PGRES_TUPLES_OK ? NULL : postgres_fault(db, result);
	if (!e && !PQntuples(result))
		e = ERR(ERR_PERMANENT, "the database has no schema '%s'", schema);
	PQclear(result);
	return e ? e : postgres_take_all(db);
}

/* The server looks for itself whether anybody waits for the answer; not every platform can. */
static void set_check_interval(struct postgres *db)
{
	if (PQserverVersion(db->conn) >= 140000)
		err_ignore(postgres_execute(db, "set client_connection_check_interval = '5s'"));
}

static struct err *prepare_session(struct postgres *db)
{
	cleanup(buf_done) struct buf settings = {0};

	postgres_settings(db, "set", &settings);
	PASS(postgres_execute(db, settings.text));
	set_check_interval(db);
	if (!db->conn)
		return ERR(ERR_TEMPORARY, "the connection to the server was lost");
	return db->source->schema ? check_schema(db) : NULL;
}

/* What a server sends to an idle connection is news of settings, or that it ends it. */
static bool is_alive(PGconn *conn)
{
	struct pollfd socket = {.fd = PQsocket(conn), .events = POLLIN};

	if (PQstatus(conn) != CONNECTION_OK)
		return false;
	while (poll(&socket, 1, 0) > 0) {
		if (!PQconsumeInput(conn))
			return false;
		(void)PQisBusy(conn); /* takes in what was read */
	}
	return true;
}

static struct err *connect_anew(struct postgres *db)
{
	struct err *e;

	db->conn = start(db);
	db->lost = !db->conn;
	if (db->lost)
		return ERR(ERR_TEMPORARY, "out of memory");
	PQsetNoticeReceiver(db->conn, postgres_notice, db);
	e = connect_in_time(db);
	if (!e && PQsetnonblocking(db->conn, 1))
		e = postgres_fault(db, NULL);
	if (!e)
		e = prepare_session(db);
	if (e)
		abandon(db);
	return e;
}

struct err *postgres_connect(struct postgres *db)
{
	if (db->snapshot && (!db->conn || PQstatus(db->conn) != CONNECTION_OK))
		return ERR(ERR_TEMPORARY, "the connection to the server was lost, and the snapshot with it");
	if (db->conn && (db->snapshot || is_alive(db->conn)))
		return NULL;
	PQfinish(db->conn);
	TRY(connect_anew(db), "connect to the server");
	return NULL;
}
