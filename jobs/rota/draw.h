/* SPDX-License-Identifier: MIT */
/*
 * The seeded method: the same groups and seed give the same names in the same order on every machine, so the
 * generator and the order of its draws are fixed. Pure.
 */
#ifndef JOBS_ROTA_DRAW_H
#define JOBS_ROTA_DRAW_H

#include "jobs/rota/rules.h"

/* SplitMix64 of Steele, Lea and Flood. */
struct draw {
	uint64_t state;
};

uint64_t draw_next(struct draw *draw);
/* Uniform in [0, K). */
uint64_t draw_below(struct draw *draw, uint64_t k);
void draw_shuffle(struct draw *draw, const char **list, size_t count);

/* Who leads and assists, by group as of the rules, in the order of their days. */
struct drawn {
	const char **leads[2];
	const char **assists[2];
	size_t lead_count[2], assist_count[2];
};

/*
 * Draws all of RULES with the group FIRST leading first. BEFORE: who of each group assisted last in the rota
 * that this one carries on, and so not on the first day now; NULL: nobody.
 */
void draw_all(const struct rules *rules, size_t first, uint64_t seed, const char *const before[2],
    struct arena *arena, struct drawn *out);

#endif
