/* SPDX-License-Identifier: MIT */
/*
 * A set of names, each with a number: the index of a section, the keys of a mapping. Finding one costs the
 * same in a section of ten entries and of a hundred thousand.
 */
#ifndef CONF_NAMES_H
#define CONF_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct name;

/* The zero value is empty. Names are borrowed. */
struct names {
	struct name *table;
	struct arena arena;
};

/* False, and nothing changed, if NAME is there already. */
bool names_add(struct names *names, const char *name, size_t number);
bool names_find(const struct names *names, const char *name, size_t *out_number);
bool names_has(const struct names *names, const char *name);
/* The name nearest to WORD, or NULL if none is near (near_name of base/text.h). */
const char *names_near(const struct names *names, const char *word);
void names_done(struct names *names);

#endif
