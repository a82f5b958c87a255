/* SPDX-License-Identifier: MIT */
/* The course of a reload: checked, read, compared, applied, told. */
#include "daemon/reload.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/check.h"
#include "daemon/checker.h"
#include "daemon/child.h"
#include "daemon/notify.h"
#include "schedule/tz.h"

#define TRIES_MAX 3  /* the files changed between the checker's reading and main's */
#define LINES_MAX 20 /* of problems, in the log */

struct reload {
	struct reload_setup setup;
	int64_t asked, running, ended; /* numbers of reloads; `running` 0: none */
	int tries;
	struct checker *checker;
	struct event *due; /* begins the next one, from the loop */
	struct conf_problems problems; /* of the one that is running */
	bool allowed, stopped;
};

static void check(struct reload *reload);

/* -- telling --------------------------------------------------------------------------------------- */

static void tell_problem(const struct conf_problem *problem)
{
	const struct conf_place *place = &problem->place;
	struct log_line line;

	log_begin(&line, LEVEL_WARNING, "config_rejected");
	if (*place->file && place->line)
		log_format(&line, "error", "%s:%d:%d: %s", place->file, place->line, place->column, problem->text);
	else if (*place->file)
		log_format(&line, "error", "%s: %s", place->file, problem->text);
	else
		log_text(&line, "error", problem->text);
	log_end(&line);
}

static void tell_rejected(const struct conf_problems *problems)
{
	size_t told = 0;
	struct log_line line;

	for (size_t i = 0; i < problems->count && told < LINES_MAX; i++) {
		if (problems->items[i].level != PROBLEM_ERROR)
			continue;
		tell_problem(&problems->items[i]);
		told++;
	}
	if (problems->errors <= told)
		return;
	log_begin(&line, LEVEL_WARNING, "config_rejected");
	log_format(&line, "error", "and %zu more problems: bmad check tells all of them", problems->errors - told);
	log_end(&line);
}

/* Jobs of CONF that OTHER does not have; with CHANGED, that it has with another schedule. */
static int64_t count_jobs(const struct conf *conf, const struct conf *other, bool changed)
{
	int64_t count = 0;

	for (size_t i = 0; i < conf->job_count; i++) {
		const struct conf_job *job = conf_job(other, conf->jobs[i].name);

		if (changed)
			count += job && job->fingerprint != conf->jobs[i].fingerprint;
		else
			count += !job;
	}
	return count;
}

static void tell_loaded(const struct conf *before, const struct conf *conf)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "config_loaded");
	log_text(&line, "environment", conf->environment ? conf->environment : "none");
	log_text(&line, "config", conf->path);
	log_text(&line, "redirect", conf->daemon.redirect_to ? conf->daemon.redirect_to : "none");
	log_int(&line, "jobs", (int64_t)conf->job_count);
	log_int(&line, "added", count_jobs(conf, before, false));
	log_int(&line, "removed", count_jobs(before, conf, false));
	log_int(&line, "rescheduled", count_jobs(conf, before, true));
	log_end(&line);
}

static void notify_reloading(void)
{
	cleanup(free_text) char *state =
	    mem_format("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)mono_now().ms * 1000);

	notify(state);
}

/* -- the end of one -------------------------------------------------------------------------------- */

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct reload *reload = arg;

	(void)fd, (void)what;
	if (reload->running || reload->asked == reload->ended || !reload->allowed || reload->stopped)
		return;
	reload->running = reload->asked;
	reload->tries = 0;
	notify_reloading();
	check(reload);
}

static void finish(struct reload *reload, bool accepted)
{
	struct conf_problems problems = reload->problems;

	reload->ended = reload->running;
	reload->running = 0;
	reload->problems = (struct conf_problems){0};
	notify("READY=1");
	reload->setup.ended(reload->setup.arg, &(struct reload_outcome){
	                                           .number = reload->ended,
	                                           .accepted = accepted,
	                                           .problems = &problems,
	                                           .conf = reload->setup.conf,
	                                       });
	conf_problems_done(&problems);
	event_active(reload->due, EV_TIMEOUT, 0);
}

static void reject(struct reload *reload)
{
	tell_rejected(&reload->problems);
	finish(reload, false);
}

