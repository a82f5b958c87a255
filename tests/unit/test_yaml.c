/* SPDX-License-Identifier: MIT */
/* The node tree: what is read, what is refused, and where problems are placed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/yaml.h"

struct fixture {
	struct arena arena;
	struct conf_problems problems;
	struct buf printed;
	const struct node *root;
};

static void read_bytes(struct fixture *f, const char *text, size_t length)
{
	f->root = yaml_read_text("f", text, length, &f->arena, &f->problems);
	conf_problems_sort(&f->problems);
	conf_problems_print(&f->problems, &f->printed);
}

static void read_text(struct fixture *f, const char *text)
{
	read_bytes(f, text, strlen(text));
}

static void done(struct fixture *f)
{
	arena_done(&f->arena);
	conf_problems_done(&f->problems);
	buf_done(&f->printed);
}

static void texts_lists_and_mappings_keep_their_places(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_text(&f, "a: 1\nb:\n  - x\n  - {c: 'd e'}\n");
	assert_string_equal(buf_text(&f.printed), "");
	assert_int_equal(f.root->kind, NODE_MAPPING);
	assert_int_equal(f.root->count, 2);
	assert_string_equal(node_find(f.root, "a")->text, "1");
	const struct node *list = node_find(f.root, "b");
	assert_int_equal(list->kind, NODE_LIST);
	assert_int_equal(list->count, 2);
	const struct node *text = node_find(list->items[1], "c");
	assert_string_equal(text->text, "d e");
	assert_int_equal(text->line, 4);
	assert_int_equal(text->column, 9);
	assert_false(text->plain);
	assert_ptr_equal(node_find_path(f.root, "b.c"), NULL);
	assert_ptr_equal(node_find(f.root, "z"), NULL);
}

static void an_empty_file_is_nothing(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing\n", "---\n", "~\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup(done) struct fixture f = {0};

		read_text(&f, texts[i]);
		assert_non_null(f.root);
		assert_true(node_is_null(f.root));
		assert_int_equal(f.problems.count, 0);
	}
}

static void columns_within_a_text_are_told_where_it_stands_as_written(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		int column;
	} rows[] = {
	    {"k: 5 x * *", 2, 6}, {"k: \"5 x * *\"", 2, 7}, {"k: '5 x * *'", 2, 7},
	    {"k: \"5\\tx *\"", 2, 4},                           /* escapes: only the text's place is sure */
	    {"k: '5''x *'", 2, 4}, {"k: |\n  5 x * *\n", 2, 4}, /* a block */
	    {"k: 5\n  x * *\n", 2, 4},                          /* two lines */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_text(&f, rows[i].text);
		assert_int_equal(
		    node_place_at(node_find(f.root, "k"), rows[i].offset).column, rows[i].column);
	}
}

static void aliases_share_what_their_anchor_names(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_text(&f, "a: &x {k: v}\nb: *x\nc: &x [1]\nd: *x\n");
	assert_int_equal(f.problems.count, 0);
	assert_ptr_equal(node_find(f.root, "a"), node_find(f.root, "b"));
	assert_ptr_equal(node_find(f.root, "c"), node_find(f.root, "d"));
}

static void what_is_refused_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
	    {"a: 1\nb: 2\na: 3\n", "f:3:1: error: duplicate key 'a': it stands in line 1 already\n"},
	    {"a: {b: 1, c: 2, b: 3}\n", "f:1:17: error: duplicate key 'b': it stands in line 1 already\n"},
	    {"{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1, l: 1, m: 1, c: 1}",
	        "f:1:80: error: duplicate key 'c': it stands in line 1 already\n"},
	    {"a: &x {k: v}\nb:\n  <<: *x\n", "f:3:3: error: merge keys '<<' are not allowed\n"},
	    {"a: !!int 5\n", "f:1:4: error: tags such as 'tag:yaml.org,2002:int' are not allowed: a value's "
	                     "type comes from "
	                     "its key\n"},
	    {"a: !x [1]\n",
	        "f:1:4: error: tags such as '!x' are not allowed: a value's type comes from its key\n"},
	    {"[a]: 1\n", "f:1:1: error: a key must be a text, not a list\n"},
	    {"a: \"x\\0y\"\n", "f:1:4: error: a NUL character is not allowed\n"},
	    {"a: 1\n---\nb: 1\n",
	        "f:2:1: error: a second document begins here; a configuration is one document\n"},
	    {"a: *b\n", "f:1:4: error: alias '*b' stands for nothing: there is no '&b' before it; a text "
	                "that begins with "
	                "'*' must be quoted: \"*/5 * * * *\"\n"},
	    {"a: &b [*b]\n", "f:1:8: error: alias '*b' stands for nothing: there is no '&b' before it; a "
	                     "text that begins with "
	                     "'*' must be quoted: \"*/5 * * * *\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_text(&f, rows[i].text);
		assert_string_equal(buf_text(&f.printed), rows[i].problems);
	}
}

