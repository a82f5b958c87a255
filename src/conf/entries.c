/* SPDX-License-Identifier: MIT */
/* Entries and what they are like: copies of copies, down to one that is like nothing. */
#include "conf/entries.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/merge.h"
#include "conf/names.h"
#include "conf/yaml.h"

/* clang-format off */
const struct option conf_reuse_options[] = {
    {.name = "like", .type = OPT_TEXT,
        .help = "it begins as a copy of this entry of the same section; its own keys are laid over that"},
    {.name = "each", .type = OPT_MAP,
        .help = "makes an entry for each value of a list, for which ${each:KEY} stands; several: each combination"},
    OPTION_END,
};
/* clang-format on */

/* An entry of the file and what has become of it. */
struct raw {
	const struct node *key, *own;
	const struct node *settled; /* with `like` carried out; NULL: cannot be told */
	const struct raw *base;     /* while it is being looked at: what it is like */
	enum { RAW_NEW, RAW_OPEN, RAW_SETTLED } state;
};

struct copier {
	struct entry_maker *maker;
	const struct entry_kind *kind;
	struct raw *raws;
	size_t count;
	struct names names; /* number: index in `raws` */
};

/* `[A-Za-z0-9][A-Za-z0-9_.-]{0,63}` */
static bool is_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t length = strlen(name);

	return length >= 1 && length <= 64 && !strchr("_.-", *name) && strspn(name, letters) == length;
}

void entries_check_name(
    struct entry_maker *maker, const struct entry_kind *kind, const char *name, struct conf_place place)
{
	if (!is_name(name))
		conf_problem(maker->problems, PROBLEM_ERROR, place,
		    "'%.100s' is no name for a %s: letters, digits, '_', '.' and '-', at most 64, "
		    "a letter or digit first",
		    name, kind->name);
}

void entries_add(
    struct entries *entries, const char *name, struct conf_place place, const struct node *mapping)
{
	mem_grow(entries->items, entries->count, entries->capacity);
	entries->items[entries->count++] = (struct entry){.name = name, .place = place, .mapping = mapping};
}

void entries_done(struct entries *entries)
{
	free(entries->items);
	*entries = (struct entries){0};
}

bool entries_count(struct entry_maker *maker, const struct node *node, size_t count, struct conf_place place)
{
	if (maker->made > YAML_NODES_MAX)
		return false;
	size_t room = YAML_NODES_MAX - maker->made;
	size_t weight = node_weight(node, room + 1);
	bool fits = weight <= room / (count ? count : 1);

	maker->made = fits ? maker->made + weight * count : YAML_NODES_MAX + 1;
	if (!fits)
		conf_problem(maker->problems, PROBLEM_ERROR, place,
		    "more than %d values when all that `like` and `each` ask for is made", YAML_NODES_MAX);
	return fits;
}

/* A bare text as the mapping that it stands for. */
static const struct node *as_mapping(const struct copier *copier, const struct node *value)
{
	struct arena *arena = copier->maker->arena;

	if (!copier->kind->bare || value->kind != NODE_TEXT || node_is_null(value))
		return value;
	struct node *mapping = arena_alloc(arena, sizeof(*mapping));
	struct node_pair *pair = arena_alloc(arena, sizeof(*pair));
	*mapping = (struct node){.kind = NODE_MAPPING,
	    .file = value->file,
	    .line = value->line,
	    .column = value->column,
	    .count = 1,
	    .pairs = pair};
	*pair = (struct node_pair){.key = node_text(arena, value->file, copier->kind->bare), .value = value};
	return mapping;
}

static void refuse_circle(struct copier *copier, const struct raw *first, const struct node *like)
{
	cleanup(buf_done) struct buf chain = {0};
	const struct raw *raw = first;

	do {
		buf_format(&chain, "%.64s -> ", raw->key->text);
		raw = raw->base;
	} while (raw != first && chain.length < 1000);
	buf_format(&chain, "%s%.64s", raw == first ? "" : "... -> ", first->key->text);
	conf_problem(copier->maker->problems, PROBLEM_ERROR, node_place(like),
	    "'like' goes round in a circle: %s", buf_text(&chain));
}

