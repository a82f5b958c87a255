/* SPDX-License-Identifier: MIT */
/*
 * What the templates of zone_eos show beside its data object, as `bmad.view`:
 *
 * 	mark, style, hex, no_data, not_scheduled, board, table, chart, grid, card, notes    as of zone_hourly
 * 	gap         of the shift, with its sign
 * 	best, worst     null | text: the hour with its figures
 * 	lines       [{name, target, actual, gap, attainment, color, hex, fpy, scrap, oee}]: figures in words
 * 	stops, ncm  text: the paretos in a line each, or ""
 * 	stop_list   [text]: a line for each category of stops
 * 	staffing    text: heads in a line, or ""
 * 	previous    text: the shift before in a line
 */
#ifndef ZONE_EOS_VIEW_H
#define ZONE_EOS_VIEW_H

#include <bmad/json.h>

struct json *zone_eos_view(const struct json *data);

#endif
