/* SPDX-License-Identifier: MIT */
/* A day of the rota as an event of a calendar: its id, its title, the mark of its pair. Pure. */
#ifndef JOBS_ROTA_EVENT_H
#define JOBS_ROTA_EVENT_H

#include "jobs/rota/rota.h"

#define EVENT_ID_TEXT   33 /* 32 characters of base32hex */
#define EVENT_PAIR_TEXT 65 /* SHA-256 in hexadecimal */

/* The same for the same rota, day and generation everywhere: a repeated insert makes no second event. */
char *event_id(const char *rota_id, int64_t day, int generation, char out[EVENT_ID_TEXT]);
char *event_pair(const char *lead, const char *assist, char out[EVENT_PAIR_TEXT]);

/* How titles are made of pairs. */
struct titles;

/* TEXT is a Mustache template of `lead` and `assist`; CONFIG error with its place if it is none. */
struct err *titles_create(const char *text, struct titles **out_titles) MUST_CHECK;
void titles_destroy(struct titles *titles); /* TITLES may be NULL */
/* One line, in ARENA. */
struct err *titles_make(const struct titles *titles, const struct rota_day *day, struct arena *arena,
    const char **out_title) MUST_CHECK;

#endif
