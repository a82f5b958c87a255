/* SPDX-License-Identifier: MIT */
/*
 * Main's loop: joins scheduler, dispatcher, supervisor, control and signals. It does no SQL, no network, no
 * DNS and nothing else that can wait.
 */
#include "daemon/daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "daemon/alarms.h"
#include "daemon/checker.h"
#include "daemon/child.h"
#include "daemon/control.h"
#include "daemon/dispatcher.h"
#include "daemon/line.h"
#include "daemon/notify.h"
#include "daemon/reload.h"
#include "daemon/scheduler.h"
#include "daemon/stage.h"
#include "daemon/supervisor.h"
#include "daemon/title.h"

#define LOCK_PATIENCE_MS 40000 /* longer than a stop takes by default */
#define LOG_FLUSH_MS     500

struct daemon {
	struct stage stage;
	const struct conf *conf; /* in force; it holds a reference */
	struct line *line;
	struct supervisor *supervisor;
	struct dispatcher *dispatcher;
	struct alarms *alarms;
	struct scheduler *scheduler;
	struct control_socket *control;
	struct reload *reload;
	struct event *signals[4];
	struct event *watchdog, *flush, *stop_timeout;
	bool stopping, children_ended;
	struct err *hopeless; /* there is no going on */
};

/* -- stopping -------------------------------------------------------------------------------------- */

/*
 * In order: no new slots and nothing new on the wire; runs and wire get stop_timeout; then the workers, and
 * last the store, when it has recorded how all of that ended.
 */
static void stop_step(struct daemon *daemon)
{
	if (!daemon->stopping)
		return;
	if (dispatcher_count(daemon->dispatcher) || supervisor_count(daemon->supervisor, CHILD_SENDER))
		return;
	if (!daemon->children_ended) {
		daemon->children_ended = true;
		supervisor_end(daemon->supervisor, CHILD_WORKER, 0);
	}
	if (daemon->line && line_open_calls(daemon->line) && line_connected(daemon->line))
		return;
	line_destroy(daemon->line); /* first, or the store's end would look like a fault */
	daemon->line = NULL;
	supervisor_retire(daemon->supervisor, CHILD_STORE);
	supervisor_end(daemon->supervisor, CHILD_STORE, 0);
	if (!supervisor_count(daemon->supervisor, CHILD_STORE) && !supervisor_count(daemon->supervisor, CHILD_WORKER))
		event_base_loopbreak(daemon->stage.base);
}

/* Runs that are still going are cut: they committed nothing, and their slots run once more. */
static void on_stop_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd, (void)what;
	supervisor_end(daemon->supervisor, CHILD_WORKER, SIGKILL);
	supervisor_end(daemon->supervisor, CHILD_SENDER, SIGKILL);
	timer_set(daemon->stop_timeout, 1000);
}

static void stop(void *arg)
{
	struct daemon *daemon = arg;
	struct child *sender = supervisor_child(daemon->supervisor, CHILD_SENDER, 1);

	if (daemon->stopping)
		return;
	daemon->stopping = true;
	reload_stop(daemon->reload);
	notify("STOPPING=1");
	supervisor_retire(daemon->supervisor, CHILD_WORKER);
	supervisor_retire(daemon->supervisor, CHILD_SENDER);
	if (daemon->scheduler)
		scheduler_stop(daemon->scheduler);
	alarms_stop(daemon->alarms);
	dispatcher_stop(daemon->dispatcher);
	if (sender->peer)
		peer_call(sender->peer, REQ_DRAIN, &(struct nothing){false}, NULL, NULL);
	timer_set(daemon->stop_timeout, daemon->conf->daemon.stop_timeout_ms);
	stop_step(daemon);
}

/* -- what children say ----------------------------------------------------------------------------- */

static void on_request(void *arg, struct child *child, enum request_kind kind, const void *request)
{
	struct daemon *daemon = arg;

	if (kind == REQ_RESULT && child->kind == CHILD_WORKER)
		dispatcher_result(daemon->dispatcher, child, request);
	else if (kind == REQ_NOTICES && child->kind != CHILD_WORKER)
		alarms_notices(daemon->alarms, request);
}

static void on_ready(void *arg, struct child *child)
{
	dispatcher_ready(((struct daemon *)arg)->dispatcher, child);
}

static void on_gone(void *arg, struct child *child, int status)
{
	struct daemon *daemon = arg;

	if (child->kind == CHILD_WORKER)
		dispatcher_gone(daemon->dispatcher, child, status);
	if (daemon->line && !daemon->stopping)
		daemon->hopeless = supervisor_hopeless(child, status, daemon->line);
	if (daemon->hopeless)
		event_base_loopbreak(daemon->stage.base);
	stop_step(daemon);
}

/* No child of the supervisor's: the checker, or a helper that nobody waits for. */
static void on_other(void *arg, pid_t pid, int status)
{
	reload_reaped(((struct daemon *)arg)->reload, pid, status);
}

static const struct supervisor_events supervisor_events = {on_request, on_ready, on_gone, on_other};

