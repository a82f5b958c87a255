/* SPDX-License-Identifier: MIT */
/* The names of all zones there are, for "did you mean": `america/new york`, `Los_Angeles`, `Europe/Pariss`.
 */
#include "schedule/tz_data.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define DEPTH_MAX 3 /* America/Argentina/Ushuaia */

struct names {
	struct arena *arena;
	const char **names;
	size_t count, capacity;
};

static void close_folder(DIR *const *folder)
{
	if (*folder)
		closedir(*folder);
}

static void free_names(struct names *names)
{
	free(names->names);
}

/* Copies of all zones in other notations, and what is no zone. */
static bool is_passed_over(const char *entry)
{
	return strchr(entry, '.') || !strcmp(entry, "posix") || !strcmp(entry, "right") ||
	       !strcmp(entry, "posixrules") || !strcmp(entry, "localtime") || !strcmp(entry, "leapseconds");
}

/* Adds the files below PREFIX ("" or `America/`) of the zones' folder. */
static void add_names(struct names *names, const char *prefix, int depth)
{
	cleanup(free_text) char *path = mem_format("%s/%s", tz_folder(), prefix);
	cleanup(close_folder) DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		if (is_passed_over(entry->d_name))
			continue;
		if (entry->d_type == DT_DIR && depth < DEPTH_MAX) {
			const char *below = arena_format(names->arena, "%s%s/", prefix, entry->d_name);

			add_names(names, below, depth + 1);
		} else if (entry->d_type != DT_DIR) {
			mem_grow(names->names, names->count, names->capacity);
			names->names[names->count++] =
			    arena_format(names->arena, "%s%s", prefix, entry->d_name);
		}
	}
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static const char *whole(const char *name)
{
	return name;
}

/* The name of which PART is WORD in any case. */
static const char *same_part(const char *word, const char *const *names, const char *(*part)(const char *))
{
	for (; *names; names++)
		if (!strcasecmp(word, part(*names)))
			return *names;
	return NULL;
}

const char *tz_near_name(const char *name, struct arena *arena)
{
	cleanup(free_names) struct names names = {.arena = arena};
	char *word = arena_copy(arena, name);
	const char *near;

	for (char *c = word; *c; c++)
		if (isspace((unsigned char)*c))
			*c = '_';
	add_names(&names, "", 1);
	mem_grow(names.names, names.count, names.capacity);
	names.names[names.count] = NULL;
	qsort(names.names, names.count, sizeof(*names.names), compare_names);
	near = same_part(word, names.names, whole);
	if (!near)
		near = same_part(word, names.names, last_part);
	return near ? near : near_name(word, names.names);
}
