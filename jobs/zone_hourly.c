/* SPDX-License-Identifier: MIT */
/*
 * zone_hourly - what a zone made in its last full hour, against plan, and what holds it up.
 *
 * The hour is a bucket of the shift, the last one over `grace` before the slot. Every post counts again
 * from the shift's start, so rows that came late are in the numbers of their hour.
 */
#include <bmad/job.h>

#include "jobs/zone/chart.h"
#include "jobs/zone/hourly_view.h"
#include "jobs/zone/measure.h"
#include "jobs/zone/object.h"
#include "jobs/zone/report.h"
#include "jobs/zone/slots.h"

struct zone_hourly_options {
	struct zone_choice choice;
	bool post_unscheduled;
};

static const struct option options[] = {
    ZONE_CHOICE_OPTIONS(struct zone_hourly_options),
    OPTION(struct zone_hourly_options, post_unscheduled, OPT_BOOL, .fallback = "false",
        .help = "post also in shifts that are not scheduled and produced nothing"),
    OPTION_END,
};

/* What one report is made of. */
struct hourly {
	const struct zone *zone;
	struct bucket hour;
	struct count count;
};

/* -- the data object ------------------------------------------------------------------------------- */

static void put_hour(struct json *data, const struct hourly *h)
{
	struct json *object = json_set_object(data, "hour");
	char label[BUCKET_LABEL];

	json_set_int(object, "no", h->hour.no);
	json_set_int(object, "of", h->count.plan.hours);
	json_set_instant(object, "start", h->hour.start);
	json_set_instant(object, "end", h->hour.end);
	json_set_string(object, "label", bucket_label(h->zone, &h->hour, label));
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
	int64_t target = count_target(&h->count, ALL_LINES, 1, h->count.plan.hours);

	put_figures(object, &h->count, 1, h->hour.no);
	json_set_int(object, "shift_target", target);
	set_tenths(
	    object, "required_rate", required_rate(target - actual, h->count.plan.shift.end - h->hour.end));
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

	for (size_t i = 0; i < h->zone->line_count; i++) {
		struct json *object = json_add_object(list);
		int64_t target = count_target(&h->count, i, 1, no);
		int64_t actual = count_line(&h->count, i, 1, no).n[N_OUTPUT];

		json_set_string(object, "id", h->zone->lines[i].id);
		json_set_string(object, "name", h->zone->lines[i].name);
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
	put_zone(data, h->zone);
	json_set_instant(data, "as_of", h->count.as_of);
	put_shift(data, &h->count.plan);
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

static const char *period(const struct hourly *h, struct arena *arena)
{
	char date[TIME_TEXT];

	return arena_format(arena, "%s|%s|%lld", date_format(h->count.plan.shift.date, date),
	    h->count.plan.shift.type, (long long)h->hour.no);
}

static struct err *make_hourly(
    const struct zone_request *request, struct json *data, struct zone_part *out_part)
{
	struct hourly h = {.zone = request->zone};
	struct shift shift;

	h.hour = bucket_ripe(h.zone, request->as_of - request->grace, &shift);
	run_step(request->run, "count %s up to hour %lld", shift.type, (long long)h.hour.no);
	TRY(count_shift(request->db, h.zone, &shift, h.hour.no, request->as_of, request->grace,
	        request->arena, &h.count),
	    "count the shift of zone %s", h.zone->id);
	*out_part = (struct zone_part){
	    .period = period(&h, request->arena),
	    .scheduled = h.count.plan.crew.scheduled,
	    .target = count_target(&h.count, ALL_LINES, h.hour.no, h.hour.no),
	    .tally = count_line(&h.count, ALL_LINES, h.hour.no, h.hour.no),
	};
	run_decide(request->run, "zone %s: %s is the last hour of %lld over %llds before the slot",
	    h.zone->id, out_part->period, (long long)h.count.plan.hours, (long long)request->grace);
	put_hourly(data, &h);
	return NULL;
}

static struct err *zone_hourly_check(const void *options_)
{
	const struct zone_hourly_options *o = options_;

	return zone_choice_check(&o->choice);
}

static const struct zone_report report = {"hourly", make_hourly};

static struct err *zone_hourly_connect(struct run *run)
{
	const struct zone_hourly_options *o = run_options(run);

	return zone_report_connect(run, &report, &o->choice);
}

static struct err *zone_hourly_run(struct run *run)
{
	const struct zone_hourly_options *o = run_options(run);

	return zone_report_run(run, &report, &o->choice, o->post_unscheduled);
}

static struct err *zone_hourly_slots(struct run *run, utc_t from, utc_t to)
{
	const struct zone_hourly_options *o = run_options(run);
	struct zone_slots of = {.source = o->choice.source, .zones = zone_choice_ids(&o->choice)};

	return zone_slots_hourly(run, &of, o->choice.grace_ms / 1000, from, to);
}

const struct job_module zone_hourly_module = {
    .name = "zone_hourly",
    .summary = "a zone's last full hour against plan: board, trend, bottleneck, what is needed to recover",
    .schedule = "@module",
    .options = options,
    .options_size = sizeof(struct zone_hourly_options),
    .restartable = true,
    .check = zone_hourly_check,
    .connect = zone_hourly_connect,
    .slots = zone_hourly_slots,
    .run = zone_hourly_run,
    .view = zone_hourly_view,
    .chart = zone_chart,
};
