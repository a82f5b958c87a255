/* SPDX-License-Identifier: MIT */
/*
 * `bmad send CHANNEL [TEXT]`: a test message. It takes the way of every other one, through a run, the outbox
 * and the sender; its job is here, and its name is none that a configuration can give.
 */
#include "cli/cli.h"

#include <string.h>

#include <bmad/job.h>

#include "cli/by_hand.h"

#define SEND_JOB     "@send"
#define DEFAULT_TEXT "This is a test message."
#define RUN_TIMEOUT  60000

struct send_options {
	const char *text;
};

static struct err *send_run(struct run *run)
{
	const struct send_options *options = run_options(run);
	struct json *data = run_data(run);

	json_set_bool(data, "test", true);
	json_set_string(data, "text", options->text);
	json_set_string(data, "host", run_node(run));
	json_set_instant(data, "at", run_now(run));
	return run_queue(run, &(struct message){.kind = "test"}, data);
}

/* The options are the command's own: no table reads them, and what stands in the text is no reference. */
static const struct job_module send_module = {
    .name = "send",
    .summary = "a test message",
    .restartable = true,
    .run = send_run,
};

static const struct conf_job *add_job(
    struct conf *conf, const struct conf_channel **channel, const struct send_options *options)
{
	struct conf_job job = {
	    .name = SEND_JOB,
	    .place = {.file = conf->path},
	    .module = &send_module,
	    .enabled = true,
	    .channels = channel,
	    .channel_count = 1,
	    .options = options,
	    .max_late_ms = -1,
	    .expires_ms = -1,
	    .timeout_ms = RUN_TIMEOUT,
	};

	err_ignore(tz_get(conf->daemon.timezone, &job.tz)); /* the configuration was loaded with it */
	return conf_add_job(conf, &job);
}

/* One that is not enabled would keep the message until somebody enables it. */
static struct err *find_channel(
    const struct conf *conf, const char *name, const struct conf_channel **out_channel)
{
	PASS(conf_channel_get(conf, name, out_channel));
	const struct conf_channel *to = conf_destination(conf, *out_channel);
	return to->enabled ? NULL : ERR(ERR_CONFIG, "channel '%s' is not enabled", to->name);
}

static int send(struct conf *conf, const char *name, const char *text, bool json)
{
	struct by_hand by_hand = {.request.deliver_timeout_ms = DELIVER_TIMEOUT_MS, .json = json};
	struct send_options options = {text};
	const struct conf_channel *channel;
	struct err *e = find_channel(conf, name, &channel);

	return e ? cli_fail(e) : by_hand_run(&by_hand, conf, add_job(conf, &channel, &options));
}

int cmd_send(int argc, char **argv)
{
	const char *words[2] = {NULL, DEFAULT_TEXT};
	size_t count = 0;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strncmp(argv[i], "--", 2) || count == ARRAY_SIZE(words))
			return cli_usage("send takes a channel, a text and --json, not '%s'", argv[i]);
		else
			words[count++] = argv[i];
	}
	if (!count)
		return cli_usage("send: to which channel?");
	struct conf *conf = cli_load_conf();
	if (!conf)
		return EXIT_USAGE;
	int status = send(conf, words[0], words[1], json);
	conf_destroy(conf);
	return status;
}
