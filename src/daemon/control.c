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
#include "send/channel_states.h"

/* A call that is not answered yet. */
struct control_call {
	struct control_call *prev, *next;
	struct control_socket *control;
	struct peer *peer; /* NULL: the caller went */
	uint64_t sequence;
	int64_t run;
	bool wait;
	int64_t reload; /* that is waited for; 0: none */
	uid_t uid;            /* who asks */
	struct json *changed; /* of pause and resume: the answer once it is stored */
	int open_parts;       /* of which so many are not yet */
	struct err *failed;   /* the first that could not be */
	struct arena arena;
	const struct conf *conf;        /* whose channels status tells of; it holds a reference */
	const struct lane_view *states; /* of these channels; in `arena` */
};

struct control_socket {
	struct control_setup setup;
	struct event *accept;
	int listener;
	int64_t started_ms, loaded_ms;
	struct control_peer *peers;
	struct control_call *calls;
};

/* A connected command. */
struct control_peer {
	struct control_peer *prev, *next;
	struct control_socket *control;
	struct peer *peer;
	uid_t uid;
};

static void forget(struct control_call *call)
{
	DL_DELETE(call->control->calls, call);
	json_destroy(call->changed);
	err_destroy(call->failed);
	arena_done(&call->arena);
	conf_unref(call->conf);
	free(call);
}

static void answer(struct control_call *call, int64_t status, struct json *value)
{
	cleanup(free_text) char *text = json_print(value);

	if (call->peer)
		peer_reply(call->peer, REQ_CONTROL, call->sequence, &(struct control_reply){status, text});
	json_destroy(value);
	forget(call);
}

/* E is taken. */
static void refuse(struct control_call *call, struct err *e)
{
	if (call->peer)
		peer_fail(call->peer, call->sequence, e);
	else
		err_destroy(e);
	forget(call);
}

/* -- status ---------------------------------------------------------------------------------------- */

