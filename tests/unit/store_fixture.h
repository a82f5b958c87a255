/* SPDX-License-Identifier: MIT */
/* What the tests of the store share: a store in a new folder, and verbs as plain functions. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "conf/conf.h"
#include "daemon/child.h"
#include "store/store.h"

#define NOW_MS INT64_C(1800000000000) /* 2027-01-15T08:00:00Z */
#define NOW    (NOW_MS / 1000)

struct fixture {
	char folder[64];
	char url[96];
	struct store *store;
	struct arena arena;
	int made; /* messages, for their ids */
};

static inline void must(struct err *e)
{
	if (e)
		fail_msg("%s: %s", err_kind_name(err_kind(e)), err_text(e));
}

/* E is there, of this KIND, and its text holds PART. */
static inline void must_fail(struct err *e, enum err_kind kind, const char *part)
{
	if (!e)
		fail_msg("expected an error with '%s'", part);
	if (err_kind(e) != kind || !strstr(err_text(e), part))
		fail_msg("expected %s with '%s', got %s: %s", err_kind_name(kind), part,
		    err_kind_name(err_kind(e)), err_text(e));
	err_destroy(e);
}

static inline bool test_holds(void *arg, const char *channel)
{
	(void)arg;
	return !strcmp(channel, "sms");
}

static inline void open_again(struct fixture *f)
{
	store_close(f->store);
	must(store_open(f->url, STORE_WRITE, NOW_MS, &f->store));
	store_set_policy(f->store, &(struct store_policy){.holds = test_holds});
}

static inline int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->folder, "/tmp/bmad-store-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->url, sizeof(f->url), "sqlite:%s/s.db", f->folder);
	must(store_open(f->url, STORE_WRITE, NOW_MS, &f->store));
	store_set_policy(f->store, &(struct store_policy){.holds = test_holds});
	*state = f;
	return 0;
}

static inline void remove_folder(const char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		fprintf(stderr, "cannot remove %s\n", folder);
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	arena_done(&f->arena);
	remove_folder(f->folder);
	free(f);
	return 0;
}

/* One request in a batch of its own. */
static inline struct err *ask(struct fixture *f, enum request_kind kind, const void *request, void *reply)
{
	struct err *e;

	must(store_begin(f->store));
	e = store_do(f->store, kind, request, &f->arena, reply);
	must(store_commit(f->store));
	return e;
}

static inline int64_t hello(struct fixture *f, enum role role, const char *instance)
{
	struct hello_reply reply = {0};

	must(
	    ask(f, REQ_HELLO, &(struct hello){.role = role, .instance = instance, .now_ms = NOW_MS}, &reply));
	return role == ROLE_MAIN ? reply.interrupted : reply.recovered;
}

static inline void gone(struct fixture *f, enum role role, const char *instance)
{
	must(store_begin(f->store));
	must(store_gone(f->store, role, instance, NOW_MS));
	must(store_commit(f->store));
}

/* A slot of the clock, restartable, as main asks for it. */
static inline struct claim_slot slot_of(const char *job, int64_t due)
{
	static char keys[64][TIME_TEXT];
	static int next;
	char *key = keys[next++ % 64];

	return (struct claim_slot){
	    .job = job,
	    .key = utc_format(due, key),
	    .due = due,
	    .trigger = TRIGGER_SCHEDULE,
	    .restartable = true,
	    .overlap = OVERLAP_SKIP,
	};
}

static inline struct claim_result claim_as(struct fixture *f, const char *instance, struct claim_slot slot)
{
	struct claim claim = {.instance = instance, .now_ms = NOW_MS, .slots = &slot, .count = 1};
	struct claim_reply reply = {0};

	must(ask(f, REQ_CLAIM, &claim, &reply));
	assert_int_equal(reply.count, 1);
	return reply.slots[0];
}

static inline struct claim_result claim(struct fixture *f, struct claim_slot slot)
{
	return claim_as(f, "main-1", slot);
}

