/* SPDX-License-Identifier: MIT */
/* Due and missed slots of a job, by its misfire rule. */
#include "daemon/slots.h"

#include <stdlib.h>

static utc_t clock_next(const struct conf_job *job, utc_t after)
{
	utc_t first = UTC_NEVER;

	for (size_t i = 0; i < job->schedule_count; i++) {
		utc_t at = schedule_next(job->schedules[i], after);

		if (at < first)
			first = at;
	}
	return first;
}

static utc_t clock_prev(const struct conf_job *job, utc_t before)
{
	utc_t last = -1;

	for (size_t i = 0; i < job->schedule_count; i++) {
		utc_t at = schedule_prev(job->schedules[i], before);

		if (at > last)
			last = at;
	}
	return last;
}

static utc_t named_next(const struct slot_line *line, utc_t after)
{
	return line->named ? slot_list_next(line->named, after) : UTC_NEVER;
}

static utc_t named_prev(const struct slot_line *line, utc_t before)
{
	return line->named ? slot_list_prev(line->named, before) : -1;
}

static utc_t earlier(utc_t a, utc_t b)
{
	return a < b ? a : b;
}

utc_t slots_next(const struct slot_line *line, utc_t after)
{
	return earlier(clock_next(line->job, after), named_next(line, after));
}

utc_t slots_prev(const struct slot_line *line, utc_t before)
{
	utc_t clock = clock_prev(line->job, before);
	utc_t named = named_prev(line, before);

	return clock > named ? clock : named;
}

utc_t slots_fire(const struct slot_line *line, utc_t after)
{
	utc_t slot = earlier(clock_next(line->job, after - line->job->delay_s), named_next(line, -1));

	return slot == UTC_NEVER ? UTC_NEVER : slot + line->job->delay_s;
}

bool slots_have(const struct conf_job *job, enum schedule_kind kind)
{
	for (size_t i = 0; i < job->schedule_count; i++)
		if (schedule_kind(job->schedules[i]) == kind)
			return true;
	return false;
}

/* How many of the newest slots the misfire rule lets run. */
static int64_t runs_allowed(const struct conf_job *job, utc_t newest, utc_t now, bool live)
{
	switch ((enum misfire)job->misfire) {
	case MISFIRE_ONE:
		return 1;
	case MISFIRE_NONE:
		return live && now - newest <= SLOTS_TOLERANCE_S ? 1 : 0;
	case MISFIRE_ALL:
		return job->max_catchup;
	}
	return 0;
}

static bool too_late(const struct conf_job *job, utc_t slot, utc_t now)
{
	return job->max_late_ms >= 0 && (now - slot) * 1000 > job->max_late_ms;
}

static const char *const missed[] = {
    [MISFIRE_ONE] = "missed: a newer slot runs instead (misfire: one)",
    [MISFIRE_NONE] = "missed: not caught up (misfire: none)",
    [MISFIRE_ALL] = "missed: more than max_catchup slots",
};
static const char late[] = "missed: later than max_late";

/* What slots of one job are judged by. */
struct judge {
	const struct conf_job *job;
	utc_t now, paused_until;
	bool live;
	int64_t runs; /* so many of the newest may run */
};

/* What becomes of SLOT, which is the one of RANK (0: the newest). */
static struct due_slot judge(const struct judge *by, utc_t slot, int64_t rank)
{
	struct due_slot due = {.slot = slot, .action = CLAIM_MISSED, .trigger = TRIGGER_CATCHUP};

	if (by->live && rank == 0 && by->now - slot <= SLOTS_TOLERANCE_S)
		due.trigger = TRIGGER_SCHEDULE;
	if (slot < by->paused_until) {
		due.action = CLAIM_SKIPPED;
		due.reason = SLOTS_PAUSED;
	} else if (rank >= by->runs) {
		due.reason = missed[by->job->misfire];
	} else if (too_late(by->job, slot, by->now)) {
		due.reason = late;
	} else {
		due.action = CLAIM_RUN;
	}
	return due;
}

static void add(struct due_slots *out, struct due_slot due)
{
	mem_grow(out->items, out->count, out->capacity);
	out->items[out->count++] = due;
}

/* All slots of the instant of DUE: that of the clock, if there is one, and those with names. */
static void add_instant(struct due_slots *out, const struct slot_line *line, struct due_slot due)
{
	const struct slot_list *named = line->named;

	if (clock_prev(line->job, due.slot + 1) == due.slot)
		add(out, due);
	if (!named)
		return;
	for (size_t i = slot_list_find(named, due.slot, 0); i < named->count;
	     i = slot_list_find(named, due.slot, i + 1)) {
		due.key = named->items[i].key;
		add(out, due);
	}
}

static void reverse(struct due_slot *items, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct due_slot swap = items[i];

		items[i] = items[count - 1 - i];
		items[count - 1 - i] = swap;
	}
}

const char *slots_overtaken(const struct slot_line *line, utc_t slot, utc_t now)
{
	const struct conf_job *job = line->job;

	now -= job->delay_s;
	bool newer = slots_next(line, slot) <= now;
	if ((newer && job->misfire != MISFIRE_ALL) ||
	    (job->misfire == MISFIRE_NONE && now - slot > SLOTS_TOLERANCE_S))
		return missed[job->misfire];
	return too_late(job, slot, now) ? late : NULL;
}

void slots_due(const struct slot_line *line, utc_t first, utc_t now, utc_t paused_until, bool live,
    struct due_slots *out)
{
	now -= line->job->delay_s; /* jitter moves the job's whole line of time */
	utc_t slot = slots_prev(line, now + 1);
	struct judge by = {line->job, now, paused_until, live, runs_allowed(line->job, slot, now, live)};
	int64_t most = by.runs + SLOTS_MISSED_MAX;
	size_t begin = out->count;
	int64_t rank = 0;

	/* From the newest back, so that a long downtime costs no more than a short one. */
	for (; slot >= first && rank < most; slot = slots_prev(line, slot))
		add_instant(out, line, judge(&by, slot, rank++));
	if (slot >= first) {
		struct due_slot rest = judge(&by, slot, rank);

		rest.first = first;
		add(out, rest);
	}
	reverse(out->items + begin, out->count - begin);
}

void due_slots_done(struct due_slots *slots)
{
	free(slots->items);
	*slots = (struct due_slots){0};
}
