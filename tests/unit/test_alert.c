/* SPDX-License-Identifier: MIT */
/* The life of an alert, minute by minute, and the thresholds of its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <bmad/mem.h>

#include "jobs/zone/alert_rules.h"
#include "jobs/zone/alert_view.h"
#include "jobs/zone/measure.h"

#define START 1000000

/* -- minutes in, minutes out ----------------------------------------------------------------------- */

/*
 * A course of minutes: of each what is read (r raise, c clear, - neither, ? unknown),
 * and what comes of it: the phase (o p f c) and what is said (. nothing, R raised, P
 * repeated, C cleared).
 */
struct course {
	const char *what;
	const char *read, *phase, *said;
	struct alert_times times;
	struct alert_policy policy;
};

#define MINUTES(n) ((n)*INT64_C(60))

static const struct alert_policy usual = {
    .repeat_s = MINUTES(60), .cooldown_s = MINUTES(15), .max_per_hour = 6, .send_clear = true};

static struct alert_reading reading_of(char c)
{
	return (struct alert_reading){.known = c != '?', .raise = c == 'r', .clear = c == 'c'};
}

static void run_course(const struct course *course)
{
	static const char phases[] = "opfc", dues[] = ".RPC";
	struct alert alert = {0};

	for (size_t i = 0; course->read[i]; i++) {
		struct alert_reading reading = reading_of(course->read[i]);
		utc_t now = START + MINUTES((int64_t)i);

		alert_step(&alert, &reading, &course->times, course->policy.send_clear, now);
		enum alert_due due = alert_due(&alert, &course->policy, now, false);
		if (phases[alert.phase] != course->phase[i] || dues[due] != course->said[i])
			fail_msg("%s: minute %zu: %c %c", course->what, i, phases[alert.phase], dues[due]);
		if (due != DUE_NOTHING)
			alert_tell(&alert, due, now);
	}
}

static void an_alert_lives_from_condition_to_condition(void **state)
{
	const struct alert_times three_five = {MINUTES(3), MINUTES(5)}, at_once = {0, 0};
	struct alert_policy silent_end = usual, often = usual, never = usual;
	silent_end.send_clear = false;
	often.repeat_s = MINUTES(4);
	often.cooldown_s = MINUTES(2);
	never.repeat_s = 0;
	const struct course courses[] = {
	    {"it fires once the condition held for so long", "rrrrr", "pppff", "...R.", three_five, usual},
	    {"a minute without it begins anew", "rrcrrrr", "ppopppf", "......R", three_five, usual},
	    {"what is neither counts as not held", "rr-rrrr", "ppopppf", "......R", three_five, usual},
	    {"what is not known changes nothing", "r??rr?", "pppfff", "...R..", three_five, usual},
	    {"without a time to hold it fires at once", "r", "f", "R", at_once, usual},
	    {"between the thresholds nothing changes", "r---r-", "ffffff", "R.....", at_once, usual},
	    {"it is over once it was well for so long", "rcccccc", "fccccco", "R.....C", {0, MINUTES(5)},
	        usual},
	    {"a lapse on the way begins the wait anew", "rcc-cccccc", "fccfccccco", "R........C",
	        {0, MINUTES(5)}, usual},
	    {"in the cooldown a raise waits for its end", "rcrrrrrrrrrrrrrrr", "fofffffffffffffff",
	        "RC..............R", at_once, usual},
	    {"a raise that is over within it was never said", "rcrrrrc", "foffffo", "RC.....", at_once,
	        usual},
	    {"it is repeated while it fires", "rrrrrrrrr", "fffffffff", "R...P...P", at_once, often},
	    {"but not while it clears", "rrrrcccr", "ffffcccf", "R......P", {0, MINUTES(5)}, often},
	    {"or never", "rrrrrrrrr", "fffffffff", "R........", at_once, never},
	    {"its end may be left unsaid", "rc", "fo", "R.", at_once, silent_end},
	    {"an end needs a beginning that was said", "rrc", "ppo", "...", three_five, usual},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(courses); i++)
		run_course(&courses[i]);
}

