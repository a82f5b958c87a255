/* SPDX-License-Identifier: MIT */
/* Evaluates all that is watched in a zone, and keeps its states between evaluations. */
#include "jobs/zone/alert_watch.h"

#include <string.h>

#include <bmad/mem.h>

#include "jobs/zone/measure.h"

/* -- states between evaluations -------------------------------------------------------------------- */

/* The instants of an alert that are kept, by name. */
static const struct {
	const char *name;
	size_t offset;
} instants[] = {
    {"since", offsetof(struct alert, since)},
    {"fired", offsetof(struct alert, fired)},
    {"clearing", offsetof(struct alert, clearing)},
    {"was_since", offsetof(struct alert, was_since)},
    {"was_fired", offsetof(struct alert, was_fired)},
    {"told", offsetof(struct alert, told)},
};

static utc_t *instant_of(struct alert *alert, size_t i)
{
	return (utc_t *)(void *)((char *)alert + instants[i].offset);
}

static struct err *read_instant(const struct json *object, const char *key, utc_t *out_at)
{
	const char *text = json_text(json_get(object, key));

	return text ? utc_parse(text, out_at) : NULL;
}

static struct err *read_alert(const struct json *object, struct alert *out_alert)
{
	const char *phase = json_text(json_get(object, "phase"));
	struct alert alert = {
	    .announced = json_true(json_get(object, "announced")),
	    .held = json_true(json_get(object, "held")),
	};

	for (size_t i = 0; i < ARRAY_SIZE(instants); i++)
		PASS(read_instant(object, instants[i].name, instant_of(&alert, i)));
	for (unsigned i = 0; phase && i < ALERT_PHASES; i++)
		if (!strcmp(phase, alert_phase_names[i]))
			alert.phase = i;
	*out_alert = alert;
	return NULL;
}

static struct json *alert_state(struct watched *item)
{
	struct json *object = json_object();

	json_set_string(object, "rule", alert_rules[item->rule].name);
	json_set_string(object, "phase", alert_phase_names[item->alert.phase]);
	for (size_t i = 0; i < ARRAY_SIZE(instants); i++)
		if (*instant_of(&item->alert, i))
			json_set_instant(object, instants[i].name, *instant_of(&item->alert, i));
	json_set_bool(object, "announced", item->alert.announced);
	json_set_bool(object, "held", item->alert.held);
	return object;
}

static struct err *read_quota(const struct json *state, struct alert_quota *quota)
{
	quota->told = json_true(json_get(state, "held_told"));
	json_each(sent, json_get(state, "sent")) {
		if (quota->count == MESSAGES_MAX)
			break;
		if (json_text(sent))
			PASS(utc_parse(json_text(sent), &quota->sent[quota->count++]));
	}
	return NULL;
}

struct json *watch_state(const struct watch *watch)
{
	struct json *state = json_object();

	json_set_instant(state, "at", watch->scene->now);
	struct json *sent = json_set_array(state, "sent");
	for (size_t i = 0; i < watch->quota.count; i++) {
		char text[TIME_TEXT];

		json_add_string(sent, utc_format(watch->quota.sent[i], text));
	}
	json_set_bool(state, "held_told", watch->quota.told);
	struct json *alerts = json_set_object(state, "alerts");
	for (size_t i = 0; i < watch->count; i++)
		if (!alert_is_forgettable(&watch->items[i].alert, &watch->policy, watch->scene->now))
			json_set(alerts, watch->items[i].key, alert_state(&watch->items[i]));
	return state;
}

struct err *watch_state_time(const struct json *state, utc_t *out_at)
{
	*out_at = 0;
	return read_instant(state, "at", out_at);
}

/* -- what is watched ------------------------------------------------------------------------------- */

static void add_targets(struct watch *watch, enum rule_id rule, struct arena *arena)
{
	const struct zone *zone = watch->scene->zone;
	size_t targets = rule_targets(&alert_rules[rule], zone);

	for (size_t target = 0; target < targets && !watch->settings[rule].off; target++)
		watch->items[watch->count++] = (struct watched){
		    .key = arena_format(arena, "%s|%s|%s", alert_rules[rule].name, zone->id,
		        rule_target_id(&alert_rules[rule], zone, target)),
		    .rule = rule,
		    .target = target,
		};
}

