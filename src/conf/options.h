/* SPDX-License-Identifier: MIT */
/*
 * Reading mappings by option tables (include/bmad/option.h) into structures.
 *
 *	struct option_reader reader = {.arena = ..., .problems = ..., .owner = {"job", name}, ...};
 *
 *	options_default(&reader, table, &structure);
 *	options_read(&reader, mapping, (struct option_part[]){{table, &structure}}, 1);
 *
 * A value's type comes from its key, not from its look. Every fault is a problem at its own place; what
 * could not be read keeps its default.
 */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <bmad/option.h>

#include "conf/conf.h"
#include "conf/names.h"
#include "conf/node.h"
#include "conf/problems.h"

/* What `${...}` in texts means to the one who reads. */
enum reference_use {
	REFERENCES_LATER, /* whoever uses the value resolves it: syntax checked, noted in `references` */
	REFERENCES_NOW,   /* resolved while reading */
	REFERENCES_NONE,  /* the text is used as it stands: refused, except in OPT_MAP */
};

struct option_owner {
	const char *kind;        /* "job", "options of job", "daemon" */
	const char *name;        /* NULL for one without */
	struct conf_place place; /* where something is missing */
};

struct option_section {
	const char *name;  /* as in struct option: "sources" */
	const char *entry; /* what one of it is called: "source" */
	const struct names *names;
};

struct option_reader {
	struct arena *arena; /* what is read lives there */
	struct conf_problems *problems;
	const char *folder; /* relative paths are relative to it */
	struct option_owner owner;
	enum reference_use use;
	const struct option_section
	    *sections;            /* ends with an entry without name; NULL: names are not looked up */
	const char *const *later; /* keys of later versions, NULL-terminated, or NULL */
	/* What came up while reading. */
	struct conf_reference *references;
	size_t reference_count, reference_capacity;
	struct conf_place secret_place; /* the first secret that stands in the file itself; file NULL: none */
	/* The reader's own. */
	const char *group; /* the key whose mapping is being read, dotted, or NULL */
	size_t near_names; /* looked for so far */
};

/* One table with the structure it fills. Tables of one mapping have no key in common. */
struct option_part {
	const struct option *table;
	void *out;
};

/* At most so many keys in one table. */
#define OPTIONS_MAX 64

/* Fills OUT with what stands there when nothing is written. A fallback that cannot be read is our mistake. */
void options_default(struct option_reader *reader, const struct option *table, void *out);
/*
 * Reads MAPPING (NULL or null: an empty one) over what the structures hold. True if all was well; problems
 * tell what was not.
 */
bool options_read(
    struct option_reader *reader, const struct node *mapping, const struct option_part *parts, size_t count);

/* The row of NAME, a dotted path into groups; NULL if there is none. */
const struct option *option_find(const struct option *table, const char *name);
/* Reads one VALUE as OPTION's type into the structure OUT. */
bool option_read(
    struct option_reader *reader, const struct option *option, const struct node *value, void *out);

/* "job 'x'", or "'retry' of job 'x'" within a group; in the problems' arena. */
const char *option_where(const struct option_reader *reader);
/* An error at PLACE about a key: `'KEY' in job 'x': ...`. */
void option_problem(struct option_reader *reader, struct conf_place place, const char *key, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* "; did you mean 'x'?" with the name of LIST (NULL-terminated) or NAMES nearest to WORD, or "". */
const char *option_near(struct option_reader *reader, const char *word, const char *const *list);
const char *option_near_in(struct option_reader *reader, const char *word, const struct names *names);

/* What OPTION takes, for messages: "a duration such as 90s, 15m or 1h30m". In ARENA or constant. */
const char *option_expects(const struct option *option, struct arena *arena);

#endif
