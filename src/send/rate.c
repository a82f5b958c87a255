/* SPDX-License-Identifier: MIT */
/* Rate limits over sliding windows. */
#include "send/rate.h"

#include "base/mem.h"

#define SLICES 512 /* of a window: bounds its memory however many it allows */
/*
 * The provider counts arrivals, not departures: a slow first and a fast later one come closer together
 * than they went out. A window is therefore taken a fiftieth longer, at most this much.
 */
#define SLACK_MAX_MS 200

static void window_init(struct rate_window *window, const struct rate *rate)
{
	int64_t slack_ms = rate->window_ms / 50;

	window->allowed = rate->count > 0 ? rate->count : 1;
	window->window_ms = rate->window_ms + (slack_ms < SLACK_MAX_MS ? slack_ms : SLACK_MAX_MS);
	window->slice_ms = window->window_ms / SLICES + 1;
	window->capacity = window->allowed < SLICES + 2 ? (size_t)window->allowed : SLICES + 2;
	window->marks = mem_alloc(window->capacity * sizeof(*window->marks));
}

void rate_init(struct rate_limit *limit, const struct rates *rates)
{
	*limit = (struct rate_limit){.count = rates->count};
	if (!rates->count)
		return;
	limit->windows = mem_alloc(rates->count * sizeof(*limit->windows));
	for (size_t i = 0; i < rates->count; i++)
		window_init(&limit->windows[i], &rates->items[i]);
}

void rate_done(struct rate_limit *limit)
{
	for (size_t i = 0; i < limit->count; i++)
		free(limit->windows[i].marks);
	free(limit->windows);
	*limit = (struct rate_limit){0};
}

static struct rate_mark *mark_at(const struct rate_window *window, size_t index)
{
	return &window->marks[(window->first + index) % window->capacity];
}

static void forget_old(struct rate_window *window, struct mono now)
{
	while (window->count && mark_at(window, 0)->last_ms + window->window_ms <= now.ms) {
		window->used -= mark_at(window, 0)->count;
		window->first = (window->first + 1) % window->capacity;
		window->count--;
	}
}

int64_t rate_room(struct rate_limit *limit, struct mono now)
{
	int64_t room = INT64_MAX;

	for (size_t i = 0; i < limit->count; i++) {
		struct rate_window *window = &limit->windows[i];

		forget_old(window, now);
		if (window->allowed - window->used < room)
			room = window->allowed - window->used;
	}
	return room > 0 ? room : 0;
}

/* When the last of COUNT would have gone out if each had waited for room. */
static int64_t spread_ms(const struct rate_window *window, int64_t now_ms, int64_t count)
{
	int64_t over = window->used + count - window->allowed;

	if (count == 1 || over <= 0)
		return now_ms;
	return now_ms + (over + window->allowed - 1) / window->allowed * window->window_ms;
}

static void count_some(struct rate_window *window, struct mono now, int64_t count)
{
	struct rate_mark *last;
	int64_t until_ms;

	forget_old(window, now);
	until_ms = spread_ms(window, now.ms, count);
	window->used += count;
	last = window->count ? mark_at(window, window->count - 1) : NULL;
	/* A full ring shares too: taking more than the room there is must not lose count. */
	if (last && (now.ms - last->first_ms < window->slice_ms || window->count == window->capacity)) {
		last->last_ms = until_ms > last->last_ms ? until_ms : last->last_ms;
		last->count += count;
		return;
	}
	*mark_at(window, window->count++) = (struct rate_mark){now.ms, until_ms, count};
}

void rate_take(struct rate_limit *limit, struct mono now, int64_t count)
{
	for (size_t i = 0; i < limit->count; i++)
		count_some(&limit->windows[i], now, count);
}

struct mono rate_next(struct rate_limit *limit, struct mono now)
{
	struct mono next = now;

	for (size_t i = 0; i < limit->count; i++) {
		struct rate_window *window = &limit->windows[i];

		forget_old(window, now);
		if (window->used >= window->allowed &&
		    mark_at(window, 0)->last_ms + window->window_ms > next.ms)
			next.ms = mark_at(window, 0)->last_ms + window->window_ms;
	}
	return next;
}
