/* SPDX-License-Identifier: MIT */
/* The lane: rate, requests in flight, and all that shuts it: a pause, a breaker, a suspension, an answer. */
#include "send/lane.h"

#include <stdio.h>

#include "base/number.h"

#define AHEAD_FIRST    8
#define AHEAD_QUICK_MS 1000 /* rows used up faster than this: take more at once */
#define CLOSED_MS      2000 /* a pause so short is waited out with the rows in hand */

void lane_init(struct lane *lane, const struct conf_channel *channel)
{
	*lane = (struct lane){
	    .in_flight_max = larger(channel->in_flight, 1),
	    .hold = channel->on_ambiguous == AMBIGUOUS_HOLD,
	    .backoff = {channel->retry_initial_ms, channel->retry_max_ms},
	    .max_age_ms = channel->max_age_ms,
	    .ahead = AHEAD_FIRST,
	};
	breaker_init(&lane->breaker, channel->breaker_after, channel->breaker_probe_ms);
	rate_init(&lane->own_rate, &channel->rate);
	lane->rate = &lane->own_rate;
}

void lane_done(struct lane *lane)
{
	rate_done(&lane->own_rate);
}

/* -- what may go ---------------------------------------------------------------------------------- */

/* It was shut, and one at a time shows whether it is back. */
static bool is_on_trial(const struct lane *lane)
{
	return lane->suspended || lane->quiet || lane->breaker.open || breaker_doubts(&lane->breaker);
}

bool lane_probes(const struct lane *lane)
{
	return lane->suspended || lane->breaker.open;
}

static struct mono opens_at(const struct lane *lane)
{
	struct mono at = lane->not_before;

	if (lane->held)
		at.ms = larger(at.ms, lane->held_until.ms);
	if (lane->suspended)
		at.ms = lane->for_good ? INT64_MAX : larger(at.ms, lane->probe_at.ms);
	if (lane->breaker.open)
		at.ms = larger(at.ms, lane->breaker.probe_at.ms);
	return at;
}

static int64_t in_flight_limit(const struct lane *lane)
{
	return is_on_trial(lane) ? 1 : breaker_limit(&lane->breaker, lane->in_flight_max);
}

