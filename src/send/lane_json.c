/* SPDX-License-Identifier: MIT */
/* What a lane remembers over a restart, as JSON, and what such a record says to people. */
#include <stdio.h>
#include <string.h>

#include "send/lane.h"

#define FOR_EVER_MS (-1) /* instead of an instant */

/* -- instants ------------------------------------------------------------------------------------- */

static void set_instant(
    struct json *object, const char *key, struct mono at, struct mono now, int64_t wall_ms)
{
	json_set_int(object, key, at.ms == INT64_MAX ? FOR_EVER_MS : wall_ms + at.ms - now.ms);
}

/* An instant that is past is NOW; the wall clock may have jumped: none is further ahead than LONGEST_MS. */
static bool get_instant(const struct json *object, const char *key, struct mono now, int64_t wall_ms,
    int64_t longest_ms, struct mono *out_at)
{
	int64_t at_ms, wait_ms;

	if (!json_int64(json_get(object, key), &at_ms) || at_ms < FOR_EVER_MS)
		return false;
	if (at_ms == FOR_EVER_MS) {
		out_at->ms = INT64_MAX;
		return true;
	}
	wait_ms = at_ms > wall_ms ? at_ms - wall_ms : 0;
	out_at->ms = now.ms + (wait_ms < longest_ms ? wait_ms : longest_ms);
	return true;
}

static void get_text(const struct json *object, const char *key, char *out_text, size_t size)
{
	const char *text = json_text(json_get(object, key));

	snprintf(out_text, size, "%s", text ? text : "");
}

static void get_count(const struct json *object, const char *key, int64_t *out_count)
{
	int64_t count;

	if (json_int64(json_get(object, key), &count) && count >= 0 && count < INT32_MAX)
		*out_count = count;
}

/* -- writing -------------------------------------------------------------------------------------- */

static void add_breaker(struct json *value, const struct breaker *breaker, struct mono now, int64_t wall_ms)
{
	struct json *object;

	if (!breaker->failures)
		return;
	object = json_set_object(value, "breaker");
	json_set_int(object, "failures", breaker->failures);
	set_instant(object, "first_ms", breaker->first_at, now, wall_ms);
	if (!breaker->open)
		return;
	json_set_bool(object, "open", true);
	json_set_int(object, "probes", breaker->probes);
	set_instant(object, "probe_ms", breaker->probe_at, now, wall_ms);
}

static void add_hold(struct json *value, const struct lane *lane, struct mono now, int64_t wall_ms)
{
	struct json *object = json_set_object(value, "held");

	set_instant(object, "until_ms", lane->held_until, now, wall_ms);
	json_set_string(object, "by", lane->held_by);
}

static void add_suspension(struct json *value, const struct lane *lane, struct mono now, int64_t wall_ms)
{
	json_set_bool(value, "suspended", true);
	if (lane->for_good)
		json_set_bool(value, "for_good", true);
	else
		set_instant(value, "probe_ms", lane->probe_at, now, wall_ms);
}

struct json *lane_to_json(const struct lane *lane, struct mono now, int64_t wall_ms)
{
	struct json *value = json_object();
	struct json *rate = rate_to_json(lane->rate, now, wall_ms);

	if (lane->destination)
		json_set_int(value, "destination", lane->destination);
	if (lane->not_before.ms > now.ms)
		set_instant(value, "not_before_ms", lane->not_before, now, wall_ms);
	if (lane->quiet)
		json_set_int(value, "refusals", lane->refusals);
	if (lane->suspended)
		add_suspension(value, lane, now, wall_ms);
	if (*lane->reason)
		json_set_string(value, "reason", lane->reason);
	if (lane->held)
		add_hold(value, lane, now, wall_ms);
	add_breaker(value, &lane->breaker, now, wall_ms);
	if (rate)
		json_set(value, "rate", rate);
	return value;
}

/* -- reading -------------------------------------------------------------------------------------- */

