/* SPDX-License-Identifier: MIT */
/*
 * The store process: its loop. It takes requests in and, when those that were ready together are there,
 * hands them to the batch. While a batch commits the next one gathers in the sockets, so the busier the
 * store is the more a commit carries.
 */
#include "store/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <utlist.h>

#include "base/log.h"
#include "daemon/child.h"
#include "store/process_parts.h"

#define FIRST_SWEEP_MS  5000
#define LONGEST_WAIT_MS 60000
#define BURY_BITE_MS    50 /* all the others come first */
#define ACCEPT_PAUSE_MS 200 /* when there are no descriptors left */
#define START_WAITS_MS  10  /* that a run began may share the commit of what follows: nobody acts on it */

/* -- gathering ------------------------------------------------------------------------------------- */

static void add_item(struct process *process, const struct item *item)
{
	mem_grow(process->items, process->item_count, process->item_capacity);
	process->items[process->item_count++] = *item;
	if (item->kind != REQ_START)
		event_active(process->batch_due, 0, 0);
	else if (!event_pending(process->start_due, EV_TIMEOUT, NULL))
		timer_set(process->start_due, START_WAITS_MS);
}

static struct err *check_order(struct caller *caller, enum request_kind kind)
{
	bool hello = kind == REQ_HELLO;

	if (hello && caller->greeted)
		return ERR(ERR_BUG, "HELLO twice on one connection");
	if (!hello && !caller->greeted)
		return ERR(ERR_BUG, "the first request must be HELLO");
	caller->greeted = true;
	return NULL;
}

static void on_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct caller *caller = arg;
	struct item item = {.caller = caller, .kind = kind, .sequence = sequence, .request = request};

	if (!request_types[kind].reply)
		return; /* not the store's, and nobody waits for an answer */
	item.e = check_order(caller, kind);
	item.kept = peer_keep(peer);
	add_item(caller->process, &item);
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct caller *caller = arg;

	err_ignore(why); /* how a caller went is its own affair; what it left open is settled */
	peer_destroy(peer);
	caller->peer = NULL;
	waits_forget(caller->process, caller);
	add_item(caller->process, &(struct item){.caller = caller});
}

static const struct peer_handlers caller_handlers = {.request = on_request, .gone = on_gone};

static void add_caller(struct process *process, int fd)
{
	struct caller *caller = mem_alloc(sizeof(*caller));

	caller->process = process;
	caller->peer = peer_create(process->base, fd, &caller_handlers, caller);
	DL_APPEND(process->callers, caller);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	static const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	struct process *process = arg;
	int fd;

	(void)what;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		add_caller(process, fd);
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	event_del(process->accepting); /* it would only fail again, at once and for ever */
	event_add(process->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;

	(void)fd;
	(void)what;
	event_add(process->accepting, NULL);
}

/* -- batches and time ------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static void set_timer(struct process *process, int64_t now_ms)
{
	int64_t next_ms = earlier(process->next_sweep_ms, process->next_expiry_ms);
	int64_t wait_ms = earlier(next_ms, waits_deadline(process)) - now_ms;

	if (process->unavailable && wait_ms < 1000)
		wait_ms = 1000; /* what is due cannot be done now; do not spin over it */
	if (process->bury && wait_ms > BURY_BITE_MS)
		wait_ms = process->unavailable ? 1000 : BURY_BITE_MS;
	if (wait_ms > LONGEST_WAIT_MS)
		wait_ms = LONGEST_WAIT_MS; /* the wall clock may have been set back */
	timer_set(process->timer, wait_ms);
}

static void on_batch_due(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;
	int64_t now_ms = wall_ms();

	(void)fd;
	(void)what;
	event_del(process->start_due);
	process_batch(process, now_ms);
	if (process->stopping)
		event_base_loopexit(process->base, NULL); /* after the answers were written */
	else
		set_timer(process, now_ms);
}

/* -- main ------------------------------------------------------------------------------------------ */

/* Whoever is asking now is judged by the new one: nobody was promised the old. */
static void configure(struct process *process, const struct configuration *configuration)
{
	log_set_level((enum log_level)configuration->log_level);
	store_view_set(&process->view, configuration);
	process->bury = process->view.complete;
	event_active(process->batch_due, 0, 0);
}

