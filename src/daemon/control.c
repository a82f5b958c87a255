/* SPDX-License-Identifier: MIT */
/* Serves the control socket. */
#include "daemon/control.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include <bmad/json.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "request/link.h"

/* A call that is not answered yet. */
struct control_call {
	struct control_call *prev, *next;
	struct control_socket *control;
	struct peer *peer; /* NULL: the caller went */
	uint64_t sequence;
	int64_t run;
	bool wait;
	struct json *changed; /* of pause and resume: the answer once it is stored */
};

struct control_socket {
	struct control_setup setup;
	struct event *accept;
	int listener;
	int64_t started_ms;
	struct control_peer *peers;
	struct control_call *calls;
};

/* A connected command. */
struct control_peer {
	struct control_peer *prev, *next;
	struct control_socket *control;
	struct peer *peer;
};

static void answer(struct control_call *call, int64_t status, struct json *value)
{
	cleanup(free_text) char *text = json_print(value);

	if (call->peer)
		peer_reply(call->peer, REQ_CONTROL, call->sequence, &(struct control_reply){status, text});
	json_destroy(value);
	DL_DELETE(call->control->calls, call);
	free(call);
}

/* E is taken. */
static void refuse(struct control_call *call, struct err *e)
{
	if (call->peer)
		peer_fail(call->peer, call->sequence, e);
	else
		err_destroy(e);
	DL_DELETE(call->control->calls, call);
	free(call);
}

/* -- status ------------------------------------------------------------------------------------------------- */

static void add_workers(struct json *workers, struct supervisor *supervisor)
{
	struct child *worker;

	for (int number = 1; (worker = supervisor_child(supervisor, CHILD_WORKER, number)); number++) {
		struct json *item = json_add_object(workers);

		json_set_int(item, "number", number);
		json_set_int(item, "pid", worker->pid);
		json_set_string(item, "state", !worker->pid ? "starting" : dispatcher_job_of(worker) ? "busy" : "idle");
		json_set_string(item, "job", dispatcher_job_of(worker));
	}
}

static void add_next(struct json *status, const struct control_socket *control)
{
	utc_t at;
	const struct conf_job *job = scheduler_next(control->setup.scheduler, &at);
	char local[TIME_TEXT];

	if (!job) {
		json_set_null(status, "next");
		return;
	}
	struct json *next = json_set_object(status, "next");
	json_set_string(next, "job", job->name);
	json_set_string(next, "local", tz_format(job->tz, at, local));
	json_set_instant(next, "utc", at);
}

static void add_paused(struct json *paused, const struct control_socket *control)
{
	const struct conf *conf = control->setup.conf;
	char text[TIME_TEXT];

	for (size_t i = 0; i < conf->job_count; i++) {
		utc_t until = scheduler_paused_until(control->setup.scheduler, &conf->jobs[i]);

		if (!until)
			continue;
		struct json *row = json_add_object(paused);
		json_set_string(row, "job", conf->jobs[i].name);
		json_set_string(row, "paused_until", utc_format(until, text));
	}
}

static struct json *channel_status(const struct conf_channel *channel, const struct counts_reply *counts,
    int64_t now_ms)
{
	struct json *item = json_object();
	int64_t queued = 0, oldest_ms = 0;

	for (size_t i = 0; i < counts->count; i++) {
		const struct count_row *row = &counts->rows[i];

		if (!text_equal(row->channel, channel->name) || !row->unfinished)
			continue;
		queued += row->messages;
		if (!oldest_ms || row->oldest_ms < oldest_ms)
			oldest_ms = row->oldest_ms;
	}
	json_set_string(item, "name", channel->name);
	json_set_string(item, "state", channel->enabled ? "enabled" : "disabled");
	json_set_int(item, "queued", queued);
	json_set_int(item, "oldest_s", oldest_ms ? (now_ms - oldest_ms) / 1000 : 0);
	return item;
}

static struct json *status(const struct control_socket *control)
{
	const struct conf *conf = control->setup.conf;
	struct json *status = json_object();
	char text[TIME_TEXT];

	json_set_string(status, "version", BMAD_VERSION);
	json_set_int(status, "pid", getpid());
	json_set_string(status, "environment", conf->environment);
	json_set_string(status, "config", conf->path);
	json_set_string(status, "loaded", utc_format(control->started_ms / 1000, text));
	json_set_int(status, "uptime_s", (wall_ms() - control->started_ms) / 1000);
	json_set_int(status, "jobs", (int64_t)conf->job_count);
	json_set_int(status, "waiting", (int64_t)dispatcher_waiting(control->setup.dispatcher));
	add_workers(json_set_array(status, "workers"), control->setup.supervisor);
	json_set_array(status, "channels");
	add_paused(json_set_array(status, "paused"), control);
	add_next(status, control);
	json_set_int(status, "log_dropped", (int64_t)log_dropped());
	return status;
}

