/* SPDX-License-Identifier: MIT */
/* PAUSE and PAUSED: until when the slots of jobs are skipped. */
#include "store/sqlite.h"

#include <string.h>

static struct err *set_pause(struct sqlite *db, const struct job_pause *pause)
{
	struct query q = query(db, "UPDATE schedules SET paused_until = ? WHERE job = ?");

	bind_int(&q, pause->until);
	bind_text(&q, pause->job);
	PASS(query_run(&q));
	return rows_changed(db) ? NULL
	                        : ERR(ERR_PERMANENT, "job %s has no schedule in the store", pause->job);
}

struct err *sqlite_pause(struct store *store, const void *request, struct arena *arena, void *out)
{
	const struct pauses *pauses = request;

	(void)arena;
	*(struct nothing *)out = (struct nothing){0};
	for (size_t i = 0; i < pauses->count; i++)
		PASS(set_pause(sqlite_of(store), &pauses->jobs[i]));
	return NULL;
}

struct err *sqlite_paused(struct store *store, const void *request, struct arena *arena, void *out)
{
	struct query q = query(
	    sqlite_of(store), "SELECT job, paused_until FROM schedules WHERE paused_until > 0 ORDER BY job");
	struct pauses *reply = out;
	struct job_pause *rows = NULL;
	size_t count = 0, capacity = 0;

	(void)request;
	while (query_row(&q)) {
		mem_grow(rows, count, capacity);
		rows[count++] = (struct job_pause){column_text(&q, 0, arena), column_int(&q, 1)};
	}
	*reply = (struct pauses){.jobs = arena_take(arena, rows, count * sizeof(*rows)), .count = count};
	return query_done(&q);
}
