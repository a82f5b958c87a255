/* SPDX-License-Identifier: MIT */
/*
 * `bmad dispatch-cancel JOB NUMBER`: asks a vendor to cancel a dispatch. It is a run of the monitor by hand,
 * which is given the number instead of its cycle.
 */
#include "cli/cli.h"

#include <string.h>

#include <bmad/job.h>

#include "cli/by_hand.h"

static const char *const modules[] = {"dispatch_lit", "dispatch_cts"};

static struct err *find_job(const struct conf *conf, const char *name, const struct conf_job **out_job)
{
	PASS(conf_job_get(conf, name, out_job));
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (!strcmp((*out_job)->module->name, modules[i]))
			return NULL;
	return ERR(ERR_CONFIG, "job '%s' is no monitor of dispatches, but of module %s", name,
	    (*out_job)->module->name);
}

static int cancel(struct by_hand *by_hand, const char *name, const char *number)
{
	struct json *given = json_object();
	const struct conf_job *job;
	struct conf *conf = cli_load_conf();

	json_set_string(given, "cancel", number);
	cleanup(free_text) char *text = json_print(given);
	json_destroy(given);
	if (!conf)
		return EXIT_USAGE;
	by_hand->request.given = text;
	struct err *e = find_job(conf, name, &job);
	int status = e ? cli_fail(e) : by_hand_run(by_hand, conf, job);
	conf_destroy(conf);
	return status;
}

int cmd_dispatch_cancel(int argc, char **argv)
{
	struct by_hand by_hand = {.request.deliver_timeout_ms = DELIVER_TIMEOUT_MS};
	const char *words[2] = {NULL, NULL};
	size_t count = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--dry-run"))
			by_hand.request.dry_run = true;
		else if (!strcmp(argv[i], "--json"))
			by_hand.json = true;
		else if (argv[i][0] == '-' || count == ARRAY_SIZE(words))
			return cli_usage(
			    "dispatch-cancel takes a job, a number, --dry-run and --json, not '%s'", argv[i]);
		else
			words[count++] = argv[i];
	}
	if (count < ARRAY_SIZE(words))
		return cli_usage("dispatch-cancel: of which job, and which dispatch?");
	return cancel(&by_hand, words[0], words[1]);
}
