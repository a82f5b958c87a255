/* SPDX-License-Identifier: MIT */
/* The jobs' last runs and pauses, read once and found by name. */
#include "cli/history.h"

#include <stdlib.h>
#include <string.h>

#include "cli/store_access.h"

static int by_job(const void *a, const void *b)
{
	const struct run_row *left = a, *right = b;

	return strcmp(left->job, right->job);
}

static struct err *ask(
    struct store_client *client, struct history *out_history, struct lanes_reply *out_lanes)
{
	struct arena *arena = &out_history->arena;

	PASS(store_call(client, REQ_RUNS, &(struct runs_ask){.latest = true}, arena, &out_history->runs));
	PASS(store_call(client, REQ_PAUSED, &(struct nothing){false}, arena, &out_history->pauses));
	return store_call(client, REQ_LANES, &(struct nothing){false}, arena, out_lanes);
}

static struct err *read_store(
    const struct conf *conf, struct history *out_history, struct lanes_reply *out_lanes)
{
	struct store_client *client;

	if (!store_access_there(conf))
		return NULL;
	PASS(store_access_read(conf, &client));
	struct err *e = ask(client, out_history, out_lanes);
	store_client_destroy(client);
	return e;
}

struct err *history_load(const struct conf *conf, utc_t now, struct history *out_history)
{
	struct runs_reply *runs = &out_history->runs;
	struct lanes_reply lanes = {0};

	PASS(read_store(conf, out_history, &lanes));
	if (runs->count)
		qsort(runs->rows, runs->count, sizeof(*runs->rows), by_job);
	out_history->states = channel_states(conf, &lanes, now * 1000, &out_history->arena);
	return NULL;
}

const struct run_row *history_find(const struct history *history, const char *job)
{
	const struct run_row wanted = {.job = job};
	const struct runs_reply *runs = &history->runs;

	return runs->count ? bsearch(&wanted, runs->rows, runs->count, sizeof(wanted), by_job) : NULL;
}

static int pause_by_job(const void *a, const void *b)
{
	const struct job_pause *left = a, *right = b;

	return strcmp(left->job, right->job);
}

utc_t history_paused_until(const struct history *history, const char *job, utc_t now)
{
	const struct job_pause wanted = {.job = job};
	const struct pauses *pauses = &history->pauses;
	const struct job_pause *found = NULL;

	if (pauses->count)
		found = bsearch(&wanted, pauses->jobs, pauses->count, sizeof(wanted), pause_by_job);
	return found && found->until > now ? found->until : 0;
}

void history_done(struct history *history)
{
	arena_done(&history->arena);
}
