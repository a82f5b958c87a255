/* SPDX-License-Identifier: MIT */
/* `each`: one entry for each combination of values, `${each:KEY}` standing for them in its name and texts. */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "conf/entries.h"
#include "conf/merge.h"

static const char opening[] = "${each:";
#define OPENING_LENGTH (sizeof(opening) - 1)

#define KEYS_MAX 16

/* The values of one entry's `each` and where in them its next combination stands. */
struct combination {
	struct entry_maker *maker;
	const struct entry_kind *kind;
	const struct node *key;    /* of the entry */
	const struct node *values; /* key -> list; NULL: the entry has no `each` */
	size_t at[KEYS_MAX];
	bool first; /* what is wrong with the entry's texts is told once, not for each combination */
};

static void problem(struct combination *each, const struct node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(struct combination *each, const struct node *at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	conf_problem(each->maker->problems, PROBLEM_ERROR, node_place(at), "'each' in %s '%.100s': %s",
	    each->kind->name, each->key->text, text);
}

/* -- texts ----------------------------------------------------------------------------------------- */

static const char *value_of(const struct combination *each, const char *name, size_t length)
{
	for (uint32_t i = 0; each->values && i < each->values->count; i++) {
		const struct node_pair *pair = &each->values->pairs[i];

		if (pair->key->count == length && !memcmp(pair->key->text, name, length))
			return pair->value->items[each->at[i]]->text;
	}
	return NULL;
}

static void refuse_name(struct combination *each, const struct node *text, const char *name)
{
	const char *names[KEYS_MAX + 1] = {0};

	if (!each->first)
		return;
	for (uint32_t i = 0; each->values && i < each->values->count; i++)
		names[i] = each->values->pairs[i].key->text;
	const char *near = near_name(name, names);
	problem(each, text, "there is no key '%.100s' for ${each:%.100s}%s%s%s", name, name,
	    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Adds what the reference at AT stands for; what follows it is returned. */
static const char *add_value(
    struct combination *each, const struct node *text, const char *at, struct buf *out)
{
	const char *name = at + OPENING_LENGTH;
	size_t length = strcspn(name, "}");
	const char *value = value_of(each, name, length);

	if (value) {
		buf_add_text(out, value);
	} else {
		cleanup(free_text) char *unknown = mem_copy_n(name, length);
		refuse_name(each, text, unknown);
	}
	return name + length + (name[length] == '}');
}

/* `$${each:...}` is literal, like every other reference behind a `$`. */
static bool is_reference(const char *text, const char *at)
{
	return at == text || at[-1] != '$';
}

static const char *replace(struct combination *each, const struct node *node)
{
	cleanup(buf_done) struct buf out = {0};
	const char *text = node->text, *at = text, *next;

	for (; (next = strstr(at, opening)); at = next) {
		buf_add(&out, at, (size_t)(next - at));
		if (is_reference(text, next)) {
			next = add_value(each, node, next, &out);
		} else {
			buf_add(&out, next, OPENING_LENGTH);
			next += OPENING_LENGTH;
		}
	}
	buf_add_text(&out, at);
	return arena_copy_n(each->maker->arena, buf_text(&out), out.length);
}

static const struct node *bind_text(struct combination *each, const struct node *text)
{
	if (!strstr(text->text, opening))
		return text;
	struct node *bound = arena_alloc(each->maker->arena, sizeof(*bound));
	*bound = *text;
	bound->text = replace(each, text);
	bound->count = (uint32_t)strlen(bound->text);
	bound->exact = false; /* its bytes no longer stand in the file */
	return bound;
}

static const struct node *bind_values(struct combination *each, const struct node *node);

static const struct node *bind_list(struct combination *each, const struct node *list)
{
	struct arena *arena = each->maker->arena;
	const struct node **items = NULL;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct node *bound = bind_values(each, list->items[i]);

		if (bound == list->items[i])
			continue;
		if (!items)
			items = memcpy(arena_alloc(arena, list->count * sizeof(*items)), list->items,
			    list->count * sizeof(*items));
		items[i] = bound;
	}
	if (!items)
		return list;
	struct node *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *list;
	copy->items = items;
	return copy;
}

static const struct node *bind_mapping(struct combination *each, const struct node *mapping)
{
	struct arena *arena = each->maker->arena;
	struct node_pair *pairs = NULL;

	for (uint32_t i = 0; i < mapping->count; i++) {
		const struct node *bound = bind_values(each, mapping->pairs[i].value);

		if (bound == mapping->pairs[i].value)
			continue;
		if (!pairs)
			pairs = memcpy(arena_alloc(arena, mapping->count * sizeof(*pairs)), mapping->pairs,
			    mapping->count * sizeof(*pairs));
		pairs[i].value = bound;
	}
	if (!pairs)
		return mapping;
	struct node *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *mapping;
	copy->pairs = pairs;
	return copy;
}

/* NODE with all references in its texts replaced; what has none is shared. */
static const struct node *bind_values(struct combination *each, const struct node *node)
{
	if (node->kind == NODE_TEXT)
		return bind_text(each, node);
	return node->kind == NODE_LIST ? bind_list(each, node) : bind_mapping(each, node);
}

/* -- combinations ---------------------------------------------------------------------------------- */

static bool is_text_list(const struct node *list)
{
	if (list->kind != NODE_LIST || !list->count)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i]->kind != NODE_TEXT || node_is_null(list->items[i]))
			return false;
	return true;
}

