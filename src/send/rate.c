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
#define MARKS_KEPT   64 /* over a restart */

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

static void add_mark(struct rate_window *window, const struct rate_mark *mark)
{
	struct rate_mark *last = window->count ? mark_at(window, window->count - 1) : NULL;

	window->used += mark->count;
	/* A full ring shares too: taking more than the room there is must not lose count. */
	if (last &&
	    (mark->first_ms - last->first_ms < window->slice_ms || window->count == window->capacity)) {
		last->last_ms = mark->last_ms > last->last_ms ? mark->last_ms : last->last_ms;
		last->count += mark->count;
		return;
	}
	*mark_at(window, window->count++) = *mark;
}

/* When the last of COUNT would have gone out if each had waited for room. */
static int64_t spread_ms(const struct rate_window *window, int64_t now_ms, int64_t count)
{
	int64_t over = window->used + count - window->allowed;

	if (count == 1 || over <= 0)
		return now_ms;
	return now_ms + (over + window->allowed - 1) / window->allowed * window->window_ms;
}

void rate_take(struct rate_limit *limit, struct mono now, int64_t count)
{
	for (size_t i = 0; i < limit->count; i++) {
		struct rate_window *window = &limit->windows[i];

		forget_old(window, now);
		add_mark(window, &(struct rate_mark){now.ms, spread_ms(window, now.ms, count), count});
	}
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

/* -- over a restart ------------------------------------------------------------------------------- */

static struct rate_window *longest(const struct rate_limit *limit)
{
	struct rate_window *found = NULL;

	for (size_t i = 0; i < limit->count; i++)
		if (!found || limit->windows[i].window_ms > found->window_ms)
			found = &limit->windows[i];
	return found;
}

static void add_pair(struct json *pairs, int64_t at_ms, int64_t count)
{
	struct json *pair = json_array();

	json_add(pair, json_int(at_ms));
	json_add(pair, json_int(count));
	json_add(pairs, pair);
}

struct json *rate_to_json(struct rate_limit *limit, struct mono now, int64_t wall_ms)
{
	struct rate_window *window = longest(limit);
	struct json *pairs;
	size_t share;
	int64_t count = 0;

	if (window)
		forget_old(window, now);
	if (!window || !window->count)
		return NULL;
	pairs = json_array();
	share = window->count / MARKS_KEPT + 1;
	for (size_t i = 0; i < window->count; i++) {
		const struct rate_mark *mark = mark_at(window, i);

		count += mark->count;
		if (i % share < share - 1 && i + 1 < window->count)
			continue;
		add_pair(pairs, wall_ms + mark->last_ms - now.ms, count);
		count = 0;
	}
	return pairs;
}

#define DEBT_WINDOWS 100 /* no message costs more than that many windows */

/*
 * False for what is no pair. One that lies ahead is still to be paid back; but the wall clock may have been
 * set back, and then it lies too far ahead.
 */
static bool read_pair(const struct rate_window *window, const struct json *pair, struct mono now,
    int64_t wall_ms, struct rate_mark *out)
{
	const struct json *first = json_first(pair);
	int64_t at_ms, count, ahead_ms;

	if (!window || !json_int64(first, &at_ms) || !json_int64(json_next(first), &count))
		return false;
	if (at_ms < 0 || count <= 0 || count > INT32_MAX)
		return false;
	ahead_ms = at_ms - wall_ms;
	if (ahead_ms > DEBT_WINDOWS * window->window_ms)
		ahead_ms = 0;
	*out = (struct rate_mark){now.ms + ahead_ms, now.ms + ahead_ms, count};
	return true;
}

static int64_t newest_ms(const struct rate_window *window)
{
	return window && window->count ? mark_at(window, window->count - 1)->last_ms : INT64_MIN;
}

static void forget_all(struct rate_limit *limit)
{
	for (size_t i = 0; i < limit->count; i++)
		limit->windows[i].used = 0, limit->windows[i].first = limit->windows[i].count = 0;
}

void rate_from_json(struct rate_limit *limit, const struct json *value, struct mono now, int64_t wall_ms)
{
	const struct rate_window *window = longest(limit);
	struct rate_mark mark = {.last_ms = INT64_MIN};

	json_each(pair, value)
		(void)read_pair(window, pair, now, wall_ms, &mark);
	if (mark.last_ms <= newest_ms(window))
		return;
	forget_all(limit);
	json_each(pair, value)
		for (size_t i = 0; i < limit->count && read_pair(window, pair, now, wall_ms, &mark); i++)
			add_mark(&limit->windows[i], &mark);
}
