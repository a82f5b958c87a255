/* SPDX-License-Identifier: MIT */
/* Reads the tables zone, shift_definition, line and station for one zone. */
#include "jobs/zone/plant.h"

#include <string.h>

#define CYCLE_MAX_MS INT64_C(86400000)
#define NAMES_SHOWN  12 /* zones that an error lists */

/* -- the zone itself and its shift times ----------------------------------------------------------- */

struct err *zone_list(struct sql *db, struct arena *arena, struct texts *out_ids)
{
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED};
	struct id {
		struct id *next;
		const char *text;
	} *first = NULL, **last = &first;
	struct sql_rows *rows;
	size_t count = 0;

	PASS(sql_query(
	    db, "/* zones */ select zone_id from zone order by sort, zone_id", NULL, 0, columns, 1, &rows));
	for (; sql_next(rows); count++) {
		*last = arena_alloc(arena, sizeof(**last));
		(*last)->text = arena_copy(arena, sql_text(rows, 0));
		last = &(*last)->next;
	}
	PASS(sql_close(rows));
	const char **items = arena_alloc(arena, (count + 1) * sizeof(*items));
	for (size_t i = 0; i < count; i++, first = first->next)
		items[i] = first->text;
	*out_ids = (struct texts){items, count};
	return NULL;
}

static struct err *unknown_zone(struct sql *db, const char *id, struct arena *arena)
{
	struct texts ids;

	PASS(zone_list(db, arena, &ids));
	if (!ids.count)
		return ERR(ERR_CONFIG, "zone '%s' is not known: the table zone is empty", id);
	const char *names = ids.items[0];
	for (size_t i = 1; i < ids.count && i < NAMES_SHOWN; i++)
		names = arena_format(arena, "%s, %s", names, ids.items[i]);
	return ERR(ERR_CONFIG, "zone '%s' is not known; the table zone has %s%s", id, names,
	    ids.count > NAMES_SHOWN ? " and more" : "");
}

static bool take_two_digits(const char *text, int limit, int *out_value)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return false;
	*out_value = (text[0] - '0') * 10 + (text[1] - '0');
	return *out_value < limit;
}

static bool parse_start(const char *text, struct shift_start *start)
{
	return strlen(text) == 5 && text[2] == ':' && take_two_digits(text, 24, &start->hour) &&
	       take_two_digits(text + 3, 60, &start->minute);
}

static const struct shift_start *same_start(const struct zone *zone, const struct shift_start *start)
{
	for (size_t i = 0; i < zone->start_count; i++)
		if (zone->starts[i].hour == start->hour && zone->starts[i].minute == start->minute)
			return &zone->starts[i];
	return NULL;
}

static struct err *add_start(struct zone *zone, const char *type, const char *start_local)
{
	struct shift_start start = {.type = type};

	if (!parse_start(start_local, &start))
		return ERR(ERR_PERMANENT,
		    "table shift_definition, zone %s, shift %s: start_local: expected HH:MM, found '%s'",
		    zone->id, type, start_local);
	const struct shift_start *same = same_start(zone, &start);
	if (same)
		return ERR(ERR_PERMANENT,
		    "table shift_definition, zone %s: start_local: shifts %s and %s both start at %s",
		    zone->id, same->type, type, start_local);
	if (zone->start_count == ZONE_STARTS_MAX)
		return ERR(ERR_PERMANENT, "table shift_definition, zone %s: more than %d shifts", zone->id,
		    ZONE_STARTS_MAX);
	zone->starts[zone->start_count++] = start;
	return NULL;
}

/* One row per shift definition; a zone without any comes as one row with NULLs. */
static const char zone_query[] = "/* zone */ select z.name, z.timezone, d.shift_type, d.start_local"
                                 " from zone z left join shift_definition d on d.zone_id = z.zone_id"
                                 " where z.zone_id = :zone";

static struct err *read_zone_row(struct sql_rows *rows, struct arena *arena, struct zone *zone)
{
	if (!zone->tz) {
		zone->name = arena_copy(arena, sql_text(rows, 0));
		TRY(tz_get(sql_text(rows, 1), &zone->tz), "table zone, row %s: timezone", zone->id);
	}
	if (sql_is_null(rows, 2))
		return NULL;
	return add_start(
	    zone, arena_copy(arena, sql_text(rows, 2)), sql_is_null(rows, 3) ? "" : sql_text(rows, 3));
}

