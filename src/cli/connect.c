/* SPDX-License-Identifier: MIT */
/*
 * Each target is tried by a process of its own: they wait side by side, one that hangs is killed at its
 * deadline, and what a secret stands for dies with the process that used it.
 */
#include "cli/connect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bmad/api.h>
#include <bmad/job.h>
#include <curl/curl.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/store_access.h"
#include "daemon/child.h"
#include "send/channel.h"
#include "source/api.h"
#include "source/source.h"
#include "worker/apis.h"
#include "worker/aside.h"

#define AT_ONCE    8
#define TRY_MS     10000
#define GRACE_MS   5000 /* for what a try does not bound itself, such as names to be resolved */
#define ANSWER_MAX 4096

/* Results of a child. */
enum { PROBE_WELL, PROBE_FAILED, PROBE_UNTRIED };

struct target {
	const struct conf *conf;
	const char *kind, *name;
	size_t index;
	/* *OUT_TRIED: what was well; NULL: there was nothing to try. */
	struct err *(*probe)(const struct target *target, struct arena *arena, const char **out_tried);
	/* of the process that tries it */
	pid_t pid;
	int fd; /* -1: not started, or over */
	struct mono deadline;
	struct buf answer;
};

/* -- what is tried --------------------------------------------------------------------------------- */

static struct mono try_deadline(void)
{
	return (struct mono){mono_now().ms + TRY_MS};
}

static struct err *query_one(struct sql *db)
{
	struct sql_rows *rows;

	PASS(sql_query(db, "select 1", NULL, 0, NULL, 0, &rows));
	while (sql_next(rows))
		;
	return sql_close(rows);
}

static struct err *probe_source(const struct target *target, struct arena *arena, const char **out_tried)
{
	struct conf_source source;
	struct sql *db;

	PASS(conf_resolve_source(target->conf, &target->conf->sources[target->index], arena, &source));
	PASS(sql_open(&source, &db));
	sql_limit(db, try_deadline(), mono_now, NULL);
	struct err *e = query_one(db);
	sql_disconnect(db);
	*out_tried = "answers a query";
	return e;
}

static struct err *sign_in(const struct conf_api *entry, struct api *api, const char **out_tried)
{
	const volatile int cancelled = 0;

	if (!entry->type->sign_in)
		return NULL;
	api_limit(api, &(struct api_limits){try_deadline(), &cancelled, mono_now, wall_ms});
	*out_tried = "lets us sign in";
	return entry->type->sign_in(api);
}

static struct err *probe_api(const struct target *target, struct arena *arena, const char **out_tried)
{
	struct apis *apis = apis_create(target->conf);
	struct api *api;
	struct err *e = apis_get(apis, target->name, &api);

	(void)arena;
	if (!e)
		e = sign_in(&target->conf->apis[target->index], api, out_tried);
	apis_destroy(apis);
	return e;
}

static struct err *probe_channel(const struct target *target, struct arena *arena, const char **out_tried)
{
	struct conf_channel channel;

	PASS(conf_resolve_channel(target->conf, &target->conf->channels[target->index], arena, &channel));
	return channel_probe(&channel, channel.timeout_ms < TRY_MS ? channel.timeout_ms : TRY_MS, arena, out_tried);
}

static struct err *ask_module(struct run *run, void *arg)
{
	(void)arg;
	return run->job->module->connect(run);
}

static struct err *probe_job(const struct target *target, struct arena *arena, const char **out_tried)
{
	const struct conf_job *job = &target->conf->jobs[target->index];
	utc_t now = cli_now();
	struct run_order order = {
	    .job = job->name, .slot = now, .now = now, .deadline_ms = TRY_MS, .dry_run = true};

	(void)arena;
	*out_tried = "its options will do";
	return run_aside(target->conf, job, &order, ask_module, NULL);
}

/* -- in the child ---------------------------------------------------------------------------------- */

/* What goes to the parent is text for people; the child knows the secrets that may not be in it. */
static void tell(int parent, const char *text)
{
	cleanup(buf_done) struct buf shown = {0};

	buf_add_text(&shown, text);
	redact(&shown);
	for (size_t done = 0; done < shown.length;) {
		ssize_t count = write(parent, shown.text + done, shown.length - done);

		if (count < 0 && errno != EINTR)
			return;
		done += count > 0 ? (size_t)count : 0;
	}
}

static int try_target(void *arg, int parent)
{
	const struct target *target = arg;
	struct arena arena = {0};
	const char *tried = NULL;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	struct err *e = target->probe(target, &arena, &tried);
	tell(parent, e ? err_text(e) : tried ? tried : "there is nothing to try");
	return e ? PROBE_FAILED : tried ? PROBE_WELL : PROBE_UNTRIED;
}

/* -- the processes --------------------------------------------------------------------------------- */

static void print_result(const struct target *target, int status)
{
	static const char *const words[] = {
	    [PROBE_WELL] = "ok", [PROBE_FAILED] = "failed", [PROBE_UNTRIED] = "not tried"};
	cleanup(arena_done) struct arena arena = {0};

	printf("%s %s: %s: %s\n", target->kind, target->name, words[status],
	    one_line(buf_text(&target->answer), &arena));
}

