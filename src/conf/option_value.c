/* SPDX-License-Identifier: MIT */
/* The types of option values: each reads a node into its field, or says what was expected. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bmad/time.h>

#include "base/text.h"
#include "conf/options.h"
#include "conf/path.h"
#include "conf/refs.h"

/* JSON objects find their members by walking: a mapping that is kept as JSON stays small. */
#define MAP_KEYS_MAX  1000
#define MAP_NODES_MAX 100000

#define SHOWN 80 /* bytes of a wrong value that a message repeats */

typedef bool value_reader(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field);

static bool refuse(struct option_reader *reader, const struct option *option, const struct node *value)
{
	const char *expected = option_expects(option, &reader->problems->arena);

	bool secret = option->type == OPT_SECRET || option->type == OPT_SECRETS;

	if (value->kind == NODE_TEXT && !node_is_null(value) && !secret)
		option_problem(reader, node_place(value), option->name, "expected %s, not '%.*s'", expected,
		    SHOWN, value->text);
	else
		option_problem(reader, node_place(value), option->name, "expected %s, not %s", expected,
		    node_describe(value));
	return false;
}

static bool refuse_range(struct option_reader *reader, const struct option *option, const struct node *value)
{
	option_problem(reader, node_place(value), option->name, "'%.*s' is out of range: expected %s", SHOWN,
	    value->text, option_expects(option, &reader->problems->arena));
	return false;
}

/* -- texts and their references -------------------------------------------------------------------- */

struct found {
	struct option_reader *reader;
	struct conf_place place;
	size_t count;
};

static void note_reference(void *arg, const char *reference)
{
	struct found *found = arg;
	struct option_reader *reader = found->reader;

	found->count++;
	mem_grow(reader->references, reader->reference_count, reader->reference_capacity);
	reader->references[reader->reference_count++] = (struct conf_reference){
	    .place = found->place,
	    .text = arena_copy(reader->arena, reference),
	    .owner = arena_copy(reader->arena, option_where(reader)),
	    .now = reader->use == REFERENCES_NOW,
	};
}

static bool tell(
    struct option_reader *reader, const struct option *option, struct conf_place place, struct err *e)
{
	if (!e)
		return true;
	option_problem(reader, place, option->name, "%s", err_message(e));
	err_destroy(e);
	return false;
}

/* Checks and notes the references of TEXT. */
static bool scan(struct option_reader *reader, const struct option *option, const char *text,
    struct conf_place place, size_t *out_count)
{
	struct found found = {.reader = reader, .place = place};
	bool good = tell(reader, option, place, refs_scan(text, note_reference, &found));

	*out_count = found.count;
	return good;
}

/* The text as it is to be kept: copied, and resolved if that is to be now. */
static bool take_text(struct option_reader *reader, const struct option *option, const struct node *value,
    const char **out_text)
{
	size_t count = 0;

	if (!refs_any(value->text)) {
		*out_text = arena_copy_n(reader->arena, value->text, value->count);
		return true;
	}
	if (reader->use == REFERENCES_NONE) {
		option_problem(reader, node_place(value), option->name,
		    "a reference '${...}' is not possible here, only in options, vars, sources and channels");
		return false;
	}
	if (!scan(reader, option, value->text, node_place(value), &count))
		return false;
	if (reader->use == REFERENCES_NOW)
		return tell(reader, option, node_place(value),
		    refs_resolve(reader->folder, value->text, reader->arena, out_text));
	*out_text = arena_copy_n(reader->arena, value->text, value->count);
	return true;
}

static bool read_text(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	if (value->kind != NODE_TEXT)
		return refuse(reader, option, value);
	return take_text(reader, option, value, field);
}

static bool read_path(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	const char *path;

	if (value->kind != NODE_TEXT || !*value->text)
		return refuse(reader, option, value);
	if (!take_text(reader, option, value, &path))
		return false;
	*(const char **)field = conf_path(reader->folder, path, reader->arena);
	return true;
}

static bool read_secret(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	struct secret *secret = field;

	if (value->kind != NODE_TEXT)
		return refuse(reader, option, value);
	if (value->line && !refs_any(value->text) && *value->text && !reader->secret_place.file)
		reader->secret_place = node_place(value);
	return take_text(reader, option, value, &secret->hidden);
}

/* -- scalars --------------------------------------------------------------------------------------- */

