/* SPDX-License-Identifier: MIT */
/* How a rota is made: days, draws, leave, check. */
#include "jobs/rota/rota.h"

#include <string.h>

#include <bmad/time.h>

bool rota_is_weekend(int64_t day)
{
	int weekday = weekday_of_days(day);

	return weekday == 0 || weekday == 6;
}

size_t rota_find(const struct rota *rota, int64_t day)
{
	size_t low = 0, high = rota->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rota->days[middle].day < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rota->count && rota->days[low].day == day ? low : rota->count;
}

/* -- days ------------------------------------------------------------------------------------------- */

/* A year of nothing but holidays is a mistake, not a plan. */
static struct err *next_day(struct holidays *holidays, int64_t from, int64_t *out_day)
{
	for (int64_t day = from; day < from + 366; day++) {
		if (rota_is_weekend(day) || holidays_has(holidays, day))
			continue;
		*out_day = day;
		return NULL;
	}
	char text[TIME_TEXT];
	return ERR(ERR_CONFIG, "holidays: a year from %s on has no working day", date_format(from, text));
}

static struct err *lay_days(
    const struct rules *rules, const struct rota_start *start, struct holidays *holidays, struct rota *rota)
{
	int64_t day = start->day;
	size_t at = 0;

	for (int64_t block = 0; block < 2 * rules->cycles; block++) {
		size_t leading = block % 2 ? 1 - start->first : start->first;

		for (size_t i = 0; i < rules->groups[leading].count; i++, day++) {
			PASS(next_day(holidays, day, &day));
			rota->days[at++] = (struct rota_day){.day = day, .block = start->block + block};
		}
	}
	return NULL;
}

/* -- names ------------------------------------------------------------------------------------------ */

/* The days on which GROUP leads (else: assists), in order. */
static const int64_t *days_of(const struct rota *rota, const struct rota_start *start, size_t leading,
    size_t count, struct arena *arena)
{
	int64_t *days = arena_alloc(arena, (count + 1) * sizeof(*days));
	size_t found = 0;

	for (size_t i = 0; i < rota->count; i++)
		if ((rota->days[i].block - start->block) % 2 == (leading != start->first))
			days[found++] = rota->days[i].day;
	return days;
}

static bool give_way(const struct rules *rules, const struct rota *rota, const struct rota_start *start,
    const struct drawn *drawn, struct arena *arena, struct buf *unresolved)
{
	const size_t order[] = {start->first, 1 - start->first};
	bool exchanged = false;

	for (size_t turn = 0; turn < 2; turn++) {
		size_t leading = order[turn], size = rules->groups[leading].count;
		const int64_t *days = days_of(rota, start, leading, drawn->lead_count[leading], arena);

		for (size_t at = 0; at < drawn->lead_count[leading]; at += size) {
			struct line_up block = {drawn->leads[leading] + at, days + at, size, false, NULL};

			exchanged |= leave_give_way(rules, &block, "leads", unresolved);
		}
	}
	for (size_t turn = 0; turn < 2; turn++) {
		size_t leading = order[turn], helping = 1 - leading, count = drawn->assist_count[helping];
		const int64_t *days = days_of(rota, start, leading, count, arena);
		struct line_up run = {drawn->assists[helping], days, count, true, start->before[helping]};

		exchanged |= leave_give_way(rules, &run, "assists", unresolved);
	}
	return exchanged;
}

static void put_names(const struct rota_start *start, const struct drawn *drawn, struct rota *rota)
{
	size_t used[2] = {0};

	for (size_t i = 0; i < rota->count; i++) {
		struct rota_day *day = &rota->days[i];
		size_t leading = (day->block - start->block) % 2 ? 1 - start->first : start->first;

		day->lead = drawn->leads[leading][used[leading]];
		day->assist = drawn->assists[1 - leading][used[leading]++];
	}
}

struct err *rota_make(const struct rules *rules, const struct rota_start *start, uint64_t seed,
    struct holidays *holidays, struct arena *arena, struct rota *out)
{
	cleanup(buf_done) struct buf unresolved = {0};
	struct rota rota = {
	    .count = (size_t)rules->cycles * (rules->groups[0].count + rules->groups[1].count)};
	struct drawn drawn = {0};

	rota.days = arena_alloc(arena, rota.count * sizeof(*rota.days));
	PASS(lay_days(rules, start, holidays, &rota));
	draw_all(rules, start->first, seed, start->before, arena, &drawn);
	bool exchanged = give_way(rules, &rota, start, &drawn, arena, &unresolved);
	if (unresolved.length)
		return ERR(
		    ERR_PERMANENT, "nobody can take over where people are away: %s", buf_text(&unresolved));
	put_names(start, &drawn, &rota);
	PASS(rota_check(&rota, rules, start, holidays, exchanged));
	*out = rota;
	return NULL;
}
