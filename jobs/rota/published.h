/* SPDX-License-Identifier: MIT */
/*
 * The published rota, as it stands in the job's state under ROTA_STATE: every day with its pair as people
 * see it, how the last part was made, and what was changed by hand.
 */
#ifndef JOBS_ROTA_PUBLISHED_H
#define JOBS_ROTA_PUBLISHED_H

#include <bmad/run.h>

#include "jobs/rota/rota.h"

#define ROTA_STATE "published"

enum rota_role { ROLE_LEAD, ROLE_ASSIST };

/* By hand: NAME has ROLE on DAY, whoever was drawn. */
struct override {
	int64_t day;
	enum rota_role role;
	const char *name;
	bool forced; /* though a rule does not hold then */
};

struct published {
	struct arena arena;
	const char *id; /* NULL: nothing was published yet */
	struct rota rota;
	struct rota gone; /* days that were published once and are no more: their sequences go on */
	bool complete;    /* all outputs were written */
	/* The last part. */
	struct rota_start start;
	int64_t seed;
	struct override *overrides;
	size_t override_count;
};

/* Reads VALUE (NULL: nothing published). OUT is cleared; published_done() in any case. */
struct err *published_read(
    const struct json *value, const struct rules *rules, struct published *out) MUST_CHECK;
struct json *published_json(const struct published *published, const struct rules *rules);
void published_done(struct published *published);

/*
 * Where a new part begins, and how many of the published days stay before it. *OUT_UNEVEN: it begins in the
 * middle of a block.
 */
void published_start(const struct published *published, const struct rules *rules, bool carry_on,
    struct rota_start *out_start, bool *out_uneven);

/*
 * Makes PUBLISHED what people see from now on: the days before START, then those of PART, with the changes by
 * hand on top. CONFIG error if one of these breaks a rule now, unless FORCE. WARN hears of those that are
 * dropped, their day or name being no more.
 */
struct err *published_replace(struct published *published, const struct rules *rules,
    const struct rota_start *start, const struct rota *part, bool force,
    void (*warn)(void *arg, const char *text), void *arg) MUST_CHECK;

/* A change by hand, checked unless FORCE. */
struct err *published_swap(struct published *published, const struct rules *rules, int64_t day, int64_t other,
    const char *role, bool force) MUST_CHECK;
struct err *published_cover(struct published *published, const struct rules *rules, int64_t day,
    const char *role, const char *name, bool force) MUST_CHECK;

#endif
