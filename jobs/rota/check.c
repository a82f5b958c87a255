/* SPDX-License-Identifier: MIT */
/* The rules of a rota, tested on the rota alone, whatever method made it. */
#include "jobs/rota/rota.h"

#include <string.h>

#include <bmad/time.h>

static struct err *broken(int rule, const struct rota_day *day, const char *what)
{
	char date[TIME_TEXT];

	return ERR(ERR_BUG, "rule %d is broken on %s: %s", rule, date_format(day->day, date), what);
}

static size_t leading_group(const struct rota_start *start, const struct rota_day *day)
{
	return (day->block - start->block) % 2 ? 1 - start->first : start->first;
}

/* 1: working days, in order, none left out. */
static struct err *check_days(
    const struct rota *rota, const struct rota_start *start, struct holidays *holidays)
{
	int64_t expected = start->day;

	for (size_t i = 0; i < rota->count; i++, expected++) {
		while (rota_is_weekend(expected) || holidays_has(holidays, expected))
			expected++;
		if (rota->days[i].day != expected)
			return broken(1, &rota->days[i], "it is not the next working day");
	}
	return NULL;
}

/* 2 and 6: who leads and who assists are of the groups whose turn it is. */
static struct err *check_turns(
    const struct rota *rota, const struct rules *rules, const struct rota_start *start)
{
	size_t at = 0;

	for (int64_t block = 0; block < 2 * rules->cycles; block++) {
		size_t leading = block % 2 ? 1 - start->first : start->first;

		for (size_t i = 0; i < rules->groups[leading].count; i++, at++) {
			const struct rota_day *day = &rota->days[at];

			if (day->block != start->block + block || rules_group_of(rules, day->lead) != leading)
				return broken(2, day, "the other group leads");
			if (rules_group_of(rules, day->assist) != 1 - leading)
				return broken(6, day, "both are of one group");
		}
	}
	return NULL;
}

/* 3: everyone of the block's group leads once in it. */
static struct err *check_leads(const struct rota *rota)
{
	for (size_t i = 1; i < rota->count; i++)
		for (size_t j = i; j-- > 0 && rota->days[j].block == rota->days[i].block;)
			if (!strcmp(rota->days[i].lead, rota->days[j].lead))
				return broken(3, &rota->days[i], "somebody leads twice in a block");
	return NULL;
}

/* The days that GROUP assists, in order; returns how many. */
static size_t run_of(
    const struct rota *rota, const struct rota_start *start, size_t group, const struct rota_day **out)
{
	size_t count = 0;

	for (size_t i = 0; i < rota->count; i++)
		if (leading_group(start, &rota->days[i]) != group)
			out[count++] = &rota->days[i];
	return count;
}

/* 4: rounds hold everyone once, so counts differ by one at most. */
static struct err *check_rounds(
    const struct group *group, const struct rota_day *const *run, size_t count, bool exchanged)
{
	for (size_t i = 0; !exchanged && i < count; i++)
		for (size_t j = i - i % group->count; j < i; j++)
			if (!strcmp(run[i]->assist, run[j]->assist))
				return broken(4, run[i], "somebody assists twice in a round");
	for (size_t m = 0; m < group->count; m++) {
		size_t times = 0;

		for (size_t i = 0; i < count; i++)
			times += !strcmp(run[i]->assist, group->members[m]);
		if (times != count / group->count && times != (count + group->count - 1) / group->count)
			return broken(4, run[count - 1], "somebody assists too often or too rarely");
	}
	return NULL;
}

/* 5: neighbours in a run differ. */
static struct err *check_neighbours(
    const struct group *group, const char *before, const struct rota_day *const *run, size_t count)
{
	for (size_t i = 0; group->count > 1 && i < count; i++) {
		const char *left = i ? run[i - 1]->assist : before;

		if (left && !strcmp(left, run[i]->assist))
			return broken(5, run[i], "somebody assists twice running");
	}
	return NULL;
}

struct err *rota_check(const struct rota *rota, const struct rules *rules, const struct rota_start *start,
    struct holidays *holidays, bool exchanged)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct rota_day **run = arena_alloc(&arena, rota->count * sizeof(*run));

	PASS(check_days(rota, start, holidays));
	PASS(check_turns(rota, rules, start));
	PASS(check_leads(rota));
	for (size_t g = 0; g < 2; g++) {
		size_t count = run_of(rota, start, g, run);

		PASS(check_rounds(&rules->groups[g], run, count, exchanged));
		PASS(check_neighbours(&rules->groups[g], start->before[g], run, count));
	}
	return NULL;
}

/* -- after a change by hand ------------------------------------------------------------------------- */

/* The next day from AT in direction STEP that GROUP assists, or NULL. */
static const struct rota_day *neighbour(
    const struct rota *rota, const struct rules *rules, size_t at, int step, size_t group)
{
	/* Below 0 it wraps beyond the count. */
	for (size_t i = at + (size_t)step; i < rota->count; i += (size_t)step)
		if (rules_group_of(rules, rota->days[i].assist) == group)
			return &rota->days[i];
	return NULL;
}

struct err *rota_check_day(const struct rota *rota, const struct rules *rules, size_t at)
{
	const struct rota_day *day = &rota->days[at];
	size_t leading = rules_group_of(rules, day->lead), helping = rules_group_of(rules, day->assist);
	char date[TIME_TEXT];

	date_format(day->day, date);
	if (!strcmp(day->lead, day->assist) || (leading == helping && leading < 2))
		return ERR(ERR_CONFIG, "%s: %s and %s are of the same group", date, day->lead, day->assist);
	for (int step = -1; step <= 1 && helping < 2 && rules->groups[helping].count > 1; step += 2) {
		const struct rota_day *other = neighbour(rota, rules, at, step, helping);

		if (other && !strcmp(other->assist, day->assist))
			return ERR(ERR_CONFIG, "%s: %s would assist twice running", date, day->assist);
	}
	if (rules_away(rules, day->lead, day->day))
		return ERR(ERR_CONFIG, "%s: %s is away", date, day->lead);
	if (rules_away(rules, day->assist, day->day))
		return ERR(ERR_CONFIG, "%s: %s is away", date, day->assist);
	return NULL;
}