static void an_alert_whose_cause_is_told_is_not(void **state)
{
	struct alert alert = {.phase = ALERT_FIRING, .since = START, .fired = START};

	(void)state;
	assert_int_equal(alert_due(&alert, &usual, START, true), DUE_NOTHING);
	assert_int_equal(alert_due(&alert, &usual, START, false), DUE_RAISE);
	alert_tell(&alert, DUE_RAISE, START);
	assert_int_equal(alert_due(&alert, &usual, START + 3600, true), DUE_NOTHING);
	assert_int_equal(alert_due(&alert, &usual, START + 3600, false), DUE_REPEAT);
	alert.phase = ALERT_OK; /* its end is said to whom its beginning was */
	assert_int_equal(alert_due(&alert, &usual, START + 3600, true), DUE_CLEAR);
}

static void what_was_held_back_is_told_of_even_when_it_is_over(void **state)
{
	const struct alert_reading over = {.known = true, .clear = true};
	const struct alert_times times = {0, 0};
	struct alert alert = {.phase = ALERT_FIRING, .since = START, .fired = START + 60};

	(void)state;
	alert_hold(&alert, DUE_RAISE);
	assert_int_equal(alert_due(&alert, &usual, START + 60, false), DUE_RAISE);
	alert_step(&alert, &over, &times, false, START + 120);
	assert_int_equal(alert_due(&alert, &usual, START + 120, false), DUE_CLEAR);
	assert_int_equal(alert.was_since, START);
	assert_int_equal(alert.was_fired, START + 60);
	assert_false(alert_is_forgettable(&alert, &usual, START + 86400));
	alert_tell(&alert, DUE_CLEAR, START + 180);
	assert_int_equal(alert_due(&alert, &usual, START + 240, false), DUE_NOTHING);
	assert_false(alert_is_forgettable(&alert, &usual, START + 240)); /* for its cooldown */
	assert_true(alert_is_forgettable(&alert, &usual, START + 180 + MINUTES(15)));
}

static void messages_of_an_hour_are_counted_as_it_rolls_on(void **state)
{
	struct alert_policy two = usual;
	struct alert_quota quota = {0};
	two.max_per_hour = 2;

	(void)state;
	for (utc_t minute = 0; minute < 2; minute++) {
		assert_true(alert_quota_allows(&quota, &two, START + minute * 60));
		alert_quota_use(&quota, START + minute * 60);
	}
	assert_false(alert_quota_allows(&quota, &two, START + 120));
	assert_false(alert_quota_allows(&quota, &two, START + 3599));
	assert_true(alert_quota_allows(&quota, &two, START + 3600));
	alert_quota_use(&quota, START + 3600);
	assert_false(alert_quota_allows(&quota, &two, START + 3601));
	assert_int_equal(quota.count, 2);
}

/* -- rules, at both boundaries --------------------------------------------------------------------- */

/* A shift of twelve hours with one line of three stations; a target of 100 an hour; six hours in. */
struct stage {
	struct line line;
	struct station stations[3];
	struct zone zone;
	struct scene scene;
	int64_t targets[12];
	struct tally hour[3], half_hour[3];
	struct last_cycles cycles[3];
	struct stop stops[4];
	size_t first[4];
	struct staffing_role role;
};

#define SHIFT_START INT64_C(1700000000)
#define NOW         (SHIFT_START + 6 * 3600)

