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

void agenda_add(struct agenda *agenda, uint32_t job, utc_t at)
{
	struct agenda_entry entry = {at, job};

	if (at == UTC_NEVER)
		return;
	mem_grow(agenda->heap, agenda->count, agenda->capacity);
	size_t place = agenda->count++;
	while (place > 0) {
		size_t parent = (place - 1) / 2;

		if (!before(&entry, &agenda->heap[parent]))
			break;
		agenda->heap[place] = agenda->heap[parent];
		place = parent;
	}
	agenda->heap[place] = entry;
}

utc_t agenda_first(const struct agenda *agenda)
{
	return agenda->count ? agenda->heap[0].at : UTC_NEVER;
}

/* Puts ENTRY where the root was and lets it sink. */
static void sink(struct agenda *agenda, struct agenda_entry entry)
{
	struct agenda_entry *heap = agenda->heap;
	size_t place = 0, child;

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
		sink(agenda, agenda->heap[agenda->count]);
	return true;
}

void agenda_done(struct agenda *agenda)
{
	free(agenda->heap);
	*agenda = (struct agenda){0};
}
