/* SPDX-License-Identifier: MIT */
/* What answers mean: by status, by transport fault, and by what each channel type reads in the body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "send/channels.h"

static const struct conf_channel channel = {.name = "c", .in_flight = 1};

static struct wire_answer answer_of(long status, const char *body)
{
	return (struct wire_answer){
	    .status = status,
	    .body = body,
	    .body_length = strlen(body),
	    .complete = true,
	    .request_sent = true,
	    .retry_after_ms = -1,
	};
}

static void a_status_means_the_same_for_every_destination(void **state)
{
	/* clang-format off */
	static const struct {
		long status;
		enum verdict verdict;
	} rows[] = {
	    {200, VERDICT_DELIVERED}, {201, VERDICT_DELIVERED}, {202, VERDICT_DELIVERED}, {204, VERDICT_DELIVERED},
	    {299, VERDICT_DELIVERED}, {301, VERDICT_GONE}, {302, VERDICT_GONE}, {307, VERDICT_GONE},
	    {400, VERDICT_REJECTED}, {401, VERDICT_GONE}, {402, VERDICT_REJECTED}, {403, VERDICT_GONE},
	    {404, VERDICT_GONE}, {405, VERDICT_REJECTED}, {406, VERDICT_REJECTED}, {407, VERDICT_GONE},
	    {408, VERDICT_LATER}, {409, VERDICT_REJECTED}, {410, VERDICT_GONE}, {411, VERDICT_REJECTED},
	    {413, VERDICT_REJECTED}, {414, VERDICT_REJECTED}, {415, VERDICT_REJECTED}, {418, VERDICT_REJECTED},
	    {421, VERDICT_LATER}, {422, VERDICT_REJECTED}, {425, VERDICT_LATER}, {429, VERDICT_LATER},
	    {431, VERDICT_REJECTED}, {451, VERDICT_GONE}, {499, VERDICT_REJECTED}, {500, VERDICT_LATER},
	    {501, VERDICT_REJECTED}, {502, VERDICT_LATER}, {503, VERDICT_LATER}, {504, VERDICT_LATER},
	    {505, VERDICT_REJECTED}, {507, VERDICT_LATER}, {520, VERDICT_LATER}, {529, VERDICT_LATER},
	    {599, VERDICT_LATER}, {600, VERDICT_UNCERTAIN}, {999, VERDICT_UNCERTAIN},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(status_verdict(&channel, rows[i].status), rows[i].verdict);
}

static void retry_on_makes_a_status_one_to_try_again(void **state)
{
	static const char *const listed[] = {"409", "404"};
	struct conf_channel own = channel;

	(void)state;
	own.retry_on = (struct texts){listed, 2};
	assert_int_equal(status_verdict(&own, 409), VERDICT_LATER);
	assert_int_equal(status_verdict(&own, 404), VERDICT_LATER);
	assert_int_equal(status_verdict(&own, 40), VERDICT_UNCERTAIN);
	assert_int_equal(status_verdict(&own, 400), VERDICT_REJECTED);
}

static void a_fault_is_uncertain_once_the_request_was_out(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct wire_answer answer = {.fault = "it broke", .retry_after_ms = -1};
	struct classification out;

	(void)state;
	classify_http(&channel, &answer, &arena, &out);
	assert_int_equal(out.verdict, VERDICT_LATER);
	assert_string_equal(out.reason, "it broke");
	answer.request_sent = true;
	classify_http(&channel, &answer, &arena, &out);
	assert_int_equal(out.verdict, VERDICT_UNCERTAIN);
}

static void a_status_that_came_decides_though_its_body_was_cut(void **state)
{
	static const char *const types[] = {"teams", "webhook"};
	cleanup(arena_done) struct arena arena = {0};
	struct wire_answer answer = answer_of(200, "{\"err");
	struct classification out;

	(void)state;
	answer.complete = false;
	answer.fault = "transfer closed";
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct channel_type *type = channel_type_find(types[i]);
		void *options = arena_alloc(&arena, type->options_size);

		type->classify(&channel, options, &answer, &arena, &out);
		assert_int_equal(out.verdict, VERDICT_DELIVERED);
	}
}

static void the_reason_is_one_printable_line(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct wire_answer answer = answer_of(503, "  over\x1b[31mloaded\r\n\tby \xff\xc3\xa9 us \n");
	struct classification out;
	char long_body[5000];

	(void)state;
	classify_http(&channel, &answer, &arena, &out);
	assert_string_equal(out.reason, "HTTP 503: over [31mloaded by ?\xc3\xa9 us");
	memset(long_body, 'x', sizeof(long_body) - 1);
	long_body[sizeof(long_body) - 1] = '\0';
	answer = answer_of(500, long_body);
	classify_http(&channel, &answer, &arena, &out);
	assert_true(strlen(out.reason) < 300);
	answer = answer_of(500, "");
	classify_http(&channel, &answer, &arena, &out);
	assert_string_equal(out.reason, "HTTP 500");
}

