/* SPDX-License-Identifier: MIT */
/* JSON values: what is taken and refused, exact numbers, members, printing, comparing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bmad/json.h>

#include "base/buf.h"
#include "base/mem.h"

static struct json *parsed_n(const char *text, size_t length)
{
	struct json *value = NULL;
	struct err *e = json_parse(text, length, &value);

	if (e)
		fail_msg("%s: %s", text, err_text(e));
	return value;
}

static struct json *parsed(const char *text)
{
	return parsed_n(text, strlen(text));
}

static void assert_prints(const struct json *value, const char *expected)
{
	char *text = json_print(value);

	assert_string_equal(text, expected);
	free(text);
}

static void assert_refused_n(const char *text, size_t length, const char *message)
{
	struct json *value = NULL;
	struct err *e = json_parse(text, length, &value);

	if (!e)
		fail_msg("taken: %s", text);
	assert_int_equal(err_kind(e), ERR_PERMANENT);
	assert_null(value);
	assert_string_equal(err_message(e), message);
	err_destroy(e);
}

/* -- parsing ----------------------------------------------------------------------------------------- */

static void text_that_is_json_is_printed_back_compact(void **state)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
	    {"null", "null"},
	    {" true ", "true"},
	    {"\n[ ]\t\r", "[]"},
	    {"{ }", "{}"},
	    {"[1 , -2,0]", "[1,-2,0]"},
	    {"{\"b\":1,\"a\":{\"c\":[false]}}", "{\"b\":1,\"a\":{\"c\":[false]}}"},
	    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
	    {"\"\\u00e9\\u4f60\\ud83d\\ude00\"", "\"\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80\""},
	    {"\"\\u0001\\u001F\x7f\"", "\"\\u0001\\u001f\x7f\""},
	    {"\xef\xbb\xbf[1]", "[1]"}, /* byte order mark */
	    {"\xef\xbb\xbf"
	     "1",
	        "1"},
	    {"{\"A\":1,\"a\":2}", "{\"A\":1,\"a\":2}"},
	    {"{\"\":1}", "{\"\":1}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *value = parsed(rows[i].text);

		assert_prints(value, rows[i].printed);
		json_destroy(value);
	}
}

