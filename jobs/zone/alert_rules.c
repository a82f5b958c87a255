/* SPDX-License-Identifier: MIT */
/* What each rule finds. */
#include "jobs/zone/alert_rules.h"

#include "jobs/zone/measure.h"

#define STAFFING_FROM_S 1800 /* into the shift: before that, people still arrive */

const char *const rule_unit_names[] = {
    [UNIT_PCT] = "pct", [UNIT_MIN] = "min", [UNIT_UNITS] = "units", [UNIT_HEADS] = "heads"};

static const struct rule_reading nothing = {.value = NO_VALUE, .cause = NOBODY};

static struct rule_reading found(bool raise, bool clear, int64_t value)
{
	return (struct rule_reading){
	    .reading = {.known = true, .raise = raise, .clear = clear}, .value = value, .cause = NOBODY};
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* -- lines, over the last hour --------------------------------------------------------------------- */

/* Rates mean little in the first minutes of a shift, and nothing in a break. */
static bool is_quiet(const struct scene *scene, const struct rule_settings *settings, size_t line)
{
	return scene->now - scene->plan.shift.start < settings->quiet_min * 60 ||
	       scene_line_planned(scene, line, scene->hour_ago);
}

/* PART of WHOLE is too small a share. */
static struct rule_reading share_below(
    const struct rule_settings *settings, int64_t part, int64_t whole, bool enough)
{
	if (whole <= 0)
		return nothing;
	return found(enough && compare_shares(part, whole, settings->raise, 100) < 0,
	    compare_shares(part, whole, larger(settings->clear, settings->raise), 100) >= 0,
	    pct_tenths(part, whole));
}

static struct rule_reading read_output_below(
    const struct scene *scene, const struct rule_settings *settings, size_t line)
{
	int64_t target;

	if (is_quiet(scene, settings, line))
		return nothing;
	int64_t whole = scene_target(scene, line, &target);
	return share_below(settings, scene_line(scene, line).n[N_OUTPUT] * whole, target, true);
}

static struct rule_reading read_fpy_below(
    const struct scene *scene, const struct rule_settings *settings, size_t line)
{
	if (is_quiet(scene, settings, line))
		return nothing;
	struct tally tally = scene_line(scene, line);
	return share_below(
	    settings, tally.n[N_FIRST_PASS], tally.n[N_FIRST], tally.n[N_FIRST] >= settings->amount);
}

static struct rule_reading read_ncm_spike(
    const struct scene *scene, const struct rule_settings *settings, size_t line)
{
	if (is_quiet(scene, settings, line))
		return nothing;
	int64_t qty = scene_line(scene, line).n[N_NCM];
	return found(qty >= settings->raise, qty <= smaller(settings->clear, settings->raise - 1), qty);
}

/* -- stations -------------------------------------------------------------------------------------- */

static struct rule_reading read_station_down(
    const struct scene *scene, const struct rule_settings *settings, size_t station)
{
	int64_t open_s = scene_open_s(scene, station);

	return found(open_s >= settings->raise * 60 && open_s > 0,
	    scene_running_s(scene, station) >= settings->clear * 60, in_tenths(open_s, 60));
}

static struct rule_reading read_inherited(const struct scene *scene, const struct rule_settings *settings,
    size_t station, enum category category, int step)
{
	int64_t seconds =
	    stops_at(&scene->stops, station, IN_SET(category), scene->half_hour_ago, scene->now);

	if (scene_station_planned(scene, station, scene->half_hour_ago))
		return nothing;
	struct rule_reading reading = found(seconds >= settings->raise * 60,
	    seconds <= smaller(settings->clear, settings->raise) * 60 && seconds < settings->raise * 60,
	    in_tenths(seconds, 60));
	reading.cause = scene_cause(scene, station, step);
	return reading;
}

static struct rule_reading read_starved(
    const struct scene *scene, const struct rule_settings *settings, size_t station)
{
	return read_inherited(scene, settings, station, STARVED, -1);
}

static struct rule_reading read_blocked(
    const struct scene *scene, const struct rule_settings *settings, size_t station)
{
	return read_inherited(scene, settings, station, BLOCKED, 1);
}

static struct rule_reading read_cycle_slow(
    const struct scene *scene, const struct rule_settings *settings, size_t station)
{
	const struct last_cycles *last = &scene->cycles[station];
	int64_t ideal = settings->amount * scene->zone->stations[station].ideal_cycle_ms;

	if (!last->enough)
		return nothing;
	return found(compare_shares(last->ms, ideal, settings->raise, 100) > 0,
	    compare_shares(last->ms, ideal, smaller(settings->clear, settings->raise), 100) <= 0,
	    pct_tenths(last->ms, ideal));
}

/* -- the zone -------------------------------------------------------------------------------------- */

static struct rule_reading read_no_data(
    const struct scene *scene, const struct rule_settings *settings, size_t target)
{
	int64_t silent_s = scene->now - scene->newest;
	utc_t from = scene->now - settings->raise * 60;

	(void)target;
	if (!scene->plan.crew.scheduled ||
	    scene_line_planned(scene, ALL_LINES, larger(from, scene->plan.shift.start)))
		return nothing;
	return found(silent_s >= settings->raise * 60, scene->any_row && silent_s < settings->raise * 60,
	    in_tenths(silent_s, 60));
}

static struct rule_reading read_staffing_short(
    const struct scene *scene, const struct rule_settings *settings, size_t target)
{
	const struct staffing *staffing = &scene->staffing;
	int64_t missing = staffing->planned - staffing->actual;

	(void)target;
	if (!staffing->role_count || !staffing->counted ||
	    scene->now - scene->plan.shift.start < STAFFING_FROM_S)
		return nothing;
	return found(missing >= settings->raise, missing < settings->raise, missing);
}

/* -- the table ------------------------------------------------------------------------------------- */

const struct rule alert_rules[RULES] = {
    [OUTPUT_BELOW] = {"output_below", OF_LINE, UNIT_PCT, read_output_below},
    [STATION_DOWN] = {"station_down", OF_STATION, UNIT_MIN, read_station_down},
    [STARVED_LONG] = {"starved", OF_STATION, UNIT_MIN, read_starved},
    [BLOCKED_LONG] = {"blocked", OF_STATION, UNIT_MIN, read_blocked},
    [CYCLE_SLOW] = {"cycle_slow", OF_STATION, UNIT_PCT, read_cycle_slow},
    [FPY_BELOW] = {"fpy_below", OF_LINE, UNIT_PCT, read_fpy_below},
    [NCM_SPIKE] = {"ncm_spike", OF_LINE, UNIT_UNITS, read_ncm_spike},
    [NO_DATA] = {"no_data", OF_ZONE, UNIT_MIN, read_no_data},
    [STAFFING_SHORT] = {"staffing_short", OF_ZONE, UNIT_HEADS, read_staffing_short},
};

size_t rule_targets(const struct rule *rule, const struct zone *zone)
{
	switch (rule->scope) {
	case OF_LINE:
		return zone->line_count;
	case OF_STATION:
		return zone->station_count;
	case OF_ZONE:
		break;
	}
	return 1;
}

const char *rule_target_id(const struct rule *rule, const struct zone *zone, size_t target)
{
	switch (rule->scope) {
	case OF_LINE:
		return zone->lines[target].id;
	case OF_STATION:
		return zone->stations[target].id;
	case OF_ZONE:
		break;
	}
	return zone->id;
}
