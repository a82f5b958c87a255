/* SPDX-License-Identifier: MIT */
/* Commands: one file (cmd_NAME.c) and one row of the table in src/main.c each. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <bmad/err.h>

#include "conf/conf.h"

/* Exit statuses. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      /* the run failed or was degraded, or a message of it ended badly */
	EXIT_USAGE = 2,       /* usage or configuration */
	EXIT_UNREACHABLE = 3, /* the daemon cannot be reached */
	EXIT_QUEUED = 4,      /* all well, but some message is still queued */
};

/* What stands before the command: `bmad [-c FILE] [--env NAME] COMMAND ...`. */
struct cli_globals {
	const char *config;
	const char *environment;
};
extern struct cli_globals cli_globals;

/* REQUEST with what the command line says, and the clock. */
struct conf_request *cli_request(struct conf_request *request);
/* Loads the configuration; NULL (exit with EXIT_USAGE), its problems printed, if it has errors. */
struct conf *cli_load_conf(void);
/* The same with the other wishes of REQUEST; cli_request() fills in the rest. */
struct conf *cli_load_conf_with(struct conf_request *request);

/* Prints problems, one per line, on standard error; secrets that were resolved are `***`. */
void cli_print_problems(const struct conf_problems *problems);
/* Writes all of OUT to standard output; EXIT_OK, or EXIT_FAILED if that could not be done. */
int cli_write(const struct buf *out);

/* Prints `bmad: ...` on standard error, consumes E, returns the exit status that fits its kind. */
int cli_fail(struct err *e);
/* Prints `bmad: TEXT` and where help is; returns EXIT_USAGE. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The wall clock, for commands. */
utc_t cli_now(void);

/* argv[0] is the command's name; options may come after it in any order. Each returns the exit status. */
int cmd_backup(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_dispatch_cancel(int argc, char **argv);
int cmd_jobs(int argc, char **argv);
int cmd_modules(int argc, char **argv);
int cmd_next(int argc, char **argv);
int cmd_outbox(int argc, char **argv);
int cmd_once(int argc, char **argv);
int cmd_render(int argc, char **argv);
int cmd_rota(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_runs(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_stop(int argc, char **argv);

#endif
