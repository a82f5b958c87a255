/* SPDX-License-Identifier: MIT */
/*
 * What the templates of zone_staffing show beside its data object, as `bmad.view`:
 *
 * 	mark, style, hex, rgb     full, short, unknown
 * 	headline    text: "12 of 13 (-1)", "not entered yet"
 * 	change      null | text: "11 of 13 -> 12 of 13"
 * 	previous    null | text: of the shift before
 * 	roles       [{role, heads, color, hex}]: "9 of 10 (-1)", "? of 10"
 */
#ifndef ZONE_STAFFING_VIEW_H
#define ZONE_STAFFING_VIEW_H

#include <bmad/json.h>

struct json *zone_staffing_view(const struct json *data);

#endif