static bool names_key(const struct combination *each, const char *key)
{
	cleanup(free_text) char *reference = mem_format("%s%s}", opening, key);

	return strstr(each->key->text, reference) != NULL;
}

static bool check_values(struct combination *each, const struct node_pair *pair)
{
	if (!is_text_list(pair->value)) {
		problem(each, pair->value, "expected a list of texts for '%.100s', at least one",
		    pair->key->text);
		return false;
	}
	if (pair->value->count == 1 || names_key(each, pair->key->text))
		return true;
	problem(each, pair->value, "the name must hold ${each:%.100s}, or %u of them would have the same one",
	    pair->key->text, pair->value->count);
	return false;
}

static bool check_each(struct combination *each)
{
	bool good = true;

	if (each->values->kind != NODE_MAPPING || each->values->count > KEYS_MAX) {
		problem(each, each->values, "expected a mapping such as {zone: [Z1, Z2]} of at most %d keys",
		    KEYS_MAX);
		return false;
	}
	for (uint32_t i = 0; i < each->values->count; i++)
		good &= check_values(each, &each->values->pairs[i]);
	return good;
}

/* How many combinations there are; no more than LIMIT are counted. */
static size_t combinations(const struct combination *each, size_t limit)
{
	size_t count = 1;

	for (uint32_t i = 0; each->values && i < each->values->count && count < limit; i++)
		count *= each->values->pairs[i].value->count;
	return count;
}

/* The next combination, the last key running fastest; false behind the last. */
static bool step(struct combination *each)
{
	each->first = false;
	for (uint32_t i = each->values ? each->values->count : 0; i-- > 0;) {
		if (++each->at[i] < each->values->pairs[i].value->count)
			return true;
		each->at[i] = 0;
	}
	return false;
}

#define COMBINATIONS_MAX 1000000

void entries_add_each(struct entry_maker *maker, const struct entry_kind *kind, const struct node *key,
    const struct node *mapping, struct entries *out)
{
	struct combination each = {.maker = maker, .kind = kind, .key = key, .first = true};
	const struct node *values = mapping ? node_find(mapping, "each") : NULL;

	if (values)
		mapping = node_without(maker->arena, mapping, "each");
	if (values && !node_is_null(values)) {
		each.values = values;
		if (!check_each(&each) ||
		    !entries_count(maker, mapping, combinations(&each, COMBINATIONS_MAX), node_place(values)))
			mapping = NULL;
	}
	if (!mapping) { /* it keeps its name, so that others may refer to it */
		entries_add(out, key->text, node_place(key), NULL);
		return;
	}
	do {
		const struct node *name = bind_text(&each, key);

		entries_check_name(maker, kind, name->text, node_place(key));
		entries_add(out, name->text, node_place(key), bind_values(&each, mapping));
	} while (step(&each));
}
