/* SPDX-License-Identifier: MIT */
/*
 * The tables of the SQLite store, as steps from one version of the schema to the next.
 *
 * A step that was released never changes; a new version is a new step. Whole numbers that are not set are
 * 0, so that no query has to think of NULL; texts may be NULL. Times end in _ms (wall clock), `due`,
 * `first`, `since`, `slot` and `expires` of job state are seconds.
 */
#include "store/sqlite.h"

#define APPLICATION_ID  0x626d6164 /* "bmad", so that somebody else's database is not taken for ours */
#define TO_TEXT(value)  #value
#define EXPANDED(value) TO_TEXT(value)

static const char version_1[] =
    "CREATE TABLE schedules ("
    " job TEXT PRIMARY KEY,"
    " fingerprint TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " accounted_until INTEGER NOT NULL,"
    " paused_until INTEGER NOT NULL DEFAULT 0"
    ") STRICT, WITHOUT ROWID;"

    /* A slot in `claimed` whose run is 0 waits to be claimed again; `attempt` counts the runs it had. */
    "CREATE TABLE slots ("
    " job TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " due INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('claimed','running','ok','failed','missed','skipped')),"
    " reason TEXT,"
    " trigger INTEGER NOT NULL,"
    " run INTEGER NOT NULL DEFAULT 0,"
    " attempt INTEGER NOT NULL DEFAULT 0,"
    " instance TEXT NOT NULL,"
    " first INTEGER NOT NULL DEFAULT 0," /* a missed one stands for `slots`, from here */
    " slots INTEGER NOT NULL DEFAULT 1,"
    " recorded_ms INTEGER NOT NULL,"
    " PRIMARY KEY (job, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX slots_without_run ON slots (recorded_ms) WHERE run = 0;"
    "CREATE INDEX slots_open ON slots (job, due) WHERE run = 0 AND state = 'claimed';"

    /* An id is never used twice: who remembers one must not mistake another run for it. */
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " job TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " due INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " trigger INTEGER NOT NULL,"
    " restartable INTEGER NOT NULL,"
    " instance TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('claimed','running','ok','failed')),"
    " reason TEXT,"
    " claimed_ms INTEGER NOT NULL,"
    " started_ms INTEGER NOT NULL DEFAULT 0,"
    " ended_ms INTEGER NOT NULL DEFAULT 0,"
    " messages INTEGER NOT NULL DEFAULT 0,"
    " error TEXT," /* JSON: kind, message, frames */
    " report TEXT" /* JSON: what the job reported, name to number */
    ") STRICT;"
    "CREATE INDEX runs_job ON runs (job, id);"
    "CREATE INDEX runs_open ON runs (job) WHERE state IN ('claimed','running');"

    "CREATE TABLE messages ("
    " seq INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " run INTEGER NOT NULL,"
    " job TEXT NOT NULL,"
    " slot INTEGER NOT NULL,"
    " channel TEXT NOT NULL,"
    " lane TEXT NOT NULL,"
    " kind TEXT,"
    " key TEXT,"
    " recipient TEXT NOT NULL,"
    " subject TEXT,"
    " content_type TEXT,"
    " severity INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN"
    "  ('queued','sending','retrying','delivered','ambiguous','dead','suppressed','discarded')),"
    " reason TEXT,"
    " answer TEXT,"
    " provider_id TEXT,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " ambiguous INTEGER NOT NULL DEFAULT 0,"
    " by_hand INTEGER NOT NULL DEFAULT 0," /* the command that made it prints it itself */
    " taker TEXT,"
    " created_ms INTEGER NOT NULL,"
    " not_before_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL DEFAULT 0,"
    " ended_ms INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX messages_run ON messages (run);"
    "CREATE INDEX messages_due ON messages (channel, not_before_ms)"
    " WHERE state IN ('queued','retrying');"
    "CREATE INDEX messages_expiry ON messages (expires_ms)"
    " WHERE state IN ('queued','retrying') AND expires_ms > 0;"
    "CREATE INDEX messages_lane ON messages (channel, lane, seq)"
    " WHERE lane <> '' AND state IN ('queued','retrying','sending');"
    "CREATE INDEX messages_taken ON messages (taker) WHERE state = 'sending';"
    "CREATE INDEX messages_ended ON messages (ended_ms) WHERE ended_ms > 0;"
    "CREATE INDEX messages_trouble ON messages (state, seq) WHERE state IN ('dead','ambiguous','discarded');"

    /* Apart from the rows, so that taking and settling a message does not write its payload again. */
    "CREATE TABLE payloads ("
    " message INTEGER PRIMARY KEY,"
    " payload BLOB NOT NULL"
    ") STRICT;"

    /* `until_ms` is set when the message is swept: the key outlives it, with the state it ended in. */
    "CREATE TABLE keys ("
    " channel TEXT NOT NULL,"
    " recipient TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " message TEXT NOT NULL,"
    " run INTEGER NOT NULL,"
    " state TEXT,"
    " until_ms INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (channel, recipient, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX keys_until ON keys (until_ms) WHERE until_ms > 0;"

    "CREATE TABLE state ("
    " job TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " value TEXT NOT NULL," /* JSON */
    " expires INTEGER NOT NULL,"
    " written_ms INTEGER NOT NULL,"
    " PRIMARY KEY (job, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX state_expiry ON state (expires) WHERE expires > 0;"

    "CREATE TABLE lanes ("
    " channel TEXT PRIMARY KEY,"
    " value TEXT NOT NULL" /* the sender's own JSON */
    ") STRICT, WITHOUT ROWID;";

