/* SPDX-License-Identifier: MIT */
/*
 * plant_daily - a shift date of the whole plant, for its leadership.
 *
 * The date is the last one whose shifts are over in every zone.
 */
#include <bmad/buf.h>
#include <bmad/job.h>

#include "jobs/zone/daily_view.h"
#include "jobs/zone/measure.h"
#include "jobs/zone/object.h"
#include "jobs/zone/report.h"
#include "jobs/zone/slots.h"
#include "jobs/zone/tally.h"

#define DELAY_S       600
#define TREND_DAYS    7
#define DAYS_BACK     10 /* in which a plant that works at all has ended some date */
#define SHIFTS_OF_DAY ZONE_STARTS_MAX
#define DAY_S         86400

struct plant_daily_options {
	const char *source;
	struct texts zones;
};

static const struct option options[] = {
    OPTION(struct plant_daily_options, source, OPT_NAME, .section = "sources", .required = true,
        .help = "the plant's database"),
    OPTION(struct plant_daily_options, zones, OPT_TEXTS, .help = "the zones to report; all"),
    OPTION_END,
};

/* Units planned and made, and the rows that the other figures come from. */
struct sum {
	int64_t target;
	struct tally tally;
};

struct zone_day {
	struct zone *zone;
	struct plan shifts[SHIFTS_OF_DAY];
	struct tally tallies[SHIFTS_OF_DAY];
	size_t shift_count;
	struct sum sum;
	int64_t trend[TREND_DAYS]; /* attainment in tenths, oldest first */
};

struct daily {
	struct arena arena;
	utc_t as_of;
	struct texts ids;
	struct zone *zones;
	struct zone_day *days;
	int64_t date;
	struct sum sum;
};

static void daily_done(struct daily *daily)
{
	arena_done(&daily->arena);
}

/* -- counting -------------------------------------------------------------------------------------- */

static size_t shifts_of(const struct zone *zone, int64_t date, struct shift out[SHIFTS_OF_DAY])
{
	struct civil midnight = {0};
	size_t count = 0;

	civil_from_days(date, &midnight.year, &midnight.month, &midnight.day);
	struct shift shift = shift_at(zone, tz_to_utc(zone->tz, &midnight) - 1);
	for (; shift.date <= date && count < SHIFTS_OF_DAY; shift = shift_at(zone, shift.end))
		if (shift.date == date)
			out[count++] = shift;
	return count;
}

/* What the stations of a zone counted in each of several windows, as one tally for each. */
static void sum_stations(
    const struct zone *zone, const struct tally *tallies, size_t windows, struct tally *out)
{
	for (size_t window = 0; window < windows; window++)
		for (size_t station = 0; station < zone->station_count; station++)
			tally_add(&out[window], &tallies[window * zone->station_count + station]);
}

static struct windows windows_of(struct daily *d, const struct shift *shifts, size_t count)
{
	struct window *windows = arena_alloc(&d->arena, count * sizeof(*windows));

	for (size_t i = 0; i < count; i++)
		windows[i] = (struct window){shifts[i].start, shifts[i].end, shifts[i].end};
	return (struct windows){windows, count};
}

static struct err *count_day(struct sql *db, struct daily *d, struct zone_day *day)
{
	const struct zone *zone = day->zone;
	struct shift shifts[SHIFTS_OF_DAY];
	size_t count = day->shift_count = shifts_of(zone, d->date, shifts);
	struct tally *tallies = arena_alloc(&d->arena, count * zone->station_count * sizeof(*tallies));

	if (!count)
		return NULL;
	PASS(tally_load(db, zone, windows_of(d, shifts, count), d->as_of, &d->arena, tallies));
	sum_stations(zone, tallies, count, day->tallies);
	for (size_t i = 0; i < count; i++) {
		PASS(plan_load(db, zone, &shifts[i], &d->arena, &day->shifts[i]));
		day->sum.target += plan_target(&day->shifts[i], ALL_LINES, 1, day->shifts[i].hours);
		tally_add(&day->sum.tally, &day->tallies[i]);
	}
	return NULL;
}

/* The attainment of the date that is BACK days before the reported one. */
static struct err *count_trend(struct sql *db, struct daily *d, struct zone_day *day, int64_t back)
{
	const struct zone *zone = day->zone;
	struct shift shifts[SHIFTS_OF_DAY];
	size_t count = shifts_of(zone, d->date - back, shifts);
	int64_t target = 0, output = 0;