static void on_counts(void *arg, struct err *e, const void *reply)
{
	struct control_call *call = arg;
	const struct conf *conf = call->control->setup.conf;
	struct json *document = status(call->control);
	struct json *channels = json_set_array(document, "channels");

	if (e) {
		json_destroy(document);
		refuse(call, ERR_AT(e, "count the outbox"));
		return;
	}
	for (size_t i = 0; i < conf->channel_count; i++)
		json_add(channels, channel_status(&conf->channels[i], reply, wall_ms()));
	answer(call, 0, document);
}

static void verb_status(struct control_call *call, const struct control *request)
{
	(void)request;
	line_call(call->control->setup.line, REQ_COUNTS, &(struct nothing){false}, on_counts, call);
}

/* -- run ------------------------------------------------------------------------------------------------------- */

static void answer_run(struct control_call *call, const char *state)
{
	struct json *value = json_object();

	json_set_int(value, "run", call->run);
	json_set_string(value, "state", state);
	answer(call, 0, value);
}

static void on_granted(void *arg, int64_t run, struct err *e)
{
	struct control_call *call = arg;

	if (e) {
		refuse(call, e);
		return;
	}
	call->run = run;
	if (!call->wait)
		answer_run(call, "claimed");
}

static void verb_run(struct control_call *call, const struct control *request)
{
	const struct control_setup *setup = &call->control->setup;
	const struct conf_job *job = NULL;
	struct err *e = request->count ? conf_job_get(setup->conf, request->args[0].id, &job)
	                               : ERR(ERR_CONFIG, "run: the name of a job is missing");

	if (e) {
		refuse(call, e);
		return;
	}
	call->wait = request->count > 1 && text_equal(request->args[1].id, "wait");
	scheduler_run(setup->scheduler, job, on_granted, call);
}

static struct json *ended_json(const struct run_end *end)
{
	static const char *const results[] = {
	    [ENDED_OK] = "ok",
	    [ENDED_DEGRADED] = "degraded",
	    [ENDED_FAILED] = "failed",
	    [ENDED_TIMEOUT] = "failed",
	    [ENDED_CRASHED] = "failed",
	    [ENDED_INTERRUPTED] = "failed",
	};
	struct json *value = json_object();

	json_set_int(value, "run", end->granted->run);
	json_set_string(value, "state", results[end->ending]);
	json_set_int(value, "ms", end->ms);
	json_set_int(value, "messages", end->messages);
	json_set_string(value, "error", end->error ? err_message(end->error) : NULL);
	return value;
}

void control_run_ended(struct control_socket *control, const struct run_end *end)
{
	struct control_call *call, *next;

	DL_FOREACH_SAFE(control->calls, call, next)
		if (call->wait && call->run == end->granted->run)
			answer(call, end->ending == ENDED_OK ? 0 : 1, ended_json(end));
}

/* -- pause and resume -------------------------------------------------------------------------------------------------- */

static struct err *job_to_pause(const struct conf *conf, const char *name, const struct conf_job **out_job)
{
	PASS(conf_job_get(conf, name, out_job));
	if (!scheduler_serves(*out_job))
		return ERR(ERR_CONFIG, "job '%s' runs by hand only: there is nothing to pause", name);
	return NULL;
}

/* Those named; without a name all that have slots of their own. */
static struct err *jobs_to_pause(const struct conf *conf, const struct control *request, struct arena *arena,
    const struct conf_job ***out_jobs, size_t *out_count)
{
	const struct conf_job **jobs =
	    arena_alloc(arena, (conf->job_count + request->count + 1) * sizeof(const struct conf_job *));

	*out_jobs = jobs;
	*out_count = 0;
	for (size_t i = 0; i < request->count; i++)
		PASS(job_to_pause(conf, request->args[i].id, &jobs[(*out_count)++]));
	for (size_t i = 0; !request->count && i < conf->job_count; i++)
		if (scheduler_serves(&conf->jobs[i]))
			jobs[(*out_count)++] = &conf->jobs[i];
	return NULL;
}

static void on_paused(void *arg, struct err *e)
{
	struct control_call *call = arg;
	struct json *changed = call->changed;

	call->changed = NULL;
	if (e) {
		json_destroy(changed);
		refuse(call, ERR_AT(e, "store the pause"));
	} else {
		answer(call, 0, changed);
	}
}

