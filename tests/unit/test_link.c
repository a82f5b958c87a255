/* SPDX-License-Identifier: MIT */
/* Blocking connections for requests, against a process that runs a loop; and the sockets they use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "request/link.h"
#include "request/peer.h"

/* -- links: the other side is a process that runs a loop -------------------------------------------- */

/* Answers the request "die" by dying, "sleep" late, and any other with its key. */
static void serve_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	const struct state_ask *ask_ = request;

	(void)arg;
	if (kind != REQ_STATE)
		return;
	if (!strcmp(ask_->key, "die"))
		_exit(0);
	if (!strcmp(ask_->key, "sleep"))
		usleep(200000);
	if (!strcmp(ask_->key, "fail"))
		peer_fail(peer, sequence, ERR(ERR_UNCERTAIN, "perhaps"));
	else
		peer_reply(
		    peer, REQ_STATE, sequence, &(struct state_reply){.value = ask_->key, .expires = 7});
}

static void serve_gone(void *arg, struct peer *peer, struct err *why)
{
	(void)arg;
	(void)peer;
	_exit(why ? 1 : 0);
}

static const struct peer_handlers server_handlers = {serve_request, serve_gone};

static pid_t serve(int fd, int close_it)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close(close_it);
	struct event_base *base = event_base_new();
	peer_create(base, fd, &server_handlers, NULL);
	event_base_dispatch(base);
	_exit(2);
}

struct server {
	pid_t pid;
	struct link *link;
};

static struct server server_start(void)
{
	int fds[2];
	struct server server;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	server.pid = serve(fds[1], fds[0]);
	close(fds[1]);
	server.link = link_create(fds[0]);
	return server;
}

static void server_stop(struct server *server)
{
	int status;

	link_destroy(server->link);
	assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
	assert_int_equal(status, 0);
}

static struct err *link_ask(struct link *link, const char *key, int64_t timeout_ms, struct state_reply *reply)
{
	static struct arena arena; /* replies of this record take nothing from it */

	return link_call(
	    link, REQ_STATE, &(struct state_ask){.job = "job", .key = key}, timeout_ms, &arena, reply);
}

static void a_link_asks_and_gets_answers_and_errors(void **state)
{
	struct server server = server_start();
	struct state_reply reply;
	struct err *e;

	(void)state;
	assert_null(link_ask(server.link, "hello", -1, &reply));
	assert_string_equal(reply.value, "hello");
	assert_int_equal(reply.expires, 7);
	assert_null(link_send(server.link, REQ_DRAIN, &(struct nothing){0}));
	e = link_ask(server.link, "fail", 5000, &reply);
	assert_int_equal(err_kind(e), ERR_UNCERTAIN);
	assert_string_equal(err_text(e), "ask state: perhaps");
	err_destroy(e);
	assert_false(link_is_broken(server.link));
	server_stop(&server);
}

static void a_large_request_and_its_answer_pass_a_link(void **state)
{
	struct server server = server_start();
	size_t length = (size_t)8 << 20;
	char *key = mem_alloc(length + 1);
	struct state_reply reply;

	(void)state;
	memset(key, 'k', length);
	assert_null(link_ask(server.link, key, -1, &reply));
	assert_string_equal(reply.value, key);
	assert_null(link_ask(server.link, "small", -1, &reply));
	assert_string_equal(reply.value, "small");
	free(key);
	server_stop(&server);
}

static void an_answer_that_comes_too_late_is_passed_over(void **state)
{
	struct server server = server_start();
	struct state_reply reply;
	struct err *e;

	(void)state;
	e = link_ask(server.link, "sleep", 20, &reply);
	assert_string_equal(err_text(e), "ask state: no answer in time");
	assert_int_equal(err_kind(e), ERR_TEMPORARY);
	err_destroy(e);
	assert_false(link_is_broken(server.link));
	assert_null(link_ask(server.link, "next", -1, &reply));
	assert_string_equal(reply.value, "next");
	server_stop(&server);
}

static void a_server_that_dies_breaks_the_link_for_good(void **state)
{
	struct server server = server_start();
	struct state_reply reply;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct err *e = link_ask(server.link, i ? "hello" : "die", -1, &reply);

		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_TEMPORARY);
		assert_non_null(strstr(err_text(e), "connection lost"));
		err_destroy(e);
		assert_true(link_is_broken(server.link));
	}
	server_stop(&server);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void signals_do_not_disturb_a_link(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: every call sees EINTR */
	struct itimerval often = {{0, 2000}, {0, 2000}}, off = {0};
	struct server server = server_start();
	struct state_reply reply;

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_null(link_ask(server.link, "sleep", -1, &reply));
	assert_null(link_ask(server.link, "sleep", 5000, &reply));
	setitimer(ITIMER_REAL, &off, NULL);
	assert_string_equal(reply.value, "sleep");
	server_stop(&server);
}

