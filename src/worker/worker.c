/* SPDX-License-Identifier: MIT */
/* The worker process: one run after the other, each told to main with RESULT. */
#include "worker/worker.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/title.h"
#include "request/link.h"
#include "store/client.h"
#include "worker/alarm_job.h"
#include "worker/apis.h"
#include "worker/crash.h"
#include "worker/inside.h"
#include "worker/result.h"
#include "worker/sources.h"

#define PATIENCE_MS    30000               /* for a store that is being replaced */
#define GROWTH_MAX     ((size_t)64 << 20)  /* beyond what the worker began with: it leaks */
#define RESERVE        ((size_t)256 << 10) /* freed to tell of an exhausted memory */
#define EXIT_EXHAUSTED 70

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

struct worker {
	const struct worker_setup *setup;
	struct tools tools;
	struct link *main_link;
	char node[256];
	struct conf_job alarm;
	size_t memory_at_start;
};

/* What handlers reach, which are given nothing: a worker is one process with one run. */
static volatile int cancelled;
static struct {
	struct link *main_link;
	const struct run *run; /* NULL between runs */
	void *reserve;
} in_hand;

/* -- signals and memory ---------------------------------------------------------------------------- */

static void on_terminate(int signal_number)
{
	(void)signal_number;
	cancelled = 1;
}

/* Without SA_RESTART: what waits looks at `cancelled` then. */
static void catch_terminate(void)
{
	struct sigaction action = {.sa_handler = on_terminate};

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
}

struct memory {
	size_t resident, data;
};

/* Zeros if it cannot be known. */
static struct memory memory_in_use(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned long resident = 0, data = 0;

	if (!file)
		return (struct memory){0};
	if (fscanf(file, "%*s %lu %*s %*s %*s %lu", &resident, &data) != 2)
		resident = data = 0;
	fclose(file);
	return (struct memory){resident * page, data * page};
}

/* Counted from what is there: the configuration, shared with main, may be large. */
static void set_memory_limit(bool limited)
{
#ifdef SANITIZED
	(void)limited; /* the sanitizer's own memory counts */
#else
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit))
		return;
	limit.rlim_cur = limited ? memory_in_use().data + ((rlim_t)WORKER_MEMORY_MIB << 20) : limit.rlim_max;
	if (limit.rlim_cur <= limit.rlim_max)
		setrlimit(RLIMIT_DATA, &limit);
#endif
}

static void on_exhausted(size_t size)
{
	crash_note(CRASH_EXHAUSTED);
	free(in_hand.reserve);
	set_memory_limit(false);
	result_send_exhausted(in_hand.main_link, in_hand.run, size);
	_exit(EXIT_EXHAUSTED);
}

/* The most there ever was: asked for without a file to open. */
static size_t memory_at_most(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? SIZE_MAX : (size_t)usage.ru_maxrss << 10;
}

/* What a large run left unused is given back first: only what is still there then is a leak. */
static bool has_grown(const struct worker *worker)
{
	size_t limit = worker->memory_at_start + GROWTH_MAX;

	if (memory_at_most() <= limit || memory_in_use().resident <= limit)
		return false;
#ifdef SANITIZED
	return false; /* freed memory is held back on purpose */
#else
	malloc_trim(0);
	return memory_in_use().resident > limit;
#endif
}

/* -- a run ----------------------------------------------------------------------------------------- */

static struct err *do_job(struct run *run)
{
	run_step(run, "resolve options");
	PASS(run_resolve(run));
	run_step(run, "%s", "");
	if (run->order->slots_to)
		return run_name_slots(run);
	TRY(run->job->module->run(run), "%s", run->job->module->name);
	return run_commit(run);
}

/*
 * The run is committed, whatever comes of this; it is told as degraded, and the next run does it again.
 */
static void do_after_commit(struct run *run)
{
	struct log_line line;
	struct err *e;

	if (run->order->dry_run || run->order->slots_to || !run->job->module->after_commit)
		return;
	run_step(run, "after the commit");
	e = run->job->module->after_commit(run);
	if (!e)
		return;
	run->degraded = true;
	run_log_begin(run, &line, LEVEL_ERROR, "after_commit_failed");
	log_error(&line, e);
	log_end(&line);
	err_destroy(e);
}

static struct err *tell(struct worker *worker, struct run *run, struct err *e, bool *out_leaving)
{
	struct err *untold;

	*out_leaving = has_grown(worker);
	untold = result_send(worker->main_link, run, e, *out_leaving);
	err_destroy(e);
	return untold;
}

/* "worker 3 [zone1-hourly]": what ps shows. */
static void set_title(const struct worker_setup *setup, const char *job)
{
	char number[16] = "";

	if (setup->number)
		snprintf(number, sizeof(number), " %d", setup->number);
	title_set(job ? "worker%s [%s]" : "worker%s", number, job);
}