static struct watched *find(const struct watch *watch, const char *key)
{
	for (size_t i = 0; i < watch->count; i++)
		if (!strcmp(watch->items[i].key, key))
			return &watch->items[i];
	return NULL;
}

/* Who was told that it fires must hear that it is over, though nobody watches it any more. */
static struct watched *add_abandoned(struct watch *watch, const struct json *object, struct arena *arena)
{
	const char *name = json_text(json_get(object, "rule"));

	for (unsigned rule = 0; name && rule < RULES; rule++)
		if (!strcmp(alert_rules[rule].name, name)) {
			watch->items[watch->count] = (struct watched){
			    .key = arena_copy(arena, json_key(object)), .rule = rule, .target = NOBODY};
			return &watch->items[watch->count++];
		}
	return NULL;
}

struct err *watch_init(struct watch *watch, const struct json *state, struct arena *arena)
{
	const struct zone *zone = watch->scene->zone;
	const struct json *alerts = json_get(state, "alerts");
	size_t most = RULES * (1 + zone->line_count + zone->station_count) + json_length(alerts);

	watch->items = arena_alloc(arena, most * sizeof(*watch->items));
	for (unsigned rule = 0; rule < RULES; rule++)
		add_targets(watch, rule, arena);
	json_each(object, alerts) {
		struct watched *item = find(watch, json_key(object));

		if (!item)
			item = add_abandoned(watch, object, arena);
		if (item)
			TRY(read_alert(object, &item->alert), "read the state of alert %s", item->key);
	}
	return read_quota(state, &watch->quota);
}

/* -- evaluation ------------------------------------------------------------------------------------ */

static void step(struct watch *watch, struct watched *item)
{
	const struct rule_settings *settings = &watch->settings[item->rule];
	struct alert_times times = {settings->for_min * 60, settings->clear_for_min * 60};

	if (item->target == NOBODY) {
		item->reading = (struct rule_reading){
		    .reading = {.known = true, .clear = true}, .value = NO_VALUE, .cause = NOBODY};
		times = (struct alert_times){0};
	} else {
		item->reading = alert_rules[item->rule].read(watch->scene, settings, item->target);
	}
	alert_step(&item->alert, &item->reading.reading, &times, watch->policy.send_clear, watch->scene->now);
}

/* An inherited stop says nothing new while its cause is told to be down. */
static bool is_silenced(const struct watch *watch, const struct watched *item)
{
	bool inherited = item->rule == STARVED_LONG || item->rule == BLOCKED_LONG;

	if (!inherited || item->reading.cause == NOBODY)
		return false;
	for (size_t i = 0; i < watch->count; i++)
		if (watch->items[i].rule == STATION_DOWN && watch->items[i].target == item->reading.cause)
			return alert_is_on(&watch->items[i].alert);
	return false;
}

void watch_evaluate(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		step(watch, &watch->items[i]);
	for (size_t i = 0; i < watch->count; i++) {
		struct watched *item = &watch->items[i];

		item->silenced = item->alert.phase == ALERT_FIRING && is_silenced(watch, item);
		item->due = alert_due(&item->alert, &watch->policy, watch->scene->now, item->silenced);
	}
}

size_t watch_due(const struct watch *watch)
{
	size_t due = 0;

	for (size_t i = 0; i < watch->count; i++)
		due += watch->items[i].due != DUE_NOTHING;
	return due;
}

size_t watch_firing(const struct watch *watch)
{
	size_t firing = 0;

	for (size_t i = 0; i < watch->count; i++)
		firing += alert_is_on(&watch->items[i].alert);
	return firing;
}

size_t watch_silenced(const struct watch *watch)
{
	size_t silenced = 0;

	for (size_t i = 0; i < watch->count; i++)
		silenced += watch->items[i].silenced;
	return silenced;
}

bool watch_is_over(const struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		const struct watched *item = &watch->items[i];

		if (item->due == DUE_RAISE || (item->alert.announced && item->due != DUE_CLEAR))
			return false;
	}
	return true;
}

void watch_tell(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->items[i].due != DUE_NOTHING)
			alert_tell(&watch->items[i].alert, watch->items[i].due, watch->scene->now);
	alert_quota_use(&watch->quota, watch->scene->now);
}

void watch_hold(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		alert_hold(&watch->items[i].alert, watch->items[i].due);
	watch->quota.told = true;
}