static void text_that_is_no_json_is_refused_with_place_and_expectation(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
	    {"", "JSON line 1, byte 0: expected a value, found the end of the text"},
	    {" \n ", "JSON line 2, byte 3: expected a value, found the end of the text"},
	    {"1 x", "JSON line 1, byte 2: expected nothing after the value, found 'x'"},
	    {"{}{}", "JSON line 1, byte 2: expected nothing after the value, found '{'"},
	    {"truth", "JSON line 1, byte 0: expected a value, found 't'"},
	    {"tru", "JSON line 1, byte 0: expected a value, found 't'"},
	    {"NaN", "JSON line 1, byte 0: expected a value, found 'N'"},
	    {"'a'", "JSON line 1, byte 0: expected a value, found '\''"},
	    {"[1,]", "JSON line 1, byte 3: expected a value, found ']'"},
	    {"[1 2]", "JSON line 1, byte 3: expected ',' or ']', found '2'"},
	    {"[", "JSON line 1, byte 1: expected a value, found the end of the text"},
	    {"{\"a\":1,}", "JSON line 1, byte 7: expected a key in double quotes, found '}'"},
	    {"{a:1}", "JSON line 1, byte 1: expected a key in double quotes, found 'a'"},
	    {"{\"a\" 1}", "JSON line 1, byte 5: expected ':', found '1'"},
	    {"{\"a\":1\n\"b\":2}", "JSON line 2, byte 7: expected ',' or '}', found '\"'"},
	    {"[1] // no", "JSON line 1, byte 4: expected nothing after the value, found '/'"},
	    {"\v1", "JSON line 1, byte 0: expected a value, found byte 0x0b"},
	    {"01", "JSON line 1, byte 0: a number does not begin with 0"},
	    {"-", "JSON line 1, byte 1: expected a digit, found the end of the text"},
	    {"+1", "JSON line 1, byte 0: expected a value, found '+'"},
	    {".5", "JSON line 1, byte 0: expected a value, found '.'"},
	    {"[1.]", "JSON line 1, byte 3: expected a digit, found ']'"},
	    {"1e", "JSON line 1, byte 2: expected a digit, found the end of the text"},
	    {"1e+-1", "JSON line 1, byte 3: expected a digit, found '-'"},
	    {"0x10", "JSON line 1, byte 1: expected nothing after the value, found 'x'"},
	    {"[-1e999]", "JSON line 1, byte 1: a number out of range"},
	    {"\"abc", "JSON line 1, byte 0: string without an end: expected '\"'"},
	    {"\"a\nb\"",
	        "JSON line 1, byte 2: expected an escape such as \\n in the string, found byte 0x0a"},
	    {"\"\\x\"", "JSON line 1, byte 2: expected one of \"\\/bfnrtu after \\, found 'x'"},
	    {"\"\\", "JSON line 1, byte 2: expected one of \"\\/bfnrtu after \\, found the end of the text"},
	    {"\"\\u12G4\"", "JSON line 1, byte 1: expected four hexadecimal digits after \\u"},
	    {"\"\\u12", "JSON line 1, byte 1: expected four hexadecimal digits after \\u"},
	    {"\"\\u0000\"", "JSON line 1, byte 1: \\u0000 is not taken"},
	    {"\"\\ud800\"", "JSON line 1, byte 1: half of a surrogate pair without the other"},
	    {"\"\\udc00\\ud800\"", "JSON line 1, byte 1: half of a surrogate pair without the other"},
	    {"\"\\ud800\\u0041\"", "JSON line 1, byte 1: half of a surrogate pair without the other"},
	    {"\"\xff\"", "JSON line 1, byte 1: expected UTF-8, found byte 0xff"},
	    {"\"\xc0\x80\"", "JSON line 1, byte 1: expected UTF-8, found byte 0xc0"},
	    {"\"\xed\xa0\x80\"", "JSON line 1, byte 1: expected UTF-8, found byte 0xed"},
	    {"[{\"a\":1,\"a\":2}]", "JSON line 1, byte 1: the object that begins here has the key 'a' twice"},
	    {"{\"x\":{\"a\":1,\"\\u0061\":2}}",
	        "JSON line 1, byte 5: the object that begins here has the key 'a' twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused_n(rows[i].text, strlen(rows[i].text), rows[i].message);
}

static void a_nul_byte_is_no_blank(void **state)
{
	(void)state;
	assert_refused_n(
	    "[1]\0", 4, "JSON line 1, byte 3: expected nothing after the value, found byte 0x00");
	assert_refused_n("[\0]", 3, "JSON line 1, byte 1: expected a value, found byte 0x00");
	assert_refused_n("\"a\0b\"", 5,
	    "JSON line 1, byte 2: expected an escape such as \\n in the string, found byte 0x00");
	assert_refused_n(
	    "\"\\\0\"", 4, "JSON line 1, byte 2: expected one of \"\\/bfnrtu after \\, found byte 0x00");
}

static void text_is_read_no_further_than_its_length(void **state)
{
	struct json *value = parsed_n("12345", 2);

	(void)state;
	assert_prints(value, "12");
	json_destroy(value);
	assert_refused_n("[1]", 2, "JSON line 1, byte 2: expected ',' or ']', found the end of the text");
	assert_refused_n("true", 3, "JSON line 1, byte 0: expected a value, found 't'");
}

static char *nested(size_t depth, const char *open, const char *close)
{
	struct buf text = {0};

	for (size_t i = 0; i < depth; i++)
		buf_add_text(&text, open);
	buf_add_char(&text, '1');
	for (size_t i = 0; i < depth; i++)
		buf_add_text(&text, close);
	return buf_detach(&text);
}

static void nesting_is_taken_to_the_limit_and_no_further(void **state)
{
	cleanup(free_text) char *deepest = nested(JSON_DEPTH, "[", "]");
	cleanup(free_text) char *too_deep = nested(JSON_DEPTH + 1, "{\"k\":", "}");
	struct json *value = parsed(deepest);

	(void)state;
	assert_prints(value, deepest);
	json_destroy(value);
	assert_refused_n(too_deep, strlen(too_deep), "JSON line 1, byte 640: nested deeper than 128");
}

static void a_duplicate_is_found_among_many_keys(void **state)
{
	cleanup(buf_done) struct buf text = {0};

	(void)state;
	buf_add_text(&text, "{");
	for (int i = 0; i < 50000; i++)
		buf_format(&text, "\"k%d\":%d,", i, i);
	size_t unique = text.length;
	buf_add_text(&text, "\"last\":0}");
	struct json *value = parsed(text.text);
	assert_int_equal(json_length(value), 50001);
	json_destroy(value);
	buf_truncate(&text, unique);
	buf_add_text(&text, "\"k777\":0}");
	assert_refused_n(text.text, text.length,
	    "JSON line 1, byte 0: the object that begins here has the key 'k777' twice");
}

/* -- numbers ----------------------------------------------------------------------------------------- */

static void whole_numbers_are_exact_through_text(void **state)
{
	static const char *const rows[] = {
	    "0",
	    "-1",
	    "1000000000000000",
	    "9007199254740991",
	    "9007199254740992",
	    "9007199254740993",
	    "-9007199254740993",
	    "9223372036854775807",
	    "-9223372036854775808",
	    "18446744073709551615",
	    "123456789012345678901234567890",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *value = parsed(rows[i]);

		assert_prints(value, rows[i]);
		json_destroy(value);
	}
}

static void each_long_number_keeps_its_own_digits(void **state)
{
	const char *text =
	    "[1,9007199254740993,{\"a\":2.5,\"b\":9007199254740995,\"c\":\"9007199254740997\"},"
	    "1000000000000000,[9007199254740999]]";
	struct json *value = parsed(text);
	struct json *copy = json_copy(value);

	(void)state;
	assert_prints(value, text);
	json_destroy(value);
	assert_prints(copy, text);
	json_destroy(copy);
}

static void int64_is_exact_both_ways(void **state)
{
	static const int64_t rows[] = {0, -1, INT64_C(9007199254740993), INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *made = json_int(rows[i]);
		cleanup(free_text) char *text = json_print(made);
		struct json *read = parsed(text);
		int64_t value = 42;

		assert_true(json_int64(made, &value));
		assert_true(value == rows[i]);
		assert_true(json_int64(read, &value));
		assert_true(value == rows[i]);
		json_destroy(made);
		json_destroy(read);
	}
}

static void int64_is_read_from_whole_numbers_that_fit_alone(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} rows[] = {
	    {"1.0", true, 1},
	    {"-0", true, 0},
	    {"1e3", true, 1000},
	    {"1.5", false, 0},
	    {"1e18", true, INT64_C(1000000000000000000)},
	    {"1e19", false, 0},
	    {"9223372036854775808", false, 0},
	    {"-9223372036854775809", false, 0},
	    {"-9.223372036854775808e18", true, INT64_MIN},
	    {"\"1\"", false, 0},
	    {"null", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *number = parsed(rows[i].text);
		int64_t value = 0;

		assert_int_equal(json_int64(number, &value), rows[i].fits);
		assert_true(value == rows[i].value);
		json_destroy(number);
	}
	assert_false(json_int64(NULL, &(int64_t){0}));
}

static void fractions_are_printed_in_the_fewest_digits_that_read_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
	    {0.1, "0.1"},
	    {0.1 + 0.2, "0.30000000000000004"},
	    {1.0 / 3, "0.3333333333333333"},
	    {-2.5, "-2.5"},
	    {100, "100"},
	    {-0.0, "-0"},
	    {1e100, "1e+100"},
	    {5e-324, "4.94065645841247e-324"},
	    {1.7976931348623157e308, "1.7976931348623157e+308"},
	    {INFINITY, "null"},
	    {NAN, "null"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *number = json_number(rows[i].value);

		assert_prints(number, rows[i].text);
		json_destroy(number);
	}
}