static void set_stage(struct stage *stage)
{
	*stage = (struct stage){.line = {.id = "L1"}};
	for (size_t i = 0; i < 3; i++)
		stage->stations[i] = (struct station){.id = "S", .ideal_cycle_ms = 60000};
	for (size_t i = 0; i < 12; i++)
		stage->targets[i] = 100;
	stage->zone = (struct zone){.id = "Z1",
	    .lines = &stage->line,
	    .line_count = 1,
	    .stations = stage->stations,
	    .station_count = 3};
	stage->scene = (struct scene){
	    .zone = &stage->zone,
	    .now = NOW,
	    .hour_ago = NOW - 3600,
	    .half_hour_ago = NOW - 1800,
	    .hour = stage->hour,
	    .half_hour = stage->half_hour,
	    .cycles = stage->cycles,
	    .newest = NOW,
	    .any_row = true,
	    .slow_pct = 115,
	    .stops = {stage->stops, stage->first},
	    .plan = {.zone = &stage->zone,
	        .shift = {.start = SHIFT_START, .end = SHIFT_START + 12 * 3600},
	        .hours = 12,
	        .crew = {.scheduled = true},
	        .targets = stage->targets},
	    .staffing = {.roles = &stage->role, .role_count = 1, .planned = 10, .counted = true},
	};
}

/* One stop of station 1. */
static void set_stop(struct stage *stage, enum category category, int64_t from_s, int64_t to_s)
{
	stage->stops[0] = (struct stop){.station = 1,
	    .start = NOW - from_s,
	    .end = to_s < 0 ? UTC_NEVER : NOW - to_s,
	    .category = category};
	stage->first[2] = stage->first[3] = 1;
}

struct edge {
	int64_t x; /* what is set on the stage */
	bool raise, clear;
};

static void check_edges(enum rule_id id, const struct rule_settings *settings, size_t target,
    void (*set)(struct stage *stage, int64_t x), const struct edge *edges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stage stage;

		set_stage(&stage);
		set(&stage, edges[i].x);
		struct rule_reading got = alert_rules[id].read(&stage.scene, settings, target);
		if (!got.reading.known || got.reading.raise != edges[i].raise ||
		    got.reading.clear != edges[i].clear)
			fail_msg("%s at %lld: known %d, raise %d, clear %d", alert_rules[id].name,
			    (long long)edges[i].x, got.reading.known, got.reading.raise, got.reading.clear);
	}
}

#define CHECK(id, settings, target, set, ...)                                                                \
	do {                                                                                                 \
		static const struct edge edges_[] = __VA_ARGS__;                                             \
		check_edges(                                                                                 \
		    id, &(const struct rule_settings)settings, target, set, edges_, ARRAY_SIZE(edges_));     \
	} while (0)
#define SETTINGS(...)                                                                                        \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

static void set_output(struct stage *stage, int64_t x)
{
	stage->hour[2].n[N_OUTPUT] = x;
}

static void set_first_pass(struct stage *stage, int64_t x)
{
	stage->hour[0].n[N_FIRST] = 100;
	stage->hour[0].n[N_FIRST_PASS] = x;
}

static void set_first_tries(struct stage *stage, int64_t x)
{
	stage->hour[0].n[N_FIRST] = x;
}

static void set_ncm(struct stage *stage, int64_t x)
{
	stage->hour[1].n[N_NCM] = x;
}

static void set_open(struct stage *stage, int64_t x)
{
	set_stop(stage, BREAKDOWN, x, -1);
}

static void set_ended(struct stage *stage, int64_t x)
{
	set_stop(stage, BREAKDOWN, 3000, x);
}

static void set_starved(struct stage *stage, int64_t x)
{
	set_stop(stage, STARVED, x, 0);
}

static void set_cycles(struct stage *stage, int64_t x)
{
	stage->cycles[1] = (struct last_cycles){true, x};
}

static void set_silence(struct stage *stage, int64_t x)
{
	stage->scene.newest = NOW - x;
}

static void set_heads(struct stage *stage, int64_t x)
{
	stage->scene.staffing.actual = x;
}

