/* SPDX-License-Identifier: MIT */
/*
 * zone_hourly - what a zone made in its last full hour, against plan, and what holds it up.
 *
 * The hour is a bucket of the shift, the last one over `grace` before the slot. Every post counts again
 * from the shift's start, so rows that came late are in the numbers of their hour.
 */
#include <bmad/job.h>

#include "jobs/zone/hourly_view.h"
#include "jobs/zone/measure.h"
#include "jobs/zone/object.h"
#include "jobs/zone/slots.h"

struct zone_hourly_options {
	const char *source;
	const char *zone;
	int64_t grace_ms;
	bool post_unscheduled;
};

static const struct option options[] = {
    OPTION(struct zone_hourly_options, source, OPT_NAME, .section = "sources", .required = true,
        .help = "the plant's database"),
    OPTION(struct zone_hourly_options, zone, OPT_TEXT, .required = true, .help = "the zone's zone_id"),
    {.name = "grace",
        .type = OPT_DURATION,
        .offset = offsetof(struct zone_hourly_options, grace_ms),
        .fallback = "120s",
        .min = 0,
        .max = INT64_C(86400000),
        .help = "time that rows get to arrive before an hour is reported"},
    OPTION(struct zone_hourly_options, post_unscheduled, OPT_BOOL, .fallback = "false",
        .help = "post also in shifts that are not scheduled and produced nothing"),
    OPTION_END,
};

/* What one report is made of. */
struct hourly {
	struct arena arena;
	struct zone zone;
	struct bucket hour;
	struct count count;
};

static void hourly_done(struct hourly *hourly)
{
	arena_done(&hourly->arena);
}

/* -- the data object ------------------------------------------------------------------------------- */

static void put_hour(struct json *data, const struct hourly *h)
{
	struct json *object = json_set_object(data, "hour");
	char label[BUCKET_LABEL];

	json_set_int(object, "no", h->hour.no);
	json_set_int(object, "of", h->count.hours);
	json_set_instant(object, "start", h->hour.start);
	json_set_instant(object, "end", h->hour.end);
	json_set_string(object, "label", bucket_label(&h->zone, &h->hour, label));
	set_minutes(object, "minutes", h->hour.end - h->hour.start);
	put_figures(object, &h->count, h->hour.no, h->hour.no);
}

/* Units per hour that would still reach the shift's target. */
static int64_t required_rate(int64_t missing, int64_t seconds_left)
{
	if (seconds_left <= 0)
		return NO_VALUE;
	return in_tenths(missing > 0 ? missing * BUCKET_S : 0, seconds_left);
}

static void put_shift_to_date(struct json *data, const struct hourly *h)
{
	struct json *object = json_set_object(data, "shift_to_date");
	int64_t actual = count_line(&h->count, ALL_LINES, 1, h->hour.no).n[N_OUTPUT];
	int64_t target = count_target(&h->count, ALL_LINES, 1, h->count.hours);

	put_figures(object, &h->count, 1, h->hour.no);
	json_set_int(object, "shift_target", target);
	set_tenths(object, "required_rate", required_rate(target - actual, h->count.shift.end - h->hour.end));
}

static void put_trend(struct json *data, const struct hourly *h)
{
	struct json *object = json_set_object(data, "trend");
	int64_t no = h->hour.no;

	if (no == 1) {
		json_set_null(object, "previous");
		json_set_null(object, "change");
		json_set_string(object, "direction", "none");
		return;
	}
	int64_t previous = count_line(&h->count, ALL_LINES, no - 1, no - 1).n[N_OUTPUT];
	int64_t change = count_line(&h->count, ALL_LINES, no, no).n[N_OUTPUT] - previous;
	json_set_int(object, "previous", previous);
	json_set_int(object, "change", change);
	json_set_string(object, "direction", change > 0 ? "up" : change < 0 ? "down" : "flat");
}

static void put_lines(struct json *data, const struct hourly *h)
{
	struct json *list = json_set_array(data, "lines");
	int64_t no = h->hour.no;

	for (size_t i = 0; i < h->zone.line_count; i++) {
		struct json *object = json_add_object(list);
		int64_t target = count_target(&h->count, i, 1, no);
		int64_t actual = count_line(&h->count, i, 1, no).n[N_OUTPUT];

		json_set_string(object, "id", h->zone.lines[i].id);
		json_set_string(object, "name", h->zone.lines[i].name);
		put_attainment(
		    object, count_target(&h->count, i, no, no), count_line(&h->count, i, no, no).n[N_OUTPUT]);
		json_set_int(object, "shift_target", target);
		json_set_int(object, "shift_actual", actual);
		json_set_int(object, "shift_gap", actual - target);
	}
}

