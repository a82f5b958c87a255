/* SPDX-License-Identifier: MIT */
/* How commands reach the store. */
#include "cli/store_access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/lock.h"
#include "request/link.h"
#include "store/process.h"

#define PATIENCE_MS 3000
#define COUNT_MAX   100000

bool store_access_there(const struct conf *conf)
{
	const char *colon = strchr(conf->daemon.store, ':');

	return !colon || colon[1] != '/' || !access(colon + 1, F_OK);
}

struct err *store_access_read(const struct conf *conf, struct store_client **out_client)
{
	struct store *store;

	PASS(store_open(conf->daemon.store, STORE_READ, wall_ms(), &store));
	*out_client = store_client_local(store);
	return NULL;
}

static bool somebody_serves(const char *socket_path)
{
	int fd;
	struct err *e = socket_connect(socket_path, &fd);

	if (!e)
		close(fd);
	err_ignore(e);
	return !e;
}

static struct err *open_locked(
    const struct conf *conf, struct arena *arena, struct store_client **out_client, int *out_lock)
{
	struct lock_holder holder = {0};
	struct store *store;
	struct err *e;

	PASS(lock_try(store_lock_path(conf->daemon.store, arena), "once", out_lock, &holder));
	if (*out_lock < 0)
		return ERR(ERR_TEMPORARY, "process %d has the store %s, but does not serve it now: try again",
		    (int)holder.pid, conf->daemon.store);
	e = store_open(conf->daemon.store, STORE_WRITE, wall_ms(), &store);
	if (e) {
		close(*out_lock);
		return e;
	}
	*out_client = store_client_local(store);
	return NULL;
}

/* Nothing is changed in a store that is not there: it would only be made. */
static struct err *check_there(const struct conf *conf)
{
	struct store_client *reader;

	PASS(store_access_read(conf, &reader));
	store_client_destroy(reader);
	return NULL;
}

struct err *store_access_write(const struct conf *conf, struct store_client **out_client, int *out_lock)
{
	static const struct hello hello = {.role = ROLE_CLI};
	cleanup(arena_done) struct arena arena = {0};
	const char *socket_path = store_socket_path(conf->daemon.store, &arena);

	if (somebody_serves(socket_path)) {
		*out_lock = -1;
		*out_client = store_client_socket(socket_path, &hello, PATIENCE_MS);
		return NULL;
	}
	PASS(store_access_as_owner(conf));
	PASS(check_there(conf));
	return open_locked(conf, &arena, out_client, out_lock);
}

/* -- as whom --------------------------------------------------------------------------------------- */

/* Of the store, or of the folder in which it is going to be made. */
static bool find_owner(const struct conf *conf, struct stat *out_owner)
{
	const char *colon = strchr(conf->daemon.store, ':');
	const char *path = colon ? colon + 1 : "";
	cleanup(free_text) char *folder = mem_copy(path);
	char *slash = strrchr(folder, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return !stat(path, out_owner) || !stat(*folder ? folder : "/", out_owner);
}

struct err *store_access_as_owner(const struct conf *conf)
{
	struct stat owner;

	if (geteuid() || !find_owner(conf, &owner) || !owner.st_uid)
		return NULL;
	const struct passwd *user = getpwuid(owner.st_uid);
	if ((user ? initgroups(user->pw_name, owner.st_gid) : setgroups(0, NULL)) || setgid(owner.st_gid) ||
	    setuid(owner.st_uid))
		return ERR(ERR_CONFIG, "become the store's owner (user %u): %s", (unsigned int)owner.st_uid,
		    strerror(errno));
	return NULL;
}

/* -- arguments and output -------------------------------------------------------------------------- */

bool cli_option(int argc, char **argv, int *i, const char *name, const char **out_value)
{
	size_t length = strlen(name);

	if (strncmp(argv[*i], name, length))
		return false;
	if (argv[*i][length] == '=') {
		*out_value = argv[*i] + length + 1;
		return true;
	}
	if (argv[*i][length] || *i + 1 >= argc)
		return false;
	*out_value = argv[++*i];
	return true;
}

int cli_count(const char *command, const char *text, int64_t *out_count)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	if (end == text || *end || number < 1 || number > COUNT_MAX)
		return cli_usage("%s: -n '%s': expected a number from 1 to %d", command, text, COUNT_MAX);
	*out_count = number;
	return EXIT_OK;
}

const char *one_line(const char *text, struct arena *arena)
{
	char *copy = arena_copy(arena, text);

	for (char *at = copy; at && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	return copy;
}

const char *instant_text(int64_t at, struct arena *arena)
{
	char text[TIME_TEXT];

	return at ? arena_copy(arena, utc_format(at, text)) : NULL;
}

void json_set_time(struct json *object, const char *key, int64_t at)
{
	if (at)
		json_set_instant(object, key, at);
	else
		json_set_null(object, key);
}

int cli_write_json(struct json *rows)
{
	cleanup(buf_done) struct buf out = {0};
	cleanup(free_text) char *text = json_print(rows);

	json_destroy(rows);
	buf_format(&out, "%s\n", text);
	return cli_write(&out);
}
