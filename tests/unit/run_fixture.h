/* SPDX-License-Identifier: MIT */
/*
 * What the tests of runs and of the worker share: a job module that does what the test says, a store that
 * writes down what it is asked and answers as it is told, a configuration, and a bench with one run.
 *
 * Included once by each test program; it defines job_modules and store/client.h, so that the real ones are
 * not linked.
 */
#ifndef RUN_FIXTURE_H
#define RUN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bmad/job.h>

#include "base/log.h"
#include "daemon/child.h"
#include "store/client.h"
#include "worker/apis.h"
#include "worker/inside.h"
#include "worker/sources.h"

/* -- the job module: its run is what the test says -------------------------------------------------- */

static struct err *(*body)(struct run *run);
static struct err *(*after)(struct run *run);

static struct err *module_run(struct run *run)
{
	return body(run);
}

static struct err *module_after(struct run *run)
{
	return after ? after(run) : NULL;
}

static struct json *module_view(const struct json *data)
{
	struct json *view = json_object();

	json_set_int(view, "members", (int64_t)json_length(data));
	return view;
}

struct module_options {
	const char *greeting;
};

static const struct option module_options[] = {
    OPTION(struct module_options, greeting, OPT_TEXT, .fallback = "hello", .help = "what it says"),
    OPTION_END,
};

static const struct job_module tester = {
    .name = "tester",
    .summary = "does what the test says",
    .options = module_options,
    .options_size = sizeof(struct module_options),
    .restartable = true,
    .run = module_run,
    .after_commit = module_after,
    .view = module_view,
};

const struct job_module *const job_modules[] = {&tester, NULL};

/* -- the store: all of store/client.h, so that the real one is not linked --------------------------- */

struct store_client {
	struct buf calls;            /* "state(k) commit(2 messages) " */
	const char *state;           /* answer to STATE */
	struct err *(*refuse)(void); /* for the next call, if not NULL */
	bool suppress;               /* all messages of a commit */
	const char *ends;            /* states that SEND and each WAIT answer, separated by blanks */
	const char *key;             /* of the last message committed or sent */
	struct new_message last;
	struct arena arena;
};

struct store_client *store_client_socket(const char *path, const struct hello *hello, int64_t patience_ms)
{
	(void)path, (void)hello, (void)patience_ms;
	return mem_alloc(sizeof(struct store_client));
}

struct store_client *store_client_local(struct store *store)
{
	(void)store;
	return NULL;
}

void store_client_destroy(struct store_client *client)
{
	if (!client)
		return;
	buf_done(&client->calls);
	arena_done(&client->arena);
	free(client);
}

static void remember(struct store_client *client, const struct new_message *message)
{
	client->last = *message;
	client->last.channel = arena_copy(&client->arena, message->channel);
	client->last.key = arena_copy(&client->arena, message->key);
	client->last.payload = arena_copy(&client->arena, message->payload);
	client->last.id = arena_copy(&client->arena, message->id);
}

static void do_commit(
    struct store_client *client, const struct commit *commit, struct arena *arena, struct commit_reply *reply)
{
	buf_format(&client->calls, "commit(%zu messages, %zu states, %zu values%s) ", commit->message_count,
	    commit->state_count, commit->value_count, commit->degraded ? ", degraded" : "");
	reply->messages = arena_alloc(arena, (commit->message_count + 1) * sizeof(*reply->messages));
	reply->message_count = commit->message_count;
	for (size_t i = 0; i < commit->message_count; i++) {
		remember(client, &commit->messages[i]);
		reply->messages[i] = (struct stored_message){
		    .id = commit->messages[i].id,
		    .state = client->suppress ? "suppressed" : "queued",
		    .earlier_run = 41,
		    .earlier_id = "the-earlier-one",
		    .earlier_state = "delivered",
		};
	}
}

/* The next of the states in `ends`; the last one stays. */
static const char *next_state(struct store_client *client, struct arena *arena)
{
	size_t length = strcspn(client->ends, " ");
	const char *state = arena_copy_n(arena, client->ends, length);

	if (client->ends[length])
		client->ends += length + 1;
	return state;
}

static void do_send(
    struct store_client *client, const struct send *send, struct arena *arena, struct message_state *state)
{
	buf_format(&client->calls, "send(%s) ", send->message->key);
	remember(client, send->message);
	*state = (struct message_state){.id = client->last.id, .state = next_state(client, arena)};
}

static void do_wait(
    struct store_client *client, const struct wait *wait, struct arena *arena, struct wait_reply *reply)
{
	buf_add_text(&client->calls, "wait ");
	reply->messages = arena_alloc(arena, sizeof(*reply->messages));
	reply->count = wait->count;
	reply->messages[0] = (struct message_state){
	    .id = wait->ids[0].id,
	    .state = next_state(client, arena),
	    .reason = "expired",
	    .answer = "HTTP 200",
	    .attempts = 3,
	};
}

