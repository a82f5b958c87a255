/* SPDX-License-Identifier: MIT */
/* `pause` and `resume`: jobs are the scheduler's, channels the sender's; the answer waits for both. */
#include "base/text.h"
#include "daemon/child.h"
#include "daemon/control_parts.h"

static struct err *job_to_pause(const struct conf *conf, const char *name, const struct conf_job **out_job)
{
	PASS(conf_job_get(conf, name, out_job));
	if (!scheduler_serves(*out_job))
		return ERR(ERR_CONFIG, "job '%s' runs by hand only: there is nothing to pause", name);
	return NULL;
}

/* Those named, or all that have slots of their own. */
static struct err *jobs_to_pause(const struct conf *conf, const struct control *request, struct arena *arena,
    const struct conf_job ***out_jobs, size_t *out_count)
{
	const struct conf_job **jobs =
	    arena_alloc(arena, (conf->job_count + request->count + 1) * sizeof(const struct conf_job *));

	*out_jobs = jobs;
	*out_count = 0;
	for (size_t i = 0; i < request->count; i++)
		PASS(job_to_pause(conf, request->args[i].id, &jobs[(*out_count)++]));
	for (size_t i = 0; request->all && i < conf->job_count; i++)
		if (scheduler_serves(&conf->jobs[i]))
			jobs[(*out_count)++] = &conf->jobs[i];
	return NULL;
}

/* One of the two, jobs and channels, is stored or could not be. */
static void end_part(struct control_call *call, struct err *e)
{
	struct json *changed = call->changed;

	if (call->failed)
		err_destroy(e);
	else
		call->failed = e;
	if (--call->open_parts)
		return;
	e = call->failed;
	call->failed = NULL;
	if (e) {
		control_refuse(call, e);
		return;
	}
	call->changed = NULL;
	control_answer(call, 0, changed);
}

/* E is taken; NULL: it is stored. */
static void end_stored_part(struct control_call *call, struct err *e)
{
	end_part(call, e ? ERR_AT(e, "store the pause") : NULL);
}

static void on_jobs_paused(void *arg, struct err *e)
{
	end_stored_part(arg, e);
}

static void add_change(struct json *changed, const char *what, const char *name, utc_t until)
{
	struct json *row = json_add_object(changed);
	char text[TIME_TEXT];

	json_set_string(row, what, name);
	json_set_string(row, "paused_until", until ? utc_format(until, text) : NULL);
}

static struct err *pause_jobs(struct control_call *call, const struct control *request, utc_t until)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct control_setup *setup = &call->control->setup;
	const struct conf_job **jobs;
	size_t count;

	PASS(jobs_to_pause(setup->conf, request, &arena, &jobs, &count));
	for (size_t i = 0; i < count; i++)
		add_change(call->changed, "job", jobs[i]->name, until);
	call->open_parts++;
	scheduler_pause(setup->scheduler, jobs, count, until, on_jobs_paused, call);
	return NULL;
}

static void on_channels_paused(void *arg, struct err *e, const void *reply)
{
	(void)reply;
	end_stored_part(arg, e);
}

static struct err *channels_to_pause(
    const struct conf *conf, const struct control *request, struct arena *arena, struct channels_pause *out)
{
	const struct conf_channel *channel;

	out->channels =
	    arena_alloc(arena, (conf->channel_count + request->channel_count) * sizeof(*out->channels));
	for (size_t i = 0; i < request->channel_count; i++) {
		PASS(conf_channel_get(conf, request->channels[i].id, &channel));
		out->channels[out->count++].id = channel->name;
	}
	for (size_t i = 0; request->all && i < conf->channel_count; i++)
		out->channels[out->count++].id = conf->channels[i].name;
	return NULL;
}

/* Channels are the sender's: it has the store keep what it makes of this, and then answers. */
static struct err *pause_channels(struct control_call *call, const struct control *request, utc_t until)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct control_setup *setup = &call->control->setup;
	const struct child *sender = supervisor_child(setup->supervisor, CHILD_SENDER, 1);
	struct channels_pause pause = {.until_ms = until == UTC_NEVER ? INT64_MAX : until * 1000};

	PASS(channels_to_pause(setup->conf, request, &arena, &pause));
	if (!pause.count)
		return NULL;
	if (!sender->peer)
		return ERR(ERR_TEMPORARY, "the sender is just being started anew: try again");
	for (size_t i = 0; i < pause.count; i++)
		add_change(call->changed, "channel", pause.channels[i].id, until);
	pause.by = arena_format(&arena, "uid %lld", (long long)call->uid);
	call->open_parts++;
	peer_call(sender->peer, REQ_CHANNELS, &pause, on_channels_paused, call);
	return NULL;
}

static void set_pause(struct control_call *call, const struct control *request, utc_t until)
{
	struct err *e;

	call->changed = json_array();
	call->open_parts = 1; /* this one */
	e = pause_channels(call, request, until);
	if (!e)
		e = pause_jobs(call, request, until);
	end_part(call, e);
}

void control_pause(struct control_call *call, const struct control *request)
{
	set_pause(call, request, request->for_s > 0 ? wall_ms() / 1000 + request->for_s : UTC_NEVER);
}

void control_resume(struct control_call *call, const struct control *request)
{
	set_pause(call, request, 0);
}
