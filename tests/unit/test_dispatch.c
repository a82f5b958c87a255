/* SPDX-License-Identifier: MIT */
/* What the dispatch monitors read: numbers, starts, notes; and the XML of a SOAP login. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mask.h"
#include "base/mem.h"
#include "jobs/dispatch/note.h"
#include "jobs/dispatch/phone.h"
#include "jobs/dispatch/vendor.h"
#include "jobs/dispatch/when.h"
#include "jobs/vendor/salesforce.h"
#include "jobs/vendor/xml.h"

/* -- phones ------------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *number; /* NULL: none */
} phones[] = {
    {"Robin Sample +1 (202) 555-0101", "+12025550101"},
    {"202.555.0101", "+12025550101"},
    {"12025550101", "+12025550101"},
    {"2025550101", "+12025550101"},
    {"(202) 555-0101", "+12025550101"},
    {"(202)555-0101", "+12025550101"},
    {"+1 (303) 5550 151", "+13035550151"},
    {"Store 42 Robin 202-555-0101", "+12025550101"},
    {"Store 42 202-555-0101", "+12025550101"},
    {"Suite 7 1-202-555-0101", "+12025550101"},
    {"202-555-0101 x45", "+12025550101"},
    {"202-555-0101 ext. 45", "+12025550101"},
    {"202-555-0101, Extension: 45", "+12025550101"},
    {"202-555-0101 EXT45 or 303-555-0151", "+12025550101"},
    {"202-555-0101#45", "+12025550101"},
    {"202-555-0101 / 202-555-0102", "+12025550101"},
    {"call 555 then (202) 555-0101", "+12025550101"},
    {"+44 20 7946 0018", "+442079460018"},
    {"011 44 20 7946 0018", "+442079460018"},
    {"(+1) 202-555-0101", "+12025550101"},
    {"202-555-0101x", "+12025550101"},
    {"Robin 555-0101", NULL},
    {"12", NULL},
    {"11234567890", NULL},
    {"1234567890", NULL},
    {"102-555-0101", NULL},
    {"202-155-0101", NULL},
    {"2025550101999", NULL},
    {"+1 555 0101", NULL},
    {"+0442079460018", NULL},
    {"011 0 20 7946 0018", NULL},
    {"+4420794600181234567", NULL},
    {"", NULL},
    {NULL, NULL},
    {"N/A", NULL},
    {"x45", NULL},
    {"+", NULL},
    {"(((", NULL},
    {"\xEF\xBC\x92\xEF\xBC\x90\xEF\xBC\x92", NULL},
};

static void numbers_are_found_in_what_people_typed(void **state)
{
	char number[PHONE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(phones); i++) {
		bool found = phone_read(phones[i].text, number);

		if (found != (phones[i].number != NULL) || (found && strcmp(number, phones[i].number) != 0))
			fail_msg("'%s': %s", phones[i].text, found ? number : "none");
	}
}

static void many_digits_are_no_number(void **state)
{
	char text[4096], number[PHONE_SIZE];

	(void)state;
	memset(text, '7', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(phone_read(text, number));
	text[0] = '+';
	assert_false(phone_read(text, number));
}

/* -- starts ------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int hour, minute; /* -1: none */
} times[] = {
    {"7AM-9AM", 7, 0}, {"7-9AM", 7, 0}, {"7am - 9am", 7, 0}, {"7.00am-9.00am", 7, 0}, {"7A", 7, 0},
    {"10:30AM-11:30AM", 10, 30}, {"6:30 PM", 18, 30}, {"9::30am", 9, 30}, {"11-1PM", 11, 0},
    {"10-12PM", 10, 0}, {"1030AM", 10, 30}, {"130PM", 13, 30}, {"10,30AM", 10, 30},
    {"between 1 and 3 PM", 13, 0}, {"2 techs 9AM", 9, 0}, {"8  AM", 8, 0}, {"8 A.M.", 8, 0},
    {"8 a.m. - 5 p.m.", 8, 0}, {"8.AM", -1, 0}, {"12PM", 12, 0}, {"12AM", 0, 0}, {"12-1PM", 12, 0},
    {"9 to 11 am", 9, 0}, {"9 until 11 am", 9, 0}, {"9\xE2\x80\x93""11AM", 9, 0}, {"9\xE2\x80\x94""11AM", 9, 0},
    {"10PM-2AM", 22, 0}, {"9:30:15AM", 9, 30}, {"after 10 am", 10, 0}, {"9-13PM", -1, 0},
    {"ASAP", -1, 0}, {"16:00", -1, 0}, {"10:30-11:30", -1, 0}, {"13PM", -1, 0}, {"0AM", -1, 0},
    {"1:5PM", -1, 0}, {"1:60PM", -1, 0}, {"10300AM", -1, 0}, {"9AMX", -1, 0}, {"9 PLAN", -1, 0}, {"", -1, 0},
};

