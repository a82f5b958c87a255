/* SPDX-License-Identifier: MIT */
/* named.c - a job whose slots stand in a file, one a line: an instant and a key; or what goes wrong. */
#include "tests/modules/test_modules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct named_options {
	const char *file;
};

static const struct option options[] = {
    OPTION(struct named_options, file, OPT_PATH, .required = true, .help = "where its slots stand"),
    OPTION_END,
};

/* `error`, `crash`, `hang`, `queue` instead of slots. */
static struct err *misbehave(struct run *run, const char *how)
{
	if (!strcmp(how, "crash"))
		abort();
	if (!strcmp(how, "hang"))
		for (;;)
			sleep(1);
	if (!strcmp(how, "queue"))
		return run_queue(run, &(struct message){.kind = "report"}, run_data(run));
	return ERR(ERR_TEMPORARY, "no slots: %s", how);
}

static struct err *read_line(struct run *run, char *line, utc_t from, utc_t to)
{
	char *key = strchr(line, ' ');
	utc_t at;

	line[strcspn(line, "\n")] = '\0';
	if (!key)
		return misbehave(run, line);
	*key++ = '\0';
	PASS(utc_parse(line, &at));
	if (at >= from && at < to)
		run_name_slot(run, key, at);
	return NULL;
}

static struct err *named_slots(struct run *run, utc_t from, utc_t to)
{
	const struct named_options *o = run_options(run);
	struct err *e = NULL;
	char line[2000];

	run_step(run, "read %s", o->file);
	FILE *file = fopen(o->file, "re");
	if (!file)
		return ERR(ERR_TEMPORARY, "%s: %s", o->file, strerror(errno));
	while (!e && fgets(line, sizeof(line), file))
		e = read_line(run, line, from, to);
	fclose(file);
	return e;
}

static struct err *named_run(struct run *run)
{
	(void)run;
	return NULL;
}

const struct job_module named_module = {
    .name = "named",
    .summary = "names its slots, or fails to",
    .schedule = "@module",
    .misfire = "all",
    .max_late = "12h",
    .timeout = "10m",
    .options = options,
    .options_size = sizeof(struct named_options),
    .restartable = true,
    .names_channels = true,
    .slots = named_slots,
    .run = named_run,
};
