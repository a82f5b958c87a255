/* SPDX-License-Identifier: MIT */
/* Starts, hears and replaces the child processes. */
#include "daemon/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/death.h"
#include "send/sender.h"
#include "store/process.h"
#include "store/view.h"

#define YOUNG_MS         5000 /* a child that dies within this has a fault that a new one may have too */
#define DELAY_INITIAL_MS 50
#define DELAY_MAX_MS     5000

struct supervisor {
	struct supervisor_setup setup;
	const struct supervisor_events *events;
	void *arg;
	int64_t send_only; /* see sender_setup.run */
	bool retired[CHILD_KINDS];
	size_t count;
	struct child **children; /* store, sender, workers: as many as there ever were */
	unsigned generation;     /* of the configuration */
};

static void start(struct child *child);

/* It is to be there: it is replaced when it ends. */
static bool is_needed(const struct child *child)
{
	const struct supervisor *supervisor = child->supervisor;

	return !supervisor->retired[child->kind] && child->number <= supervisor->setup.workers;
}

/* -- the lives of the children: they run in the child process -------------------------------------- */

static int store_life(void *arg, int parent)
{
	const struct child *child = arg;
	const struct supervisor_setup *setup = &child->supervisor->setup;

	return store_process(&(struct store_setup){
	    .conf = setup->conf,
	    .listener = setup->listener,
	    .parent = parent,
	    .complete = setup->daemon,
	});
}

static int sender_life(void *arg, int parent)
{
	const struct child *child = arg;
	const struct supervisor_setup *setup = &child->supervisor->setup;

	return sender_process(&(struct sender_setup){
	    .conf = setup->conf,
	    .parent = parent,
	    .store_socket = setup->store_socket,
	    .run = child->supervisor->send_only,
	});
}

static int worker_life(void *arg, int parent)
{
	const struct child *child = arg;
	const struct supervisor_setup *setup = &child->supervisor->setup;

	return worker_process(&(struct worker_setup){
	    .conf = setup->conf,
	    .parent = parent,
	    .store_socket = setup->store_socket,
	    .store_url = setup->store_url,
	    .instance = setup->instance,
	    .number = child->number,
	    .page = child->page,
	});
}

static const struct {
	const char *name;
	int (*life)(void *arg, int parent);
	bool listens;   /* inherits the listening socket */
	bool own_group; /* may start programs of its own, which are killed with it */
} kinds[CHILD_KINDS] = {
    [CHILD_STORE] = {.name = "store", .life = store_life, .listens = true},
    [CHILD_SENDER] = {.name = "sender", .life = sender_life},
    [CHILD_WORKER] = {.name = "worker", .life = worker_life, .own_group = true},
};

/* -- what children say ----------------------------------------------------------------------------- */

static void forward_log(const struct log_record *record)
{
	cleanup(arena_done) struct arena arena = {0};
	struct log_field *fields = arena_alloc(&arena, (record->count + 1) * sizeof(*fields));

	for (size_t i = 0; i < record->count; i++)
		fields[i] = (struct log_field){record->fields[i].key, record->fields[i].value,
		    record->fields[i].literal};
	if (record->event && record->level >= LEVEL_DEBUG && record->level <= LEVEL_ERROR)
		log_forward((enum log_level)record->level, record->event, fields, record->count);
}

static void on_request(void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct child *child = arg;
	struct supervisor *supervisor = child->supervisor;

	(void)peer, (void)sequence;
	if (kind == REQ_LOG)
		forward_log(request);
	else
		supervisor->events->request(supervisor->arg, child, kind, request);
}

/* -- their ends ------------------------------------------------------------------------------------ */

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	start(arg);
}

/* How long to wait before the next one: a run that killed its worker is no fault of the next worker. */
static int64_t restart_delay(struct child *child)
{
	if (child->used || mono_now().ms - child->started.ms >= YOUNG_MS) {
		child->young_deaths = 0;
		return 0;
	}
	int64_t delay = (int64_t)DELAY_INITIAL_MS << (child->young_deaths < 10 ? child->young_deaths : 10);
	child->young_deaths++;
	return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}

static void tell_replacement(const struct child *child, int64_t delay)
{
	struct log_line line;

	bool orderly = WIFEXITED(child->status) && !WEXITSTATUS(child->status);

	log_begin(&line, orderly ? LEVEL_INFO : LEVEL_WARNING, child->kind == CHILD_WORKER ? "worker_replaced" : "process_replaced");
	log_format(&line, "process", child->number ? "%s %d" : "%s", kinds[child->kind].name, child->number);
	if (WIFSIGNALED(child->status))
		log_format(&line, "reason", "killed by signal %d (%s)", WTERMSIG(child->status),
		    strsignal(WTERMSIG(child->status)));
	else
		log_format(&line, "reason", "exited with status %d", WEXITSTATUS(child->status));
	log_int(&line, "delay_ms", delay);
	log_end(&line);
}

