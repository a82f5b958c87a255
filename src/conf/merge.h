/* SPDX-License-Identifier: MIT */
/* Pure: one mapping laid over another, for `like` and for environments. */
#ifndef CONF_MERGE_H
#define CONF_MERGE_H

#include "conf/node.h"

/*
 * BASE with OVER laid over it: mappings are merged key by key, anything else of OVER takes the place of what
 * BASE has, and a null removes the key. A null that removes nothing stays, to be judged like any other key.
 * What is not changed is shared, and every node keeps its place. BASE may be NULL.
 */
const struct node *node_merge(struct arena *arena, const struct node *base, const struct node *over);

/* MAPPING without KEY; itself if it has none. */
const struct node *node_without(struct arena *arena, const struct node *mapping, const char *key);

/* How many nodes there are below NODE and it itself, shared ones counted as often as they stand there;
 * counting ends at LIMIT. */
size_t node_weight(const struct node *node, size_t limit);

#endif
