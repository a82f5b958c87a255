/* SPDX-License-Identifier: MIT */
/*
 * `--once`: a small main of its own. With a daemon on the store it brings only a worker and speaks to the
 * daemon's store process; without one it takes the lock and brings store and sender too.
 */
#include "daemon/once.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "daemon/dispatcher.h"
#include "daemon/line.h"
#include "daemon/once_report.h"
#include "daemon/stage.h"
#include "daemon/supervisor.h"
#include "request/link.h"

#define LOCK_PATIENCE_MS 600000 /* another --once: its run may be long */
#define CLAIM_AGAIN_MS   300
#define DRAIN_S          5

struct once {
	const struct once_request *request;
	struct stage stage;
	struct line *line; /* NULL: a dry run */
	struct supervisor *supervisor;
	struct dispatcher *dispatcher;
	struct event *child_signal, *claim_again, *drain_timeout;
	bool own;  /* the store and the sender are ours */
	bool told; /* that it waits */
	bool finished;
	int64_t run;
	utc_t slot;
	struct json *report;
	struct err *error;
};

static void finish(struct once *once)
{
	struct child *sender = supervisor_child(once->supervisor, CHILD_SENDER, 1);

	once->finished = true;
	supervisor_retire(once->supervisor, CHILD_SENDER);
	if (!sender->pid || !sender->peer) {
		event_base_loopbreak(once->stage.base);
		return;
	}
	/* What is on the wire now is finished and recorded: cut, it would be ambiguous. */
	peer_call(sender->peer, REQ_DRAIN, &(struct nothing){false}, NULL, NULL);
	event_add(once->drain_timeout, &(struct timeval){.tv_sec = DRAIN_S});
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	event_base_loopbreak(((struct once *)arg)->stage.base);
}

/* -- the outcomes of messages ---------------------------------------------------------------------- */

static void on_outcomes(void *arg, struct err *e, const void *reply)
{
	struct once *once = arg;
	const struct wait_reply *answer = reply;

	if (e) {
		once->error = ERR_AT(e, "wait for the outcome of the messages");
		finish(once);
		return;
	}
	for (size_t i = 0; i < answer->count; i++)
		once_report_outcome(once->report, &answer->messages[i]);
	finish(once);
}

/* Waits for all messages that are neither printed nor suppressed. */
static void wait_outcomes(struct once *once)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct json *messages = json_get(once->report, "messages");
	struct id_record *ids = arena_alloc(&arena, (json_length(messages) + 1) * sizeof(*ids));
	struct wait wait = {.ids = ids, .deadline_ms = wall_ms() + once->request->deliver_timeout_ms};

	json_each(message, messages)
		if (once_report_waits(message))
			ids[wait.count++].id = json_text(json_get(message, "id"));
	if (wait.count)
		line_call(once->line, REQ_WAIT, &wait, on_outcomes, once);
	else
		finish(once);
}

static void on_console_settled(void *arg, struct err *e, const void *reply)
{
	struct once *once = arg;

	(void)reply;
	if (!e) {
		wait_outcomes(once);
		return;
	}
	once->error = ERR_AT(e, "record the messages to the console as delivered");
	finish(once);
}

static bool is_ours_to_print(const struct json *message)
{
	return once_report_waits(message) && text_equal(json_text(json_get(message, "type")), "console");
}

/*
 * Console messages were born taken by us: they are shown by the command and settled here. Then, because what
 * an instance leaves taken is given up with it, the others are waited for.
 */
static void settle_console(struct once *once)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct json *messages = json_get(once->report, "messages");
	struct settlement *settlements = arena_alloc(&arena, (json_length(messages) + 1) * sizeof(*settlements));
	struct settle settle = {.instance = once->stage.instance, .now_ms = wall_ms(), .messages = settlements};

	json_each(message, messages) {
		if (!is_ours_to_print(message))
			continue;
		settlements[settle.count++] = (struct settlement){
		    .id = json_text(json_get(message, "id")),
		    .state = "delivered",
		    .attempts = 1,
		};
		json_set_string((struct json *)message, "outcome", "delivered");
		json_set_int((struct json *)message, "attempts", 1);
	}
	if (settle.count)
		line_call(once->line, REQ_SETTLE, &settle, on_console_settled, once);
	else
		wait_outcomes(once);
}

