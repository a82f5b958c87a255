/* SPDX-License-Identifier: MIT */
/* The pure parts of the zone reports: arithmetic, shifts, stops, ranking, and the view of the templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <bmad/mem.h>

#include "jobs/zone/hourly_view.h"
#include "jobs/zone/loss.h"
#include "jobs/zone/measure.h"

/* -- arithmetic ------------------------------------------------------------------------------------ */

static void percentages_round_halves_up_to_one_decimal(void **state)
{
	static const struct {
		int64_t part, whole, tenths;
	} rows[] = {
	    {96, 100, 960},
	    {1, 3, 333},
	    {2, 3, 667},
	    {1, 2000, 1}, /* 0.05 */
	    {1, 2001, 0},
	    {1999, 2000, 1000}, /* 99.95 */
	    {5, 4, 1250},       /* not capped */
	    {0, 7, 0},
	    {3, 0, NO_VALUE},
	    {0, 0, NO_VALUE},
	    {3, -1, NO_VALUE},
	    {INT64_MAX, 1, INT64_MAX},
	    {INT64_MAX, INT64_MAX, 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(pct_tenths(rows[i].part, rows[i].whole) == rows[i].tenths);
}

static void minutes_and_seconds_round_halves_up_to_one_decimal(void **state)
{
	static const struct {
		int64_t x, unit, tenths;
	} rows[] = {
	    {0, 60, 0},
	    {3, 60, 1},
	    {2, 60, 0},
	    {60, 60, 10},
	    {3599, 60, 600},
	    {3600, 60, 600},
	    {61234, 1000, 612},
	    {61250, 1000, 613},
	    {-3, 60, 0},
	    {-4, 60, -1},
	    {INT64_MAX, 1, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(in_tenths(rows[i].x, rows[i].unit) == rows[i].tenths);
}

static void a_short_bucket_has_its_share_of_the_target(void **state)
{
	static const struct {
		int64_t target, seconds, share;
	} rows[] = {{57, 3600, 57}, {57, 1800, 29}, {56, 1800, 28}, {1, 1799, 0}, {1, 1800, 1}, {10, 900, 3},
	    {0, 900, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(target_share(rows[i].target, rows[i].seconds) == rows[i].share);
}

/* -- shifts ---------------------------------------------------------------------------------------- */

static utc_t at(const char *text)
{
	utc_t utc;

	assert_null(utc_parse(text, &utc));
	return utc;
}

static struct zone zone_in(const char *timezone, int minute)
{
	struct zone zone = {
	    .id = "Z1",
	    .starts = {{"DAY", 6, minute}, {"NIGHT", 18, minute}},
	    .start_count = 2,
	};

	assert_null(tz_get(timezone, &zone.tz));
	return zone;
}

/* The shift that contains an instant, as "DATE TYPE START END hours". */
static const char *tell(const struct shift *shift)
{
	static char text[200];
	char date[TIME_TEXT], start[TIME_TEXT], end[TIME_TEXT];

	snprintf(text, sizeof(text), "%s %s %s %s %lld", date_format(shift->date, date), shift->type,
	    utc_format(shift->start, start), utc_format(shift->end, end), (long long)shift_hours(shift));
	return text;
}

static void a_shift_lasts_to_the_next_start_by_the_zones_clock(void **state)
{
	static const struct {
		const char *timezone;
		int minute;
		const char *at, *shift;
	} rows[] = {
	    {"UTC", 0, "2024-06-01T05:59:59Z",
	        "2024-05-31 NIGHT 2024-05-31T18:00:00Z 2024-06-01T06:00:00Z 12"},
	    {"UTC", 0, "2024-06-01T06:00:00Z", "2024-06-01 DAY 2024-06-01T06:00:00Z 2024-06-01T18:00:00Z 12"},
	    {"UTC", 30, "2024-06-01T06:29:59Z",
	        "2024-05-31 NIGHT 2024-05-31T18:30:00Z 2024-06-01T06:30:00Z 12"},
	    /* What happens on Sunday at 02:00 belongs to Saturday's night, which has 13 hours here, ... */
	    {"America/Los_Angeles", 0, "2024-11-03T10:00:00Z",
	        "2024-11-02 NIGHT 2024-11-03T01:00:00Z 2024-11-03T14:00:00Z 13"},
	    /* ... 11 in spring, ... */
	    {"America/Los_Angeles", 0, "2025-03-09T10:00:00Z",
	        "2025-03-08 NIGHT 2025-03-09T02:00:00Z 2025-03-09T13:00:00Z 11"},
	    /* ... and half an hour more or less where the clock changes by that. */
	    {"Australia/Lord_Howe", 30, "2024-10-05T16:00:00Z",
	        "2024-10-05 NIGHT 2024-10-05T08:00:00Z 2024-10-05T19:30:00Z 12"},
	    {"Australia/Lord_Howe", 30, "2025-04-05T16:00:00Z",
	        "2025-04-05 NIGHT 2025-04-05T07:30:00Z 2025-04-05T20:00:00Z 13"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zone zone = zone_in(rows[i].timezone, rows[i].minute);
		struct shift shift = shift_at(&zone, at(rows[i].at));

		assert_string_equal(tell(&shift), rows[i].shift);
	}
}

static void shifts_follow_each_other_without_gap_for_years(void **state)
{
	struct zone zone = zone_in("Australia/Lord_Howe", 30);
	struct shift shift = shift_at(&zone, at("2020-01-01T00:00:00Z"));

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct shift next = shift_at(&zone, shift.end);
		struct shift before = shift_before(&zone, &next);

		assert_true(next.start == shift.end);
		assert_true(next.date == shift.date + (*shift.type == 'N'));
		assert_true(before.start == shift.start && before.date == shift.date);
		assert_true(next.end - next.start >= 11 * 3600 && next.end - next.start <= 13 * 3600);
		shift = next;
	}
}

static void a_shift_that_a_clock_change_leaves_empty_is_passed_over(void **state)
{
	struct zone zone = zone_in("America/Los_Angeles", 0);

	(void)state;
	zone.starts[0] = (struct shift_start){"DAY", 2, 30}; /* read as 03:30 in spring, when NIGHT starts */
	zone.starts[1] = (struct shift_start){"NIGHT", 3, 30};
	struct shift shift = shift_at(&zone, at("2025-03-09T10:30:00Z"));
	assert_string_equal(tell(&shift), "2025-03-09 NIGHT 2025-03-09T10:30:00Z 2025-03-10T09:30:00Z 23");
	shift = shift_before(&zone, &shift);
	assert_string_equal(tell(&shift), "2025-03-08 NIGHT 2025-03-08T11:30:00Z 2025-03-09T10:30:00Z 23");
}

static void the_hour_reported_is_the_last_one_over(void **state)
{
	static const struct {
		const char *ripe, *type;
		int64_t no;
	} rows[] = {
	    {"2024-06-01T07:00:00Z", "DAY", 1},
	    {"2024-06-01T07:59:59Z", "DAY", 1},
	    {"2024-06-01T08:00:00Z", "DAY", 2},
	    {"2024-06-01T17:59:59Z", "DAY", 11},
	    {"2024-06-01T18:00:00Z", "DAY", 12}, /* none of the night's yet */
	    {"2024-06-01T18:59:59Z", "DAY", 12},
	    {"2024-06-01T19:00:00Z", "NIGHT", 1},
	};
	struct zone zone = zone_in("UTC", 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shift shift;
		struct bucket bucket = bucket_ripe(&zone, at(rows[i].ripe), &shift);

		assert_string_equal(shift.type, rows[i].type);
		assert_int_equal(bucket.no, rows[i].no);
		assert_true(bucket.end <= at(rows[i].ripe));
	}
}

static void a_last_bucket_is_cut_at_the_shifts_end(void **state)
{
	struct zone zone = zone_in("Australia/Lord_Howe", 30);
	struct shift shift = shift_at(&zone, at("2024-10-05T16:00:00Z"));
	struct bucket last = shift_bucket(&shift, shift_hours(&shift));

	(void)state;
	assert_int_equal(last.end - last.start, 1800);
	assert_true(last.end == shift.end);
	assert_true(shift_bucket(&shift, 1).start == shift.start);
}

static void labels_tell_both_passes_of_a_repeated_hour_apart(void **state)
{
	static const struct {
		const char *timezone, *start, *label;
		int hour;
	} rows[] = {
	    {"America/Los_Angeles", "2024-11-03T07:00:00Z", "00:00-01:00 PDT", 0},
	    {"America/Los_Angeles", "2024-11-03T08:00:00Z", "01:00 PDT-01:00 PST", 1},
	    {"America/Los_Angeles", "2024-11-03T09:00:00Z", "01:00-02:00 PST", 1},
	    {"America/Los_Angeles", "2025-03-09T09:00:00Z", "01:00 PST-03:00 PDT", 1},
	    {"Australia/Lord_Howe", "2024-10-05T15:00:00Z", "01:30 +1030-03:00 +11", 1},
	    {"UTC", "2024-06-01T23:30:00Z", "23:30-00:30 UTC", 23},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zone zone = zone_in(rows[i].timezone, 0);
		utc_t start = at(rows[i].start);
		struct bucket bucket = {.no = 1, .start = start, .end = start + 3600};
		char label[BUCKET_LABEL];

		assert_string_equal(bucket_label(&zone, &bucket, label), rows[i].label);
		assert_int_equal(bucket_hour(&zone, &bucket), rows[i].hour);
	}
}

/* -- stops ----------------------------------------------------------------------------------------- */

static void overlapping_stops_count_once(void **state)
{
	struct stop stops[] = {
	    {0, 500, UTC_NEVER, QUALITY},
	    {0, 0, 100, BREAKDOWN},
	    {0, 90, 150, MATERIAL},
	    {0, 95, 120, OTHER},
	    {0, 200, 300, PLANNED},
	    {0, 250, 320, MICROSTOP},
	};
	static const struct {
		unsigned set;
		utc_t from, to;
		int64_t seconds;
	} rows[] = {
	    {OWN_LOSS, 0, 400, 150 + 70},
	    {OWN_LOSS, 0, 600, 150 + 70 + 100}, /* an open stop runs to the window's end */
	    {OWN_LOSS, 92, 110, 18},
	    {OWN_LOSS, 150, 250, 0},
	    {IN_SET(PLANNED), 0, 600, 100},
	    {IN_SET(PLANNED), 210, 220, 10},
	    {IN_SET(BREAKDOWN) | IN_SET(OTHER), 0, 600, 120},
	    {IN_SET(STARVED), 0, 600, 0},
	    {OWN_LOSS, 700, 700, 0},
	};

	(void)state;
	stops_sort(stops, ARRAY_SIZE(stops));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
		    stops_seconds(stops, ARRAY_SIZE(stops), rows[i].set, rows[i].from, rows[i].to),
		    rows[i].seconds);
}

static void a_stop_touches_a_window_that_it_shares_a_second_with(void **state)
{
	static const struct stop stops[] = {{0, 0, 100, BREAKDOWN}, {0, 50, 80, PLANNED},
	    {0, 100, 200, MATERIAL}, {0, 150, UTC_NEVER, OTHER}};
	static const struct {
		utc_t from, to;
		int64_t touching;
		bool open;
	} rows[] = {{0, 100, 1, false}, {0, 99, 1, true}, {100, 150, 1, true}, {100, 200, 2, true},
	    {99, 101, 2, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool open;

		assert_int_equal(
		    stops_touching(stops, ARRAY_SIZE(stops), OWN_LOSS, rows[i].from, rows[i].to, &open),
		    rows[i].touching);
		assert_int_equal(open, rows[i].open);
	}
}

static void an_unknown_category_is_told(void **state)
{
	enum category category = PLANNED;

	(void)state;
	assert_null(category_parse("STARVED", &category));
	assert_int_equal(category, STARVED);
	struct err *e = category_parse("LUNCH", &category);
	assert_non_null(strstr(err_text(e), "LUNCH"));
	err_destroy(e);
}

/* -- losses ---------------------------------------------------------------------------------------- */

static void the_main_category_is_the_longest_own_one(void **state)
{
	struct tally tally = {0};

	(void)state;
	assert_null(main_category(&tally));
	tally.n[N_STOP_S + STARVED] = 900;
	assert_null(main_category(&tally));
	tally.n[N_STOP_S + QUALITY] = 60;
	tally.n[N_STOP_S + MATERIAL] = 60;
	assert_string_equal(main_category(&tally), "MATERIAL"); /* the first of equals by the alphabet */
	tally.n[N_STOP_S + QUALITY] = 61;
	assert_string_equal(main_category(&tally), "QUALITY");
}

static void stations_rank_by_lost_time_then_stops_then_their_order(void **state)
{
	struct tally tallies[4] = {0};
	struct station stations[4] = {0};
	struct zone zone = {.stations = stations, .station_count = 4};
	struct count count = {.plan = {.zone = &zone}, .last = 1, .tallies = tallies};
	struct loss losses[4];

	(void)state;
	tallies[0].n[N_SLOW_MS] = 60000;
	tallies[1].n[N_OWN_S] = 60;
	tallies[2].n[N_OWN_S] = 60;
	tallies[3].n[N_SLOW_MS] = 60001;
	rank_losses(&count, 1, 1, by_lost_time, losses);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(losses[i].station, ((const size_t[]){3, 1, 2, 0})[i]);
	rank_losses(&count, 1, 1, by_own_stops, losses);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(losses[i].station, ((const size_t[]){1, 2, 0, 3})[i]);
}

/* -- the view -------------------------------------------------------------------------------------- */

static struct json *view_of(const char *text)
{
	struct json *data;

	assert_null(json_parse(text, strlen(text), &data));
	struct json *view = zone_hourly_view(data);
	json_destroy(data);
	return view;
}

static void the_colour_follows_the_attainment_but_not_of_a_dead_feed(void **state)
{
	static const struct {
		const char *data, *style;
	} rows[] = {
	    {"{\"status\": \"ok\", \"hour\": {\"actual\": 95, \"target\": 100}}", "good"},
	    {"{\"status\": \"ok\", \"hour\": {\"actual\": 94, \"target\": 100}}", "warning"},
	    {"{\"status\": \"ok\", \"hour\": {\"actual\": 84, \"target\": 100}}", "attention"},
	    {"{\"status\": \"ok\", \"hour\": {\"actual\": 0, \"target\": 100}}", "attention"},
	    {"{\"status\": \"ok\", \"hour\": {\"actual\": 9, \"target\": 0}}", "default"},
	    {"{\"status\": \"no_data\", \"hour\": {\"actual\": 0, \"target\": 100}}", "default"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *view = view_of(rows[i].data);

		assert_string_equal(json_text(json_get(view, "style")), rows[i].style);
		json_destroy(view);
	}
}

static void recovering_is_told_while_the_shift_is_behind_and_not_over(void **state)
{
	struct json *view =
	    view_of("{\"shift_to_date\": {\"actual\": 90, \"shift_target\": 120, \"required_rate\": 61.5}}");

	(void)state;
	assert_true(json_double(json_get(json_get(view, "recover"), "rate")) == 61.5);
	assert_false(json_true(json_get(view, "on_course")));
	json_destroy(view);
	view = view_of("{\"shift_to_date\": {\"actual\": 120, \"shift_target\": 120, \"required_rate\": 0}}");
	assert_true(json_is(json_get(view, "recover"), JSON_NULL));
	assert_true(json_true(json_get(view, "on_course")));
	json_destroy(view);
	view =
	    view_of("{\"shift_to_date\": {\"actual\": 90, \"shift_target\": 120, \"required_rate\": null}}");
	assert_true(json_is(json_get(view, "recover"), JSON_NULL));
	assert_false(json_true(json_get(view, "on_course")));
	json_destroy(view);
}

static void the_board_is_aligned_and_keeps_the_two_passes_apart(void **state)
{
	static const char data[] =
	    "{\"board\": ["
	    "{\"label\": \"01:00 PDT-01:00 PST\", \"target\": 100, \"actual\": 50, \"gap\": -50, "
	    "\"cum_gap\": -50,"
	    " \"scrap\": 1, \"downtime_min\": 12.3, \"reason\": \"Weld: OTHER\"},"
	    "{\"label\": \"01:00-02:00 PST\", \"target\": 100, \"actual\": 116, \"gap\": 16, \"cum_gap\": -34,"
	    " \"scrap\": 0, \"downtime_min\": 0, \"reason\": \"\"},"
	    "{\"label\": \"02:00-03:00 PST\", \"target\": 0, \"actual\": 7, \"gap\": 7, \"cum_gap\": -27,"
	    " \"scrap\": 0, \"downtime_min\": 0, \"reason\": \"\"}]}";
	static const char *const lines[] = {
	    "Hour                         Plan Made Gap Total Scrap Down  Reason",
	    "01:00 PDT-01:00 PST  ███░░░   100   50 -50   -50     1 12.3  Weld: OTHER",
	    "01:00-02:00          ██████▉  100  116 +16   -34     0  0.0",
	    "02:00-03:00                     0    7  +7   -27     0  0.0",
	};
	struct json *view = view_of(data);
	size_t i = 0;

	(void)state;
	json_each(line, json_get(view, "table"))
		assert_string_equal(json_text(line), lines[i++]);
	assert_int_equal(i, 4);
	json_destroy(view);
}

static void notes_tell_the_warnings_in_words(void **state)
{
	struct json *view =
	    view_of("{\"late_units\": 1, \"warnings\": [\"no_crew\", \"no_target:L1\", \"new\", 5]}");
	static const char *const notes[] = {
	    "1 unit came in late: earlier hours may differ from their posts",
	    "the crew calendar has no entry for this shift",
	    "some hour of this shift has no target for line L1", "new"};
	size_t i = 0;

	(void)state;
	json_each(note, json_get(view, "notes"))
		assert_string_equal(json_text(note), notes[i++]);
	assert_int_equal(i, ARRAY_SIZE(notes));
	json_destroy(view);
}

static void a_view_can_be_made_of_anything(void **state)
{
	static const char *const texts[] = {"{}", "[]", "null",
	    "{\"board\": 5, \"hour\": [], \"lines\": {\"a\": 1}}",
	    ("{\"board\": [null, {}, {\"label\": \" -\"}], \"lines\": [7], \"warnings\": \"x\","
	     " \"status\": 1}")};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct json *view = view_of(texts[i]);

		assert_string_equal(json_text(json_get(view, "style")), "default");
		json_destroy(view);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(percentages_round_halves_up_to_one_decimal),
	    cmocka_unit_test(minutes_and_seconds_round_halves_up_to_one_decimal),
	    cmocka_unit_test(a_short_bucket_has_its_share_of_the_target),
	    cmocka_unit_test(a_shift_lasts_to_the_next_start_by_the_zones_clock),
	    cmocka_unit_test(shifts_follow_each_other_without_gap_for_years),
	    cmocka_unit_test(a_shift_that_a_clock_change_leaves_empty_is_passed_over),
	    cmocka_unit_test(the_hour_reported_is_the_last_one_over),
	    cmocka_unit_test(a_last_bucket_is_cut_at_the_shifts_end),
	    cmocka_unit_test(labels_tell_both_passes_of_a_repeated_hour_apart),
	    cmocka_unit_test(overlapping_stops_count_once),
	    cmocka_unit_test(a_stop_touches_a_window_that_it_shares_a_second_with),
	    cmocka_unit_test(an_unknown_category_is_told),
	    cmocka_unit_test(the_main_category_is_the_longest_own_one),
	    cmocka_unit_test(stations_rank_by_lost_time_then_stops_then_their_order),
	    cmocka_unit_test(the_colour_follows_the_attainment_but_not_of_a_dead_feed),
	    cmocka_unit_test(recovering_is_told_while_the_shift_is_behind_and_not_over),
	    cmocka_unit_test(the_board_is_aligned_and_keeps_the_two_passes_apart),
	    cmocka_unit_test(notes_tell_the_warnings_in_words),
	    cmocka_unit_test(a_view_can_be_made_of_anything),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
