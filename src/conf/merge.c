/* SPDX-License-Identifier: MIT */
/* One mapping laid over another. */
#include "conf/merge.h"

#include <string.h>

#include "conf/names.h"

/* Few keys are compared one by one, many go through a set: an environment may change ten thousand jobs. */
#define PAIRS_COMPARED 12

/* The pairs of the mapping that is laid over another, and which of them are done with. */
struct layer {
	const struct node *mapping;
	struct names names;
	bool *used;
};

static void layer_init(struct layer *layer, const struct node *mapping)
{
	*layer = (struct layer){.mapping = mapping, .used = mem_alloc(mapping->count + 1)};
	for (uint32_t i = 0; mapping->count > PAIRS_COMPARED && i < mapping->count; i++)
		names_add(&layer->names, mapping->pairs[i].key->text, i);
}

static void layer_done(struct layer *layer)
{
	names_done(&layer->names);
	free(layer->used);
}

/* The pair of that key, which is then used; NULL if there is none. */
static const struct node_pair *layer_take(struct layer *layer, const char *key)
{
	const struct node *mapping = layer->mapping;
	size_t i = 0;

	if (mapping->count > PAIRS_COMPARED) {
		if (!names_find(&layer->names, key, &i))
			return NULL;
	} else {
		while (i < mapping->count && strcmp(mapping->pairs[i].key->text, key) != 0)
			i++;
		if (i == mapping->count)
			return NULL;
	}
	layer->used[i] = true;
	return &mapping->pairs[i];
}

static const struct node *merge_mappings(
    struct arena *arena, const struct node *base, const struct node *over)
{
	struct node *merged = arena_alloc(arena, sizeof(*merged));
	struct node_pair *pairs =
	    arena_alloc(arena, ((size_t)base->count + over->count + 1) * sizeof(*pairs));
	struct layer layer;

	*merged = *over;
	merged->count = 0;
	merged->pairs = pairs;
	layer_init(&layer, over);
	for (uint32_t i = 0; i < base->count; i++) {
		const struct node_pair *old = &base->pairs[i], *new = layer_take(&layer, old->key->text);

		if (!new)
			pairs[merged->count++] = *old;
		else if (!node_is_null(new->value))
			pairs[merged->count++] =
			    (struct node_pair){new->key, node_merge(arena, old->value, new->value)};
	}
	for (uint32_t i = 0; i < over->count; i++)
		if (!layer.used[i])
			pairs[merged->count++] = over->pairs[i];
	layer_done(&layer);
	return merged;
}

const struct node *node_merge(struct arena *arena, const struct node *base, const struct node *over)
{
	if (!base || base->kind != NODE_MAPPING || over->kind != NODE_MAPPING)
		return over;
	return merge_mappings(arena, base, over);
}

const struct node *node_without(struct arena *arena, const struct node *mapping, const char *key)
{
	if (!node_pair(mapping, key))
		return mapping;
	struct node *copy = arena_alloc(arena, sizeof(*copy));
	struct node_pair *pairs = arena_alloc(arena, mapping->count * sizeof(*pairs));
	*copy = *mapping;
	copy->count = 0;
	copy->pairs = pairs;
	for (uint32_t i = 0; i < mapping->count; i++)
		if (strcmp(mapping->pairs[i].key->text, key) != 0)
			pairs[copy->count++] = mapping->pairs[i];
	return copy;
}

size_t node_weight(const struct node *node, size_t limit)
{
	size_t weight = 1;

	if (node->kind == NODE_TEXT)
		return weight;
	for (uint32_t i = 0; i < node->count && weight < limit; i++)
		weight += node_weight(
		    node->kind == NODE_LIST ? node->items[i] : node->pairs[i].value, limit - weight);
	return weight;
}