/* E is taken. */
static void reject_for(struct reload *reload, struct err *e)
{
	conf_problem(&reload->problems, PROBLEM_ERROR, (struct conf_place){.file = reload->setup.conf->path}, "%s",
	    err_message(e));
	err_destroy(e);
	reject(reload);
}

/* -- the course ------------------------------------------------------------------------------------ */

static struct conf_request request_of(const struct reload *reload)
{
	const struct conf *conf = reload->setup.conf;

	return (struct conf_request){
	    .path = conf->path, .environment = conf->environment, .now = wall_ms() / 1000};
}

/* What the checker has accepted, or NULL with the reason among the problems. */
static struct conf *load(struct reload *reload)
{
	struct conf_request request = request_of(reload);
	struct conf_problems problems = {0};
	struct conf *conf;

	tz_refresh();
	conf = conf_load(&request, &problems);
	if (conf)
		conf_check_change(reload->setup.conf, conf, &problems);
	if (!problems.errors) {
		conf_problems_done(&problems);
		return conf;
	}
	conf_problems_done(&reload->problems);
	reload->problems = problems;
	conf_destroy(conf);
	return NULL;
}

static void apply(struct reload *reload, struct conf *conf)
{
	const struct conf *before = reload->setup.conf;

	tell_loaded(before, conf);
	reload->setup.conf = conf;
	reload->setup.apply(reload->setup.arg, conf);
}

/* The files may have changed since the checker read them: what it did not judge is judged first. */
static void load_accepted(struct reload *reload, uint64_t digest)
{
	struct conf *conf = load(reload);

	if (!conf) {
		reject(reload);
	} else if (conf->digest == digest) {
		apply(reload, conf);
	} else {
		conf_destroy(conf);
		if (++reload->tries < TRIES_MAX)
			check(reload);
		else
			reject_for(reload, ERR(ERR_TEMPORARY, "it changes faster than it can be checked: try again"));
	}
}

static void on_checked(void *arg, const struct checked *checked, struct err *e)
{
	struct reload *reload = arg;

	reload->checker = NULL;
	if (e) {
		reject_for(reload, e);
		return;
	}
	conf_problems_done(&reload->problems);
	checked_problems(checked, &reload->problems);
	if (checked->accepted)
		load_accepted(reload, (uint64_t)checked->digest);
	else
		reject(reload);
}

static void check(struct reload *reload)
{
	struct checker_plan plan = {
	    .request = request_of(reload),
	    .running = reload->setup.conf,
	    .patience_ms = CHECKER_PATIENCE_MS,
	};
	struct err *e;

	plan.request.keep = plan.request.advise = true;
	e = checker_start(reload->setup.base, &plan, on_checked, reload, &reload->checker);
	if (e)
		reject_for(reload, e);
}

/* -- the front desk -------------------------------------------------------------------------------- */

struct reload *reload_create(const struct reload_setup *setup)
{
	struct reload *reload = mem_alloc(sizeof(*reload));

	reload->setup = *setup;
	reload->due = evtimer_new(setup->base, on_due, reload);
	return reload;
}

void reload_allow(struct reload *reload)
{
	reload->allowed = true;
	event_active(reload->due, EV_TIMEOUT, 0);
}

void reload_stop(struct reload *reload)
{
	reload->stopped = true;
	checker_destroy(reload->checker);
	reload->checker = NULL;
	if (reload->asked == reload->ended)
		return;
	conf_problem(&reload->problems, PROBLEM_ERROR, (struct conf_place){0}, "the daemon stops");
	reload->running = reload->asked;
	finish(reload, false);
}

int64_t reload_ask(struct reload *reload)
{
	if (reload->stopped)
		return 0;
	if (reload->asked == reload->running || reload->asked == reload->ended)
		reload->asked++;
	event_active(reload->due, EV_TIMEOUT, 0);
	return reload->asked;
}

void reload_applied(struct reload *reload)
{
	if (reload->running)
		finish(reload, true);
}

void reload_reaped(struct reload *reload, pid_t pid, int status)
{
	checker_reaped(reload->checker, pid, status);
}

void reload_destroy(struct reload *reload)
{
	if (!reload)
		return;
	checker_destroy(reload->checker);
	event_free(reload->due);
	conf_problems_done(&reload->problems);
	free(reload);
}