static void tenths_are_exact(void **state)
{
	static const struct {
		int64_t tenths;
		const char *text;
	} rows[] = {
	    {955, "95.5"},
	    {960, "96"},
	    {0, "0"},
	    {-1, "-0.1"},
	    {INT64_C(90071992547409921), "9007199254740992.1"},
	    {INT64_MAX, "922337203685477580.7"},
	    {INT64_MIN, "-922337203685477580.8"},
	};
	struct json *object = json_object();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_set_tenths(object, "t", rows[i].tenths);
		assert_prints(json_get(object, "t"), rows[i].text);
	}
	json_destroy(object);
}

static void a_number_too_long_for_the_parser_below_is_refused_whole(void **state)
{
	char text[80];

	(void)state;
	memset(text, '1', sizeof(text));
	assert_refused_n(text, 64, "JSON line 1, byte 0: a number of more than 63 characters");
	struct json *value = parsed_n(text, 63);
	assert_int_equal(json_type(value), JSON_NUMBER);
	json_destroy(value);
}

/* -- objects and arrays ------------------------------------------------------------------------------ */

static void setting_a_key_again_replaces_it_in_place(void **state)
{
	struct json *object = json_object();

	(void)state;
	json_set_int(object, "a", 1);
	json_set_int(object, "b", 2);
	json_set_int(object, "c", 3);
	json_set_string(object, "a", "first");
	json_set_string(object, "b", "middle");
	json_set_string(object, "c", NULL);
	json_set_bool(object, "d", true); /* behind a replaced tail */
	assert_prints(object, "{\"a\":\"first\",\"b\":\"middle\",\"c\":null,\"d\":true}");
	json_destroy(object);
}

