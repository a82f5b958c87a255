/* SPDX-License-Identifier: MIT */
/* Sets of names, on uthash. */
#include "conf/names.h"

#include <string.h>

#define uthash_malloc(size)       mem_alloc(size)
#define uthash_free(memory, size) free(memory)
#include <uthash.h>

#include "base/text.h"

struct name {
	const char *text;
	size_t number;
	UT_hash_handle hh;
};

static struct name *find(const struct names *names, const char *text, size_t length)
{
	struct name *found = NULL;

	HASH_FIND(hh, names->table, text, length, found);
	return found;
}

bool names_add(struct names *names, const char *name, size_t number)
{
	size_t length = strlen(name);

	if (find(names, name, length))
		return false;
	struct name *added = arena_alloc(&names->arena, sizeof(*added));
	added->text = name;
	added->number = number;
	HASH_ADD_KEYPTR(hh, names->table, added->text, length, added);
	return true;
}

bool names_find(const struct names *names, const char *name, size_t *out_number)
{
	const struct name *found = find(names, name, strlen(name));

	if (!found)
		return false;
	*out_number = found->number;
	return true;
}

bool names_has(const struct names *names, const char *name)
{
	return find(names, name, strlen(name)) != NULL;
}

const char *names_near(const struct names *names, const char *word)
{
	size_t count = 0;
	const char **list = mem_alloc((HASH_COUNT(names->table) + 1) * sizeof(*list));

	for (const struct name *name = names->table; name; name = name->hh.next)
		list[count++] = name->text;
	const char *near = near_name(word, list);
	free(list);
	return near;
}

void names_done(struct names *names)
{
	HASH_CLEAR(hh, names->table);
	arena_done(&names->arena);
}
