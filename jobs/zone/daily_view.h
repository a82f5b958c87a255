/* SPDX-License-Identifier: MIT */
/*
 * What the templates of plant_daily show beside its data object, as `bmad.view`:
 *
 * 	mark, style, hex, rgb, gap    of the plant
 * 	worst       null | the name of the worst zone
 * 	zones       [{mark, name, target, actual, gap, attainment, color, hex, week, shifts: [text]}]: week is
 * the trend as a row of bars grid        the zones as the shared partials take a table
 */
#ifndef ZONE_DAILY_VIEW_H
#define ZONE_DAILY_VIEW_H

#include <bmad/json.h>

struct json *plant_daily_view(const struct json *data);

#endif
