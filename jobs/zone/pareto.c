/* SPDX-License-Identifier: MIT */
/* Ranks the categories of stops and the codes of defects. */
#include "jobs/zone/pareto.h"

#include <string.h>

#include "jobs/zone/measure.h"

/* -- defects --------------------------------------------------------------------------------------- */

static bool comes_first(const struct defect *a, const struct defect *b)
{
	return a->qty != b->qty ? a->qty > b->qty : strcmp(a->code, b->code) < 0;
}

/* Keeps the first few: what is read takes no more memory than what is shown. */
static void rank_defect(struct defects *defects, struct defect defect, struct arena *arena)
{
	size_t at = defects->count;

	while (at > 0 && comes_first(&defect, &defects->items[at - 1]))
		at--;
	if (at == DEFECTS_SHOWN)
		return;
	if (defects->count < DEFECTS_SHOWN)
		defects->count++;
	memmove(&defects->items[at + 1], &defects->items[at],
	    (defects->count - 1 - at) * sizeof(*defects->items));
	defect.code = arena_copy(arena, defect.code);
	defects->items[at] = defect;
}

struct err *defects_load(struct sql *db, const struct zone *zone, const struct shift *shift, utc_t as_of,
    struct arena *arena, struct defects *out_defects)
{
	static const char text[] =
	    "/* defects */ select n.defect_code, sum(n.qty) as qty"
	    " from line l cross join station s cross join ncm_event n"
	    " where l.zone_id = :zone and s.line_id = l.line_id and n.station_id = s.station_id"
	    " and n.ts >= :from and n.ts < :to and n.recorded_at <= :as_of group by n.defect_code";
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_INT | SQL_REQUIRED};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", zone->id),
	    SQL_INSTANT_PARAM("from", shift->start),
	    SQL_INSTANT_PARAM("to", shift->end),
	    SQL_INSTANT_PARAM("as_of", as_of),
	};
	struct defects defects = {0};
	struct sql_rows *rows;

	PASS(sql_query(db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows)) {
		struct defect defect = {sql_text(rows, 0), sql_int(rows, 1)};

		rank_defect(&defects, defect, arena);
		defects.total += defect.qty;
	}
	PASS(sql_close(rows));
	*out_defects = defects;
	return NULL;
}

void put_ncm_pareto(struct json *data, const struct defects *defects)
{
	struct json *list = json_set_array(data, "ncm_pareto");

	for (size_t i = 0; i < defects->count; i++) {
		struct json *row = json_add_object(list);

		json_set_string(row, "defect_code", defects->items[i].code);
		json_set_int(row, "qty", defects->items[i].qty);
		set_tenths(row, "share_pct", pct_tenths(defects->items[i].qty, defects->total));
	}
}

/* -- stops ----------------------------------------------------------------------------------------- */

/* Of all stations, whichever category: inherited and planned ones too. */
struct cause {
	enum category category;
	int64_t seconds, events;
};

static int64_t events_of(const struct count *count, enum category category)
{
	const struct shift *shift = &count->plan.shift;
	int64_t events = 0;

	for (size_t station = 0; station < count->plan.zone->station_count; station++) {
		size_t stop_count;
		const struct stop *stops = stops_of(&count->stops, station, &stop_count);
		bool open;

		events +=
		    stops_touching(stops, stop_count, IN_SET(category), shift->start, shift->end, &open);
	}
	return events;
}

/* Most seconds first; equals stay alphabetical, as the categories are. */
static size_t rank_causes(const struct count *count, struct cause out[CATEGORIES])
{
	struct tally tally = count_line(count, ALL_LINES, 1, count->last);
	size_t n = 0;

	for (unsigned category = 0; category < CATEGORIES; category++) {
		struct cause cause = {category, tally.n[N_STOP_S + category], events_of(count, category)};
		size_t at = n;

		if (!cause.events)
			continue;
		for (; at > 0 && cause.seconds > out[at - 1].seconds; at--)
			out[at] = out[at - 1];
		out[at] = cause;
		n++;
	}
	return n;
}

void put_downtime_pareto(struct json *data, const struct count *count)
{
	struct json *list = json_set_array(data, "downtime_pareto");
	struct cause causes[CATEGORIES];
	size_t n = rank_causes(count, causes);
	int64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += causes[i].seconds;
	for (size_t i = 0; i < n; i++) {
		struct json *row = json_add_object(list);

		json_set_string(row, "category", category_names[causes[i].category]);
		set_minutes(row, "minutes", causes[i].seconds);
		json_set_int(row, "events", causes[i].events);
		set_tenths(row, "share_pct", pct_tenths(causes[i].seconds, total));
	}
}
