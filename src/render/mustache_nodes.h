/* SPDX-License-Identifier: MIT */
/* The compiled form of a template, between mustache_parse.c (makes it) and mustache.c (renders it). */
#ifndef RENDER_MUSTACHE_NODES_H
#define RENDER_MUSTACHE_NODES_H

#include <stddef.h>

#include "base/mem.h"

enum node_kind {
	NODE_TEXT,
	NODE_VALUE,
	NODE_RAW,
	NODE_SECTION,
	NODE_INVERTED,
	NODE_PARTIAL,
	NODE_INDENT, /* the start of a line of a partial: the indentation of the tag that called it goes here
	              */
};

/* A name split at its dots; no parts at all is `.`, the context itself. */
struct name {
	size_t count;
	const char *parts[];
};

struct body;

struct partial_call {
	const struct body *body;
	const char *indent; /* of a tag alone on its line; NULL where the tag stands within a line */
	size_t indent_length;
};

struct node {
	enum node_kind kind;
	union {
		size_t length; /* of a text */
		size_t end;    /* of a section: the index after its last node */
	};
	union {
		const char *text;
		const struct name *name;
		const struct partial_call *partial;
	};
};

/* The template's own text, or a partial's: nodes in the order of the text, sections as ranges of it. */
struct body {
	struct body *next;
	const char *partial; /* the name it is called by, NULL for the template itself */
	struct node *nodes;
	size_t count;
	size_t capacity;
};

struct template
{
	struct arena arena; /* texts, names, bodies; a body's nodes are its own */
	const char *name;
	struct body *first, **last; /* the template itself, then each partial as it was met */
};

#endif
