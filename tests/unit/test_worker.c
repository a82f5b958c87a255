/* SPDX-License-Identifier: MIT */
/* The worker process: given orders over a socket pair, as main gives them. */
#include "tests/unit/run_fixture.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "request/link.h"

struct process {
	pid_t pid;
	struct link *link;
	struct arena arena;
	struct worker_page *page;
};

static struct process start_worker(void)
{
	struct process process = {0};
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	process.page = &bench->page;
	process.pid = fork();
	if (!process.pid) {
		close(fds[0]);
		_exit(worker_process(&(struct worker_setup){
		    .conf = bench->conf,
		    .parent = fds[1],
		    .store_socket = "/nowhere",
		    .instance = "instance",
		    .page = process.page,
		}));
	}
	close(fds[1]);
	process.link = link_create(fds[0]);
	return process;
}

static void order_run(struct process *process, const char *job)
{
	bench->order.job = job;
	assert_ok(link_send(process->link, REQ_RUN, &bench->order));
}

/* The next RESULT; log lines before it are passed over. */
static const struct run_result *result_of(struct process *process)
{
	enum request_kind kind = REQ_LOG;
	const void *request = NULL;

	while (kind == REQ_LOG)
		assert_ok(link_receive(process->link, &process->arena, &kind, &request));
	assert_int_equal(kind, REQ_RESULT);
	return request;
}

static int stop_worker(struct process *process)
{
	int status;

	link_destroy(process->link);
	arena_done(&process->arena);
	assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
	return status;
}

static struct err *queue_one(struct run *run)
{
	struct json *data = run_data(run);

	json_set_string(data, "host", run_node(run));
	run_value(run, "count", 1);
	return run_queue(run, &(struct message){.kind = "report"}, data);
}

static struct err *fail_deep(struct run *run)
{
	run_value(run, "count", 9);
	return ERR_AT(ERR(ERR_UNCERTAIN, "said \"good morning, all\""), "ask %s", run_node(run));
}

static struct err *use_all_memory(struct run *run)
{
	run_step(run, "eat");
	while (memset(mem_resize(NULL, 16 << 20), 1, 16 << 20))
		continue;
	return NULL;
}

static struct err *leak(struct run *run)
{
	char *lost = mem_resize(NULL, 100 << 20);

	(void)run;
	memset(lost, 1, 100 << 20);
	__asm__ volatile("" : : "r"(lost) : "memory");
	return NULL;
}

static struct err *hang(struct run *run)
{
	struct err *e = NULL;

	run_step(run, "hang");
	while (!e) {
		usleep(1000);
		e = run_queue(run, &(struct message){.kind = "report"}, NULL);
		if (err_kind(e) == ERR_BUG) {
			err_destroy(e);
			e = NULL;
		}
	}
	return e;
}

static void a_worker_runs_and_tells_one_after_the_other(void **state)
{
	struct process process;
	const struct run_result *result;

	(void)state;
	body = queue_one;
	process = start_worker();
	for (int i = 0; i < 3; i++) {
		bench->order.run = 100 + i;
		order_run(&process, "plain");
		result = result_of(&process);
		assert_null(result->error);
		assert_int_equal(result->run, 100 + i);
		assert_int_equal(result->messages, 1);
		assert_int_equal(result->value_count, 1);
		assert_string_equal(result->values[0].name, "count");
		assert_false(result->leaving);
		assert_true(result->ended_ms >= result->started_ms);
		assert_non_null(strstr(result->report, "\"metrics\":{\"count\":1}"));
	}
	assert_int_equal(stop_worker(&process), 0);
}

static void a_failed_run_is_told_with_its_traceback_and_without_secrets(void **state)
{
	struct process process;
	const struct run_result *result;
	struct err *e;

	(void)state;
	body = fail_deep;
	process = start_worker();
	order_run(&process, "plain");
	result = result_of(&process);
	assert_non_null(result->error);
	e = error_from_record(result->error);
	assert_int_equal(err_kind(e), ERR_UNCERTAIN);
	assert_string_equal(err_message(e), "said \"***\"");
	assert_non_null(strstr(err_text(e), "run plain: "));
	assert_string_equal(err_frame(e, 0)->function, "fail_deep");
	assert_int_equal(result->value_count, 1); /* what it reported counts on failure too */
	assert_int_equal(result->messages, 0);
	err_destroy(e);
	assert_int_equal(stop_worker(&process), 0);
}