static struct err *load_zone_rows(struct sql *db, struct arena *arena, struct zone *zone)
{
	static const enum sql_type columns[] = {
	    SQL_TEXT | SQL_REQUIRED, SQL_TEXT | SQL_REQUIRED, SQL_TEXT, SQL_TEXT};
	const struct sql_param params[] = {SQL_TEXT_PARAM("zone", zone->id)};
	struct sql_rows *rows;

	PASS(sql_query(db, zone_query, params, 1, columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_zone_row(rows, arena, zone));
	return sql_close(rows);
}

struct err *zone_load_shifts(struct sql *db, const char *id, struct arena *arena, struct zone *out_zone)
{
	struct zone zone = {.id = arena_copy(arena, id)};

	PASS(load_zone_rows(db, arena, &zone));
	if (!zone.tz)
		return unknown_zone(db, id, arena);
	if (!zone.start_count)
		return ERR(
		    ERR_PERMANENT, "zone %s has no shifts: the table shift_definition has no row for it", id);
	*out_zone = zone;
	return NULL;
}

/* -- lines and stations ---------------------------------------------------------------------------- */

/* As they come from the database, in any order. */
struct layout {
	struct arena *arena;
	struct line *lines;
	struct layout_station {
		struct station station;
		const char *line_id;
	} * stations;
	size_t line_count, line_capacity, station_count, station_capacity;
};

static void layout_done(struct layout *layout)
{
	free(layout->lines);
	free(layout->stations);
}

static struct line *find_line(const struct layout *layout, const char *id)
{
	for (size_t i = layout->line_count; i-- > 0;) /* the last is the likeliest */
		if (!strcmp(layout->lines[i].id, id))
			return &layout->lines[i];
	return NULL;
}

enum {
	LINE_ID,
	LINE_NAME,
	LINE_SORT,
	STATION_ID,
	SEQ,
	STATION_NAME,
	IDEAL_MS,
	IS_EXIT,
	IS_CONSTRAINT,
	LAYOUT_COLUMNS
};

/* Lines without stations are there too, with NULLs. */
static const char layout_query[] = "/* lines and stations */ select l.line_id, l.name, l.sort, s.station_id, "
                                   "s.seq, s.name, s.ideal_cycle_ms,"
                                   " s.is_exit, s.is_constraint"
                                   " from line l left join station s on s.line_id = l.line_id"
                                   " where l.zone_id = :zone";

static const enum sql_type layout_columns[LAYOUT_COLUMNS] = {
    [LINE_ID] = SQL_TEXT | SQL_REQUIRED,
    [LINE_NAME] = SQL_TEXT | SQL_REQUIRED,
    [LINE_SORT] = SQL_INT | SQL_REQUIRED,
    [STATION_ID] = SQL_TEXT,
    [SEQ] = SQL_INT,
    [STATION_NAME] = SQL_TEXT,
    [IDEAL_MS] = SQL_INT,
    [IS_EXIT] = SQL_BOOL,
    [IS_CONSTRAINT] = SQL_BOOL,
};

static void add_line(struct layout *layout, const struct sql_rows *rows)
{
	mem_grow(layout->lines, layout->line_count, layout->line_capacity);
	layout->lines[layout->line_count++] = (struct line){
	    .id = arena_copy(layout->arena, sql_text(rows, LINE_ID)),
	    .name = arena_copy(layout->arena, sql_text(rows, LINE_NAME)),
	    .sort = sql_int(rows, LINE_SORT),
	};
}

static struct err *add_station(struct layout *layout, const struct sql_rows *rows, struct line *line)
{
	const char *id = sql_text(rows, STATION_ID);
	const char *name = sql_text(rows, STATION_NAME);
	int64_t ideal = sql_int(rows, IDEAL_MS);

