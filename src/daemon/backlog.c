/* SPDX-License-Identifier: MIT */
/* Slots that wait for another run of their job. */
#include "daemon/backlog.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/text.h"

#define MANUAL_KEY "manual:"

/* -- slots on their way ---------------------------------------------------------------------------- */

static struct wanted *create(const char *job, const char *key, utc_t slot, enum trigger trigger)
{
	size_t job_size = strlen(job) + 1, key_size = key ? strlen(key) + 1 : 0;
	struct wanted *wanted = mem_alloc(sizeof(*wanted) + job_size + key_size);

	memcpy(wanted->text, job, job_size);
	wanted->slot = (struct claim_slot){.job = wanted->text, .due = slot, .trigger = trigger};
	if (key)
		wanted->slot.key = memcpy(wanted->text + job_size, key, key_size);
	return wanted;
}

static void set_job(struct wanted *wanted, const struct conf_job *job)
{
	conf_ref(job->conf);
	if (wanted->job)
		conf_unref(wanted->job->conf);
	wanted->job = job;
	wanted->slot.restartable = job->module->restartable;
}

struct wanted *wanted_create(const struct conf_job *job, const char *key, utc_t slot, enum trigger trigger)
{
	struct wanted *wanted = create(job->name, key, slot, trigger);

	set_job(wanted, job);
	wanted->slot.overlap = job->overlap;
	return wanted;
}

struct wanted *wanted_missed(const char *job, const char *key, utc_t slot, const char *reason)
{
	struct wanted *wanted = create(job, key, slot, TRIGGER_START); /* one that raises no account */

	wanted_miss(wanted, reason);
	return wanted;
}

void wanted_miss(struct wanted *wanted, const char *reason)
{
	wanted->slot.action = CLAIM_MISSED;
	wanted->slot.reason = reason;
}

const char *wanted_unserved(const struct conf_job *job, const char *key)
{
	if (!job)
		return "missed: the job is not configured any more";
	if (!key || !strncmp(key, MANUAL_KEY, strlen(MANUAL_KEY)))
		return NULL;
	if (!job->enabled)
		return "missed: the job is disabled";
	if (!job->schedule_count && !job->run_at_start)
		return "missed: the job has no schedule any more";
	return NULL;
}

const char *wanted_move(struct wanted *wanted, const struct conf *conf)
{
	const struct conf_job *job = conf_job(conf, wanted->slot.job);
	const char *reason = wanted_unserved(job, wanted->slot.key);

	if (!reason)
		set_job(wanted, job);
	return reason;
}

void wanted_destroy(struct wanted *wanted)
{
	if (wanted->job)
		conf_unref(wanted->job->conf);
	free(wanted);
}

/* -- backlogs -------------------------------------------------------------------------------------- */

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
	wanted_destroy(wanted);
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

/* What of BACKLOG cannot go on leaves it. */
static void move_slots(struct backlog *backlog, const struct conf *conf, backlog_withdrawn *withdrawn, void *arg)
{
	struct wanted *wanted, *next;

	DL_FOREACH_SAFE(backlog->slots, wanted, next) {
		const char *reason = wanted_move(wanted, conf);
		bool claiming = is_claimed_head(backlog, wanted);

		if (!reason)
			continue;
		DL_DELETE(backlog->slots, wanted);
		backlog->claiming = backlog->claiming && !claiming;
		withdrawn(arg, wanted, reason, claiming);
	}
}

void backlogs_move(
    struct backlog **backlogs, const struct conf *conf, backlog_withdrawn *withdrawn, void *arg)
{
	struct backlog *old = *backlogs, *backlog, *next;

	*backlogs = NULL;
	HASH_ITER(hh, old, backlog, next) {
		HASH_DEL(old, backlog);
		move_slots(backlog, conf, withdrawn, arg);
		if (!backlog->slots) {
			free(backlog);
			continue;
		}
		backlog->job = backlog->slots->job;
		HASH_ADD_PTR(*backlogs, job, backlog);
	}
}

void backlogs_done(struct backlog **backlogs)
{
	struct backlog *backlog, *next_backlog;
	struct wanted *wanted, *next;

	HASH_ITER(hh, *backlogs, backlog, next_backlog) {
		DL_FOREACH_SAFE(backlog->slots, wanted, next)
			wanted_destroy(wanted);
		HASH_DEL(*backlogs, backlog);
		free(backlog);
	}
}
