/* SPDX-License-Identifier: MIT */
/* What is wrong with a configuration: problems with their places, collected so that all are told at once. */
#ifndef CONF_PROBLEMS_H
#define CONF_PROBLEMS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/mem.h"

struct conf_place {
	const char *file;
	int line, column; /* from 1; 0: the file as a whole */
};

enum problem_level { PROBLEM_WARNING, PROBLEM_ERROR };

struct conf_problem {
	enum problem_level level;
	struct conf_place place;
	const char *text;
	const char *alike; /* the text without the name of what it is about */
	size_t order;      /* of being told */
	size_t others;     /* that have the same problem at the same place: copies of one entry */
};

/* The zero value is an empty list. */
struct conf_problems {
	struct arena arena;
	struct conf_problem *items;
	size_t count, capacity, errors;
	const char *subject; /* the entry that is being judged, or NULL */
};

/* Adds one; the text and the file's name are copied into the list's arena. */
void conf_problem(struct conf_problems *problems, enum problem_level level, struct conf_place place,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* In the order of their places, each once; what is wrong alike with several entries is one problem. */
void conf_problems_sort(struct conf_problems *problems);
/* `FILE:LINE:COL: error: text`, a line each. */
void conf_problems_print(const struct conf_problems *problems, struct buf *out);
void conf_problems_done(struct conf_problems *problems);

#endif
