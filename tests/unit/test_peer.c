/* SPDX-License-Identifier: MIT */
/* Connections for requests in an event loop: two peers in one loop, or a peer and a bare descriptor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "request/frame.h"
#include "request/peer.h"

/* -- one side of a connection, with what happened to it --------------------------------------------- */

struct side {
	struct peer *peer;
	unsigned requests, replies, gone;
	struct buf seen;    /* jobs that were asked for, as "a b " */
	struct buf answers; /* values or errors that came, "v1 v2 " */
	struct err *why;
	struct kept *kept;
	const struct state_ask *kept_request;
	uint64_t sequence; /* of the last request */
	bool silent;       /* does not answer */
	bool keep, destroy_in_request, destroy_in_reply;
};

static void on_reply(void *arg, struct err *e, const void *reply)
{
	struct side *side = arg;

	side->replies++;
	if (e)
		buf_format(&side->answers, "[%s]", err_text(e));
	else
		buf_format(&side->answers, "%s ", ((const struct state_reply *)reply)->value);
	err_destroy(e);
	if (side->destroy_in_reply) {
		peer_destroy(side->peer);
		side->peer = NULL;
	}
}

static void answer(struct side *side, const struct state_ask *ask, uint64_t sequence)
{
	if (!strcmp(ask->key, "fail"))
		peer_fail(side->peer, sequence, ERR(ERR_PERMANENT, "no state for %s", ask->job));
	else
		peer_reply(side->peer, REQ_STATE, sequence, &(struct state_reply){.value = ask->key});
}

static void on_request(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	struct side *side = arg;
	const struct state_ask *ask = request;

	side->requests++;
	side->sequence = sequence;
	if (kind != REQ_STATE)
		return;
	buf_format(&side->seen, "%s ", ask->job);
	if (side->keep && !side->kept) {
		side->kept = peer_keep(peer);
		side->kept_request = ask;
	}
	if (!side->silent)
		answer(side, ask, sequence);
	if (side->destroy_in_request) {
		peer_destroy(peer);
		side->peer = NULL;
	}
}

static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	struct side *side = arg;

	side->gone++;
	side->why = why;
	peer_destroy(peer);
	side->peer = NULL;
}

static const struct peer_handlers handlers = {on_request, on_gone};

/* Two sides; one may be a bare descriptor. */
struct pair {
	struct event_base *base;
	struct side a, b;
	int fd;
};

static struct pair *pair_create(bool both)
{
	struct pair *pair = mem_alloc(sizeof(*pair));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pair->base = event_base_new();
	pair->a.peer = peer_create(pair->base, fds[0], &handlers, &pair->a);
	pair->fd = fds[1];
	if (both) {
		pair->b.peer = peer_create(pair->base, fds[1], &handlers, &pair->b);
		pair->fd = -1;
	}
	return pair;
}

static void side_done(struct side *side)
{
	peer_destroy(side->peer);
	peer_release(side->kept);
	buf_done(&side->seen);
	buf_done(&side->answers);
	err_destroy(side->why);
}

static void pair_destroy(struct pair *pair)
{
	side_done(&pair->a);
	side_done(&pair->b);
	if (pair->fd >= 0)
		close(pair->fd);
	event_base_free(pair->base);
	free(pair);
}

/* Until nothing more happens. */
static void turn(struct pair *pair)
{
	int idle = 0;

	while (idle < 3) {
		unsigned before = pair->a.requests + pair->a.replies + pair->b.requests + pair->b.replies;

		event_base_loop(pair->base, EVLOOP_NONBLOCK);
		idle = before == pair->a.requests + pair->a.replies + pair->b.requests + pair->b.replies
		           ? idle + 1
		           : 0;
	}
}

static void ask(struct side *side, const char *job, const char *key)
{
	peer_call(side->peer, REQ_STATE, &(struct state_ask){.job = job, .key = key}, on_reply, side);
}

/* -- peers ------------------------------------------------------------------------------------------ */

static void calls_are_answered_in_both_directions(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	ask(&pair->a, "one", "1");
	ask(&pair->a, "two", "2");
	ask(&pair->b, "three", "3");
	turn(pair);
	assert_string_equal(buf_text(&pair->b.seen), "one two ");
	assert_string_equal(buf_text(&pair->a.answers), "1 2 ");
	assert_string_equal(buf_text(&pair->b.answers), "3 ");
	pair_destroy(pair);
}

