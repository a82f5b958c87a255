/* SPDX-License-Identifier: MIT */
/* Serves the control socket: connections, the table of verbs, and run, reload and stop. */
#include "daemon/control.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/text.h"
#include "daemon/child.h"
#include "daemon/control_parts.h"
#include "request/link.h"

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

void control_answer(struct control_call *call, int64_t status, struct json *value)
{
	cleanup(free_text) char *text = json_print(value);

	if (call->peer)
		peer_reply(call->peer, REQ_CONTROL, call->sequence, &(struct control_reply){status, text});
	json_destroy(value);
	forget(call);
}

void control_refuse(struct control_call *call, struct err *e)
{
	if (call->peer)
		peer_fail(call->peer, call->sequence, e);
	else
		err_destroy(e);
	forget(call);
}

/* -- run ------------------------------------------------------------------------------------------- */

static void answer_run(struct control_call *call, const char *state)
{
	struct json *value = json_object();

	json_set_int(value, "run", call->run);
	json_set_string(value, "state", state);
	control_answer(call, 0, value);
}

static void on_granted(void *arg, int64_t run, struct err *e)
{
	struct control_call *call = arg;

	if (e) {
		control_refuse(call, e);
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
		control_refuse(call, e);
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
			control_answer(call, end->ending == ENDED_OK ? 0 : 1, ended_json(end));
}

/* -- reload ---------------------------------------------------------------------------------------- */

static void verb_reload(struct control_call *call, const struct control *request)
{
	const struct control_setup *setup = &call->control->setup;

	(void)request;
	call->reload = setup->reload(setup->arg);
	if (!call->reload)
		control_refuse(call, ERR(ERR_TEMPORARY, "the daemon stops"));
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
			control_answer(call, outcome->accepted ? 0 : 2, reloaded_json(outcome));
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
	control_answer(call, 0, value);
	setup->stop(setup->arg);
}

static const struct {
	const char *name;
	void (*serve)(struct control_call *call, const struct control *request);
} verbs[] = {
    {"status", control_status},
    {"run", verb_run},
    {"pause", control_pause},
    {"resume", control_resume},
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
