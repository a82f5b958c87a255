/* SPDX-License-Identifier: MIT */
/* Mustache: what a template and its data come to, and what is wrong with a template. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "render/escape.h"
#include "render/mustache.h"

/* Partials as `name`, text, ..., NULL. */
static struct err *find_partial(void *arg, const char *name, struct partial_source *out)
{
	for (const char *const *pair = arg; pair && *pair; pair += 2)
		if (!strcmp(pair[0], name)) {
			out->text = mem_copy(pair[1]);
			out->length = strlen(pair[1]);
		}
	return NULL;
}

static struct json *parse(const char *text)
{
	struct json *value;

	assert_null(json_parse(text, strlen(text), &value));
	return value;
}

static struct err *render(
    const char *text, const char *data, const char *const *partials, size_t limit, struct buf *out)
{
	struct template *template;
	struct json *value = parse(data);
	const struct json *root = value;
	struct err *e =
	    template_compile("t.html", text, strlen(text), find_partial, (void *)partials, &template);

	if (!e) {
		e = template_render(template, &root, 1, escaping_find("html", NULL), limit, out);
		template_destroy(template);
	}
	json_destroy(value);
	return e;
}

static void check(const char *text, const char *data, const char *const *partials, const char *expected)
{
	struct buf out = {0};
	struct err *e = render(text, data, partials, SIZE_MAX, &out);

	if (e)
		fail_msg("%s: %s", text, err_text(e));
	assert_string_equal(buf_text(&out), expected);
	buf_done(&out);
}

static void check_fault(const char *text, const char *const *partials, const char *expected)
{
	struct buf out = {0};
	struct err *e = render(text, "{}", partials, SIZE_MAX, &out);

	assert_non_null(e);
	assert_int_equal(err_kind(e), ERR_CONFIG);
	assert_string_equal(err_message(e), expected);
	err_destroy(e);
	buf_done(&out);
}

