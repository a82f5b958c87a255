/* SPDX-License-Identifier: MIT */
/*
 * Option tables: the one description of every configuration key.
 *
 * A job module, channel type, source type and each section of bmad.yaml describe their keys in a table
 * like this one; reading, checking, defaults, near names, `bmad modules` and --set all come from it.
 *
 *	struct zone_hourly_options {
 *		const char *source;
 *		int64_t grace_ms;
 *	};
 *
 *	static const struct option options[] = {
 *	    OPTION(struct zone_hourly_options, source, OPT_NAME, .section = "sources", .required = true,
 *	        .help = "the plant's database"),
 *	    {.name = "grace", .type = OPT_DURATION, .offset = offsetof(struct zone_hourly_options, grace_ms),
 *	        .fallback = "120s", .help = "time given to late rows"},
 *	    OPTION_END,
 *	};
 */
#ifndef BMAD_OPTION_H
#define BMAD_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of texts, as OPT_TEXTS and OPT_NAMES fill it. */
struct texts {
	const char *const *items;
	size_t count;
};

/*
 * A text that must never be shown: bmad prints it as `***`. It has a type of its own so that no printf
 * takes it by accident.
 */
struct secret {
	const char *hidden;
};

/* Rates as "4/s" or "60/30s": so many messages in a window, all of them hold. */
struct rate {
	int64_t count;
	int64_t window_ms;
};

struct rates {
	const struct rate *items;
	size_t count;
};

enum option_type {
	OPT_TEXT,     /* const char *; NULL when left out without fallback */
	OPT_PATH,     /* const char *: a file or folder, made absolute from the folder of the configuration */
	OPT_SECRET,   /* struct secret */
	OPT_BOOL,     /* bool: true false yes no on off */
	OPT_INT,      /* int64_t within min..max; `unset` when left out without fallback */
	OPT_DURATION, /* int64_t milliseconds within min..max; -1 when left out without fallback */
	OPT_SIZE,     /* int64_t bytes within min..max, as 500, 64k, 10M or 1G (thousands) */
	OPT_CHOICE,   /* int: index in `choices`, -1 when left out without fallback */
	OPT_TEXTS,    /* struct texts; a single text counts as a list of one */
	OPT_SECRETS,  /* struct texts, none of which may ever be shown; a single one counts as a list */
	OPT_INTS,     /* struct texts of whole numbers in decimal; a single one counts as a list */
	OPT_NAME,     /* const char *: name of an entry of `section` */
	OPT_NAMES,    /* struct texts of such names */
	OPT_RATES,    /* struct rates */
	OPT_LIST,     /* const struct json *: any list, all its scalars texts (an array; empty when left out) */
	OPT_MAP,      /* const struct json *: any mapping, kept as it is (an object; {} when left out) */
	/*
	 * A mapping of its own keys, `group`; their offsets are in the same structure. Without `group`: keys
	 * that another table describes, such as the module's in a job's `options`. With `can_be_false`,
	 * `false` may stand in its place: bool at `offset`, true then.
	 */
	OPT_GROUP,
};

struct option {
	const char *name; /* NULL ends a table */
	enum option_type type;
	bool required;
	bool can_be_false; /* OPT_GROUP */
	size_t offset;
	const char *fallback;       /* the default as one would write it, lists as "[a, b]"; NULL: none */
	const char *const *choices; /* OPT_CHOICE: NULL-terminated */
	const char *section;        /* OPT_NAME, OPT_NAMES: "sources", "channels", "apis" or "jobs" */
	const struct option *group; /* OPT_GROUP */
	int64_t unset;              /* OPT_INT */
	int64_t min, max; /* OPT_INT, OPT_INTS, OPT_SIZE, OPT_DURATION (ms); max 0: no upper bound */
	const char *help; /* one sentence, lower case, without full stop */
};

#define OPTION(structure, member, type_, ...)                                                                \
	{                                                                                                    \
		.name = #member, .type = (type_), .offset = offsetof(structure, member), __VA_ARGS__         \
	}
#define OPTION_END                                                                                           \
	{                                                                                                    \
		.name = NULL                                                                                 \
	}

#endif
