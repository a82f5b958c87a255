/* SPDX-License-Identifier: MIT */
/*
 * What the templates of zone_hourly and zone_eos show of an area, as `bmad.view`:
 *
 * 	area        true; of a single zone's object it is not there
 * 	mark, style, hex as of a zone, of the sum
 * 	gap         of the sum, with its sign
 * 	period      what all the zones report on, or "" where they differ
 * 	zones       [{mark, name, no_data, period, target, actual, gap, attainment, color, hex, trouble}]
 * 	grid        the same as the shared partials take a table
 * 	notes       [text]: late units and the warnings of the zones, in words
 */
#ifndef ZONE_AREA_VIEW_H
#define ZONE_AREA_VIEW_H

#include <bmad/json.h>

/* True of an area's object: then VIEW is the whole of its looks. */
bool zone_area_view(const struct json *data, struct json *view);

#endif
