/* SPDX-License-Identifier: MIT */
/* The parts that the data objects of the zone reports have in common. */
#include "jobs/zone/object.h"

#include <string.h>

#include <bmad/buf.h>

#include "jobs/zone/loss.h"
#include "jobs/zone/measure.h"

#define DOWNTIME_TOP    3
#define BOTTLENECKS_TOP 5

void put_zone(struct json *data, const struct zone *zone)
{
	struct json *object = json_set_object(data, "zone");

	json_set_string(object, "id", zone->id);
	json_set_string(object, "name", zone->name);
	json_set_string(object, "timezone", tz_name(zone->tz));
}

void put_shift(struct json *data, const struct plan *plan)
{
	struct json *object = json_set_object(data, "shift");
	const struct shift *shift = &plan->shift;
	const struct tz *tz = plan->zone->tz;
	char text[TIME_TEXT];

	json_set_string(object, "date", date_format(shift->date, text));
	json_set_string(object, "type", shift->type);
	json_set_string(object, "crew", plan->crew.name);
	json_set_bool(object, "scheduled", plan->crew.scheduled);
	json_set_instant(object, "start", shift->start);
	json_set_instant(object, "end", shift->end);
	json_set_string(object, "start_local", tz_format(tz, shift->start, text));
	json_set_string(object, "end_local", tz_format(tz, shift->end, text));
	set_minutes(object, "length_min", shift->end - shift->start);
	json_set_int(object, "hours", plan->hours);
}

void put_attainment(struct json *object, int64_t target, int64_t actual)
{
	json_set_int(object, "target", target);
	json_set_int(object, "actual", actual);
	json_set_int(object, "gap", actual - target);
	set_tenths(object, "attainment_pct", pct_tenths(actual, target));
}

void put_figures(struct json *object, const struct count *count, int64_t from, int64_t to)
{
	struct tally tally = count_line(count, ALL_LINES, from, to);

	put_attainment(object, count_target(count, ALL_LINES, from, to), tally.n[N_OUTPUT]);
	json_set_int(object, "fail", tally.n[N_FAIL]);
	json_set_int(object, "ncm", tally.n[N_NCM]);
	json_set_int(object, "scrap", tally.n[N_SCRAP]);
	set_tenths(object, "fpy_pct", pct_tenths(tally.n[N_FIRST_PASS], tally.n[N_FIRST]));
	set_minutes(object, "downtime_min", tally.n[N_OWN_S]);
}

void put_total(struct json *object, int64_t target, const struct tally *tally)
{
	put_attainment(object, target, tally->n[N_OUTPUT]);
	json_set_int(object, "fail", tally->n[N_FAIL]);
	json_set_int(object, "ncm", tally->n[N_NCM]);
	json_set_int(object, "scrap", tally->n[N_SCRAP]);
	set_minutes(object, "downtime_min", tally->n[N_OWN_S]);
}

/* -- the board ------------------------------------------------------------------------------------- */

/* `<station>: <category>` of the station with the longest own stops in bucket NO, or "". */
static void put_reason(struct json *row, const struct count *count, int64_t no)
{
	cleanup(buf_done) struct buf reason = {0};
	struct tally worst = {0};
	const char *name = NULL;

	for (size_t i = 0; i < count->plan.zone->station_count; i++) {
		struct tally tally = count_station(count, i, no, no);

		if (tally.n[N_OWN_S] > worst.n[N_OWN_S]) {
			worst = tally;
			name = count->plan.zone->stations[i].name;
		}
	}
	if (name)
		buf_format(&reason, "%s: %s", name, main_category(&worst));
	json_set_string(row, "reason", buf_text(&reason));
}

void put_board(struct json *data, const struct count *count, int64_t last)
{
	struct json *board = json_set_array(data, "board");
	int64_t cum_target = 0, cum_actual = 0;

	for (int64_t no = 1; no <= last; no++) {
		struct json *row = json_add_object(board);
		struct bucket bucket = shift_bucket(&count->plan.shift, no);
		struct tally tally = count_line(count, ALL_LINES, no, no);
		int64_t target = count_target(count, ALL_LINES, no, no);
		char label[BUCKET_LABEL];

		cum_target += target;
		cum_actual += tally.n[N_OUTPUT];
		json_set_int(row, "no", no);
		json_set_string(row, "label", bucket_label(count->plan.zone, &bucket, label));
		set_minutes(row, "minutes", bucket.end - bucket.start);
		json_set_int(row, "target", target);
		json_set_int(row, "actual", tally.n[N_OUTPUT]);
		json_set_int(row, "gap", tally.n[N_OUTPUT] - target);
		json_set_int(row, "cum_target", cum_target);
		json_set_int(row, "cum_actual", cum_actual);
		json_set_int(row, "cum_gap", cum_actual - cum_target);
		json_set_int(row, "scrap", tally.n[N_SCRAP]);
		set_minutes(row, "downtime_min", tally.n[N_OWN_S]);
		put_reason(row, count, no);
	}
}

/* -- losses ---------------------------------------------------------------------------------------- */

static void put_station(struct json *object, const struct zone *zone, size_t index)
{
	const struct station *station = &zone->stations[index];
	const struct line *line = &zone->lines[station->line];

	json_set_string(object, "station_id", station->id);
	json_set_string(object, "station", station->name);
	json_set_string(object, "line_id", line->id);
	json_set_string(object, "line", line->name);
}

