/* SPDX-License-Identifier: MIT */
/*
 * YAML read strictly, as a tree of nodes.
 *
 * Beyond what YAML itself asks for it refuses duplicate keys, merge keys, tags, keys that are no text, a
 * second document, NULs, files over 64 MiB, nesting deeper than 32 and more than a million nodes: a key
 * and its value are one, an alias counts as much as what it stands for.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/node.h"

#define YAML_BYTES_MAX ((size_t)64 << 20)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 1000000

/* The reading of the files that make one configuration. */
struct yaml_reading {
	bool torn;       /* wanted: what stands before a fault of syntax, instead of nothing */
	uint64_t digest; /* fnv1a, of the bytes of all that were read */
};

/*
 * The root; a null text for an empty file. NULL if the file cannot be read or its syntax is wrong; other
 * faults are among PROBLEMS with a tree as far as it goes. PATH is kept in the nodes.
 */
const struct node *yaml_read_file(
    const char *path, struct arena *arena, struct conf_problems *problems, struct yaml_reading *reading);
/* The same from memory; NAME stands for the file in places and is kept. */
const struct node *yaml_read_text(
    const char *name, const char *text, size_t length, struct arena *arena, struct conf_problems *problems);
/*
 * A value as one writes it on a line: `[a, b]` and `{a: b}` are read as YAML, anything else is the text it
 * is. NULL if it cannot be read. Borrows TEXT.
 */
const struct node *yaml_read_value(
    const char *name, const char *text, struct arena *arena, struct conf_problems *problems);

#endif
