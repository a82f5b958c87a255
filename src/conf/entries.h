/* SPDX-License-Identifier: MIT */
/*
 * The entries of a section as they are meant: `like` and `each` carried out, those that exist only to be
 * copied left out.
 *
 *	struct entries jobs = {0};
 *
 *	entries_make(&maker, &(struct entry_kind){.name = "job"}, section, &jobs);
 *	... jobs.items[i].name, .place, .mapping ...
 *
 * All that is made lives in the maker's arena and shares what the file's tree already has; nodes keep the
 * places where they were written. Names are not looked up in other sections here.
 */
#ifndef CONF_ENTRIES_H
#define CONF_ENTRIES_H

#include <stddef.h>

#include "base/mem.h"
#include "conf/node.h"
#include "conf/problems.h"

struct entry_kind {
	const char *name; /* "job", for messages */
	const char
	    *bare; /* an entry that is a text alone stands for a mapping with this key; NULL: it does not */
};

struct entry {
	const char *name;
	struct conf_place place;
	const struct node *mapping; /* NULL: what it is cannot be told, and why is among the problems */
};

struct entries {
	struct entry *items;
	size_t count, capacity;
};

struct entry_maker {
	struct arena *arena;
	struct conf_problems *problems;
	size_t made; /* nodes so far: a short file must not become an endless configuration */
};

/* SECTION is a mapping, or NULL for one that is not written. entries_done() whatever comes of it. */
void entries_make(struct entry_maker *maker, const struct entry_kind *kind, const struct node *section,
    struct entries *out);
void entries_done(struct entries *entries);

/* -- for the parts of entries_make() --------------------------------------------------------------- */

/* A problem at PLACE unless NAME is fit to name an entry. */
void entries_check_name(
    struct entry_maker *maker, const struct entry_kind *kind, const char *name, struct conf_place place);
/* One more entry. */
void entries_add(
    struct entries *entries, const char *name, struct conf_place place, const struct node *mapping);
/* Counts COUNT times the nodes of NODE; false, once with a problem at PLACE, if that is too much. */
bool entries_count(struct entry_maker *maker, const struct node *node, size_t count, struct conf_place place);
/*
 * Adds what the entry KEY: MAPPING, in which `like` is carried out already, makes by its `each`: one for each
 * combination of values, or itself. (each.c)
 */
void entries_add_each(struct entry_maker *maker, const struct entry_kind *kind, const struct node *key,
    const struct node *mapping, struct entries *out);

#endif
