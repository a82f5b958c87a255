/* SPDX-License-Identifier: MIT */
/* What commands share: the configuration, faults, output, the clock. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/log.h"

struct cli_globals cli_globals;

void cli_print_problems(const struct conf_problems *problems)
{
	cleanup(buf_done) struct buf text = {0};

	conf_problems_print(problems, &text);
	redact(&text);
	fputs(buf_text(&text), stderr);
}

struct conf_request *cli_request(struct conf_request *request)
{
	request->path = cli_globals.config;
	request->environment = cli_globals.environment;
	request->now = cli_now();
	return request;
}

struct conf *cli_load_conf_with(struct conf_request *request)
{
	struct conf_problems problems = {0};
	struct conf *conf = conf_load(cli_request(request), &problems);

	/* Warnings are for `bmad check`: a command that works says nothing beside its results. */
	if (!conf)
		cli_print_problems(&problems);
	conf_problems_done(&problems);
	return conf;
}

struct conf *cli_load_conf(void)
{
	return cli_load_conf_with(&(struct conf_request){0});
}

int cli_write(const struct buf *out)
{
	size_t written = fwrite(buf_text(out), 1, out->length, stdout);

	if (written == out->length && !fflush(stdout))
		return EXIT_OK;
	fprintf(stderr, "bmad: write to standard output: %s\n", strerror(errno));
	return EXIT_FAILED;
}

int cli_fail(struct err *e)
{
	cleanup(buf_done) struct buf text = {0};
	int status = err_kind(e) == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;

	buf_add_text(&text, err_text(e));
	redact(&text);
	fprintf(stderr, "bmad: %s\n", buf_text(&text));
	err_destroy(e);
	return status;
}

int cli_usage(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	fprintf(stderr, "bmad: %s\nbmad --help tells the commands, bmad(8) all of them.\n", text);
	return EXIT_USAGE;
}

utc_t cli_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}
