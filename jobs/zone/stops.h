/* SPDX-License-Identifier: MIT */
/* Stops of a station and how much of a window they cover. Pure. */
#ifndef ZONE_STOPS_H
#define ZONE_STOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>
#include <bmad/time.h>

/* Alphabetical: the first of several with the same seconds is the one that is shown. */
enum category {
	BLOCKED,
	BREAKDOWN,
	CHANGEOVER,
	MATERIAL,
	MICROSTOP,
	OTHER,
	PLANNED,
	QUALITY,
	STAFFING,
	STARVED,
	CATEGORIES,
};

extern const char *const category_names[CATEGORIES];

/* A set of categories. */
#define IN_SET(category) (1u << (category))
/* The station's own loss: neither planned nor inherited from its neighbours. */
#define OWN_LOSS                                                                                             \
	(IN_SET(BREAKDOWN) | IN_SET(CHANGEOVER) | IN_SET(MATERIAL) | IN_SET(MICROSTOP) | IN_SET(OTHER) |     \
	    IN_SET(QUALITY) | IN_SET(STAFFING))

struct stop {
	size_t station;
	utc_t start, end; /* end > start; UTC_NEVER while it is open */
	enum category category;
};

/* The category of that name; PERMANENT error for any other. */
struct err *category_parse(const char *name, enum category *out_category) MUST_CHECK;

/* By station, then start: what stops_seconds() needs. */
void stops_sort(struct stop *stops, size_t count);

/* Length of the union of the STOPS of a SET within [FROM, TO). STOPS are one station's, by start. */
int64_t stops_seconds(const struct stop *stops, size_t count, unsigned set, utc_t from, utc_t to);

/* How many stops of a SET touch [FROM, TO), and whether one of them is not over at TO. */
int64_t stops_touching(
    const struct stop *stops, size_t count, unsigned set, utc_t from, utc_t to, bool *out_open);

#endif
