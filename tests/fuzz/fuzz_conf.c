/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as bmad.yaml, with the modules and types of the binary: a configuration that can be used, or
 * problems, each with a place in the file.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static void judge(const struct conf *conf, const struct conf_problems *problems, const char *path)
{
	check(!conf == (problems->errors > 0));
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *problem = &problems->items[i];

		check(!strcmp(problem->place.file, path));
		check(problem->place.line >= 0 && problem->place.column >= 0);
		check(*problem->text != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems = {0};
	char path[40];
	int fd = memfd_create("bmad.yaml", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct conf *conf = conf_load(&(struct conf_request){.path = path}, &problems);
	judge(conf, &problems, path);
	if (conf)
		use(conf);
	conf_destroy(conf);
	conf_problems_done(&problems);
	close(fd);
	return 0;
}
