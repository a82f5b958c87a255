/* SPDX-License-Identifier: MIT */
/*
 * zone_eos - a shift from its start to its end, for the crew that takes over and for who looks back.
 *
 * The shift is the last one over `grace` before the slot, which is `delay` after its end.
 */
#include <bmad/job.h>

#include "jobs/zone/chart.h"
#include "jobs/zone/eos_view.h"
#include "jobs/zone/measure.h"
#include "jobs/zone/object.h"
#include "jobs/zone/oee.h"
#include "jobs/zone/pareto.h"
#include "jobs/zone/report.h"
#include "jobs/zone/slots.h"
#include "jobs/zone/staffing.h"

struct zone_eos_options {
	struct zone_choice choice;
	int64_t delay_ms;
};

static const struct option options[] = {
    ZONE_CHOICE_OPTIONS(struct zone_eos_options),
    {.name = "delay",
        .type = OPT_DURATION,
        .offset = offsetof(struct zone_eos_options, delay_ms),
        .fallback = "10m",
        .min = 0,
        .max = INT64_C(86400000),
        .help = "how long after a shift's end its report is made"},
    OPTION_END,
};

/* What one report is made of. */
struct eos {
	const struct zone *zone;
	struct count count;
	struct defects defects;
	struct staffing staffing;
	/* the shift before */
	struct plan previous;
	int64_t previous_output;
};

/* -- the data object ------------------------------------------------------------------------------- */

static void put_totals(struct json *data, const struct eos *eos)
{
	struct json *object = json_set_object(data, "totals");
	struct tally tally = count_line(&eos->count, ALL_LINES, 1, eos->count.last);

	put_figures(object, &eos->count, 1, eos->count.last);
	json_set_int(object, "hold", tally.n[N_HOLD]);
	json_set_int(object, "rework", tally.n[N_REWORK]);
}

static int64_t hour_gap(const struct count *count, int64_t no)
{
	return count_line(count, ALL_LINES, no, no).n[N_OUTPUT] - count_target(count, ALL_LINES, no, no);
}

/* The hour with the largest gap times SIGN among those that had a target; 0: none had. */
static int64_t extreme_hour(const struct count *count, int64_t sign)
{
	int64_t found = 0;

	for (int64_t no = 1; no <= count->last; no++)
		if (count_target(count, ALL_LINES, no, no) > 0 &&
		    (!found || sign * hour_gap(count, no) > sign * hour_gap(count, found)))
			found = no;
	return found;
}

static void put_hour(struct json *data, const char *key, const struct count *count, int64_t no)
{
	char label[BUCKET_LABEL];

	if (!no) {
		json_set_null(data, key);
		return;
	}
	struct json *object = json_set_object(data, key);
	struct bucket bucket = shift_bucket(&count->plan.shift, no);
	json_set_int(object, "no", no);
	json_set_string(object, "label", bucket_label(count->plan.zone, &bucket, label));
	json_set_int(object, "target", count_target(count, ALL_LINES, no, no));
	json_set_int(object, "actual", count_line(count, ALL_LINES, no, no).n[N_OUTPUT]);
	json_set_int(object, "gap", hour_gap(count, no));
}

static void put_lines(struct json *data, const struct count *count)
{
	struct json *list = json_set_array(data, "lines");
	const struct zone *zone = count->plan.zone;

	for (size_t i = 0; i < zone->line_count; i++) {
		struct json *object = json_add_object(list);
		struct tally tally = count_line(count, i, 1, count->last);

		json_set_string(object, "id", zone->lines[i].id);
		json_set_string(object, "name", zone->lines[i].name);
		put_attainment(object, count_target(count, i, 1, count->last), tally.n[N_OUTPUT]);
		set_tenths(object, "fpy_pct", pct_tenths(tally.n[N_FIRST_PASS], tally.n[N_FIRST]));
		json_set_int(object, "scrap", tally.n[N_SCRAP]);
		put_oee(object, count, i);
	}
}

static void put_previous(struct json *data, const struct eos *eos)
{
	struct json *object = json_set_object(data, "previous");
	int64_t target = plan_target(&eos->previous, ALL_LINES, 1, eos->previous.hours);
	char date[TIME_TEXT];

	json_set_string(object, "date", date_format(eos->previous.shift.date, date));
	json_set_string(object, "type", eos->previous.shift.type);
	json_set_string(object, "crew", eos->previous.crew.name);
	json_set_int(object, "target", target);
	json_set_int(object, "actual", eos->previous_output);
	set_tenths(object, "attainment_pct", pct_tenths(eos->previous_output, target));
}