/* Waits for the child, which has said all it will. */
static int end_target(struct target *target)
{
	int status;

	close(target->fd);
	target->fd = -1;
	while (waitpid(target->pid, &status, 0) < 0)
		if (errno != EINTR)
			return PROBE_FAILED;
	if (WIFEXITED(status) && WEXITSTATUS(status) <= PROBE_UNTRIED)
		return WEXITSTATUS(status);
	if (!target->answer.length)
		buf_add_text(&target->answer, "its process crashed");
	return PROBE_FAILED;
}

static bool start_target(struct target *target)
{
	struct child_plan plan = {"check", try_target, target, {-1, -1}, false};
	struct err *e = child_fork(&plan, &target->pid, &target->fd);

	target->deadline = (struct mono){mono_now().ms + TRY_MS + GRACE_MS};
	if (!e)
		return true;
	buf_add_text(&target->answer, err_text(e));
	err_destroy(e);
	target->fd = -1;
	return false;
}

/* Reads what the child says. True when that was all, or its time is over. */
static bool hear(struct target *target, bool readable)
{
	char bytes[ANSWER_MAX];
	ssize_t count = readable ? read(target->fd, bytes, sizeof(bytes)) : -1;

	if (count > 0 && target->answer.length < ANSWER_MAX)
		buf_add(&target->answer, bytes, (size_t)count);
	if (readable && count == 0)
		return true;
	if (mono_now().ms < target->deadline.ms)
		return false;
	kill(target->pid, SIGKILL);
	buf_truncate(&target->answer, 0);
	buf_format(&target->answer, "no answer within %d s", (TRY_MS + GRACE_MS) / 1000);
	return true;
}

struct round {
	struct target *targets;
	int *results; /* -1: not known yet */
	size_t count, started, running;
};

static void start_more(struct round *round)
{
	while (round->started < round->count && round->running < AT_ONCE) {
		size_t i = round->started++;

		if (start_target(&round->targets[i]))
			round->running++;
		else
			round->results[i] = PROBE_FAILED;
	}
}

static void wait_for_some(struct round *round)
{
	struct pollfd fds[AT_ONCE];
	size_t which[AT_ONCE], count = 0;

	for (size_t i = 0; i < round->started; i++)
		if (round->targets[i].fd >= 0) {
			fds[count] = (struct pollfd){.fd = round->targets[i].fd, .events = POLLIN};
			which[count++] = i;
		}
	if (poll(fds, count, 200) < 0)
		return;
	for (size_t k = 0; k < count; k++)
		if (hear(&round->targets[which[k]], fds[k].revents != 0)) {
			round->results[which[k]] = end_target(&round->targets[which[k]]);
			round->running--;
		}
}

/* -- the whole ------------------------------------------------------------------------------------- */

static void add_target(struct round *round, const struct conf *conf, const char *kind, const char *name,
    size_t index,
    struct err *(*probe)(const struct target *target, struct arena *arena, const char **out_tried))
{
	round->results[round->count] = -1;
	round->targets[round->count++] = (struct target){
	    .conf = conf, .kind = kind, .name = name, .index = index, .probe = probe, .fd = -1};
}

static void add_targets(struct round *round, const struct conf *conf)
{
	for (size_t i = 0; i < conf->source_count; i++)
		add_target(round, conf, "source", conf->sources[i].name, i, probe_source);
	for (size_t i = 0; i < conf->api_count; i++)
		add_target(round, conf, "api", conf->apis[i].name, i, probe_api);
	for (size_t i = 0; i < conf->channel_count; i++)
		if (conf->channels[i].place.line > 0) /* `console` is there without being named */
			add_target(round, conf, "channel", conf->channels[i].name, i, probe_channel);
	for (size_t i = 0; i < conf->job_count; i++)
		if (conf->jobs[i].enabled && conf->jobs[i].module->connect)
			add_target(round, conf, "job", conf->jobs[i].name, i, probe_job);
}

int connect_all(const struct conf *conf)
{
	cleanup(arena_done) struct arena arena = {0};
	size_t most = conf->source_count + conf->api_count + conf->channel_count + conf->job_count + 1;
	struct round round = {
	    .targets = arena_alloc(&arena, most * sizeof(*round.targets)),
	    .results = arena_alloc(&arena, most * sizeof(*round.results)),
	};
	int status = EXIT_OK;

	add_targets(&round, conf);
	fflush(stdout); /* children must not write it again */
	for (size_t next = 0; next < round.count;) {
		start_more(&round);
		if (round.running)
			wait_for_some(&round);
		for (; next < round.count && round.results[next] >= 0; next++) {
			print_result(&round.targets[next], round.results[next]);
			fflush(stdout);
			buf_done(&round.targets[next].answer);
			if (round.results[next] == PROBE_FAILED)
				status = EXIT_FAILED;
		}
	}
	return status;
}
