/* SPDX-License-Identifier: MIT */
/* `bmad status | run | pause | resume | reload | stop`: what the running daemon is asked over its control
 * socket. */
#include "cli/cli.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <bmad/json.h>

#include "base/text.h"
#include "cli/store_access.h"
#include "request/link.h"

#define ANSWER_MS 10000 /* main never waits: a longer silence means that it is stuck */

/* Makes REQUEST; the daemon's answer is parsed into *OUT_ANSWER. */
static struct err *ask(struct link *link, const struct control *request, int64_t timeout_ms,
    struct json **out_answer, int *out_status)
{
	cleanup(arena_done) struct arena arena = {0};
	struct control_reply reply;

	TRY(link_call(link, REQ_CONTROL, request, timeout_ms, &arena, &reply), "ask the daemon");
	PASS(json_parse(reply.text, strlen(reply.text), out_answer));
	*out_status = (int)reply.status;
	return NULL;
}

/* The control socket that the configuration names; of a file that is no YAML, what stands before the fault. */
static struct conf *find_socket(struct conf_problems *problems)
{
	struct conf_problems torn = {0};
	struct conf *conf = conf_load(cli_request(&(struct conf_request){.keep = true}), problems);

	if (!conf)
		conf = conf_load(cli_request(&(struct conf_request){.keep = true, .torn = true}), &torn);
	conf_problems_done(&torn);
	return conf;
}

/*
 * Where the daemon listens is to be found also in a configuration that it would refuse, or has refused: what
 * runs can be asked and stopped all the same.
 */
static struct err *reach(struct link **out_link)
{
	struct conf_problems problems = {0};
	struct conf *conf = find_socket(&problems);
	struct err *e = NULL;
	int fd;

	if (conf)
		e = socket_connect(conf->daemon.control, &fd);
	if (e)
		e = ERR_AT(e, "no daemon answers");
	else if (conf)
		*out_link = link_create(fd);
	if ((e || !conf) && problems.errors) {
		cli_print_problems(&problems);
		err_destroy(e);
		e = ERR(ERR_CONFIG, "the configuration has errors, and no daemon could be asked");
	}
	conf_problems_done(&problems);
	conf_destroy(conf);
	return e;
}

static int unreachable(struct err *e)
{
	bool config = err_kind(e) == ERR_CONFIG;

	cli_fail(e);
	return config ? EXIT_USAGE : EXIT_UNREACHABLE;
}

typedef void show_function(const struct json *answer);

/* One question and its answer, from connecting to the exit status. */
static int converse(const struct control *request, int64_t timeout_ms, show_function *show)
{
	struct link *link = NULL;
	struct json *answer = NULL;
	int status = EXIT_OK;
	struct err *e = reach(&link);

	if (!e)
		e = ask(link, request, timeout_ms, &answer, &status);
	if (e)
		status = unreachable(e);
	else
		show(answer);
	json_destroy(answer);
	link_destroy(link);
	return status;
}

static const char *text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "-";
}

static long long number_of(const struct json *object, const char *key)
{
	return (long long)json_get_int(object, key);
}

static void show_json(const struct json *answer)
{
	cleanup(free_text) char *text = json_print(answer);

	puts(text);
}

static void show_pauses(const struct json *answer)
{
	json_each(row, answer) {
		const char *until = json_text(json_get(row, "paused_until"));
		const char *channel = json_text(json_get(row, "channel"));

		printf("%s%s: ", channel ? "channel " : "", channel ? channel : text_of(row, "job"));
		if (!until)
			puts(channel ? "sends" : "runs by its schedule");
		else if (!strcmp(until, "never"))
			puts("paused until it is resumed");
		else
			printf("paused until %s\n", until);
	}
}

/* -- status ---------------------------------------------------------------------------------------- */

static void show_channel(const struct json *channel)
{
	const char *until = json_text(json_get(channel, "until"));
	const char *reason = json_text(json_get(channel, "reason")), *by = json_text(json_get(channel, "by"));

	printf("channel %s: %s", text_of(channel, "name"), text_of(channel, "state"));
	if (until)
		printf(" until %s", until);
	if (by)
		printf(" by %s", by);
	printf(", %lld queued", number_of(channel, "queued"));
	if (number_of(channel, "queued"))
		printf(", the oldest for %lld s", number_of(channel, "oldest_s"));
	printf("%s%s\n", reason && !by ? ": " : "", reason && !by ? reason : "");
}

static void show_worker(const struct json *worker)
{
	const char *job = json_text(json_get(worker, "job"));

	printf("worker %lld: %s%s%s\n", number_of(worker, "number"), text_of(worker, "state"), job ? " " : "",
	    job ? job : "");
}

static void show_status(const struct json *status)
{
	const struct json *next = json_get(status, "next");
	const char *environment = json_text(json_get(status, "environment"));
	char uptime[TIME_TEXT];

	printf("bmad %s, process %lld, up %s\n", text_of(status, "version"), number_of(status, "pid"),
	    duration_format(number_of(status, "uptime_s"), uptime));
	printf("configuration %s, %lld jobs, loaded %s\n", text_of(status, "config"),
	    number_of(status, "jobs"), text_of(status, "loaded"));
	if (environment)
		printf("environment %s\n", environment);
	if (next && json_is(next, JSON_OBJECT))
		printf("next: %s at %s\n", text_of(next, "job"), text_of(next, "local"));
	else
		printf("next: nothing is scheduled\n");
	show_pauses(json_get(status, "paused"));
	json_each(worker, json_get(status, "workers"))
		show_worker(worker);
	if (number_of(status, "waiting"))
		printf("%lld runs wait for a worker\n", number_of(status, "waiting"));
	json_each(channel, json_get(status, "channels"))
		show_channel(channel);
	if (number_of(status, "log_dropped"))
		printf("%lld log lines were dropped\n", number_of(status, "log_dropped"));
}

