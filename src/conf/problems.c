/* SPDX-License-Identifier: MIT */
/* The list of problems. */
#include "conf/problems.h"

#include <stdlib.h>
#include <string.h>

void conf_problem(
    struct conf_problems *problems, enum problem_level level, struct conf_place place, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	mem_grow(problems->items, problems->count, problems->capacity);
	place.file = arena_copy(&problems->arena, place.file ? place.file : "");
	problems->items[problems->count++] =
	    (struct conf_problem){.level = level, .place = place, .text = arena_copy(&problems->arena, text)};
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
	return strcmp(a->text, b->text);
}

void conf_problems_sort(struct conf_problems *problems)
{
	size_t kept = 0;

	if (!problems->count)
		return;
	qsort(problems->items, problems->count, sizeof(*problems->items), compare);
	problems->errors = 0;
	for (size_t i = 0; i < problems->count; i++) {
		/* A node that aliases share is read once per alias and complains each time. */
		if (kept && !compare(&problems->items[kept - 1], &problems->items[i]))
			continue;
		problems->items[kept++] = problems->items[i];
		problems->errors += problems->items[i].level == PROBLEM_ERROR;
	}
	problems->count = kept;
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