	for (size_t i = 0; i < count; i++) {
		struct plan plan;
		int64_t made;

		PASS(plan_load(db, zone, &shifts[i], &d->arena, &plan));
		PASS(tally_shift_output(db, zone, &shifts[i], d->as_of, &d->arena, &made));
		target += plan_target(&plan, ALL_LINES, 1, plan.hours);
		output += made;
	}
	day->trend[TREND_DAYS - back] = pct_tenths(output, target);
	return NULL;
}

static struct err *count_zone(struct sql *db, struct daily *d, struct zone_day *day)
{
	TRY(count_day(db, d, day), "count the day");
	for (int64_t back = 1; back <= TREND_DAYS; back++)
		TRY(count_trend(db, d, day, back), "count the days before");
	d->sum.target += day->sum.target;
	tally_add(&d->sum.tally, &day->sum.tally);
	return NULL;
}

/* -- loading --------------------------------------------------------------------------------------- */

static struct err *find_date(struct daily *d)
{
	int64_t date = d->as_of / DAY_S + 1;

	for (int64_t tried = 0; tried <= DAYS_BACK; tried++, date--) {
		utc_t end = zone_date_end(d->zones, d->ids.count, date);

		if (end >= 0 && end <= d->as_of) {
			d->date = date;
			return NULL;
		}
	}
	return ERR(ERR_PERMANENT, "no shift date of the last %d days is over in every zone", DAYS_BACK);
}

static struct err *load_zones(struct run *run, struct sql *db, struct daily *d)
{
	if (!d->ids.count)
		TRY(zone_list(db, &d->arena, &d->ids), "list the zones");
	if (!d->ids.count)
		return ERR(ERR_PERMANENT, "the table zone is empty");
	d->zones = arena_alloc(&d->arena, d->ids.count * sizeof(*d->zones));
	d->days = arena_alloc(&d->arena, d->ids.count * sizeof(*d->days));
	for (size_t i = 0; i < d->ids.count; i++) {
		run_step(run, "read zone %s", d->ids.items[i]);
		TRY(zone_load(db, d->ids.items[i], &d->arena, &d->zones[i]), "read zone %s", d->ids.items[i]);
		d->days[i].zone = &d->zones[i];
	}
	return NULL;
}

static struct err *load(struct run *run, const struct plant_daily_options *o, struct daily *d)
{
	struct sql *db;

	run_step(run, "open the source %s", o->source);
	TRY(run_source(run, o->source, &db), "open the source");
	TRY(sql_begin(db), "read the plant");
	PASS(load_zones(run, db, d));
	PASS(find_date(d));
	for (size_t i = 0; i < d->ids.count; i++) {
		run_step(run, "count zone %s", d->ids.items[i]);
		TRY(count_zone(db, d, &d->days[i]), "count zone %s", d->ids.items[i]);
	}
	return sql_end(db);
}

/* -- the data object ------------------------------------------------------------------------------- */

static void put_shift_row(struct json *list, const struct plan *plan, const struct tally *tally)
{
	struct json *row = json_add_object(list);

	json_set_string(row, "type", plan->shift.type);
	json_set_string(row, "crew", plan->crew.name);
	put_attainment(row, plan_target(plan, ALL_LINES, 1, plan->hours), tally->n[N_OUTPUT]);
	set_tenths(row, "fpy_pct", pct_tenths(tally->n[N_FIRST_PASS], tally->n[N_FIRST]));
	json_set_int(row, "scrap", tally->n[N_SCRAP]);
}

static void put_trend(struct json *object, const struct zone_day *day)
{
	struct json *list = json_set_array(object, "trend7");

	for (size_t i = 0; i < TREND_DAYS; i++)
		add_tenths(list, day->trend[i]);
}

static void put_zone_day(struct json *list, const struct zone_day *day)
{
	struct json *object = json_add_object(list);

	json_set_string(object, "id", day->zone->id);
	json_set_string(object, "name", day->zone->name);
	struct json *shifts = json_set_array(object, "shifts");
	for (size_t i = 0; i < day->shift_count; i++)
		put_shift_row(shifts, &day->shifts[i], &day->tallies[i]);
	put_attainment(object, day->sum.target, day->sum.tally.n[N_OUTPUT]);
	put_trend(object, day);
}

