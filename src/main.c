/* SPDX-License-Identifier: MIT */
/* bmad: the command line. Without a command it is the daemon; each command is a row of the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/title.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *summary;
} commands[] = {
    {"--once", cmd_once, "--once JOB [--at TIME] [--dry-run] [--debug] [--log-message] [--again]\n"
                         "              [--set KEY=VALUE]... [--json] [--deliver-timeout DUR]\n"
                         "              [--apply] [--confirm ID] [--include-past] [--force]",
        "run one job by hand"},
    {"check", cmd_check, "check [--connect] [--references]",
        "judge the configuration and its templates; try sources, APIs and channels"},
    {"jobs", cmd_jobs, "jobs [--json]", "a line per job: schedule, zone, next fire, last result"},
    {"next", cmd_next, "next JOB | --expr EXPR [--timezone ZONE] [--job NAME] [--dst RULE]\n"
                       "              [-n 10] [--from TIME] [--json]",
        "when a job or an expression fires"},
    {"render", cmd_render, "render TEMPLATE [--data FILE] [--partials DIR] |\n"
                           "              JOB [--channel C] [--kind K] [--data FILE]",
        "what a template makes of data, what a channel would get of a job"},
    {"runs", cmd_runs, "runs [JOB] [-n 20] [--since TIME] [--json]", "history, with errors and tracebacks"},
    {"outbox", cmd_outbox, "outbox [list [--state S] [--channel C] [--since TIME] | show ID |\n"
                           "              retry|discard (ID... | --channel C [--state S]) [--again]] [--json]",
        "messages: list, show, send again, give up"},
    {"send", cmd_send, "send CHANNEL [TEXT] [--json]", "post a marked test message and show the answer"},
    {"backup", cmd_backup, "backup FILE", "a consistent copy of the store, beside a daemon or without one"},
    {"rota", cmd_rota, "rota [--job JOB] show [NAME] | today | swap DATE1 DATE2 [--role lead|assist] |\n"
                       "              cover DATE lead|assist NAME [--force] [--json]",
        "who is on duty, and changes by hand"},
    {"status", cmd_status, "status [--json]", "ask the running daemon how it is"},
    {"run", cmd_run, "run JOB [--wait]", "ask the running daemon to run a job"},
    {"pause", cmd_pause, "pause JOB...|--channel C|--all [--for DUR]",
        "skip the slots of jobs, hold back the messages of channels, until they are resumed"},
    {"resume", cmd_resume, "resume JOB...|--channel C|--all", "let paused jobs run and channels send again"},
    {"reload", cmd_reload, "reload", "have the running daemon read its configuration again"},
    {"stop", cmd_stop, "stop", "ask the running daemon to stop"},
    {"dispatch-cancel", cmd_dispatch_cancel, "dispatch-cancel JOB NUMBER [--dry-run] [--json]",
        "ask a vendor by mail to cancel a dispatch, and note it on the ticket"},
    {"modules", cmd_modules, "modules [NAME]", "job modules, channel and source types, and their keys"},
};

static void print_help(void)
{
	printf("bmad %s - scheduled notifications\n\n"
	       "usage: bmad [-c FILE] [--env NAME]            run the daemon in the foreground\n"
	       "       bmad [-c FILE] [--env NAME] COMMAND ...\n\n",
	    BMAD_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  bmad %s\n              %s\n", commands[i].usage, commands[i].summary);
	printf("  bmad --version | --help\n\n"
	       "FILE: else $BMAD_CONFIG, ./bmad.yaml, /etc/bmad/bmad.yaml. More in bmad(8) and bmad.yaml(5).\n");
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int run_command(int argc, char **argv)
{
	const char *names[ARRAY_SIZE(commands) + 1] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		names[i] = commands[i].name;
		if (strcmp(argv[0], commands[i].name))
			continue;
		if (argc != 2 || !asks_for_help(argv[1]))
			return commands[i].run(argc, argv);
		printf("usage: bmad %s\n       %s\n", commands[i].usage, commands[i].summary);
		return EXIT_OK;
	}
	const char *near = near_name(argv[0], names);
	return cli_usage("unknown command '%s'%s%s%s", argv[0], near ? "; did you mean '" : "", near ? near : "",
	    near ? "'?" : "");
}

/* What could not be written is no success, whichever command wrote it. */
static int flushed(int status)
{
	bool failed = fflush(stdout) || ferror(stdout);

	if (status || !failed)
		return status;
	fputs("bmad: not all of it could be written to standard output\n", stderr);
	return EXIT_FAILED;
}

static int run_daemon(void)
{
	struct conf *conf = cli_load_conf();

	if (!conf)
		return EXIT_USAGE;
	return daemon_run(conf);
}

/* Takes the options before the command; the index of what follows them, or -1 after a mistake. */
static int take_globals(int argc, char **argv)
{
	int i = 1;

	for (; i < argc; i += 2) {
		const char **value = !strcmp(argv[i], "-c")      ? &cli_globals.config
		                     : !strcmp(argv[i], "--env") ? &cli_globals.environment
		                                                 : NULL;
		if (!value)
			break;
		if (i + 1 == argc) {
			cli_usage("%s needs a value", argv[i]);
			return -1;
		}
		*value = argv[i + 1];
	}
	return i;
}

int main(int argc, char **argv)
{
	title_init(argc, argv);
	int first = take_globals(argc, argv);

	if (first < 0)
		return EXIT_USAGE;
	if (first == argc)
		return run_daemon();
	if (!strcmp(argv[first], "--version")) {
		printf("bmad %s\n", BMAD_VERSION);
		return EXIT_OK;
	}
	if (asks_for_help(argv[first]) || !strcmp(argv[first], "help")) {
		print_help();
		return EXIT_OK;
	}
	return flushed(run_command(argc - first, argv + first));
}
