/* SPDX-License-Identifier: MIT */
/* The list of problems. */
#include "conf/problems.h"

#include <stdlib.h>
#include <string.h>

/* TEXT without the first 'SUBJECT' in it. */
static const char *without_subject(struct arena *arena, const char *text, const char *subject)
{
	cleanup(free_text) char *quoted = subject ? mem_format("'%s'", subject) : NULL;
	const char *at = quoted ? strstr(text, quoted) : NULL;

	return at ? arena_format(arena, "%.*s%s", (int)(at - text), text, at + strlen(quoted)) : text;
}

void conf_problem(
    struct conf_problems *problems, enum problem_level level, struct conf_place place, const char *fmt, ...)
{
	struct arena *arena = &problems->arena;
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	mem_grow(problems->items, problems->count, problems->capacity);
	place.file = arena_copy(arena, place.file ? place.file : "");
	struct conf_problem *problem = &problems->items[problems->count];
	*problem = (struct conf_problem){.level = level, .place = place, .text = arena_copy(arena, text)};
	problem->alike = without_subject(arena, problem->text, problems->subject);
	problem->order = problems->count++;
	problems->errors += level == PROBLEM_ERROR;
}

static int compare(const void *left, const void *right)
{
	const struct conf_problem *a = left, *b = right;
	int files = strcmp(a->place.file, b->place.file);

	if (files)
		return files;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	return strcmp(a->alike, b->alike);
}

/* The same, and among those alike in the order of being told. */
static int compare_all(const void *left, const void *right)
{
	const struct conf_problem *a = left, *b = right;
	int order = compare(a, b);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void add_others(struct conf_problems *problems, struct conf_problem *problem)
{
	if (problem->others)
		problem->text =
		    arena_format(&problems->arena, "%s (and so in %zu more)", problem->text, problem->others);
	problem->others = 0;
}

void conf_problems_sort(struct conf_problems *problems)
{
	struct conf_problem *kept = problems->items;

	if (!problems->count)
		return;
	qsort(problems->items, problems->count, sizeof(*problems->items), compare_all);
	for (struct conf_problem *next = kept + 1; next < problems->items + problems->count; next++) {
		if (compare(kept, next))
			*++kept = *next;
		else /* the same again is a node that aliases share, read once per alias */
			kept->others += strcmp(kept->text, next->text) != 0;
	}
	problems->count = (size_t)(kept + 1 - problems->items);
	problems->errors = 0;
	for (size_t i = 0; i < problems->count; i++) {
		add_others(problems, &problems->items[i]);
		problems->errors += problems->items[i].level == PROBLEM_ERROR;
	}
}

void conf_problems_print(const struct conf_problems *problems, struct buf *out)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *problem = &problems->items[i];
		const char *level = problem->level == PROBLEM_ERROR ? "error" : "warning";

		if (*problem->place.file)
			buf_format(out, "%s:", problem->place.file);
		if (problem->place.line)
			buf_format(out, "%d:%d:", problem->place.line, problem->place.column);
		buf_format(out, "%s%s: %s\n", out->length && out->text[out->length - 1] == ':' ? " " : "",
		    level, problem->text);
	}
}

void conf_problems_done(struct conf_problems *problems)
{
	free(problems->items);
	arena_done(&problems->arena);
	*problems = (struct conf_problems){0};
}
