/* SPDX-License-Identifier: MIT */
/* `bmad jobs [--json]`: a row per job from the configuration, with what the store knows of it if there is
 * one. */
#include <stdio.h>
#include <string.h>

#include <bmad/json.h>

#include "base/columns.h"
#include "cli/cli.h"
#include "cli/history.h"
#include "cli/named.h"
#include "cli/store_access.h"
#include "daemon/slots.h"

/* -- the rows, as --json shows them ---------------------------------------------------------------- */

static void set_schedules(struct json *row, const struct conf_job *job)
{
	struct json *list = json_set_array(row, "schedule");

	for (size_t i = 0; i < job->schedule_count; i++)
		json_add_string(list, schedule_text(job->schedules[i]));
}

/* A module that cannot name its slots is told of on standard error; the other jobs are still shown. */
static utc_t next_slot(const struct conf *conf, const struct conf_job *job, utc_t now)
{
	cleanup(slot_list_done) struct slot_list named = {0};

	if (!job->enabled)
		return UTC_NEVER;
	struct err *e = named_load(conf, job, now, 1, &named);
	if (e)
		(void)cli_fail(e);
	return slots_next(&(struct slot_line){job, &named}, now);
}

/* Null for a job that does not fire by itself. */
static void set_next(struct json *row, const struct conf *conf, const struct conf_job *job, utc_t now)
{
	utc_t next = next_slot(conf, job, now);
	char local[TIME_TEXT];

	if (next == UTC_NEVER) {
		json_set_null(row, "next");
		return;
	}
	struct json *object = json_set_object(row, "next");
	json_set_string(object, "local", tz_format(job->tz, next, local));
	json_set_instant(object, "utc", next);
}

static void set_last(struct json *row, const struct run_row *run)
{
	if (!run) {
		json_set_null(row, "last");
		return;
	}
	struct json *last = json_set_object(row, "last");
	json_set_int(last, "run", run->run);
	json_set_time(last, "slot", run->slot);
	json_set_string(last, "result", run->state);
	json_set_int(last, "ms", run->ms);
}

static void set_pause(struct json *row, utc_t until)
{
	char text[TIME_TEXT];

	json_set_string(row, "paused_until", until ? utc_format(until, text) : NULL);
}

static void set_channels(
    struct json *row, const struct conf *conf, const struct conf_job *job, const struct history *history)
{
	struct json *channels = json_set_array(row, "channels");

	for (size_t i = 0; i < job->channel_count; i++) {
		struct json *item = json_add_object(channels);

		json_set_string(item, "name", job->channels[i]->name);
		json_set_string(item, "state", history->states[job->channels[i] - conf->channels].state);
	}
}

static struct json *describe(
    const struct conf *conf, const struct conf_job *job, const struct history *history, utc_t now)
{
	struct json *row = json_object();

	json_set_string(row, "name", job->name);
	json_set_string(row, "module", job->module->name);
	json_set_string(row, "about", job->about);
	set_schedules(row, job);
	json_set_string(row, "timezone", tz_name(job->tz));
	json_set_bool(row, "enabled", job->enabled);
	set_pause(row, history_paused_until(history, job->name, now));
	json_set_bool(row, "dry_run", job->dry_run);
	set_channels(row, conf, job, history);
	set_next(row, conf, job, now);
	set_last(row, history_find(history, job->name));
	return row;
}

static struct err *describe_all(const struct conf *conf, utc_t now, struct json *rows)
{
	cleanup(history_done) struct history history = {0};

	PASS(history_load(conf, now, &history));
	for (size_t i = 0; i < conf->job_count; i++)
		json_add(rows, describe(conf, &conf->jobs[i], &history, now));
	return NULL;
}

/* -- for people ------------------------------------------------------------------------------------ */

/* "in 3 h": the largest unit that fills at least twice, so that nothing is told too roughly. */
static const char *distance(int64_t seconds, struct arena *arena)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && seconds < 2 * units[i].seconds)
		i++;
	return arena_format(arena, "in %lld %s", (long long)(seconds / units[i].seconds), units[i].name);
}

static const char *member(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static const char *schedules_text(const struct json *row, const struct conf_job *job, struct arena *arena)
{
	const char *text = job->run_at_start ? "at start" : NULL;

	json_each(schedule, json_get(row, "schedule")) text =
	    arena_format(arena, "%s%s%s", text ? text : "", text ? " | " : "", json_text(schedule));
	return text ? text : "by hand";
}

static const char *state_text(const struct conf_job *job, const struct json *row)
{
	if (!job->enabled)
		return "disabled";
	if (member(row, "paused_until"))
		return "paused";
	return job->dry_run ? "dry run" : "";
}

/* What is amiss: the job's own state, and channels of it that do not send. */
static const char *remarks(const struct conf_job *job, const struct json *row, struct arena *arena)
{
	const char *text = state_text(job, row);

	json_each(channel, json_get(row, "channels")) {
		const char *state = member(channel, "state");

		if (strcmp(state, "enabled") != 0)
			text = arena_format(
			    arena, "%s%s%s: %s", text, *text ? ", " : "", member(channel, "name"), state);
	}
	return text;
}

static void add_row(struct columns *columns, const struct json *row, const struct conf_job *job, utc_t now)
{
	struct arena *arena = &columns->arena;
	const struct json *next = json_get(row, "next");
	const char *utc = member(next, "utc");
	utc_t at = UTC_NEVER;

	if (utc)
		err_ignore(utc_parse(utc, &at)); /* it was printed here */
	columns_row(columns, (const char *[]){job->name, job->module->name, schedules_text(row, job, arena),
	                         tz_name(job->tz), member(next, "local"), utc,
	                         at == UTC_NEVER ? NULL : distance(at - now, arena),
	                         member(json_get(row, "last"), "result"), remarks(job, row, arena)});
}

static int show_table(const struct conf *conf, const struct json *rows, utc_t now)
{
	cleanup(buf_done) struct buf out = {0};
	cleanup(columns_done) struct columns columns = {.count = 9};
	size_t i = 0;

	columns_row(&columns,
	    (const char *[]){"JOB", "MODULE", "SCHEDULE", "ZONE", "NEXT", "UTC", "DUE", "LAST", ""});
	json_each(row, rows) add_row(&columns, row, &conf->jobs[i++], now);
	columns_print(&columns, &out);
	return cli_write(&out);
}

static int show_json(const struct json *rows)
{
	cleanup(buf_done) struct buf out = {0};
	cleanup(free_text) char *text = json_print(rows);

	buf_format(&out, "%s\n", text);
	return cli_write(&out);
}

/* -- the command ----------------------------------------------------------------------------------- */

static int show(const struct conf *conf, bool as_json)
{
	struct json *rows = json_array();
	utc_t now = cli_now();
	struct err *e = describe_all(conf, now, rows);
	int status = e ? cli_fail(e) : as_json ? show_json(rows) : show_table(conf, rows, now);

	json_destroy(rows);
	return status;
}

int cmd_jobs(int argc, char **argv)
{
	bool as_json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") != 0)
			return cli_usage("jobs: unknown argument '%s'", argv[i]);
		as_json = true;
	}
	struct conf *conf = cli_load_conf();
	if (!conf)
		return EXIT_USAGE;
	int status = show(conf, as_json);
	conf_destroy(conf);
	return status;
}
