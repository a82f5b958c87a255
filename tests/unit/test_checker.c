/* SPDX-License-Identifier: MIT */
/* The checker: its verdict, and what is told when there is none. */
#include "daemon/checker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/mem.h"

struct fixture {
	struct event_base *base;
	char folder[64], path[96];
	/* what was heard */
	int calls;
	bool accepted;
	struct conf_problems problems;
	struct err *error;
};

static void on_done(void *arg, const struct checked *checked, struct err *e)
{
	struct fixture *f = arg;

	f->calls++;
	f->error = e;
	if (checked) {
		f->accepted = checked->accepted;
		checked_problems(checked, &f->problems);
	}
	event_base_loopbreak(f->base);
}

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->folder, "/tmp/bmad-checker-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/bmad.yaml", f->folder);
	f->base = event_base_new();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->folder);
	conf_problems_done(&f->problems);
	err_destroy(f->error);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void check(struct fixture *f, int64_t patience_ms)
{
	struct checker_plan plan = {.request = {.path = f->path, .keep = true}, .patience_ms = patience_ms};
	struct checker *checker;

	assert_null(checker_start(f->base, &plan, on_done, f, &checker));
	event_base_dispatch(f->base);
	assert_int_equal(f->calls, 1);
}

static void write_conf(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_good_configuration_is_accepted(void **state)
{
	struct fixture *f = *state;

	write_conf(f, "jobs: {beat: {module: heartbeat, channels: [console]}}\n");
	check(f, 20000);
	assert_null(f->error);
	assert_true(f->accepted);
	assert_int_equal(f->problems.errors, 0);
}

static void mistakes_come_with_their_places(void **state)
{
	struct fixture *f = *state;

	write_conf(f, "jobs:\n  beat: {module: heartbeat, channels: [console], abot: x}\n"
	              "channels: {c: {type: webhook, url: '${BMAD_TEST_NOT_SET}'}}\n");
	check(f, 20000);
	assert_null(f->error);
	assert_false(f->accepted);
	assert_int_equal(f->problems.errors, 2);
	assert_string_equal(f->problems.items[0].place.file, f->path);
	assert_int_equal(f->problems.items[0].place.line, 2);
	assert_non_null(strstr(f->problems.items[1].text, "${BMAD_TEST_NOT_SET} does not resolve"));
}

static void a_pipe_is_no_configuration_and_is_not_waited_for(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0); /* who waits for a writer waits for ever */
	check(f, 20000);
	assert_null(f->error);
	assert_false(f->accepted);
	assert_string_equal(f->problems.items[0].text, "it is not a regular file");
}

static void one_that_hangs_is_given_up(void **state)
{
	struct fixture *f = *state;
	cleanup(free_text) char *templates = mem_format("%s/templates", f->folder);
	cleanup(free_text) char *alarm = mem_format("%s/alarm", templates);
	cleanup(free_text) char *pipe = mem_format("%s/alarm.txt.mustache", alarm);

	write_conf(f, "jobs: {}\n");
	assert_int_equal(mkdir(templates, 0700) | mkdir(alarm, 0700), 0);
	assert_int_equal(mkfifo(pipe, 0600), 0); /* who opens it waits for a writer */
	check(f, 100);
	assert_int_equal(err_kind(f->error), ERR_TEMPORARY);
	assert_non_null(strstr(err_message(f->error), "hangs"));
	assert_int_equal(unlink(pipe) | rmdir(alarm) | rmdir(templates), 0);
}

static void one_that_cannot_answer_is_told_by_its_end(void **state)
{
	struct fixture *f = *state;
	struct checker_plan plan = {
	    .loaded = (const struct conf *)(uintptr_t)8, .patience_ms = 20000}; /* it will crash of this */
	struct checker *checker;

	assert_null(checker_start(f->base, &plan, on_done, f, &checker));
	event_base_dispatch(f->base);
	assert_int_equal(f->calls, 1);
	assert_non_null(strstr(err_message(f->error), "process that checks the configuration"));
}

#define CHECKER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CHECKER_TEST(a_good_configuration_is_accepted),
	    CHECKER_TEST(mistakes_come_with_their_places),
	    CHECKER_TEST(a_pipe_is_no_configuration_and_is_not_waited_for),
	    CHECKER_TEST(one_that_hangs_is_given_up),
	    CHECKER_TEST(one_that_cannot_answer_is_told_by_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