static void values_are_written_as_json_writes_them(void **state)
{
	static const struct {
		const char *value, *text;
	} rows[] = {
	    {"7", "7"},
	    {"0", "0"},
	    {"-12", "-12"},
	    {"95.5", "95.5"},
	    {"-0.1", "-0.1"},
	    {"0.05", "0.05"},
	    {"1.0", "1"},
	    {"99999999999999.9", "99999999999999.9"},
	    {"9007199254740993", "9007199254740993"},
	    {"-9223372036854775808", "-9223372036854775808"},
	    {"3.141592653589793", "3.141592653589793"},
	    {"1e300", "1e+300"},
	    {"true", "true"},
	    {"false", "false"},
	    {"null", ""},
	    {"\"\"", ""},
	    {"\"a<b\"", "a&lt;b"},
	    {"[1,\"x\"]", "[1,&quot;x&quot;]"},
	    {"{\"a\":1}", "{&quot;a&quot;:1}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(free_text) char *data = mem_format("{\"x\":%s}", rows[i].value);

		check("{{x}}", data, NULL, rows[i].text);
	}
}

static void simple_numbers_are_written_as_the_general_way_writes_them(void **state)
{
	(void)state;
	for (int tenths = -30000; tenths < 30000; tenths += 7) {
		struct json *data = json_object();

		json_set_tenths(data, "x", tenths);
		cleanup(free_text) char *expected = json_print(json_get(data, "x"));
		cleanup(free_text) char *text = json_print(data);
		check("{{x}}", text, NULL, expected);
		json_destroy(data);
	}
}

static void false_are_null_false_what_is_empty_and_what_is_not_there(void **state)
{
	static const struct {
		const char *data;
		const char *expected;
	} rows[] = {
	    {"{}", "no"},
	    {"{\"x\":null}", "no"},
	    {"{\"x\":false}", "no"},
	    {"{\"x\":[]}", "no"},
	    {"{\"x\":0}", "yes"},
	    {"{\"x\":\"\"}", "no"},
	    {"{\"x\":\" \"}", "yes"},
	    {"{\"x\":{}}", "yes"},
	    {"{\"x\":[0]}", "yes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check("{{#x}}yes{{/x}}{{^x}}no{{/x}}", rows[i].data, NULL, rows[i].expected);
}

static void names_are_looked_for_from_the_innermost_context_outwards(void **state)
{
	const char *data = "{\"zone\":\"Z1\",\"rows\":[{\"n\":1,\"zone\":\"own\"},{\"n\":2}],\"a\":{\"b\":{}}"
	                   ",\"b\":{\"c\":9},"
	                   "\"nil\":{\"zone\":null}}";

	(void)state;
	check("{{#rows}}{{n}}{{zone}} {{/rows}}", data, NULL, "1own 2Z1 ");
	check("{{#a}}[{{b.c}}]{{/a}}{{b.c}}", data, NULL, "[]9"); /* the rest of a dotted name stays within */
	check("{{#nil}}[{{zone}}]{{/nil}}", data, NULL, "[]");    /* null is there, and hides */
	check("{{rows.n}}{{zone.x}}", data, NULL, "");
	check("{{Zone}}", data, NULL, "");
	check("{{#rows}}{{#n}}{{.}}{{/n}}{{/rows}}", data, NULL, "12");
}

static void columns_are_found_in_any_order_again_and_again(void **state)
{
	const char *data = "{\"r\":[{\"a\":1,\"b\":2,\"c\":3},{\"c\":6,\"a\":4,\"b\":5}]}";

	(void)state;
	check("{{#r}}{{a}}{{b}}{{c}}|{{/r}}", data, NULL, "123|456|");
	check("{{#r}}{{c}}{{a}}{{x}}{{b}}{{b}}{{c}}|{{/r}}", data, NULL, "31223|64556|");
}

static void a_tag_alone_on_its_line_takes_the_line_with_it(void **state)
{
	const char *data = "{\"r\":[1,2]}";

	(void)state;
	check("a\n{{#r}}\n- {{.}}\n{{/r}}\nb\n", data, NULL, "a\n- 1\n- 2\nb\n");
	check("a\r\n  {{#r}}  \r\n{{.}}\r\n\t{{/r}}\r\nb", data, NULL, "a\r\n1\r\n2\r\nb");
	check("{{#r}}\n{{/r}}", data, NULL, "");
	check("{{! one }} {{! two }}\n", data, NULL, " \n"); /* two are not alone */
	check("{{#r}}{{/r}}\n", data, NULL, "\n");
	check("{{r.x}}\n", data, NULL, "\n"); /* values never take a line */
	check("\xEF\xBB\xBF{{! mark of byte order before }}\nx", data, NULL, "x");
}

static void a_partial_is_indented_as_its_tag_is(void **state)
{
	const char *const partials[] = {"outer", "<ul>\n  {{>row}}\n\n{{#on}}\n{{text}}\n{{/on}}\n</ul>\n",
	    "row", "<li>\n{{text}}</li>\n", "inline", "x\ny{{>row}}", "self", "({{#next}}{{>self}}{{/next}})",
	    NULL};

	(void)state;
	check("  {{>outer}}\nend", "{\"on\":true,\"text\":\"1\\n2\"}", partials,
	    "  <ul>\n    <li>\n    1\n2</li>\n\n  1\n2\n  </ul>\nend");
	check("  {{>inline}}.\n", "{\"text\":1}", partials, "  x\ny<li>\n1</li>\n.\n");
	check("{{>self}}", "{\"next\":{\"next\":{\"next\":null}}}", partials, "((()))");
	check("[{{>nowhere}}]", "{}", partials, "[]");
}

static void delimiters_can_be_changed_for_one_text(void **state)
{
	const char *const partials[] = {"p", "{{x}}<%x%>", NULL};

	(void)state;
	check("{{=<% %>=}}<%x%>{{x}}<%{x}%><%>p%><%={{ }}=%>{{x}}", "{\"x\":\"&\"}", partials,
	    "&amp;{{x}}&&amp;<%x%>&amp;");
	check("{{= | | =}}|#x|a|/x|", "{\"x\":1}", NULL, "a");
}

static void raw_tags_leave_out_escaping(void **state)
{
	(void)state;
	check("{{x}} {{{x}}} {{& x }}", "{\"x\":\"<\\\"\"}", NULL, "&lt;&quot; <\" <\"");
}

static void faults_name_file_line_and_column(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
	    {"a\nb {{x", "t.html:2:3: this tag is not closed: expected '}}'"},
	    {"{{{x}}", "t.html:1:1: this tag is not closed: expected '}}}'"},
	    {"{{#a}}\n{{#b}}{{/b}}", "t.html:1:1: this section is not closed: 'a'"},
	    {"x{{/a}}", "t.html:1:2: no section is open that this could close: 'a'"},
	    {"{{#a}}\n {{/b}}", "t.html:2:2: expected the closing tag of 'a'"},
	    {"{{}}", "t.html:1:1: a tag without a name"},
	    {"{{# }}", "t.html:1:1: a tag without a name"},
	    {"{{>}}", "t.html:1:1: a tag without a name"},
	    {"{{a\n{{b}}", "t.html:1:1: a name with a line break in it; is the tag closed?"},
	    {"{{a..b}}", "t.html:1:1: nothing on one side of a dot in 'a..b'"},
	    {"{{.a}}", "t.html:1:1: nothing on one side of a dot in '.a'"},
	    {"{{a.}}", "t.html:1:1: nothing on one side of a dot in 'a.'"},
	    {"{{=x=}}",
	        "t.html:1:1: expected two delimiters with blanks between them, without '=', at most 15 "
	        "bytes each"},
	    {"{{=a b c=}}",
	        "t.html:1:1: expected two delimiters with blanks between them, without '=', at most 15 "
	        "bytes each"},
	    {"{{=aaaaaaaaaaaaaaaa b=}}",
	        "t.html:1:1: expected two delimiters with blanks between them, without "
	        "'=', at most 15 bytes each"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_fault(rows[i].text, NULL, rows[i].expected);
}

static void a_fault_in_a_partial_names_the_partial(void **state)
{
	const char *const partials[] = {"outer", "{{>row}}", "row", "ok\n {{#x}}", NULL};

	(void)state;
	check_fault("{{>outer}}", partials, "row:2:2: this section is not closed: 'x'");
}

static void sections_more_than_128_deep_are_refused(void **state)
{
	struct buf text = {0};

	(void)state;
	for (int i = 0; i < 129; i++)
		buf_add_text(&text, "{{#a}}");
	check_fault(text.text, NULL, "t.html:1:769: more than 128 sections within each other");
	buf_done(&text);
}

static void check_bound(
    const char *text, const char *data, const char *const *partials, size_t limit, const char *expected)
{
	struct buf out = {0};
	struct err *e = render(text, data, partials, limit, &out);

	assert_non_null(e);
	assert_int_equal(err_kind(e), ERR_PERMANENT);
	assert_string_equal(err_message(e), expected);
	err_destroy(e);
	buf_done(&out);
}

static void what_would_not_end_is_stopped(void **state)
{
	const char *const partials[] = {"self", "{{>self}}", "two", "{{#x}}{{>two}}{{>two}}{{/x}}", "deep",
	    "{{^n}}{{^n}}{{^n}}{{^n}}{{^n}}{{^n}}{{^n}}{{^n}}{{^n}}{{^n}}{{>deep}}{{/n}}{{/n}}{{/n}}{{/n}}{{/"
	    "n}}"
	    "{{/n}}{{/n}}{{/n}}{{/n}}{{/n}}",
	    NULL};

	(void)state;
	check_bound(
	    "{{>self}}", "{}", partials, SIZE_MAX, "t.html: partials nest more than 64 deep, at 'self'");
	check_bound(
	    "{{>two}}", "{\"x\":1}", partials, SIZE_MAX, "t.html: partials nest more than 64 deep, at 'two'");
	check_bound(
	    "{{>deep}}", "{}", partials, SIZE_MAX, "t.html: sections and partials nest more than 512 deep");
}

static void rounds_without_output_are_bounded_too(void **state)
{
	struct buf data = {0};

	(void)state;
	buf_add_text(&data, "{\"l\":[0");
	for (int i = 1; i < 300; i++)
		buf_add_text(&data, ",0");
	buf_add_text(&data, "]}");
	check_bound("{{#l}}{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}{{/l}}", data.text, NULL, SIZE_MAX,
	    "t.html: sections go round more than 5000000 times");
	buf_done(&data);
}

static void the_output_is_bounded(void **state)
{
	(void)state;
	check_bound("{{#l}}0123456789{{/l}}", "{\"l\":[1,2,3]}", NULL, 25, "t.html: the text grows too long");
	struct buf out = {0};
	assert_null(render("{{#l}}0123456789{{/l}}", "{\"l\":[1,2,3]}", NULL, 30, &out));
	assert_int_equal(out.length, 30);
	buf_done(&out);
}

static void later_roots_hide_earlier_ones(void **state)
{
	struct json *below = parse("{\"a\":1,\"b\":2}"), *above = parse("{\"b\":3}");
	const struct json *roots[] = {below, above};
	struct template *template;
	struct buf out = {0};

	(void)state;
	assert_null(template_compile("t", "{{a}}{{b}}", 10, NULL, NULL, &template));
	buf_add_text(&out, "kept ");
	assert_null(template_render(template, roots, 2, escaping_find("txt", NULL), SIZE_MAX, &out));
	assert_string_equal(out.text, "kept 13");
	assert_null(template_render(template, roots, 0, escaping_find("txt", NULL), SIZE_MAX, &out));
	assert_string_equal(out.text, "kept 13");
	template_destroy(template);
	json_destroy(below);
	json_destroy(above);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_written_as_json_writes_them),
	    cmocka_unit_test(simple_numbers_are_written_as_the_general_way_writes_them),
	    cmocka_unit_test(false_are_null_false_what_is_empty_and_what_is_not_there),
	    cmocka_unit_test(names_are_looked_for_from_the_innermost_context_outwards),
	    cmocka_unit_test(columns_are_found_in_any_order_again_and_again),
	    cmocka_unit_test(a_tag_alone_on_its_line_takes_the_line_with_it),
	    cmocka_unit_test(a_partial_is_indented_as_its_tag_is),
	    cmocka_unit_test(delimiters_can_be_changed_for_one_text),
	    cmocka_unit_test(raw_tags_leave_out_escaping),
	    cmocka_unit_test(faults_name_file_line_and_column),
	    cmocka_unit_test(a_fault_in_a_partial_names_the_partial),
	    cmocka_unit_test(sections_more_than_128_deep_are_refused),
	    cmocka_unit_test(what_would_not_end_is_stopped),
	    cmocka_unit_test(rounds_without_output_are_bounded_too),
	    cmocka_unit_test(the_output_is_bounded),
	    cmocka_unit_test(later_roots_hide_earlier_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
