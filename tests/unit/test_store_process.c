/* SPDX-License-Identifier: MIT */
/* The store process as its callers meet it: over its socket, several at a time. */
#include "store_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "request/link.h"
#include "send/channel.h"
#include "store/client.h"
#include "store/process.h"

/* The daemon's own are not part of what is built for this test. */
__attribute__((weak)) int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((weak)) struct mono mono_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct mono){(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

struct served {
	char folder[64];
	char url[96];
	const char *socket_path;
	int listener;
	int parent; /* our end of the socket pair */
	pid_t pid;
	struct arena arena;
	struct store_client *main;
	int made;
};

static struct conf_channel channels[] = {
    {.name = "chat", .on_ambiguous = AMBIGUOUS_RETRY},
    {.name = "sms", .on_ambiguous = AMBIGUOUS_HOLD},
};

static void start_store(struct served *s)
{
	struct conf conf = {.daemon.store = s->url, .channels = channels, .channel_count = 2};
	int pair[2];

	for (size_t i = 0; i < conf.channel_count; i++)
		channels[i].type = channel_type_find("console");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->pid = fork();
	if (!s->pid) {
		close(pair[0]);
		_exit(store_process(
		    &(struct store_setup){.conf = &conf, .listener = s->listener, .parent = pair[1]}));
	}
	close(pair[1]);
	s->parent = pair[0];
}

static int end_store(struct served *s)
{
	int status = -1;

	close(s->parent);
	waitpid(s->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct store_client *client_of(const struct served *s, enum role role, const char *instance)
{
	return store_client_socket(
	    s->socket_path, &(struct hello){.role = role, .instance = instance, .pid = getpid()}, 5000);
}

static int serve(void **state)
{
	struct served *s = mem_alloc(sizeof(*s));

	strcpy(s->folder, "/tmp/bmad-served-XXXXXX");
	if (!mkdtemp(s->folder))
		return -1;
	snprintf(s->url, sizeof(s->url), "sqlite:%s/s.db", s->folder);
	s->socket_path = store_socket_path(s->url, &s->arena);
	must(socket_listen(s->socket_path, &s->listener));
	start_store(s);
	s->main = client_of(s, ROLE_MAIN, "main-1");
	*state = s;
	return 0;
}

static int end_serving(void **state)
{
	struct served *s = *state;

	store_client_destroy(s->main);
	if (s->pid)
		end_store(s);
	close(s->listener);
	arena_done(&s->arena);
	remove_folder(s->folder);
	free(s);
	return 0;
}

static struct err *call(
    struct served *s, struct store_client *client, enum request_kind kind, const void *request, void *reply)
{
	return store_call(client, kind, request, &s->arena, reply);
}

static int64_t claim_over(
    struct served *s, struct store_client *client, const char *instance, const char *job, int64_t due)
{
	struct claim_slot slot = slot_of(job, due);
	struct claim claim = {.instance = instance, .now_ms = wall_ms(), .slots = &slot, .count = 1};
	struct claim_reply reply = {0};

	must(call(s, client, REQ_CLAIM, &claim, &reply));
	return reply.slots[0].run;
}

static const char *commit_over(struct served *s, int64_t run, const char *channel, int64_t lives_ms)
{
	struct new_message message = {
	    .id = uuid_v7(wall_ms(), arena_alloc(&s->arena, UUID_TEXT)),
	    .channel = channel,
	    .payload = "x",
	    .payload_length = 1,
	    .created_ms = wall_ms(),
	    .expires_ms = wall_ms() + lives_ms,
	};
	struct commit commit = {.run = run,
	    .instance = "main-1",
	    .messages = &message,
	    .message_count = 1,
	    .ended_ms = wall_ms()};

	must(call(s, s->main, REQ_COMMIT, &commit, &(struct commit_reply){0}));
	return message.id;
}

static const char *queue_over(struct served *s, const char *channel, int64_t lives_ms)
{
	return commit_over(s, claim_over(s, s->main, "main-1", "j", NOW + ++s->made), channel, lives_ms);
}

static struct message_state wait_over(struct served *s, const char *id, int64_t patience_ms)
{
	struct id_record one = {id};
	struct wait wait = {.ids = &one, .count = 1, .deadline_ms = wall_ms() + patience_ms};
	struct wait_reply reply = {0};

	must(call(s, s->main, REQ_WAIT, &wait, &reply));
	return reply.messages[0];
}

static struct take_reply take_over(struct served *s, struct store_client *sender, const char *channel)
{
	struct take_reply taken = {0};

	must(call(s, sender, REQ_TAKE,
	    &(struct take){.instance = "sender-1", .channel = channel, .limit = 9, .now_ms = wall_ms()},
	    &taken));
	return taken;
}

/* -- connections ---------------------------------------------------------------------------------- */

static void hello_comes_first_and_once(void **state)
{
	struct served *s = *state;
	struct hello hello = {.role = ROLE_CLI};
	struct hello_reply reply;
	struct runs_reply runs;
	struct link *link;
	int fd;

	must(socket_connect(s->socket_path, &fd));
	link = link_create(fd);
	must_fail(link_call(link, REQ_RUNS, &(struct runs_ask){0}, 5000, &s->arena, &runs), ERR_BUG,
	    "the first request must be HELLO");
	must(link_call(link, REQ_HELLO, &hello, 5000, &s->arena, &reply));
	must(link_call(link, REQ_RUNS, &(struct runs_ask){0}, 5000, &s->arena, &runs));
	must_fail(link_call(link, REQ_HELLO, &hello, 5000, &s->arena, &reply), ERR_BUG, "HELLO twice");
	link_destroy(link);
}

static void the_end_of_its_parent_ends_it_in_order(void **state)
{
	struct served *s = *state;
	const char *id = queue_over(s, "chat", 60000);
	struct messages_reply reply = {0};
	struct store *store;

	assert_int_equal(end_store(s), 0);
	s->pid = 0;
	must(store_open(s->url, STORE_READ, NOW_MS, &store));
	must(store_do(store, REQ_MESSAGES, &(struct messages_ask){.id = id}, &s->arena, &reply));
	assert_string_equal(reply.rows[0].state, "queued");
	store_close(store);
}

static void a_terminals_interrupt_does_not_end_it(void **state)
{
	struct served *s = *state;

	queue_over(s, "chat", 60000);
	kill(s->pid, SIGINT);
	kill(s->pid, SIGTERM);
	queue_over(s, "chat", 60000);
}

static void callers_of_a_killed_store_go_on_with_the_next(void **state)
{
	struct served *s = *state;
	const char *first = queue_over(s, "chat", 60000);
	struct messages_reply reply = {0};

	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->parent);
	start_store(s);
	queue_over(s, "chat", 60000);
	must(call(s, s->main, REQ_MESSAGES, &(struct messages_ask){.id = first}, &reply));
	assert_string_equal(reply.rows[0].state, "queued");
}

static void a_store_that_cannot_be_opened_is_said_and_ends_it(void **state)
{
	struct served *s = *state;
	const void *request = NULL;
	enum request_kind kind;
	struct link *link;
	int status;

	end_store(s);
	remove_folder(s->folder);
	mkdir(s->folder, 0700);
	mkdir(s->url + 7, 0700); /* a folder where the file should be */
	start_store(s);
	link = link_create(s->parent);
	must(link_receive(link, &s->arena, &kind, &request));
	assert_int_equal(kind, REQ_LOG);
	assert_string_equal(((const struct log_record *)request)->event, "store_unavailable");
	waitpid(s->pid, &status, 0);
	s->pid = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	link_destroy(link);
}

/* -- waits, wakes, expiry ------------------------------------------------------------------------- */

static void a_wait_ends_with_its_message(void **state)
{
	struct served *s = *state;
	const char *id = queue_over(s, "chat", 60000);
	pid_t sender = fork();
	int64_t began = wall_ms();
	struct message_state ended;

	if (!sender) {
		struct store_client *client = client_of(s, ROLE_SENDER, "sender-1");
		struct settlement settlement = {.id = id, .state = "delivered", .attempts = 1};

		usleep(150000);
		take_over(s, client, "chat");
		must(call(s, client, REQ_SETTLE,
		    &(struct settle){
		        .instance = "sender-1", .now_ms = wall_ms(), .messages = &settlement, .count = 1},
		    &(struct settle_reply){0}));
		store_client_destroy(client);
		_exit(0);
	}
	ended = wait_over(s, id, 10000);
	assert_string_equal(ended.state, "delivered");
	assert_in_range(wall_ms() - began, 100, 5000);
	waitpid(sender, NULL, 0);
}

static void a_wait_ends_at_its_deadline_with_what_is_then(void **state)
{
	struct served *s = *state;
	const char *id = queue_over(s, "chat", 60000);
	int64_t began = wall_ms();

	assert_string_equal(wait_over(s, id, 200).state, "queued");
	assert_in_range(wall_ms() - began, 195, 3000);
}

static void a_message_expires_by_itself_and_its_wait_ends(void **state)
{
	struct served *s = *state;
	const char *id = queue_over(s, "chat", 200);

	assert_string_equal(wait_over(s, id, 10000).state, "dead");
}

/* It may wait for company, but not for ever. */
static void a_start_that_nothing_follows_is_recorded(void **state)
{
	struct served *s = *state;
	int64_t run = claim_over(s, s->main, "main-1", "j", NOW);
	struct runs_reply runs = {0};

	must(call(s, s->main, REQ_START, &(struct start){run, NOW_MS}, &(struct nothing){0}));
	must(call(s, s->main, REQ_RUNS, &(struct runs_ask){.job = "j", .limit = 1}, &runs));
	assert_string_equal(runs.rows[0].state, "running");
}

static void a_sender_is_woken_after_the_commit(void **state)
{
	struct served *s = *state;
	struct hello hello = {.role = ROLE_SENDER, .instance = "sender-1"};
	struct hello_reply reply;
	enum request_kind kind;
	const void *request;
	struct link *link;
	int fd;

	must(socket_connect(s->socket_path, &fd));
	link = link_create(fd);
	must(link_call(link, REQ_HELLO, &hello, 5000, &s->arena, &reply));
	queue_over(s, "chat", 60000);
	must(link_receive(link, &s->arena, &kind, &request));
	assert_int_equal(kind, REQ_WAKE);
	assert_string_equal(((const struct wake *)request)->channels[0].id, "chat");
	link_destroy(link);
}

static const char *wait_for_state(struct served *s, const char *id, const char *state)
{
	struct messages_reply reply = {0};

	for (int i = 0; i < 200; i++) {
		must(call(s, s->main, REQ_MESSAGES, &(struct messages_ask){.id = id}, &reply));
		if (!strcmp(reply.rows[0].state, state))
			break;
		usleep(10000);
	}
	return reply.rows[0].state;
}

static void a_dead_senders_messages_follow_the_configured_policy(void **state)
{
	struct served *s = *state;
	const char *chat = queue_over(s, "chat", 60000), *sms = queue_over(s, "sms", 60000);
	const char *removed = queue_over(s, "no-longer-configured", 60000);
	struct store_client *sender = client_of(s, ROLE_SENDER, "sender-1");

	take_over(s, sender, "chat");
	take_over(s, sender, "sms");
	take_over(s, sender, "no-longer-configured");
	store_client_destroy(sender);
	assert_string_equal(wait_for_state(s, sms, "ambiguous"), "ambiguous");
	assert_string_equal(wait_for_state(s, chat, "retrying"), "retrying");
	assert_string_equal(wait_for_state(s, removed, "ambiguous"), "ambiguous");
}

/* -- many at once --------------------------------------------------------------------------------- */

#define WORKERS 4
#define EACH    150

/* All workers claim the same slots; each commits what it was granted. Its exit status: 0. */
static void compete(struct served *s, int worker)
{
	const char *instance = arena_format(&s->arena, "once-%d", worker);

	struct store_client *mains = s->main; /* stays with the parent */

	s->main = client_of(s, ROLE_ONCE, instance);
	for (int slot = 0; slot < EACH; slot++) {
		int64_t run = claim_over(s, s->main, instance, "shared", NOW + slot);

		if (run)
			commit_over(s, run, "chat", 60000);
	}
	store_client_destroy(s->main);
	s->main = mains;
	_exit(0);
}

static void no_slot_runs_twice_however_many_claim_it(void **state)
{
	struct served *s = *state;
	struct runs_reply runs = {0};
	pid_t workers[WORKERS];
	int status;

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (!workers[i])
			compete(s, i);
	}
	for (int i = 0; i < WORKERS; i++) {
		waitpid(workers[i], &status, 0);
		assert_int_equal(status, 0);
	}
	must(call(s, s->main, REQ_RUNS, &(struct runs_ask){.job = "shared", .limit = 10000}, &runs));
	for (size_t i = 0; i < runs.count; i++)
		for (size_t k = i + 1; k < runs.count; k++)
			assert_string_not_equal(runs.rows[i].key, runs.rows[k].key);
	assert_int_equal(runs.count, EACH);
}

int main(void)
{
#define SERVED(name) cmocka_unit_test_setup_teardown(name, serve, end_serving)
	const struct CMUnitTest tests[] = {
	    SERVED(hello_comes_first_and_once),
	    SERVED(the_end_of_its_parent_ends_it_in_order),
	    SERVED(a_terminals_interrupt_does_not_end_it),
	    SERVED(callers_of_a_killed_store_go_on_with_the_next),
	    SERVED(a_store_that_cannot_be_opened_is_said_and_ends_it),
	    SERVED(a_wait_ends_with_its_message),
	    SERVED(a_wait_ends_at_its_deadline_with_what_is_then),
	    SERVED(a_message_expires_by_itself_and_its_wait_ends),
	    SERVED(a_start_that_nothing_follows_is_recorded),
	    SERVED(a_sender_is_woken_after_the_commit),
	    SERVED(a_dead_senders_messages_follow_the_configured_policy),
	    SERVED(no_slot_runs_twice_however_many_claim_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
