/* SPDX-License-Identifier: MIT */
/*
 * A store process and a sender process without the rest of bmad, for tests of delivery.
 *
 *	outbox_driver CONFIG
 *
 * Log lines go to standard error. Each line of standard input is a JSON command, answered by a line:
 *	{"put": CHANNEL, "count": N, "payload": TEXT, "lane": NAME, "expires_ms": FROM_NOW}   the ids
 *	{"list": true}                   every message: id, state, reason, answer, attempts, ambiguous, ...
 *	{"kill": "sender" | "store"}     SIGKILL, and a new one
 *	{"drain": true}                  REQ_DRAIN to the sender; its exit status; then there is none
 *	{"start": "sender" | "store"}    a new one
 *	{"stop": "store"}                SIGKILL, and no new one
 * `%d` in the payload becomes the number of the message. End of input ends all.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/child.h"
#include "request/link.h"
#include "request/peer.h"
#include "send/sender.h"
#include "store/client.h"
#include "store/process.h"

struct process {
	const char *name;
	int (*life)(void *arg, int parent);
	pid_t pid; /* 0: none */
	struct peer *peer;
};

static struct {
	struct conf *conf;
	struct arena arena;
	const char *socket_path;
	int listener;
	struct event_base *base;
	struct store_client *client;
	char instance[UUID_TEXT];
	int64_t runs;
} driver;

static int store_life(void *arg, int parent)
{
	(void)arg;
	return store_process(
	    &(struct store_setup){.conf = driver.conf, .listener = driver.listener, .parent = parent});
}

static int sender_life(void *arg, int parent)
{
	struct sender_setup setup = {
	    .conf = driver.conf, .parent = parent, .store_socket = driver.socket_path};

	(void)arg;
	return sender_process(&setup);
}

static struct process store = {.name = "store", .life = store_life};
static struct process sender = {.name = "sender", .life = sender_life};

static _Noreturn void die(struct err *e)
{
	fprintf(stderr, "outbox_driver: %s\n", err_text(e));
	exit(2);
}

static void must(struct err *e)
{
	if (e)
		die(e);
}

/* -- the processes ---------------------------------------------------------------------------------- */

static void on_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	const struct log_record *record = request;
	struct log_field fields[64];

	(void)arg, (void)peer, (void)sequence;
	if (kind != REQ_LOG)
		return;
	for (size_t i = 0; i < record->count && i < ARRAY_SIZE(fields); i++)
		fields[i] = (struct log_field){
		    record->fields[i].key, record->fields[i].value, record->fields[i].literal};
	log_forward((enum log_level)record->level, record->event, fields, record->count);
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct process *process = arg;

	err_ignore(why);
	process->peer = NULL;
	peer_destroy(peer);
}

static const struct peer_handlers handlers = {on_request, on_gone};

static void start(struct process *process)
{
	struct child_plan plan = {
	    .title = process->name,
	    .life = process->life,
	    .keep = {process == &store ? driver.listener : -1, -1},
	};
	int fd;

	must(child_fork(&plan, &process->pid, &fd));
	process->peer = peer_create(driver.base, fd, &handlers, process);
}

static void stop(struct process *process)
{
	if (!process->pid)
		return;
	kill(process->pid, SIGKILL);
	waitpid(process->pid, NULL, 0);
	process->pid = 0;
	peer_destroy(process->peer);
	process->peer = NULL;
}

