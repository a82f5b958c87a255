/* SPDX-License-Identifier: MIT */
/*
 * The parts that the data objects of the zone reports have in common, each under the keys of the manual.
 * Windows are buckets FROM to TO.
 */
#ifndef ZONE_OBJECT_H
#define ZONE_OBJECT_H

#include <bmad/json.h>

#include "jobs/zone/count.h"

/* Sets `zone`, `shift`: what is reported on. */
void put_zone(struct json *data, const struct zone *zone);
void put_shift(struct json *data, const struct plan *plan);

/* target actual gap attainment_pct */
void put_attainment(struct json *object, int64_t target, int64_t actual);
/* The same and fail ncm scrap fpy_pct downtime_min, of all lines. */
void put_figures(struct json *object, const struct count *count, int64_t from, int64_t to);

/* The sum of an area: the same without fpy_pct. */
void put_total(struct json *object, int64_t target, const struct tally *tally);

/* Sets `board`: buckets 1 to LAST, hour by hour. */
void put_board(struct json *data, const struct count *count, int64_t last);
/* Sets `bottleneck`: the station that lost most, or null. */
void put_bottleneck(struct json *data, const struct count *count, int64_t from, int64_t to);
/* Sets `bottlenecks`: the stations that lost time, the most first, at most five. */
void put_bottlenecks(struct json *data, const struct count *count, int64_t from, int64_t to);
/* Sets `downtime_top`: the stations with the longest own stops, at most three. */
void put_downtime_top(struct json *data, const struct count *count, int64_t from, int64_t to);
/* Sets `late_units`, `status` (of the window) and `warnings`, with which each object ends. */
void put_state(struct json *data, const struct count *count, int64_t from, int64_t to);

#endif