/* -- the run --------------------------------------------------------------------------------------- */

static void on_run_ended(void *arg, const struct run_end *end)
{
	struct once *once = arg;

	once->report = once_report(once->request->job, once->slot, end);
	if (end->error || !once->line) {
		finish(once);
		return;
	}
	settle_console(once);
}

static void grant(struct once *once, int64_t run)
{
	const struct once_request *request = once->request;

	once->run = run;
	if (once->own) {
		supervisor_send_only(once->supervisor, run);
		supervisor_start(once->supervisor, CHILD_SENDER);
	}
	dispatcher_add(once->dispatcher,
	    &(struct granted){
	        .job = request->job,
	        .run = run,
	        .slot = once->slot,
	        .now = request->at,
	        .attempt = 1,
	        .trigger = TRIGGER_MANUAL,
	        .dry_run = !run,
	        .debug = request->debug,
	        .log_message = request->log_message,
	        .again = request->again,
	        .given = request->given,
	        .by_hand = true,
	        .report = true,
	    });
}

static void tell_waiting(struct once *once, int64_t open_run)
{
	struct log_line line;

	if (once->told)
		return;
	once->told = true;
	log_begin(&line, LEVEL_WARNING, "run_waits");
	log_text(&line, "job", once->request->job->name);
	log_int(&line, "open_run", open_run);
	log_text(&line, "reason", "another run of this job is open; this one begins when it is over");
	log_end(&line);
}

static void on_claimed(void *arg, struct err *e, const void *reply)
{
	struct once *once = arg;
	const struct claim_reply *answer = reply;

	if (!e && answer->count != 1)
		e = ERR(ERR_BUG, "the store answered %zu slots instead of one", answer->count);
	if (e) {
		once->error = ERR_AT(e, "claim a run of %s", once->request->job->name);
		finish(once);
		return;
	}
	if (answer->slots[0].state == CLAIM_GRANTED) {
		grant(once, answer->slots[0].run);
		return;
	}
	tell_waiting(once, answer->slots[0].open_run);
	timer_set(once->claim_again, CLAIM_AGAIN_MS);
}

static void claim(struct once *once)
{
	struct claim_slot slot = {
	    .job = once->request->job->name,
	    .due = once->slot,
	    .trigger = TRIGGER_MANUAL,
	    .overlap = OVERLAP_QUEUE,
	};
	struct claim claim = {once->stage.instance, wall_ms(), &slot, 1};

	line_call(once->line, REQ_CLAIM, &claim, on_claimed, once);
}

static void on_claim_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	claim(arg);
}

/* -- children -------------------------------------------------------------------------------------- */

static void on_request(void *arg, struct child *child, enum request_kind kind, const void *request)
{
	struct once *once = arg;

	if (kind == REQ_RESULT && child->kind == CHILD_WORKER)
		dispatcher_result(once->dispatcher, child, request);
}

static void on_ready(void *arg, struct child *child)
{
	dispatcher_ready(((struct once *)arg)->dispatcher, child);
}

static void on_gone(void *arg, struct child *child, int status)
{
	struct once *once = arg;

	if (child->kind == CHILD_WORKER)
		dispatcher_gone(once->dispatcher, child, status);
	if (once->line && !once->error)
		once->error = supervisor_hopeless(child, status, once->line);
	if (once->error)
		event_base_loopbreak(once->stage.base);
	if (child->kind == CHILD_SENDER && once->finished)
		event_base_loopbreak(once->stage.base);
}

static const struct supervisor_events supervisor_events = {on_request, on_ready, on_gone, NULL};

static void on_child_signal(evutil_socket_t signal_number, short what, void *arg)
{
	(void)signal_number, (void)what;
	supervisor_reap(((struct once *)arg)->supervisor);
}

