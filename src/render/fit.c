/* SPDX-License-Identifier: MIT */
/* Shortening bodies of JSON. */
#include "render/fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "render/left_out.h"

#define TEXT_LEAST 24  /* a text is not made shorter than this to make room for others */
#define ROUNDS_MAX 500 /* each takes something away: more are a fault of ours, not of the data */
#define LISTS_MAX  64
#define CELL_MAX   20000 /* bytes of one text in the data */

/* A list that has lost rows; its last item tells of them. */
struct trimmed {
	const struct json *list;
	size_t lost;
	size_t before; /* of them, when the body was shortened an earlier time */
};

struct fitting {
	struct json *root;
	const struct type_limits *limits;
	enum unit unit; /* of weights */
	struct trimmed trimmed[LISTS_MAX];
	size_t count;
	size_t lines; /* left out of texts */
};

/* -- rows ------------------------------------------------------------------------------------------ */

static struct trimmed *trimmed_of(struct fitting *fitting, const struct json *list)
{
	for (size_t i = 0; i < fitting->count; i++)
		if (fitting->trimmed[i].list == list)
			return &fitting->trimmed[i];
	if (fitting->count == LISTS_MAX)
		return NULL;
	size_t before = left_out_before(list);
	fitting->trimmed[fitting->count] = (struct trimmed){list, before, before};
	return &fitting->trimmed[fitting->count++];
}

/* Leaves the first KEEP items, and tells of the others in one more. */
static bool trim(struct fitting *fitting, const struct json *list, size_t keep)
{
	struct json *array = json_own(fitting->root, list);
	struct trimmed *trimmed = trimmed_of(fitting, list);
	size_t length = json_length(list);

	if (!trimmed)
		return false;
	if (trimmed->lost) { /* its last item is the marker */
		json_drop_last(array, 1);
		length--;
	}
	if (keep > length)
		keep = length;
	trimmed->lost += length - keep;
	json_drop_last(array, length - keep);
	struct json *told = left_out_row(list, json_first(list), trimmed->lost);
	if (told)
		json_add(array, told);
	return true;
}

