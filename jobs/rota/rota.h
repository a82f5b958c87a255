/* SPDX-License-Identifier: MIT */
/* A rota: its days with who leads and who assists, how it is made, and the rules that hold for it. Pure. */
#ifndef JOBS_ROTA_ROTA_H
#define JOBS_ROTA_ROTA_H

#include <bmad/buf.h>

#include "jobs/rota/draw.h"
#include "jobs/rota/holidays.h"

struct rota_day {
	int64_t day; /* since 1970 */
	const char *lead, *assist;
	int64_t block;    /* days of one number are one block; they rise */
	int64_t sequence; /* how often its pair has changed since it was published */
};

struct rota {
	struct rota_day *days; /* by date */
	size_t count;
};

/* Where a new rota begins. */
struct rota_start {
	int64_t day;           /* the first that may be used */
	size_t first;          /* the group that leads the first block */
	int64_t block;         /* its number */
	const char *before[2]; /* who of each group assisted last; NULL: nobody */
};

/*
 * Makes the rota of RULES from START on: drawn, then leave is given way to (section by section, see leave.c).
 * PERMANENT error that lists the days on which somebody is away and nobody can take over. Days and names are
 * in ARENA or borrowed from RULES.
 */
struct err *rota_make(const struct rules *rules, const struct rota_start *start, uint64_t seed,
    struct holidays *holidays, struct arena *arena, struct rota *out) MUST_CHECK;

/* -- leave.c: exchanges for those who are away ------------------------------------------------------ */

/* A row of names, by position, and the days on which they are up. */
struct line_up {
	const char **names;
	const int64_t *days;
	size_t count;
	bool is_run;        /* neighbours differ (rule 5) */
	const char *before; /* the neighbour before the first; NULL: none */
};

/*
 * Exchanges within LINE until nobody is up on a day of leave, or names those that are left in UNRESOLVED (a
 * line each, "2024-08-20 Ana assists"). True if it exchanged any.
 */
bool leave_give_way(
    const struct rules *rules, const struct line_up *line, const char *role, struct buf *unresolved);

/* -- check.c ---------------------------------------------------------------------------------------- */

/*
 * Rules 1 to 6 on a rota as it was made; BUG error that names rule and day. EXCHANGED: rounds of rule 4 may
 * hold somebody twice, for leave was given way to.
 */
struct err *rota_check(const struct rota *rota, const struct rules *rules, const struct rota_start *start,
    struct holidays *holidays, bool exchanged) MUST_CHECK;

/*
 * Whether rules 5 and 6 and the leave of RULES hold around day AT, after a change by hand; CONFIG error that
 * names the fault.
 */
struct err *rota_check_day(const struct rota *rota, const struct rules *rules, size_t at) MUST_CHECK;

/* -- finding ---------------------------------------------------------------------------------------- */

/* The index of DAY, or COUNT. */
size_t rota_find(const struct rota *rota, int64_t day);
bool rota_is_weekend(int64_t day);

#endif