static void set_pause(struct control_call *call, const struct control *request, utc_t until)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct control_setup *setup = &call->control->setup;
	const struct conf_job **jobs;
	size_t count;
	char text[TIME_TEXT];
	struct err *e = jobs_to_pause(setup->conf, request, &arena, &jobs, &count);

	if (e) {
		refuse(call, e);
		return;
	}
	call->changed = json_array();
	for (size_t i = 0; i < count; i++) {
		struct json *row = json_add_object(call->changed);

		json_set_string(row, "job", jobs[i]->name);
		json_set_string(row, "paused_until", until ? utc_format(until, text) : NULL);
	}
	scheduler_pause(setup->scheduler, jobs, count, until, on_paused, call);
}

static void verb_pause(struct control_call *call, const struct control *request)
{
	set_pause(call, request, request->for_s > 0 ? wall_ms() / 1000 + request->for_s : UTC_NEVER);
}

static void verb_resume(struct control_call *call, const struct control *request)
{
	set_pause(call, request, 0);
}

/* -- stop ---------------------------------------------------------------------------------------------------------- */

static void verb_stop(struct control_call *call, const struct control *request)
{
	const struct control_setup *setup = &call->control->setup;
	struct json *value = json_object();

	(void)request;
	json_set_int(value, "pid", getpid());
	answer(call, 0, value);
	setup->stop(setup->arg);
}

static const struct {
	const char *name;
	void (*serve)(struct control_call *call, const struct control *request);
} verbs[] = {
    {"status", verb_status},
    {"run", verb_run},
    {"pause", verb_pause},
    {"resume", verb_resume},
    {"stop", verb_stop},
};

/* -- connections ----------------------------------------------------------------------------------------------------- */

static void on_request(void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct control_peer *caller = arg;
	const struct control *asked = request;

	for (size_t i = 0; kind == REQ_CONTROL && i < ARRAY_SIZE(verbs); i++) {
		if (!text_equal(asked->verb, verbs[i].name))
			continue;
		struct control_call *call = mem_alloc(sizeof(*call));

		*call = (struct control_call){.control = caller->control, .peer = peer, .sequence = sequence};
		DL_APPEND(caller->control->calls, call);
		verbs[i].serve(call, asked);
		return;
	}
	peer_fail(peer, sequence, ERR(ERR_CONFIG, "the daemon (version %s) does not know this verb", BMAD_VERSION));
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct control_peer *caller = arg;
	struct control_socket *control = caller->control;
	struct control_call *call, *next;

	err_destroy(why);
	DL_FOREACH_SAFE(control->calls, call, next)
		if (call->peer == peer)
			call->peer = NULL; /* it will be answered to nobody */
	DL_DELETE(control->peers, caller);
	peer_destroy(peer);
	free(caller);
}

static const struct peer_handlers handlers = {on_request, on_gone};

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct control_socket *control = arg;
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (connection < 0)
		return;
	struct control_peer *caller = mem_alloc(sizeof(*caller));
	caller->control = control;
	caller->peer = peer_create(control->setup.base, connection, &handlers, caller);
	DL_APPEND(control->peers, caller);
}

struct err *control_create(const struct control_setup *setup, struct control_socket **out_control)
{
	const char *path = setup->conf->daemon.control;
	int listener;

	TRY(socket_listen(path, &listener), "open the control socket");
	if (chmod(path, 0660)) { /* the group may ask: operators are put into it */
		close(listener);
		return ERR(ERR_CONFIG, "%s: chmod: %s", path, strerror(errno));
	}
	struct control_socket *control = mem_alloc(sizeof(*control));
	control->setup = *setup;
	control->listener = listener;
	control->started_ms = wall_ms();
	control->accept = event_new(setup->base, listener, EV_READ | EV_PERSIST, on_accept, control);
	event_add(control->accept, NULL);
	*out_control = control;
	return NULL;
}

void control_destroy(struct control_socket *control)
{
	struct control_peer *caller, *next_caller;
	struct control_call *call, *next_call;

	if (!control)
		return;
	DL_FOREACH_SAFE(control->calls, call, next_call) {
		json_destroy(call->changed);
		free(call);
	}
	DL_FOREACH_SAFE(control->peers, caller, next_caller) {
		peer_destroy(caller->peer);
		free(caller);
	}
	event_free(control->accept);
	close(control->listener);
	unlink(control->setup.conf->daemon.control);
	free(control);
}