/* A run of JOB that is under way. */
static inline int64_t begin_run(struct fixture *f, const char *job, int64_t due)
{
	struct claim_result result = claim(f, slot_of(job, due));
	struct nothing nothing;

	assert_int_equal(result.state, CLAIM_GRANTED);
	must(ask(f, REQ_START, &(struct start){result.run, NOW_MS}, &nothing));
	return result.run;
}

static inline struct new_message message_to(struct fixture *f, const char *channel, const char *key)
{
	return (struct new_message){
	    .id = arena_format(&f->arena, "0190b5e2-0000-7000-8000-%012d", ++f->made),
	    .channel = channel,
	    .kind = "report",
	    .key = key,
	    .content_type = "application/json",
	    .payload = "{\"text\":\"hello\"}",
	    .payload_length = 16,
	    .created_ms = NOW_MS,
	    .expires_ms = NOW_MS + 3600000,
	};
}

static inline struct err *try_commit(
    struct fixture *f, int64_t run, struct new_message *messages, size_t count, struct commit_reply *reply)
{
	struct commit commit = {
	    .run = run,
	    .instance = "main-1",
	    .started_ms = NOW_MS,
	    .ended_ms = NOW_MS + 5,
	    .messages = messages,
	    .message_count = count,
	};

	return ask(f, REQ_COMMIT, &commit, reply);
}

static inline struct commit_reply commit_run(
    struct fixture *f, int64_t run, struct new_message *messages, size_t count)
{
	struct commit_reply reply = {0};

	must(try_commit(f, run, messages, count, &reply));
	return reply;
}

static inline struct close_reply close_run(
    struct fixture *f, int64_t run, bool interrupted, const char *reason)
{
	struct close_reply reply = {0};
	struct close close = {.run = run,
	    .interrupted = interrupted,
	    .reason = reason,
	    .started_ms = NOW_MS,
	    .ended_ms = NOW_MS + 7};

	must(ask(f, REQ_CLOSE, &close, &reply));
	return reply;
}

static inline struct take_reply take(struct fixture *f, const char *channel, int64_t limit, int64_t now_ms)
{
	struct take_reply reply = {0};

	must(ask(f, REQ_TAKE,
	    &(struct take){.instance = "sender-1", .channel = channel, .limit = limit, .now_ms = now_ms},
	    &reply));
	return reply;
}

static inline int64_t settle_as(struct fixture *f, const char *instance, struct settlement settlement)
{
	struct settle_reply reply = {0};

	must(ask(f, REQ_SETTLE,
	    &(struct settle){.instance = instance, .now_ms = NOW_MS, .messages = &settlement, .count = 1},
	    &reply));
	return reply.stale;
}

static inline int64_t settle(struct fixture *f, const char *id, const char *state)
{
	return settle_as(f, "sender-1", (struct settlement){.id = id, .state = state, .attempts = 1});
}

static inline struct message_row show(struct fixture *f, const char *id)
{
	struct messages_reply reply = {0};

	must(ask(f, REQ_MESSAGES, &(struct messages_ask){.id = id}, &reply));
	assert_int_equal(reply.count, 1);
	return reply.rows[0];
}

static inline struct run_row show_run(struct fixture *f, int64_t run)
{
	struct runs_reply reply = {0};

	must(ask(f, REQ_RUNS, &(struct runs_ask){.run = run}, &reply));
	assert_int_equal(reply.count, 1);
	return reply.rows[0];
}

static inline struct runs_reply list_runs(struct fixture *f, const char *job)
{
	struct runs_reply reply = {0};

	must(ask(f, REQ_RUNS, &(struct runs_ask){.job = job, .limit = 100}, &reply));
	return reply;
}

/* A committed message of its own run. */
static inline const char *queue(struct fixture *f, struct new_message message)
{
	static int slot;
	int64_t run = begin_run(f, "j", NOW + ++slot);

	return commit_run(f, run, &message, 1).messages[0].id;
}

static inline const char *state_of(struct fixture *f, const char *id)
{
	return show(f, id).state;
}

static inline struct message_state send_message(struct fixture *f, int64_t run, struct new_message message)
{
	struct message_state reply = {0};

	must(ask(f, REQ_SEND, &(struct send){run, "main-1", &message}, &reply));
	return reply;
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
