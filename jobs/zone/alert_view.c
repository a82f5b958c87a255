/* SPDX-License-Identifier: MIT */
/* What the templates of zone_alert show beside its data object. */
#include "jobs/zone/alert_view.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>

#include "jobs/zone/measure.h"
#include "jobs/zone/view.h"

/* How an alert of each kind looks. */
static const struct grade critical = {0, "\xf0\x9f\x94\xb4", "attention", "Attention", "#d64545"},
                          warning = {0, "\xf0\x9f\x9f\xa1", "warning", "Warning", "#b8860b"},
                          over = {0, "\xf0\x9f\x9f\xa2", "good", "Good", "#2a9d5c"},
                          none = {NO_VALUE, "\xe2\x9a\xaa", "default", "Default", "#808080"};

/* What a rule says: `before` VALUE `between` THRESHOLD `after`. */
static const struct sentence {
	const char *rule, *before, *between, *after;
} sentences[] = {
    {"output_below", "output ", " % of plan in the last hour (below ", " %)"},
    {"station_down", "stopped for ", " min (", " min or more)"},
    {"starved", "starved for ", " of the last 30 min (", " or more)"},
    {"blocked", "blocked for ", " of the last 30 min (", " or more)"},
    {"cycle_slow", "slow: ", " % of the ideal cycle (above ", " %)"},
    {"fpy_below", "first pass yield ", " % in the last hour (below ", " %)"},
    {"ncm_spike", "nonconforming material: ", " in the last hour (", " or more)"},
    {"no_data", "no data for ", " min (", " min or more): the feed is probably down"},
    {"staffing_short", "heads missing: ", " (", " or more)"},
};

static char *sentence_of(const struct json *alert)
{
	const char *rule = view_text(alert, "rule");
	cleanup(free_text) char *value = view_or_dash(json_get(alert, "value"));
	cleanup(free_text) char *threshold = view_or_dash(json_get(alert, "threshold"));

	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++)
		if (!strcmp(sentences[i].rule, rule))
			return mem_format("%s%s%s%s%s", sentences[i].before, value, sentences[i].between,
			    threshold, sentences[i].after);
	return mem_copy(rule);
}

/* "Leak test, Line A", "Line A", or the zone. */
static char *place_of(const struct json *alert, const char *zone)
{
	const char *station = view_text(alert, "station"), *line = view_text(alert, "line");

	if (*station)
		return mem_format("%s, %s", station, line);
	return mem_copy(*line ? line : zone);
}

/* The clock of "2026-11-20T14:05:00-08:00"; what has another form as it is. */
static const char *clock_of(const char *local, char out[6])
{
	if (strlen(local) < 16 || local[10] != 'T' || strspn(local + 11, "0123456789:") < 5)
		return local;
	memcpy(out, local + 11, 5);
	out[5] = '\0';
	return out;
}

/* "since 14:05 (12.5 min), because of Leak test, gripper fault, since the shift before" */
static char *more_of(const struct json *alert, const char *state)
{
	const char *local = view_text(alert, "since_local");
	const char *cause = view_text(json_get(alert, "cause"), "station");
	const char *reason = view_text(alert, "reason");
	cleanup(free_text) char *minutes = view_or_dash(json_get(alert, "duration_min"));
	struct buf text = {0};
	char clock[6];

	buf_format(&text, !strcmp(state, "over") ? "it began at %s and lasted %s min" : "since %s (%s min)",
	    clock_of(local, clock), minutes);
	if (*cause)
		buf_format(&text, ", held up by %s", cause);
	if (*reason)
		buf_format(&text, ", %s", reason);
	if (json_true(json_get(alert, "carried_over")))
		buf_add_text(&text, ", carried over from the shift before");
	return buf_detach(&text);
}

static const struct grade *look_of(const struct json *alert, const char *state)
{
	if (!strcmp(state, "over"))
		return &over;
	return !strcmp(view_text(alert, "severity"), "critical") ? &critical : &warning;
}

static void add_alerts(struct json *list, const struct json *data, const char *key, const char *state)
{
	const char *zone = view_text(json_get(data, "zone"), "name");

	json_each(alert, json_get(data, key)) {
		struct json *row = json_add_object(list);
		cleanup(free_text) char *place = place_of(alert, zone);
		cleanup(free_text) char *what = sentence_of(alert);
		cleanup(free_text) char *more = more_of(alert, state);

		json_set_string(row, "mark", look_of(alert, state)->mark);
		json_set_string(row, "color", look_of(alert, state)->color);
		json_set_string(row, "hex", look_of(alert, state)->hex);
		json_set_string(row, "state", state);
		json_set_string(row, "place", place);
		json_set_string(row, "what", what);
		json_set_string(row, "more", more);
	}
}

static const struct grade *loudest(const struct json *data)
{
	const struct grade *found = json_length(json_get(data, "cleared")) ? &over : &none;

	if (view_number(data, "held_back") || json_length(json_get(data, "raised")) ||
	    json_length(json_get(data, "repeated")))
		found = &warning;
	json_each(alert, json_get(data, "raised"))
		found = look_of(alert, "raised") == &critical ? &critical : found;
	json_each(alert, json_get(data, "repeated"))
		found = look_of(alert, "still") == &critical ? &critical : found;
	return found;
}

/* The first in full: what and where is what people want to know. */
static void put_headline(struct json *view, const struct json *alerts, int64_t held_back)
{
	const struct json *first = json_first(alerts);
	size_t others = json_length(alerts) ? json_length(alerts) - 1 : 0;
	cleanup(buf_done) struct buf text = {0};

	if (first)
		buf_format(&text, "%s%s: %s", !strcmp(view_text(first, "state"), "over") ? "over: " : "",
		    view_text(first, "place"), view_text(first, "what"));
	if (others)
		buf_format(&text, "; and %zu more", others);
	if (held_back)
		buf_format(&text, "%s%lld held back", text.length ? "; " : "", (long long)held_back);
	json_set_string(view, "headline", buf_text(&text));
}

static void put_notes(struct json *view, const struct json *data)
{
	struct json *notes = json_set_array(view, "notes");
	int64_t told =
	    (int64_t)(json_length(json_get(data, "raised")) + json_length(json_get(data, "repeated")));
	int64_t other = view_number(data, "firing_total") - told;
	int64_t suppressed = view_number(data, "suppressed"), held_back = view_number(data, "held_back");

	if (held_back > 0) {
		cleanup(free_text) char *note =
		    mem_format("Too many messages this hour: %lld alerts are held back and follow together",
		        (long long)held_back);
		json_add_string(notes, note);
	}
	if (other > 0) {
		cleanup(free_text) char *note =
		    mem_format("%lld %sfiring, %lld of them because of a station that is down",
		        (long long)other, told ? "more " : "", (long long)suppressed);
		json_add_string(notes, note);
	}
}

struct json *zone_alert_view(const struct json *data)
{
	struct json *view = json_object();

	view_set_look(view, loudest(data));
	struct json *alerts = json_set_array(view, "alerts");
	add_alerts(alerts, data, "raised", "raised");
	add_alerts(alerts, data, "repeated", "still");
	add_alerts(alerts, data, "cleared", "over");
	put_headline(view, alerts, view_number(data, "held_back"));
	put_notes(view, data);
	return view;
}