static void all_faults_of_one_file_are_told(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_text(&f, "a: !x 1\na: 2\n<<: 3\n");
	assert_int_equal(f.problems.errors, 3);
	assert_non_null(f.root);
}

static void syntax_errors_get_the_hint_that_fits(void **state)
{
	static const struct {
		const char *text, *place, *hint;
	} rows[] = {
	    {"s: @every 15m\n", "f:1:4: error: ", "\"@every 15m\""},
	    {"s: */5 * * * *\n", "f:1:5: error: ", "\"*/5 * * * *\""},
	    {"s: * * * * *\n", "f:1:5: error: ", "\"*/5 * * * *\""},
	    {"ü: x\ns: * * * * *\n", "f:2:5: error: ", "\"*/5 * * * *\""},
	    {"a: {url: ${X}}\n", "f:1:11: error: ", "{url: \"${NAME}\"}"},
	    {"a: [${X}]\n", "f:1:6: error: ", "{url: \"${NAME}\"}"},
	    {"a:\n\tb: 1\n", "f:2:1: error: ", "not with tabs"},
	    {"a: `b`\n", "f:1:4: error: ", "this character must be quoted"},
	    {"a: line 3: night\n", "f:1:10: error: ", "with ': ' in it must be quoted"},
	    {"a: \"C:\\plant\"\n", "f:1:7: error: ", "double the backslash"},
	    {"a: \"b\n", "f:2:1: error: ", "a closing quote is missing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_text(&f, rows[i].text);
		assert_null(f.root);
		assert_int_equal(f.problems.count, 1);
		if (strncmp(buf_text(&f.printed), rows[i].place, strlen(rows[i].place)) != 0 ||
		    !strstr(buf_text(&f.printed), rows[i].hint))
			fail_msg("%s -> %s", rows[i].text, buf_text(&f.printed));
	}
}

static void bytes_that_are_no_text_are_placed(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *place;
	} rows[] = {
	    {"a: 1\nb: \xff\n", 10, "f:2:4: error: "},
	    {"a: \xc3\xa4\x01\n", 7, "f:1:5: error: "},
	    {"a: \0\n", 5, "f:1:4: error: "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_bytes(&f, rows[i].text, rows[i].length);
		assert_null(f.root);
		assert_memory_equal(buf_text(&f.printed), rows[i].place, strlen(rows[i].place));
		assert_non_null(strstr(f.printed.text, "must be UTF-8 text"));
	}
}

static void nesting_is_bounded(void **state)
{
	cleanup(done) struct fixture deep = {0}, fits = {0};
	cleanup(buf_done) struct buf text = {0};

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_add_char(&text, '[');
	read_bytes(&deep, text.text, text.length);
	assert_null(deep.root);
	assert_string_equal(buf_text(&deep.printed), "f:1:33: error: nested deeper than 32 levels\n");
	buf_truncate(&text, 32);
	for (int i = 0; i < 32; i++)
		buf_add_char(&text, ']');
	read_bytes(&fits, text.text, text.length);
	assert_non_null(fits.root);
}

/* Nine aliases of nine aliases of ...: a few hundred bytes that stand for 9^9 values. */
static void aliases_count_as_what_they_stand_for(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(buf_done) struct buf text = {0};

	(void)state;
	buf_add_text(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < 10; i++) {
		buf_format(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			buf_format(&text, "*a%d,", i - 1);
		buf_add_text(&text, "]\n");
	}
	read_bytes(&f, text.text, text.length);
	assert_null(f.root);
	assert_non_null(strstr(f.printed.text, "more than 1000000 values (aliases counted)"));
}

static void files_are_read_and_their_faults_named(void **state)
{
	cleanup(done) struct fixture f = {0}, missing = {0}, folder = {0};
	char path[] = "/tmp/bmad-yaml-XXXXXX";
	int fd = mkstemp(path);
	struct yaml_reading reading = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "k: v\n", 5), 5);
	close(fd);
	f.root = yaml_read_file(path, &f.arena, &f.problems, &reading);
	unlink(path);
	assert_string_equal(node_find(f.root, "k")->text, "v");
	assert_string_equal(f.root->file, path);
	assert_null(yaml_read_file(path, &missing.arena, &missing.problems, &reading));
	assert_string_equal(missing.problems.items[0].text, "cannot open the file: No such file or directory");
	assert_null(yaml_read_file("/tmp", &folder.arena, &folder.problems, &reading));
	assert_string_equal(folder.problems.items[0].text, "it is not a regular file");
}