/* The one that attained least of its plan; the first of equals. NULL: none had a plan. */
static const char *worst_zone(const struct daily *d)
{
	const struct zone_day *worst = NULL;

	for (size_t i = 0; i < d->ids.count; i++) {
		const struct zone_day *day = &d->days[i];

		if (day->sum.target > 0 &&
		    (!worst || compare_shares(day->sum.tally.n[N_OUTPUT], day->sum.target,
		                   worst->sum.tally.n[N_OUTPUT], worst->sum.target) < 0))
			worst = day;
	}
	return worst ? worst->zone->id : NULL;
}

static struct json *make(struct run *run, const struct daily *d)
{
	struct json *data = run_data(run);
	char date[TIME_TEXT];

	json_set_string(data, "report", "plant_daily");
	json_set_string(data, "date", date_format(d->date, date));
	json_set_instant(data, "as_of", d->as_of);
	struct json *zones = json_set_array(data, "zones");
	for (size_t i = 0; i < d->ids.count; i++)
		put_zone_day(zones, &d->days[i]);
	put_attainment(data, d->sum.target, d->sum.tally.n[N_OUTPUT]);
	json_set_string(data, "worst_zone", worst_zone(d));
	return data;
}

/* -- the run --------------------------------------------------------------------------------------- */

static bool worth_posting(const struct daily *d)
{
	bool scheduled = false;

	for (size_t i = 0; i < d->ids.count; i++)
		for (size_t k = 0; k < d->days[i].shift_count; k++)
			scheduled |= d->days[i].shifts[k].crew.scheduled;
	return scheduled || d->sum.tally.n[N_OUTPUT] > 0;
}

/* `plant-daily|2024-11-02`, or `plant-daily|Z1,Z2|2024-11-02` of some zones. */
static const char *message_key(const struct plant_daily_options *o, struct daily *d)
{
	cleanup(buf_done) struct buf key = {0};
	char date[TIME_TEXT];

	buf_add_text(&key, "plant-daily|");
	for (size_t i = 0; i < o->zones.count; i++)
		buf_format(&key, "%s%s", o->zones.items[i], i + 1 < o->zones.count ? "," : "|");
	buf_add_text(&key, date_format(d->date, date));
	return arena_copy(&d->arena, buf_text(&key));
}

static struct err *plant_daily_slots(struct run *run, utc_t from, utc_t to)
{
	const struct plant_daily_options *o = run_options(run);
	struct zone_slots of = {.source = o->source, .zones = o->zones};

	return zone_slots_daily(run, &of, DELAY_S, from, to);
}

static struct err *plant_daily_check(const void *options_)
{
	const struct plant_daily_options *o = options_;

	return zone_ids_check(o->zones);
}

static struct err *plant_daily_connect(struct run *run)
{
	const struct plant_daily_options *o = run_options(run);
	cleanup(daily_done) struct daily d = {.as_of = run_slot(run), .ids = o->zones};

	return load(run, o, &d);
}

static struct err *plant_daily_run(struct run *run)
{
	const struct plant_daily_options *o = run_options(run);
	cleanup(daily_done) struct daily d = {.as_of = run_slot(run), .ids = o->zones};

	PASS(load(run, o, &d));
	run_value(run, "actual", (double)d.sum.tally.n[N_OUTPUT]);
	run_value(run, "target", (double)d.sum.target);
	run_value(run, "gap", (double)(d.sum.tally.n[N_OUTPUT] - d.sum.target));
	if (!worth_posting(&d)) {
		run_decide(run, "no shift of the day was scheduled and nothing was made: nothing to post");
		return NULL;
	}
	run_step(run, "queue the report");
	return run_queue(run, &(struct message){.kind = "report", .key = message_key(o, &d)}, make(run, &d));
}

const struct job_module plant_daily_module = {
    .name = "plant_daily",
    .summary = "the plant's last shift date: each zone's shifts, attainment and its week",
    .schedule = "@module",
    .options = options,
    .options_size = sizeof(struct plant_daily_options),
    .restartable = true,
    .check = plant_daily_check,
    .slots = plant_daily_slots,
    .connect = plant_daily_connect,
    .run = plant_daily_run,
    .view = plant_daily_view,
};
