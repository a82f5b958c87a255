/* SPDX-License-Identifier: MIT */
/* The tree of a YAML file. */
#include "conf/node.h"

#include <string.h>

struct conf_place node_place(const struct node *node)
{
	return (struct conf_place){.file = node->file, .line = node->line, .column = node->column};
}

struct conf_place node_place_at(const struct node *text, size_t offset)
{
	struct conf_place place = node_place(text);

	if (text->exact)
		place.column += (int)offset + !text->plain;
	return place;
}

bool node_is_null(const struct node *node)
{
	if (node->kind != NODE_TEXT || !node->plain)
		return false;
	return !*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null");
}

const char *node_describe(const struct node *node)
{
	static const char *const kinds[] = {
	    [NODE_TEXT] = "a text",
	    [NODE_LIST] = "a list",
	    [NODE_MAPPING] = "a mapping",
	};

	return node_is_null(node) ? "nothing" : kinds[node->kind];
}

const struct node_pair *node_pair(const struct node *mapping, const char *key)
{
	if (!mapping || mapping->kind != NODE_MAPPING)
		return NULL;
	for (uint32_t i = 0; i < mapping->count; i++)
		if (!strcmp(mapping->pairs[i].key->text, key))
			return &mapping->pairs[i];
	return NULL;
}

const struct node *node_find(const struct node *mapping, const char *key)
{
	const struct node_pair *pair = node_pair(mapping, key);

	return pair ? pair->value : NULL;
}

const struct node *node_find_path(const struct node *mapping, const char *path)
{
	const char *dot = strchr(path, '.');

	if (!dot)
		return node_find(mapping, path);
	cleanup(free_text) char *first = mem_copy_n(path, (size_t)(dot - path));
	return node_find_path(node_find(mapping, first), dot + 1);
}

const struct node *node_text(struct arena *arena, const char *file, const char *text)
{
	struct node *node = arena_alloc(arena, sizeof(*node));

	node->kind = NODE_TEXT;
	node->plain = true;
	node->file = file;
	node->count = (uint32_t)strlen(text);
	node->text = text;
	return node;
}

/* A copy of MAPPING with room for one more pair. */
static struct node_pair *copy_pairs(struct arena *arena, const struct node *mapping, struct node **out_copy)
{
	struct node *copy = arena_alloc(arena, sizeof(*copy));
	struct node_pair *pairs = arena_alloc(arena, (mapping->count + 1) * sizeof(*pairs));

	*copy = *mapping;
	if (mapping->count)
		memcpy(pairs, mapping->pairs, mapping->count * sizeof(*pairs));
	copy->pairs = pairs;
	*out_copy = copy;
	return pairs;
}

const struct node *node_with_key(
    struct arena *arena, const struct node *mapping, const char *key, const struct node *value)
{
	/* It stands where what is in it was asked for. */
	const struct node nothing = {
	    .kind = NODE_MAPPING, .file = value->file, .line = value->line, .column = value->column};
	struct node *copy;

	if (!mapping || mapping->kind != NODE_MAPPING)
		mapping = &nothing;
	struct node_pair *pairs = copy_pairs(arena, mapping, &copy);
	for (uint32_t i = 0; i < copy->count; i++)
		if (!strcmp(pairs[i].key->text, key)) {
			pairs[i].value = value;
			return copy;
		}
	pairs[copy->count].key = node_text(arena, value->file, arena_copy(arena, key));
	pairs[copy->count].value = value;
	copy->count++;
	return copy;
}

const struct node *node_with(
    struct arena *arena, const struct node *mapping, const char *path, const struct node *value)
{
	const char *dot = strchr(path, '.');

	if (!dot)
		return node_with_key(arena, mapping, path, value);
	cleanup(free_text) char *first = mem_copy_n(path, (size_t)(dot - path));
	const struct node *inner = node_with(arena, node_find(mapping, first), dot + 1, value);
	return node_with_key(arena, mapping, first, inner);
}

/* A number in JSON's own grammar; NULL for anything else, and where digits would be lost. */
static struct json *number_of(const struct node *text)
{
	struct json *number = NULL;
	int64_t whole;

	if (!*text->text || !strchr("-0123456789", *text->text))
		return NULL;
	struct err *e = json_parse(text->text, text->count, &number);
	if (e) {
		err_ignore(e);
		return NULL;
	}
	if (!strpbrk(text->text, ".eE") && !json_int64(number, &whole)) {
		json_destroy(number);
		return NULL;
	}
	return number;
}

static struct json *json_of_text(const struct node *text)
{
	if (!text->plain)
		return json_string(text->text);
	if (node_is_null(text))
		return json_null();
	if (!strcmp(text->text, "true") || !strcmp(text->text, "false"))
		return json_bool(*text->text == 't');
	struct json *number = number_of(text);
	return number ? number : json_string(text->text);
}

static struct json *json_of_any_text(const struct node *text)
{
	return json_string(text->text);
}

static struct json *json_of(const struct node *node, struct json *(*of_text)(const struct node *text))
{
	if (node->kind == NODE_TEXT)
		return of_text(node);
	struct json *container = node->kind == NODE_LIST ? json_array() : json_object();
	for (uint32_t i = 0; i < node->count; i++) {
		if (node->kind == NODE_LIST)
			json_add(container, json_of(node->items[i], of_text));
		else
			json_set(container, node->pairs[i].key->text, json_of(node->pairs[i].value, of_text));
	}
	return container;
}

struct json *node_json(const struct node *node)
{
	return json_of(node, json_of_text);
}

struct json *node_json_texts(const struct node *node)
{
	return json_of(node, json_of_any_text);
}
