/* SPDX-License-Identifier: MIT */
/* The rota: draws, rules of its configuration, leave, ids, iCalendar, holidays, and what is published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <bmad/job.h>
#include <bmad/time.h>

#include "base/buf.h"
#include "jobs/rota/event.h"
#include "jobs/rota/ics.h"
#include "jobs/rota/published.h"

/* -- a configuration -------------------------------------------------------------------------------- */

struct config {
	struct json *groups, *leave;
	struct rota_options options;
	struct rules rules;
};

#define TWO                                                                                                  \
	"[{\"name\":\"a\",\"members\":[\"Ana\",\"Boris\",\"Chloe\"]},{\"name\":\"b\",\"members\":[\"Dai\","  \
	"\"Efua\"]}]"

static struct json *parse(const char *text)
{
	struct json *value;

	assert_null(json_parse(text, strlen(text), &value));
	return value;
}

static struct err *read_config(struct config *config, const char *groups, const char *leave)
{
	config->groups = parse(groups);
	config->leave = parse(leave);
	config->options = (struct rota_options){
	    .id = "support",
	    .groups = config->groups,
	    .leave = config->leave,
	    .start_group = "a",
	    .start_date = "2024-08-19",
	    .cycles = 4,
	    .seed = 7,
	};
	return rules_read(&config->options, &config->rules);
}

static void config_done(struct config *config)
{
	rules_done(&config->rules);
	json_destroy(config->groups);
	json_destroy(config->leave);
}

static int64_t day(const char *text)
{
	int64_t out;

	assert_null(date_parse(text, &out));
	return out;
}

static struct rota_start start_of(const struct config *config)
{
	return (struct rota_start){.day = config->rules.start_date, .first = config->rules.start};
}

static void make(struct config *config, struct arena *arena, struct rota *out)
{
	struct holidays none = {0};
	struct rota_start start = start_of(config);

	assert_null(rota_make(&config->rules, &start, 7, &none, arena, out));
}

/* -- draws ------------------------------------------------------------------------------------------ */

static void the_generator_gives_the_values_of_the_specification(void **state)
{
	struct draw draw = {42};

	(void)state;
	assert_int_equal(draw_next(&draw), UINT64_C(0xbdd732262feb6e95));
	assert_int_equal(draw_next(&draw), UINT64_C(0x28efe333b266f103));
	assert_int_equal(draw_next(&draw), UINT64_C(0x47526757130f9f52));
}

static void numbers_below_ten_are_those_of_the_specification(void **state)
{
	static const uint64_t expected[] = {3, 1, 8, 4, 0, 2, 5, 8, 5, 4, 7, 6};
	struct draw draw = {42};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(draw_below(&draw, 10), expected[i]);
}

static void a_shuffle_is_that_of_the_specification(void **state)
{
	const char *list[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	char text[9] = "";
	struct draw draw = {42};

	(void)state;
	draw_shuffle(&draw, list, 8);
	for (size_t i = 0; i < 8; i++)
		strcat(text, list[i]);
	assert_string_equal(text, "dbgceahf");
}

static void below_one_is_always_nothing_and_still_draws(void **state)
{
	struct draw draw = {42}, other = {42};

	(void)state;
	assert_int_equal(draw_below(&draw, 1), 0);
	draw_next(&other);
	assert_int_equal(draw.state, other.state);
}

static void after_an_earlier_rota_its_last_assistant_does_not_begin(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		cleanup(arena_done) struct arena arena = {0};
		struct config config;
		const char *before[2] = {"Ana", "Efua"};
		struct drawn drawn = {0};

		assert_null(read_config(&config, TWO, "[]"));
		draw_all(&config.rules, 0, seed, before, &arena, &drawn);
		assert_string_not_equal(drawn.assists[0][0], "Ana");
		assert_string_not_equal(drawn.assists[1][0], "Efua");
		config_done(&config);
	}
}

/* -- rules of the configuration --------------------------------------------------------------------- */

