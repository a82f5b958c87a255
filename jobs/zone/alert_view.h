/* SPDX-License-Identifier: MIT */
/*
 * What the templates of zone_alert show beside its data object, as `bmad.view`:
 *
 *	mark, style, hex, rgb     by the loudest alert that begins or lasts; good when all that is told is over
 *	headline        text: "Leak test, Line A: stopped for 12 min (10 min or more); and 2 more"
 *	alerts          [{mark, color, hex, state: raised|still|over, place, what, more}]: all lists in one,
 *	                in words
 *	notes           [text]: what fires besides, is suppressed, is held back
 */
#ifndef ZONE_ALERT_VIEW_H
#define ZONE_ALERT_VIEW_H

#include <bmad/json.h>

struct json *zone_alert_view(const struct json *data);

#endif
