/* SPDX-License-Identifier: MIT */
/*
 * What the looks of the zone reports have in common: parts of `bmad.view`, made from a data object alone,
 * whatever it lacks.
 */
#ifndef ZONE_VIEW_H
#define ZONE_VIEW_H

#include <stdint.h>

#include <bmad/json.h>

/* A member of OBJECT: 0 or "" when it is not there. */
int64_t view_number(const struct json *object, const char *key);
const char *view_text(const struct json *object, const char *key);

/* "+3", "-12", "0". Returns OUT. */
#define VIEW_SIGNED 24
char *view_signed(int64_t value, char out[VIEW_SIGNED]);
void view_set_signed(struct json *object, const char *key, int64_t value);

/* How well a plan was met. */
struct grade {
	int64_t at_least;  /* tenths of a per cent; NO_VALUE: nothing to compare with */
	const char *mark;  /* a coloured dot */
	const char *style; /* of an Adaptive Card's container: good warning attention default */
	const char *color; /* of its text */
	const char *hex;   /* for mail and chats: to be read on white and on black */
};

/* Of an object with `actual` and `target`. */
const struct grade *view_grade(const struct json *object);
/* Sets mark style hex rgb: how a whole message looks. */
void view_set_look(struct json *view, const struct grade *grade);
/* The one of nothing to compare with: a missing feed is no bad hour, and must not look like one. */
const struct grade *view_no_grade(void);

/* A bucket's label for a table, to be free()d. */
char *view_hour(const struct json *row);

/* Sets `board` [{hour target actual gap cum_gap color reason}] and `table` [lines of aligned text]. */
void view_put_board(struct json *view, const struct json *board);
void view_put_table(struct json *view, const struct json *board);
/* Sets `grid`: the board as the shared partials take a table, and `card`: a narrower one. */
void view_put_grid(struct json *view, const struct json *board);
void view_put_card(struct json *view, const struct json *board);
/* Sets `notes` [text]: late units and the warnings, in words. */
void view_put_notes(struct json *view, const struct json *data);
/* The same added to NOTES, each said OF a zone (or NULL). */
void view_add_notes(struct json *notes, const char *of, const struct json *data);

/* "██████▌░": actual against target; "" without a target. */
#define VIEW_BAR 48
void view_bar(int64_t actual, int64_t target, char out[VIEW_BAR]);

/* A number, or "-" for none, to be free()d. */
char *view_or_dash(const struct json *number);
/* The same with one decimal, always, as a column wants it. */
char *view_tenths(const struct json *number);
/* Heads of an object with `planned` and `actual`: "9 of 10 (-1)", "? of 10"; to be free()d. */
char *view_heads(const struct json *staffing);

#endif
