/* SPDX-License-Identifier: MIT */
/*
 * What the store costs: messages into the outbox and marked, and whole no-op runs.
 *
 *	bench_store [FOLDER]	a folder on the disk to measure; the current one by default
 *
 * A message is 2 KiB and goes in with its run's commit, in groups of 100; then it is taken and settled, in
 * groups of 100 again. Every group is one commit that survives a loss of power. A no-op run is claimed,
 * started, commits one small message, which is taken and settled; 100 of them share a commit.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bmad/time.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/store.h"

#define GROUP    100
#define MESSAGES 20000
#define RUNS     20000
#define NOW_MS   INT64_C(1800000000000)

static struct store *store;
static char ids[MESSAGES + RUNS][UUID_TEXT];

static void must(struct err *e)
{
	if (!e)
		return;
	fprintf(stderr, "bench_store: %s\n", err_text(e));
	_exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void ask(enum request_kind kind, const void *request, struct arena *arena, void *reply)
{
	must(store_do(store, kind, request, arena, reply));
}

static void forget_news(void)
{
	struct store_news news;

	store_news(store, &news);
}

static int64_t claim(const char *job, int64_t due, struct arena *arena)
{
	char key[TIME_TEXT];
	struct claim_slot slot = {.job = job, .key = utc_format(due, key), .due = due, .overlap = 2};
	struct claim_reply reply;

	ask(REQ_CLAIM, &(struct claim){.instance = "bench", .now_ms = NOW_MS, .slots = &slot, .count = 1},
	    arena, &reply);
	return reply.slots[0].run;
}

static void commit(int64_t run, struct new_message *messages, size_t count, struct arena *arena)
{
	struct commit request = {.run = run,
	    .instance = "bench",
	    .started_ms = NOW_MS,
	    .ended_ms = NOW_MS,
	    .messages = messages,
	    .message_count = count};
	struct commit_reply reply;

	ask(REQ_COMMIT, &request, arena, &reply);
}

static struct new_message new_message(size_t number, const char *payload, size_t length)
{
	return (struct new_message){
	    .id = uuid_v7(NOW_MS + (int64_t)number, ids[number]),
	    .channel = "ops",
	    .kind = "report",
	    .key = ids[number],
	    .content_type = "application/json",
	    .payload = payload,
	    .payload_length = length,
	    .created_ms = NOW_MS,
	    .expires_ms = NOW_MS + 3600000,
	};
}

static size_t take_and_settle(struct arena *arena)
{
	struct settlement settlements[GROUP];
	struct take take = {.instance = "bench", .channel = "ops", .limit = GROUP, .now_ms = NOW_MS};
	struct take_reply taken;
	struct settle settle = {.instance = "bench", .now_ms = NOW_MS, .messages = settlements};
	struct settle_reply reply;

	ask(REQ_TAKE, &take, arena, &taken);
	for (size_t i = 0; i < taken.count; i++)
		settlements[i] =
		    (struct settlement){.id = taken.messages[i].id, .state = "delivered", .attempts = 1};
	settle.count = taken.count;
	ask(REQ_SETTLE, &settle, arena, &reply);
	return taken.count;
}

static void bench_messages(void)
{
	char payload[2048];
	double began = seconds(CLOCK_MONOTONIC), inserted, marked;
	size_t done = 0;

	memset(payload, 'x', sizeof(payload));
	for (size_t at = 0; at < MESSAGES; at += GROUP) {
		cleanup(arena_done) struct arena arena = {0};
		struct new_message group[GROUP];

		for (size_t i = 0; i < GROUP; i++)
			group[i] = new_message(at + i, payload, sizeof(payload));
		must(store_begin(store));
		commit(claim("bench", (int64_t)at, &arena), group, GROUP, &arena);
		must(store_commit(store));
		forget_news();
	}
	inserted = seconds(CLOCK_MONOTONIC);
	while (done < MESSAGES) {
		cleanup(arena_done) struct arena arena = {0};

		must(store_begin(store));
		done += take_and_settle(&arena);
		must(store_commit(store));
		forget_news();
	}
	marked = seconds(CLOCK_MONOTONIC);
	printf("store: %.0f msgs/s (2 KiB, insert %.0f/s, take and settle %.0f/s, groups of %d)\n",
	    MESSAGES / (marked - began), MESSAGES / (inserted - began), MESSAGES / (marked - inserted),
	    GROUP);
}

static void bench_runs(void)
{
	double began = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

	for (size_t at = 0; at < RUNS; at += GROUP) {
		cleanup(arena_done) struct arena arena = {0};

		must(store_begin(store));
		for (size_t i = 0; i < GROUP; i++) {
			struct new_message message = new_message(MESSAGES + at + i, "{\"text\":\"ok\"}", 13);
			int64_t run = claim("noop", (int64_t)(at + i), &arena);
			struct nothing nothing;

			ask(REQ_START, &(struct start){run, NOW_MS}, &arena, &nothing);
			commit(run, &message, 1, &arena);
		}
		take_and_settle(&arena);
		must(store_commit(store));
		forget_news();
	}
	printf("store: %.1f us CPU a no-op run (claim, start, commit with a message, take, settle), %.0f "
	       "runs/s\n",
	    (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / RUNS * 1e6,
	    RUNS / (seconds(CLOCK_MONOTONIC) - began));
}

int main(int argc, char **argv)
{
	char path[512], command[1200];

	snprintf(path, sizeof(path), "%s/bench-store-%d.db", argc > 1 ? argv[1] : ".", (int)getpid());
	snprintf(command, sizeof(command), "sqlite:%s", path);
	must(store_open(command, STORE_WRITE, NOW_MS, &store));
	bench_messages();
	bench_runs();
	store_close(store);
	unlink(path);
	return 0;
}
