/* SPDX-License-Identifier: MIT */
/* Which station lost most in a window, and through what. */
#include "jobs/zone/loss.h"

int64_t lost_ms(const struct tally *tally)
{
	return tally->n[N_OWN_S] * 1000 + tally->n[N_SLOW_MS];
}

const char *main_category(const struct tally *tally)
{
	const char *name = NULL;
	int64_t most = 0;

	for (unsigned category = 0; category < CATEGORIES; category++) {
		int64_t seconds = tally->n[N_STOP_S + category];

		if ((OWN_LOSS & IN_SET(category)) && seconds > most) {
			most = seconds;
			name = category_names[category];
		}
	}
	return name;
}

static int larger_first(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

int by_own_stops(const struct loss *a, const struct loss *b)
{
	return larger_first(a->tally.n[N_OWN_S], b->tally.n[N_OWN_S]);
}

int by_lost_time(const struct loss *a, const struct loss *b)
{
	int order = larger_first(lost_ms(&a->tally), lost_ms(&b->tally));

	return order ? order : by_own_stops(a, b);
}

/* Inserts each after its equals, which keeps them in the order of the stations. */
void rank_losses(const struct count *count, int64_t from, int64_t to, loss_order *order, struct loss *out)
{
	for (size_t station = 0; station < count->plan.zone->station_count; station++) {
		struct loss loss = {station, count_station(count, station, from, to)};
		size_t at = station;

		for (; at > 0 && order(&loss, &out[at - 1]) < 0; at--)
			out[at] = out[at - 1];
		out[at] = loss;
	}
}
