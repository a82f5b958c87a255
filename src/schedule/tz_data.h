/* SPDX-License-Identifier: MIT */
/*
 * What a loaded zone is made of; for the tz_*.c files alone.
 *
 * The rule for years to come (the file's footer) is written out over one whole period of the Gregorian
 * calendar, 400 years. Every later time is looked up that many periods earlier: exact for ever, and a
 * look-up is a binary search and nothing else.
 */
#ifndef SCHEDULE_TZ_DATA_H
#define SCHEDULE_TZ_DATA_H

#include "base/mem.h"
#include "schedule/tz.h"

#define TZ_PERIOD_YEARS 400
#define TZ_PERIOD       (INT64_C(146097) * 86400)

#define TZ_TYPES_MAX (256 + 2) /* those that a byte can number, and the footer's two */

struct tz_type {
	int offset; /* seconds east of UTC */
	bool dst;
	const char *abbr;
};

struct tz_span {
	utc_t start; /* up to the next span's */
	int offset;  /* that of its type, at hand for the search */
	int type;
};

struct tz {
	struct tz *next; /* in the list of loaded zones */
	const char *name;
	struct tz_span *spans; /* the first starts at INT64_MIN */
	size_t count, capacity;
	struct tz_type types[TZ_TYPES_MAX];
	size_t type_count;
	utc_t folded_from;  /* from here on all is as TZ_PERIOD earlier; UTC_NEVER: nothing is */
	struct arena arena; /* owns the texts */
	uint64_t digest;    /* of the file */
};

/* A zone of that name with one type and no changes yet. */
struct tz *tz_create(const char *name, int offset, const char *abbr);

/* Appends a span. One that changes nothing is left out, one that starts with the last replaces it. */
void tz_add_span(struct tz *tz, utc_t start, int type);

/*
 * Appends the spans that the POSIX footer TEXT (`EST5EDT,M3.2.0,M11.1.0`; RFC 9636, 3.3.1) demands after
 * those there are. False if it is not well-formed.
 */
bool tz_add_rule(struct tz *tz, const char *text);

/* Whether NAME can be a zone's: relative, no dots, nothing that leads out of the zones' folder. */
bool tz_name_valid(const char *name);

/* The folder of the zones: $TZDIR, or the system's. */
const char *tz_folder(void);

/* The name of a zone in that folder which NAME may have been meant for, in ARENA; NULL if there is none. */
const char *tz_near_name(const char *name, struct arena *arena);

#endif
