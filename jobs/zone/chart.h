/* SPDX-License-Identifier: MIT */
/*
 * The hour-by-hour board of a zone as a picture: the plan as steps, what was made as bars, coloured by how
 * well the plan was met, and below them the cumulative gap. Made from a data object of zone_hourly or
 * zone_eos alone, whatever it lacks.
 */
#ifndef ZONE_CHART_H
#define ZONE_CHART_H

#include <stddef.h>

#include <bmad/json.h>

#define CHART_WIDTH  600
#define CHART_HEIGHT 296
#define CHART_HOURS  26 /* a shift of more, or none, is not drawn */

/* A PNG, to be free()d; NULL where there is nothing to draw. */
char *zone_chart(const struct json *data, size_t *out_length);

/* Sets `chart` of VIEW {alt, width, height}: what a mail shows it with; null where zone_chart() has none. */
void view_put_chart(struct json *view, const struct json *data);

#endif