static void times_of_day_are_read(void **state)
{
	struct when when;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		bool found = when_local("2024-06-18", times[i].text, "Pacific Time", &when);
		utc_t expected = utc_from_civil(&(struct civil){2024, 6, 18, times[i].hour + 7, times[i].minute, 0});

		if (found != (times[i].hour >= 0) || (found && when.at != expected))
			fail_msg("'%s': %s", times[i].text, found ? when.text : "none");
	}
}

static const struct {
	const char *word, *shown;
	int offset; /* hours west, in summer; 0: no zone */
} zones[] = {
    {"Eastern Time", "Eastern", 4}, {"eastern time", "Eastern", 4}, {"EST", "Eastern", 4}, {"EDT", "Eastern", 4},
    {"ET", "Eastern", 4}, {"Eastern Standard Time", "Eastern", 4}, {"Eastern Daylight Time", "Eastern", 4},
    {"Central Time", "Central", 5}, {"CST", "Central", 5}, {"Mountain Time", "Mountain", 6}, {"MT", "Mountain", 6},
    {"Pacific Time", "Pacific", 7}, {" PACIFIC ", "Pacific", 7}, {"Alaska Time", "Alaska", 8},
    {"Hawaii Time", "Hawaii", 10}, {"Arizona", "Arizona", 7}, {"Aleutian", "Aleutian", 9},
    {"East-Indiana", "East-Indiana", 4}, {"Indiana-Starke", "Indiana-Starke", 5}, {"Michigan", "Michigan", 4},
    {"Samoa", "Samoa", 11}, {"", NULL, 0}, {"Time", NULL, 0}, {"Europe/Berlin", NULL, 0}, {"UTC", NULL, 0},
};

static void zones_are_known_by_their_words(void **state)
{
	struct when when;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		bool found = when_local("2024-06-18", "4PM", zones[i].word, &when);
		utc_t expected = utc_from_civil(&(struct civil){2024, 6, 18, 16, 0, 0}) + 3600 * zones[i].offset;

		if (found != (zones[i].shown != NULL) || (found && when.at != expected))
			fail_msg("'%s': %s", zones[i].word, found ? when.text : "none");
		if (found)
			assert_string_equal(strrchr(when.text, ' ') + 1, zones[i].shown);
	}
}

static void a_start_is_shown_as_clocks_at_the_site_show_it(void **state)
{
	struct when when;

	(void)state;
	assert_true(when_local("2024-6-8", "4PM", "Pacific Time", &when));
	assert_string_equal(when.text, "Jun 08, 2024 @ 04:00 PM Pacific");
}

static void a_local_time_that_is_twice_or_never_is_standard_time(void **state)
{
	struct when when;

	(void)state;
	assert_true(when_local("2024-11-03", "1:30 AM", "Eastern", &when));
	assert_int_equal(when.at, utc_from_civil(&(struct civil){2024, 11, 3, 6, 30, 0}));
	assert_true(when_local("2024-03-10", "2:30 AM", "Eastern", &when));
	assert_int_equal(when.at, utc_from_civil(&(struct civil){2024, 3, 10, 7, 30, 0}));
}