struct err *store_call(struct store_client *client, enum request_kind kind, const void *request,
    struct arena *arena, void *out_reply)
{
	if (client->refuse)
		return client->refuse();
	switch ((int)kind) {
	case REQ_STATE:
		buf_format(&client->calls, "state(%s) ", ((const struct state_ask *)request)->key);
		*(struct state_reply *)out_reply = (struct state_reply){.value = client->state};
		break;
	case REQ_COMMIT:
		do_commit(client, request, arena, out_reply);
		break;
	case REQ_SEND:
		do_send(client, request, arena, out_reply);
		break;
	case REQ_WAIT:
		do_wait(client, request, arena, out_reply);
		break;
	default:
		fail_msg("unexpected %s", request_types[kind].name);
	}
	return NULL;
}

/* -- the bench: a configuration, tools and one run -------------------------------------------------- */

static const char yaml[] =
    "daemon: {store: \"sqlite:/nowhere/bmad.db\", timezone: UTC}\n"
    "sources:\n"
    "  memory: \"sqlite:${BMAD_TEST_FOLDER}/source.db\"\n"
    "channels:\n"
    "  out: {type: console}\n"
    "  hook: {type: webhook, url: \"https://hooks.example/x\"}\n"
    "  raw: {type: webhook, url: \"https://hooks.example/x\", body: data}\n"
    "jobs:\n"
    "  plain: {module: tester, channels: [out], options: {greeting: \"${BMAD_TEST_GREETING}\"}}\n"
    "  both: {module: tester, channels: [out, hook], expires: 10m}\n"
    "  slotted: {module: tester, channels: [out], dedupe: slot}\n"
    "  none: {module: tester}\n";

static char folder[64];

struct bench {
	struct conf *conf;
	struct worker_page page;
	struct tools tools;
	struct run_order order;
	struct run run;
	volatile int cancelled;
};

static struct bench *bench; /* of the test that runs */

static void write_file(const char *name, const char *text)
{
	cleanup(free_text) char *path = mem_format("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct conf *load(void)
{
	cleanup(conf_problems_done) struct conf_problems problems = {0};
	cleanup(buf_done) struct buf text = {0};
	cleanup(free_text) char *path = mem_format("%s/bmad.yaml", folder);
	struct conf *conf;

	write_file("bmad.yaml", yaml);
	conf = conf_load(&(struct conf_request){.path = path, .now = 1700000000}, &problems);
	conf_problems_print(&problems, &text);
	if (!conf)
		fail_msg("%s", buf_text(&text));
	return conf;
}

static void quiet(
    void *arg, enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	struct buf *out = arg;

	(void)level;
	buf_format(out, "%s", event);
	for (size_t i = 0; i < count; i++)
		buf_format(out, " %s=%s", fields[i].key, fields[i].value);
	buf_add_char(out, '\n');
}

static struct buf logged;

static int bench_create(void **state)
{
	(void)state;
	bench = mem_alloc(sizeof(*bench));
	bench->conf = load();
	bench->tools = (struct tools){
	    .conf = bench->conf,
	    .instance = "instance",
	    .node = "node1",
	    .templates = worker_templates(bench->conf),
	    .sources = sources_create(bench->conf),
	    .apis = apis_create(bench->conf),
	    .store = store_client_socket(NULL, NULL, 0),
	    .page = &bench->page,
	};
	bench->order = (struct run_order){
	    .run = 42,
	    .slot = 1700000000,
	    .now = 1700000100,
	    .expires_base = 1700000000,
	    .deadline_ms = 60000,
	    .report = true,
	};
	buf_truncate(&logged, 0);
	log_to_function(quiet, &logged);
	body = after = NULL;
	return 0;
}

static int bench_destroy(void **state)
{
	(void)state;
	template_set_destroy(bench->tools.templates);
	sources_destroy(bench->tools.sources);
	apis_destroy(bench->tools.apis);
	store_client_destroy(bench->tools.store);
	conf_destroy(bench->conf);
	free(bench);
	buf_done(&logged);
	return 0;
}

static void assert_ok(struct err *e)
{
	if (e)
		fail_msg("%s", err_text(e));
}

static int make_folder(void **state)
{
	char command[256];

	(void)state;
	strcpy(folder, "/tmp/bmad-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	setenv("BMAD_TEST_FOLDER", folder, 1);
	setenv("BMAD_TEST_GREETING", "good morning, all", 1);
	snprintf(command, sizeof(command), "mkdir -p %s/templates/tester", folder);
	if (system(command))
		return -1;
	write_file("templates/tester/seen.console.txt.mustache",
	    "{{shift}} {{bmad.job}} {{bmad.module}} {{bmad.kind}} {{bmad.severity}} {{bmad.node}} "
	    "{{bmad.slot_local}} "
	    "{{bmad.view.members}} {{bmad.channel}}\n");
	write_file("templates/tester/broken.console.txt.mustache", "{{#shift}} never closed\n");
	return 0;
}

static int remove_folder(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_create, bench_destroy)

#endif
