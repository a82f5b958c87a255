/* SPDX-License-Identifier: MIT */
/* Days that count as little as a weekend: given as dates, or read from calendars in iCalendar. */
#ifndef JOBS_ROTA_HOLIDAYS_H
#define JOBS_ROTA_HOLIDAYS_H

#include <bmad/mem.h>
#include <bmad/option.h>
#include <bmad/run.h>

/* The zero value holds none. */
struct holidays {
	int64_t *days;
	size_t count, capacity;
	bool sorted;
};

/* CONFIG error for an entry that looks like a date and is none. Reads nothing. */
struct err *holidays_check(const struct texts *entries) MUST_CHECK;

/* All of ENTRIES: dates, paths and URLs of calendars, whose events count from FROM to TO. */
struct err *holidays_load(
    struct run *run, const struct texts *entries, int64_t from, int64_t to, struct holidays *out) MUST_CHECK;

/* The days that the events of the iCalendar TEXT take. Pure. PERMANENT error if it is no calendar. */
struct err *holidays_parse(const char *text, int64_t from, int64_t to, struct holidays *out) MUST_CHECK;

bool holidays_has(struct holidays *holidays, int64_t day);
void holidays_done(struct holidays *holidays);

#endif
