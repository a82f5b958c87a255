/* SPDX-License-Identifier: MIT */
/* The lane: rate, requests in flight, quiet that the destination asked for, suspension. */
#include "send/lane.h"

#include <stdio.h>

#include "base/mem.h"

#define AHEAD_FIRST    8
#define AHEAD_QUICK_MS 1000 /* rows used up faster than this: take more at once */
#define CLOSED_MS      2000 /* a pause so short is waited out with the rows in hand */

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void lane_init(struct lane *lane, const struct conf_channel *channel)
{
	*lane = (struct lane){
	    .in_flight_max = larger(channel->in_flight, 1),
	    .hold = channel->on_ambiguous == AMBIGUOUS_HOLD,
	    .backoff = {channel->retry_initial_ms, channel->retry_max_ms},
	    .max_age_ms = channel->max_age_ms,
	    .ahead = AHEAD_FIRST,
	};
	rate_init(&lane->rate, &channel->rate);
}

void lane_done(struct lane *lane)
{
	rate_done(&lane->rate);
}

static struct mono opens_at(const struct lane *lane)
{
	if (lane->suspended && lane->probe_at.ms > lane->not_before.ms)
		return lane->probe_at;
	return lane->not_before;
}

/* While the destination is suspended or just refused, one at a time shows whether it is back. */
static int64_t in_flight_limit(const struct lane *lane)
{
	return lane->suspended || lane->paused ? 1 : lane->in_flight_max;
}

int64_t lane_room(struct lane *lane, struct mono now, int64_t waiting)
{
	int64_t room = smaller(lane->ahead, rate_room(&lane->rate, now));
	int64_t free = in_flight_limit(lane) - lane->in_flight;

	if (opens_at(lane).ms > now.ms)
		return 0;
	if (lane->hold || lane->suspended || lane->paused)
		return larger(smaller(room, free) - waiting, 0);
	/* Taken in portions: a row more or less is not worth a commit. */
	return waiting > room / 2 ? 0 : room - waiting;
}

void lane_took(struct lane *lane, struct mono now, int64_t count)
{
	if (count >= lane->ahead / 2 && now.ms - lane->taken_at.ms < AHEAD_QUICK_MS)
		lane->ahead = smaller(lane->ahead * 2, LANE_AHEAD_MAX);
	else
		lane->ahead = larger(lane->ahead / 2, AHEAD_FIRST);
	lane->taken_at = now;
}

bool lane_may_start(struct lane *lane, struct mono now)
{
	return lane->in_flight < in_flight_limit(lane) && opens_at(lane).ms <= now.ms &&
	       rate_room(&lane->rate, now) > 0;
}

struct mono lane_next(struct lane *lane, struct mono now)
{
	struct mono next = rate_next(&lane->rate, now);
	struct mono open = opens_at(lane);

	return open.ms > next.ms ? open : next;
}

bool lane_is_closed(const struct lane *lane, struct mono now)
{
	return opens_at(lane).ms > now.ms + CLOSED_MS;
}

void lane_start(struct lane *lane, struct mono now, int64_t cost)
{
	lane->in_flight++;
	rate_take(&lane->rate, now, cost);
	if (lane->suspended)
		lane->probe_at.ms = now.ms + PROBE_MS;
}

static enum lane_change resume(struct lane *lane)
{
	bool was_closed = lane->paused || lane->suspended;

	lane->refusals = 0;
	lane->paused = lane->suspended = false;
	lane->reason[0] = '\0';
	return was_closed ? LANE_RESUMED : LANE_SAME;
}

static enum lane_change suspend(struct lane *lane, const char *reason, struct mono now)
{
	bool was_suspended = lane->suspended;

	lane->suspended = true;
	lane->probe_at.ms = now.ms + PROBE_MS;
	snprintf(lane->reason, sizeof(lane->reason), "%s", reason);
	return was_suspended ? LANE_SAME : LANE_SUSPENDED;
}

/* Too many requests, or not available: such an answer is about the destination, whatever the message. */
static bool asks_for_quiet(const struct lane_answer *answer)
{
	return answer->verdict == VERDICT_LATER &&
	       (answer->retry_after_ms > 0 || answer->status == 429 || answer->status == 503);
}

static enum lane_change pause(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	int64_t delay_ms = backoff_delay_ms(&lane->backoff, ++lane->refusals, answer->random);
	int64_t wait_ms = backoff_wait_ms(delay_ms, answer->retry_after_ms, answer->random);
	bool was_paused = lane->paused;

	/* A message that dies before then would have nothing to wait for; the next one asks again. */
	wait_ms = smaller(wait_ms, larger(answer->left_ms, delay_ms));
	lane->not_before.ms = larger(lane->not_before.ms, now.ms + wait_ms);
	lane->paused = true;
	snprintf(lane->reason, sizeof(lane->reason), "%s", answer->reason);
	return was_paused ? LANE_SAME : LANE_PAUSED;
}

enum lane_change lane_end(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	lane->in_flight--;
	if (answer->verdict == VERDICT_DELIVERED)
		return resume(lane);
	if (answer->verdict == VERDICT_GONE)
		return suspend(lane, answer->reason, now);
	if (asks_for_quiet(answer))
		return pause(lane, answer, now);
	return LANE_SAME;
}

struct json *lane_to_json(const struct lane *lane, struct mono now, int64_t wall_ms)
{
	struct json *value = json_object();

	if (lane->not_before.ms > now.ms)
		json_set_int(value, "not_before_ms", wall_ms + lane->not_before.ms - now.ms);
	if (lane->suspended)
		json_set_bool(value, "suspended", true);
	if (lane->suspended || lane->paused)
		json_set_string(value, "reason", lane->reason);
	return value;
}

void lane_from_json(struct lane *lane, const struct json *value, struct mono now, int64_t wall_ms)
{
	const char *reason = json_text(json_get(value, "reason"));
	int64_t not_before_ms;

	if (reason)
		snprintf(lane->reason, sizeof(lane->reason), "%s", reason);
	/* Whoever starts the sender anew may have put things right: the first probe is due at once. */
	lane->suspended = json_true(json_get(value, "suspended"));
	if (!json_int64(json_get(value, "not_before_ms"), &not_before_ms) || not_before_ms <= wall_ms)
		return;
	lane->paused = true;
	lane->not_before.ms = now.ms + smaller(not_before_ms - wall_ms, larger(lane->max_age_ms, PROBE_MS));
}
