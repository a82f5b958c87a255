/* SPDX-License-Identifier: MIT */
/* Main's account of paused jobs. */
#include "daemon/pauses.h"

#include <stdlib.h>

#include "base/log.h"
#include "daemon/child.h"

#define LONGEST_WAIT_S 86400 /* then the wall clock is looked at again, which somebody may have set */

static size_t index_of(const struct job_pauses *pauses, const struct conf_job *job)
{
	return (size_t)(job - pauses->conf->jobs);
}

void pauses_arm(struct job_pauses *pauses, utc_t now)
{
	utc_t first = UTC_NEVER;

	for (size_t i = 0; i < pauses->conf->job_count; i++)
		if (pauses->states[i].in_force && pauses->states[i].until < first)
			first = pauses->states[i].until;
	event_del(pauses->timer);
	if (first == UTC_NEVER)
		return;
	int64_t wait = first - now < LONGEST_WAIT_S ? first - now : LONGEST_WAIT_S;
	event_add(pauses->timer, &(struct timeval){.tv_sec = wait > 0 ? wait : 0});
}

static void tell_resumed(const struct conf_job *job)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "job_resumed");
	log_text(&line, "job", job->name);
	log_end(&line);
}

static void tell_paused(const struct conf_job *job, utc_t until)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "job_paused");
	log_text(&line, "job", job->name);
	log_instant(&line, "until", until);
	log_end(&line);
}

/* What is over stays on the account: slots from within it may still be judged. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct job_pauses *pauses = arg;
	utc_t now = wall_ms() / 1000;

	(void)fd, (void)what;
	for (size_t i = 0; i < pauses->conf->job_count; i++) {
		struct job_pause_state *state = &pauses->states[i];

		if (!state->in_force || state->until > now)
			continue;
		state->in_force = false;
		tell_resumed(&pauses->conf->jobs[i]);
	}
	pauses_arm(pauses, now);
}

void pauses_init(struct job_pauses *pauses, struct event_base *base, const struct conf *conf)
{
	pauses->conf = conf;
	pauses->states = mem_alloc((conf->job_count + 1) * sizeof(*pauses->states));
	pauses->timer = evtimer_new(base, on_timer, pauses);
}

void pauses_done(struct job_pauses *pauses)
{
	event_free(pauses->timer);
	free(pauses->states);
}

void pauses_move(struct job_pauses *pauses, const struct conf *conf)
{
	struct job_pause_state *states = mem_alloc((conf->job_count + 1) * sizeof(*states));

	for (size_t i = 0; i < pauses->conf->job_count; i++) {
		const struct conf_job *job = conf_job(conf, pauses->conf->jobs[i].name);

		if (job)
			states[job - conf->jobs] = pauses->states[i];
	}
	free(pauses->states);
	pauses->states = states;
	pauses->conf = conf;
}

void pauses_stop(struct job_pauses *pauses)
{
	event_del(pauses->timer);
}

void pauses_set(struct job_pauses *pauses, const struct conf_job *job, utc_t until, utc_t now)
{
	pauses->states[index_of(pauses, job)] = (struct job_pause_state){until, until > now};
}

utc_t pauses_until(const struct job_pauses *pauses, const struct conf_job *job)
{
	return pauses->states[index_of(pauses, job)].until;
}

bool pauses_hold(const struct job_pauses *pauses, const struct conf_job *job, utc_t now)
{
	return pauses_until(pauses, job) > now;
}

/* -- changes --------------------------------------------------------------------------------------- */

/* A change on its way to the store. */
struct pausing {
	struct job_pauses *pauses;
	struct arena arena;
	const char **jobs; /* names: another configuration may come meanwhile */
	size_t count;
	utc_t until;
	pauses_stored *done;
	void *arg;
};

static void change_one(struct job_pauses *pauses, const struct conf_job *job, utc_t until, utc_t now)
{
	bool paused = pauses_hold(pauses, job, now);

	pauses_set(pauses, job, until, now);
	if (until)
		tell_paused(job, until);
	else if (paused)
		tell_resumed(job);
}

static void on_stored(void *arg, struct err *e, const void *reply)
{
	struct pausing *pausing = arg;
	utc_t now = wall_ms() / 1000;

	(void)reply;
	for (size_t i = 0; i < pausing->count && !e; i++) {
		const struct conf_job *job = conf_job(pausing->pauses->conf, pausing->jobs[i]);

		if (job)
			change_one(pausing->pauses, job, pausing->until, now);
	}
	pauses_arm(pausing->pauses, now);
	pausing->done(pausing->arg, e);
	arena_done(&pausing->arena);
	free(pausing);
}

void pauses_change(struct job_pauses *pauses, struct line *line, const struct pause_change *change,
    pauses_stored *done, void *arg)
{
	cleanup(arena_done) struct arena arena = {0};
	struct pauses request = {.count = change->count};
	struct pausing *pausing = mem_alloc(sizeof(*pausing));

	*pausing = (struct pausing){
	    .pauses = pauses, .count = change->count, .until = change->until, .done = done, .arg = arg};
	pausing->jobs = arena_alloc(&pausing->arena, (change->count + 1) * sizeof(*pausing->jobs));
	request.jobs = arena_alloc(&arena, (change->count + 1) * sizeof(*request.jobs));
	for (size_t i = 0; i < change->count; i++) {
		pausing->jobs[i] = arena_copy(&pausing->arena, change->jobs[i]->name);
		request.jobs[i] = (struct job_pause){change->jobs[i]->name, change->until};
	}
	line_call(line, REQ_PAUSE, &request, on_stored, pausing);
}