static void a_lone_member_can_be_replaced_and_followed(void **state)
{
	struct json *object = json_object();

	(void)state;
	json_set_int(object, "a", 1);
	json_set(object, "a", NULL);
	json_set_int(object, "b", 2);
	assert_prints(object, "{\"a\":null,\"b\":2}");
	json_destroy(object);
}

static void keys_are_looked_up_with_their_case(void **state)
{
	struct json *object = parsed("{\"Name\":1,\"name\":2}");

	(void)state;
	assert_true(json_double(json_get(object, "Name")) == 1);
	assert_true(json_double(json_get(object, "name")) == 2);
	assert_null(json_get(object, "NAME"));
	assert_null(json_get(NULL, "name"));
	assert_null(json_get(json_get(object, "name"), "name"));
	json_destroy(object);
}

static void every_setter_sets_its_type(void **state)
{
	struct json *object = json_object();

	(void)state;
	json_set_instant(object, "at", 1772960400);
	json_set_number(object, "n", 0.5);
	json_set_null(object, "z");
	json_add_string(json_set_array(object, "list"), "x");
	json_set_bool(json_set_object(object, "o"), "b", false);
	assert_prints(object,
	    "{\"at\":\"2026-03-08T09:00:00Z\",\"n\":0.5,\"z\":null,\"list\":[\"x\"],\"o\":{\"b\":false}}");
	json_destroy(object);
}

static void a_copied_member_is_no_member(void **state)
{
	struct json *object = parsed("{\"a\":{\"x\":[1,2]},\"b\":2}");
	struct json *copy = json_copy(json_get(object, "a"));
	struct json *array = json_array();

	(void)state;
	assert_null(json_key(copy));
	assert_null(json_next(copy));
	json_destroy(object);
	json_add(array, copy);
	json_add(array, NULL);
	json_set_bool(json_add_object(array), "more", true);
	assert_prints(array, "[{\"x\":[1,2]},null,{\"more\":true}]");
	assert_null(json_key(json_first(array)));
	json_destroy(array);
	assert_null(json_copy(NULL));
}

static void a_copied_container_can_grow(void **state)
{
	struct json *array = parsed("[1,2]");
	struct json *copy = json_copy(array);

	(void)state;
	json_add(copy, json_int(3));
	assert_prints(copy, "[1,2,3]");
	assert_prints(array, "[1,2]");
	json_destroy(array);
	json_destroy(copy);
}

static void adding_to_a_long_array_does_not_walk_it(void **state)
{
	struct json *array = json_array();

	(void)state;
	for (int i = 0; i < 200000; i++) /* a walk each would be 20,000,000,000 steps */
		json_add(array, json_int(i));
	assert_int_equal(json_length(array), 200000);
	json_destroy(array);
}

static void members_are_visited_in_order(void **state)
{
	struct json *object = parsed("{\"z\":1,\"a\":2,\"m\":3}");
	cleanup(buf_done) struct buf keys = {0};

	(void)state;
	json_each(member, object) buf_add_text(&keys, json_key(member));
	assert_string_equal(keys.text, "zam");
	json_destroy(object);
}