/* Retries: how many runs of a slot failed (interruptions do not count), and when it may be claimed again. */
static const char version_2[] =
    "ALTER TABLE slots ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE slots ADD COLUMN not_before_ms INTEGER NOT NULL DEFAULT 0;";

/*
 * Messages that go before others. Stand-ins of messages, and which channels divert to them. A stand-in belongs to `message`, which is one or is
 * itself still a stand-in; `due_ms` is set while it is one.
 */
static const char version_3[] =
    "ALTER TABLE messages ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX messages_urgent ON messages (channel, not_before_ms)"
    " WHERE urgent = 1 AND state IN ('queued','retrying');"
    "ALTER TABLE messages ADD COLUMN standby INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN successor TEXT;"
    "ALTER TABLE lanes ADD COLUMN divert_until_ms INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE standbys ("
    " message TEXT NOT NULL,"
    " id TEXT NOT NULL UNIQUE,"
    " channel TEXT NOT NULL,"
    " lane TEXT NOT NULL,"
    " kind TEXT,"
    " key TEXT,"
    " recipient TEXT NOT NULL,"
    " subject TEXT,"
    " content_type TEXT,"
    " severity INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL,"
    " after_ms INTEGER NOT NULL,"
    " due_ms INTEGER NOT NULL,"
    " payload BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX standbys_message ON standbys (message);"
    "CREATE INDEX standbys_due ON standbys (due_ms) WHERE due_ms > 0;"
    "CREATE INDEX messages_standby ON messages (channel)"
    " WHERE standby = 1 AND state IN ('queued','retrying');"
    "CREATE INDEX lanes_divert ON lanes (divert_until_ms) WHERE divert_until_ms > 0;";

/* Messages that are never sent a second time by themselves once they may have arrived. */
static const char version_4[] = "ALTER TABLE messages ADD COLUMN once INTEGER NOT NULL DEFAULT 0;";

/* steps[n] leads from version n to n + 1. */
static const char *const steps[] = {version_1, version_2, version_3, version_4};

int64_t sqlite_schema_newest(void)
{
	return (int64_t)ARRAY_SIZE(steps);
}

static struct err *read_number(struct sqlite *db, const char *sql, int64_t *out_number)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->connection, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*out_number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	if (code == SQLITE_NOTADB)
		return ERR(ERR_CONFIG, "%s: is not a database", db->path);
	return code == SQLITE_ROW ? NULL : sqlite_fault(db, code, NULL);
}

/* 0: an empty database. */
static struct err *read_version(struct sqlite *db, int64_t *out_version)
{
	int64_t tables = 0, application = 0;

	PASS(read_number(db, "SELECT count(*) FROM sqlite_schema", &tables));
	*out_version = 0;
	if (!tables)
		return NULL;
	PASS(read_number(db, "PRAGMA application_id", &application));
	if (application != APPLICATION_ID)
		return ERR(ERR_CONFIG, "%s: is a database, but not a store of bmad", db->path);
	return read_number(db, "SELECT max(version) FROM schema_version", out_version);
}

struct err *sqlite_check_schema(struct sqlite *db)
{
	int64_t version = 0, newest = sqlite_schema_newest();

	PASS(read_version(db, &version));
	if (version > newest)
		return ERR(ERR_CONFIG,
		    "%s: has schema version %lld, this bmad knows up to %lld: it was written by a newer bmad",
		    db->path, (long long)version, (long long)newest);
	return NULL;
}

static struct err *take_step(struct sqlite *db, int64_t version, int64_t now_ms)
{
	cleanup(free_text) char *record = mem_format(
	    "INSERT INTO schema_version VALUES (%lld, %lld)", (long long)version + 1, (long long)now_ms);

	if (version == 0)
		PASS(sqlite_execute(db,
		    "PRAGMA application_id = " EXPANDED(
		        APPLICATION_ID) ";"
		                        "CREATE TABLE schema_version ("
		                        " version INTEGER PRIMARY KEY, since_ms INTEGER NOT NULL) STRICT"));
	PASS(sqlite_execute(db, steps[version]));
	return sqlite_execute(db, record);
}

/* All steps in one transaction: an interrupted migration did not happen. */
struct err *sqlite_migrate(struct sqlite *db, int64_t now_ms)
{
	int64_t version = 0, newest = sqlite_schema_newest();
	struct err *e = NULL;

	PASS(read_version(db, &version));
	if (version == newest)
		return NULL;
	PASS(sqlite_execute(db, "BEGIN IMMEDIATE"));
	for (int64_t from = version; from < newest && !e; from++)
		e = ERR_AT(
		    take_step(db, from, now_ms), "bring the schema to version %lld", (long long)from + 1);
	if (!e)
		e = sqlite_execute(db, "COMMIT");
	if (e)
		err_ignore(sqlite_execute(db, "ROLLBACK"));
	return e;
}