/* What RAW is like; NULL with a problem if there is no such entry. */
static struct raw *find_base(struct copier *copier, const struct raw *raw, const struct node *like)
{
	struct entry_maker *maker = copier->maker;
	size_t index;

	if (like->kind != NODE_TEXT) {
		conf_problem(maker->problems, PROBLEM_ERROR, node_place(like),
		    "'like' in %s '%.100s': expected the name of another %s, not %s", copier->kind->name,
		    raw->key->text, copier->kind->name, node_describe(like));
		return NULL;
	}
	if (names_find(&copier->names, like->text, &index))
		return &copier->raws[index];
	const char *near = names_near(&copier->names, like->text);
	conf_problem(maker->problems, PROBLEM_ERROR, node_place(like),
	    "'like' in %s '%.100s': there is no %s '%.100s' to copy%s%s%s", copier->kind->name,
	    raw->key->text, copier->kind->name, like->text, near ? "; did you mean '" : "", near ? near : "",
	    near ? "'?" : "");
	return NULL;
}

/* Finds what RAW is like and marks it; true if that must be settled before RAW. */
static bool open_raw(struct copier *copier, struct raw *raw, struct raw **out_base)
{
	const struct node *like = node_find(raw->own, "like");
	struct raw *base = like && !node_is_null(like) ? find_base(copier, raw, like) : NULL;

	raw->state = RAW_OPEN;
	raw->base = base;
	*out_base = base;
	if (base && base->state == RAW_OPEN)
		refuse_circle(copier, base, like);
	return base && base->state == RAW_NEW;
}

static void settle_raw(struct copier *copier, struct raw *raw)
{
	struct entry_maker *maker = copier->maker;
	const struct node *like = node_find(raw->own, "like");
	const struct node *base = raw->base && raw->base->state == RAW_SETTLED ? raw->base->settled : NULL;

	raw->state = RAW_SETTLED;
	if (!like || node_is_null(like))
		raw->settled = like ? node_without(maker->arena, raw->own, "like") : raw->own;
	else if (base && entries_count(maker, base, 1, node_place(raw->key)))
		raw->settled = node_without(maker->arena, node_merge(maker->arena, base, raw->own), "like");
}

/* Chains are as long as the section at most: followed by hand, not by recursion. */
static void settle_chain(struct copier *copier, struct raw *raw, struct raw **chain)
{
	size_t depth = 0;
	struct raw *base;

	if (raw->state != RAW_NEW)
		return;
	for (chain[depth++] = raw; open_raw(copier, chain[depth - 1], &base); depth++)
		chain[depth] = base;
	while (depth)
		settle_raw(copier, chain[--depth]);
}

static void settle_all(struct copier *copier)
{
	struct raw **chain = mem_alloc((copier->count + 1) * sizeof(struct raw *));

	for (size_t i = 0; i < copier->count; i++)
		settle_chain(copier, &copier->raws[i], chain);
	free(chain);
}

/* Adds what the settled RAW makes: nothing if it exists only to be copied. */
static void add_raw(struct copier *copier, const struct raw *raw, struct entries *out)
{
	const struct node *key = raw->key;

	if (*key->text == '.')
		entries_check_name(copier->maker, copier->kind, key->text + 1, node_place(key));
	else
		entries_add_each(copier->maker, copier->kind, key, raw->settled, out);
}

void entries_make(
    struct entry_maker *maker, const struct entry_kind *kind, const struct node *section, struct entries *out)
{
	size_t count = section ? section->count : 0;
	struct copier copier = {.maker = maker, .kind = kind, .count = count};

	copier.raws = mem_alloc((count + 1) * sizeof(*copier.raws));
	for (size_t i = 0; i < count; i++) {
		struct raw *raw = &copier.raws[i];

		raw->key = section->pairs[i].key;
		raw->own = as_mapping(&copier, section->pairs[i].value);
		names_add(&copier.names, raw->key->text, i);
	}
	settle_all(&copier);
	for (size_t i = 0; i < count; i++)
		add_raw(&copier, &copier.raws[i], out);
	names_done(&copier.names);
	free(copier.raws);
}
