/* SPDX-License-Identifier: MIT */
/* Errors: kinds, messages, frames, and how they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bmad/err.h>

#include "base/mem.h"

static void an_error_keeps_its_kind_message_and_place(void **state)
{
	struct err *e = ERR(ERR_TEMPORARY, "connection to %s refused", "db");
	int line = __LINE__ - 1;

	(void)state;
	assert_int_equal(err_kind(e), ERR_TEMPORARY);
	assert_string_equal(err_message(e), "connection to db refused");
	assert_int_equal(err_frames(e), 1);
	assert_string_equal(err_frame(e, 0)->function, __func__);
	assert_non_null(strstr(err_frame(e, 0)->file, "test_err.c"));
	assert_int_equal(err_frame(e, 0)->line, line);
	assert_string_equal(err_frame(e, 0)->note, "connection to db refused");
	assert_null(err_frame(e, 1));
	err_destroy(e);
}

static void the_text_reads_from_the_outermost_attempt_to_the_message(void **state)
{
	struct err *e = ERR(ERR_PERMANENT, "no such table");

	(void)state;
	assert_string_equal(err_text(e), "no such table");
	e = ERR_AT(e, "query %s", "unit_event");
	e = ERR_AT(e, "load shift %d", 2);
	assert_string_equal(err_text(e), "load shift 2: query unit_event: no such table");
	assert_string_equal(err_message(e), "no such table");
	assert_string_equal(err_frame(e, 2)->note, "load shift 2");
	err_destroy(e);
}

static struct err *layer(struct err *e, int *reached)
{
	TRY(e, "open %s", "store");
	(*reached)++;
	return NULL;
}

static struct err *plain_layer(struct err *e, int *reached)
{
	PASS(layer(e, reached));
	(*reached)++;
	return NULL;
}

static void try_and_pass_return_at_once_on_a_fault(void **state)
{
	int reached = 0;
	struct err *e = plain_layer(ERR(ERR_BUG, "broken"), &reached);

	(void)state;
	assert_int_equal(reached, 0);
	assert_string_equal(err_text(e), "open store: broken");
	assert_int_equal(err_frames(e), 2);
	assert_string_equal(err_frame(e, 1)->function, "layer");
	err_destroy(e);
	assert_null(plain_layer(NULL, &reached));
	assert_int_equal(reached, 2);
}

static void success_stays_success(void **state)
{
	(void)state;
	assert_null(ERR_AT(NULL, "anything"));
	err_destroy(NULL);
	err_ignore(NULL);
}

static void an_endless_trace_keeps_its_innermost_frames(void **state)
{
	struct err *e = ERR(ERR_BUG, "deep");

	(void)state;
	for (int i = 1; i <= 1000; i++)
		e = ERR_AT(e, "level %d", i);
	assert_in_range(err_frames(e), 16, 64);
	assert_string_equal(err_frame(e, 0)->note, "deep");
	assert_string_equal(err_frame(e, 1)->note, "level 1");
	err_destroy(e);
}

static void kinds_have_names_both_ways(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *name;
	} rows[] = {
	    {ERR_TEMPORARY, "TEMPORARY"},
	    {ERR_PERMANENT, "PERMANENT"},
	    {ERR_UNCERTAIN, "UNCERTAIN"},
	    {ERR_CONFIG, "CONFIG"},
	    {ERR_BUG, "BUG"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(err_kind_name(rows[i].kind), rows[i].name);
		assert_int_equal(err_kind_by_name(rows[i].name), rows[i].kind);
	}
	assert_int_equal(err_kind_by_name("temporary"), ERR_BUG);
	assert_int_equal(err_kind_by_name(NULL), ERR_BUG);
	assert_string_equal(err_kind_name((enum err_kind)77), "BUG");
}

static void an_imported_error_copies_what_it_is_given(void **state)
{
	char text[] = "refused", note[] = "refused", function[] = "sql_query", file[] = "sql.c";
	struct err *e = err_import(ERR_UNCERTAIN, text);

	(void)state;
	err_add_frame(e, function, file, 88, note);
	memset(text, 'x', sizeof(text) - 1);
	memset(note, 'x', sizeof(note) - 1);
	memset(function, 'x', sizeof(function) - 1);
	memset(file, 'x', sizeof(file) - 1);
	e = ERR_AT(e, "run job");
	assert_int_equal(err_kind(e), ERR_UNCERTAIN);
	assert_string_equal(err_frame(e, 0)->function, "sql_query");
	assert_string_equal(err_frame(e, 0)->file, "sql.c");
	assert_int_equal(err_frame(e, 0)->line, 88);
	assert_string_equal(err_text(e), "run job: refused");
	err_destroy(e);
}

static void an_error_without_frames_loses_no_context(void **state)
{
	struct err *e = err_import(ERR_PERMANENT, "exit status 3");

	(void)state;
	assert_int_equal(err_frames(e), 0);
	assert_string_equal(err_text(e), "exit status 3");
	e = ERR_AT(e, "run the command");
	assert_string_equal(err_text(e), "run the command: exit status 3");
	err_destroy(e);
}

static void missing_parts_of_a_foreign_frame_are_empty(void **state)
{
	struct err *e = err_import(ERR_BUG, NULL);

	(void)state;
	err_add_frame(e, NULL, NULL, 0, NULL);
	assert_string_equal(err_message(e), "");
	assert_string_equal(err_frame(e, 0)->note, "");
	assert_string_equal(err_frame(e, 0)->file, "");
	assert_string_equal(err_text(e), "");
	err_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_error_keeps_its_kind_message_and_place),
	    cmocka_unit_test(the_text_reads_from_the_outermost_attempt_to_the_message),
	    cmocka_unit_test(try_and_pass_return_at_once_on_a_fault),
	    cmocka_unit_test(success_stays_success),
	    cmocka_unit_test(an_endless_trace_keeps_its_innermost_frames),
	    cmocka_unit_test(kinds_have_names_both_ways),
	    cmocka_unit_test(an_imported_error_copies_what_it_is_given),
	    cmocka_unit_test(an_error_without_frames_loses_no_context),
	    cmocka_unit_test(missing_parts_of_a_foreign_frame_are_empty),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
