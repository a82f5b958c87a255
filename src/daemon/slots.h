/* SPDX-License-Identifier: MIT */
/*
 * What is due: a job's slots, and what becomes of those that were missed. Pure: `now` is given.
 */
#ifndef DAEMON_SLOTS_H
#define DAEMON_SLOTS_H

#include "conf/conf.h"
#include "daemon/slot_list.h"
#include "request/request.h"

/* What says when a job is due. */
struct slot_line {
	const struct conf_job *job;    /* its schedules */
	const struct slot_list *named; /* of @module: what its module has named; NULL: nothing */
};

/* The first slot of all the job's schedules strictly after AFTER (UTC_NEVER), the last one before BEFORE (-1). */
utc_t slots_next(const struct slot_line *line, utc_t after);
utc_t slots_prev(const struct slot_line *line, utc_t before);

/*
 * When the next slot fires, which is the slot itself plus a delay of the job's own (jitter): the first one
 * that fires after AFTER, or a named one that was not taken though its time is over.
 */
utc_t slots_fire(const struct slot_line *line, utc_t after);

/* One of the job's schedules is of this kind. */
bool slots_have(const struct conf_job *job, enum schedule_kind kind);

/* So many missed slots of a job get a record each; older ones of the same gap share one. */
#define SLOTS_MISSED_MAX 1000
/* With `misfire: none`, a slot later than this was missed. */
#define SLOTS_TOLERANCE_S 60

#define SLOTS_PAUSED "paused" /* the reason of a slot that was skipped for that */

struct due_slot {
	utc_t slot;
	enum claim_action action;
	enum trigger trigger;     /* TRIGGER_SCHEDULE or TRIGGER_CATCHUP */
	const char *key;          /* as its module named it, borrowed; NULL: its instant */
	const char *reason;       /* of one that does not run; a constant */
	utc_t first;              /* not 0: the record stands for all slots from here to `slot` */
};

struct due_slots {
	struct due_slot *items;
	size_t count, capacity;
};

/*
 * What to do with the slots of LINE from FIRST (a slot, the earliest without a record) that have fired by
 * NOW: skipped if they are before PAUSED_UNTIL (0: never paused), else by the job's misfire, max_catchup,
 * max_late and jitter (a slot is late from when it fires); appended to OUT in time order. LIVE: the
 * scheduler was running since before FIRST fired.
 */
void slots_due(const struct slot_line *line, utc_t first, utc_t now, utc_t paused_until, bool live,
    struct due_slots *out);
/*
 * Why SLOT, which was to run when it was due but could not be claimed until NOW, is missed; NULL: it may still
 * run.
 */
const char *slots_overtaken(const struct slot_line *line, utc_t slot, utc_t now);
void due_slots_done(struct due_slots *slots);

#endif
