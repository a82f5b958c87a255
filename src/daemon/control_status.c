/* SPDX-License-Identifier: MIT */
/* `status`: what main knows itself, and what the store answers about channels. */
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "daemon/control_parts.h"
#include "send/channel_states.h"

static void add_workers(struct json *workers, const struct control_setup *setup)
{
	struct child *worker;

	for (int number = 1; (worker = supervisor_child(setup->supervisor, CHILD_WORKER, number)); number++) {
		if (!worker->pid && number > setup->conf->daemon.workers)
			continue; /* there were more once */
		struct json *item = json_add_object(workers);

		json_set_int(item, "number", number);
		json_set_int(item, "pid", worker->pid);
		json_set_string(item, "state", !worker->pid ? "starting" : dispatcher_job_of(worker) ? "busy" : "idle");
		json_set_string(item, "job", dispatcher_job_of(worker));
	}
}

static void add_next(struct json *status, const struct control_socket *control)
{
	utc_t at;
	const struct conf_job *job = scheduler_next(control->setup.scheduler, &at);
	char local[TIME_TEXT];

	if (!job) {
		json_set_null(status, "next");
		return;
	}
	struct json *next = json_set_object(status, "next");
	json_set_string(next, "job", job->name);
	json_set_string(next, "local", tz_format(job->tz, at, local));
	json_set_instant(next, "utc", at);
}

static void add_paused(struct json *paused, const struct control_socket *control)
{
	const struct conf *conf = control->setup.conf;
	char text[TIME_TEXT];

	for (size_t i = 0; i < conf->job_count; i++) {
		utc_t until = scheduler_paused_until(control->setup.scheduler, &conf->jobs[i]);

		if (!until)
			continue;
		struct json *row = json_add_object(paused);
		json_set_string(row, "job", conf->jobs[i].name);
		json_set_string(row, "paused_until", utc_format(until, text));
	}
}

static struct json *channel_status(const struct conf_channel *channel, const struct lane_view *state,
    const struct counts_reply *counts, int64_t now_ms)
{
	struct json *item = json_object();
	int64_t queued = 0, oldest_ms = 0;

	for (size_t i = 0; i < counts->count; i++) {
		const struct count_row *row = &counts->rows[i];

		if (!text_equal(row->channel, channel->name) || !row->unfinished)
			continue;
		queued += row->messages;
		if (!oldest_ms || row->oldest_ms < oldest_ms)
			oldest_ms = row->oldest_ms;
	}
	json_set_string(item, "name", channel->name);
	channel_state_print(state, item);
	json_set_int(item, "queued", queued);
	json_set_int(item, "oldest_s", oldest_ms ? (now_ms - oldest_ms) / 1000 : 0);
	return item;
}

static struct json *status(const struct control_socket *control)
{
	const struct conf *conf = control->setup.conf;
	struct json *status = json_object();
	char text[TIME_TEXT];

	json_set_string(status, "version", BMAD_VERSION);
	json_set_int(status, "pid", getpid());
	json_set_string(status, "environment", conf->environment);
	json_set_string(status, "config", conf->path);
	json_set_string(status, "loaded", utc_format(control->loaded_ms / 1000, text));
	json_set_int(status, "uptime_s", (wall_ms() - control->started_ms) / 1000);
	json_set_int(status, "jobs", (int64_t)conf->job_count);
	json_set_int(status, "waiting", (int64_t)dispatcher_waiting(control->setup.dispatcher));
	add_workers(json_set_array(status, "workers"), &control->setup);
	json_set_array(status, "channels");
	add_paused(json_set_array(status, "paused"), control);
	add_next(status, control);
	json_set_int(status, "log_dropped", (int64_t)log_dropped());
	return status;
}

static void on_counts(void *arg, struct err *e, const void *reply)
{
	struct control_call *call = arg;
	const struct conf *conf = call->conf;
	struct json *document = status(call->control);
	struct json *channels = json_set_array(document, "channels");

	if (e) {
		json_destroy(document);
		control_refuse(call, ERR_AT(e, "count the outbox"));
		return;
	}
	for (size_t i = 0; i < conf->channel_count; i++)
		json_add(channels, channel_status(&conf->channels[i], &call->states[i], reply, wall_ms()));
	control_answer(call, 0, document);
}

static void on_lanes(void *arg, struct err *e, const void *reply)
{
	struct control_call *call = arg;
	const struct control_setup *setup = &call->control->setup;

	if (e) {
		control_refuse(call, ERR_AT(e, "read the states of channels"));
		return;
	}
	call->conf = conf_ref(setup->conf);
	call->states = channel_states(call->conf, reply, wall_ms(), &call->arena);
	line_call(setup->line, REQ_COUNTS, &(struct nothing){false}, on_counts, call);
}

void control_status(struct control_call *call, const struct control *request)
{
	(void)request;
	line_call(call->control->setup.line, REQ_LANES, &(struct nothing){false}, on_lanes, call);
}
