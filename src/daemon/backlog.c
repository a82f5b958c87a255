/* SPDX-License-Identifier: MIT */
/* Slots that wait for another run of their job. */
#include "daemon/backlog.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/text.h"

struct wanted *wanted_create(const struct conf_job *job, const char *key, utc_t slot, enum trigger trigger)
{
	size_t size = key ? strlen(key) + 1 : 0;
	struct wanted *wanted = mem_alloc(sizeof(*wanted) + size);

	wanted->job = job;
	wanted->slot = (struct claim_slot){
	    .job = job->name,
	    .due = slot,
	    .trigger = trigger,
	    .restartable = job->module->restartable,
	    .overlap = job->overlap,
	};
	if (key) {
		memcpy(wanted->key, key, size);
		wanted->slot.key = wanted->key;
	}
	return wanted;
}

struct backlog *backlog_find(struct backlog *backlogs, const struct conf_job *job)
{
	struct backlog *backlog;

	HASH_FIND_PTR(backlogs, &job, backlog);
	return backlog;
}

void backlog_add(struct backlog **backlogs, struct wanted *wanted)
{
	struct backlog *backlog = backlog_find(*backlogs, wanted->job);

	if (!backlog) {
		backlog = mem_alloc(sizeof(*backlog));
		backlog->job = wanted->job;
		HASH_ADD_PTR(*backlogs, job, backlog);
	}
	/* Its turn is a matter of order here, not of the job's overlap rule. */
	wanted->slot.overlap = OVERLAP_QUEUE;
	DL_APPEND(backlog->slots, wanted);
}

bool backlog_holds(struct backlog *backlogs, const struct conf_job *job, const char *key)
{
	const struct backlog *backlog = backlog_find(backlogs, job);
	const struct wanted *wanted;

	if (backlog)
		DL_FOREACH(backlog->slots, wanted)
			if (text_equal(wanted->slot.key, key))
				return true;
	return false;
}

struct wanted *backlog_take(struct backlog *backlog)
{
	if (!backlog || backlog->claiming || !backlog->slots)
		return NULL;
	backlog->claiming = true;
	return backlog->slots;
}

static bool is_claimed_head(const struct backlog *backlog, const struct wanted *wanted)
{
	return backlog && backlog->claiming && backlog->slots == wanted;
}

void backlog_waits(struct backlog **backlogs, struct wanted *wanted)
{
	struct backlog *backlog = backlog_find(*backlogs, wanted->job);

	if (is_claimed_head(backlog, wanted))
		backlog->claiming = false;
	else
		backlog_add(backlogs, wanted);
}

void backlog_settled(struct backlog **backlogs, struct wanted *wanted)
{
	struct backlog *backlog = backlog_find(*backlogs, wanted->job);

	if (is_claimed_head(backlog, wanted)) {
		backlog->claiming = false;
		DL_DELETE(backlog->slots, wanted);
		if (!backlog->slots) {
			HASH_DEL(*backlogs, backlog);
			free(backlog);
		}
	}
	free(wanted);
}

bool backlog_catches_up(struct backlog *backlogs, const struct conf_job *job)
{
	const struct backlog *backlog = backlog_find(backlogs, job);
	const struct wanted *wanted;

	if (backlog)
		DL_FOREACH(backlog->slots, wanted)
			if (wanted->slot.trigger == TRIGGER_CATCHUP)
				return true;
	return false;
}

void backlogs_done(struct backlog **backlogs)
{
	struct backlog *backlog, *next_backlog;
	struct wanted *wanted, *next;

	HASH_ITER(hh, *backlogs, backlog, next_backlog) {
		DL_FOREACH_SAFE(backlog->slots, wanted, next)
			free(wanted);
		HASH_DEL(*backlogs, backlog);
		free(backlog);
	}
}