static void a_configuration_that_cannot_be_is_refused_with_its_fault(void **state)
{
	static const struct {
		const char *groups, *leave, *fault;
	} rows[] = {
	    {"[]", "[]", "exactly two"},
	    {"[{\"name\":\"a\",\"members\":[\"x\"]}]", "[]", "exactly two"},
	    {"[{\"name\":\"a\",\"members\":[\"x\"]},{\"name\":\"a\",\"members\":[\"y\"]}]", "[]",
	        "both are called 'a'"},
	    {"[{\"name\":\"a\",\"members\":[]},{\"name\":\"b\",\"members\":[\"y\"]}]", "[]", "'a' is empty"},
	    {"[{\"name\":\"a\",\"members\":[\" \"]},{\"name\":\"b\",\"members\":[\"y\"]}]", "[]", "blank"},
	    {"[{\"name\":\" \",\"members\":[\"x\"]},{\"name\":\"b\",\"members\":[\"y\"]}]", "[]", "blank"},
	    {"[{\"name\":\"a\",\"members\":[\"x\",\"x\"]},{\"name\":\"b\",\"members\":[\"y\"]}]", "[]",
	        "'x' is listed twice"},
	    {"[{\"name\":\"a\",\"members\":[\"x\"]},{\"name\":\"b\",\"members\":[\"x\"]}]", "[]",
	        "in both groups"},
	    {"[{\"name\":\"a\",\"member\":[\"x\"]},{\"name\":\"b\",\"members\":[\"x\"]}]", "[]",
	        "unknown key 'member'"},
	    {"[{\"name\":\"z\",\"members\":[\"x\"]},{\"name\":\"b\",\"members\":[\"y\"]}]", "[]",
	        "no group 'a'"},
	    {TWO, "[{\"name\":\"Zoe\",\"from\":\"2024-08-19\",\"to\":\"2024-08-19\"}]",
	        "'Zoe' is in no group"},
	    {TWO, "[{\"name\":\"Ana\",\"from\":\"2024-08-20\",\"to\":\"2024-08-19\"}]", "before it begins"},
	    {TWO, "[{\"name\":\"Ana\",\"from\":\"2024-02-30\",\"to\":\"2024-08-19\"}]", "leave"},
	    {TWO, "[{\"name\":\"Ana\",\"from\":\"2024-08-20\"}]", "to is missing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config config;
		struct err *e = read_config(&config, rows[i].groups, rows[i].leave);

		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_non_null(strstr(err_text(e), rows[i].fault));
		err_destroy(e);
		config_done(&config);
	}
}

static void names_are_compared_whole(void **state)
{
	struct config config;

	(void)state;
	assert_null(read_config(&config,
	    "[{\"name\":\"a\",\"members\":[\"Jo\",\"Jo Ann\"]},{\"name\":\"b\",\"members\":[\"Jo A\"]}]",
	    "[]"));
	assert_int_equal(rules_group_of(&config.rules, "Jo A"), 1);
	config_done(&config);
}

static void a_holiday_that_looks_like_a_date_must_be_one(void **state)
{
	static const char *const bad[] = {"2024-02-30"};
	struct err *e = holidays_check(&(struct texts){bad, 1});

	(void)state;
	assert_non_null(strstr(err_text(e), "2024-02-30"));
	err_destroy(e);
}

/* -- days and leave --------------------------------------------------------------------------------- */

static void weekends_and_holidays_are_skipped_and_not_counted(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct holidays holidays = {0};
	struct config config;
	struct rota rota;
	char text[TIME_TEXT];

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	config.rules.start_date = day("2024-08-17"); /* a Saturday */
	struct rota_start start = start_of(&config);
	assert_null(holidays_parse("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n"
	                           "DTSTART;VALUE=DATE:20240820\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
	    day("2024-01-01"), day("2025-01-01"), &holidays));
	assert_null(rota_make(&config.rules, &start, 7, &holidays, &arena, &rota));
	assert_int_equal(rota.count, 20);
	assert_string_equal(date_format(rota.days[0].day, text), "2024-08-19");
	assert_string_equal(date_format(rota.days[1].day, text), "2024-08-21");
	assert_string_equal(date_format(rota.days[4].day, text), "2024-08-26");
	holidays_done(&holidays);
	config_done(&config);
}

static size_t count_of(const struct rota *rota, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < rota->count; i++)
		count +=
		    (size_t)!strcmp(rota->days[i].lead, name) + (size_t)!strcmp(rota->days[i].assist, name);
	return count;
}

