/* SPDX-License-Identifier: MIT */
/*
 * alarm.c - tells people of troubles: bmad's own module behind `on_failure`, in no configuration.
 *
 * Main keeps the account of what stands wrong (src/daemon/troubles.c) and gives each run what is to be told,
 * to whom, and the account as it stands afterwards; here it gets its words. Messages and account are one
 * commit: what is in the outbox is told.
 */
#include <bmad/job.h>

#include <stdio.h>
#include <string.h>

#include <bmad/mem.h>

#define FRAMES_SHOWN 6 /* of one trouble, */
#define FRAMED_SHOWN 3 /* and of so many troubles: chats take no more than some 20 KB */

struct wording {
	const char *kind, *state; /* NULL: any */
	const char *words;        /* after the name of job or channel */
};

static const struct wording wordings[] = {
    {"run", "failed", "run failed"},
    {"run", "timeout", "run took too long"},
    {"run", "crashed", "run crashed"},
    {"run", "interrupted", "run was interrupted"},
    {"run", "degraded", "run was degraded"},
    {"slot", NULL, "slot missed"},
    {"schedule", NULL, "cannot name its slots"},
    {"message", "ambiguous", "message may or may not have arrived"},
    {"message", NULL, "message not delivered"},
    {"channel", "suspended", "suspended"},
    {"channel", NULL, "paused"},
    {NULL, NULL, "trouble"},
};

