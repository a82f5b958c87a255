/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of zone reports: whole numbers throughout, rounded once. Pure.
 *
 * A number with one decimal is held as its tenths (96.4 is 964); rounding is to the nearest, halves up.
 */
#ifndef ZONE_MEASURE_H
#define ZONE_MEASURE_H

#include <stdint.h>

#include <bmad/json.h>

#define NO_VALUE INT64_MIN /* of tenths: nothing to divide by; shown as null */

/* X / UNIT in tenths; UNIT > 0. Capped at what an int64_t holds. */
int64_t in_tenths(int64_t x, int64_t unit);
/* 100 PART / WHOLE in tenths, not capped at 100 %; NO_VALUE when WHOLE <= 0. */
int64_t pct_tenths(int64_t part, int64_t whole);
/* -1, 0 or 1 as PART / WHOLE is less than, equal to or more than PART2 / WHOLE2, exactly; both wholes > 0. */
int compare_shares(int64_t part, int64_t whole, int64_t part2, int64_t whole2);
/* TARGET units an hour for SECONDS of it, halves up. */
int64_t target_share(int64_t target, int64_t seconds);

/* Sets KEY to the number, or to null for NO_VALUE. */
void set_tenths(struct json *object, const char *key, int64_t tenths);
void add_tenths(struct json *array, int64_t tenths);
void set_minutes(struct json *object, const char *key, int64_t seconds);
void set_minutes_ms(struct json *object, const char *key, int64_t ms);

#endif
