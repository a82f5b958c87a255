/* SPDX-License-Identifier: MIT */
/* `bmad --once JOB`: one run by hand. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/by_hand.h"
#include "cli/own_options.h"
#include "cli/store_access.h"

struct once_options {
	struct by_hand by_hand;
	const char *job;
	const char **sets;
	size_t set_count, set_capacity;
	struct json *given; /* options of the job's module */
};

/* -- the command line ------------------------------------------------------------------------------ */

static struct err *take_at(struct once_options *options, const char *value)
{
	PASS(utc_parse(value, &options->by_hand.request.at));
	if (options->by_hand.request.at <= 0) /* 0 is no --at at all, and no job's data is older */
		return ERR(
		    ERR_CONFIG, "'%s' is too early: expected a time after 1970-01-01T00:00:00Z", value);
	return NULL;
}

static struct err *take_timeout(struct once_options *options, const char *value)
{
	return duration_parse_ms(value, &options->by_hand.request.deliver_timeout_ms);
}

static struct err *take_set(struct once_options *options, const char *value)
{
	mem_grow(options->sets, options->set_count, options->set_capacity);
	options->sets[options->set_count++] = value;
	return NULL;
}

static const struct {
	const char *name;
	struct err *(*take)(struct once_options *options, const char *value);
} valued[] = {
    {"--at", take_at},
    {"--deliver-timeout", take_timeout},
    {"--set", take_set},
};

static bool take_flag(struct once_options *options, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
	    {"--dry-run", &options->by_hand.request.dry_run},
	    {"--debug", &options->by_hand.request.debug},
	    {"--log-message", &options->by_hand.request.log_message},
	    {"--again", &options->by_hand.request.again},
	    {"--json", &options->by_hand.json},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(word, flags[i].name))
			continue;
		*flags[i].flag = true;
		return true;
	}
	return false;
}

/* Takes argv[*index], and the value behind it if it has one. */
static struct err *take_word(struct once_options *options, int argc, char **argv, int *index)
{
	const char *word = argv[*index], *value;
	bool taken;

	if (take_flag(options, word))
		return NULL;
	PASS(own_option_take(options->given, argc, argv, index, &taken));
	if (taken)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(valued); i++) {
		if (cli_option(argc, argv, index, valued[i].name, &value))
			return ERR_AT(valued[i].take(options, value), "%s", valued[i].name);
		if (!strcmp(word, valued[i].name))
			return ERR(ERR_CONFIG, "%s needs a value", word);
	}
	if (word[0] == '-')
		return ERR(ERR_CONFIG, "unknown option '%s' of --once", word);
	if (options->job)
		return ERR(ERR_CONFIG, "--once runs one job: '%s' is one too many", word);
	options->job = word;
	return NULL;
}

static struct err *take_words(struct once_options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		PASS(take_word(options, argc, argv, &i));
	if (!options->job)
		return ERR(ERR_CONFIG, "--once needs the name of a job");
	options->by_hand.request.log_message |= options->by_hand.request.debug;
	return NULL;
}

/* -- running --------------------------------------------------------------------------------------- */

static int run_with(struct once_options *options)
{
	const struct conf_job *job;
	struct conf *conf = cli_load_conf_with(&(struct conf_request){
	    .set_job = options->job,
	    .sets = options->sets,
	    .set_count = options->set_count,
	});

	if (!conf)
		return EXIT_USAGE;
	struct err *e = conf_job_get(conf, options->job, &job);
	if (!e)
		e = own_options_check(options->given, job->module);
	cleanup(free_text) char *given = json_length(options->given) ? json_print(options->given) : NULL;
	options->by_hand.request.given = given;
	int status = e ? cli_fail(e) : by_hand_run(&options->by_hand, conf, job);
	conf_destroy(conf);
	return status;
}

int cmd_once(int argc, char **argv)
{
	struct once_options options = {
	    .by_hand.request.deliver_timeout_ms = DELIVER_TIMEOUT_MS,
	    .given = json_object(),
	};
	struct err *e = take_words(&options, argc, argv);
	int status = e ? cli_fail(e) : run_with(&options);

	free(options.sets);
	json_destroy(options.given);
	return status;
}
