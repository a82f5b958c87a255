/* SPDX-License-Identifier: MIT */
/* How long a message waits before its next attempt. Pure: randomness comes in as numbers in [0, 1). */
#ifndef SEND_BACKOFF_H
#define SEND_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t base_ms; /* the longest first wait */
	int64_t cap_ms;  /* the longest wait of all */
};

/* For a certificate that is wrong: not mended in minutes. */
extern const struct backoff backoff_slow;

/*
 * Exponential with full jitter: between a floor (half a second, or the base where that is shorter) and
 * min(cap, base * 2^(ATTEMPT-1)). ATTEMPT is the one that failed, counted from 1.
 */
int64_t backoff_delay_ms(const struct backoff *backoff, int64_t attempt, double random);

/*
 * DELAY_MS raised to what the destination asked for, and up to a tenth above that, so that all who were
 * sent away do not come back at once. RETRY_AFTER_MS <= 0: it asked for nothing.
 */
int64_t backoff_wait_ms(int64_t delay_ms, int64_t retry_after_ms, double random);

#endif
