/* SPDX-License-Identifier: MIT */
/* Secrets are hidden in every form they are sent in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"

/* Secrets stay registered for the life of a process, so each test has its own. */

static void assert_redacted(const char *text, const char *expected)
{
	cleanup(buf_done) struct buf buf = {0};

	buf_add_text(&buf, text);
	assert_int_equal(redact(&buf), strcmp(text, expected) != 0);
	assert_string_equal(buf_text(&buf), expected);
}

static void without_secrets_nothing_changes(void **state)
{
	struct buf empty = {0};

	(void)state;
	assert_false(redact(&empty));
	assert_redacted("anything at all", "anything at all");
}

static void a_secret_is_hidden_wherever_it_stands(void **state)
{
	(void)state;
	redact_add("hunter2-plain");
	assert_redacted("hunter2-plain", "***");
	assert_redacted("a hunter2-plain b hunter2-plain", "a *** b ***");
	assert_redacted("hunter2-plainhunter2-plain!", "******!");
	assert_redacted("hunter2-plai", "hunter2-plai");
	assert_redacted("hunter2-plaihunter2-plain", "hunter2-plai***");
	assert_redacted("", "");
}

static void a_secret_of_three_bytes_is_not_searched_for(void **state)
{
	(void)state;
	redact_add("abq");
	redact_add("");
	redact_add(NULL);
	assert_redacted("abq abq", "abq abq");
	redact_add("abqz");
	assert_redacted("abqz", "***");
}

static void a_secret_is_hidden_in_addresses_and_forms(void **state)
{
	(void)state;
	redact_add("p ss/w\xc3\xb6rd*~");
	assert_redacted("?k=p%20ss%2Fw%C3%B6rd%2A~&x", "?k=***&x"); /* RFC 3986 */
	assert_redacted("?k=p%20ss%2fw%c3%b6rd%2a~&x", "?k=***&x");
	assert_redacted("k=p+ss%2Fw%C3%B6rd*%7E&x", "k=***&x"); /* a form as browsers write it */
	assert_redacted("k=p+ss%2fw%c3%b6rd%2a~", "k=***");
}

static void a_secret_is_hidden_in_json(void **state)
{
	(void)state;
	redact_add("say \"hi\"\\\n");
	assert_redacted("{\"password\":\"say \\\"hi\\\"\\\\\\n\"}", "{\"password\":\"***\"}");
}

static void a_secret_is_hidden_in_base64_at_any_place_of_it(void **state)
{
	static const struct {
		const char *text, *redacted;
	} rows[] = {
	    /* the characters beside the certain part hold bits of the neighbours too and stay */
	    {"Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "Basic ***"},                  /* secret */
	    {"Basic dTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=", "Basic dTp***k="},         /* u:secret */
	    {"Basic dXM6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "Basic dXM6***"},          /* us:secret */
	    {"Basic dXNlOmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==", "Basic dXNlOm***Q=="}, /* use:secret */
	};

	(void)state;
	redact_add("correct-horse-battery");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_redacted(rows[i].text, rows[i].redacted);
}

static void a_secret_is_hidden_in_both_alphabets_of_base64(void **state)
{
	(void)state;
	redact_add("\xfb\xff\xbe\xfb\xff\xbe\xfb\xff\xbe");
	assert_redacted("k=+/+++/+++/++ k=-_---_---_--", "k=*** k=***");
}

static void of_secrets_that_overlap_nothing_is_left(void **state)
{
	(void)state;
	redact_add("alpha-bravo");
	redact_add("bravo-charlie");
	redact_add("alpha-bravo-delta");
	assert_redacted("x alpha-bravo-charlie y", "x *** y");
	assert_redacted("x alpha-bravo-delta y", "x *** y");
	assert_redacted("x alpha-bravo-delt y", "x ***-delt y");
}

static void a_secret_added_twice_or_late_is_hidden(void **state)
{
	(void)state;
	redact_add("twice-told");
	assert_redacted("twice-told", "***");
	redact_add("twice-told");
	redact_add("came-later");
	assert_redacted("twice-told came-later", "*** ***");
}

static void many_secrets_are_added_in_reasonable_time(void **state)
{
	char secret[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(secret, sizeof(secret), "many/%d/secret", i);
		redact_add(secret);
	}
	assert_redacted("the many/19999/secret one", "the *** one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_secrets_nothing_changes),
	    cmocka_unit_test(a_secret_is_hidden_wherever_it_stands),
	    cmocka_unit_test(a_secret_of_three_bytes_is_not_searched_for),
	    cmocka_unit_test(a_secret_is_hidden_in_addresses_and_forms),
	    cmocka_unit_test(a_secret_is_hidden_in_json),
	    cmocka_unit_test(a_secret_is_hidden_in_base64_at_any_place_of_it),
	    cmocka_unit_test(a_secret_is_hidden_in_both_alphabets_of_base64),
	    cmocka_unit_test(of_secrets_that_overlap_nothing_is_left),
	    cmocka_unit_test(a_secret_added_twice_or_late_is_hidden),
	    cmocka_unit_test(many_secrets_are_added_in_reasonable_time),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
