/* SPDX-License-Identifier: MIT */
/* SplitMix64, and what is drawn with it. */
#include "jobs/rota/draw.h"

#include <string.h>

uint64_t draw_next(struct draw *draw)
{
	uint64_t z = draw->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* What lies above the last whole multiple of K would favour the small ones. */
uint64_t draw_below(struct draw *draw, uint64_t k)
{
	uint64_t beyond = (UINT64_MAX % k + 1) % k; /* 2^64 mod k */
	uint64_t result;

	do
		result = draw_next(draw);
	while (result > UINT64_MAX - beyond);
	return result % k;
}

void draw_shuffle(struct draw *draw, const char **list, size_t count)
{
	for (size_t i = count; i-- > 1;) {
		size_t j = (size_t)draw_below(draw, i + 1);
		const char *kept = list[i];

		list[i] = list[j];
		list[j] = kept;
	}
}

static const char **draw_leads(
    struct draw *draw, const struct group *group, size_t cycles, struct arena *arena)
{
	const char **leads = arena_alloc(arena, cycles * group->count * sizeof(*leads));

	for (size_t cycle = 0; cycle < cycles; cycle++) {
		const char **round = leads + cycle * group->count;

		memcpy(round, group->members, group->count * sizeof(*round));
		draw_shuffle(draw, round, group->count);
	}
	return leads;
}

/* The members of GROUP without NAME, in configured order; returns how many. */
static size_t without(const struct group *group, const char *name, const char **out)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		if (strcmp(group->members[i], name) != 0)
			out[count++] = group->members[i];
	return count;
}

/* A round that does not begin with LAST. */
static void draw_round(
    struct draw *draw, const struct group *group, const char *last, const char **scratch, const char **round)
{
	size_t count = without(group, last, scratch);

	round[0] = scratch[draw_below(draw, count)];
	draw_shuffle(draw, round + 1, without(group, round[0], round + 1));
}

static const char **draw_assists(
    struct draw *draw, const struct group *group, size_t length, const char *before, struct arena *arena)
{
	size_t rounds = length / group->count + 1, count = 0;
	const char **run = arena_alloc(arena, rounds * group->count * sizeof(*run));
	const char **scratch = arena_alloc(arena, group->count * sizeof(*scratch));

	while (group->count == 1 && count < length)
		run[count++] = group->members[0];
	while (count < length) {
		const char *last = count ? run[count - 1] : before;

		if (last) {
			draw_round(draw, group, last, scratch, run + count);
		} else {
			memcpy(run, group->members, group->count * sizeof(*run));
			draw_shuffle(draw, run, group->count);
		}
		count += group->count;
	}
	return run;
}

void draw_all(const struct rules *rules, size_t first, uint64_t seed, const char *const before[2],
    struct arena *arena, struct drawn *out)
{
	struct draw draw = {seed};
	size_t cycles = (size_t)rules->cycles;

	for (size_t turn = 0; turn < 2; turn++) {
		size_t leading = turn ? 1 - first : first, helping = 1 - leading;
		size_t length = cycles * rules->groups[leading].count;

		out->lead_count[leading] = out->assist_count[helping] = length;
		out->leads[leading] = draw_leads(&draw, &rules->groups[leading], cycles, arena);
		out->assists[helping] =
		    draw_assists(&draw, &rules->groups[helping], length, before[helping], arena);
	}
}