static void a_link_receives_requests_until_the_other_side_closes(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	enum request_kind kind;
	const void *request;
	struct link *from, *to;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	from = link_create(fds[0]);
	to = link_create(fds[1]);
	for (int i = 1; i <= 3; i++)
		assert_null(link_send(from, REQ_RUN, &(struct run_order){.run = i, .job = "zone1"}));
	link_destroy(from);
	for (int i = 1; i <= 3; i++) {
		assert_null(link_receive(to, &arena, &kind, &request));
		assert_int_equal(kind, REQ_RUN);
		assert_int_equal(((const struct run_order *)request)->run, i);
		assert_string_equal(((const struct run_order *)request)->job, "zone1");
	}
	assert_null(link_receive(to, &arena, &kind, &request));
	assert_int_equal(kind, 0);
	link_destroy(to);
}

static void a_link_refuses_nonsense(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	enum request_kind kind;
	const void *request;
	struct link *link;
	struct err *e;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	link = link_create(fds[0]);
	assert_int_equal(write(fds[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	e = link_receive(link, &arena, &kind, &request);
	assert_non_null(e);
	assert_int_equal(err_kind(e), ERR_BUG);
	err_destroy(e);
	assert_true(link_is_broken(link));
	link_destroy(link);
	close(fds[1]);
}

/* -- sockets with names ----------------------------------------------------------------------------- */

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/bmad-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void assert_meets(const char *path)
{
	int listener, here, there;
	struct stat st;

	assert_null(socket_listen(path, &listener));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
	assert_null(socket_connect(path, &here));
	there = accept(listener, NULL, NULL);
	assert_true(there >= 0);
	assert_int_equal(write(here, "x", 1), 1);
	close(here);
	close(there);
	close(listener);
}

static void a_socket_is_private_and_replaces_the_one_left_behind(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/short.sock", folder);
	assert_meets(path);
	assert_meets(path); /* the file of the first is still there */
}

static void a_path_longer_than_an_address_works(void **state)
{
	char path[512];
	int length = snprintf(path, sizeof(path), "%s", folder);

	(void)state;
	for (int i = 0; i < 4; i++) {
		length += snprintf(path + length, sizeof(path) - (size_t)length, "/%050d", i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path + length, sizeof(path) - (size_t)length, "/store.sock");
	assert_true(strlen(path) > 200);
	assert_meets(path);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	char path[128];
	struct err *e;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/plain", folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	e = socket_listen(path, &fd);
	assert_int_equal(err_kind(e), ERR_CONFIG);
	assert_non_null(strstr(err_text(e), "/plain: there is a file that is no socket"));
	err_destroy(e);
	assert_int_equal(access(path, F_OK), 0);
}

static void connecting_to_nobody_is_temporary_and_names_the_path(void **state)
{
	char path[128];
	int fd, listener;
	struct err *e;

	(void)state;
	snprintf(path, sizeof(path), "%s/nobody.sock", folder);
	e = socket_connect(path, &fd);
	assert_int_equal(err_kind(e), ERR_TEMPORARY);
	assert_non_null(strstr(err_text(e), path));
	err_destroy(e);
	assert_null(socket_listen(path, &listener));
	close(listener);
	e = socket_connect(path, &fd);
	assert_int_equal(err_kind(e), ERR_TEMPORARY);
	err_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_link_asks_and_gets_answers_and_errors),
	    cmocka_unit_test(a_large_request_and_its_answer_pass_a_link),
	    cmocka_unit_test(an_answer_that_comes_too_late_is_passed_over),
	    cmocka_unit_test(a_server_that_dies_breaks_the_link_for_good),
	    cmocka_unit_test(signals_do_not_disturb_a_link),
	    cmocka_unit_test(a_link_receives_requests_until_the_other_side_closes),
	    cmocka_unit_test(a_link_refuses_nonsense),
	    cmocka_unit_test(a_socket_is_private_and_replaces_the_one_left_behind),
	    cmocka_unit_test(a_path_longer_than_an_address_works),
	    cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
	    cmocka_unit_test(connecting_to_nobody_is_temporary_and_names_the_path),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