static void who_is_away_is_up_on_another_day_and_nobody_works_more(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct config plain, away;
	struct rota before, after;

	(void)state;
	assert_null(read_config(&plain, TWO, "[]"));
	assert_null(
	    read_config(&away, TWO, "[{\"name\":\"Ana\",\"from\":\"2024-08-26\",\"to\":\"2024-08-27\"}]"));
	make(&plain, &arena, &before);
	make(&away, &arena, &after);
	for (size_t i = 0; i < after.count; i++) {
		if (after.days[i].day != day("2024-08-26") && after.days[i].day != day("2024-08-27"))
			continue;
		assert_string_not_equal(after.days[i].lead, "Ana");
		assert_string_not_equal(after.days[i].assist, "Ana");
	}
	for (size_t g = 0; g < 2; g++)
		for (size_t i = 0; i < plain.rules.groups[g].count; i++)
			assert_int_equal(count_of(&before, plain.rules.groups[g].members[i]),
			    count_of(&after, plain.rules.groups[g].members[i]));
	config_done(&plain);
	config_done(&away);
}

static void the_nearest_takes_over_and_of_two_the_later(void **state)
{
	const char *names[] = {"Dai", "Ana", "Efua"};
	const int64_t days[] = {100, 101, 102};
	struct absence absence = {"Ana", 101, 101};
	struct rules rules = {.absences = &absence, .absence_count = 1};
	struct line_up line = {names, days, 3, false, NULL};
	cleanup(buf_done) struct buf unresolved = {0};

	(void)state;
	assert_true(leave_give_way(&rules, &line, "leads", &unresolved));
	assert_string_equal(names[0], "Dai");
	assert_string_equal(names[1], "Efua");
	assert_string_equal(names[2], "Ana");
}

static void days_that_nobody_can_take_are_all_named(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct holidays none = {0};
	struct config config;
	struct rota rota;

	(void)state;
	assert_null(
	    read_config(&config, TWO, "[{\"name\":\"Ana\",\"from\":\"2024-08-01\",\"to\":\"2025-08-01\"}]"));
	struct rota_start start = start_of(&config);
	struct err *e = rota_make(&config.rules, &start, 7, &none, &arena, &rota);
	assert_int_equal(err_kind(e), ERR_PERMANENT);
	size_t leads = 0;
	for (const char *at = err_text(e); (at = strstr(at, "Ana leads")); at++)
		leads++;
	assert_int_equal(leads, 4);
	assert_non_null(strstr(err_text(e), "Ana assists"));
	err_destroy(e);
	config_done(&config);
}

static void a_rota_that_breaks_a_rule_does_not_pass_the_checker(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct holidays none = {0};
	struct config config;
	struct rota rota;

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	struct rota_start start = start_of(&config);
	for (int fault = 0; fault < 4; fault++) {
		make(&config, &arena, &rota);
		assert_null(rota_check(&rota, &config.rules, &start, &none, false));
		if (fault == 0)
			rota.days[3].day++;
		else if (fault == 1)
			rota.days[0].lead = rota.days[1].lead;
		else if (fault == 2)
			rota.days[0].assist = rota.days[1].assist;
		else
			rota.days[0].assist = rota.days[0].lead;
		struct err *e = rota_check(&rota, &config.rules, &start, &none, false);
		assert_non_null(e);
		err_destroy(e);
	}
	config_done(&config);
}

/* -- events and iCalendar --------------------------------------------------------------------------- */