static void a_date_that_there_is_not_is_no_start(void **state)
{
	static const char *const dates[] = {"2023-02-29", "2024-13-01", "2024-00-01", "2024-06-31", "24-06-18",
	    "2024/06/18", "2024-06-18 ", "2024-06-180", "", NULL};
	struct when when;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++)
		assert_false(when_local(dates[i], "4PM", "Pacific", &when));
	assert_false(when_local("2024-06-18", NULL, "Pacific", &when));
	assert_false(when_local("2024-06-18", "4PM", NULL, &when));
}

static const struct {
	const char *text, *shown; /* NULL: none */
} instants[] = {
    {"2024-06-18T23:00:00.000+0000", "Jun 18, 2024 @ 11:00 PM UTC"},
    {"2024-06-18T23:00:00Z", "Jun 18, 2024 @ 11:00 PM UTC"},
    {"2024-06-18 23:00", "Jun 18, 2024 @ 11:00 PM UTC"},
    {"2024-06-18T19:00:00-04:00", "Jun 18, 2024 @ 11:00 PM UTC"},
    {"2024-06-19T00:30:00+0130", "Jun 18, 2024 @ 11:00 PM UTC"},
    {"2024-06-18T23:00:00.1234567", "Jun 18, 2024 @ 11:00 PM UTC"},
    {"2024-06-18T00:05", "Jun 18, 2024 @ 12:05 AM UTC"},
    {"2024-06-18", NULL}, {"2024-06-18T24:00", NULL}, {"2024-06-18T23:60", NULL}, {"2024-06-18T23:00:00.", NULL},
    {"2024-06-18T23:00:00+4", NULL}, {"2024-06-18T23:00:00Zulu", NULL}, {"2024-6-18T23:00", NULL},
    {"soon", NULL}, {"", NULL}, {NULL, NULL},
};

static void instants_are_shown_in_utc(void **state)
{
	struct when when;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(instants); i++) {
		bool found = when_instant(instants[i].text, &when);

		if (found != (instants[i].shown != NULL) || (found && strcmp(when.text, instants[i].shown) != 0))
			fail_msg("'%s': %s", instants[i].text, found ? when.text : "none");
	}
}