static void a_redirect_is_not_quoted(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct wire_answer answer = answer_of(302, "go to https://example.org/?token=s3cret");
	struct classification out;

	(void)state;
	classify_http(&channel, &answer, &arena, &out);
	assert_int_equal(out.verdict, VERDICT_GONE);
	assert_string_equal(out.reason, "HTTP 302");
}

static void an_excerpt_is_cut_between_characters(void **state)
{
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	assert_string_equal(answer_excerpt("ab\xe2\x82\xac"
	                                   "cd",
	                        7, 4, &arena),
	    "ab");
	assert_string_equal(answer_excerpt("ab\xe2\x82\xac"
	                                   "cd",
	                        7, 5, &arena),
	    "ab\xe2\x82\xac");
	assert_string_equal(answer_excerpt("", 0, 5, &arena), "");
}

static void teams_says_success_in_few_ways_only(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum verdict verdict;
	} rows[] = {
	    {202, "", VERDICT_DELIVERED},
	    {200, "", VERDICT_DELIVERED},
	    {200, "1", VERDICT_DELIVERED},
	    {200, " 1\r\n", VERDICT_DELIVERED},
	    {200, "{}", VERDICT_DELIVERED},
	    {200, "{\"id\":\"7\"}", VERDICT_DELIVERED},
	    {200, "{\"error\":{\"code\":\"x\"}}", VERDICT_LATER},
	    {200, "11", VERDICT_LATER},
	    {200, "0", VERDICT_LATER},
	    {200, "<html>log in</html>", VERDICT_LATER},
	    {200,
	        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "
	        "429 with "
	        "ContextId tcid=1",
	        VERDICT_LATER},
	    {200, "Webhook message delivery failed with error: ... returned HTTP error 413 with ...",
	        VERDICT_REJECTED},
	    {200, "... returned HTTP error 404 with ...", VERDICT_GONE},
	    {200, "... returned HTTP error 200 with ...", VERDICT_LATER},
	    {200, "... returned HTTP error 99999999999999999999", VERDICT_LATER},
	    {200, "... HTTP error ", VERDICT_LATER},
	    {400, "{\"error\":{\"code\":\"InvalidRequestContent\"}}", VERDICT_REJECTED},
	    {400, "{\"error\":{\"code\":\"WorkflowTriggerIsNotEnabled\"}}", VERDICT_GONE},
	    {404, "{\"error\":{\"code\":\"WorkflowNotFound\"}}", VERDICT_GONE},
	    {401, "", VERDICT_GONE},
	    {429, "", VERDICT_LATER},
	};
	cleanup(arena_done) struct arena arena = {0};
	const struct channel_type *teams = channel_type_find("teams");
	void *options = arena_alloc(&arena, teams->options_size);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_answer answer = answer_of(rows[i].status, rows[i].body);
		struct classification out;

		teams->classify(&channel, options, &answer, &arena, &out);
		if (out.verdict != rows[i].verdict)
			print_error("row %zu: %s\n", i, rows[i].body);
		assert_int_equal(out.verdict, rows[i].verdict);
	}
}

static void a_pointer_leads_to_members_and_items(void **state)
{
	static const struct {
		const char *pointer, *printed;
	} rows[] = {
	    {"", "{\"a\":{\"b\":[10,{\"c\":true}]},\"x/y\":1,\"m~n\":2,\"\":3}"},
	    {"/a/b/0", "10"},
	    {"/a/b/1/c", "true"},
	    {"/x~1y", "1"},
	    {"/m~0n", "2"},
	    {"/", "3"},
	    {"/a/b/2", NULL},
	    {"/a/b/-1", NULL},
	    {"/a/b/", NULL},
	    {"/a/b/99999999999999999999", NULL},
	    {"/a/b/0/c", NULL},
	    {"/none", NULL},
	    {"a", NULL},
	};
	struct json *value = NULL;

	(void)state;
	assert_null(json_parse(rows[0].printed, strlen(rows[0].printed), &value));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct json *found = json_pointer(value, rows[i].pointer);
		char *printed = found ? json_print(found) : NULL;

		if (rows[i].printed)
			assert_string_equal(printed, rows[i].printed);
		else
			assert_null(found);
		free(printed);
	}
	json_destroy(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_status_means_the_same_for_every_destination),
	    cmocka_unit_test(retry_on_makes_a_status_one_to_try_again),
	    cmocka_unit_test(a_fault_is_uncertain_once_the_request_was_out),
	    cmocka_unit_test(a_status_that_came_decides_though_its_body_was_cut),
	    cmocka_unit_test(the_reason_is_one_printable_line),
	    cmocka_unit_test(a_redirect_is_not_quoted),
	    cmocka_unit_test(an_excerpt_is_cut_between_characters),
	    cmocka_unit_test(teams_says_success_in_few_ways_only),
	    cmocka_unit_test(a_pointer_leads_to_members_and_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