static void an_event_has_the_id_of_the_specification(void **state)
{
	char id[EVENT_ID_TEXT], other[EVENT_ID_TEXT];

	(void)state;
	assert_string_equal(
	    event_id("support", day("2024-08-19"), 0, id), "jcl2o70kltsqs7eu3aubg32hl1b0ui82");
	assert_string_not_equal(event_id("support", day("2024-08-19"), 1, other), id);
	assert_string_not_equal(event_id("suppor", day("2024-08-19"), 0, other), id);
}

static void lines_are_folded_at_75_octets_and_no_character_is_cut(void **state)
{
	cleanup(buf_done) struct buf out = {0}, text = {0}, unfolded = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_add_text(&text, i % 3 ? "é" : "x😀");
	ics_text_line(&out, "SUMMARY", buf_text(&text));
	const char *line = buf_text(&out);
	for (const char *end; (end = strstr(line, "\r\n")); line = end + 2) {
		size_t length = (size_t)(end - line);

		assert_true(length <= 75);
		assert_true(((unsigned char)line[length ? (line[0] == ' ') : 0] & 0xc0) != 0x80);
		buf_add(&unfolded, line + (line != buf_text(&out)), length - (line != buf_text(&out)));
	}
	assert_string_equal(line, "");
	assert_int_equal(strncmp(buf_text(&unfolded), "SUMMARY:", 8), 0);
	assert_string_equal(buf_text(&unfolded) + 8, buf_text(&text));
}

static void a_line_of_75_octets_is_not_folded(void **state)
{
	cleanup(buf_done) struct buf out = {0};
	char value[75];

	(void)state;
	memset(value, 'x', sizeof(value));
	value[73] = '\0';
	ics_line(&out, "A", value);
	assert_int_equal(out.length, 77);
}

static void text_is_escaped(void **state)
{
	cleanup(buf_done) struct buf out = {0};

	(void)state;
	ics_text_line(&out, "SUMMARY", "a\\b;c,d\ne\rf:\"g\"");
	assert_string_equal(buf_text(&out), "SUMMARY:a\\\\b\\;c\\,d\\nef:\"g\"\r\n");
}

/* -- holidays --------------------------------------------------------------------------------------- */

#define CALENDAR(events) "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" events "END:VCALENDAR\r\n"
#define EVENT(lines)     "BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20240101T000000Z\r\n" lines "END:VEVENT\r\n"

static void events_take_the_days_that_they_last(void **state)
{
	static const struct {
		const char *text;
		const char *days[4]; /* of 2024 */
	} rows[] = {
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20241225\r\n")), {"2024-12-25"}},
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20241225\r\nDTEND;VALUE=DATE:20241227\r\n")),
	        {"2024-12-25", "2024-12-26"}},
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20241225\r\nDURATION:P2D\r\n")),
	        {"2024-12-25", "2024-12-26"}},
	    {CALENDAR(EVENT("DTSTART:20241224T120000\r\nDTEND:20241224T180000\r\n")), {"2024-12-24"}},
	    {CALENDAR(EVENT("DTSTART:20241224T120000\r\nDTEND:20241225T000000\r\n")), {"2024-12-24"}},
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=YEARLY\r\n")), {"2024-01-01"}},
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20231130\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\r\n")),
	        {"2024-11-28"}},
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20240101\r\nRDATE;VALUE=DATE:20240501\r\n")),
	        {"2024-01-01", "2024-05-01"}},
	    {CALENDAR(
	         EVENT("DTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20240101\r\n")),
	        {NULL}},
	    {CALENDAR(EVENT("DTSTART;VALUE=DATE:20241225\r\nSTATUS:CANCELLED\r\n")), {NULL}},
	    {CALENDAR(EVENT("SUMMARY:no day\r\n")), {NULL}},
	    {CALENDAR(""), {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct holidays holidays = {0};
		size_t expected = 0, found = 0;

		assert_null(holidays_parse(rows[i].text, day("2024-01-01"), day("2024-12-31"), &holidays));
		for (; expected < 4 && rows[i].days[expected]; expected++)
			assert_true(holidays_has(&holidays, day(rows[i].days[expected])));
		for (int64_t at = day("2023-01-01"); at < day("2026-01-01"); at++)
			found += holidays_has(&holidays, at);
		assert_int_equal(found, expected);
		holidays_done(&holidays);
	}
}

