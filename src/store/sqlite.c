/* SPDX-License-Identifier: MIT */
/* The SQLite backend: opening, batches and marks, and the table of its verbs. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

/*
 * Locks and shared memory of the write-ahead log do not work across machines; a store there is damaged
 * sooner or later. Numbers of linux/magic.h and of the kernel's own sources.
 */
static const struct {
	unsigned long type;
	const char *name;
} network_filesystems[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB"},
    {0x5346414f, "AFS"},
    {0x00c36400, "Ceph"},
};

struct err *sqlite_refuse_network(const char *folder, unsigned long type)
{
	for (size_t i = 0; i < ARRAY_SIZE(network_filesystems); i++)
		if ((type & 0xffffffff) == network_filesystems[i].type)
			return ERR(ERR_CONFIG, "%s is on %s: the store needs a local disk", folder,
			    network_filesystems[i].name);
	return NULL;
}

static struct err *refuse_network(const char *folder)
{
	struct statfs fs;

	if (statfs(folder, &fs))
		return ERR(ERR_CONFIG, "%s: %s", folder, strerror(errno));
	return sqlite_refuse_network(folder, (unsigned long)fs.f_type);
}

static struct err *make_folder(const char *folder)
{
	cleanup(free_text) char *path = mem_copy(folder);

	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0750) && errno != EEXIST)
			return ERR(ERR_PERMANENT, "make folder %s: %s", path, strerror(errno));
		*at = '/';
	}
	if (mkdir(path, 0750) && errno != EEXIST)
		return ERR(ERR_PERMANENT, "make folder %s: %s", path, strerror(errno));
	return NULL;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_copy(".");
	return slash == path ? mem_copy("/") : mem_copy_n(path, (size_t)(slash - path));
}

/* SQLite would make the file readable for all; its log files take over this one's mode. */
static struct err *make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return ERR(ERR_PERMANENT, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return ERR(ERR_CONFIG, "%s: is not a regular file", path);
	}
	close(fd);
	return NULL;
}

static struct err *prepare_file(const char *path, enum store_mode mode)
{
	cleanup(free_text) char *folder = folder_of(path);

	if (mode == STORE_READ) {
		if (access(path, F_OK))
			return ERR(ERR_CONFIG, "there is no store yet (%s)", strerror(errno));
		return refuse_network(folder);
	}
	PASS(make_folder(folder));
	PASS(refuse_network(folder));
	return make_file(path);
}

static const char writer_settings[] = "PRAGMA journal_mode = WAL;"
                                      "PRAGMA synchronous = FULL;"
                                      "PRAGMA journal_size_limit = 67108864;"
                                      "PRAGMA wal_autocheckpoint = 4000;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA cache_size = -8192";

/* Holds from the first table on, for ever. Three payloads of usual size fit into 8 KiB. */
static const char file_settings[] = "PRAGMA page_size = 8192";

static struct err *set_up_writer(struct sqlite *db, int64_t now_ms)
{
	PASS(sqlite_execute(db, file_settings));
	PASS(sqlite_execute(db, writer_settings));
	PASS(sqlite_migrate(db, now_ms));

	struct query q = query(db, "SELECT coalesce(max(id), 0) FROM runs");

	if (query_row(&q))
		db->runs_before = column_int(&q, 0);
	return query_done(&q);
}

static struct err *refuse_older(struct sqlite *db)
{
	struct query q = query(db, "SELECT max(version) FROM schema_version");
	int64_t version = 0;

	if (query_row(&q))
		version = column_int(&q, 0);
	PASS(query_done(&q));
	if (version < sqlite_schema_newest())
		return ERR(ERR_CONFIG, "%s: is of an older bmad: start the daemon once", db->path);
	return NULL;
}

/*
 * One thread and no accounting of memory, and more of the small allocations from the connection's own pool:
 * a sixth of the time of a verb. Refused, to no harm, where SQLite is in use already.
 */
static void tune_library(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 1000);
}

/*
 * SQLite tells only that it could not open a file. Which one, and why: a reader too needs the write-ahead log
 * and its shared memory beside the store, and makes them where no daemon has. E is taken.
 */
static struct err *explain_unopened(const struct sqlite *db, struct err *e)
{
	cleanup(free_text) char *folder = folder_of(db->path);
	int code = sqlite3_errcode(db->connection) & 0xff;
	struct err *why = NULL;