static void add_workers(struct json *workers, const struct control_setup *setup)
{
	struct child *worker;

	for (int number = 1; (worker = supervisor_child(setup->supervisor, CHILD_WORKER, number)); number++) {
		if (!worker->pid && number > setup->conf->daemon.workers)
			continue; /* there were more once */
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

static struct json *channel_status(const struct conf_channel *channel, const struct lane_view *state,
    const struct counts_reply *counts, int64_t now_ms)
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
	channel_state_print(state, item);
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
	json_set_string(status, "loaded", utc_format(control->loaded_ms / 1000, text));
	json_set_int(status, "uptime_s", (wall_ms() - control->started_ms) / 1000);
	json_set_int(status, "jobs", (int64_t)conf->job_count);
	json_set_int(status, "waiting", (int64_t)dispatcher_waiting(control->setup.dispatcher));
	add_workers(json_set_array(status, "workers"), &control->setup);
	json_set_array(status, "channels");
	add_paused(json_set_array(status, "paused"), control);
	add_next(status, control);
	json_set_int(status, "log_dropped", (int64_t)log_dropped());
	return status;
}

static void on_counts(void *arg, struct err *e, const void *reply)
{
	struct control_call *call = arg;
	const struct conf *conf = call->conf;
	struct json *document = status(call->control);
	struct json *channels = json_set_array(document, "channels");

	if (e) {
		json_destroy(document);
		refuse(call, ERR_AT(e, "count the outbox"));
		return;
	}
	for (size_t i = 0; i < conf->channel_count; i++)
		json_add(channels, channel_status(&conf->channels[i], &call->states[i], reply, wall_ms()));
	answer(call, 0, document);
}

static void on_lanes(void *arg, struct err *e, const void *reply)
{
	struct control_call *call = arg;
	const struct control_setup *setup = &call->control->setup;

	if (e) {
		refuse(call, ERR_AT(e, "read the states of channels"));
		return;
	}
	call->conf = conf_ref(setup->conf);
	call->states = channel_states(call->conf, reply, wall_ms(), &call->arena);
	line_call(setup->line, REQ_COUNTS, &(struct nothing){false}, on_counts, call);
}

static void verb_status(struct control_call *call, const struct control *request)
{
	(void)request;
	line_call(call->control->setup.line, REQ_LANES, &(struct nothing){false}, on_lanes, call);
}

/* -- run ------------------------------------------------------------------------------------------- */

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

/* -- pause and resume ------------------------------------------------------------------------------ */

static struct err *job_to_pause(const struct conf *conf, const char *name, const struct conf_job **out_job)
{
	PASS(conf_job_get(conf, name, out_job));
	if (!scheduler_serves(*out_job))
		return ERR(ERR_CONFIG, "job '%s' runs by hand only: there is nothing to pause", name);
	return NULL;
}

/* Those named, or all that have slots of their own. */
static struct err *jobs_to_pause(const struct conf *conf, const struct control *request, struct arena *arena,
    const struct conf_job ***out_jobs, size_t *out_count)
{
	const struct conf_job **jobs =
	    arena_alloc(arena, (conf->job_count + request->count + 1) * sizeof(const struct conf_job *));

	*out_jobs = jobs;
	*out_count = 0;
	for (size_t i = 0; i < request->count; i++)
		PASS(job_to_pause(conf, request->args[i].id, &jobs[(*out_count)++]));
	for (size_t i = 0; request->all && i < conf->job_count; i++)
		if (scheduler_serves(&conf->jobs[i]))
			jobs[(*out_count)++] = &conf->jobs[i];
	return NULL;
}

/* One of the two, jobs and channels, is stored or could not be. */
static void end_part(struct control_call *call, struct err *e)
{
	struct json *changed = call->changed;

	if (call->failed)
		err_destroy(e);
	else
		call->failed = e;
	if (--call->open_parts)
		return;
	e = call->failed;
	call->failed = NULL;
	if (e) {
		refuse(call, ERR_AT(e, "store the pause"));
		return;
	}
	call->changed = NULL;
	answer(call, 0, changed);
}

static void on_jobs_paused(void *arg, struct err *e)
{
	end_part(arg, e);
}

static void add_change(struct json *changed, const char *what, const char *name, utc_t until)
{
	struct json *row = json_add_object(changed);
	char text[TIME_TEXT];

	json_set_string(row, what, name);
	json_set_string(row, "paused_until", until ? utc_format(until, text) : NULL);
}

static struct err *pause_jobs(struct control_call *call, const struct control *request, utc_t until)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct control_setup *setup = &call->control->setup;
	const struct conf_job **jobs;
	size_t count;

	PASS(jobs_to_pause(setup->conf, request, &arena, &jobs, &count));
	for (size_t i = 0; i < count; i++)
		add_change(call->changed, "job", jobs[i]->name, until);
	call->open_parts++;
	scheduler_pause(setup->scheduler, jobs, count, until, on_jobs_paused, call);
	return NULL;
}

static void on_channels_paused(void *arg, struct err *e, const void *reply)
{
	(void)reply;
	end_part(arg, e);
}

static struct err *channels_to_pause(
    const struct conf *conf, const struct control *request, struct arena *arena, struct channels_pause *out)
{
	const struct conf_channel *channel;

	out->channels =
	    arena_alloc(arena, (conf->channel_count + request->channel_count) * sizeof(*out->channels));
	for (size_t i = 0; i < request->channel_count; i++) {
		PASS(conf_channel_get(conf, request->channels[i].id, &channel));
		out->channels[out->count++].id = channel->name;
	}
	for (size_t i = 0; request->all && i < conf->channel_count; i++)
		out->channels[out->count++].id = conf->channels[i].name;
	return NULL;
}