static void on_run_ended(void *arg, const struct run_end *end)
{
	struct daemon *daemon = arg;

	if (daemon->control && !end->granted->slots_to)
		control_run_ended(daemon->control, end);
	if (daemon->scheduler && !alarms_own(end->granted))
		scheduler_run_ended(daemon->scheduler, end);
	alarms_run_ended(daemon->alarms, end);
	/* The run is counted until this returns: look again when the loop comes round. */
	event_active(daemon->signals[0], EV_SIGNAL, 1);
}

/* -- another configuration ------------------------------------------------------------------------- */

static void on_turned_over(void *arg)
{
	reload_applied(((struct daemon *)arg)->reload);
}

/* The dispatcher first: what the scheduler begins must not get a worker with the old one. */
static void apply_conf(void *arg, struct conf *conf)
{
	struct daemon *daemon = arg;
	const struct conf *before = daemon->conf;

	daemon->conf = daemon->stage.conf = conf;
	log_set_level((enum log_level)conf->daemon.log_level);
	log_set_format((enum log_format)conf->daemon.log_format);
	control_set_conf(daemon->control, conf);
	alarms_configure(daemon->alarms, conf);
	dispatcher_reload(daemon->dispatcher, conf);
	scheduler_reload(daemon->scheduler, conf, on_turned_over, daemon);
	conf_unref(before);
}

static void on_reloaded(void *arg, const struct reload_outcome *outcome)
{
	struct daemon *daemon = arg;

	if (daemon->control)
		control_reloaded(daemon->control, outcome);
}

static int64_t ask_reload(void *arg)
{
	return reload_ask(((struct daemon *)arg)->reload);
}

/* -- signals and timers ---------------------------------------------------------------------------- */

/* SIGCHLD; also made active by hand when something may have come to its end. */
static void on_child_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)signal_number, (void)what;
	supervisor_reap(daemon->supervisor);
	stop_step(daemon);
}

static void on_stop_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)signal_number, (void)what;
	if (daemon->stopping) /* asked twice: whoever asks does not want to wait */
		on_stop_timeout(-1, 0, daemon);
	stop(daemon);
}

static void on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
	(void)signal_number, (void)what;
	ask_reload(arg);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	notify("WATCHDOG=1");
}

/* A timer only while syslog is behind: an idle daemon has no wake-ups. */
static void on_log_waits(void *arg)
{
	struct daemon *daemon = arg;

	if (!event_pending(daemon->flush, EV_TIMEOUT, NULL))
		timer_set(daemon->flush, LOG_FLUSH_MS);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd, (void)what;
	log_flush();
	if (log_waits())
		on_log_waits(daemon);
}

static void add_signal(struct daemon *daemon, size_t place, int signal_number, event_callback_fn handler)
{
	daemon->signals[place] = evsignal_new(daemon->stage.base, signal_number, handler, daemon);
	event_add(daemon->signals[place], NULL);
}

static void set_timers(struct daemon *daemon)
{
	int64_t watchdog_ms = notify_watchdog_ms();

	daemon->stop_timeout = evtimer_new(daemon->stage.base, on_stop_timeout, daemon);
	daemon->flush = evtimer_new(daemon->stage.base, on_flush, daemon);
	log_on_wait(on_log_waits, daemon);
	daemon->watchdog = event_new(daemon->stage.base, -1, EV_PERSIST, on_watchdog, daemon);
	if (watchdog_ms > 0)
		timer_set(daemon->watchdog, watchdog_ms);
}

/* -- the check before anything starts -------------------------------------------------------------- */

struct first_check {
	struct event_base *base;
	int status;
};

static void on_first_check(void *arg, const struct checked *checked, struct err *e)
{
	struct first_check *first = arg;
	struct conf_problems problems = {0};

	event_base_loopbreak(first->base);
	if (e) {
		first->status = cli_fail(e);
		return;
	}
	if (checked->accepted)
		return;
	checked_problems(checked, &problems);
	cli_print_problems(&problems);
	conf_problems_done(&problems);
	first->status = EXIT_USAGE;
}

/* EXIT_OK: the configuration is fit to run on; else why not stands on standard error. */
static int check_first(const struct daemon *daemon)
{
	struct first_check first = {.base = daemon->stage.base, .status = EXIT_OK};
	struct checker *checker;
	struct err *e = checker_start(first.base,
	    &(struct checker_plan){.loaded = daemon->conf, .patience_ms = CHECKER_PATIENCE_MS}, on_first_check, &first,
	    &checker);

	if (e)
		return cli_fail(e);
	event_base_dispatch(first.base);
	return first.status;
}

/* -- starting -------------------------------------------------------------------------------------- */

static void on_scheduler_ready(void *arg)
{
	struct daemon *daemon = arg;

	stage_announce(daemon->conf, "daemon_started");
	notify("READY=1");
	reload_allow(daemon->reload);
}