/* A list whose items are no rows: one less would leave the others without sense. */
static bool is_fixed(const struct json *list)
{
	static const char *const keys[] = {"cells", "columns", "parse", "users", "roles", "entities"};
	const char *key = json_key(list);

	for (size_t i = 0; key && i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return json_get(json_first(list), "contentType") != NULL; /* the attachments of a message of Teams */
}

/* -- weights -------------------------------------------------------------------------------------------- */

/* As it is printed. */
static size_t text_weight(const char *text, enum unit unit)
{
	size_t weight = text_units(text, unit);

	for (; unit == UNIT_BYTES && *text; text++)
		weight += *text == '"' || *text == '\\' || *text == '\n' ? 1
		          : (unsigned char)*text < ' '                   ? 5
		                                                         : 0;
	return weight;
}

/* What is no text to be read; shortened it would be wrong, not short. */
static bool is_name(const struct json *value)
{
	static const char *const keys[] = {"type", "url", "id", "contentType", "$schema", "version",
	    "title_link", "image_url", "thumb_url", "color", "style", "dedup_key"};
	const char *key = json_key(value);

	for (size_t i = 0; key && i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static size_t weigh(const struct json *value, enum unit unit)
{
	const char *text = json_text(value);
	size_t weight = 0;

	if (text)
		return text_weight(text, unit) + (unit == UNIT_BYTES ? 2 : 0);
	json_each(part, value) {
		weight += weigh(part, unit);
		if (unit == UNIT_BYTES)
			weight += 2 + (json_key(part) ? strlen(json_key(part)) + 3 : 0);
	}
	return weight + (unit == UNIT_BYTES ? 2 : 0);
}

static const struct json *heaviest(const struct json *container, enum unit unit, size_t *out_weight)
{
	const struct json *found = NULL;

	*out_weight = 0;
	json_each(part, container) {
		size_t weight = is_name(part) ? 0 : weigh(part, unit);

		if (weight > *out_weight) {
			*out_weight = weight;
			found = part;
		}
	}
	return found;
}

/* -- taking away ---------------------------------------------------------------------------------------- */

static bool shrink_text(struct fitting *fitting, const struct json *value, size_t over)
{
	const char *text = json_text(value);
	size_t weight = text_weight(text, fitting->unit), units = text_units(text, fitting->unit), left_out;
	/* Escapes are taken to be spread evenly; where they are not, the next round sees it. */
	double share = weight > over ? (double)(weight - over) / (double)weight : 0;
	size_t most = (size_t)((double)units * share);

	if (units <= TEXT_LEAST)
		return false;
	most = most < TEXT_LEAST ? TEXT_LEAST : most >= units ? units - 1 : most;
	cleanup(free_text) char *shorter =
	    shorten(text, most, fitting->unit, fitting->limits->dots, &left_out);
	fitting->lines += left_out;
	json_change_text(json_own(fitting->root, value), shorter);
	return true;
}

/* Drops from the end what makes up for OVER, the first item never. */
static bool shrink_list(struct fitting *fitting, const struct json *list, size_t over)
{
	size_t length = json_length(list), keep = 0, kept = 0, whole = weigh(list, fitting->unit);
	struct trimmed *trimmed = trimmed_of(fitting, list);
	size_t rows = length - (trimmed && trimmed->lost ? 1 : 0);

	if (rows < 2)
		return false;
	json_each(item, list) {
		kept += weigh(item, fitting->unit);
		if (keep && (keep + 1 >= rows || kept + over > whole))
			break;
		keep++;
	}
	return trim(fitting, list, keep);
}

/*
 * Follows the weight down: to a text, or to a list of which no single item is the most of it. A list that has
 * nothing left to lose is followed further.
 */
static bool shrink(struct fitting *fitting, const struct json *value, size_t over)
{
	size_t weight = 0;
	const struct json *part;

	if (json_text(value))
		return shrink_text(fitting, value, over);
	part = heaviest(value, fitting->unit, &weight);
	if (!part)
		return false;
	if (json_is(value, JSON_ARRAY) && !is_fixed(value) && 2 * weight < weigh(value, fitting->unit) &&
	    shrink_list(fitting, value, over))
		return true;
	return shrink(fitting, part, over) ||
	       (json_is(value, JSON_ARRAY) && !is_fixed(value) && shrink_list(fitting, value, over));
}

/* -- limits --------------------------------------------------------------------------------------------- */

static bool apply(
    struct fitting *fitting, const struct limit *limit, const struct json *value, const char *type);

/* VALUE is what the path up to REST led to. */
static bool follow(struct fitting *fitting, const struct limit *limit, const struct json *value,
    const char *rest, const char *type)
{
	size_t length = strcspn(rest, ".");
	bool good = true;

	if (!*rest)
		return apply(fitting, limit, value, type);
	const char *next = rest + length + (rest[length] == '.');
	if (*rest != '*') {
		cleanup(free_text) char *key = mem_copy_n(rest, length);

		return follow(fitting, limit, json_get(value, key), next, type);
	}
	json_each(item, value)
		good = follow(fitting, limit, item, next, json_text(json_get(item, "type"))) && good;
	return good;
}

static bool apply_sum(struct fitting *fitting, const struct limit *limit, const struct json *value)
{
	for (size_t round = 0; round < ROUNDS_MAX; round++) {
		size_t sum = weigh(value, UNIT_UTF16);

		if (sum <= limit->most)
			return true;
		fitting->unit = UNIT_UTF16;
		if (!shrink(fitting, value, sum - limit->most))
			return false;
	}
	return false;
}

static void apply_text(struct fitting *fitting, const struct limit *limit, const struct json *value)
{
	const char *text = json_text(value);
	size_t left_out;

	if (!text || text_units(text, UNIT_UTF16) <= limit->most)
		return;
	cleanup(free_text) char *shorter =
	    shorten(text, limit->most, UNIT_UTF16, fitting->limits->dots, &left_out);
	fitting->lines += left_out;
	json_change_text(json_own(fitting->root, value), shorter);
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

static bool apply(
    struct fitting *fitting, const struct limit *limit, const struct json *value, const char *type)
{
	if (!value || (limit->only && !text_equal(limit->only, type)))
		return true;
	switch (limit->kind) {
	case LIMIT_TEXT:
		apply_text(fitting, limit, value);
		return true;
	case LIMIT_FILLED:
		if (json_text(value) && is_blank(json_text(value)))
			json_change_text(json_own(fitting->root, value), "-");
		return true;
	case LIMIT_ITEMS:
		return !json_is(value, JSON_ARRAY) || json_length(value) <= limit->most ||
		       trim(fitting, value, limit->most - 1);
	case LIMIT_SUM:
		return apply_sum(fitting, limit, value);
	case LIMIT_DROP:
		break;
	}
	return true;
}

/* -- the whole ------------------------------------------------------------------------------------------ */

static size_t printed_length(const struct json *root)
{
	cleanup(free_text) char *printed = json_print(root);

	return strlen(printed);
}

/* `payload.custom_details`: whole members that are given up first. */
static void give_up(struct fitting *fitting)
{
	for (const struct limit *limit = fitting->limits->limits; limit && limit->path; limit++) {
		const char *dot = strrchr(limit->path, '.');

		if (limit->kind != LIMIT_DROP || !dot)
			continue;
		cleanup(free_text) char *parent = mem_copy_n(limit->path, (size_t)(dot - limit->path));
		const struct json *around = json_get(fitting->root, parent);

		if (!json_get(around, dot + 1))
			continue;
		json_remove(json_own(fitting->root, around), dot + 1);
		fitting->lines++;
	}
}

static bool fit_bytes(struct fitting *fitting)
{
	size_t most = fitting->limits->bytes, length;

	if (!most || printed_length(fitting->root) <= most)
		return true;
	give_up(fitting);
	fitting->unit = UNIT_BYTES;
	for (size_t round = 0; round < ROUNDS_MAX; round++) {
		length = printed_length(fitting->root);
		if (length <= most)
			return true;
		if (!shrink(fitting, fitting->root, length - most))
			return false;
	}
	return false;
}

static bool has_long(const struct json *value)
{
	const char *text = json_text(value);

	if (text)
		return strlen(text) > CELL_MAX;
	json_each(part, value) {
		if (has_long(part))
			return true;
	}
	return false;
}

static void clip(struct json *root, const struct json *value, const char *dots)
{
	const char *text = json_text(value);

	if (text && strlen(text) > CELL_MAX) {
		cleanup(free_text) char *clipped =
		    mem_format("%.*s%s", (int)cut_before(text, CELL_MAX), text, dots);

		json_change_text(json_own(root, value), clipped);
	}
	json_each(part, value)
		clip(root, part, dots);
}

struct json *fit_data(const struct json *data, const struct type_limits *limits)
{
	if ((!limits->bytes && !limits->units && !limits->limits) || !has_long(data))
		return NULL;
	struct json *copy = json_copy(data);
	clip(copy, copy, limits->dots);
	return copy;
}

bool fit_json(struct json *root, const struct type_limits *limits, size_t *left_out)
{
	struct fitting fitting = {.root = root, .limits = limits};
	bool good = true;

	for (const struct limit *limit = limits->limits; limit && limit->path; limit++)
		good = follow(&fitting, limit, root, limit->path, NULL) && good;
	good = fit_bytes(&fitting) && good;
	*left_out += fitting.lines;
	for (size_t i = 0; i < fitting.count; i++)
		*left_out += fitting.trimmed[i].lost - fitting.trimmed[i].before;
	return good;
}

char *fit_again(const char *type, const char *body, size_t length, size_t most, size_t *left_out)
{
	struct type_limits limits = *limits_of(type);
	struct json *root = NULL;
	char *shorter = NULL;

	if (!limits.bytes && !limits.limits)
		return NULL;
	limits.bytes = most;
	err_ignore(json_parse(body, length, &root));
	if (root && fit_json(root, &limits, left_out))
		shorter = json_print(root);
	json_destroy(root);
	return shorter;
}