static void minutes_are_rounded_with_ties_to_even(void **state)
{
	static const struct {
		int64_t seconds, minutes;
	} rows[] = {{43230, 720}, {43231, 721}, {43229, 720}, {7230, 120}, {7231, 121}, {7290, 122}, {0, 0}, {30, 0},
	    {31, 1}, {90, 2}, {-30, 0}, {-31, -1}, {-90, -2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(when_minutes(1000, 1000 + rows[i].seconds), rows[i].minutes);
}

/* -- notes -------------------------------------------------------------------------------------------- */

static void a_note_belongs_to_the_word_behind_its_watermark(void **state)
{
	static const struct {
		const char *text;
		bool ours;
	} rows[] = {
	    {MARK_ENGINE " DIS4000\nmore", true}, {MARK_ENGINE "   DIS4000 more", true},
	    {"first\r\nsecond " MARK_ENGINE " DIS4000\r\n", true}, {"first\r" MARK_ENGINE " DIS4000", true},
	    {MARK_ENGINE " X " MARK_ENGINE " DIS4000", true}, {MARK_ENGINE " DIS40001", false},
	    {MARK_ENGINE " dis4000", false}, {MARK_ENGINE " X DIS4000", false}, {MARK_ENGINE "\nDIS4000", false},
	    {"DIS4000", false}, {MARK_ENGINE, false}, {"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (note_belongs(rows[i].text, "DIS4000") != rows[i].ours)
			fail_msg("'%s'", rows[i].text);
}

static struct notes notes_of(const char *list, struct arena *arena)
{
	struct json *details;
	struct notes notes;

	assert_null(json_parse(list, strlen(list), &details));
	arena_defer(arena, (void (*)(void *))json_destroy, details);
	notes_read(details, "R", arena, &notes);
	return notes;
}

#define NOTE(text, date) "{\"noteValue\":\"" MARK_ENGINE " R\\n" text "\",\"createdDate\":" date "}"
#define NOTES(...)       "{\"ticketNotes\":[" __VA_ARGS__ "]}"

static void notes_are_in_the_order_of_their_dates(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct notes notes = notes_of(
	    NOTES(NOTE("third", "\"2024-06-15T09:00:00.2700001-04:00\"") "," NOTE("second", "\"2024-06-15T13:00:00.27Z\"") ","
	        NOTE("first", "\"no date\"") "," NOTE("fourth", "\"2024-06-15T13:00:00.2700001\"")),
	    &arena);
	static const char *const order[] = {"first", "second", "third", "fourth"};

	(void)state;
	assert_int_equal(notes.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(strstr(notes.items[i].text, order[i]));
}

static void the_engineer_is_who_was_told_last(void **state)
{
	static const struct {
		const char *notes, *name;
	} rows[] = {
	    {NOTES(NOTE(MARK_CONFIRMED "\\nField Engineer\\nSam", "null")), "Sam"},
	    {NOTES(NOTE(MARK_CONFIRMED "\\r\\n The Field Engineer \\r\\n  Sam  Probe \\r\\n", "null")), "Sam Probe"},
	    {NOTES(NOTE(MARK_CONFIRMED "\\nField Engineer\\nSam", "null") "," NOTE(MARK_CHANGED "\\nField Engineer\\nLee", "null")), "Lee"},
	    {NOTES(NOTE(MARK_CONFIRMED "\\nField Engineer\\nSam", "null") "," NOTE(MARK_CONFIRMED "\\nField Engineer\\nLee", "null")), "Sam"},
	    {NOTES(NOTE(MARK_CONFIRMED "\\nField Engineer\\nSam", "null") "," NOTE(MARK_CHANGED "\\nField Engineer\\n\\n", "null")), "Sam"},
	    {NOTES(NOTE(MARK_CONFIRMED "\\nField Engineer", "null")), NULL},
	    {NOTES(NOTE(MARK_CONFIRMED "\\nField Engineer: Sam", "null")), NULL},
	    {NOTES(NOTE("Field Engineer\\nSam", "null")), NULL},
	    {"{}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(arena_done) struct arena arena = {0};
		struct notes notes = notes_of(rows[i].notes, &arena);
		const char *name = notes_engineer(&notes, &arena);

		if ((name == NULL) != (rows[i].name == NULL) || (name && strcmp(name, rows[i].name) != 0))
			fail_msg("%zu: %s", i, name);
	}
}

static void a_label_is_looked_for_line_by_line(void **state)
{
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	assert_string_equal(after_label("a\r\nIGZ: \t x-1 \r\nIGZ: y", "IGZ:", &arena), "x-1 ");
	assert_string_equal(after_label("IGZ:", "IGZ:", &arena), "");
	assert_null(after_label("nothing", "IGZ:", &arena));
	assert_null(after_label(NULL, "IGZ:", &arena));
}

/* -- XML ---------------------------------------------------------------------------------------------- */

static void the_text_of_an_element_is_found_whatever_its_prefix(void **state)
{
	static const struct {
		const char *xml, *text;
	} rows[] = {
	    {"<a><id>x</id></a>", "x"}, {"<?xml version='1.0'?><s:a><s:id k='>'>x&amp;&lt;&#65;&#x42;</s:id></s:a>", "x&<AB"},
	    {"<!-- <id>no</id> --><id>x</id>", "x"}, {"<![CDATA[<id>no</id>]]><id>x</id>", "x"},
	    {"<id><![CDATA[a<b]]>c</id>", "a<bc"}, {"<id/><id>x</id>", "x"}, {"<id2>no</id2><id>x</id>", "x"},
	    {"<id>a<!-- b -->c</id>", "ac"}, {"<id>&unknown;&#0;&#xD800;</id>", "&unknown;&#0;&#xD800;"},
	    {"<id></id>", ""}, {"<id>", NULL}, {"<id>x", NULL}, {"<id><b>x</b></id>", NULL}, {"<id", NULL}, {"<", NULL},
	    {"", NULL}, {"<x>id</x>", NULL}, {"<id><![CDATA[x</id>", NULL}, {"<id>&#x1F600;</id>", "\xF0\x9F\x98\x80"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(arena_done) struct arena arena = {0};
		const char *text = xml_text(rows[i].xml, strlen(rows[i].xml), "id", &arena);

		if ((text == NULL) != (rows[i].text == NULL) || (text && strcmp(text, rows[i].text) != 0))
			fail_msg("%s: %s", rows[i].xml, text);
	}
}

static void an_instance_is_the_origin_without_api_in_its_host(void **state)
{
	static const struct {
		const char *url, *origin;
	} rows[] = {
	    {"https://na1-api.example.com/services/Soap/u/42.0/00D-api", "https://na1.example.com"},
	    {"https://na1.example.com:8443/x", "https://na1.example.com:8443"}, {"http://127.0.0.1:80", "http://127.0.0.1:80"},
	    {"ftp://x/", NULL}, {"https:///x", NULL}, {"https://u@x/", NULL}, {"x", NULL}, {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(arena_done) struct arena arena = {0};
		const char *origin = salesforce_origin(rows[i].url, &arena);

		if ((origin == NULL) != (rows[i].origin == NULL) || (origin && strcmp(origin, rows[i].origin) != 0))
			fail_msg("%s: %s", rows[i].url, origin);
	}
}

/* -- masks -------------------------------------------------------------------------------------------- */

static void numbers_in_logs_show_their_last_four_digits(void **state)
{
	static const struct {
		const char *text, *masked;
	} rows[] = {
	    {"k:+12025550150", "k:*******0150"}, {"+12025550150,+12025550151", "*******0150,*******0151"},
	    {"2024-11-02T18:00:00+0000", "2024-11-02T18:00:00+0000"}, {"1+2", "1+2"}, {"+1234567", "+1234567"}, {"+", "+"}, {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(buf_done) struct buf text = {0};

		buf_add_text(&text, rows[i].text);
		mask_phones(&text);
		assert_string_equal(buf_text(&text), rows[i].masked);
	}
	cleanup(buf_done) struct buf text = {0};
	buf_add_text(&text, "12025550150 or +12025550150 is none");
	assert_true(mask_number(&text, "+12025550150"));
	assert_string_equal(buf_text(&text), "*******0150 or *******0150 is none");
	assert_false(mask_number(&text, "600001"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_found_in_what_people_typed),
	    cmocka_unit_test(many_digits_are_no_number),
	    cmocka_unit_test(times_of_day_are_read),
	    cmocka_unit_test(zones_are_known_by_their_words),
	    cmocka_unit_test(a_start_is_shown_as_clocks_at_the_site_show_it),
	    cmocka_unit_test(a_local_time_that_is_twice_or_never_is_standard_time),
	    cmocka_unit_test(a_date_that_there_is_not_is_no_start),
	    cmocka_unit_test(instants_are_shown_in_utc),
	    cmocka_unit_test(minutes_are_rounded_with_ties_to_even),
	    cmocka_unit_test(a_note_belongs_to_the_word_behind_its_watermark),
	    cmocka_unit_test(notes_are_in_the_order_of_their_dates),
	    cmocka_unit_test(the_engineer_is_who_was_told_last),
	    cmocka_unit_test(a_label_is_looked_for_line_by_line),
	    cmocka_unit_test(the_text_of_an_element_is_found_whatever_its_prefix),
	    cmocka_unit_test(an_instance_is_the_origin_without_api_in_its_host),
	    cmocka_unit_test(numbers_in_logs_show_their_last_four_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