static void start_children(struct daemon *daemon)
{
	const struct conf *conf = daemon->conf;

	daemon->supervisor = supervisor_create(
	    &(struct supervisor_setup){
	        .base = daemon->stage.base,
	        .conf = conf,
	        .instance = daemon->stage.instance,
	        .store_socket = daemon->stage.socket_path,
	        .listener = daemon->stage.listener,
	        .lock = daemon->stage.lock,
	        .workers = (int)conf->daemon.workers,
	        .daemon = true,
	    },
	    &supervisor_events, daemon);
	supervisor_start(daemon->supervisor, CHILD_STORE);
	daemon->line = line_create(daemon->stage.base, daemon->stage.socket_path,
	    &(struct hello){.role = ROLE_MAIN, .instance = daemon->stage.instance, .pid = getpid()});
	daemon->dispatcher = dispatcher_create(&(struct dispatcher_setup){
	    .base = daemon->stage.base,
	    .supervisor = daemon->supervisor,
	    .line = daemon->line,
	    .ended = on_run_ended,
	    .arg = daemon,
	});
	supervisor_start(daemon->supervisor, CHILD_SENDER);
	supervisor_start(daemon->supervisor, CHILD_WORKER);
}

static void add_signals(struct daemon *daemon)
{
	add_signal(daemon, 0, SIGCHLD, on_child_signal);
	event_active(daemon->signals[0], EV_SIGNAL, 1); /* the checker has ended before this was heard */
	add_signal(daemon, 1, SIGTERM, on_stop_signal);
	add_signal(daemon, 2, SIGINT, on_stop_signal);
	add_signal(daemon, 3, SIGHUP, on_hangup);
}

static void create_reload(struct daemon *daemon)
{
	daemon->reload = reload_create(&(struct reload_setup){
	    .base = daemon->stage.base,
	    .conf = daemon->conf,
	    .apply = apply_conf,
	    .ended = on_reloaded,
	    .arg = daemon,
	});
}

static void create_scheduler(struct daemon *daemon)
{
	daemon->alarms = alarms_create(&(struct alarms_setup){
	    .base = daemon->stage.base,
	    .conf = daemon->conf,
	    .instance = daemon->stage.instance,
	    .line = daemon->line,
	    .dispatcher = daemon->dispatcher,
	});
	daemon->scheduler = scheduler_create(&(struct scheduler_setup){
	    .base = daemon->stage.base,
	    .conf = daemon->conf,
	    .instance = daemon->stage.instance,
	    .line = daemon->line,
	    .dispatcher = daemon->dispatcher,
	    .alarms = daemon->alarms,
	    .ready = on_scheduler_ready,
	    .arg = daemon,
	});
}

static struct err *open_control(struct daemon *daemon)
{
	return control_create(
	    &(struct control_setup){
	        .base = daemon->stage.base,
	        .conf = daemon->conf,
	        .line = daemon->line,
	        .supervisor = daemon->supervisor,
	        .dispatcher = daemon->dispatcher,
	        .scheduler = daemon->scheduler,
	        .stop = stop,
	        .reload = ask_reload,
	        .arg = daemon,
	    },
	    &daemon->control);
}

static struct err *start(struct daemon *daemon)
{
	struct lock_holder holder;
	bool held;

	PASS(stage_lock(&daemon->stage, "daemon", LOCK_PATIENCE_MS, &held, &holder));
	if (!held)
		return ERR(ERR_CONFIG, "a daemon runs on the store %s already: process %d",
		    daemon->conf->daemon.store, (int)holder.pid);
	add_signals(daemon);
	create_reload(daemon);
	start_children(daemon);
	set_timers(daemon);
	create_scheduler(daemon);
	return open_control(daemon);
}

static void done(struct daemon *daemon)
{
	struct event *events[] = {daemon->signals[0], daemon->signals[1], daemon->signals[2], daemon->signals[3],
	    daemon->watchdog, daemon->flush, daemon->stop_timeout};

	log_on_wait(NULL, NULL);
	control_destroy(daemon->control);
	reload_destroy(daemon->reload);
	scheduler_destroy(daemon->scheduler);
	alarms_destroy(daemon->alarms);
	dispatcher_destroy(daemon->dispatcher);
	line_destroy(daemon->line);
	supervisor_destroy(daemon->supervisor);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i])
			event_free(events[i]);
	stage_done(&daemon->stage);
	conf_unref(daemon->conf);
}

static void tell_stopped(void)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "daemon_stopped");
	log_int(&line, "pid", getpid());
	log_end(&line);
	log_flush();
}

int daemon_run(struct conf *conf)
{
	struct daemon daemon = {.conf = conf};
	struct err *e = stage_log(conf, false);

	if (e) {
		conf_destroy(conf);
		return cli_fail(e);
	}
	stage_init(&daemon.stage, conf);
	title_set("main [%s]", conf->path);
	int status = check_first(&daemon);
	if (status) {
		done(&daemon);
		return status;
	}
	e = start(&daemon);
	if (!e) {
		event_base_dispatch(daemon.stage.base);
		e = daemon.hopeless;
		tell_stopped();
	}
	done(&daemon);
	return e ? cli_fail(e) : EXIT_OK;
}
