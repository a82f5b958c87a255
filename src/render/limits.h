/* SPDX-License-Identifier: MIT */
/*
 * What each provider takes, in its own units: one table per channel type. Counted is what goes out, after
 * templates, escaping and mark-up.
 *
 * A path names members by their keys, `*` every item: `blocks.*.text.text`.
 */
#ifndef RENDER_LIMITS_H
#define RENDER_LIMITS_H

#include "render/shorten.h"

enum limit_kind {
	LIMIT_TEXT,   /* units of each text there */
	LIMIT_ITEMS,  /* items of each list there */
	LIMIT_FILLED, /* a text that is empty or blank becomes a `-`: the provider would refuse the whole */
	LIMIT_SUM,    /* units of all texts below, together */
	LIMIT_DROP,   /* given up as a whole before anything else if the bytes are too many */
};

struct limit {
	const char *path; /* NULL ends a table */
	enum limit_kind kind;
	size_t most;
	const char *only; /* LIMIT_TEXT: where the object around has this `type`; NULL: everywhere */
};

struct type_limits {
	const char *type;
	size_t bytes; /* of the serialised body; 0: not limited */
	size_t units; /* UTF-16 units of a type whose payload is text; 0: not limited */
	const char *dots;
	const struct limit *limits; /* NULL: none */
};

/* Never NULL: types without limits have a row that says so. */
const struct type_limits *limits_of(const char *type);

#endif