	if (ideal <= 0 || ideal > CYCLE_MAX_MS)
		return ERR(ERR_PERMANENT,
		    "table station, row %s: ideal_cycle_ms: expected 1 to %lld, found %lld", id,
		    (long long)CYCLE_MAX_MS, (long long)ideal);
	mem_grow(layout->stations, layout->station_count, layout->station_capacity);
	layout->stations[layout->station_count++] = (struct layout_station){
	    .line_id = line->id,
	    .station = {.id = arena_copy(layout->arena, id),
	        .name = arena_copy(layout->arena, name ? name : id),
	        .seq = sql_int(rows, SEQ),
	        .ideal_cycle_ms = ideal,
	        .is_exit = sql_bool(rows, IS_EXIT),
	        .is_constraint = sql_bool(rows, IS_CONSTRAINT)},
	};
	line->has_exit |= sql_bool(rows, IS_EXIT);
	return NULL;
}

static struct err *read_layout_row(struct layout *layout, const struct sql_rows *rows)
{
	const char *id = sql_text(rows, LINE_ID);

	if (!find_line(layout, id))
		add_line(layout, rows);
	if (sql_is_null(rows, STATION_ID))
		return NULL;
	return add_station(layout, rows, find_line(layout, id));
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* By bytes, here and not in the query: databases differ in how they order text. */
static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = compare_numbers(a->sort, b->sort);

	return order ? order : strcmp(a->id, b->id);
}

static int compare_stations(const void *left, const void *right)
{
	const struct station *a = left, *b = right;
	int order = compare_numbers((int64_t)a->line, (int64_t)b->line);

	if (!order)
		order = compare_numbers(a->seq, b->seq);
	return order ? order : strcmp(a->id, b->id);
}

/* Sorts the lines, then the stations by the lines' new places. */
static struct err *arrange(struct layout *layout, struct zone *zone)
{
	zone->line_count = layout->line_count;
	zone->lines = arena_alloc(layout->arena, layout->line_count * sizeof(*zone->lines));
	if (layout->line_count)
		memcpy(zone->lines, layout->lines, layout->line_count * sizeof(*zone->lines));
	qsort(zone->lines, zone->line_count, sizeof(*zone->lines), compare_lines);

	zone->station_count = layout->station_count;
	zone->stations = arena_alloc(layout->arena, layout->station_count * sizeof(*zone->stations));
	for (size_t i = 0; i < layout->station_count; i++) {
		zone->stations[i] = layout->stations[i].station;
		PASS(zone_line(zone, layout->stations[i].line_id, &zone->stations[i].line));
	}
	qsort(zone->stations, zone->station_count, sizeof(*zone->stations), compare_stations);
	return NULL;
}

static struct err *load_layout(struct sql *db, struct arena *arena, struct zone *zone)
{
	const struct sql_param params[] = {SQL_TEXT_PARAM("zone", zone->id)};
	cleanup(layout_done) struct layout layout = {.arena = arena};
	struct sql_rows *rows;

	PASS(sql_query(db, layout_query, params, 1, layout_columns, LAYOUT_COLUMNS, &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_layout_row(&layout, rows));
	PASS(sql_close(rows));
	return arrange(&layout, zone);
}

/* -- the whole ------------------------------------------------------------------------------------- */

struct err *zone_load(struct sql *db, const char *id, struct arena *arena, struct zone *out_zone)
{
	struct zone zone = {0};

	PASS(zone_load_shifts(db, id, arena, &zone));
	PASS(load_layout(db, arena, &zone));
	*out_zone = zone;
	return NULL;
}

struct err *zone_line(const struct zone *zone, const char *id, size_t *out_index)
{
	for (size_t i = 0; i < zone->line_count; i++)
		if (!strcmp(zone->lines[i].id, id)) {
			*out_index = i;
			return NULL;
		}
	return ERR(ERR_BUG, "line %s is not one of zone %s", id, zone->id);
}

struct err *zone_station(const struct zone *zone, const char *id, size_t *out_index)
{
	for (size_t i = 0; i < zone->station_count; i++)
		if (!strcmp(zone->stations[i].id, id)) {
			*out_index = i;
			return NULL;
		}
	return ERR(ERR_BUG, "station %s is not one of zone %s", id, zone->id);
}