static void answers_may_come_in_any_order_and_an_error_is_one(void **state)
{
	struct pair *pair = pair_create(true);
	uint64_t first;

	(void)state;
	pair->b.silent = true;
	ask(&pair->a, "job", "first");
	turn(pair);
	first = pair->b.sequence;
	ask(&pair->a, "job", "second");
	turn(pair);
	answer(&pair->b, &(struct state_ask){.job = "zone9", .key = "fail"}, pair->b.sequence);
	turn(pair);
	assert_string_equal(buf_text(&pair->a.answers), "[no state for zone9]");
	answer(&pair->b, &(struct state_ask){.key = "first"}, first);
	turn(pair);
	assert_string_equal(buf_text(&pair->a.answers), "[no state for zone9]first ");
	pair_destroy(pair);
}

static void requests_that_are_not_answered_arrive(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	peer_call(pair->a.peer, REQ_DRAIN, &(struct nothing){0}, NULL, NULL);
	turn(pair);
	assert_int_equal(pair->b.requests, 1);
	assert_int_equal(pair->a.replies, 0);
	pair_destroy(pair);
}

static void what_one_turn_sends_leaves_in_one_write(void **state)
{
	struct pair *pair = pair_create(false);
	char bytes[4096];
	ssize_t before, after;

	(void)state;
	for (int i = 0; i < 10; i++)
		ask(&pair->a, "job", "key");
	before = recv(pair->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_true(before < 0); /* nothing before the loop turns */
	assert_int_equal(peer_backlog(pair->a.peer), 10 * (sizeof(struct frame) + 8 + 8 + 8));
	event_base_loop(pair->base, EVLOOP_NONBLOCK);
	after = recv(pair->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_int_equal(after, 10 * (sizeof(struct frame) + 8 + 8 + 8));
	assert_int_equal(peer_backlog(pair->a.peer), 0);
	pair_destroy(pair);
}

static void a_kept_request_outlives_its_frame_and_its_peer(void **state)
{
	struct pair *pair = pair_create(true);
	char job[64];

	(void)state;
	pair->b.keep = true;
	ask(&pair->a, "the-kept-one", "k");
	for (int i = 0; i < 5000; i++) {
		snprintf(job, sizeof(job), "another-job-%d-to-fill-the-chunk", i);
		ask(&pair->a, job, "x");
	}
	turn(pair);
	assert_int_equal(pair->b.requests, 5001);
	peer_destroy(pair->b.peer);
	pair->b.peer = NULL;
	assert_string_equal(pair->b.kept_request->job, "the-kept-one");
	assert_string_equal(pair->b.kept_request->key, "k");
	pair_destroy(pair);
}

static void a_reader_that_does_not_read_is_a_backlog_and_blocks_nobody(void **state)
{
	struct pair *pair = pair_create(false);
	size_t length = (size_t)4 << 20;
	char *job = mem_alloc(length + 1);

	(void)state;
	memset(job, 'x', length);
	ask(&pair->a, job, "large");
	turn(pair);
	assert_true(peer_backlog(pair->a.peer) > length / 2);
	assert_true(peer_backlog(pair->a.peer) < length); /* some went into the socket's buffer */
	free(job);
	pair_destroy(pair);
}

static void a_large_request_arrives_whole(void **state)
{
	struct pair *pair = pair_create(true);
	size_t length = (size_t)20 << 20;
	char *job = mem_alloc(length + 1);

	(void)state;
	memset(job, 'x', length);
	ask(&pair->a, job, "large");
	ask(&pair->a, "small", "small");
	turn(pair);
	assert_string_equal(buf_text(&pair->a.answers), "large small ");
	assert_int_equal(pair->b.seen.length, length + 1 + strlen("small "));
	free(job);
	pair_destroy(pair);
}

static void a_request_over_the_limit_fails_in_the_next_turn_and_leaves_the_rest_alone(void **state)
{
	struct pair *pair = pair_create(true);
	char *job = mem_alloc(FRAME_MAX + 1);

	(void)state;
	memset(job, 'x', FRAME_MAX);
	ask(&pair->a, job, "huge");
	assert_int_equal(pair->a.replies, 0);
	ask(&pair->a, "small", "small");
	turn(pair);
	assert_string_equal(
	    buf_text(&pair->a.answers), "[state of 67108886 bytes: the limit is 67108864]small ");
	free(job);
	pair_destroy(pair);
}

static void an_answer_over_the_limit_becomes_an_error(void **state)
{
	struct pair *pair = pair_create(true);
	char *value = mem_alloc(FRAME_MAX + 1);

	(void)state;
	pair->b.silent = true;
	ask(&pair->a, "job", "key");
	turn(pair);
	memset(value, 'x', FRAME_MAX);
	answer(&pair->b, &(struct state_ask){.key = value}, pair->b.sequence);
	turn(pair);
	assert_non_null(strstr(buf_text(&pair->a.answers), "the limit is 67108864"));
	free(value);
	pair_destroy(pair);
}

static void open_calls_fail_once_when_the_other_side_goes(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	pair->b.silent = true;
	ask(&pair->a, "one", "1");
	ask(&pair->a, "two", "2");
	turn(pair);
	peer_destroy(pair->b.peer);
	pair->b.peer = NULL;
	turn(pair);
	assert_string_equal(buf_text(&pair->a.answers), "[state: connection lost][state: connection lost]");
	assert_int_equal(pair->a.gone, 1);
	assert_null(pair->a.why);
	pair_destroy(pair);
}

static void what_was_said_before_the_end_is_heard_although_writing_fails(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	ask(&pair->a, "last", "words");
	event_base_loop(pair->base, EVLOOP_NONBLOCK); /* written, perhaps read; the answer is on its way */
	pair->b.silent = true;
	peer_call(pair->b.peer, REQ_DRAIN, &(struct nothing){0}, NULL, NULL);
	event_base_loop(pair->base, EVLOOP_NONBLOCK);
	peer_destroy(pair->b.peer);
	pair->b.peer = NULL;
	ask(&pair->a, "too", "late"); /* meets EPIPE */
	turn(pair);
	assert_int_equal(pair->a.requests, 1);
	assert_int_equal(pair->a.gone, 1);
	assert_int_equal(pair->a.replies, 2);
	pair_destroy(pair);
}

static void a_peer_may_be_destroyed_within_its_own_callbacks(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	pair->b.destroy_in_request = true;
	ask(&pair->a, "one", "1");
	ask(&pair->a, "two", "2");
	turn(pair);
	assert_int_equal(pair->b.requests, 1);
	assert_int_equal(pair->a.gone, 1);
	pair_destroy(pair);

	pair = pair_create(true);
	pair->a.destroy_in_reply = true;
	ask(&pair->a, "one", "1");
	ask(&pair->a, "two", "2");
	turn(pair);
	assert_int_equal(pair->a.replies, 1);
	assert_int_equal(pair->b.gone, 1);
	pair_destroy(pair);
}

static void destroying_in_the_reply_that_tells_the_end_is_enough(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	pair->b.silent = true;
	pair->a.destroy_in_reply = true;
	ask(&pair->a, "one", "1");
	ask(&pair->a, "two", "2");
	turn(pair);
	peer_destroy(pair->b.peer);
	pair->b.peer = NULL;
	turn(pair);
	assert_int_equal(pair->a.replies, 1);
	assert_int_equal(pair->a.gone, 0);
	pair_destroy(pair);
}

/* What a confused or malicious process may write instead of requests. */
static void send_frame(int fd, struct frame frame, const char *bytes, size_t length)
{
	assert_int_equal(write(fd, &frame, sizeof(frame)), sizeof(frame));
	assert_int_equal(write(fd, bytes, length), length);
}

static void nonsense_ends_the_connection_with_a_bug_error(void **state)
{
	static const struct {
		struct frame frame;
		const char *why;
	} rows[] = {
	    {{.kind = 999}, "not a request: kind 999, type 0"},
	    {{.kind = 0}, "not a request: kind 0, type 0"},
	    {{.kind = REQ_STATE, .type = 7}, "not a request: kind 7, type 7"},
	    {{.kind = REQ_LOG, .type = FRAME_REPLY}, "not a request"},
	    {{.kind = REQ_STATE, .length = 0xffffffff}, "state of 4294967295 bytes: the limit is 67108864"},
	    {{.kind = REQ_STATE, .length = 1}, "it ends 3 bytes too early"},
	    {{.kind = REQ_START, .length = 17}, "1 bytes after the end of start"},
	    {{.kind = REQ_START, .type = FRAME_REPLY, .length = 1, .sequence = 5}, "not asked for: start"},
	    {{.type = FRAME_ERROR, .length = 12}, "not asked for: error"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *pair = pair_create(false);
		char zeros[20] = {0};

		if (rows[i].frame.type == FRAME_ERROR)
			memset(zeros, 0xff, 8); /* no kind, no message, no frames */
		send_frame(
		    pair->fd, rows[i].frame, zeros, rows[i].frame.length < 20 ? rows[i].frame.length : 0);
		turn(pair);
		assert_int_equal(pair->a.gone, 1);
		assert_non_null(pair->a.why);
		assert_int_equal(err_kind(pair->a.why), ERR_BUG);
		if (i != 2)
			assert_non_null(strstr(err_text(pair->a.why), rows[i].why));
		pair_destroy(pair);
	}
}

static void an_answer_of_the_wrong_kind_fails_its_call_and_ends_the_connection(void **state)
{
	struct pair *pair = pair_create(true);

	(void)state;
	pair->b.silent = true;
	ask(&pair->a, "one", "1");
	turn(pair);
	peer_reply(pair->b.peer, REQ_START, pair->b.sequence, &(struct nothing){0});
	turn(pair);
	assert_string_equal(buf_text(&pair->a.answers), "[state was answered with start]");
	assert_int_equal(pair->a.gone, 1);
	assert_int_equal(err_kind(pair->a.why), ERR_BUG);
	pair_destroy(pair);
}

static void an_end_within_a_request_is_told_from_one_in_order(void **state)
{
	struct pair *pair = pair_create(false);

	(void)state;
	send_frame(pair->fd, (struct frame){.kind = REQ_STATE, .length = 100}, "abc", 3);
	close(pair->fd);
	pair->fd = -1;
	turn(pair);
	assert_non_null(pair->a.why);
	assert_string_equal(err_text(pair->a.why), "closed within a request");
	assert_int_equal(err_kind(pair->a.why), ERR_TEMPORARY);
	pair_destroy(pair);
}

static void random_bytes_never_do_more_than_end_the_connection(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct pair *pair = pair_create(false);
		unsigned char bytes[256];

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			bytes[i] = (unsigned char)(seed >> 56 & (i % 16 < 12 ? 0x07 : 0xff));
		}
		bytes[1] = bytes[2] = bytes[3] = bytes[5] = bytes[7] = 0;
		assert_int_equal(write(pair->fd, bytes, sizeof(bytes)), sizeof(bytes));
		close(pair->fd);
		pair->fd = -1;
		turn(pair);
		assert_int_equal(pair->a.gone, 1);
		pair_destroy(pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calls_are_answered_in_both_directions),
	    cmocka_unit_test(answers_may_come_in_any_order_and_an_error_is_one),
	    cmocka_unit_test(requests_that_are_not_answered_arrive),
	    cmocka_unit_test(what_one_turn_sends_leaves_in_one_write),
	    cmocka_unit_test(a_kept_request_outlives_its_frame_and_its_peer),
	    cmocka_unit_test(a_reader_that_does_not_read_is_a_backlog_and_blocks_nobody),
	    cmocka_unit_test(a_large_request_arrives_whole),
	    cmocka_unit_test(a_request_over_the_limit_fails_in_the_next_turn_and_leaves_the_rest_alone),
	    cmocka_unit_test(an_answer_over_the_limit_becomes_an_error),
	    cmocka_unit_test(open_calls_fail_once_when_the_other_side_goes),
	    cmocka_unit_test(what_was_said_before_the_end_is_heard_although_writing_fails),
	    cmocka_unit_test(a_peer_may_be_destroyed_within_its_own_callbacks),
	    cmocka_unit_test(destroying_in_the_reply_that_tells_the_end_is_enough),
	    cmocka_unit_test(nonsense_ends_the_connection_with_a_bug_error),
	    cmocka_unit_test(an_answer_of_the_wrong_kind_fails_its_call_and_ends_the_connection),
	    cmocka_unit_test(an_end_within_a_request_is_told_from_one_in_order),
	    cmocka_unit_test(random_bytes_never_do_more_than_end_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