static void put_eos(struct json *data, const struct eos *eos)
{
	const struct count *count = &eos->count;

	json_set_string(data, "report", "zone_eos");
	put_zone(data, eos->zone);
	json_set_instant(data, "as_of", count->as_of);
	put_shift(data, &count->plan);
	put_totals(data, eos);
	put_board(data, count, count->last);
	put_hour(data, "best_hour", count, extreme_hour(count, 1));
	put_hour(data, "worst_hour", count, extreme_hour(count, -1));
	put_lines(data, count);
	put_bottlenecks(data, count, 1, count->last);
	put_downtime_pareto(data, count);
	put_ncm_pareto(data, &eos->defects);
	put_staffing(data, &eos->staffing);
	put_previous(data, eos);
	put_state(data, count, 1, count->last);
}

/* -- the run --------------------------------------------------------------------------------------- */

static struct err *load_previous(
    const struct zone_request *request, const struct shift *shift, struct eos *eos)
{
	struct shift before = shift_before(eos->zone, shift);

	PASS(plan_load(request->db, eos->zone, &before, request->arena, &eos->previous));
	return tally_shift_output(
	    request->db, eos->zone, &before, request->as_of, request->arena, &eos->previous_output);
}

static struct err *load_eos(const struct zone_request *request, const struct shift *shift, struct eos *eos)
{
	run_step(request->run, "count %s of zone %s", shift->type, eos->zone->id);
	TRY(count_shift(request->db, eos->zone, shift, shift_hours(shift), request->as_of, request->grace,
	        request->arena, &eos->count),
	    "count the shift");
	TRY(defects_load(request->db, eos->zone, shift, request->as_of, request->arena, &eos->defects),
	    "count the defects");
	TRY(staffing_load(request->db, eos->zone, shift, request->as_of, request->arena, &eos->staffing),
	    "read the staffing");
	TRY(load_previous(request, shift, eos), "count the shift before");
	return NULL;
}

static struct err *make_eos(const struct zone_request *request, struct json *data, struct zone_part *out_part)
{
	struct eos eos = {.zone = request->zone};
	struct shift now = shift_at(eos.zone, request->as_of - request->grace);
	struct shift shift = shift_before(eos.zone, &now);
	char date[TIME_TEXT];

	PASS(load_eos(request, &shift, &eos));
	*out_part = (struct zone_part){
	    .period = arena_format(request->arena, "%s|%s", date_format(shift.date, date), shift.type),
	    .scheduled = eos.count.plan.crew.scheduled,
	    .target = count_target(&eos.count, ALL_LINES, 1, eos.count.last),
	    .tally = count_line(&eos.count, ALL_LINES, 1, eos.count.last),
	};
	run_decide(request->run, "zone %s: %s is the last shift over %llds before the slot", eos.zone->id,
	    out_part->period, (long long)request->grace);
	put_eos(data, &eos);
	return NULL;
}

static struct err *zone_eos_check(const void *options_)
{
	const struct zone_eos_options *o = options_;

	return zone_choice_check(&o->choice);
}

/* Not before its rows had their grace: the shift would not be over yet by it. */
static struct err *zone_eos_slots(struct run *run, utc_t from, utc_t to)
{
	const struct zone_eos_options *o = run_options(run);
	struct zone_slots of = {.source = o->choice.source, .zones = zone_choice_ids(&o->choice)};
	int64_t grace_ms = o->choice.grace_ms;

	return zone_slots_shift_end(
	    run, &of, (o->delay_ms > grace_ms ? o->delay_ms : grace_ms) / 1000, from, to);
}

static const struct zone_report report = {"eos", make_eos};

static struct err *zone_eos_connect(struct run *run)
{
	const struct zone_eos_options *o = run_options(run);

	return zone_report_connect(run, &report, &o->choice);
}

static struct err *zone_eos_run(struct run *run)
{
	const struct zone_eos_options *o = run_options(run);

	return zone_report_run(run, &report, &o->choice, false);
}

const struct job_module zone_eos_module = {
    .name = "zone_eos",
    .summary = "a zone's shift at its end: totals, board, OEE, what was lost where, staffing",
    .options = options,
    .schedule = "@module",
    .misfire = "all",
    .max_late = "24h",
    .options_size = sizeof(struct zone_eos_options),
    .restartable = true,
    .check = zone_eos_check,
    .connect = zone_eos_connect,
    .slots = zone_eos_slots,
    .run = zone_eos_run,
    .view = zone_eos_view,
    .chart = zone_chart,
};