int64_t lane_room(struct lane *lane, struct mono now, int64_t waiting)
{
	int64_t room = smaller(lane->ahead, rate_room(lane->rate, now));
	int64_t free = in_flight_limit(lane) - lane->in_flight;

	if (opens_at(lane).ms > now.ms)
		return 0;
	if (lane->hold || is_on_trial(lane))
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

bool lane_is_open(const struct lane *lane, struct mono now)
{
	return lane->in_flight < in_flight_limit(lane) && opens_at(lane).ms <= now.ms;
}

bool lane_may_start(struct lane *lane, struct mono now)
{
	return lane_is_open(lane, now) && rate_room(lane->rate, now) > 0;
}

struct mono lane_next(struct lane *lane, struct mono now)
{
	struct mono next = rate_next(lane->rate, now);
	struct mono open = opens_at(lane);

	return open.ms > next.ms ? open : next;
}

bool lane_is_well(const struct lane *lane)
{
	return !lane->suspended && !lane->quiet && !lane->breaker.failures && !lane->held;
}

bool lane_is_closed(const struct lane *lane, struct mono now)
{
	return opens_at(lane).ms - CLOSED_MS > now.ms;
}

struct mono lane_diverts(const struct lane *lane, struct mono now, int64_t after_ms)
{
	bool fails_long = lane->breaker.open && now.ms - lane->breaker.first_at.ms >= after_ms;

	if (!lane->suspended && !fails_long)
		return (struct mono){0};
	return opens_at(lane);
}

void lane_start(struct lane *lane, struct mono now, int64_t cost)
{
	lane->in_flight++;
	rate_take(lane->rate, now, cost);
	breaker_probes(&lane->breaker, now);
	if (lane->suspended)
		lane->probe_at.ms = now.ms + LANE_PROBE_MS;
}

/* -- what an answer changes ----------------------------------------------------------------------- */

static struct lane_news news(bool told, enum lane_change change, enum lane_cause cause)
{
	return (struct lane_news){told ? change : LANE_SAME, cause};
}

static void set_reason(struct lane *lane, const char *reason)
{
	snprintf(lane->reason, sizeof(lane->reason), "%s", reason);
}

static struct lane_news succeed(struct lane *lane)
{
	bool was_broken = breaker_succeeded(&lane->breaker);
	bool was_shut = lane->quiet || lane->suspended || was_broken;

	lane->refusals = 0;
	lane->quiet = lane->suspended = lane->for_good = false;
	lane->reason[0] = '\0';
	return news(was_shut, LANE_RESUMED, was_broken ? LANE_BY_BREAKER : LANE_BY_ANSWER);
}

static struct lane_news suspend(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	bool was_suspended = lane->suspended;

	breaker_answered(&lane->breaker);
	lane->suspended = true;
	lane->for_good = lane->for_good || answer->for_good;
	lane->probe_at.ms = now.ms + LANE_PROBE_MS;
	set_reason(lane, answer->reason);
	return news(!was_suspended, LANE_SUSPENDED, LANE_BY_ANSWER);
}

/* Too many requests, not available, a wrong certificate: that is about the destination, not the message. */
static bool asks_for_quiet(const struct lane_answer *answer)
{
	return answer->verdict == VERDICT_LATER && (answer->retry_after_ms > 0 || answer->status == 429 ||
	                                               answer->status == 503 || answer->certificate);
}

static void wait_at_least(struct lane *lane, struct mono now, int64_t wait_ms)
{
	lane->not_before.ms = larger(lane->not_before.ms, now.ms + wait_ms);
}

static struct lane_news keep_quiet(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	const struct backoff *backoff = answer->certificate ? &backoff_slow : &lane->backoff;
	int64_t delay_ms = backoff_delay_ms(backoff, ++lane->refusals, answer->random);
	int64_t wait_ms = backoff_wait_ms(delay_ms, answer->retry_after_ms, answer->random);
	bool was_quiet = lane->quiet;

	/* A message that dies before then would have nothing to wait for; the next one asks again. */
	wait_at_least(lane, now, smaller(wait_ms, larger(answer->left_ms, delay_ms)));
	lane->quiet = true;
	set_reason(lane, answer->reason);
	return news(!was_quiet, LANE_PAUSED, answer->certificate ? LANE_BY_CERTIFICATE : LANE_BY_ANSWER);
}

/* A row of failures that is too short to open the breaker: until it is long enough, not so fast. */
static void slow_down(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	int64_t attempt = lane->breaker.failures - lane->breaker.after + 1;
	int64_t decided_ms = breaker_opens_at(&lane->breaker).ms - now.ms;

	if (breaker_doubts(&lane->breaker))
		wait_at_least(lane, now,
		    smaller(backoff_delay_ms(&lane->backoff, attempt, answer->random), decided_ms));
}

static struct lane_news fail(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	struct lane_news told = {LANE_SAME, LANE_BY_ANSWER};
	bool opened = answer->status != 429 && breaker_failed(&lane->breaker, now);

	if (asks_for_quiet(answer))
		told = keep_quiet(lane, answer, now);
	slow_down(lane, answer, now);
	if (lane->breaker.open)
		set_reason(lane, answer->reason);
	return opened ? (struct lane_news){LANE_PAUSED, LANE_BY_BREAKER} : told;
}

struct lane_news lane_end(struct lane *lane, const struct lane_answer *answer, struct mono now)
{
	lane->in_flight--;
	switch (answer->verdict) {
	case VERDICT_DELIVERED:
		return succeed(lane);
	case VERDICT_GONE:
		return suspend(lane, answer, now);
	case VERDICT_LATER:
	case VERDICT_UNCERTAIN:
		return fail(lane, answer, now);
	case VERDICT_REJECTED:
		breaker_answered(&lane->breaker);
		break;
	}
	return (struct lane_news){LANE_SAME, LANE_BY_ANSWER};
}

void lane_rest(struct lane *lane, struct mono now, int64_t wait_ms)
{
	if (wait_ms > 0)
		wait_at_least(lane, now, wait_ms);
}

/* -- what a person says --------------------------------------------------------------------------- */

struct lane_news lane_hold(struct lane *lane, struct mono until, const char *by)
{
	lane->held = true;
	lane->held_until = until;
	snprintf(lane->held_by, sizeof(lane->held_by), "%s", by);
	return (struct lane_news){LANE_PAUSED, LANE_BY_HAND};
}

static void let_go(struct lane *lane)
{
	lane->held = false;
	lane->held_by[0] = '\0';
}

struct lane_news lane_release(struct lane *lane)
{
	bool was_shut = lane->held || is_on_trial(lane) || lane->not_before.ms;

	let_go(lane);
	lane->not_before.ms = lane->refusals = 0;
	lane->quiet = lane->suspended = lane->for_good = false;
	lane->reason[0] = '\0';
	breaker_init(&lane->breaker, lane->breaker.after, lane->breaker.probe_ms);
	return news(was_shut, LANE_RESUMED, LANE_BY_HAND);
}

struct lane_news lane_tick(struct lane *lane, struct mono now)
{
	bool ended = lane->held && lane->held_until.ms <= now.ms;

	if (ended)
		let_go(lane);
	return news(ended, LANE_RESUMED, LANE_BY_HAND);
}