	if (!e || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
		return e;
	if (access(db->path, R_OK))
		why = ERR(ERR_PERMANENT, "%s: %s", db->path, strerror(errno));
	else if (access(folder, W_OK))
		why = ERR(ERR_PERMANENT, "%s: cannot be opened without a file %s-shm, which cannot be made: %s",
		    db->path, db->path, strerror(errno));
	if (!why)
		return e;
	err_destroy(e);
	return why;
}

static struct err *connect_file(struct sqlite *db, enum store_mode mode)
{
	int flags = (mode == STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
	int code = sqlite3_open_v2(db->path, &db->connection, flags, NULL);

	if (code != SQLITE_OK)
		return explain_unopened(db, sqlite_fault(db, code, NULL));
	sqlite3_extended_result_codes(db->connection, 1);
	sqlite3_busy_timeout(db->connection, BUSY_TIMEOUT_MS);
	return explain_unopened(db, sqlite_check_schema(db));
}

static struct err *connect_store(struct sqlite *db, enum store_mode mode, int64_t now_ms)
{
	PASS(connect_file(db, mode));
	return mode == STORE_READ ? refuse_older(db) : set_up_writer(db, now_ms);
}

static void disconnect(struct sqlite *db)
{
	sqlite_forget_statements(db);
	sqlite3_close(db->connection);
	sqlite_sweep_done(&db->sweep);
	free(db->path);
	free(db);
}

static struct err *prepare(const char *where, enum store_mode mode, struct sqlite **out_db)
{
	if (!*where)
		return ERR(ERR_CONFIG, "expected a path after sqlite:");
	PASS(prepare_file(where, mode));
	tune_library();
	*out_db = mem_alloc(sizeof(**out_db));
	(*out_db)->path = mem_copy(where);
	return NULL;
}

/* One statement reads all of it, and a reader of a store in WAL mode neither waits nor is waited for. */
static struct err *sqlite_copy(const char *where, const char *copy)
{
	struct sqlite *db;
	struct err *e;

	PASS(prepare(where, STORE_READ, &db));
	e = connect_file(db, STORE_READ);
	if (!e) {
		struct query q = query(db, "VACUUM INTO ?");

		bind_text(&q, copy);
		e = query_run(&q);
	}
	disconnect(db);
	return e;
}

static struct err *sqlite_open(struct store *store, const char *where, enum store_mode mode, int64_t now_ms)
{
	struct sqlite *db;
	struct err *e;

	PASS(prepare(where, mode, &db));
	e = connect_store(db, mode, now_ms);
	if (e) {
		disconnect(db);
		return e;
	}
	store->data = db;
	return NULL;
}

static void sqlite_close(struct store *store)
{
	disconnect(sqlite_of(store));
}

/* -- batches and marks ----------------------------------------------------------------------------- */

static struct err *run_sql(struct store *store, const char *sql)
{
	struct query q = query(sqlite_of(store), sql);

	return query_run(&q);
}

/*
 * A writer takes the write lock at once: found out later, a verb in the middle of a batch would fail of
 * it.
 */
static struct err *sqlite_begin(struct store *store)
{
	return run_sql(store, store->mode == STORE_READ ? "BEGIN" : "BEGIN IMMEDIATE");
}

static bool in_batch(struct store *store)
{
	return !sqlite3_get_autocommit(sqlite_of(store)->connection);
}

static void sqlite_abandon(struct store *store)
{
	if (in_batch(store))
		err_ignore(run_sql(store, "ROLLBACK"));
}

static struct err *sqlite_commit(struct store *store)
{
	struct err *e = run_sql(store, "COMMIT");

	if (e)
		sqlite_abandon(store);
	return e;
}

static struct err *sqlite_mark(struct store *store)
{
	return run_sql(store, "SAVEPOINT verb");
}

static struct err *sqlite_keep(struct store *store)
{
	return run_sql(store, "RELEASE verb");
}

static bool sqlite_undo(struct store *store)
{
	struct err *e;

	if (!in_batch(store))
		return false;
	e = run_sql(store, "ROLLBACK TO verb");
	if (!e)
		e = run_sql(store, "RELEASE verb");
	if (!e)
		return true;
	err_ignore(e);
	sqlite_abandon(store);
	return false;
}

const struct store_backend store_sqlite = {
    .scheme = "sqlite:",
    .open = sqlite_open,
    .close = sqlite_close,
    .copy = sqlite_copy,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .abandon = sqlite_abandon,
    .mark = sqlite_mark,
    .keep = sqlite_keep,
    .undo = sqlite_undo,
    .verbs =
        {
            [REQ_SCHEDULES] = sqlite_schedules,
            [REQ_CLAIM] = sqlite_claim,
            [REQ_START] = sqlite_start,
            [REQ_COMMIT] = sqlite_commit_run,
            [REQ_CLOSE] = sqlite_close_run,
            [REQ_STATE] = sqlite_state,
            [REQ_STATES] = sqlite_states,
            [REQ_SEND] = sqlite_send,
            [REQ_KEY] = sqlite_key,
            [REQ_WAIT] = sqlite_wait,
            [REQ_TAKE] = sqlite_take,
            [REQ_SETTLE] = sqlite_settle,
            [REQ_LANES] = sqlite_lanes,
            [REQ_RUNS] = sqlite_list_runs,
            [REQ_MESSAGES] = sqlite_list_messages,
            [REQ_OUTBOX] = sqlite_outbox,
            [REQ_COUNTS] = sqlite_counts,
            [REQ_PAUSE] = sqlite_pause,
            [REQ_PAUSED] = sqlite_paused,
        },
    .expire = sqlite_expire,
    .waiting_channels = sqlite_waiting_channels,
    .bury = sqlite_bury,
    .sweep = sqlite_sweep,
    .interrupt_runs = sqlite_interrupt_runs,
    .recover_messages = sqlite_recover_messages,
    .run_holders = sqlite_run_holders,
    .message_holders = sqlite_message_holders,
};