static struct json *bottleneck_object(const struct zone *zone, const struct loss *loss)
{
	const struct tally *tally = &loss->tally;
	int64_t ideal = zone->stations[loss->station].ideal_cycle_ms;
	int64_t cycles = tally->n[N_CYCLES];
	struct json *object = json_object();

	put_station(object, zone, loss->station);
	set_minutes_ms(object, "lost_min", lost_ms(tally));
	set_minutes(object, "downtime_min", tally->n[N_OWN_S]);
	set_minutes_ms(object, "slow_min", tally->n[N_SLOW_MS]);
	json_set_int(object, "units_lost", lost_ms(tally) / ideal);
	set_tenths(object, "avg_cycle_s", cycles ? in_tenths(tally->n[N_CYCLE_MS], 1000 * cycles) : NO_VALUE);
	json_set_tenths(object, "ideal_cycle_s", in_tenths(ideal, 1000));
	json_set_string(object, "main_category", main_category(tally));
	return object;
}

static struct loss *losses(const struct count *count, int64_t from, int64_t to, loss_order *order)
{
	struct loss *ranked = mem_alloc(count->plan.zone->station_count * sizeof(*ranked));

	rank_losses(count, from, to, order, ranked);
	return ranked;
}

void put_bottleneck(struct json *data, const struct count *count, int64_t from, int64_t to)
{
	struct loss *ranked = losses(count, from, to, by_lost_time);
	bool any = count->plan.zone->station_count && lost_ms(&ranked[0].tally) > 0;

	json_set(data, "bottleneck", any ? bottleneck_object(count->plan.zone, &ranked[0]) : json_null());
	free(ranked);
}

void put_bottlenecks(struct json *data, const struct count *count, int64_t from, int64_t to)
{
	struct json *list = json_set_array(data, "bottlenecks");
	struct loss *ranked = losses(count, from, to, by_lost_time);

	for (size_t i = 0; i < BOTTLENECKS_TOP && i < count->plan.zone->station_count; i++)
		if (lost_ms(&ranked[i].tally) > 0)
			json_add(list, bottleneck_object(count->plan.zone, &ranked[i]));
	free(ranked);
}

static void add_downtime(
    struct json *list, const struct count *count, const struct loss *loss, utc_t from, utc_t to)
{
	size_t stop_count;
	const struct stop *stops = stops_of(&count->stops, loss->station, &stop_count);
	const struct tally *tally = &loss->tally;
	struct json *object = json_add_object(list);
	bool open;

	put_station(object, count->plan.zone, loss->station);
	set_minutes(object, "downtime_min", tally->n[N_OWN_S]);
	json_set_int(object, "events", stops_touching(stops, stop_count, OWN_LOSS, from, to, &open));
	json_set_bool(object, "open", open);
	json_set_string(object, "main_category", main_category(tally));
	set_minutes(object, "starved_min", tally->n[N_STOP_S + STARVED]);
	set_minutes(object, "blocked_min", tally->n[N_STOP_S + BLOCKED]);
	set_minutes(object, "planned_min", tally->n[N_STOP_S + PLANNED]);
}

void put_downtime_top(struct json *data, const struct count *count, int64_t from, int64_t to)
{
	struct json *list = json_set_array(data, "downtime_top");
	struct loss *ranked = losses(count, from, to, by_own_stops);
	utc_t start = shift_bucket(&count->plan.shift, from).start,
	      end = shift_bucket(&count->plan.shift, to).end;

	for (size_t i = 0; i < DOWNTIME_TOP && i < count->plan.zone->station_count; i++)
		if (ranked[i].tally.n[N_OWN_S] > 0)
			add_downtime(list, count, &ranked[i], start, end);
	free(ranked);
}

/* -- state ----------------------------------------------------------------------------------------- */

static const char *status(const struct count *count, int64_t from, int64_t to)
{
	if (!count->plan.crew.scheduled)
		return "not_scheduled";
	return count_line(count, ALL_LINES, from, to).n[N_ROWS] ? "ok" : "no_data";
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void put_warnings(struct json *data, const struct count *count)
{
	struct json *list = json_set_array(data, "warnings");
	cleanup(arena_done) struct arena arena = {0};
	const struct zone *zone = count->plan.zone;
	const char **warnings = arena_alloc(&arena, (2 * zone->line_count + 1) * sizeof(*warnings));
	size_t n = 0;

	if (!count->plan.crew.known)
		warnings[n++] = "no_crew";
	for (size_t i = 0; i < zone->line_count; i++) {
		if (count->plan.no_target[i])
			warnings[n++] = arena_format(&arena, "no_target:%s", zone->lines[i].id);
		if (!zone->lines[i].has_exit)
			warnings[n++] = arena_format(&arena, "no_exit:%s", zone->lines[i].id);
	}
	qsort(warnings, n, sizeof(*warnings), compare_texts);
	for (size_t i = 0; i < n; i++)
		json_add_string(list, warnings[i]);
}

void put_state(struct json *data, const struct count *count, int64_t from, int64_t to)
{
	json_set_int(data, "late_units", count_line(count, ALL_LINES, 1, count->last).n[N_LATE]);
	json_set_string(data, "status", status(count, from, to));
	put_warnings(data, count);
}
