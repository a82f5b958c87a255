/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as bmad.yaml, and what follows a line `%%` as the environment laid over it, with the modules and
 * types of the binary: a configuration that can be used, or problems, each with a place in one of the files.
 * What references stand for shows in no problem.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

/* What was loaded can be used without a further look. */
static void use(const struct conf *conf)
{
	cleanup(arena_done) struct arena arena = {0};

	for (size_t i = 0; i < conf->job_count; i++) {
		const struct conf_job *job = &conf->jobs[i];
		const void *options;

		check(conf_job(conf, job->name) == job);
		check(job->module && job->tz);
		for (size_t k = 0; k < job->channel_count; k++)
			check(job->channels[k] && job->channels[k]->type);
		err_ignore(conf_resolve(
		    conf, job->module->options, job->options, job->module->options_size, &arena, &options));
	}
	for (size_t i = 0; i < conf->source_count; i++) {
		struct conf_source source;

		check(conf_source(conf, conf->sources[i].name) == &conf->sources[i]);
		err_ignore(conf_resolve_source(conf, &conf->sources[i], &arena, &source));
	}
}

/* What $SECRET stands for, and as much of it as would give it away. */
#define SECRET       "correct-horse-battery-7142"
#define SECRET_START "correct-horse"

static void check_secret(const struct conf_problems *problems)
{
	struct buf printed = {0};

	conf_problems_print(problems, &printed);
	redact(&printed);
	check(!strstr(buf_text(&printed), SECRET_START));
	buf_done(&printed);
}

static char folder[] = "/dev/shm/bmad-fuzz-XXXXXX", base[64], layer[64];

static void judge(const struct conf *conf, const struct conf_problems *problems)
{
	check(!conf == (problems->errors > 0));
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *problem = &problems->items[i];

		check(!strcmp(problem->place.file, base) || !strcmp(problem->place.file, layer));
		check(problem->place.line >= 0 && problem->place.column >= 0);
		check(*problem->text != '\0');
	}
	check_secret(problems);
}

/* As commands look for the daemon, whatever the file is like. */
static void salvage(const struct conf_request *request)
{
	struct conf_request torn = *request;
	struct conf_problems problems = {0};

	torn.keep = torn.torn = true;
	struct conf *conf = conf_load(&torn, &problems);
	check(conf && *conf->daemon.control && *conf->daemon.store);
	check_secret(&problems);
	conf_destroy(conf);
	conf_problems_done(&problems);
}

static void remove_files(void)
{
	unlink(base);
	unlink(layer);
	rmdir(folder);
}

static void prepare(void)
{
	if (*base)
		return;
	check(mkdtemp(folder) != NULL);
	snprintf(base, sizeof(base), "%s/bmad.yaml", folder);
	snprintf(layer, sizeof(layer), "%s/bmad.fuzz.yaml", folder);
	setenv("SECRET", SECRET, 1);
	atexit(remove_files);
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char separator[] = "\n%%\n";
	struct conf_problems problems = {0};
	struct conf_request request = {.path = base, .advise = true, .now = 1800000000};
	const uint8_t *split = memmem(data, size, separator, strlen(separator));
	size_t first = split ? (size_t)(split - data) : size;

	if (memmem(data, size, SECRET_START, strlen(SECRET_START)))
		return 0; /* what stands in the file itself is no secret, and may be quoted */
	prepare();
	write_file(base, data, first);
	if (split) {
		write_file(layer, split + strlen(separator), size - first - strlen(separator));
		request.environment = "fuzz";
	}
	struct conf *conf = conf_load(&request, &problems);
	judge(conf, &problems);
	if (conf)
		use(conf);
	conf_destroy(conf);
	conf_problems_done(&problems);
	salvage(&request);
	return 0;
}