static void invalid_utf8_and_nul_in_given_text_are_replaced(void **state)
{
	struct json *object = json_object();

	(void)state;
	json_set_string(object, "k\xff", "a\xc3(");
	json_set(object, "n", json_string_n("x\0y\0", 4));
	assert_prints(object, "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd(\",\"n\":\"x\xef\xbf\xbdy\xef\xbf\xbd\"}");
	json_set_int(object, "k\xfe", 1); /* the same key once it is clean */
	assert_int_equal(json_length(object), 2);
	json_destroy(object);
}

static void a_reader_of_another_type_gets_nothing(void **state)
{
	struct json *value = parsed("[1]");

	(void)state;
	assert_null(json_text(value));
	assert_false(json_true(value));
	assert_true(json_double(value) == 0);
	assert_false(json_is(NULL, JSON_NULL));
	assert_int_equal(json_type(NULL), JSON_NULL);
	assert_int_equal(json_length(NULL), 0);
	assert_null(json_text(NULL));
	assert_false(json_true(NULL));
	json_destroy(value);
	json_destroy(NULL);
}

static void pretty_text_is_indented_by_two(void **state)
{
	struct json *value = parsed("{\"a\":[1,{}],\"b\":{\"c\":[]}}");
	char *text = json_print_pretty(value);

	(void)state;
	assert_string_equal(text, "{\n"
	                          "  \"a\": [\n"
	                          "    1,\n"
	                          "    {}\n"
	                          "  ],\n"
	                          "  \"b\": {\n"
	                          "    \"c\": []\n"
	                          "  }\n"
	                          "}");
	free(text);
	json_destroy(value);
}

static void values_are_equal_by_meaning(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
	    {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true},
	    {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
	    {"{\"a\":1}", "{\"A\":1}", false},
	    {"[1,2]", "[2,1]", false},
	    {"[1]", "[1,1]", false},
	    {"[1,1]", "[1]", false},
	    {"1", "1.0", true},
	    {"9007199254740993", "9007199254740992", false},
	    {"9007199254740993", "9007199254740993", true},
	    {"100000000000000000000", "1e20", true},
	    {"\"a\"", "\"\\u0061\"", true},
	    {"\"1\"", "1", false},
	    {"true", "false", false},
	    {"null", "null", true},
	    {"null", "false", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *a = parsed(rows[i].a), *b = parsed(rows[i].b);

		if (json_equal(a, b) != rows[i].equal || json_equal(b, a) != rows[i].equal)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		assert_false(json_equal(a, NULL));
		json_destroy(a);
		json_destroy(b);
	}
	assert_true(json_equal(NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_that_is_json_is_printed_back_compact),
	    cmocka_unit_test(text_that_is_no_json_is_refused_with_place_and_expectation),
	    cmocka_unit_test(a_nul_byte_is_no_blank),
	    cmocka_unit_test(text_is_read_no_further_than_its_length),
	    cmocka_unit_test(nesting_is_taken_to_the_limit_and_no_further),
	    cmocka_unit_test(a_duplicate_is_found_among_many_keys),
	    cmocka_unit_test(whole_numbers_are_exact_through_text),
	    cmocka_unit_test(each_long_number_keeps_its_own_digits),
	    cmocka_unit_test(int64_is_exact_both_ways),
	    cmocka_unit_test(int64_is_read_from_whole_numbers_that_fit_alone),
	    cmocka_unit_test(fractions_are_printed_in_the_fewest_digits_that_read_back),
	    cmocka_unit_test(tenths_are_exact),
	    cmocka_unit_test(a_number_too_long_for_the_parser_below_is_refused_whole),
	    cmocka_unit_test(setting_a_key_again_replaces_it_in_place),
	    cmocka_unit_test(a_lone_member_can_be_replaced_and_followed),
	    cmocka_unit_test(keys_are_looked_up_with_their_case),
	    cmocka_unit_test(every_setter_sets_its_type),
	    cmocka_unit_test(a_copied_member_is_no_member),
	    cmocka_unit_test(a_copied_container_can_grow),
	    cmocka_unit_test(adding_to_a_long_array_does_not_walk_it),
	    cmocka_unit_test(members_are_visited_in_order),
	    cmocka_unit_test(invalid_utf8_and_nul_in_given_text_are_replaced),
	    cmocka_unit_test(a_reader_of_another_type_gets_nothing),
	    cmocka_unit_test(pretty_text_is_indented_by_two),
	    cmocka_unit_test(values_are_equal_by_meaning),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