static void what_stands_before_a_fault_of_syntax_can_be_had(void **state)
{
	static const char text[] = "daemon: {store: 'sqlite:/x', log: {level: info}, workers:\n"
	                           "jobs: [a, b\n- c: 'd";
	cleanup(done) struct fixture whole = {0}, torn = {0};
	char path[] = "/tmp/bmad-yaml-XXXXXX";
	int fd = mkstemp(path);
	struct yaml_reading reading = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_null(yaml_read_file(path, &whole.arena, &whole.problems, &reading));
	reading.torn = true;
	torn.root = yaml_read_file(path, &torn.arena, &torn.problems, &reading);
	unlink(path);
	assert_int_equal(torn.problems.errors, whole.problems.errors);
	assert_string_equal(node_find_path(torn.root, "daemon.store")->text, "sqlite:/x");
	assert_string_equal(node_find_path(torn.root, "daemon.log.level")->text, "info");
}

static void a_larger_file_is_refused(void **state)
{
	cleanup(done) struct fixture f = {0};
	char path[] = "/tmp/bmad-yaml-XXXXXX";
	int fd = mkstemp(path);
	struct yaml_reading reading = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)YAML_BYTES_MAX + 1), 0);
	close(fd);
	assert_null(yaml_read_file(path, &f.arena, &f.problems, &reading));
	unlink(path);
	assert_string_equal(f.problems.items[0].text, "the file is larger than 64 MiB");
}

static void a_changed_copy_leaves_the_tree_as_it_was(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_text(&f, "a: &x {k: v}\nb: *x\n");
	const struct node *value = node_text(&f.arena, "--set", "new");
	const struct node *changed = node_with(&f.arena, f.root, "b.k", value);
	changed = node_with(&f.arena, changed, "c.d", value);
	assert_string_equal(node_find_path(changed, "a.k")->text, "v");
	assert_string_equal(node_find_path(changed, "b.k")->text, "new");
	assert_string_equal(node_find_path(changed, "c.d")->text, "new");
	assert_string_equal(node_find_path(f.root, "b.k")->text, "v");
	assert_null(node_find(f.root, "c"));
}

static void json_types_texts_by_their_look_and_loses_nothing(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_text(&f, "a: [1, -2.5, 012, 1e3, 9223372036854775807, 9223372036854775808, '1', true, \"true\", "
	              "yes, null, ~, "
	              "'', 22:30, +5, 0x1f, .5, 1 2]\nb: {c: {}, d: }\n");
	struct json *value = node_json(f.root);
	cleanup(free_text) char *text = json_print(value);
	json_destroy(value);
	assert_string_equal(text,
	    "{\"a\":[1,-2.5,\"012\",1000,9223372036854775807,\"9223372036854775808\",\"1\",true,\"true\","
	    "\"yes\","
	    "null,null,\"\",\"22:30\",\"+5\",\"0x1f\",\".5\",\"1 2\"],\"b\":{\"c\":{},\"d\":null}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_lists_and_mappings_keep_their_places),
	    cmocka_unit_test(an_empty_file_is_nothing),
	    cmocka_unit_test(columns_within_a_text_are_told_where_it_stands_as_written),
	    cmocka_unit_test(aliases_share_what_their_anchor_names),
	    cmocka_unit_test(what_is_refused_is_told_with_its_place),
	    cmocka_unit_test(all_faults_of_one_file_are_told),
	    cmocka_unit_test(syntax_errors_get_the_hint_that_fits),
	    cmocka_unit_test(bytes_that_are_no_text_are_placed),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(aliases_count_as_what_they_stand_for),
	    cmocka_unit_test(files_are_read_and_their_faults_named),
	    cmocka_unit_test(what_stands_before_a_fault_of_syntax_can_be_had),
	    cmocka_unit_test(a_larger_file_is_refused),
	    cmocka_unit_test(a_changed_copy_leaves_the_tree_as_it_was),
	    cmocka_unit_test(json_types_texts_by_their_look_and_loses_nothing),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