static void what_is_no_calendar_is_an_error(void **state)
{
	static const char *const texts[] = {
	    "", "hello", "<html>404</html>", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", "\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct holidays holidays = {0};
		struct err *e = holidays_parse(texts[i], 0, 100000, &holidays);

		assert_non_null(e);
		assert_non_null(strstr(err_text(e), "BEGIN:VCALENDAR"));
		err_destroy(e);
		holidays_done(&holidays);
	}
}

/* -- what is published ------------------------------------------------------------------------------ */

static void ignore(void *arg, const char *text)
{
	(void)text;
	++*(int *)arg;
}

static void publish(struct config *config, struct published *published, struct arena *arena)
{
	struct rota rota;
	struct rota_start start = start_of(config);
	int dropped = 0;

	assert_null(published_read(NULL, &config->rules, published));
	published->id = "support";
	published->complete = true;
	make(config, arena, &rota);
	assert_null(published_replace(published, &config->rules, &start, &rota, false, ignore, &dropped));
}

static void what_is_published_is_read_as_it_was_written(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct config config;
	struct published published, again;

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	publish(&config, &published, &arena);
	assert_null(
	    published_cover(&published, &config.rules, published.rota.days[0].day, "lead", "Boris", true));
	struct json *value = published_json(&published, &config.rules);
	assert_null(published_read(value, &config.rules, &again));
	struct json *other = published_json(&again, &config.rules);
	assert_true(json_equal(value, other));
	assert_int_equal(again.override_count, 1);
	json_destroy(value);
	json_destroy(other);
	published_done(&published);
	published_done(&again);
	config_done(&config);
}

static void a_changed_pair_raises_its_sequence_and_an_equal_one_does_not(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct config config;
	struct published published;
	struct rota rota;
	int dropped = 0;

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	struct rota_start start = start_of(&config);
	publish(&config, &published, &arena);
	make(&config, &arena, &rota);
	assert_null(published_replace(&published, &config.rules, &start, &rota, false, ignore, &dropped));
	assert_int_equal(published.rota.days[0].sequence, 0);
	make(&config, &arena, &rota);
	const char *kept = rota.days[0].lead;
	rota.days[0].lead = rota.days[1].lead;
	rota.days[1].lead = kept;
	assert_null(published_replace(&published, &config.rules, &start, &rota, false, ignore, &dropped));
	assert_int_equal(published.rota.days[0].sequence, 1);
	assert_int_equal(published.rota.days[2].sequence, 0);
	published_done(&published);
	config_done(&config);
}

static void a_rota_is_carried_on_with_the_group_whose_turn_it_is(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct config config;
	struct published published;
	struct rota_start start;
	bool uneven;

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	publish(&config, &published, &arena);
	const struct rota_day *last = &published.rota.days[published.rota.count - 1];
	published_start(&published, &config.rules, true, &start, &uneven);
	assert_int_equal(start.day, last->day + 1);
	assert_int_equal(start.first, 0);
	assert_string_equal(start.before[0], last->assist);
	assert_int_equal(start.block, last->block + 1);
	/* Somebody joins on a Tuesday in the midst of the second block: from the next block on, which is led
	 * by a. */
	config.rules.start_date = published.rota.days[4].day;
	published_start(&published, &config.rules, true, &start, &uneven);
	assert_int_equal(start.day, published.rota.days[5].day);
	assert_int_equal(start.first, 0);
	assert_false(uneven);
	published_start(&published, &config.rules, false, &start, &uneven);
	assert_int_equal(start.day, published.rota.days[4].day);
	assert_true(uneven);
	published_done(&published);
	config_done(&config);
}