/* Channels are the sender's: it has the store keep what it makes of this, and then answers. */
static struct err *pause_channels(struct control_call *call, const struct control *request, utc_t until)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct control_setup *setup = &call->control->setup;
	const struct child *sender = supervisor_child(setup->supervisor, CHILD_SENDER, 1);
	struct channels_pause pause = {.until_ms = until == UTC_NEVER ? INT64_MAX : until * 1000};

	PASS(channels_to_pause(setup->conf, request, &arena, &pause));
	if (!pause.count)
		return NULL;
	if (!sender->peer)
		return ERR(ERR_TEMPORARY, "the sender is just being started anew: try again");
	for (size_t i = 0; i < pause.count; i++)
		add_change(call->changed, "channel", pause.channels[i].id, until);
	pause.by = arena_format(&arena, "uid %lld", (long long)call->uid);
	call->open_parts++;
	peer_call(sender->peer, REQ_CHANNELS, &pause, on_channels_paused, call);
	return NULL;
}

static void set_pause(struct control_call *call, const struct control *request, utc_t until)
{
	struct err *e;

	call->changed = json_array();
	call->open_parts = 1; /* this one */
	e = pause_channels(call, request, until);
	if (!e)
		e = pause_jobs(call, request, until);
	end_part(call, e);
}

static void verb_pause(struct control_call *call, const struct control *request)
{
	set_pause(call, request, request->for_s > 0 ? wall_ms() / 1000 + request->for_s : UTC_NEVER);
}

static void verb_resume(struct control_call *call, const struct control *request)
{
	set_pause(call, request, 0);
}

/* -- reload ---------------------------------------------------------------------------------------- */

static void verb_reload(struct control_call *call, const struct control *request)
{
	const struct control_setup *setup = &call->control->setup;

	(void)request;
	call->reload = setup->reload(setup->arg);
	if (!call->reload)
		refuse(call, ERR(ERR_TEMPORARY, "the daemon stops"));
}

static struct json *reloaded_json(const struct reload_outcome *outcome)
{
	struct json *value = json_object();
	cleanup(buf_done) struct buf problems = {0};

	conf_problems_print(outcome->problems, &problems);
	json_set_bool(value, "accepted", outcome->accepted);
	json_set_string(value, "problems", buf_text(&problems));
	json_set_int(value, "jobs", (int64_t)outcome->conf->job_count);
	return value;
}

void control_reloaded(struct control_socket *control, const struct reload_outcome *outcome)
{
	struct control_call *call, *next;

	DL_FOREACH_SAFE(control->calls, call, next)
		if (call->reload && call->reload <= outcome->number)
			answer(call, outcome->accepted ? 0 : 2, reloaded_json(outcome));
}

void control_set_conf(struct control_socket *control, const struct conf *conf)
{
	control->setup.conf = conf;
	control->loaded_ms = wall_ms();
}

/* -- stop ------------------------------------------------------------------------------------------ */

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
    {"reload", verb_reload},
    {"stop", verb_stop},
};

/* -- connections ----------------------------------------------------------------------------------- */

static void on_request(void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct control_peer *caller = arg;
	const struct control *asked = request;

	for (size_t i = 0; kind == REQ_CONTROL && i < ARRAY_SIZE(verbs); i++) {
		if (!text_equal(asked->verb, verbs[i].name))
			continue;
		struct control_call *call = mem_alloc(sizeof(*call));

		*call = (struct control_call){
		    .control = caller->control, .peer = peer, .sequence = sequence, .uid = caller->uid};
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

/* The kernel's word: nobody can claim to be somebody else. */
static uid_t uid_of(int connection)
{
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t length = sizeof(who);

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &length))
		return (uid_t)-1;
	return who.uid;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct control_socket *control = arg;
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (connection < 0)
		return;
	struct control_peer *caller = mem_alloc(sizeof(*caller));
	caller->control = control;
	caller->uid = uid_of(connection);
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
	control->started_ms = control->loaded_ms = wall_ms();
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
	DL_FOREACH_SAFE(control->calls, call, next_call)
		forget(call);
	DL_FOREACH_SAFE(control->peers, caller, next_caller) {
		peer_destroy(caller->peer);
		free(caller);
	}
	event_free(control->accept);
	close(control->listener);
	unlink(control->setup.conf->daemon.control);
	free(control);
}
