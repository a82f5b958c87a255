/* SPDX-License-Identifier: MIT */
/*
 * The run API of include/bmad/run.h, apart from messages (run_message.c, run_send.c) and state
 * (run_state.c).
 */
#include "worker/inside.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/child.h"
#include "send/channel.h"
#include "source/api.h"
#include "source/source.h"
#include "worker/apis.h"
#include "worker/crash.h"
#include "worker/sources.h"

static void destroy_json(void *value)
{
	json_destroy(value);
}

struct json *run_own(struct run *run, struct json *value)
{
	arena_defer(&run->arena, destroy_json, value);
	return value;
}

void run_init(struct run *run, struct tools *tools, const struct run_order *order, const struct conf_job *job,
    const volatile int *cancelled)
{
	*run = (struct run){.tools = tools, .order = order, .job = job, .cancelled = cancelled};
	run->deadline = (struct mono){mono_now().ms + order->deadline_ms};
	run->started_ms = wall_ms();
	if (order->report)
		run->data = json_array();
}

void run_done(struct run *run)
{
	json_destroy(run->data);
	free(run->messages);
	run_state_done(run);
	free(run->states);
	free(run->values);
	free(run->slots);
	arena_done(&run->arena);
}

static struct err *parse_given(struct run *run)
{
	const char *text = run->order->given;
	struct json *given;

	if (!text)
		return NULL;
	TRY(json_parse(text, strlen(text), &given), "read what the run is given");
	run->given = run_own(run, given);
	return NULL;
}

struct err *run_resolve(struct run *run)
{
	const struct conf *conf = run->tools->conf;
	const struct job_module *module = run->job->module;

	run->options = run->job->options;
	if (module->options)
		TRY(conf_resolve(conf, module->options, run->job->options, module->options_size, &run->arena,
		        &run->options),
		    "resolve the options");
	TRY(conf_resolve_json(conf, run->job->vars, &run->arena, &run->vars), "resolve the variables");
	return parse_given(run);
}

struct err *run_check(const struct run *run)
{
	int64_t limit_ms = run->order->deadline_ms;
	char limit[TIME_TEXT];

	if (!*run->cancelled && mono_now().ms < run->deadline.ms)
		return NULL;
	if (limit_ms % 1000)
		return ERR(
		    ERR_TEMPORARY, "timeout: the run has taken longer than %lldms", (long long)limit_ms);
	return ERR(ERR_TEMPORARY, "timeout: the run has taken longer than %s",
	    duration_format(limit_ms / 1000, limit));
}

void run_log_begin(const struct run *run, struct log_line *line, enum log_level level, const char *event)
{
	log_begin(line, level, event);
	log_text(line, "job", run->job->name);
	if (run->order->run)
		log_int(line, "run", run->order->run);
	log_instant(line, "slot", run->order->slot);
}

/* -- what the run is ------------------------------------------------------------------------------- */

const void *run_options(const struct run *run)
{
	return run->options;
}

const char *run_job(const struct run *run)
{
	return run->job->name;
}

const char *run_node(const struct run *run)
{
	return run->tools->node;
}

const struct tz *run_tz(const struct run *run)
{
	return run->job->tz;
}

utc_t run_slot(const struct run *run)
{
	return run->order->slot;
}

utc_t run_now(const struct run *run)
{
	return run->order->now;
}

utc_t run_clock(const struct run *run)
{
	return run->order->by_hand ? run->order->now : wall_ms() / 1000;
}

int64_t run_id(const struct run *run)
{
	return run->order->run;
}

bool run_is_dry(const struct run *run)
{
	return run->order->dry_run;
}

const struct json *run_given(const struct run *run)
{
	return run->given;
}

/* -- where data comes from ------------------------------------------------------------------------- */

static void on_notice(void *run, const char *text)
{
	run_warn(run, "%s", text);
}

struct err *run_source(struct run *run, const char *name, struct sql **out_db)
{
	struct sql *db;

	PASS(run_check(run));
	PASS(sources_get(run->tools->sources, name, &db));
	sql_limit(db, run->deadline, mono_now, run->cancelled);
	sql_on_notice(db, on_notice, run);
	*out_db = db;
	return NULL;
}

struct err *run_api(struct run *run, const char *name, struct api **out_api)
{
	struct api *api;

	PASS(run_check(run));
	TRY(apis_get(run->tools->apis, name, &api), "API %s", name);
	api_limit(api, &(struct api_limits){run->deadline, run->cancelled, mono_now, wall_ms});
	*out_api = api;
	return NULL;
}

struct err *run_channel_api(struct run *run, const char *name, struct api **out_api)
{
	const struct conf_channel *channel = conf_channel(run->tools->conf, name);
	const struct channel_session *session = channel ? channel->type->session : NULL;

	if (!session)
		return ERR(ERR_CONFIG, "channel '%s' goes by no API", name);
	return run_api(run, session->api(channel->options), out_api);
}

const char *run_folder(struct run *run)
{
	const char *url = run->tools->conf->daemon.store;
	char *path = arena_copy(&run->arena, strchr(url, ':') + 1);
	char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	*slash = '\0';
	return *path ? path : "/";
}

/* -- what the run leaves behind -------------------------------------------------------------------- */

struct json *run_data(struct run *run)
{
	return run_own(run, json_object());
}

void run_value(struct run *run, const char *name, double value)
{
	for (size_t i = 0; i < run->value_count; i++)
		if (!strcmp(run->values[i].name, name)) {
			run->values[i].number = value;
			return;
		}
	mem_grow(run->values, run->value_count, run->value_capacity);
	run->values[run->value_count++] = (struct value_record){arena_copy(&run->arena, name), value};
}

/* -- what the run says ----------------------------------------------------------------------------- */

void run_step(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(run->tools->page->step, sizeof(run->tools->page->step), fmt, args);
	va_end(args);
	crash_step();
}

static void say(const struct run *run, enum log_level level, const char *event, const char *key,
    const char *fmt, va_list args)
{
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	struct log_line line;

	run_log_begin(run, &line, level, event);
	log_text(&line, key, text);
	log_end(&line);
}

void run_decide(struct run *run, const char *fmt, ...)
{
	va_list args;

	if (!run->order->debug)
		return;
	va_start(args, fmt);
	say(run, run_narration(), "decision", "text", fmt, args);
	va_end(args);
}

void run_tell(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(run, LEVEL_INFO, "job_log", "text", fmt, args);
	va_end(args);
}

void run_warn(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(run, LEVEL_WARNING, "job_log", "text", fmt, args);
	va_end(args);
}

enum log_level run_narration(void)
{
	return log_enabled(LEVEL_DEBUG) ? LEVEL_DEBUG : LEVEL_INFO;
}
