/* SPDX-License-Identifier: MIT */
/* A module naming its own slots: run_name_slot(), what is checked of the answer, and asking by hand. */
#include "worker/naming.h"

#include <stdlib.h>
#include <string.h>

#include "worker/aside.h"
#include "worker/inside.h"

void run_name_slot(struct run *run, const char *key, utc_t at)
{
	mem_grow(run->slots, run->slot_count, run->slot_capacity);
	run->slots[run->slot_count++] = (struct slot_name){arena_copy(&run->arena, key ? key : ""), at};
}

static int compare_keys(const void *left, const void *right)
{
	const struct slot_name *a = left, *b = right;

	return strcmp(a->key, b->key);
}

static int compare_times(const void *left, const void *right)
{
	const struct slot_name *a = left, *b = right;

	return a->at != b->at ? (a->at < b->at ? -1 : 1) : strcmp(a->key, b->key);
}

static struct err *check_slot(const struct run_order *order, const struct slot_name *slot)
{
	char at[TIME_TEXT];

	if (!slot->key[0])
		return ERR(ERR_BUG, "a slot has an empty key");
	if (strlen(slot->key) > SLOT_KEY_MAX)
		return ERR(ERR_BUG, "the key of slot '%.40s...' has %zu bytes: at most %d", slot->key,
		    strlen(slot->key), SLOT_KEY_MAX);
	if (slot->at < order->slots_from || slot->at >= order->slots_to)
		return ERR(ERR_BUG, "slot '%.100s' at %s is not in the time that was asked for", slot->key,
		    utc_format(slot->at, at));
	return NULL;
}

static struct err *check_slots(const struct run *run)
{
	for (size_t i = 0; i < run->slot_count; i++) {
		PASS(check_slot(run->order, &run->slots[i]));
		if (i && !strcmp(run->slots[i].key, run->slots[i - 1].key))
			return ERR(ERR_BUG, "slot '%.100s' is named twice", run->slots[i].key);
	}
	return NULL;
}

static struct err *check_silence(const struct run *run)
{
	if (run->message_count || run->state_count)
		return ERR(ERR_BUG, "what names slots queues and stores nothing");
	return NULL;
}

struct err *run_name_slots(struct run *run)
{
	const struct job_module *module = run->job->module;

	TRY(module->slots(run, run->order->slots_from, run->order->slots_to), "%s", module->name);
	PASS(check_silence(run));
	if (run->slot_count > 1)
		qsort(run->slots, run->slot_count, sizeof(*run->slots), compare_keys);
	PASS(check_slots(run));
	if (run->slot_count > 1)
		qsort(run->slots, run->slot_count, sizeof(*run->slots), compare_times);
	return NULL;
}

/* -- by hand --------------------------------------------------------------------------------------- */

struct answer {
	struct arena *arena;
	struct slot_name **slots;
	size_t *count;
};

static struct err *name_and_copy(struct run *run, void *arg)
{
	const struct answer *answer = arg;

	PASS(run_name_slots(run));
	struct slot_name *copies = arena_alloc(answer->arena, (run->slot_count + 1) * sizeof(*copies));
	for (size_t i = 0; i < run->slot_count; i++)
		copies[i] =
		    (struct slot_name){arena_copy(answer->arena, run->slots[i].key), run->slots[i].at};
	*answer->slots = copies;
	*answer->count = run->slot_count;
	return NULL;
}

struct err *naming_ask(const struct conf *conf, const struct conf_job *job, utc_t from, utc_t to, utc_t now,
    struct arena *arena, struct slot_name **out_slots, size_t *out_count)
{
	struct answer answer = {arena, out_slots, out_count};
	struct run_order order = {
	    .job = job->name,
	    .slot = now,
	    .now = now,
	    .deadline_ms = job->timeout_ms,
	    .dry_run = true,
	    .slots_from = from,
	    .slots_to = to,
	};

	TRY(run_aside(conf, job, &order, name_and_copy, &answer), "name the slots of %s", job->name);
	return NULL;
}