static int drain(void)
{
	int status = 0;

	peer_call(sender.peer, REQ_DRAIN, &(struct nothing){0}, NULL, NULL);
	while (sender.peer) /* until it closes its end */
		event_base_loop(driver.base, EVLOOP_ONCE);
	waitpid(sender.pid, &status, 0);
	sender.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* -- the outbox ------------------------------------------------------------------------------------- */

static int64_t new_run(struct arena *arena)
{
	struct claim_slot slot = {
	    .job = "driver",
	    .key = arena_format(arena, "%lld", (long long)++driver.runs),
	    .due = wall_ms() / 1000,
	    .trigger = TRIGGER_SCHEDULE,
	    .overlap = OVERLAP_ALLOW,
	};
	struct claim claim = {.instance = driver.instance, .now_ms = wall_ms(), .slots = &slot, .count = 1};
	struct claim_reply reply;

	must(store_call(driver.client, REQ_CLAIM, &claim, arena, &reply));
	return reply.slots[0].run;
}

static struct new_message new_message(const struct json *command, int64_t number, struct arena *arena)
{
	const char *payload = json_text(json_get(command, "payload"));
	const char *place = payload ? strstr(payload, "%d") : NULL;
	struct new_message m = {
	    .channel = json_text(json_get(command, "put")),
	    .lane = json_text(json_get(command, "lane")),
	    .kind = "report",
	    .content_type = "application/json",
	    .payload = payload ? payload : "{\"n\":1}",
	    .created_ms = wall_ms(),
	    .id = uuid_v7(wall_ms(), arena_alloc(arena, UUID_TEXT)),
	};
	int64_t expires_ms = 3600000;

	json_int64(json_get(command, "expires_ms"), &expires_ms);
	m.expires_ms = m.created_ms + expires_ms;
	if (place)
		m.payload = arena_format(
		    arena, "%.*s%lld%s", (int)(place - payload), payload, (long long)number, place + 2);
	m.payload_length = strlen(m.payload);
	m.key = m.id;
	return m;
}

static struct json *put(const struct json *command, struct arena *arena)
{
	struct commit commit = {.instance = driver.instance, .started_ms = wall_ms(), .ended_ms = wall_ms()};
	struct json *ids = json_array();
	struct commit_reply reply;
	int64_t count = 1;

	json_int64(json_get(command, "count"), &count);
	commit.run = new_run(arena);
	commit.messages = arena_alloc(arena, (size_t)count * sizeof(*commit.messages));
	for (int64_t i = 0; i < count; i++) {
		commit.messages[commit.message_count++] = new_message(command, i, arena);
		json_add_string(ids, commit.messages[i].id);
	}
	must(store_call(driver.client, REQ_COMMIT, &commit, arena, &reply));
	return ids;
}

static struct json *list(struct arena *arena)
{
	struct messages_ask ask = {.limit = 1000000};
	struct messages_reply reply;
	struct json *rows = json_array();

	must(store_call(driver.client, REQ_MESSAGES, &ask, arena, &reply));
	for (size_t i = 0; i < reply.count; i++) {
		const struct message_row *row = &reply.rows[i];
		struct json *item = json_add_object(rows);

		json_set_string(item, "id", row->id);
		json_set_string(item, "channel", row->channel);
		json_set_string(item, "state", row->state);
		json_set_string(item, "reason", row->reason);
		json_set_string(item, "answer", row->answer);
		json_set_string(item, "provider_id", row->provider_id);
		json_set_int(item, "attempts", row->attempts);
		json_set_int(item, "wait_ms", row->next_ms ? row->next_ms - wall_ms() : 0);
		json_set_bool(item, "ambiguous", row->ambiguous);
	}
	return rows;
}

/* -- commands --------------------------------------------------------------------------------------- */

static struct process *named(const char *name)
{
	return !strcmp(name, "store") ? &store : &sender;
}

static struct json *obey(const struct json *command, struct arena *arena)
{
	const char *name;

	if (json_get(command, "put"))
		return put(command, arena);
	if (json_get(command, "list"))
		return list(arena);
	if (json_get(command, "drain"))
		return json_int(drain());
	if ((name = json_text(json_get(command, "kill"))) || (name = json_text(json_get(command, "stop"))))
		stop(named(name));
	if ((name = json_text(json_get(command, "kill"))) || (name = json_text(json_get(command, "start"))))
		start(named(name));
	return json_null();
}

/* Commands are obeyed outside the loop, so that one may wait in a loop of its own. */
static void on_input(evutil_socket_t fd, short what, void *arg)
{
	bool *ready = arg;

	(void)fd, (void)what;
	*ready = true;
}

/* False at the end of input. */
static bool read_command(void)
{
	cleanup(arena_done) struct arena arena = {0};
	static char *line;
	static size_t size;
	struct json *command = NULL, *answer;
	ssize_t length = getline(&line, &size, stdin);
	char *text;

	if (length < 0)
		return false;
	must(json_parse(line, (size_t)length, &command));
	answer = obey(command, &arena);
	text = json_print(answer);
	puts(text);
	fflush(stdout);
	free(text);
	json_destroy(answer);
	json_destroy(command);
	return true;
}

int main(int argc, char **argv)
{
	struct conf_problems problems = {0};
	struct hello hello = {.role = ROLE_MAIN, .instance = driver.instance, .pid = getpid()};
	cleanup(buf_done) struct buf text = {0};
	struct event *input;
	bool ready = false, more = true;

	(void)argc;
	setvbuf(stdin, NULL, _IONBF, 0); /* a line is read only when the loop says there is one */
	driver.conf = conf_load(&(struct conf_request){.path = argv[1], .now = wall_ms() / 1000}, &problems);
	conf_problems_print(&problems, &text);
	fputs(buf_text(&text), stderr);
	buf_done(&text);
	conf_problems_done(&problems);
	if (!driver.conf)
		return 2;
	log_to_stderr(FORMAT_KV, wall_ms);
	uuid_v7(wall_ms(), driver.instance);
	driver.base = event_base_new();
	driver.socket_path = store_socket_path(driver.conf->daemon.store, &driver.arena);
	must(socket_listen(driver.socket_path, &driver.listener));
	start(&store);
	hello.now_ms = wall_ms();
	driver.client = store_client_socket(driver.socket_path, &hello, 10000);
	start(&sender);
	input = event_new(driver.base, STDIN_FILENO, EV_READ, on_input, &ready);
	while (more) {
		event_add(input, NULL);
		while (!ready)
			event_base_loop(driver.base, EVLOOP_ONCE);
		ready = false;
		more = read_command();
	}
	event_free(input);
	return 0;
}
