/* SPDX-License-Identifier: MIT */
/*
 * `bmad check [--connect] [--references]`: the configuration, its references, templates and addresses, judged
 * before anything runs; and whether what it names can be reached. Problems go to standard error, results to standard output.
 */
#include <stdio.h>
#include <string.h>

#include "base/columns.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "conf/check.h"

/* A row per reference: where, what, whose, and whether it resolves. */
static int list_references(const struct conf *conf)
{
	cleanup(buf_done) struct buf out = {0};
	cleanup(columns_done) struct columns columns = {.count = 4};

	for (size_t i = 0; i < conf->reference_count; i++) {
		const struct conf_reference *reference = &conf->references[i];
		const struct conf_place *place = &reference->place;
		cleanup(free_text) char *where =
		    mem_format("%s:%d:%d", place->file, place->line, place->column);
		struct err *e = conf_try_reference(conf, reference);

		columns_row(&columns, (const char *[]){where, reference->text, reference->owner,
		                          e ? err_message(e) : "resolves"});
		err_destroy(e);
	}
	columns_print(&columns, &out);
	return cli_write(&out);
}

/* `console` is there without being named; only what the file names is counted. */
static size_t named_channels(const struct conf *conf)
{
	size_t count = 0;

	for (size_t i = 0; i < conf->channel_count; i++)
		count += conf->channels[i].place.line > 0;
	return count;
}

static int check(const struct conf *conf, bool references, bool connect, struct conf_problems *problems)
{
	int status = references ? list_references(conf) : EXIT_OK;

	conf_check(conf, problems);
	if (problems->errors)
		return EXIT_USAGE;
	printf("config ok: %zu jobs, %zu channels, %zu sources\n", conf->job_count, named_channels(conf),
	    conf->source_count);
	return connect ? connect_all(conf) : status;
}

int cmd_check(int argc, char **argv)
{
	struct conf_problems problems = {0};
	bool references = false, connect = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--references"))
			references = true;
		else if (!strcmp(argv[i], "--connect"))
			connect = true;
		else
			return cli_usage("check: unknown option '%s'", argv[i]);
	}
	struct conf *conf = conf_load(cli_request(&(struct conf_request){.keep = true, .advise = true}), &problems);
	int status = conf ? check(conf, references, connect, &problems) : EXIT_USAGE;
	cli_print_problems(&problems);
	conf_problems_done(&problems);
	conf_destroy(conf);
	return status;
}
