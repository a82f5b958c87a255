/* SPDX-License-Identifier: MIT */
/* Lists of named slots: a few hundred at most, so they are simply walked. */
#include "daemon/slot_list.h"

#include <uthash.h>

/* What is remembered of a list while the next one is made. */
struct taken_key {
	const char *key; /* of the old list */
	UT_hash_handle hh;
};

static struct taken_key *taken_keys(const struct slot_list *list, struct arena *arena)
{
	struct taken_key *keys = NULL;

	for (size_t i = 0; i < list->count; i++) {
		if (!list->items[i].taken)
			continue;
		struct taken_key *taken = arena_alloc(arena, sizeof(*taken));

		taken->key = list->items[i].key;
		HASH_ADD_KEYPTR(hh, keys, taken->key, strlen(taken->key), taken);
	}
	return keys;
}

static bool holds(struct taken_key *keys, const char *key)
{
	struct taken_key *found;

	HASH_FIND_STR(keys, key, found);
	return found != NULL;
}

void slot_list_replace(struct slot_list *list, const struct slot_name *names, size_t count, utc_t until)
{
	struct slot_list next = {.count = count, .until = until};
	cleanup(arena_done) struct arena scratch = {0};
	struct taken_key *taken = taken_keys(list, &scratch);

	next.items = arena_alloc(&next.arena, (count + 1) * sizeof(*next.items));
	for (size_t i = 0; i < count; i++)
		next.items[i] = (struct listed_slot){
		    .at = names[i].at,
		    .key = arena_copy(&next.arena, names[i].key),
		    .taken = holds(taken, names[i].key),
		};
	HASH_CLEAR(hh, taken);
	slot_list_done(list);
	*list = next;
}

void slot_list_take(struct slot_list *list, utc_t at)
{
	for (size_t i = 0; i < list->count && list->items[i].at <= at; i++)
		list->items[i].taken = true;
}

void slot_list_done(struct slot_list *list)
{
	arena_done(&list->arena);
	*list = (struct slot_list){0};
}

utc_t slot_list_next(const struct slot_list *list, utc_t after)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].taken && list->items[i].at > after)
			return list->items[i].at;
	return UTC_NEVER;
}

utc_t slot_list_prev(const struct slot_list *list, utc_t before)
{
	for (size_t i = list->count; i-- > 0;)
		if (!list->items[i].taken && list->items[i].at < before)
			return list->items[i].at;
	return -1;
}

size_t slot_list_find(const struct slot_list *list, utc_t at, size_t place)
{
	while (place < list->count && (list->items[place].taken || list->items[place].at != at))
		place++;
	return place;
}