static void a_job_the_worker_does_not_know_is_an_error(void **state)
{
	struct process process = start_worker();

	(void)state;
	order_run(&process, "plainn");
	assert_non_null(strstr(result_of(&process)->error->message, "plain"));
	assert_int_equal(stop_worker(&process), 0);
}

static struct err *fail_after(struct run *run)
{
	(void)run;
	return ERR(ERR_TEMPORARY, "cutoff store is away");
}

static void what_fails_after_the_commit_degrades_the_run(void **state)
{
	struct process process;
	const struct run_result *result;

	(void)state;
	body = queue_one;
	after = fail_after;
	process = start_worker();
	order_run(&process, "plain");
	result = result_of(&process);
	assert_null(result->error);
	assert_true(result->degraded);
	assert_int_equal(stop_worker(&process), 0);
}

static void a_run_told_to_end_ends_with_a_timeout(void **state)
{
	struct process process;
	const struct run_result *result;

	(void)state;
	body = hang;
	bench->order.deadline_ms = 600000;
	process = start_worker();
	order_run(&process, "plain");
	usleep(100000);
	kill(process.pid, SIGTERM);
	result = result_of(&process);
	assert_non_null(result->error);
	assert_string_equal(result->error->kind, "TEMPORARY");
	assert_non_null(strstr(result->error->message, "timeout: the run has taken longer than 10m"));
	body = queue_one;
	assert_int_equal(stop_worker(&process), 0);
}

static void nonsense_from_main_ends_the_worker(void **state)
{
	struct process process = start_worker();

	(void)state;
	assert_ok(link_send(process.link, REQ_DRAIN, &(struct nothing){0}));
	assert_int_equal(WEXITSTATUS(stop_worker(&process)), 1);
}

/* Sanitizers and valgrind use and hold back memory of their own: limits mean nothing there. */
static bool memory_is_watched(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#endif
#endif
	return preloaded && strstr(preloaded, "vgpreload");
}

static void a_run_that_uses_all_memory_says_so_with_its_step(void **state)
{
	struct process process;
	const struct run_result *result;

	(void)state;
	if (memory_is_watched())
		skip();
	body = use_all_memory;
	process = start_worker();
	order_run(&process, "plain");
	result = result_of(&process);
	assert_non_null(result->error);
	assert_true(result->leaving);
	assert_string_equal(result->error->kind, "TEMPORARY");
	assert_non_null(strstr(result->error->message, "out of memory: 16777216 bytes"));
	assert_non_null(strstr(result->error->message, "in step: "));
	assert_int_equal(WEXITSTATUS(stop_worker(&process)), 70);
}

static void a_worker_that_has_grown_leaves_after_its_run(void **state)
{
	struct process process;

	(void)state;
	if (memory_is_watched())
		skip();
	body = leak;
	process = start_worker();
	order_run(&process, "plain");
	assert_true(result_of(&process)->leaving);
	assert_int_equal(stop_worker(&process), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH_TEST(a_worker_runs_and_tells_one_after_the_other),
	    BENCH_TEST(a_failed_run_is_told_with_its_traceback_and_without_secrets),
	    BENCH_TEST(a_job_the_worker_does_not_know_is_an_error),
	    BENCH_TEST(what_fails_after_the_commit_degrades_the_run),
	    BENCH_TEST(a_run_told_to_end_ends_with_a_timeout),
	    BENCH_TEST(nonsense_from_main_ends_the_worker),
	    BENCH_TEST(a_run_that_uses_all_memory_says_so_with_its_step),
	    BENCH_TEST(a_worker_that_has_grown_leaves_after_its_run),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