static const char *text_at(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static const char *words_for(const struct json *trouble)
{
	const char *kind = text_at(trouble, "kind"), *state = text_at(trouble, "state");
	const struct wording *row = wordings;

	while (row->kind && (!kind || strcmp(row->kind, kind) != 0 ||
	                        (row->state && (!state || strcmp(row->state, state) != 0))))
		row++;
	return row->words;
}

/* "zone1-hourly", "zone1-hourly to ops", "channel ops" */
static char *subject_of(const struct json *trouble)
{
	const char *job = text_at(trouble, "job"), *channel = text_at(trouble, "channel");

	if (!job)
		return mem_format("channel %s", channel ? channel : "?");
	return channel ? mem_format("%s to %s", job, channel) : mem_copy(job);
}

/* "42 min", as people say it: one unit, below two of it the next smaller one. */
static char *span_words(int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {{86400000, "days"}, {3600000, "h"}, {60000, "min"}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (ms >= 2 * units[i].ms)
			return mem_format("%lld %s", (long long)(ms / units[i].ms), units[i].name);
	return mem_format("%lld s", (long long)(ms > 0 ? ms / 1000 : 0));
}

/* "10:05", or with the date when it is not today's. */
static char *clock_words(const struct tz *tz, utc_t at, utc_t now)
{
	struct tz_local local, today;
	const struct civil *c = &local.civil;

	tz_to_local(tz, at, &local);
	tz_to_local(tz, now, &today);
	if (c->year == today.civil.year && c->month == today.civil.month && c->day == today.civil.day)
		return mem_format("%02d:%02d:%02d", c->hour, c->minute, c->second);
	return mem_format("%04d-%02d-%02d %02d:%02d", c->year, c->month, c->day, c->hour, c->minute);
}

/* What shows more of it. */
static char *command_for(const struct json *trouble)
{
	const char *job = text_at(trouble, "job"), *channel = text_at(trouble, "channel");
	const char *message = text_at(trouble, "message");

	if (message)
		return mem_format("bmad outbox show %s", message);
	if (job)
		return mem_format("bmad runs %s", job);
	return mem_format("bmad outbox list --channel %s", channel ? channel : "NAME");
}

static void set_taken(struct json *object, const char *key, char *text)
{
	json_set_string(object, key, text);
	free(text);
}

static const char *standing(const struct json *trouble)
{
	if (json_get_int(trouble, "over_ms"))
		return "over";
	return json_get_int(trouble, "told_ms") ? "lasting" : "begun";
}

/* The line that must say it all: what, where, and whether it is over. */
static char *title_of(const struct json *trouble, int64_t now_ms)
{
	cleanup(free_text) char *subject = subject_of(trouble);
	const char *words = words_for(trouble), *how = standing(trouble);
	int64_t begun_ms = json_get_int(trouble, "begun_ms"), over_ms = json_get_int(trouble, "over_ms");
	cleanup(free_text) char *span = span_words((over_ms ? over_ms : now_ms) - begun_ms);

	if (!strcmp(how, "over"))
		return mem_format("%s: well again after %s (%s)", subject, span, words);
	if (!strcmp(how, "lasting"))
		return mem_format("%s: %s, for %s now", subject, words, span);
	return mem_format("%s: %s", subject, words);
}

/* The innermost frames: where it happened. */
static void add_frames(struct json *out, const struct json *frames)
{
	struct json *list = json_set_array(out, "frames");
	size_t left = FRAMES_SHOWN;

	json_each(frame, frames)
		if (left && left--)
			json_add(list, json_copy(frame));
}

static void set_instant(
    struct json *out, const char *key, const char *words_key, const struct tz *tz, utc_t at, utc_t now)
{
	if (!at)
		return;
	json_set_instant(out, key, at);
	set_taken(out, words_key, clock_words(tz, at, now));
}

static struct json *describe(const struct json *trouble, const struct tz *tz, utc_t now, bool framed)
{
	static const char *const copied[] = {"kind", "job", "about", "channel", "run", "message"};
	struct json *out = json_object();
	bool over = json_get_int(trouble, "over_ms");
	int64_t count = json_get_int(trouble, "count");

	json_set_string(out, "standing", standing(trouble));
	json_set_string(out, "what", words_for(trouble));
	json_set_string(out, "state", text_at(trouble, "state"));
	set_taken(out, "title", title_of(trouble, now * 1000));
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (json_get(trouble, copied[i]))
			json_set(out, copied[i], json_copy(json_get(trouble, copied[i])));
	set_instant(out, "slot", "slot_local", tz, json_get_int(trouble, "slot"), now);
	set_instant(out, "since", "since_local", tz, json_get_int(trouble, "begun_ms") / 1000, now);
	if (count > 1)
		json_set_int(out, "times", count);
	if (!over || !json_get_int(trouble, "told_ms"))
		json_set_string(out, "error", text_at(trouble, "text"));
	if (framed)
		add_frames(out, json_get(trouble, "frames"));
	set_taken(out, "command", command_for(trouble));
	return out;
}

static char *headline_of(const struct json *troubles, int64_t count)
{
	const char *title = text_at(json_first(troubles), "title");

	if (count <= 1)
		return mem_copy(title ? title : "");
	return mem_format("%s, and %lld more", title, (long long)count - 1);
}

/* What is new comes first, what is over last. */
static void add_standing(
    struct json *list, const struct json *troubles, const char *how, const struct tz *tz, utc_t now)
{
	json_each(trouble, troubles)
		if (!strcmp(standing(trouble), how))
			json_add(list, describe(trouble, tz, now, json_length(list) < FRAMED_SHOWN));
}

static void fill(struct json *data, const struct json *message, const struct tz *tz, utc_t now)
{
	const struct json *troubles = json_get(message, "troubles");
	int64_t more = json_get_int(message, "more"), count = (int64_t)json_length(troubles) + more;

	json_set_null(data, "headline"); /* the first member */
	json_set_int(data, "count", count);
	struct json *list = json_set_array(data, "troubles");
	add_standing(list, troubles, "begun", tz, now);
	add_standing(list, troubles, "lasting", tz, now);
	add_standing(list, troubles, "over", tz, now);
	json_set(data, "more", more ? json_int(more) : NULL);
	set_taken(data, "headline", headline_of(list, count));
}

static bool is_over(const struct json *told)
{
	const char *how = text_at(told, "standing");

	return how && !strcmp(how, "over");
}

static bool all_is_over(const struct json *data)
{
	json_each(trouble, json_get(data, "troubles"))
		if (!is_over(trouble))
			return false;
	return true;
}

/*
 * What the message is about, the same when it begins and when it is over. Of several troubles that begin in
 * one minute the first speaks for all.
 */
static char *alert_of(const struct json *data)
{
	const struct json *first = json_first(json_get(data, "troubles"));
	const char *kind = text_at(first, "kind"), *job = text_at(first, "job"),
	           *channel = text_at(first, "channel");

	return mem_format("alarm|%s|%s|%s", kind ? kind : "", job ? job : "", channel ? channel : "");
}

static struct err *tell(struct run *run, const struct json *message, const char *key)
{
	struct json *data = run_data(run);
	cleanup(free_text) char *alert = NULL;

	fill(data, message, run_tz(run), run_now(run));
	alert = alert_of(data);
	return run_queue(run,
	    &(struct message){
	        .kind = "alarm",
	        .key = key,
	        .channel = text_at(message, "channel"),
	        .severity = all_is_over(data) ? SEVERITY_INFO : SEVERITY_ERROR,
	        .alert = alert,
	        .clear = all_is_over(data),
	    },
	    data);
}

static struct err *alarm_run(struct run *run)
{
	const struct json *given = run_given(run);

	if (!given)
		return ERR(ERR_BUG, "an alarm about nothing");
	json_each(message, json_get(given, "messages"))
		TRY(tell(run, message, text_at(given, "key")), "tell %s", text_at(message, "channel"));
	run_state_set(run, "troubles", json_copy(json_get(given, "state")), 0);
	return NULL;
}

/* -- looks ---------------------------------------------------------------------------------------- */

static const char *mark_of(const struct json *trouble)
{
	const char *state = text_at(trouble, "state");

	if (is_over(trouble))
		return "\u2705"; /* check mark */
	if (state && (!strcmp(state, "degraded") || !strcmp(state, "missed") || !strcmp(state, "paused")))
		return "\U0001F7E0"; /* orange */
	return "\U0001F534";         /* red */
}

static struct json *alarm_view(const struct json *data)
{
	struct json *view = json_object(), *list;

	json_set_string(view, "style", all_is_over(data) ? "good" : "attention");
	json_set_string(view, "hex", all_is_over(data) ? "#2a9d5c" : "#d64545");
	json_set_string(view, "mark", mark_of(json_first(json_get(data, "troubles"))));
	list = json_set_array(view, "troubles");
	json_each(trouble, json_get(data, "troubles")) {
		struct json *item = json_copy(trouble);

		json_set_string(item, "mark", mark_of(trouble));
		json_set_bool(item, "is_over", is_over(trouble));
		json_add(list, item);
	}
	return view;
}

extern const struct job_module alarm_module;
const struct job_module alarm_module = {
    .name = "alarm",
    .summary = "tells people of troubles, as on_failure says",
    .names_channels = true,
    .run = alarm_run,
    .view = alarm_view,
};