static void get_breaker(struct breaker *breaker, const struct json *object, struct mono now, int64_t wall_ms)
{
	int64_t first_ms;

	if (!json_int64(json_get(object, "first_ms"), &first_ms) || first_ms < 0)
		return;
	get_count(object, "failures", &breaker->failures);
	breaker->first_at.ms = first_ms < wall_ms ? now.ms - (wall_ms - first_ms) : now.ms;
	breaker->open =
	    json_true(json_get(object, "open")) &&
	    get_instant(object, "probe_ms", now, wall_ms, 20 * breaker->probe_ms, &breaker->probe_at);
	if (breaker->open)
		get_count(object, "probes", &breaker->probes);
}

/* A person may pause for as long as they like. */
static void get_hold(struct lane *lane, const struct json *object, struct mono now, int64_t wall_ms)
{
	lane->held = get_instant(object, "until_ms", now, wall_ms, INT64_MAX / 2, &lane->held_until);
	if (lane->held)
		get_text(object, "by", lane->held_by, sizeof(lane->held_by));
}

/* What the destination made of itself: of no meaning for another one. */
static void get_condition(struct lane *lane, const struct json *value, struct mono now, int64_t wall_ms)
{
	int64_t longest_ms = lane->max_age_ms > LANE_PROBE_MS ? lane->max_age_ms : LANE_PROBE_MS;
	struct mono at;

	get_text(value, "reason", lane->reason, sizeof(lane->reason));
	/* Whoever starts the sender anew may have put things right: the first probe is due at once. */
	lane->suspended = json_true(json_get(value, "suspended"));
	lane->for_good = lane->suspended && json_true(json_get(value, "for_good"));
	get_breaker(&lane->breaker, json_get(value, "breaker"), now, wall_ms);
	if (!get_instant(value, "not_before_ms", now, wall_ms, longest_ms, &at) || at.ms <= now.ms ||
	    at.ms == INT64_MAX)
		return;
	lane->not_before = at;
	lane->quiet = true;
	get_count(value, "refusals", &lane->refusals);
}

void lane_from_json(struct lane *lane, const struct json *value, struct mono now, int64_t wall_ms)
{
	int64_t destination = 0;

	rate_from_json(lane->rate, json_get(value, "rate"), now, wall_ms);
	get_hold(lane, json_get(value, "held"), now, wall_ms);
	json_int64(json_get(value, "destination"), &destination);
	if (!destination || !lane->destination || destination == lane->destination)
		get_condition(lane, value, now, wall_ms);
}

/* -- for people ----------------------------------------------------------------------------------- */

/* The instant at KEY, 0 if there is none or it is for ever; false if it is past. */
static bool view_instant(const struct json *object, const char *key, int64_t wall_ms, int64_t *out_until_ms)
{
	int64_t at_ms = 0;

	json_int64(json_get(object, key), &at_ms);
	*out_until_ms = at_ms > 0 ? at_ms : 0;
	return at_ms == FOR_EVER_MS || at_ms > wall_ms;
}

void lane_view(const struct json *value, bool enabled, int64_t wall_ms, struct lane_view *out)
{
	const struct json *held = json_get(value, "held"), *breaker = json_get(value, "breaker");

	*out = (struct lane_view){.state = "enabled", .reason = json_text(json_get(value, "reason"))};
	if (!enabled) {
		*out = (struct lane_view){.state = "disabled"};
	} else if (held && view_instant(held, "until_ms", wall_ms, &out->until_ms)) {
		out->state = "paused";
		out->by = json_text(json_get(held, "by"));
		out->reason = "paused by hand";
	} else if (json_true(json_get(value, "suspended"))) {
		out->state = "suspended";
		view_instant(value, "probe_ms", wall_ms, &out->until_ms);
	} else if (json_true(json_get(breaker, "open"))) {
		out->state = "breaker_open";
		view_instant(breaker, "probe_ms", wall_ms, &out->until_ms);
	} else if (view_instant(value, "not_before_ms", wall_ms, &out->until_ms)) {
		out->state = "waiting";
	} else {
		*out = (struct lane_view){.state = "enabled"};
	}
}
