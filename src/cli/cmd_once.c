/* SPDX-License-Identifier: MIT */
/* `bmad --once JOB`: one run by hand, and how its outcome is shown. */
#include "cli/cli.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/store_access.h"
#include "daemon/once.h"
#include "daemon/stage.h"

#define DELIVER_TIMEOUT_MS 60000

struct once_options {
	struct once_request request;
	const char *job;
	bool json;
	const char **sets;
	size_t set_count, set_capacity;
};

/* -- the command line ----------------------------------------------------------------------------------------- */

static struct err *take_at(struct once_options *options, const char *value)
{
	PASS(utc_parse(value, &options->request.at));
	if (options->request.at <= 0) /* 0 is no --at at all, and no job's data is older */
		return ERR(ERR_CONFIG, "'%s' is too early: expected a time after 1970-01-01T00:00:00Z", value);
	return NULL;
}

static struct err *take_timeout(struct once_options *options, const char *value)
{
	return duration_parse_ms(value, &options->request.deliver_timeout_ms);
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
	    {"--dry-run", &options->request.dry_run},
	    {"--debug", &options->request.debug},
	    {"--log-message", &options->request.log_message},
	    {"--again", &options->request.again},
	    {"--json", &options->json},
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

	if (take_flag(options, word))
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
	options->request.log_message |= options->request.debug;
	return NULL;
}

/* -- showing --------------------------------------------------------------------------------------------------- */

static const char *member(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "";
}

/* The text itself where a person would read it; what goes over a wire only as JSON. */
static void show_payload(const struct json *message)
{
	const struct json *payload = json_get(message, "payload");

	if (json_text(payload)) {
		printf("%s%s", json_text(payload), text_is_empty(json_text(payload)) ? "" : "\n");
		return;
	}
	cleanup(free_text) char *text = json_print_pretty(payload);
	puts(text);
}

static void show_message(const struct json *message, bool dry_run)
{
	bool console = text_equal(member(message, "type"), "console");
	const char *detail = member(message, "detail");
	int64_t attempts = 0;

	if (!text_equal(member(message, "outcome"), "suppressed") && (console || dry_run))
		show_payload(message);
	json_int64(json_get(message, "attempts"), &attempts);
	printf("%s: %s %s: %s", member(message, "channel"), member(message, "kind"), member(message, "key"),
	    member(message, "outcome"));
	if (attempts > 1)
		printf(" after %lld attempts", (long long)attempts);
	printf("%s%s\n", detail[0] ? ": " : "", detail);
}

static void show_error(const struct json *error)
{
	json_each(frame, json_get(error, "frames")) {
		int64_t line = 0;

		json_int64(json_get(frame, "line"), &line);
		printf("  %s:%lld %s%s%s\n", member(frame, "file"), (long long)line, member(frame, "function"),
		    member(frame, "note")[0] ? ": " : "", member(frame, "note"));
	}
	printf("%s error: %s\n", member(error, "kind"), member(error, "message"));
}

static void show(const struct json *report)
{
	const struct json *error = json_get(report, "error");

	json_each(message, json_get(report, "messages"))
		show_message(message, json_true(json_get(report, "dry_run")));
	if (json_is(error, JSON_OBJECT))
		show_error(error);
	printf("%s: %s%s%s\n", member(report, "job"), member(report, "result"),
	    json_true(json_get(report, "dry_run")) ? " (dry run: nothing sent, nothing stored)" : "",
	    json_length(json_get(report, "messages")) || json_is(error, JSON_OBJECT) ? "" : ", no message");
}

/* -- the exit status ------------------------------------------------------------------------------------------- */

static int status_of(const struct json *report)
{
	int status = EXIT_OK;

	if (!text_equal(member(report, "result"), "ok"))
		return EXIT_FAILED;
	json_each(message, json_get(report, "messages")) {
		const char *outcome = member(message, "outcome");

		if (text_equal(outcome, "rejected") || text_equal(outcome, "expired") ||
		    text_equal(outcome, "ambiguous"))
			return EXIT_FAILED;
		if (text_equal(outcome, "queued"))
			status = EXIT_QUEUED;
	}
	return status;
}

/* -- running ------------------------------------------------------------------------------------------------------ */

/* Root goes on as the store's owner, so that no file of root's is left in the daemon's folder. */
static struct err *become_owner(const struct conf *conf)
{
	const char *path = strchr(conf->daemon.store, ':');
	struct stat file;

	if (geteuid() || !path || stat(path + 1, &file) || !file.st_uid)
		return NULL;
	struct passwd *user = getpwuid(file.st_uid);
	if ((user && initgroups(user->pw_name, file.st_gid)) || setgid(file.st_gid) || setuid(file.st_uid))
		return ERR(ERR_CONFIG, "become the store's owner (user %u)", (unsigned int)file.st_uid);
	return NULL;
}

static int print_report(const struct once_options *options, const struct json *report)
{
	bool json = options->json || (options->request.dry_run && !isatty(STDOUT_FILENO));

	if (json) {
		cleanup(free_text) char *text = json_print(report);
		puts(text);
	} else {
		show(report);
	}
	return status_of(report);
}

static struct err *run(struct once_options *options, const struct conf *conf, struct json **out_report)
{
	struct once_request *request = &options->request;

	PASS(conf_job_get(conf, options->job, &request->job));
	PASS(become_owner(conf));
	PASS(stage_log(conf, true));
	if (request->debug)
		log_set_level(LEVEL_DEBUG);
	request->conf = conf;
	request->dry_run |= request->job->dry_run;
	request->debug |= request->job->debug;
	request->log_message |= request->job->log_message;
	stage_announce(conf, "once_started");
	return once_run(request, out_report);
}

static int run_with(struct once_options *options)
{
	struct json *report = NULL;
	struct conf *conf = cli_load_conf_with(&(struct conf_request){
	    .set_job = options->job,
	    .sets = options->sets,
	    .set_count = options->set_count,
	});

	if (!conf)
		return EXIT_USAGE;
	struct err *e = run(options, conf, &report);
	int status = e ? cli_fail(e) : print_report(options, report);
	json_destroy(report);
	conf_destroy(conf);
	return status;
}

int cmd_once(int argc, char **argv)
{
	struct once_options options = {.request.deliver_timeout_ms = DELIVER_TIMEOUT_MS};
	struct err *e = take_words(&options, argc, argv);
	int status = e ? cli_fail(e) : run_with(&options);

	free(options.sets);
	return status;
}