/* What a run had started ends with its worker. A worker in ruins may have written anything there. */
static void end_program(const struct child *child)
{
	pid_t group = child->page ? child->page->program : 0;

	if (group > 1 && group != getpgrp() && getsid(group) == getsid(0))
		kill(-group, SIGKILL);
}

static void gone(struct child *child)
{
	struct supervisor *supervisor = child->supervisor;

	end_program(child);

	child->pid = 0;
	supervisor->events->gone(supervisor->arg, child, child->status);
	if (!is_needed(child))
		return;
	int64_t delay = restart_delay(child);
	tell_replacement(child, delay);
	if (!delay) {
		start(child);
		return;
	}
	timer_set(child->restart, delay);
}

static void gone_if_complete(struct child *child)
{
	if (child->reaped && !child->peer && child->pid)
		gone(child);
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct child *child = arg;

	if (why && err_kind(why) == ERR_BUG) { /* it talks nonsense: it will not be believed again */
		log_fault(LEVEL_ERROR, "process_nonsense", ERR_AT(why, "hear %s", kinds[child->kind].name));
		child->nonsense = true;
		kill(child->pid, SIGKILL);
	} else {
		err_destroy(why);
	}
	child->peer = NULL;
	peer_destroy(peer);
	gone_if_complete(child);
}

static struct child *find_child(const struct supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < supervisor->count; i++)
		if (supervisor->children[i]->pid == pid)
			return supervisor->children[i];
	return NULL;
}

void supervisor_reap(struct supervisor *supervisor)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		struct child *child = find_child(supervisor, pid);

		if (child) {
			child->reaped = true;
			child->status = status;
			child->peak_kib = usage.ru_maxrss;
			gone_if_complete(child);
		} else if (supervisor->events->other) {
			supervisor->events->other(supervisor->arg, pid, status);
		}
	}
}

/* -- their beginnings ------------------------------------------------------------------------------ */

static const struct peer_handlers handlers = {on_request, on_gone};

static void clear_page(struct child *child)
{
	child->page->step[0] = '\0';
	child->page->program = 0;
	crash_clear(&child->page->crash);
}

static void started(struct child *child, int fd)
{
	struct supervisor *supervisor = child->supervisor;

	child->reaped = child->used = child->nonsense = false;
	child->started = mono_now();
	child->generation = supervisor->generation;
	child->oom_kills = oom_kills();
	child->peer = peer_create(supervisor->setup.base, fd, &handlers, child);
	if (child->kind == CHILD_WORKER)
		supervisor->events->ready(supervisor->arg, child);
}

static void start(struct child *child)
{
	const struct supervisor_setup *setup = &child->supervisor->setup;
	char title[32];
	int fd;

	if (!is_needed(child))
		return;
	snprintf(title, sizeof(title), child->number ? "%s %d" : "%s", kinds[child->kind].name, child->number);
	if (child->page)
		clear_page(child);
	struct child_plan plan = {
	    .title = title,
	    .life = kinds[child->kind].life,
	    .arg = child,
	    .keep = {setup->lock, kinds[child->kind].listens ? setup->listener : -1},
	    .own_group = kinds[child->kind].own_group,
	};
	struct err *e = child_fork(&plan, &child->pid, &fd);
	if (!e) {
		started(child, fd);
		return;
	}
	log_fault(LEVEL_ERROR, "process_not_started", e);
	timer_set(child->restart, 1000);
}