static void rules_judge_exactly_at_their_thresholds(void **state)
{
	(void)state;
	CHECK(OUTPUT_BELOW, SETTINGS(.raise = 80, .clear = 90), 0, set_output,
	    {{79, true, false}, {80, false, false}, {89, false, false}, {90, false, true}, {0, true, false}});
	/* A clear threshold on the wrong side is taken as the other one. */
	CHECK(OUTPUT_BELOW, SETTINGS(.raise = 95, .clear = 90), 0, set_output,
	    {{94, true, false}, {95, false, true}});
	CHECK(FPY_BELOW, SETTINGS(.raise = 95, .clear = 97, .amount = 20), 0, set_first_pass,
	    {{94, true, false}, {95, false, false}, {96, false, false}, {97, false, true}});
	CHECK(FPY_BELOW, SETTINGS(.raise = 95, .clear = 97, .amount = 20), 0, set_first_tries,
	    {{19, false, false}, {20, true, false}});
	CHECK(NCM_SPIKE, SETTINGS(.raise = 5, .clear = 2), 0, set_ncm,
	    {{5, true, false}, {4, false, false}, {3, false, false}, {2, false, true}, {0, false, true}});
	CHECK(STATION_DOWN, SETTINGS(.raise = 10, .clear = 3), 1, set_open,
	    {{599, false, false}, {600, true, false}, {86400, true, false}});
	CHECK(STATION_DOWN, SETTINGS(.raise = 10, .clear = 3), 1, set_ended,
	    {{179, false, false}, {180, false, true}, {0, false, false}});
	CHECK(STARVED_LONG, SETTINGS(.raise = 10, .clear = 5), 1, set_starved,
	    {{599, false, false}, {600, true, false}, {301, false, false}, {300, false, true},
	        {7200, true, false}});
	CHECK(CYCLE_SLOW, SETTINGS(.raise = 115, .clear = 108, .amount = 20), 1, set_cycles,
	    {{1380001, true, false}, {1380000, false, false}, {1296001, false, false},
	        {1296000, false, true}});
	CHECK(NO_DATA, SETTINGS(.raise = 15), 0, set_silence, {{900, true, false}, {899, false, true}});
	CHECK(STAFFING_SHORT, SETTINGS(.raise = 2), 0, set_heads,
	    {{8, true, false}, {9, false, true}, {12, false, true}});
}

static bool is_known(const struct stage *stage, enum rule_id id, const struct rule_settings *settings)
{
	return alert_rules[id]
	    .read(&stage->scene, settings, alert_rules[id].scope == OF_STATION ? 1 : 0)
	    .reading.known;
}

static void what_cannot_be_computed_is_not_known(void **state)
{
	const struct rule_settings settings = {.raise = 10, .clear = 5, .quiet_min = 20, .amount = 20};
	struct stage stage;

	(void)state;
	set_stage(&stage);
	assert_true(is_known(&stage, OUTPUT_BELOW, &settings));
	assert_false(is_known(&stage, FPY_BELOW, &settings));  /* nothing was tried */
	assert_false(is_known(&stage, CYCLE_SLOW, &settings)); /* too few cycles */
	memset(stage.targets, 0, sizeof(stage.targets));
	assert_false(is_known(&stage, OUTPUT_BELOW, &settings));

	set_stage(&stage); /* the first minutes of a shift */
	stage.scene.plan.shift.start = NOW - 20 * 60 + 1;
	assert_false(is_known(&stage, NCM_SPIKE, &settings));
	assert_false(is_known(&stage, STAFFING_SHORT, &settings));
	stage.scene.plan.shift.start = NOW - 20 * 60;
	assert_true(is_known(&stage, NCM_SPIKE, &settings));

	set_stage(&stage); /* nobody works, or nobody counted */
	stage.scene.plan.crew.scheduled = false;
	stage.scene.staffing.counted = false;
	assert_false(is_known(&stage, NO_DATA, &settings));
	assert_false(is_known(&stage, STAFFING_SHORT, &settings));

	set_stage(&stage); /* a break of the whole window, here of one of three stations */
	set_stop(&stage, PLANNED, 1800, 0);
	assert_false(is_known(&stage, STARVED_LONG, &settings));
	set_stop(&stage, PLANNED, 1799, 0);
	assert_true(is_known(&stage, STARVED_LONG, &settings));
	set_stop(&stage, PLANNED, 3600, 0);
	assert_true(is_known(&stage, NO_DATA, &settings));
	stage.stops[1] = stage.stops[2] = stage.stops[0];
	stage.stops[0].station = 0;
	stage.stops[2].station = 2;
	for (size_t i = 0; i < 4; i++)
		stage.first[i] = i;
	assert_false(is_known(&stage, NO_DATA, &settings));
	assert_false(is_known(&stage, OUTPUT_BELOW, &settings));
	stage.stops[2].end--; /* one station worked for a second */
	assert_true(is_known(&stage, NO_DATA, &settings));
}

