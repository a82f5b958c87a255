/* SPDX-License-Identifier: MIT */
/*
 * The circuit breaker of a lane. Pure: time comes in.
 *
 * It opens when `after` attempts in a row came to nothing over 30 seconds or more (or over `probe` where that
 * is shorter). Open, it lets one attempt through after `probe`, then after 2, 4, 10 and 20 times that; the
 * first success closes it, and what may be in flight grows again from one.
 */
#ifndef SEND_BREAKER_H
#define SEND_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include <bmad/time.h>

struct breaker {
	int64_t after;
	int64_t probe_ms;

	int64_t failures;     /* in a row */
	struct mono first_at; /* the first of them */
	bool open;
	int64_t probes;       /* that failed since it opened */
	struct mono probe_at; /* when the next may go */
	int64_t ramp;         /* what may be in flight after it closed; 0: as many as ever */
};

void breaker_init(struct breaker *breaker, int64_t after, int64_t probe_ms);

/* An attempt came to nothing; true if that opened it. */
bool breaker_failed(struct breaker *breaker, struct mono now);
/* An attempt succeeded; true if that closed it. */
bool breaker_succeeded(struct breaker *breaker);
/* The destination answered, though not with a success: the row of failures is broken. */
void breaker_answered(struct breaker *breaker);
/* A probe goes out: no other does before it has had its time. */
void breaker_probes(struct breaker *breaker, struct mono now);

/* `after` failures in a row, but not yet for long enough to open. */
bool breaker_doubts(const struct breaker *breaker);
/* When the next failure would open it. */
struct mono breaker_opens_at(const struct breaker *breaker);
/* How many of MAX may be in flight. */
int64_t breaker_limit(const struct breaker *breaker, int64_t max);

#endif
