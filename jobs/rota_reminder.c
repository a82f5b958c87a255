/* SPDX-License-Identifier: MIT */
/*
 * rota_reminder - who is on duty today, from the rota that another job has published.
 *
 * It goes out once a day: the message's key holds the day, so neither a restart nor a clock set back repeats
 * it. On a day without a pair nothing is said.
 */
#include <bmad/job.h>
#include <bmad/mem.h>
#include <bmad/text.h>

#include <string.h>

#include "jobs/rota/published.h"
#include "jobs/rota/view.h"

struct reminder_options {
	const char *rota;
	const struct json *mentions;
	int64_t warn_days_left;
	struct texts warn_channels;
};

/* clang-format off */
static const struct option options[] = {
    OPTION(struct reminder_options, rota, OPT_NAME, .section = "jobs", .required = true, .help = "the job whose rota it is"),
    OPTION(struct reminder_options, mentions, OPT_MAP, .help = "names to {slack: user id, teams: address}: how they are addressed"),
    OPTION(struct reminder_options, warn_days_left, OPT_INT, .fallback = "5", .max = ROTA_DAYS_MAX, .help = "with fewer days to come a warning goes out"),
    OPTION(struct reminder_options, warn_channels, OPT_NAMES, .section = "channels", .help = "where to: the rota's owner"),
    OPTION_END,
};
/* clang-format on */

