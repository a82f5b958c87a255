/* SPDX-License-Identifier: MIT */
/* How long an HTTP answer asks to wait: Retry-After (RFC 9110, section 10.2.3) and X-RateLimit. Pure. */
#ifndef SEND_RETRY_AFTER_H
#define SEND_RETRY_AFTER_H

#include <stdbool.h>

#include <bmad/time.h>

/*
 * Milliseconds that VALUE asks to wait: whole seconds, seconds with a fraction (rounded up to whole ones),
 * or an HTTP-date. A date counts from the answer's own DATE field (NULL: none), so that a wrong clock on
 * either side does no harm, else from NOW. -1 for what is negative, past or unreadable.
 */
int64_t retry_after_ms(const char *value, const char *date, utc_t now);

/*
 * Milliseconds for which X-RateLimit-* fields say that nothing is left; -1: they do not. LEFT is Remaining,
 * AFTER Reset-After (seconds, may have decimals), RESET Reset (seconds, or the Unix second of the end, as
 * servers differ); each may be NULL.
 */
int64_t rate_limit_wait_ms(const char *left, const char *after, const char *reset, int64_t now_ms);

/* An HTTP-date in any of its three forms (RFC 9110, 5.6.7). NOW tells the century of two-digit years. */
bool http_date_parse(const char *text, utc_t now, utc_t *out_at);

#endif
