/* SPDX-License-Identifier: MIT */
/* Option tables in words: for messages and for `bmad modules`. */
#include <string.h>

#include <bmad/time.h>

#include "base/columns.h"
#include "conf/options.h"

static const struct {
	const char *label;   /* in tables */
	const char *expects; /* in messages */
} words[] = {
    [OPT_TEXT] = {"text", "a text"},
    [OPT_PATH] = {"path", "the path of a file"},
    [OPT_SECRET] = {"secret", "a text"},
    [OPT_BOOL] = {"yes or no", "true or false"},
    [OPT_INT] = {"number", "a whole number"},
    [OPT_DURATION] = {"duration", "a duration such as 500ms, 90s, 15m, 1h30m or 7d"},
    [OPT_SIZE] = {"size", "a size such as 500k or 10M"},
    [OPT_CHOICE] = {"one of", "one of"},
    [OPT_TEXTS] = {"list of texts", "a list of texts"},
    [OPT_SECRETS] = {"list of secrets", "a list of texts"},
    [OPT_INTS] = {"list of numbers", "a list of whole numbers"},
    [OPT_NAME] = {"name in", "the name of an entry of"},
    [OPT_NAMES] = {"names in", "a list of names of"},
    [OPT_RATES] = {"rates", "a rate such as 4/s or 60/30s, or a list of such"},
    [OPT_LIST] = {"list", "a list"},
    [OPT_MAP] = {"mapping", "a mapping"},
    [OPT_GROUP] = {"mapping", "a mapping"},
};

static const char *choices_text(const struct option *option, const char *before, struct arena *arena)
{
	const char *text = before;

	for (size_t i = 0; option->choices[i]; i++)
		text = arena_format(arena, "%s%s%s", text, i ? ", " : " ", option->choices[i]);
	return text;
}

/* 100M, not 100000000. */
static const char *size_text(int64_t bytes, struct arena *arena)
{
	static const char *const units[] = {"", "k", "M", "G"};
	size_t unit = 0;

	while (bytes && bytes % 1000 == 0 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		unit++;
	}
	return arena_format(arena, "%lld%s", (long long)bytes, units[unit]);
}

static const char *bound_text(const struct option *option, int64_t bound, struct arena *arena)
{
	char text[TIME_TEXT];

	if (option->type == OPT_SIZE)
		return size_text(bound, arena);
	if (option->type != OPT_DURATION)
		return arena_format(arena, "%lld", (long long)bound);
	if (bound % 1000)
		return arena_format(arena, "%lldms", (long long)bound);
	return arena_copy(arena, duration_format(bound / 1000, text));
}

/* WORDS with the bounds that OPTION sets. */
static const char *range_text(const struct option *option, const char *text, struct arena *arena)
{
	if (!option->max && (!option->min || option->type == OPT_DURATION))
		return text; /* not negative, as one expects */
	if (!option->max)
		return arena_format(arena, "%s, %s or more", text, bound_text(option, option->min, arena));
	return arena_format(arena, "%s from %s to %s", text, bound_text(option, option->min, arena),
	    bound_text(option, option->max, arena));
}

static const char *describe(const struct option *option, const char *text, struct arena *arena)
{
	switch (option->type) {
	case OPT_CHOICE:
		return choices_text(option, text, arena);
	case OPT_NAME:
	case OPT_NAMES:
		return arena_format(arena, "%s '%s'", text, option->section);
	case OPT_INT:
	case OPT_INTS:
	case OPT_SIZE:
	case OPT_DURATION:
		return range_text(option, text, arena);
	default:
		return text;
	}
}

const char *option_expects(const struct option *option, struct arena *arena)
{
	return describe(option, words[option->type].expects, arena);
}

static void print_rows(const struct option *table, const char *prefix, struct columns *columns)
{
	for (; table && table->name; table++) {
		struct arena *arena = &columns->arena;
		const char *key = arena_format(arena, "%s%s", prefix, table->name);
		const char *standard = table->required ? "required" : table->fallback;

		if (table->type == OPT_GROUP && table->group) {
			if (table->can_be_false)
				columns_row(
				    columns, (const char *[]){key, "mapping or false", NULL, table->help});
			print_rows(table->group, arena_format(arena, "%s.", key), columns);
			continue;
		}
		columns_row(
		    columns, (const char *[]){key, describe(table, words[table->type].label, arena),
		                 standard && !*standard ? "\"\"" : standard, table->help ? table->help : ""});
	}
}

void options_print(const struct option *table, const struct option *more, struct buf *out)
{
	struct columns columns = {.count = 4, .indent = "  "};

	columns_row(&columns, (const char *[]){"KEY", "TYPE", "DEFAULT", "MEANING"});
	print_rows(table, "", &columns);
	print_rows(more, "", &columns);
	columns_print(&columns, out);
	columns_done(&columns);
}