static void add_child(struct supervisor *supervisor, size_t index)
{
	struct child *child = supervisor->children[index] = mem_alloc(sizeof(*child));

	supervisor->count++;
	child->supervisor = supervisor;
	child->kind = index < CHILD_WORKER ? (enum child_kind)index : CHILD_WORKER;
	child->restart = evtimer_new(supervisor->setup.base, on_restart, child);
	if (child->kind != CHILD_WORKER)
		return;
	child->number = (int)index - CHILD_WORKER + 1;
	child->page = mmap(NULL, sizeof(*child->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (child->page == MAP_FAILED)
		abort(); /* not a page of memory left: as mem.h has it */
}

static void add_children(struct supervisor *supervisor)
{
	size_t count = CHILD_WORKER + (size_t)supervisor->setup.workers;

	if (count <= supervisor->count)
		return;
	supervisor->children = mem_resize(supervisor->children, count * sizeof(*supervisor->children));
	while (supervisor->count < count)
		add_child(supervisor, supervisor->count);
}

struct supervisor *supervisor_create(const struct supervisor_setup *setup, const struct supervisor_events *events,
    void *arg)
{
	struct supervisor *supervisor = mem_alloc(sizeof(*supervisor));

	supervisor->setup = *setup;
	supervisor->events = events;
	supervisor->arg = arg;
	add_children(supervisor);
	return supervisor;
}

void supervisor_start(struct supervisor *supervisor, enum child_kind kind)
{
	for (size_t i = 0; i < supervisor->count; i++)
		if (supervisor->children[i]->kind == kind)
			start(supervisor->children[i]);
}

void supervisor_send_only(struct supervisor *supervisor, int64_t run)
{
	supervisor->send_only = run;
}

void supervisor_retire(struct supervisor *supervisor, enum child_kind kind)
{
	supervisor->retired[kind] = true;
}

static void end(struct child *child, int signal_number)
{
	if (!child->pid || (signal_number && child->reaped))
		return;
	if (signal_number) {
		/* A worker leads a group: what it started goes with it. */
		kill(kinds[child->kind].own_group ? -child->pid : child->pid, signal_number);
		kill(child->pid, signal_number);
		return;
	}
	peer_destroy(child->peer);
	child->peer = NULL;
	gone_if_complete(child);
}

void supervisor_end(struct supervisor *supervisor, enum child_kind kind, int signal_number)
{
	for (size_t i = 0; i < supervisor->count; i++)
		if (supervisor->children[i]->kind == kind)
			end(supervisor->children[i], signal_number);
}

void supervisor_replace(struct child *child)
{
	child->used = true;
	end(child, 0);
}

static void tell_store(const struct supervisor *supervisor)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct child *store = supervisor->children[CHILD_STORE];

	if (store->peer)
		peer_call(store->peer, REQ_CONF, store_view_of(supervisor->setup.conf, &arena), NULL, NULL);
}

static void drain_sender(const struct supervisor *supervisor)
{
	struct child *sender = supervisor->children[CHILD_SENDER];

	sender->used = true; /* however young: its end is in order */
	if (sender->peer)
		peer_call(sender->peer, REQ_DRAIN, &(struct nothing){false}, NULL, NULL);
}

void supervisor_reload(struct supervisor *supervisor, const struct conf *conf)
{
	supervisor->setup.conf = conf;
	supervisor->setup.workers = (int)conf->daemon.workers;
	supervisor->generation++;
	tell_store(supervisor);
	drain_sender(supervisor);
	add_children(supervisor);
	for (size_t i = CHILD_WORKER; i < supervisor->count; i++) {
		struct child *worker = supervisor->children[i];

		if (!worker->pid && !event_pending(worker->restart, EV_TIMEOUT, NULL))
			start(worker);
	}
}

bool supervisor_outdated(const struct child *child)
{
	return child->generation != child->supervisor->generation || !is_needed(child);
}

size_t supervisor_count(const struct supervisor *supervisor, enum child_kind kind)
{
	size_t running = 0;

	for (size_t i = 0; i < supervisor->count; i++)
		running += supervisor->children[i]->kind == kind && supervisor->children[i]->pid;
	return running;
}

struct child *supervisor_child(struct supervisor *supervisor, enum child_kind kind, int number)
{
	size_t index = kind == CHILD_WORKER ? (size_t)(CHILD_WORKER + number - 1) : (size_t)kind;

	return index < supervisor->count && (kind == CHILD_WORKER || number == 1) ? supervisor->children[index] : NULL;
}

void supervisor_order(struct child *child, const struct run_order *order)
{
	child->used = true;
	if (child->page)
		clear_page(child);
	if (child->peer)
		peer_call(child->peer, REQ_RUN, order, NULL, NULL);
}

struct err *supervisor_hopeless(struct child *child, int status, const struct line *line)
{
	if (child->kind != CHILD_STORE || line_was_connected(line) || !WIFEXITED(status) || !WEXITSTATUS(status))
		return NULL;
	supervisor_retire(child->supervisor, CHILD_STORE);
	return ERR(ERR_CONFIG, "the store %s cannot be opened: the log says why",
	    child->supervisor->setup.conf->daemon.store);
}

static void destroy_child(struct child *child)
{
	int status;

	peer_destroy(child->peer);
	if (child->pid && !child->reaped) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	event_free(child->restart);
	if (child->page)
		munmap(child->page, sizeof(*child->page));
	free(child);
}

void supervisor_destroy(struct supervisor *supervisor)
{
	if (!supervisor)
		return;
	for (size_t i = 0; i < supervisor->count; i++)
		destroy_child(supervisor->children[i]);
	free(supervisor->children);
	free(supervisor);
}
