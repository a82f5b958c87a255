/* SPDX-License-Identifier: MIT */
/*
 * Hands runs that do nothing to a worker, one at a time, and waits for each result, without a store: the
 * CPU time of both processes for each run. Beside it the floor: 64 bytes there and back over a socket pair.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <bmad/job.h>

#include "conf/conf.h"
#include "request/peer.h"
#include "worker/worker.h"

#define ROUNDS 9
#define RUNS   20000
#define WARM   500

static struct err *noop_run(struct run *run)
{
	(void)run;
	return NULL;
}

static const struct job_module noop = {.name = "noop", .summary = "nothing", .run = noop_run};

const struct job_module *const job_modules[] = {&noop, NULL};

static double clock_us(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

/* Of this process and CHILD, so far. */
static double cpu_us(pid_t child)
{
	clockid_t clock;

	if (clock_getcpuclockid(child, &clock)) {
		fprintf(stderr, "bench_handoff: no CPU clock of the child\n");
		exit(1);
	}
	return clock_us(CLOCK_PROCESS_CPUTIME_ID) + clock_us(clock);
}

/* -- the floor ---------------------------------------------------------------------------------------------
 */

#define FLOOR_BYTES 64

static void echo(int fd)
{
	char bytes[FLOOR_BYTES];

	while (read(fd, bytes, sizeof(bytes)) == sizeof(bytes))
		if (write(fd, bytes, sizeof(bytes)) < 0)
			break;
	_exit(0);
}

static pid_t fork_with(int *out_fd, int *out_child_fd)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || (pid = fork()) < 0) {
		perror("bench_handoff");
		exit(1);
	}
	close(fds[pid ? 1 : 0]);
	*out_fd = fds[0];
	*out_child_fd = fds[1];
	return pid;
}

static double measure_floor(void)
{
	char bytes[FLOOR_BYTES] = {0};
	int fd, child_fd;
	pid_t pid = fork_with(&fd, &child_fd);
	double start = 0, used;

	if (!pid)
		echo(child_fd);
	for (int i = -WARM; i < RUNS; i++) {
		if (!i)
			start = cpu_us(pid);
		if (write(fd, bytes, sizeof(bytes)) < 0 || read(fd, bytes, sizeof(bytes)) < 0)
			exit(1);
	}
	used = cpu_us(pid) - start;
	close(fd);
	waitpid(pid, NULL, 0);
	return used / RUNS;
}

/* -- bmad
 * ---------------------------------------------------------------------------------------------------- */

struct bench {
	struct event_base *base;
	struct peer *peer;
	pid_t pid;
	int done;
	double start;
};

static void order(struct bench *bench)
{
	const struct run_order run = {
	    .job = "nothing", /* without a number: the store would want to know of it */
	    .slot = 1700000000,
	    .now = 1700000000,
	    .deadline_ms = 60000,
	    .dry_run = true,
	};

	peer_call(bench->peer, REQ_RUN, &run, NULL, NULL);
}

static void on_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct bench *bench = arg;
	const struct run_result *result = request;

	(void)peer, (void)sequence;
	if (kind != REQ_RESULT)
		return;
	if (result->error) {
		fprintf(stderr, "bench_handoff: %s\n", result->error->message);
		exit(1);
	}
	if (++bench->done == WARM)
		bench->start = cpu_us(bench->pid);
	if (bench->done == WARM + RUNS)
		event_base_loopbreak(bench->base);
	else
		order(bench);
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	(void)arg, (void)peer;
	fprintf(stderr, "bench_handoff: the worker went: %s\n", why ? err_text(why) : "in order");
	exit(1);
}

static const struct peer_handlers handlers = {on_request, on_gone};

static double measure_handoff(const struct conf *conf)
{
	static struct worker_page page;
	struct bench bench = {.base = event_base_new()};
	int fd, child_fd;
	double used;

	bench.pid = fork_with(&fd, &child_fd);
	if (!bench.pid)
		_exit(worker_process(&(struct worker_setup){
		    .conf = conf, .parent = child_fd, .instance = "bench", .page = &page}));
	bench.peer = peer_create(bench.base, fd, &handlers, &bench);
	order(&bench);
	event_base_dispatch(bench.base);
	used = cpu_us(bench.pid) - bench.start;
	peer_destroy(bench.peer);
	event_base_free(bench.base);
	waitpid(bench.pid, NULL, 0);
	return used / RUNS;
}

static struct conf *load(void)
{
	char path[] = "/tmp/bmad-bench-XXXXXX";
	static const char yaml[] =
	    "daemon: {store: \"sqlite:/nowhere/bmad.db\"}\njobs: {nothing: {module: noop}}\n";
	struct conf_problems problems = {0};
	struct buf text = {0};
	int fd = mkstemp(path);
	struct conf *conf;

	if (fd < 0 || write(fd, yaml, sizeof(yaml) - 1) < 0) {
		perror(path);
		exit(1);
	}
	close(fd);
	conf = conf_load(&(struct conf_request){.path = path, .now = 1700000000}, &problems);
	unlink(path);
	conf_problems_print(&problems, &text);
	if (!conf) {
		fputs(buf_text(&text), stderr);
		exit(1);
	}
	buf_done(&text);
	conf_problems_done(&problems);
	return conf;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(double *figures)
{
	qsort(figures, ROUNDS, sizeof(*figures), by_size);
	return figures[ROUNDS / 2];
}

int main(void)
{
	struct conf *conf = load();
	double handoff[ROUNDS], least[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		handoff[i] = measure_handoff(conf);
		least[i] = measure_floor();
	}
	conf_destroy(conf);
	double middle_handoff = middle(handoff), middle_floor = middle(least);
	printf("handoff: a run to a worker and back %.1f us CPU (%.1f to %.1f); floor %.1f us (%.1f to "
	       "%.1f); ratio %.1f\n",
	    middle_handoff, handoff[0], handoff[ROUNDS - 1], middle_floor, least[0], least[ROUNDS - 1],
	    middle_handoff / middle_floor);
	return 0;
}
