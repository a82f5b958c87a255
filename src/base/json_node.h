/* SPDX-License-Identifier: MIT */
/*
 * What the files of the JSON wrapper share: a struct json is a cJSON behind a cast.
 *
 * A number that a double cannot hold keeps its exact decimal text in `valuestring`, which cJSON leaves
 * unused in numbers but frees and copies with the node.
 */
#ifndef BASE_JSON_NODE_H
#define BASE_JSON_NODE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include <bmad/json.h>

#define EXACT_MAX (INT64_C(1) << 53) /* whole numbers up to here, either sign, are exact in a double */

static inline cJSON *node(struct json *value)
{
	return (cJSON *)value;
}

static inline const cJSON *const_node(const struct json *value)
{
	return (const cJSON *)value;
}

static inline struct json *value_of(cJSON *node)
{
	return (struct json *)node;
}

/* The COUNT members of OBJECT by key; to be freed with free(). */
const cJSON **json_sorted_members(const cJSON *object, size_t count);

#endif
