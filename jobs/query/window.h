/* SPDX-License-Identifier: MIT */
/* The stretch of time that a free report is about, and the parameters that its query is given. */
#ifndef JOBS_QUERY_WINDOW_H
#define JOBS_QUERY_WINDOW_H

#include <bmad/mem.h>
#include <bmad/run.h>
#include <bmad/sql.h>

/* As the option `window` says it. */
enum window_kind { WINDOW_LAST, WINDOW_SHIFT, WINDOW_DAY, WINDOW_DURATION };

struct window_spec {
	enum window_kind kind;
	int64_t seconds; /* of a WINDOW_DURATION */
};

/* CONFIG error beginning with "window". Pure. */
struct err *window_parse(const char *text, struct window_spec *out_spec) MUST_CHECK;

/* From FROM on, up to but without UNTIL. */
struct query_window {
	utc_t from, until;
	/* The zone's shift that the window ends in; NULL: no zone was named, or it has no crew then. */
	const char *shift_type, *crew;
	int64_t shift_date;
	bool has_shift;
};

/* Reads what it needs of zone ZONE (NULL: none) from DB; the job's state tells where the last window ended.
 */
struct err *window_find(struct run *run, struct sql *db, const struct window_spec *spec, const char *zone,
    struct arena *arena, struct query_window *out_window) MUST_CHECK;

/* With the run's commit: the next window of kind `last` begins where this one ends. */
void window_keep(struct run *run, const struct query_window *window);

#endif
