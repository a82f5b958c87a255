/* SPDX-License-Identifier: MIT */
/* What a process leaves behind of where it stood when it crashed, and the traceback that is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "daemon/traceback.h"
#include "worker/crash.h"

static struct crash_record *shared;

/* -- ways to come to an end ------------------------------------------------------------------------------ */

#define APART __attribute__((noinline))

APART static void write_nowhere(void)
{
	volatile int *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*forbidden = 1;
}

static void (*volatile missing)(void);

APART static void call_nothing(void)
{
	missing();
	shared->where = 1; /* not the last thing it does: it stays on the stack */
}

APART static void give_up(void)
{
	abort();
}

static void recurse(void);
static void (*volatile once_more)(void) = recurse;

APART static void recurse(void)
{
	volatile char room[4096];

	room[0] = 1;
	once_more();
	room[1] = room[0];
}

static inline __attribute__((always_inline)) void poke(volatile int *at)
{
	*at = 1;
}

APART static void write_inlined(void)
{
	poke(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* The frames above this are lost: the unwinder finds no way through it. */
APART static void smash_stack(void)
{
	uintptr_t *frame = __builtin_frame_address(0);

	frame[0] = 0x1234567;
	frame[1] = 0x7654321;
	write_nowhere();
	shared->where = 1;
}

APART static void hang(void)
{
	for (;;)
		usleep(1000);
}

APART static void use_up(void)
{
	crash_note(CRASH_EXHAUSTED);
	_exit(70);
}

/* As run_step() does. */
APART static void step(void)
{
	crash_step();
	shared->where = 0;
}

APART static void work_stepwise(void)
{
	step();
	_exit(4);
}

APART static void crash_in_child(void)
{
	pid_t pid = fork();

	if (!pid)
		write_nowhere();
	waitpid(pid, NULL, 0);
	_exit(3);
}

/* -- a process that does one of them --------------------------------------------------------------------- */

static void (*volatile deed)(void);

APART static void begin(void)
{
	deed();
	shared->where = 1;
}

static pid_t start(void (*what)(void))
{
	pid_t pid;

	crash_clear(shared);
	deed = what;
	pid = fork();
	if (pid)
		return pid;
	crash_watch(shared, (uintptr_t)begin, __builtin_frame_address(0));
	begin();
	_exit(0);
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* "crash fault_run", of those that are in this file. */
static const char *functions_of(const struct crash_record *crash)
{
	static char text[1024];
	cleanup(arena_done) struct arena arena = {0};
	const struct error_record *record = traceback_frames(crash, &arena);

	text[0] = '\0';
	for (size_t i = 0; i < record->frame_count; i++) {
		const struct frame_record *frame = &record->frames[i];

		if (strcmp(frame->file, __FILE__))
			continue;
		assert_true(frame->line > 0);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", frame->function);
	}
	return text;
}

/* -- tests ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*deed)(void);
	int signal;
	const char *functions;
} ways[] = {
    {"a bad address", write_nowhere, SIGSEGV, "write_nowhere begin "},
    {"a null function", call_nothing, SIGSEGV, "call_nothing begin "},
    {"abort", give_up, SIGABRT, "give_up begin "},
    {"in a function that was inlined", write_inlined, SIGSEGV, "poke write_inlined begin "},
    {"a deep recursion", recurse, SIGSEGV, "recurse recurse recurse "},
};

static void a_crash_is_traced_to_the_function_and_dies_of_its_signal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int status = end_of(start(ways[i].deed));
		struct crash_record crash = crash_copy(shared);

		print_message("%s\n", ways[i].name);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), ways[i].signal);
		assert_int_equal(crash.cause, CRASH_FAULT);
		if (!strncmp(ways[i].functions, "recurse", 7)) /* its last call may or may not have begun */
			assert_non_null(strstr(functions_of(&crash), "recurse recurse "));
		else
			assert_string_equal(functions_of(&crash), ways[i].functions);
	}
}

static void a_smashed_stack_still_tells_where_it_was_noticed(void **state)
{
	int status = end_of(start(smash_stack));
	struct crash_record crash = crash_copy(shared);

	(void)state;
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_int_equal(strncmp(functions_of(&crash), "write_nowhere smash_stack ", 26), 0);
}

static void a_hanging_process_tells_where_it_stands_and_goes_on(void **state)
{
	pid_t pid = start(hang);

	(void)state;
	for (int i = 0; i < 500 && !crash_copy(shared).count; i++) {
		usleep(10000);
		if (i > 20) /* it has begun to hang by now */
			kill(pid, CRASH_ASK);
	}
	usleep(100000);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	end_of(pid);
	struct crash_record crash = crash_copy(shared);
	assert_int_equal(crash.cause, CRASH_OVERDUE);
	assert_string_equal(functions_of(&crash), "hang begin ");
}

static void a_note_says_where_it_was_made(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(end_of(start(use_up))), 70);
	struct crash_record crash = crash_copy(shared);
	assert_int_equal(crash.cause, CRASH_EXHAUSTED);
	assert_string_equal(functions_of(&crash), "use_up begin ");
}

