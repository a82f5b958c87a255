/* SPDX-License-Identifier: MIT */
/* The circuit breaker: a row of failures opens it, a probe that gets through closes it. */
#include "send/breaker.h"

#include "base/mem.h"

#define SPREAD_MS 30000 /* fewer seconds of failures are a hiccup, however many attempts they cost */

/* Waits between probes, in units of the first. */
static const int64_t steps[] = {1, 2, 4, 10, 20};

void breaker_init(struct breaker *breaker, int64_t after, int64_t probe_ms)
{
	*breaker = (struct breaker){.after = after, .probe_ms = probe_ms};
}

static int64_t spread_ms(const struct breaker *breaker)
{
	return breaker->probe_ms < SPREAD_MS ? breaker->probe_ms : SPREAD_MS;
}

static void wait_for_probe(struct breaker *breaker, struct mono now)
{
	size_t step =
	    breaker->probes < (int64_t)ARRAY_SIZE(steps) ? (size_t)breaker->probes : ARRAY_SIZE(steps) - 1;

	breaker->probe_at.ms = now.ms + steps[step] * breaker->probe_ms;
}

bool breaker_failed(struct breaker *breaker, struct mono now)
{
	if (!breaker->failures++)
		breaker->first_at = now;
	if (breaker->open) {
		breaker->probes++;
		wait_for_probe(breaker, now);
		return false;
	}
	if (breaker->failures < breaker->after || now.ms - breaker->first_at.ms < spread_ms(breaker))
		return false;
	breaker->open = true;
	breaker->probes = 0;
	wait_for_probe(breaker, now);
	return true;
}

bool breaker_succeeded(struct breaker *breaker)
{
	bool was_open = breaker->open;

	breaker->failures = 0;
	breaker->open = false;
	if (was_open)
		breaker->ramp = 1;
	else if (breaker->ramp)
		breaker->ramp *= 2;
	return was_open;
}

void breaker_answered(struct breaker *breaker)
{
	if (!breaker->open)
		breaker->failures = 0;
}

void breaker_probes(struct breaker *breaker, struct mono now)
{
	if (breaker->open)
		wait_for_probe(breaker, now);
}

bool breaker_doubts(const struct breaker *breaker)
{
	return !breaker->open && breaker->failures >= breaker->after;
}

struct mono breaker_opens_at(const struct breaker *breaker)
{
	return (struct mono){breaker->first_at.ms + spread_ms(breaker)};
}

int64_t breaker_limit(const struct breaker *breaker, int64_t max)
{
	if (breaker->open || breaker_doubts(breaker))
		return 1;
	return breaker->ramp && breaker->ramp < max ? breaker->ramp : max;
}
