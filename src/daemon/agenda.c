/* SPDX-License-Identifier: MIT */
/* A binary heap of next fires. */
#include "daemon/agenda.h"

#include <stdlib.h>

#include "base/mem.h"

/* Equal instants go by job, so that the order is the same on every run. */
static bool before(const struct agenda_entry *a, const struct agenda_entry *b)
{
	return a->at != b->at ? a->at < b->at : a->job < b->job;
}

/* Puts ENTRY at PLACE, which is free, and lets it rise. */
static void rise(struct agenda *agenda, size_t place, struct agenda_entry entry)
{
	while (place > 0) {
		size_t parent = (place - 1) / 2;

		if (!before(&entry, &agenda->heap[parent]))
			break;
		agenda->heap[place] = agenda->heap[parent];
		place = parent;
	}
	agenda->heap[place] = entry;
}

void agenda_add(struct agenda *agenda, uint32_t job, utc_t at)
{
	if (at == UTC_NEVER)
		return;
	mem_grow(agenda->heap, agenda->count, agenda->capacity);
	rise(agenda, agenda->count++, (struct agenda_entry){at, job});
}

utc_t agenda_first(const struct agenda *agenda)
{
	return agenda->count ? agenda->heap[0].at : UTC_NEVER;
}

/* Puts ENTRY at PLACE, which is free, and lets it sink. */
static void sink(struct agenda *agenda, size_t place, struct agenda_entry entry)
{
	struct agenda_entry *heap = agenda->heap;
	size_t child;

	while ((child = 2 * place + 1) < agenda->count) {
		if (child + 1 < agenda->count && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &entry))
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = entry;
}

bool agenda_take(struct agenda *agenda, utc_t now, struct agenda_entry *out_entry)
{
	if (!agenda->count || agenda->heap[0].at > now)
		return false;
	*out_entry = agenda->heap[0];
	agenda->count--;
	if (agenda->count)
		sink(agenda, 0, agenda->heap[agenda->count]);
	return true;
}

static void remove_at(struct agenda *agenda, size_t place)
{
	struct agenda_entry last = agenda->heap[--agenda->count];

	if (place == agenda->count)
		return;
	if (place > 0 && before(&last, &agenda->heap[(place - 1) / 2]))
		rise(agenda, place, last);
	else
		sink(agenda, place, last);
}

void agenda_move(struct agenda *agenda, uint32_t job, utc_t at)
{
	for (size_t i = 0; i < agenda->count; i++)
		if (agenda->heap[i].job == job) {
			remove_at(agenda, i);
			break;
		}
	agenda_add(agenda, job, at);
}

void agenda_done(struct agenda *agenda)
{
	free(agenda->heap);
	*agenda = (struct agenda){0};
}
