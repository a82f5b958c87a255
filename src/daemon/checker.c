/* SPDX-License-Identifier: MIT */
/* The checker process, and main's side of it. */
#include "daemon/checker.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/log.h"
#include "conf/check.h"
#include "daemon/child.h"
#include "request/link.h"
#include "request/peer.h"
#include "schedule/tz.h"

#define PROBLEMS_MAX 10000 /* more are not read by anybody, and the last one says how many there were */

/* -- the checker process --------------------------------------------------------------------------- */

static const char *hide_secrets(struct arena *arena, const char *text)
{
	cleanup(buf_done) struct buf hidden = {0};

	buf_add_text(&hidden, text);
	redact(&hidden);
	return arena_copy(arena, buf_text(&hidden));
}

static void drop_beyond(struct conf_problems *problems, size_t most)
{
	size_t count = problems->count;

	if (count <= most)
		return;
	problems->count = most;
	conf_problem(problems, PROBLEM_ERROR, (struct conf_place){0}, "and %zu more problems", count - most);
}

static struct err *answer(
    struct link *main_link, const struct conf *conf, struct conf_problems *problems, struct arena *arena)
{
	struct checked checked = {
	    .accepted = conf && !problems->errors, .digest = conf ? (int64_t)conf->digest : 0};

	drop_beyond(problems, PROBLEMS_MAX);
	checked.count = problems->count;
	checked.problems = arena_alloc(arena, (problems->count + 1) * sizeof(*checked.problems));
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *problem = &problems->items[i];

		checked.problems[i] = (struct problem_record){
		    .level = problem->level,
		    .file = problem->place.file,
		    .line = problem->place.line,
		    .column = problem->place.column,
		    .text = hide_secrets(arena, problem->text),
		};
	}
	return link_send(main_link, REQ_CHECKED, &checked);
}

/* What it loads and learns ends with the process. */
static int checker_life(void *arg, int parent)
{
	const struct checker_plan *plan = arg;
	struct conf_problems problems = {0};
	struct arena arena = {0};
	const struct conf *conf = plan->loaded;

	prctl(PR_SET_DUMPABLE, 0); /* it comes to know every secret */
	if (!conf) {
		tz_refresh();
		conf = conf_load(&plan->request, &problems);
	}
	if (conf)
		conf_check(conf, &problems);
	if (conf && plan->running)
		conf_check_change(plan->running, conf, &problems);
	struct err *e = answer(link_create(parent), conf, &problems, &arena);
	if (!e)
		return 0;
	err_destroy(e); /* main has given up, and says so */
	return 1;
}

/* -- main's side ----------------------------------------------------------------------------------- */

struct checker {
	pid_t pid;
	struct peer *peer;
	struct event *patience;
	int64_t patience_ms;
	int status;
	bool reaped;
	checker_done *done;
	void *arg;
};

/* It has ended, or ends now. */
static void bury(struct checker *checker)
{
	while (!checker->reaped && waitpid(checker->pid, &checker->status, 0) < 0 && errno == EINTR)
		;
	checker->reaped = true;
}

static void finish(struct checker *checker, const struct checked *checked, struct err *e)
{
	checker->done(checker->arg, checked, e);
	checker_destroy(checker);
}

static void on_verdict(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	(void)peer, (void)sequence;
	if (kind == REQ_CHECKED)
		finish(arg, request, NULL);
}

static struct err *death_of(const struct checker *checker)
{
	if (WIFSIGNALED(checker->status))
		return ERR(ERR_BUG, "the process that checks the configuration was killed by signal %d (%s)",
		    WTERMSIG(checker->status), strsignal(WTERMSIG(checker->status)));
	return ERR(ERR_BUG, "the process that checks the configuration ended with status %d and no answer",
	    WEXITSTATUS(checker->status));
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct checker *checker = arg;

	(void)peer;
	err_ignore(why);
	bury(checker);
	finish(checker, NULL, death_of(checker));
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct checker *checker = arg;

	(void)fd, (void)what;
	finish(checker, NULL,
	    ERR(ERR_TEMPORARY,
	        "the configuration could not be checked within %lld s: a file that it needs hangs",
	        (long long)checker->patience_ms / 1000));
}

static const struct peer_handlers handlers = {on_verdict, on_gone};

struct err *checker_start(struct event_base *base, const struct checker_plan *plan, checker_done *done, void *arg,
    struct checker **out_checker)
{
	struct child_plan child = {
	    .title = "checker",
	    .life = checker_life,
	    .arg = (void *)(uintptr_t)plan,
	    .keep = {-1, -1},
	};
	struct checker *checker;
	pid_t pid;
	int fd;

	PASS(child_fork(&child, &pid, &fd));
	checker = mem_alloc(sizeof(*checker));
	*checker = (struct checker){.pid = pid, .patience_ms = plan->patience_ms, .done = done, .arg = arg};
	checker->peer = peer_create(base, fd, &handlers, checker);
	checker->patience = evtimer_new(base, on_patience, checker);
	timer_set(checker->patience, plan->patience_ms);
	*out_checker = checker;
	return NULL;
}

void checker_reaped(struct checker *checker, pid_t pid, int status)
{
	if (!checker || checker->pid != pid)
		return;
	checker->reaped = true;
	checker->status = status;
}

void checker_destroy(struct checker *checker)
{
	if (!checker)
		return;
	if (!checker->reaped)
		kill(checker->pid, SIGKILL);
	peer_destroy(checker->peer);
	event_free(checker->patience);
	free(checker);
}

void checked_problems(const struct checked *checked, struct conf_problems *problems)
{
	for (size_t i = 0; i < checked->count; i++) {
		const struct problem_record *problem = &checked->problems[i];

		conf_problem(problems, problem->level == PROBLEM_ERROR ? PROBLEM_ERROR : PROBLEM_WARNING,
		    (struct conf_place){problem->file, (int)problem->line, (int)problem->column}, "%s",
		    problem->text);
	}
}
