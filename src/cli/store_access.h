/* SPDX-License-Identifier: MIT */
/* How commands reach the store, and what they do with times and texts of its rows. */
#ifndef CLI_STORE_ACCESS_H
#define CLI_STORE_ACCESS_H

#include <bmad/json.h>

#include "cli/cli.h"
#include "store/client.h"

/* Whether there is a store: before the first run there is none, and nothing to tell. */
bool store_access_there(const struct conf *conf);
/* For reading: beside a daemon or without one. CONFIG error if there is no store yet. */
struct err *store_access_read(const struct conf *conf, struct store_client **out_client) MUST_CHECK;

/*
 * For changes: through the running daemon's store process, else in this process under the store's lock.
 * *OUT_LOCK is the lock, to be closed after the client, or -1 (a daemon serves).
 */
struct err *store_access_write(
    const struct conf *conf, struct store_client **out_client, int *out_lock) MUST_CHECK;

/*
 * Root goes on as the store's owner, so that no file of root's is left where the daemon could not open it.
 * Nothing happens to anybody else.
 */
struct err *store_access_as_owner(const struct conf *conf) MUST_CHECK;

/*
 * The value of option NAME at argv[*I] (`--name value`, `--name=value`), moving *I on; false: another
 * argument.
 */
bool cli_option(int argc, char **argv, int *i, const char *name, const char **out_value);

/* The value of `-n`, from 1 to 100000; returns the exit status. */
int cli_count(const char *command, const char *text, int64_t *out_count);

/* TEXT in one line that no terminal takes for commands: control characters become blanks. NULL stays NULL. */
const char *one_line(const char *text, struct arena *arena);
/* 2026-11-20T10:05:00Z, NULL for 0. */
const char *instant_text(int64_t at, struct arena *arena);
void json_set_time(struct json *object, const char *key, int64_t at); /* null for 0 */

/* JSON rows on standard output; consumes ROWS, returns the exit status. */
int cli_write_json(struct json *rows);

#endif
