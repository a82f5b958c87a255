/* SPDX-License-Identifier: MIT */
/* Which station lost most in a window, and through what. Pure. */
#ifndef ZONE_LOSS_H
#define ZONE_LOSS_H

#include "jobs/zone/count.h"

struct loss {
	size_t station;
	struct tally tally; /* its own, over the window */
};

/* Own stops and slow cycles together. */
int64_t lost_ms(const struct tally *tally);
/* The own category with the most seconds, or NULL. */
const char *main_category(const struct tally *tally);

/* Negative when A comes first; equals stay in line order, then `seq`. */
typedef int loss_order(const struct loss *a, const struct loss *b);
loss_order by_lost_time, by_own_stops;

/* All stations of the zone over buckets FROM to TO, the worst first, in OUT (room for each). */
void rank_losses(const struct count *count, int64_t from, int64_t to, loss_order *order, struct loss *out);

#endif
