/* SPDX-License-Identifier: MIT */
/* When a dispatch begins, from what the vendors write; and in words. Pure, but for the zones' data. */
#ifndef JOBS_DISPATCH_WHEN_H
#define JOBS_DISPATCH_WHEN_H

#include <stdbool.h>

#include <bmad/time.h>

#define WHEN_TEXT 64

struct when {
	utc_t at;
	char text[WHEN_TEXT]; /* "Jun 18, 2024 @ 04:00 PM Pacific", as clocks at the site show it */
};

/* A date, a time or a range of times as people write them, and the name of a zone. False: no start. */
bool when_local(const char *date, const char *time, const char *zone, struct when *out);

/* An ISO 8601 instant; the text is of UTC. */
bool when_instant(const char *text, struct when *out);

/* The same as units of 100 ns since 1970, for ordering. */
bool when_ticks(const char *text, int64_t *out_ticks);

/* Minutes from NOW to AT, rounded to the nearest whole one, ties to even. */
int64_t when_minutes(utc_t now, utc_t at);

#endif
