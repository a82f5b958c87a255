/* SPDX-License-Identifier: MIT */
/* Mappings read by tables: which key is whose, what is unknown, missing or not of this version. */
#include "conf/options.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "conf/yaml.h"

/* Near names cost a walk over all candidates: a file of nothing but mistakes must not take for ever. */
#define NEAR_NAMES_MAX 200

const char *option_where(const struct option_reader *reader)
{
	const struct option_owner *owner = &reader->owner;
	const char *group = reader->group ? reader->group : "", *name = owner->name ? owner->name : "";

	return arena_format(&reader->problems->arena, "%s%s%s%s%s%s%s", *group ? "'" : "", group,
	    *group ? "' of " : "", owner->kind, *name ? " '" : "", name, *name ? "'" : "");
}

void option_problem(
    struct option_reader *reader, struct conf_place place, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	conf_problem(
	    reader->problems, PROBLEM_ERROR, place, "'%s' in %s: %s", key, option_where(reader), text);
}

static const char *did_you_mean(struct option_reader *reader, const char *near)
{
	return near ? arena_format(&reader->problems->arena, "; did you mean '%s'?", near) : "";
}

const char *option_near(struct option_reader *reader, const char *word, const char *const *list)
{
	if (reader->near_names++ >= NEAR_NAMES_MAX)
		return "";
	return did_you_mean(reader, near_name(word, list));
}

const char *option_near_in(struct option_reader *reader, const char *word, const struct names *names)
{
	if (reader->near_names++ >= NEAR_NAMES_MAX)
		return "";
	return did_you_mean(reader, names_near(names, word));
}

static const struct option *find_row(const struct option *table, const char *name, size_t length)
{
	for (; table && table->name; table++)
		if (!strncmp(table->name, name, length) && !table->name[length])
			return table;
	return NULL;
}

const struct option *option_find(const struct option *table, const char *name)
{
	for (;;) {
		size_t length = strcspn(name, ".");
		const struct option *row = find_row(table, name, length);

		if (!row || !name[length])
			return row;
		table = row->type == OPT_GROUP ? row->group : NULL;
		name += length + 1;
	}
}

/* -- defaults -------------------------------------------------------------------------------------- */

static void default_one(struct option_reader *reader, const struct option *option, void *out)
{
	static const struct texts no_texts;
	void *field = (char *)out + option->offset;

	switch (option->type) {
	case OPT_GROUP:
		if (option->group)
			options_default(reader, option->group, out);
		return;
	case OPT_INT:
		*(int64_t *)field = option->unset;
		break;
	case OPT_DURATION:
		*(int64_t *)field = -1;
		break;
	case OPT_CHOICE:
		*(int *)field = -1;
		break;
	case OPT_TEXTS:
	case OPT_SECRETS:
	case OPT_INTS:
	case OPT_NAMES:
		*(struct texts *)field = no_texts;
		break;
	default: /* OUT is zeroed: NULL, false, 0 and no rates; a map or list is read below */
		break;
	}
	const char *fallback = option->fallback    ? option->fallback
	                       : option->type == OPT_MAP  ? "{}"
	                       : option->type == OPT_LIST ? "[]"
	                                                  : NULL;
	if (!fallback)
		return;
	const struct node *value = yaml_read_value("default", fallback, reader->arena, reader->problems);
	bool good = value && option_read(reader, option, value, out);
	assert(good);
	(void)good;
}

void options_default(struct option_reader *reader, const struct option *table, void *out)
{
	for (; table && table->name; table++)
		default_one(reader, table, out);
}

/* -- reading --------------------------------------------------------------------------------------- */

static bool is_false(const struct node *value)
{
	return value->kind == NODE_TEXT && value->plain && !strcmp(value->text, "false");
}

static bool read_group(
    struct option_reader *reader, const struct option *option, const struct node *value, void *out)
{
	const char *outer = reader->group;