static const char *const weekdays[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* -- how people are addressed ----------------------------------------------------------------------- */

/* "U012AB3CD", or as Slack writes it. */
static bool is_slack_id(const char *id)
{
	size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return length > 1 && !id[length] && (*id == 'U' || *id == 'W');
}

static struct err *check_mention(const struct json *mention)
{
	const char *name = json_key(mention), *slack = json_text(json_get(mention, "slack"));

	if (!json_is(mention, JSON_OBJECT))
		return ERR(ERR_CONFIG, "mentions: '%s': expected {slack: ID, teams: ADDRESS}", name);
	json_each(way, mention) {
		if (strcmp(json_key(way), "slack") && strcmp(json_key(way), "teams"))
			return ERR(ERR_CONFIG, "mentions: '%s': unknown key '%s'; there are slack and teams",
			    name, json_key(way));
		if (text_is_empty(json_text(way)))
			return ERR(ERR_CONFIG, "mentions: '%s': '%s' is no text", name, json_key(way));
	}
	if (slack && !strchr(slack, '$') && !is_slack_id(slack))
		return ERR(ERR_CONFIG, "mentions: '%s': '%s' is no Slack user id: expected one as U012AB3CD",
		    name, slack);
	return NULL;
}

static struct err *reminder_check(const void *structure)
{
	const struct reminder_options *own = structure;

	json_each(mention, own->mentions)
		PASS(check_mention(mention));
	return NULL;
}

/* ROLE_mention, and the ways one by one for templates that know which channel they are for. */
static void put_mention(struct json *data, const char *role, const char *name, const struct json *mentions)
{
	const struct json *ways = json_get(mentions, name);
	const char *slack = json_text(json_get(ways, "slack")), *teams = json_text(json_get(ways, "teams"));
	cleanup(free_text) char *key = mem_format("%s_mention", role);
	cleanup(free_text) char *called = slack ? mem_format("<@%s>", slack) : NULL;
	const struct json *all = json_get(data, "mentions");

	json_set_string(data, key, called ? called : teams ? teams : name);
	struct json *own = json_set_object(json_own(data, all), role);
	json_set_string(own, "slack", called);
	json_set_string(own, "teams", teams);
}

/* -- the day ---------------------------------------------------------------------------------------- */

static int64_t day_in(const struct tz *tz, utc_t at)
{
	struct tz_local local;

	tz_to_local(tz, at, &local);
	return days_from_civil(local.civil.year, local.civil.month, local.civil.day);
}

static utc_t end_of_day(const struct tz *tz, int64_t day)
{
	struct civil civil = {0};

	civil_from_days(day + 1, &civil.year, &civil.month, &civil.day);
	return tz_to_utc(tz, &civil);
}

/* The item of DATE; *OUT_LEFT counts those after it, *OUT_NEXT is the first of them. Dates sort as texts. */
static const struct json *find_day(
    const struct json *rota, const char *date, const struct json **out_next, int64_t *out_left)
{
	const struct json *today = NULL;

	*out_next = NULL;
	*out_left = 0;
	json_each(item, rota) {
		const char *its = json_text(json_get(item, "date"));
		int order = its ? strcmp(its, date) : -1;

		if (!order)
			today = item;
		if (order <= 0)
			continue;
		if (!*out_next)
			*out_next = item;
		++*out_left;
	}
	return today;
}

static void put_next(struct json *data, const struct json *next)
{
	static const char *const keys[] = {"date", "lead", "assist"};

	if (!next) {
		json_set_null(data, "next");
		return;
	}
	struct json *copy = json_set_object(data, "next");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_set_string(copy, keys[i], json_text(json_get(next, keys[i])));
}

static void put_day(struct json *data, const struct json *today, int64_t day, const struct json *mentions)
{
	static const char *const roles[] = {"lead", "assist"};

	json_set_string(data, "date", json_text(json_get(today, "date")));
	json_set_string(data, "weekday", weekdays[weekday_of_days(day)]);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		json_set_string(data, roles[i], json_text(json_get(today, roles[i])));
	json_set_object(data, "mentions");
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		put_mention(data, roles[i], json_text(json_get(today, roles[i])), mentions);
}

/* -- the messages ----------------------------------------------------------------------------------- */

static struct err *warn_owner(struct run *run, const struct reminder_options *own, const char *id,
    const char *date, utc_t expires, struct json *data)
{
	cleanup(free_text) char *key = mem_format("rota-warning|%s|%s", id, date);

	if (!own->warn_channels.count)
		run_warn(run, "the rota %s of job %s is about to run out", id, own->rota);
	for (size_t i = 0; i < own->warn_channels.count; i++)
		PASS(run_queue(run,
		    &(struct message){
		        .kind = "warning",
		        .key = key,
		        .channel = own->warn_channels.items[i],
		        .expires = expires,
		        .severity = SEVERITY_WARNING,
		    },
		    data));
	return NULL;
}

static struct err *remind(
    struct run *run, const struct reminder_options *own, const struct json *published, int64_t day)
{
	const char *id = json_text(json_get(published, "id"));
	char date[TIME_TEXT];
	const struct json *next;
	int64_t left;
	const struct json *today =
	    find_day(json_get(published, "rota"), date_format(day, date), &next, &left);

	if (!today) {
		run_decide(run, "the rota has no pair for %s: nothing is sent", date);
		return NULL;
	}
	bool short_of_days = left < own->warn_days_left;
	struct json *data = run_data(run);
	cleanup(free_text) char *key = mem_format("rota-reminder|%s|%s", id ? id : "", date);
	utc_t expires = end_of_day(run_tz(run), day);
	put_day(data, today, day, own->mentions);
	put_next(data, next);
	json_set_int(data, "days_left", left);
	json_set_bool(data, "running_out", short_of_days);
	json_set_string(data, "rota", id);
	run_value(run, "days_left", (double)left);
	PASS(run_queue(run, &(struct message){.kind = "reminder", .key = key, .expires = expires}, data));
	return short_of_days ? warn_owner(run, own, id ? id : "", date, expires, data) : NULL;
}

static struct err *reminder_run(struct run *run)
{
	const struct reminder_options *own = run_options(run);
	int64_t day = day_in(run_tz(run), run_now(run));
	const struct json *published;

	PASS(run_state_of(run, own->rota, ROTA_STATE, &published));
	if (!published) {
		run_warn(run, "job %s has published no rota yet: nobody is reminded", own->rota);
		return NULL;
	}
	if (day_in(run_tz(run), run_slot(run)) != day) {
		run_decide(run, "this slot is of another day, which is over: nothing is sent");
		return NULL;
	}
	return remind(run, own, published, day);
}

const struct job_module rota_reminder_module = {
    .name = "rota_reminder",
    .summary = "who is on duty today, every working day",
    .schedule = "0 9 * * 1-5",
    .options = options,
    .options_size = sizeof(struct reminder_options),
    .restartable = true,
    .check = reminder_check,
    .run = reminder_run,
    .view = rota_reminder_view,
};
