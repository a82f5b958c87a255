/* SPDX-License-Identifier: MIT */
/* UTF-8, hashes, ids, random numbers and near names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#include "base/mem.h"

static void utf8_is_taken_in_its_shortest_form_alone(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
	    {"a", 1},
	    {"\x7f", 1},
	    {"\xc2\x80", 2},
	    {"\xdf\xbf", 2},
	    {"\xe0\xa0\x80", 3},
	    {"\xed\x9f\xbf", 3},
	    {"\xee\x80\x80", 3},
	    {"\xef\xbf\xbf", 3},
	    {"\xf0\x90\x80\x80", 4},
	    {"\xf4\x8f\xbf\xbf", 4},
	    {"\x80", 0},             /* a second byte first */
	    {"\xc0\x80", 0},         /* overlong NUL */
	    {"\xc1\xbf", 0},         /* overlong */
	    {"\xe0\x9f\xbf", 0},     /* overlong */
	    {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
	    {"\xed\xa0\x80", 0},     /* surrogate */
	    {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
	    {"\xf5\x80\x80\x80", 0},
	    {"\xff", 0},
	    {"\xc3(", 0},
	    {"\xe2\x82(", 0},
	    {"\xf0\x9f\x98(", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(utf8_length(rows[i].text, strlen(rows[i].text)), rows[i].length);
}

static void a_sequence_cut_short_is_none(void **state)
{
	(void)state;
	assert_int_equal(utf8_length("a", 0), 0);
	assert_int_equal(utf8_length("\xc3\xa9", 1), 0);
	assert_int_equal(utf8_length("\xe2\x82\xac", 2), 0);
	assert_int_equal(utf8_length("\xf0\x9f\x98\x80", 3), 0);
}

static void a_text_is_valid_with_every_byte_in_its_place(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
	assert_true(utf8_valid("na\xc3\xafve \xf0\x9f\x98\x80", 11));
	assert_false(utf8_valid("na\xc3", 3));
	assert_false(utf8_valid("\xc3\xaf\xff", 3));
}

static void each_invalid_byte_becomes_a_replacement_character(void **state)
{
	static const struct {
		const char *text, *clean;
	} rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"a\xff"
	     "b",
	        "a\xef\xbf\xbd"
	        "b"},
	    {"\xff", "\xef\xbf\xbd"},
	    {"x\xe2\x82", "x\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xc3\xa9\xc3", "\xc3\xa9\xef\xbf\xbd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(buf_done) struct buf out = {0};

		utf8_add(&out, rows[i].text, strlen(rows[i].text));
		assert_string_equal(buf_text(&out), rows[i].clean);
	}
}

static void a_cut_splits_no_sequence(void **state)
{
	static const struct {
		const char *text;
		size_t most, kept;
	} rows[] = {
	    {"abc", 5, 3}, {"abc", 3, 3}, {"abc", 2, 2}, {"abc", 0, 0}, {"a\xc3\xa9", 2, 1},
	    {"a\xc3\xa9z", 3, 3}, {"\xf0\x9f\x98\x80", 3, 0}, {"ab\xf0\x9f\x98\x80", 5, 2},
	    {"\x80\x80\x80\x80\x80\x80", 5, 5}, /* garbage is cut where it is */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(utf8_cut(rows[i].text, strlen(rows[i].text), rows[i].most), rows[i].kept);
}

static void fnv1a_gives_the_published_values_in_one_or_more_parts(void **state)
{
	(void)state;
	assert_true(fnv1a(FNV_START, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(fnv1a(FNV_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(fnv1a(FNV_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
	assert_true(fnv1a(fnv1a(FNV_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

static void a_uuid_shows_its_time_version_and_variant(void **state)
{
	char text[UUID_TEXT], other[UUID_TEXT];

	(void)state;
	assert_ptr_equal(uuid_v7(INT64_C(0x017f22e279b0), text), text);
	assert_int_equal(strlen(text), 36);
	assert_memory_equal(text, "017f22e2-79b0-7", 15);
	assert_non_null(strchr("89ab", text[19]));
	assert_int_equal(strspn(text, "0123456789abcdef-"), 36);
	assert_true(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
	assert_string_not_equal(uuid_v7(INT64_C(0x017f22e279b0), other), text);
}

static void uuids_sort_by_their_time(void **state)
{
	char earlier[UUID_TEXT], later[UUID_TEXT];

	(void)state;
	uuid_v7(INT64_C(1790000000000), earlier);
	uuid_v7(INT64_C(1790000000001), later);
	assert_true(strcmp(earlier, later) < 0);
}

static void random_units_stay_below_one_and_spread(void **state)
{
	int high = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		double unit = random_unit();

		assert_true(unit >= 0 && unit < 1);
		high += unit >= 0.5;
	}
	assert_in_range(high, 350, 650); /* nine deviations each way */
}

static void a_slip_of_the_pen_finds_the_name_meant(void **state)
{
	static const char *const names[] = {
	    "schedule", "timezone", "timeout", "channels", "url", "id", "statement_timeout", NULL};
	static const struct {
		const char *word, *name;
	} rows[] = {
	    {"schedul", "schedule"},
	    {"shcedule", "schedule"},
	    {"Schedule", "schedule"},
	    {"timzone", "timezone"},
	    {"time_out", "timeout"},
	    {"chanels", "channels"},
	    {"ulr", "url"},
	    {"url", "url"},
	    {"statemnt_tmeot", "statement_timeout"},
	    {"statmnt_tmeot", NULL}, /* four letters off are too many in any word */
	    {"di", NULL},            /* in so short a word every letter counts */
	    {"query", NULL},
	    {"", NULL},
	    {"a-word-that-is-longer-than-any-name-would-ever-be-in-a-configuration-file", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *near = near_name(rows[i].word, names);

		if (!text_equal(near, rows[i].name))
			fail_msg("%s: %s", rows[i].word, near ? near : "none");
	}
	assert_null(near_name("x", (const char *const[]){NULL}));
}

static void of_equally_near_names_the_first_is_given(void **state)
{
	static const char *const names[] = {"zone_eos", "zone1", "zone2", NULL};

	(void)state;
	assert_string_equal(near_name("zone3", names), "zone1");
}

static void base64_pads_and_its_url_form_does_not(void **state)
{
	static const struct {
		const char *bytes, *plain, *url;
	} rows[] = {
	    {"", "", ""},
	    {"f", "Zg==", "Zg"},
	    {"fo", "Zm8=", "Zm8"},
	    {"foo", "Zm9v", "Zm9v"},
	    {"foob", "Zm9vYg==", "Zm9vYg"},
	    {"\xfb\xff\xfe", "+//+", "-__-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(buf_done) struct buf plain = {0}, url = {0};

		base64_add(&plain, rows[i].bytes, strlen(rows[i].bytes));
		base64url_add(&url, rows[i].bytes, strlen(rows[i].bytes));
		assert_string_equal(buf_text(&plain), rows[i].plain);
		assert_string_equal(buf_text(&url), rows[i].url);
	}
}

static void texts_compare_with_null(void **state)
{
	(void)state;
	assert_true(text_equal(NULL, NULL));
	assert_false(text_equal(NULL, ""));
	assert_false(text_equal("a", NULL));
	assert_true(text_equal("a", "a"));
	assert_false(text_equal("a", "A"));
	assert_true(text_is_empty(NULL));
	assert_true(text_is_empty(""));
	assert_false(text_is_empty(" "));
}

static void width_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\xc3\xa9\xe2\x82\xac\xf0\x9f\x9f\xa2"), 3);
	assert_int_equal(utf8_width("\xc3\xa9t\xc3\xa9", 3), 2);
}

static void blanks_are_added_and_those_at_the_end_taken_off(void **state)
{
	cleanup(buf_done) struct buf buf = {0};

	(void)state;
	buf_trim_blanks(&buf);
	assert_string_equal(buf_text(&buf), "");
	buf_add_blanks(&buf, 2);
	buf_add_text(&buf, "a b");
	buf_add_blanks(&buf, 100);
	assert_int_equal(buf.length, 105);
	assert_int_equal(strlen(buf.text), 105);
	buf_trim_blanks(&buf);
	assert_string_equal(buf_text(&buf), "  a b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utf8_is_taken_in_its_shortest_form_alone),
	    cmocka_unit_test(a_sequence_cut_short_is_none),
	    cmocka_unit_test(a_text_is_valid_with_every_byte_in_its_place),
	    cmocka_unit_test(each_invalid_byte_becomes_a_replacement_character),
	    cmocka_unit_test(a_cut_splits_no_sequence),
	    cmocka_unit_test(fnv1a_gives_the_published_values_in_one_or_more_parts),
	    cmocka_unit_test(a_uuid_shows_its_time_version_and_variant),
	    cmocka_unit_test(uuids_sort_by_their_time),
	    cmocka_unit_test(random_units_stay_below_one_and_spread),
	    cmocka_unit_test(a_slip_of_the_pen_finds_the_name_meant),
	    cmocka_unit_test(of_equally_near_names_the_first_is_given),
	    cmocka_unit_test(base64_pads_and_its_url_form_does_not),
	    cmocka_unit_test(texts_compare_with_null),
	    cmocka_unit_test(width_counts_characters),
	    cmocka_unit_test(blanks_are_added_and_those_at_the_end_taken_off),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