/* -- beginning and end ----------------------------------------------------------------------------- */

/* A file-backed store that is there: a dry run may read job state from it. */
static const char *readable_store(const struct conf *conf)
{
	const char *url = conf->daemon.store;
	const char *path = strchr(url, ':');

	return path && !access(path + 1, R_OK) ? url : NULL;
}

static bool somebody_listens(const char *path)
{
	int fd;
	struct err *e = socket_connect(path, &fd);

	if (!e)
		close(fd);
	err_ignore(e);
	return !e;
}

static void create_parts(struct once *once, const char *store_socket)
{
	struct stage *stage = &once->stage;

	once->child_signal = evsignal_new(stage->base, SIGCHLD, on_child_signal, once);
	event_add(once->child_signal, NULL);
	once->claim_again = evtimer_new(stage->base, on_claim_again, once);
	once->drain_timeout = evtimer_new(stage->base, on_drain_timeout, once);
	once->supervisor = supervisor_create(
	    &(struct supervisor_setup){
	        .base = stage->base,
	        .conf = once->request->conf,
	        .instance = stage->instance,
	        .store_socket = store_socket,
	        .store_url = readable_store(once->request->conf),
	        .listener = stage->listener,
	        .lock = stage->lock,
	        .workers = 1,
	    },
	    &supervisor_events, once);
	if (once->own)
		supervisor_start(once->supervisor, CHILD_STORE);
	if (!once->request->dry_run)
		once->line = line_create(stage->base, stage->socket_path,
		    &(struct hello){
		        .role = once->own ? ROLE_MAIN : ROLE_ONCE,
		        .instance = stage->instance,
		        .pid = getpid(),
		    });
	once->dispatcher = dispatcher_create(&(struct dispatcher_setup){
	    .base = stage->base,
	    .supervisor = once->supervisor,
	    .line = once->line,
	    .ended = on_run_ended,
	    .arg = once,
	});
	supervisor_start(once->supervisor, CHILD_WORKER);
}

static struct err *start(struct once *once)
{
	struct stage *stage = &once->stage;
	struct lock_holder holder;

	if (once->request->dry_run) {
		create_parts(once, somebody_listens(stage->socket_path) ? stage->socket_path : NULL);
		grant(once, 0);
		return NULL;
	}
	PASS(stage_lock(stage, "once", LOCK_PATIENCE_MS, &once->own, &holder));
	create_parts(once, stage->socket_path);
	claim(once);
	return NULL;
}

/* The children end in order: the sender has drained, then the workers, then the store. */
static void end_children(struct once *once)
{
	supervisor_retire(once->supervisor, CHILD_WORKER);
	supervisor_retire(once->supervisor, CHILD_STORE);
	supervisor_end(once->supervisor, CHILD_WORKER, 0);
	line_destroy(once->line);
	once->line = NULL;
	supervisor_end(once->supervisor, CHILD_STORE, 0);
	while (supervisor_count(once->supervisor, CHILD_STORE) || supervisor_count(once->supervisor, CHILD_WORKER))
		event_base_loop(once->stage.base, EVLOOP_ONCE);
}

static void done(struct once *once)
{
	if (once->supervisor) {
		end_children(once);
		dispatcher_destroy(once->dispatcher);
		supervisor_destroy(once->supervisor);
		event_free(once->child_signal);
		event_free(once->claim_again);
		event_free(once->drain_timeout);
	}
	stage_done(&once->stage);
}

struct err *once_run(const struct once_request *request, struct json **out_report)
{
	struct once once = {.request = request, .slot = request->at ? request->at : wall_ms() / 1000};

	stage_init(&once.stage, request->conf);
	struct err *e = start(&once);
	if (!e) {
		event_base_dispatch(once.stage.base);
		e = once.error;
	}
	done(&once);
	if (e) {
		json_destroy(once.report);
		return e;
	}
	*out_report = once.report;
	return NULL;
}