	if (!option->group) /* another table describes what is in it */
		return true;
	if (option->can_be_false && is_false(value)) {
		*(bool *)(void *)((char *)out + option->offset) = true;
		return true;
	}
	if (value->kind != NODE_MAPPING) {
		option_problem(reader, node_place(value), option->name, "expected a mapping%s, not %s",
		    option->can_be_false ? " or false" : "", node_describe(value));
		return false;
	}
	reader->group = outer ? arena_format(reader->arena, "%s.%s", outer, option->name) : option->name;
	bool good = options_read(reader, value, &(struct option_part){option->group, out}, 1);
	reader->group = outer;
	return good;
}

static bool is_later(const struct option_reader *reader, const char *key)
{
	if (reader->group || !reader->later)
		return false;
	for (const char *const *later = reader->later; *later; later++)
		if (!strcmp(*later, key))
			return true;
	return false;
}

/* `web: false` asks for nothing that this version could not do. */
static bool switches_off(const struct node *value)
{
	return node_is_null(value) || is_false(value);
}

static void refuse_unknown(
    struct option_reader *reader, const struct node *key, const struct option_part *parts, size_t count)
{
	const char *list[2 * OPTIONS_MAX + 1];
	size_t known = 0;

	if (is_later(reader, key->text)) {
		conf_problem(reader->problems, PROBLEM_ERROR, node_place(key),
		    "key '%s' of %s is not supported by this version yet", key->text, option_where(reader));
		return;
	}
	for (size_t i = 0; i < count; i++)
		for (const struct option *row = parts[i].table;
		     row && row->name && known < ARRAY_SIZE(list) - 1; row++)
			list[known++] = row->name;
	list[known] = NULL;
	conf_problem(reader->problems, PROBLEM_ERROR, node_place(key), "unknown key '%.100s' in %s%s",
	    key->text, option_where(reader), option_near(reader, key->text, list));
}

static bool read_pair(
    struct option_reader *reader, const struct node_pair *pair, const struct option_part *parts, size_t count)
{
	const struct option *option = NULL;
	size_t part = 0;

	while (part < count && !(option = find_row(parts[part].table, pair->key->text, pair->key->count)))
		part++;
	if (!option && is_later(reader, pair->key->text) && switches_off(pair->value))
		return true;
	if (!option) {
		refuse_unknown(reader, pair->key, parts, count);
		return false;
	}
	if (node_is_null(pair->value)) /* as if it were not there */
		return true;
	if (option->type == OPT_GROUP)
		return read_group(reader, option, pair->value, parts[part].out);
	return option_read(reader, option, pair->value, parts[part].out);
}

static bool is_written(const struct node *mapping, const char *key)
{
	const struct node *value = node_find(mapping, key);

	return value && !node_is_null(value);
}

static bool require(struct option_reader *reader, const struct node *mapping, const struct option *table)
{
	bool good = true;

	for (; table && table->name; table++) {
		if (!table->required || is_written(mapping, table->name))
			continue;
		conf_problem(reader->problems, PROBLEM_ERROR,
		    reader->group ? node_place(mapping) : reader->owner.place,
		    "the key '%s' is missing in %s: %s", table->name, option_where(reader), table->help);
		good = false;
	}
	return good;
}

bool options_read(
    struct option_reader *reader, const struct node *mapping, const struct option_part *parts, size_t count)
{
	bool good = true;

	if (mapping && node_is_null(mapping))
		mapping = NULL;
	if (mapping && mapping->kind != NODE_MAPPING) {
		conf_problem(reader->problems, PROBLEM_ERROR, node_place(mapping),
		    "%s: expected a mapping of keys, not %s", option_where(reader), node_describe(mapping));
		return false;
	}
	for (uint32_t i = 0; mapping && i < mapping->count; i++)
		good &= read_pair(reader, &mapping->pairs[i], parts, count);
	for (size_t i = 0; i < count; i++)
		good &= require(reader, mapping, parts[i].table);
	return good;
}