static void a_process_that_ended_otherwise_tells_its_last_step(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(end_of(start(work_stepwise))), 4);
	struct crash_record crash = crash_copy(shared);
	assert_int_equal(crash.cause, CRASH_STEP);
	assert_string_equal(functions_of(&crash), "work_stepwise begin ");
}

static void a_crash_of_what_the_process_forked_is_not_its_own(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(end_of(start(crash_in_child))), 3);
	assert_int_equal(crash_copy(shared).cause, CRASH_NONE);
}

static void a_record_that_was_written_over_is_read_within_bounds(void **state)
{
	struct crash_record wild;

	(void)state;
	memset(&wild, 0xff, sizeof(wild));
	assert_int_equal(crash_copy(&wild).count, 0); /* no such cause */
	wild.cause = CRASH_FAULT;
	assert_int_equal(crash_copy(&wild).count, CRASH_FRAMES);
	wild = crash_copy(&wild);
	assert_string_equal(functions_of(&wild), "");
}

/* -- the helper process ---------------------------------------------------------------------------------- */

struct answer {
	struct event_base *base;
	unsigned count;
	size_t frames;
	struct err *merged;
};

static void on_done(void *arg, const struct error_record *frames)
{
	struct answer *answer = arg;

	answer->count++;
	answer->frames = frames ? frames->frame_count : 0;
	if (frames)
		answer->merged = traceback_merge(ERR(ERR_BUG, "killed"), frames);
	event_base_loopbreak(answer->base);
}

static struct crash_record here(void)
{
	return (struct crash_record){.cause = CRASH_FAULT, .count = 1, .frames = {(uintptr_t)write_nowhere}};
}

static void a_helper_answers_with_frames_that_become_the_error(void **state)
{
	struct answer answer = {.base = event_base_new()};
	struct crash_record crash = here();

	(void)state;
	assert_non_null(traceback_start(answer.base, &crash, on_done, &answer));
	event_base_dispatch(answer.base);
	assert_int_equal(answer.frames, 1);
	assert_string_equal(err_text(answer.merged), "killed");
	assert_string_equal(err_frame(answer.merged, 0)->function, "write_nowhere");
	assert_string_equal(err_frame(answer.merged, 0)->note, "killed");
	err_destroy(answer.merged);
	event_base_free(answer.base);
	wait(NULL);
}

static void a_helper_that_crashes_is_an_answer_without_frames(void **state)
{
	struct answer answer = {.base = event_base_new()};
	struct crash_record crash = here();

	(void)state;
	crash.count = SIZE_MAX; /* never out of crash_copy(): it will run off the end of memory */
	memset(crash.frames, 0, sizeof(crash.frames));
	assert_non_null(traceback_start(answer.base, &crash, on_done, &answer));
	event_base_dispatch(answer.base);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.frames, 0);
	event_base_free(answer.base);
	wait(NULL);
}

/* A helper that stands still before it has done anything: its own alarm does not ring. */
static bool stop_children;

static void stop_here(void)
{
	if (stop_children)
		raise(SIGSTOP);
}

static void a_helper_that_hangs_is_not_waited_for(void **state)
{
	struct answer answer = {.base = event_base_new()};
	struct crash_record crash = here();
	int status;

	(void)state;
	assert_int_equal(pthread_atfork(NULL, NULL, stop_here), 0);
	stop_children = true;
	assert_non_null(traceback_start(answer.base, &crash, on_done, &answer));
	stop_children = false;
	event_base_dispatch(answer.base);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.frames, 0);
	pid_t pid = waitpid(-1, &status, WUNTRACED);
	assert_true(WIFSTOPPED(status));
	kill(pid, SIGKILL);
	end_of(pid);
	event_base_free(answer.base);
}

static void nothing_to_trace_starts_no_process(void **state)
{
	struct crash_record none = {.cause = CRASH_NONE};

	(void)state;
	assert_null(traceback_start(NULL, &none, on_done, NULL));
	traceback_destroy(NULL);
}

static int setup(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_crash_is_traced_to_the_function_and_dies_of_its_signal),
	    cmocka_unit_test(a_smashed_stack_still_tells_where_it_was_noticed),
	    cmocka_unit_test(a_hanging_process_tells_where_it_stands_and_goes_on),
	    cmocka_unit_test(a_note_says_where_it_was_made),
	    cmocka_unit_test(a_process_that_ended_otherwise_tells_its_last_step),
	    cmocka_unit_test(a_crash_of_what_the_process_forked_is_not_its_own),
	    cmocka_unit_test(a_record_that_was_written_over_is_read_within_bounds),
	    cmocka_unit_test(a_helper_answers_with_frames_that_become_the_error),
	    cmocka_unit_test(a_helper_that_crashes_is_an_answer_without_frames),
	    cmocka_unit_test(a_helper_that_hangs_is_not_waited_for),
	    cmocka_unit_test(nothing_to_trace_starts_no_process),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
