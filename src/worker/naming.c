/* SPDX-License-Identifier: MIT */
/* A module naming its own slots: run_name_slot(), and what is checked of the answer. */
#include <stdlib.h>
#include <string.h>

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