static void put_hourly(struct json *data, const struct hourly *h)
{
	int64_t no = h->hour.no;

	json_set_string(data, "report", "zone_hourly");
	put_zone(data, &h->zone);
	json_set_instant(data, "as_of", h->count.as_of);
	put_shift(data, &h->count);
	put_hour(data, h);
	put_shift_to_date(data, h);
	put_trend(data, h);
	put_board(data, &h->count, no);
	put_lines(data, h);
	put_bottleneck(data, &h->count, no, no);
	put_downtime_top(data, &h->count, no, no);
	put_state(data, &h->count, no, no);
}

/* -- the run --------------------------------------------------------------------------------------- */

static struct err *load(struct run *run, const struct zone_hourly_options *o, struct hourly *h)
{
	int64_t grace = o->grace_ms / 1000;
	struct shift shift;
	struct sql *db;

	run_step(run, "open the source %s", o->source);
	TRY(run_source(run, o->source, &db), "open the source");
	TRY(sql_begin(db), "read zone %s", o->zone);
	run_step(run, "read zone %s", o->zone);
	TRY(zone_load(db, o->zone, &h->arena, &h->zone), "read zone %s", o->zone);
	h->hour = bucket_ripe(&h->zone, run_slot(run) - grace, &shift);
	run_step(run, "count %s up to hour %lld", shift.type, (long long)h->hour.no);
	TRY(zone_count(db, &h->zone, &shift, h->hour.no, run_slot(run), grace, &h->arena, &h->count),
	    "count the shift of zone %s", o->zone);
	return sql_end(db);
}

static bool worth_posting(struct run *run, const struct zone_hourly_options *o, const struct hourly *h)
{
	int64_t actual = count_line(&h->count, ALL_LINES, h->hour.no, h->hour.no).n[N_OUTPUT];
	char date[TIME_TEXT];

	run_decide(run, "hour %lld of %lld of shift %s %s is the last one over %llds before the slot",
	    (long long)h->hour.no, (long long)h->count.hours, date_format(h->count.shift.date, date),
	    h->count.shift.type, (long long)h->count.grace);
	if (h->count.scheduled || o->post_unscheduled)
		return true;
	run_decide(run, "the shift is not scheduled; %lld units were made in the hour: %s", (long long)actual,
	    actual > 0 ? "posted" : "nothing to post");
	return actual > 0;
}

static void report_values(struct run *run, const struct hourly *h)
{
	int64_t target = count_target(&h->count, ALL_LINES, h->hour.no, h->hour.no);
	int64_t actual = count_line(&h->count, ALL_LINES, h->hour.no, h->hour.no).n[N_OUTPUT];

	run_value(run, "actual", (double)actual);
	run_value(run, "target", (double)target);
	run_value(run, "gap", (double)(actual - target));
}

static const char *message_key(struct hourly *h)
{
	char date[TIME_TEXT];

	return arena_format(&h->arena, "zone-hourly|%s|%s|%s|%lld", h->zone.id,
	    date_format(h->count.shift.date, date), h->count.shift.type, (long long)h->hour.no);
}

static struct err *zone_hourly_run(struct run *run)
{
	const struct zone_hourly_options *o = run_options(run);
	cleanup(hourly_done) struct hourly h = {0};

	PASS(load(run, o, &h));
	report_values(run, &h);
	if (!worth_posting(run, o, &h))
		return NULL;

	run_step(run, "queue the report");
	struct json *data = run_data(run);
	put_hourly(data, &h);
	return run_queue(run, &(struct message){.kind = "report", .key = message_key(&h)}, data);
}

static struct err *zone_hourly_slots(struct run *run, utc_t from, utc_t to)
{
	const struct zone_hourly_options *o = run_options(run);
	struct zone_slots of = {.source = o->source, .zones = {&o->zone, 1}};

	return zone_slots_hourly(run, &of, o->grace_ms / 1000, from, to);
}

const struct job_module zone_hourly_module = {
    .name = "zone_hourly",
    .summary = "a zone's last full hour against plan: board, trend, bottleneck, what is needed to recover",
    .schedule = "@module",
    .options = options,
    .options_size = sizeof(struct zone_hourly_options),
    .restartable = true,
    .slots = zone_hourly_slots,
    .run = zone_hourly_run,
    .view = zone_hourly_view,
};