static bool read_bool(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
	    {"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}};

	for (size_t i = 0; value->kind == NODE_TEXT && i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(value->text, words[i].word)) {
			*(bool *)field = words[i].value;
			return true;
		}
	return refuse(reader, option, value);
}

static bool in_range(const struct option *option, int64_t value)
{
	return value >= option->min && (!option->max || value <= option->max);
}

/* Decimal, whatever zeros it begins with: 012 is twelve. */
static bool parse_int(const char *text, int64_t *out)
{
	const char *digits = text + (*text == '-');
	char *end;

	if (!*digits || digits[strspn(digits, "0123456789")])
		return false;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0;
}

static bool read_int(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	int64_t number;

	if (value->kind != NODE_TEXT || !parse_int(value->text, &number))
		return refuse(reader, option, value);
	if (!in_range(option, number))
		return refuse_range(reader, option, value);
	*(int64_t *)field = number;
	return true;
}

/* Thousands, not 1024: what providers call 10 MB is at least that. */
static bool parse_size(const char *text, int64_t *out_bytes)
{
	static const char units[] = "kmg";
	size_t length = strlen(text);
	const char *unit = length ? strchr(units, tolower((unsigned char)text[length - 1])) : NULL;
	cleanup(free_text) char *digits = mem_copy_n(text, unit ? length - 1 : length);

	if (!parse_int(digits, out_bytes))
		return false;
	for (const char *step = units; unit && step <= unit; step++)
		if (__builtin_mul_overflow(*out_bytes, INT64_C(1000), out_bytes))
			return false;
	return true;
}

static bool read_size(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	int64_t bytes;

	if (value->kind != NODE_TEXT || !parse_size(value->text, &bytes))
		return refuse(reader, option, value);
	if (!in_range(option, bytes))
		return refuse_range(reader, option, value);
	*(int64_t *)field = bytes;
	return true;
}

static bool parse_duration(const char *text, int64_t *out_ms)
{
	struct err *e = duration_parse_ms(text, out_ms);

	if (e && !strcmp(text, "0")) { /* the one number that needs no unit */
		*out_ms = 0;
		err_ignore(e);
		return true;
	}
	err_ignore(e);
	return !e;
}

static bool read_duration(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	int64_t ms;

	if (value->kind != NODE_TEXT || !parse_duration(value->text, &ms))
		return refuse(reader, option, value);
	if (!in_range(option, ms))
		return refuse_range(reader, option, value);
	*(int64_t *)field = ms;
	return true;
}

static bool read_choice(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	if (value->kind != NODE_TEXT || node_is_null(value))
		return refuse(reader, option, value);
	for (int i = 0; option->choices[i]; i++)
		if (!strcmp(option->choices[i], value->text)) {
			*(int *)field = i;
			return true;
		}
	option_problem(reader, node_place(value), option->name, "expected %s, not '%.*s'%s",
	    option_expects(option, &reader->problems->arena), SHOWN, value->text,
	    option_near(reader, value->text, option->choices));
	return false;
}

/* -- names of other entries ------------------------------------------------------------------------ */

static const struct option_section *find_section(const struct option_reader *reader, const char *name)
{
	const struct option_section *section = reader->sections;

	while (section && section->name && strcmp(section->name, name) != 0)
		section++;
	return section && section->name ? section : NULL;
}

static bool read_name(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	const struct option_section *section = find_section(reader, option->section);

	if (value->kind != NODE_TEXT || node_is_null(value))
		return refuse(reader, option, value);
	if (section && !names_has(section->names, value->text)) {
		option_problem(reader, node_place(value), option->name, "there is no %s '%.*s'%s",
		    section->entry, SHOWN, value->text, option_near_in(reader, value->text, section->names));
		return false;
	}
	*(const char **)field = arena_copy_n(reader->arena, value->text, value->count);
	return true;
}

/* -- lists ----------------------------------------------------------------------------------------- */

/* Items read one by one, each of SIZE bytes, as READ reads one; a single value is a list of one. */
static bool read_items(struct option_reader *reader, const struct option *option, const struct node *value,
    value_reader *read, size_t size, void *out_items, size_t *out_count)
{
	const struct node *const *items = value->kind == NODE_LIST ? value->items : &value;
	size_t count = value->kind == NODE_LIST ? value->count : 1;
	char *fields = arena_alloc(reader->arena, count * size);
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		if (items[i]->kind != NODE_TEXT || node_is_null(items[i]))
			good = refuse(reader, option, items[i]);
		else
			good &= read(reader, option, items[i], fields + i * size);
	}
	if (!good)
		return false;
	memcpy(out_items, &fields, sizeof(fields));
	*out_count = count;
	return true;
}

static bool read_list(struct option_reader *reader, const struct option *option, const struct node *value,
    value_reader *read, void *field)
{
	struct texts *texts = field;

	return read_items(reader, option, value, read, sizeof(*texts->items), &texts->items, &texts->count);
}

static bool read_texts(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	return read_list(reader, option, value, read_text, field);
}

static bool read_secrets(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	_Static_assert(
	    sizeof(struct secret) == sizeof(const char *), "secrets are read into a list of texts");
	return read_list(reader, option, value, read_secret, field);
}

/* One whole number, kept as the decimal text of it. */
static bool read_int_text(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	int64_t number = 0;

	if (!read_int(reader, option, value, &number))
		return false;
	*(const char **)field = arena_format(reader->arena, "%lld", (long long)number);
	return true;
}

static bool read_ints(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	return read_list(reader, option, value, read_int_text, field);
}

static bool read_names(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	struct texts texts = {0};
	struct names seen = {0};
	bool good = read_list(reader, option, value, read_name, &texts);

	for (size_t i = 0; good && i < texts.count; i++)
		if (!names_add(&seen, texts.items[i], i)) {
			const struct node *again = value->items[i]; /* one alone is never there twice */

			option_problem(
			    reader, node_place(again), option->name, "'%s' is named twice", again->text);
			good = false;
		}
	names_done(&seen);
	if (good)
		*(struct texts *)field = texts;
	return good;
}

