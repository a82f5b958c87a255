/* SPDX-License-Identifier: MIT */
/* References: their syntax, and what they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/refs.h"

static char folder[] = "/tmp/bmad-refs-XXXXXX";

static void write_file(const char *name, const char *bytes, size_t length)
{
	cleanup(free_text) char *path = mem_format("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	setenv("PLANT_HOST", "db.example", 1);
	setenv("EMPTY_ONE", "", 1);
	unsetenv("NOT_SET");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	write_file("token", "s3cret-token\n", 13);
	write_file("dos", "abcdef\r\n", 8);
	write_file("two", "a\n\n", 3);
	write_file("nul", "a\0b", 3);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cleanup(free_text) char *command = mem_format("rm -rf %s", folder);
	return system(command);
}

static void references_stand_for_variables_files_and_credentials(void **state)
{
	static const struct {
		const char *text, *resolved;
	} rows[] = {
	    {"plain", "plain"},
	    {"", ""},
	    {"${PLANT_HOST}", "db.example"},
	    {"https://${PLANT_HOST}/x?k=${file:token}", "https://db.example/x?k=s3cret-token"},
	    {"[${EMPTY_ONE}]", "[]"},
	    {"${cred:token}", "s3cret-token"},
	    {"${file:dos}", "abcdef"},
	    {"${file:two}", "a\n"},
	    {"$${PLANT_HOST}", "${PLANT_HOST}"},
	    {"a$${b${PLANT_HOST}", "a${bdb.example"},
	    {"cost: 5$, $HOME, $$, {x}", "cost: 5$, $HOME, $$, {x}"},
	    {"$", "$"},
	    {"$$$${x}", "$$${x}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(arena_done) struct arena arena = {0};
		const char *resolved = NULL;

		assert_null(refs_scan(rows[i].text, NULL, NULL));
		assert_null(refs_resolve(folder, rows[i].text, &arena, &resolved));
		assert_string_equal(resolved, rows[i].resolved);
	}
}

static void an_absolute_path_needs_no_folder(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(free_text) char *text = mem_format("${file:%s/token}", folder);
	const char *resolved = NULL;

	(void)state;
	assert_null(refs_resolve("/nowhere", text, &arena, &resolved));
	assert_string_equal(resolved, "s3cret-token");
}

static void what_does_not_resolve_is_named(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
	    {"x${NOT_SET}", "${NOT_SET} does not resolve: the environment variable is not set"},
	    {"${file:missing}",
	        "${file:missing} does not resolve: cannot open the file: No such file or directory"},
	    {"${file:.}", "${file:.} does not resolve: it is not a regular file"},
	    {"${file:pipe}", "${file:pipe} does not resolve: it is not a regular file"},
	    {"${file:nul}", "${file:nul} does not resolve: the file holds a NUL byte"},
	    {"${file:large}", "${file:large} does not resolve: the file is larger than 64 KiB"},
	    {"${cred:missing}",
	        "${cred:missing} does not resolve: cannot open the file: No such file or directory"},
	};
	cleanup(free_text) char *pipe = mem_format("%s/pipe", folder),
	                        *large = mem_alloc(REFERENCE_BYTES_MAX + 1);

	(void)state;
	assert_int_equal(mkfifo(pipe, 0600), 0);
	memset(large, 'x', REFERENCE_BYTES_MAX + 1);
	write_file("large", large, REFERENCE_BYTES_MAX + 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(arena_done) struct arena arena = {0};
		const char *resolved = NULL;
		struct err *e = refs_resolve(folder, rows[i].text, &arena, &resolved);

		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_string_equal(err_message(e), rows[i].message);
		assert_null(resolved);
		err_destroy(e);
	}
}

static void credentials_need_their_folder(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *resolved;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	struct err *e = refs_resolve(folder, "${cred:token}", &arena, &resolved);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_non_null(strstr(err_message(e), "$CREDENTIALS_DIRECTORY is not set"));
	err_destroy(e);
}

static void bad_syntax_is_an_error_when_it_is_read(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
	    {"${X", "without its '}'"},
	    {"a ${", "without its '}'"},
	    {"${}", "the name of an environment variable"},
	    {"${9X}", "the name of an environment variable"},
	    {"${a b}", "the name of an environment variable"},
	    {"${vault:x}", "the name of an environment variable"},
	    {"${file:}",
	        "'${file:}' is no reference: expected ${NAME}, ${file:PATH} or ${cred:NAME} with a path"},
	    {"${cred:}", "the name of a credential"},
	    {"${cred:../x}", "the name of a credential"},
	    {"${cred:a/b}", "the name of a credential"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err *e = refs_scan(rows[i].text, NULL, NULL);

		assert_non_null(e);
		if (!strstr(err_message(e), rows[i].part))
			fail_msg("%s -> %s", rows[i].text, err_message(e));
		err_destroy(e);
	}
}

static void collect(void *arg, const char *reference)
{
	buf_format(arg, "<%s>", reference);
}

static void a_scan_tells_each_reference(void **state)
{
	cleanup(buf_done) struct buf found = {0};

	(void)state;
	assert_null(refs_scan("${A}x$${B}${file:c d}${A}", collect, &found));
	assert_string_equal(buf_text(&found), "<${A}><${file:c d}><${A}>");
}

static void resolved_values_are_redacted(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf log = {0};
	const char *resolved;

	(void)state;
	setenv("SOME_KEY", "hush-hush-1234", 1);
	assert_null(refs_resolve(folder, "Bearer ${SOME_KEY}", &arena, &resolved));
	buf_add_text(&log, "sent hush-hush-1234 there");
	redact(&log);
	assert_string_equal(buf_text(&log), "sent *** there");
}

static void strings_in_json_resolve_at_any_depth(void **state)
{
	static const char text[] =
	    "{\"a\":\"${PLANT_HOST}\",\"b\":[1,null,{\"c\":\"x ${PLANT_HOST}\"}],\"${K}\":true}";
	cleanup(arena_done) struct arena arena = {0};
	struct json *value;
	const struct json *resolved;

	(void)state;
	assert_null(json_parse(text, strlen(text), &value));
	assert_null(refs_resolve_json(folder, value, &arena, &resolved));
	cleanup(free_text) char *printed = json_print(resolved);
	json_destroy(value);
	assert_string_equal(
	    printed, "{\"a\":\"db.example\",\"b\":[1,null,{\"c\":\"x db.example\"}],\"${K}\":true}");
}

static void json_without_references_is_not_copied(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct json *value = json_array();
	const struct json *resolved;

	(void)state;
	json_add_string(value, "plain");
	assert_null(refs_resolve_json(folder, value, &arena, &resolved));
	assert_ptr_equal(resolved, value);
	json_add_string(value, "${NOT_SET}");
	struct err *e = refs_resolve_json(folder, value, &arena, &resolved);
	assert_non_null(e);
	err_destroy(e);
	json_destroy(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(references_stand_for_variables_files_and_credentials),
	    cmocka_unit_test(an_absolute_path_needs_no_folder),
	    cmocka_unit_test(what_does_not_resolve_is_named),
	    cmocka_unit_test(credentials_need_their_folder),
	    cmocka_unit_test(bad_syntax_is_an_error_when_it_is_read),
	    cmocka_unit_test(a_scan_tells_each_reference),
	    cmocka_unit_test(resolved_values_are_redacted),
	    cmocka_unit_test(strings_in_json_resolve_at_any_depth),
	    cmocka_unit_test(json_without_references_is_not_copied),
	};

	return cmocka_run_group_tests_name("refs", tests, set_up, tear_down);
}
