/* SPDX-License-Identifier: MIT */
/*
 * Time zones, beside what <bmad/time.h> offers to all: the reader of TZif files and the intervals between
 * a zone's clock changes, which the schedules walk along.
 */
#ifndef SCHEDULE_TZ_H
#define SCHEDULE_TZ_H

#include <bmad/err.h>
#include <bmad/time.h>

/* 26 hours: no clock on earth was ever further from UTC (RFC 9636, 3.2). */
#define TZ_OFFSET_MAX INT64_C(93600)

/*
 * The stretch [start, end) of instants between two changes of a zone's clocks. At `start` they were set
 * from `before` to `offset`: if forward, the wall times [start + before, start + offset) were skipped (a
 * gap); if back, [start + offset, start + before) are shown a second time (an overlap).
 */
struct tz_interval {
	utc_t start;  /* INT64_MIN in the first one */
	utc_t end;    /* UTC_NEVER in the last one */
	int offset;   /* seconds east of UTC */
	int before;   /* the offset up to `start`; the same as `offset` in the first one */
	size_t index; /* for tz_interval_next() and _previous() */
};

void tz_interval_at(const struct tz *tz, utc_t at, struct tz_interval *out_interval);

/* Move to the neighbour; the last has no next one, the first no previous one. */
void tz_interval_next(const struct tz *tz, struct tz_interval *interval);
void tz_interval_previous(const struct tz *tz, struct tz_interval *interval);

/*
 * Makes a zone of the LENGTH bytes of a TZif file (RFC 9636, versions 1 to 4), which may be anything.
 * PERMANENT error that tells what is wrong with them. tz_destroy() frees the zone.
 */
struct err *tz_parse(const char *name, const void *bytes, size_t length, struct tz **out_tz) MUST_CHECK;
void tz_destroy(struct tz *tz);

/*
 * The system's zones may have changed: tz_get() reads those that did anew. Zones that were handed out stay
 * as they were, for good: that is a few a year.
 */
void tz_refresh(void);

#endif
