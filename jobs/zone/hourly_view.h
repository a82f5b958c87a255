/* SPDX-License-Identifier: MIT */
/*
 * What the templates of zone_hourly show beside its data object, as `bmad.view`:
 *
 *	mark        a coloured dot: how the hour went
 *	style       Adaptive Card container style: good, warning, attention, default
 *	hex         the same colour for mail
 *	no_data, not_scheduled                   true or false
 *	gap, to_date_gap                         with their sign: "+3", "-12", "0"
 *	recover     null | {missing, rate}: the shift is behind its target and not over
 *	on_course   true: not behind, and not over
 *	board       [{hour, target, actual, gap, cum_gap, color, reason}]: rows for a card
 *	table       [text]: the board as lines of aligned text
 *	chart       null | {alt, width, height}: of the board as a picture, `cid:chart`
 *	grid        the board as the shared partial `table` takes one
 *	card        the same for a card: fewer columns, bars
 *	lines       [{name, target, actual, gap, shift_gap, color}]
 *	notes       [text]: late units and the warnings, in words
 *
 * Of an area it is what area_view.h tells.
 */
#ifndef ZONE_HOURLY_VIEW_H
#define ZONE_HOURLY_VIEW_H

#include <bmad/json.h>

struct json *zone_hourly_view(const struct json *data);

#endif