static void a_target_is_shared_out_by_the_second(void **state)
{
	struct stage stage;
	int64_t target;

	(void)state;
	set_stage(&stage);
	stage.scene.plan.shift.end = SHIFT_START + 11 * 3600 + 1800; /* a last bucket of half an hour */
	stage.targets[10] = 60;
	stage.targets[11] = 41;
	stage.scene.now = SHIFT_START + 11 * 3600 + 900;
	stage.scene.hour_ago = stage.scene.now - 3600;
	int64_t whole = scene_target(&stage.scene, 0, &target);
	/* 45 of 60 minutes of 60 units, and 15 of 30 minutes of 41 */
	assert_int_equal(2 * target, whole * (90 + 41));
}

static void the_nearest_station_that_holds_up_is_the_cause(void **state)
{
	struct stage stage;

	(void)state;
	set_stage(&stage);
	assert_true(scene_cause(&stage.scene, 2, -1) == SIZE_MAX);
	stage.half_hour[0] = (struct tally){.n = {[N_CYCLES] = 10, [N_CYCLE_MS] = 10 * 69001}};
	assert_int_equal(scene_cause(&stage.scene, 2, -1), 0);
	assert_true(scene_cause(&stage.scene, 0, 1) == SIZE_MAX);
	set_stop(&stage, MICROSTOP, 100, 90);
	assert_int_equal(scene_cause(&stage.scene, 2, -1), 1);
	assert_int_equal(scene_cause(&stage.scene, 0, 1), 1);
	stage.stations[0].line = 1; /* another line is no neighbour */
	assert_true(scene_cause(&stage.scene, 1, -1) == SIZE_MAX);
	stage.half_hour[0].n[N_CYCLE_MS] = 10 * 69000; /* 115 % is not above it */
	stage.stations[0].line = 0;
	assert_true(scene_cause(&stage.scene, 1, -1) == SIZE_MAX);
}

/* -- the view -------------------------------------------------------------------------------------- */

static void a_view_can_be_made_of_anything(void **state)
{
	static const char *const texts[] = {"{}", "[]", "null", "{\"raised\": 5, \"cleared\": [null, 7, {}]}",
	    "{\"raised\":[{\"rule\":\"new\",\"since_local\":\"x\",\"cause\":[]}],\"held_back\":\"x\"}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct json *data;

		assert_null(json_parse(texts[i], strlen(texts[i]), &data));
		struct json *view = zone_alert_view(data);
		assert_true(json_is(json_get(view, "alerts"), JSON_ARRAY));
		json_destroy(view);
		json_destroy(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_alert_lives_from_condition_to_condition),
	    cmocka_unit_test(an_alert_whose_cause_is_told_is_not),
	    cmocka_unit_test(what_was_held_back_is_told_of_even_when_it_is_over),
	    cmocka_unit_test(messages_of_an_hour_are_counted_as_it_rolls_on),
	    cmocka_unit_test(rules_judge_exactly_at_their_thresholds),
	    cmocka_unit_test(what_cannot_be_computed_is_not_known),
	    cmocka_unit_test(a_target_is_shared_out_by_the_second),
	    cmocka_unit_test(the_nearest_station_that_holds_up_is_the_cause),
	    cmocka_unit_test(a_view_can_be_made_of_anything),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
