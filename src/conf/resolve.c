/* SPDX-License-Identifier: MIT */
/* References in a loaded configuration, resolved by the process that is about to use a value. */
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/path.h"
#include "conf/refs.h"

static struct err *resolve_text(const struct conf *conf, const char **text, struct arena *arena)
{
	return *text ? refs_resolve(conf->folder, *text, arena, text) : NULL;
}

static struct err *resolve_path(const struct conf *conf, const char **path, struct arena *arena)
{
	PASS(resolve_text(conf, path, arena));
	if (*path)
		*path = conf_path(conf->folder, *path, arena);
	return NULL;
}

static struct err *resolve_secret(const struct conf *conf, struct secret *secret, struct arena *arena)
{
	PASS(resolve_text(conf, &secret->hidden, arena));
	if (secret->hidden)
		redact_add(secret->hidden);
	return NULL;
}

static struct err *resolve_texts(const struct conf *conf, struct texts *texts, struct arena *arena)
{
	const char **items = arena_alloc(arena, texts->count * sizeof(*items));

	for (size_t i = 0; i < texts->count; i++) {
		items[i] = texts->items[i];
		PASS(resolve_text(conf, &items[i], arena));
	}
	texts->items = items;
	return NULL;
}

static struct err *resolve_secrets(const struct conf *conf, struct texts *texts, struct arena *arena)
{
	PASS(resolve_texts(conf, texts, arena));
	for (size_t i = 0; i < texts->count; i++)
		redact_add(texts->items[i]);
	return NULL;
}

static struct err *resolve_map(const struct conf *conf, const struct json **map, struct arena *arena)
{
	return *map ? refs_resolve_json(conf->folder, *map, arena, map) : NULL;
}

static struct err *resolve_table(
    const struct conf *conf, const struct option *table, char *structure, struct arena *arena);

static struct err *resolve_field(
    const struct conf *conf, const struct option *option, char *structure, struct arena *arena)
{
	void *field = structure + option->offset;

	switch (option->type) {
	case OPT_TEXT:
		return resolve_text(conf, field, arena);
	case OPT_PATH:
		return resolve_path(conf, field, arena);
	case OPT_SECRET:
		return resolve_secret(conf, field, arena);
	case OPT_TEXTS:
		return resolve_texts(conf, field, arena);
	case OPT_SECRETS:
		return resolve_secrets(conf, field, arena);
	case OPT_LIST:
	case OPT_MAP:
		return resolve_map(conf, field, arena);
	case OPT_GROUP:
		return resolve_table(conf, option->group, structure, arena);
	default: /* names, numbers and choices hold no references */
		return NULL;
	}
}

static struct err *resolve_table(
    const struct conf *conf, const struct option *table, char *structure, struct arena *arena)
{
	for (; table && table->name; table++)
		TRY(resolve_field(conf, table, structure, arena), "'%s'", table->name);
	return NULL;
}

struct err *conf_resolve(const struct conf *conf, const struct option *table, const void *options,
    size_t size, struct arena *arena, const void **out_options)
{
	char *copy = arena_alloc(arena, size);

	if (size)
		memcpy(copy, options, size);
	PASS(resolve_table(conf, table, copy, arena));
	*out_options = copy;
	return NULL;
}

struct err *conf_resolve_text(
    const struct conf *conf, const char *text, struct arena *arena, const char **out_text)
{
	return refs_resolve(conf->folder, text, arena, out_text);
}

struct err *conf_resolve_texts(
    const struct conf *conf, const struct texts *texts, struct arena *arena, struct texts *out_texts)
{
	const char **items = arena_alloc(arena, (texts->count + 1) * sizeof(*items));

	for (size_t i = 0; i < texts->count; i++)
		PASS(conf_resolve_text(conf, texts->items[i], arena, &items[i]));
	*out_texts = (struct texts){items, texts->count};
	return NULL;
}

struct err *conf_resolve_json(
    const struct conf *conf, const struct json *value, struct arena *arena, const struct json **out_value)
{
	return refs_resolve_json(conf->folder, value, arena, out_value);
}