static void a_change_by_hand_is_kept_when_the_rota_is_made_again(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct config config;
	struct published published;
	struct rota rota;
	int dropped = 0;

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	struct rota_start start = start_of(&config);
	publish(&config, &published, &arena);
	const char *first = arena_copy(&arena, published.rota.days[0].lead);
	const char *second = arena_copy(&arena, published.rota.days[1].lead);
	assert_null(published_swap(&published, &config.rules, published.rota.days[0].day,
	    published.rota.days[1].day, "lead", false));
	assert_string_equal(published.rota.days[0].lead, second);
	assert_int_equal(published.rota.days[0].sequence, 1);
	make(&config, &arena, &rota);
	assert_null(published_replace(&published, &config.rules, &start, &rota, false, ignore, &dropped));
	assert_string_equal(published.rota.days[0].lead, second);
	assert_string_equal(published.rota.days[1].lead, first);
	assert_int_equal(published.rota.days[0].sequence, 1);
	assert_int_equal(dropped, 0);
	published_done(&published);
	config_done(&config);
}

static void a_change_by_hand_that_breaks_a_rule_needs_force(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct config config;
	struct published published;

	(void)state;
	assert_null(read_config(&config, TWO, "[]"));
	publish(&config, &published, &arena);
	struct rota_day *days = published.rota.days;
	struct err *e =
	    published_cover(&published, &config.rules, days[0].day, "assist", days[0].lead, false);
	assert_non_null(strstr(err_text(e), "--force"));
	err_destroy(e);
	e = published_cover(&published, &config.rules, days[0].day, "assist", "Zoe", true);
	assert_non_null(strstr(err_text(e), "Zoe"));
	err_destroy(e);
	e = published_cover(&published, &config.rules, day("2024-08-18"), "assist", "Dai", true);
	assert_non_null(strstr(err_text(e), "no day 2024-08-18"));
	err_destroy(e);
	assert_null(published_cover(&published, &config.rules, days[1].day, "assist", days[0].assist, true));
	published_done(&published);
	config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_generator_gives_the_values_of_the_specification),
	    cmocka_unit_test(numbers_below_ten_are_those_of_the_specification),
	    cmocka_unit_test(a_shuffle_is_that_of_the_specification),
	    cmocka_unit_test(below_one_is_always_nothing_and_still_draws),
	    cmocka_unit_test(after_an_earlier_rota_its_last_assistant_does_not_begin),
	    cmocka_unit_test(a_configuration_that_cannot_be_is_refused_with_its_fault),
	    cmocka_unit_test(names_are_compared_whole),
	    cmocka_unit_test(a_holiday_that_looks_like_a_date_must_be_one),
	    cmocka_unit_test(weekends_and_holidays_are_skipped_and_not_counted),
	    cmocka_unit_test(who_is_away_is_up_on_another_day_and_nobody_works_more),
	    cmocka_unit_test(the_nearest_takes_over_and_of_two_the_later),
	    cmocka_unit_test(days_that_nobody_can_take_are_all_named),
	    cmocka_unit_test(a_rota_that_breaks_a_rule_does_not_pass_the_checker),
	    cmocka_unit_test(an_event_has_the_id_of_the_specification),
	    cmocka_unit_test(lines_are_folded_at_75_octets_and_no_character_is_cut),
	    cmocka_unit_test(a_line_of_75_octets_is_not_folded),
	    cmocka_unit_test(text_is_escaped),
	    cmocka_unit_test(events_take_the_days_that_they_last),
	    cmocka_unit_test(what_is_no_calendar_is_an_error),
	    cmocka_unit_test(what_is_published_is_read_as_it_was_written),
	    cmocka_unit_test(a_changed_pair_raises_its_sequence_and_an_equal_one_does_not),
	    cmocka_unit_test(a_rota_is_carried_on_with_the_group_whose_turn_it_is),
	    cmocka_unit_test(a_change_by_hand_is_kept_when_the_rota_is_made_again),
	    cmocka_unit_test(a_change_by_hand_that_breaks_a_rule_needs_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