static void on_parent_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	if (kind == REQ_CONF)
		configure(arg, request);
	else if (request_types[kind].reply)
		peer_fail(peer, sequence, ERR(ERR_BUG, "requests to the store go over its socket"));
}

static void on_parent_gone(void *arg, struct peer *peer, struct err *why)
{
	struct process *process = arg;

	err_ignore(why);
	log_to_stderr(FORMAT_KV, wall_ms); /* what is still to be told has no other way */
	process->parent = NULL;
	peer_destroy(peer);
	process->stopping = true;
	event_active(process->batch_due, 0, 0);
}

static const struct peer_handlers parent_handlers = {.request = on_parent_request, .gone = on_parent_gone};

static void send_line(
    void *arg, enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	cleanup(arena_done) struct arena arena = {0};
	struct process *process = arg;
	struct log_record record = {.level = level, .event = event, .count = count};

	record.fields = arena_alloc(&arena, count * sizeof(*record.fields));
	for (size_t i = 0; i < count; i++)
		record.fields[i] = (struct log_pair){fields[i].key, fields[i].value, fields[i].literal};
	peer_call(process->parent, REQ_LOG, &record, NULL, NULL);
}

/* -- the life -------------------------------------------------------------------------------------- */

static void create_events(struct process *process, int listener, int parent)
{
	process->base = event_base_new();
	if (!process->base)
		abort();
	process->batch_due = event_new(process->base, -1, 0, on_batch_due, process);
	process->start_due = evtimer_new(process->base, on_batch_due, process);
	process->timer = evtimer_new(process->base, on_batch_due, process);
	process->accepting = event_new(process->base, listener, EV_READ | EV_PERSIST, on_accept, process);
	process->accept_again = evtimer_new(process->base, on_accept_again, process);
	process->parent = peer_create(process->base, parent, &parent_handlers, process);
	log_to_function(send_line, process);
}

static void forget_caller(struct process *process, struct caller *caller)
{
	peer_destroy(caller->peer);
	waits_forget(process, caller);
	DL_DELETE(process->callers, caller);
	free(caller->instance);
	free(caller);
}

static void destroy_events(struct process *process)
{
	log_to_stderr(FORMAT_KV, wall_ms);
	while (process->callers)
		forget_caller(process, process->callers);
	for (size_t i = 0; i < process->item_count; i++) {
		err_ignore(process->items[i].e);
		peer_release(process->items[i].kept);
	}
	free(process->items);
	free(process->parked);
	peer_destroy(process->parent);
	event_free(process->batch_due);
	event_free(process->start_due);
	event_free(process->timer);
	event_free(process->accepting);
	event_free(process->accept_again);
	event_base_free(process->base);
}

static int serve(struct process *process)
{
	int64_t now_ms = wall_ms();

	process->next_sweep_ms = now_ms + FIRST_SWEEP_MS;
	event_add(process->accepting, NULL);
	event_active(process->batch_due, 0, 0); /* what expired meanwhile */
	event_base_dispatch(process->base);
	return 0;
}

static int refuse(struct process *process, struct err *e)
{
	int status = err_kind(e) == ERR_CONFIG ? 2 : 1;

	log_fault(LEVEL_ERROR, "store_unavailable", e);
	event_base_loop(process->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	return status;
}

static void see(struct process *process, const struct conf *conf, bool complete)
{
	cleanup(arena_done) struct arena arena = {0};

	store_view_set(&process->view, store_view_of(conf, &arena));
	process->view.complete = process->bury = complete;
}

int store_process(const struct store_setup *setup)
{
	struct process process = {0};
	struct err *e;
	int status;

	/*
	 * A terminal's ^C and a service's stop reach all of bmad; the store outlives those who still need
	 * it.
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	create_events(&process, setup->listener, setup->parent);
	see(&process, setup->conf, setup->complete);
	e = store_open(setup->conf->daemon.store, STORE_WRITE, wall_ms(), &process.store);
	if (!e)
		store_view_apply(&process.view, process.store);
	status = e ? refuse(&process, e) : serve(&process);
	destroy_events(&process);
	store_close(process.store);
	store_view_done(&process.view);
	return status;
}