/* Tracebacks of crashes end here: it has a frame of its own. */
__attribute__((noinline)) static struct err *do_run(
    struct worker *worker, const struct run_order *order, const struct conf_job *job, bool *out_leaving)
{
	struct run run;
	struct err *e;

	run_init(&run, &worker->tools, order, job, &cancelled);
	in_hand.run = &run;
	set_title(worker->setup, job->name);
	e = do_job(&run);
	if (e)
		e = ERR_AT(e, order->slots_to ? "name the slots of %s" : "run %s", job->name);
	else
		do_after_commit(&run);
	sources_reset(worker->tools.sources);
	e = tell(worker, &run, e, out_leaving);
	in_hand.run = NULL;
	run_done(&run);
	worker->setup->page->step[0] = '\0';
	set_title(worker->setup, NULL);
	return e;
}

/* An order for a job that this worker's configuration does not have. */
static struct err *refuse(struct worker *worker, const struct run_order *order, struct err *e)
{
	cleanup(arena_done) struct arena arena = {0};
	struct run_result result = {
	    .run = order->run,
	    .error = error_to_record(e, &arena),
	    .started_ms = wall_ms(),
	    .ended_ms = wall_ms(),
	};
	struct err *untold = link_send(worker->main_link, REQ_RESULT, &result);

	err_destroy(e);
	return untold;
}

static struct err *obey(struct worker *worker, const struct run_order *order, bool *out_leaving)
{
	const struct conf_job *job;
	struct err *e = NULL;

	cancelled = 0; /* a signal that came after the former run's end was not meant for this one */
	if (!strcmp(order->job, ALARM_JOB))
		job = &worker->alarm;
	else
		e = conf_job_get(worker->setup->conf, order->job, &job);
	return e ? refuse(worker, order, e) : do_run(worker, order, job, out_leaving);
}

/* -- the process ----------------------------------------------------------------------------------- */

static struct store_client *connect_store(const struct worker_setup *setup)
{
	struct hello hello = {
	    .role = ROLE_WORKER, .instance = setup->instance, .pid = getpid(), .now_ms = wall_ms()};

	return setup->store_socket ? store_client_socket(setup->store_socket, &hello, PATIENCE_MS) : NULL;
}

static void start(struct worker *worker, const struct worker_setup *setup)
{
	worker->setup = setup;
	worker->main_link = link_create(setup->parent);
	in_hand.main_link = worker->main_link;
	in_hand.reserve = mem_alloc(RESERVE);
	child_log_to(setup->parent);
	catch_terminate();
	set_memory_limit(true);
	mem_on_exhausted(on_exhausted);
	if (gethostname(worker->node, sizeof(worker->node) - 1))
		snprintf(worker->node, sizeof(worker->node), "localhost");
	alarm_job(setup->conf, &worker->alarm);
	worker->tools = (struct tools){
	    .conf = setup->conf,
	    .instance = setup->instance,
	    .node = worker->node,
	    .templates = worker_templates(setup->conf),
	    .sources = sources_create(setup->conf),
	    .apis = apis_create(setup->conf),
	    .store = connect_store(setup),
	    .store_url = setup->store_url,
	    .page = setup->page,
	};
}

/* Until main closes the connection, or a run has left too much behind. */
static struct err *work(struct worker *worker)
{
	bool leaving = false;

	worker->memory_at_start = memory_in_use().resident;
	while (!leaving) {
		cleanup(arena_done) struct arena arena = {0};
		enum request_kind kind;
		const void *request;

		PASS(link_receive(worker->main_link, &arena, &kind, &request));
		if (!kind)
			return NULL;
		if (kind != REQ_RUN)
			return ERR(ERR_BUG, "a worker was sent %s", request_types[kind].name);
		PASS(obey(worker, request, &leaving));
	}
	return NULL;
}

static void stop(struct worker *worker)
{
	sources_destroy(worker->tools.sources);
	apis_destroy(worker->tools.apis);
	store_client_destroy(worker->tools.store);
	template_set_destroy(worker->tools.templates);
	free(in_hand.reserve);
	in_hand.reserve = NULL;
}

int worker_process(const struct worker_setup *setup)
{
	struct worker worker = {0};
	struct err *e;

	crash_watch(&setup->page->crash, (uintptr_t)do_run, __builtin_frame_address(0));
	start(&worker, setup);
	e = work(&worker);
	stop(&worker);
	if (!e)
		return 0;
	log_fault(LEVEL_ERROR, "worker_failed", ERR_AT(e, "worker"));
	return 1;
}