int cmd_status(int argc, char **argv)
{
	bool json = argc == 2 && !strcmp(argv[1], "--json");

	if (argc > 1 && !json)
		return cli_usage("status takes --json only, not '%s'", argv[1]);
	return converse(&(struct control){.verb = "status"}, ANSWER_MS, json ? show_json : show_status);
}

/* -- run ------------------------------------------------------------------------------------------- */

static void show_run(const struct json *answer)
{
	printf("run %lld: %s\n", number_of(answer, "run"), text_of(answer, "state"));
	if (json_text(json_get(answer, "error")))
		printf("%s\n", text_of(answer, "error"));
}

int cmd_run(int argc, char **argv)
{
	struct id_record args[] = {{NULL}, {"wait"}};
	bool wait = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--wait"))
			wait = true;
		else if (argv[i][0] == '-' || args[0].id)
			return cli_usage("run takes one job and --wait, not '%s'", argv[i]);
		else
			args[0].id = argv[i];
	}
	if (!args[0].id)
		return cli_usage("run needs the name of a job");
	/* Without --wait the answer comes when the run is claimed: it may stand behind an open one. */
	return converse(&(struct control){.verb = "run", .args = args, .count = wait ? 2 : 1}, -1, show_run);
}

/* -- pause and resume ------------------------------------------------------------------------------ */

/* Seconds, rounded up: a pause is never shorter than asked for. */
static struct err *read_duration(const char *text, int64_t *out_s)
{
	int64_t ms = 0;

	TRY(duration_parse_ms(text, &ms), "--for");
	if (ms <= 0)
		return ERR(ERR_CONFIG, "--for: '%s': expected more than nothing", text);
	*out_s = (ms + 999) / 1000;
	return NULL;
}

static int change_pause(int argc, char **argv, bool takes_time)
{
	cleanup(arena_done) struct arena arena = {0};
	struct control request = {
	    .verb = argv[0],
	    .args = arena_alloc(&arena, (size_t)argc * sizeof(struct id_record)),
	    .channels = arena_alloc(&arena, (size_t)argc * sizeof(struct id_record)),
	};
	const char *time = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all"))
			request.all = true;
		else if (cli_option(argc, argv, &i, "--channel", &request.channels[request.channel_count].id))
			request.channel_count++;
		else if (takes_time && cli_option(argc, argv, &i, "--for", &time))
			continue;
		else if (argv[i][0] == '-')
			return cli_usage("%s: unknown argument '%s'", argv[0], argv[i]);
		else
			request.args[request.count++].id = argv[i];
	}
	if (request.all == (request.count + request.channel_count > 0))
		return cli_usage("%s takes --channel CHANNEL, the names of jobs, or --all", argv[0]);
	struct err *e = time ? read_duration(time, &request.for_s) : NULL;
	return e ? cli_fail(e) : converse(&request, ANSWER_MS, show_pauses);
}

int cmd_pause(int argc, char **argv)
{
	return change_pause(argc, argv, true);
}

int cmd_resume(int argc, char **argv)
{
	return change_pause(argc, argv, false);
}

/* -- reload ---------------------------------------------------------------------------------------- */

static void show_reload(const struct json *answer)
{
	const char *problems = json_text(json_get(answer, "problems"));

	fputs(problems ? problems : "", stderr);
	if (json_true(json_get(answer, "accepted")))
		printf("reloaded: %lld jobs\n", number_of(answer, "jobs"));
	else
		fputs("bmad: not reloaded; the daemon goes on with the configuration that it has\n", stderr);
}

int cmd_reload(int argc, char **argv)
{
	if (argc > 1)
		return cli_usage("reload takes no '%s'", argv[1]);
	/* The check takes its time, and has a deadline of its own. */
	return converse(&(struct control){.verb = "reload"}, -1, show_reload);
}

/* -- stop ------------------------------------------------------------------------------------------ */

/* The daemon closes the connection when it has drained. */
static struct err *wait_for_end(struct link *link)
{
	cleanup(arena_done) struct arena arena = {0};
	enum request_kind kind;
	const void *request;
	struct err *e = link_receive(link, &arena, &kind, &request);

	err_ignore(e); /* gone is gone, in order or not */
	return NULL;
}

int cmd_stop(int argc, char **argv)
{
	struct link *link = NULL;
	struct json *answer = NULL;
	int status = EXIT_OK;

	if (argc > 1)
		return cli_usage("stop takes no '%s'", argv[1]);
	struct err *e = reach(&link);
	if (!e)
		e = ask(link, &(struct control){.verb = "stop"}, ANSWER_MS, &answer, &status);
	if (!e)
		e = wait_for_end(link);
	if (e)
		status = unreachable(e);
	else
		printf("process %lld has stopped\n", number_of(answer, "pid"));
	json_destroy(answer);
	link_destroy(link);
	return status;
}