/* "4/s", "60/30s": the unit alone stands for one of it. */
static bool parse_rate(const char *text, size_t length, struct rate *out)
{
	cleanup(free_text) char *copy = mem_copy_n(text, length);
	char *window = strchr(copy, '/');
	struct rate rate;

	if (!window)
		return false;
	*window++ = '\0';
	cleanup(free_text) char *one = mem_format("%s%s", strchr("smhd", *window) ? "1" : "", window);
	if (!*window || !parse_int(copy, &rate.count) || !parse_duration(one, &rate.window_ms))
		return false;
	if (rate.count < 1 || rate.count > 1000000 || rate.window_ms < 1)
		return false;
	*out = rate;
	return true;
}

static bool read_rate(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	if (parse_rate(value->text, value->count, field))
		return true;
	return refuse(reader, option, value);
}

/* Several rates as one text, "4/s, 60/30s", as a list of texts. */
static const struct node *split_rates(struct arena *arena, const struct node *value)
{
	struct node *list = arena_alloc(arena, sizeof(*list));
	const struct node **items = arena_alloc(arena, (value->count / 2 + 1) * sizeof(*items));
	const char *at = value->text;

	*list = (struct node){.kind = NODE_LIST,
	    .file = value->file,
	    .line = value->line,
	    .column = value->column,
	    .items = items};
	while (list->count <= value->count / 2) {
		size_t length = strcspn(at, ",");
		struct node *item = arena_alloc(arena, sizeof(*item));

		*item = *value;
		item->text = arena_copy_n(arena, at, length);
		item->count = (uint32_t)length;
		items[list->count++] = item;
		if (!at[length])
			break;
		at += length + 1;
		at += strspn(at, " ");
	}
	return list;
}

static bool read_rates(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	struct rates *rates = field;

	if (value->kind == NODE_TEXT && strchr(value->text, ','))
		value = split_rates(reader->arena, value);
	return read_items(
	    reader, option, value, read_rate, sizeof(*rates->items), &rates->items, &rates->count);
}

/* -- mappings and lists kept as they are ------------------------------------------------------------ */

static void destroy_json(void *value)
{
	json_destroy(value);
}

/* Looks through all that is in NODE: its size, and the references of its texts. */
static bool check_map(
    struct option_reader *reader, const struct option *option, const struct node *node, size_t *budget)
{
	size_t count;
	bool good = true;

	if (!*budget || (node->kind == NODE_MAPPING && node->count > MAP_KEYS_MAX)) {
		option_problem(reader, node_place(node), option->name, "more than %d keys or %d values",
		    MAP_KEYS_MAX, MAP_NODES_MAX);
		return false;
	}
	--*budget;
	if (node->kind == NODE_TEXT)
		return !refs_any(node->text) || scan(reader, option, node->text, node_place(node), &count);
	for (uint32_t i = 0; good && i < node->count; i++)
		good = check_map(
		    reader, option, node->kind == NODE_LIST ? node->items[i] : node->pairs[i].value, budget);
	return good;
}

static bool read_json(struct option_reader *reader, const struct option *option, const struct node *value,
    struct json *(*make)(const struct node *node), void *field)
{
	enum reference_use use = reader->use;
	size_t budget = MAP_NODES_MAX;

	reader->use = REFERENCES_LATER; /* nobody uses what is in it but a run */
	bool good = check_map(reader, option, value, &budget);
	reader->use = use;
	if (!good)
		return false;
	struct json *json = make(value);
	arena_defer(reader->arena, destroy_json, json);
	*(const struct json **)field = json;
	return true;
}

static bool read_map(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	if (value->kind != NODE_MAPPING)
		return refuse(reader, option, value);
	return read_json(reader, option, value, node_json, field);
}

static bool read_whole_list(
    struct option_reader *reader, const struct option *option, const struct node *value, void *field)
{
	if (value->kind != NODE_LIST)
		return refuse(reader, option, value);
	return read_json(reader, option, value, node_json_texts, field);
}

/* -- the table of types ---------------------------------------------------------------------------- */

static value_reader *const readers[] = {
    [OPT_TEXT] = read_text,
    [OPT_PATH] = read_path,
    [OPT_SECRET] = read_secret,
    [OPT_BOOL] = read_bool,
    [OPT_INT] = read_int,
    [OPT_DURATION] = read_duration,
    [OPT_SIZE] = read_size,
    [OPT_CHOICE] = read_choice,
    [OPT_TEXTS] = read_texts,
    [OPT_SECRETS] = read_secrets,
    [OPT_INTS] = read_ints,
    [OPT_NAME] = read_name,
    [OPT_NAMES] = read_names,
    [OPT_RATES] = read_rates,
    [OPT_LIST] = read_whole_list,
    [OPT_MAP] = read_map,
};

bool option_read(
    struct option_reader *reader, const struct option *option, const struct node *value, void *out)
{
	return readers[option->type](reader, option, value, (char *)out + option->offset);
}
