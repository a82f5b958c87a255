/* SPDX-License-Identifier: MIT */
/*
 * The tree of a YAML file: texts, lists and mappings, each with its place.
 *
 * Nodes live in an arena, are shared where the file uses an alias, and never change: node_with() makes a
 * changed copy that shares the rest. A text has no type of its own: whoever reads it by a key gives it one.
 */
#ifndef CONF_NODE_H
#define CONF_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/json.h>

#include "base/mem.h"
#include "conf/problems.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAPPING };

struct node;

struct node_pair {
	const struct node *key, *value; /* the key is a text */
};

struct node {
	uint8_t kind; /* enum node_kind */
	bool
	    plain; /* a text without quotes: only such a one can be null, a number or a boolean by its look */
	bool exact;     /* a text of one line without escapes: its n-th byte stands n columns further right */
	uint32_t count; /* bytes, items or pairs */
	int32_t line, column;
	const char *file;
	union {
		const char *text; /* NUL-terminated, holds no other NUL */
		const struct node *const *items;
		const struct node_pair *pairs;
	};
};

struct conf_place node_place(const struct node *node);
/* The place of the text's byte OFFSET (from 0) where that can be told, else of the text. */
struct conf_place node_place_at(const struct node *text, size_t offset);

/* Nothing is written there: `key:`, `~` or `null`. */
bool node_is_null(const struct node *node);
/* "a text", "a list", "a mapping" or "nothing", for messages. */
const char *node_describe(const struct node *node);

/* The pair of that key, or NULL; so is anything but a mapping's, and NULL's. */
const struct node_pair *node_pair(const struct node *mapping, const char *key);
/* Its value, or NULL. */
const struct node *node_find(const struct node *mapping, const char *key);
/* The same through mappings in mappings, for a dotted path: "retry.max". */
const struct node *node_find_path(const struct node *mapping, const char *path);

/* A text that is in no file; FILE stands for its place. Borrows both. */
const struct node *node_text(struct arena *arena, const char *file, const char *text);
/* A copy of MAPPING (NULL or null: an empty one) in which the value at the dotted PATH is VALUE. */
const struct node *node_with(
    struct arena *arena, const struct node *mapping, const char *path, const struct node *value);
/* The same for one KEY as it is, dots and all. */
const struct node *node_with_key(
    struct arena *arena, const struct node *mapping, const char *key, const struct node *value);

/*
 * As JSON, texts typed by their look: without quotes, `null`, `~` and nothing are null, `true` and `false`
 * booleans, and what JSON calls a number is one if nothing of it is lost; all else is a string.
 */
struct json *node_json(const struct node *node);
/* The same, but every text is a string, whatever it looks like: `No` and `012` may be names. */
struct json *node_json_texts(const struct node *node);

#endif
