/* SPDX-License-Identifier: MIT */
/* Escaping: what each format and each target's mark-up makes of hostile and of harmless text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "render/escape.h"

#define ZWSP "\xE2\x80\x8B"

struct row {
	const char *text, *expected;
};

static void check(escape_function *escape, const char *text, size_t length, const char *expected)
{
	struct buf out = {0};

	escape(&out, text, length);
	assert_string_equal(buf_text(&out), expected);
	buf_done(&out);
}

static void check_rows(escape_function *escape, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(escape, rows[i].text, strlen(rows[i].text), rows[i].expected);
}

static void html_replaces_what_could_open_a_tag_or_end_an_attribute(void **state)
{
	static const struct row rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"<a href='x' b=\"y\">&amp;", "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;"},
	    {"Zo\xC3\xAB \xF0\x9F\x98\x80", "Zo\xC3\xAB \xF0\x9F\x98\x80"},
	};

	(void)state;
	check_rows(escape_html, rows, ARRAY_SIZE(rows));
}

static void slack_replaces_only_its_three_characters(void **state)
{
	static const struct row rows[] = {
	    {"<!channel> & *b* \"q\" 'a'", "&lt;!channel&gt; &amp; *b* \"q\" 'a'"},
	};

	(void)state;
	check_rows(escape_slack, rows, ARRAY_SIZE(rows));
}

static void text_loses_control_characters_but_line_breaks_and_tabs(void **state)
{
	static const struct row rows[] = {
	    {"a\r\nb\tc", "a\nb\tc"},
	    {"\x1b[31mred\x07\x7f", "[31mred"},
	    {"\xC2\x9B"
	     "31m",
	        "31m"},                               /* U+009B is ESC [ in one character */
	    {"\xC2\xA0\xC3\x9B", "\xC2\xA0\xC3\x9B"}, /* U+00A0 and a letter stay */
	    {"\xD7\xA9\xD7\x9C", "\xD7\xA9\xD7\x9C"}, /* Hebrew */
	    {"\xC2", "\xC2"},
	};

	(void)state;
	check_rows(escape_txt, rows, ARRAY_SIZE(rows));
	check(escape_txt, "a\0b", 3, "ab");
}

static void csv_quotes_when_needed_and_disarms_formulas(void **state)
{
	static const struct row rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"a,b", "\"a,b\""},
	    {"say \"hi\"", "\"say \"\"hi\"\"\""},
	    {"two\r\nlines", "\"two\r\nlines\""},
	    {" led", "\" led\""},
	    {"=1+1", "'=1+1"},
	    {"@SUM(A1)", "'@SUM(A1)"},
	    {"\tx", "\"'\tx\""},
	    {"\rx", "\"'\rx\""},
	    {"-2+3", "'-2+3"},
	    {"+1 (555) 0100", "'+1 (555) 0100"},
	    {"=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""},
	    {"-5", "-5"},
	    {"+3.25", "+3.25"},
	    {"-.5", "-.5"},
	    {"-", "'-"},
	    {"-.", "'-."},
	    {"-1.2.3", "'-1.2.3"},
	};

	(void)state;
	check_rows(escape_csv, rows, ARRAY_SIZE(rows));
	check(escaping_find("csv", NULL)->raw, "=a,b", 4, "\"=a,b\"");
}

static void json_escapes_control_characters_and_replaces_what_is_no_utf8(void **state)
{
	static const struct row rows[] = {
	    {"", ""},
	    {"\"\\/", "\\\"\\\\/"},
	    {"\n\r\t\b\f", "\\n\\r\\t\\b\\f"},
	    {"\x01\x1b\x1f\x7f", "\\u0001\\u001b\\u001f\x7f"},
	    {"\xF0\x9F\x98\x80 \xD7\xA9", "\xF0\x9F\x98\x80 \xD7\xA9"},
	    {"a\xFF\xC3", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
	    {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
	    {"</script>", "</script>"},
	};

	(void)state;
	check_rows(escape_json, rows, ARRAY_SIZE(rows));
	check(escape_json, "a\0b", 3,
	    "a\xEF\xBF\xBD"
	    "b");
}

static void markdown_leaves_ordinary_text_alone(void **state)
{
	static const char *const texts[] = {
	    "zone_hourly, unit_event_2",
	    "3.5 - 4 = -0.5, 50 % + 1",
	    "a < b, 3 <5, AT&T, R&D",
	    "Station #4 (left), no. 7",
	    "C:\\temp\\x",
	    "joe.doe@example.org",
	    "2 * 3 * 4",
	    "-5\n+7\n1.5",
	    "who? me! \"q\" 'a'",
	    "a | b",
	    "Zo\xC3\xAB \xE2\x80\x94 \xF0\x9F\x98\x80",
	    "a -> b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		check(escape_card, texts[i], strlen(texts[i]), texts[i]);
}

static void markdown_is_escaped_where_it_would_show(void **state)
{
	static const struct row rows[] = {
	    {"*bold* _it_ `code` ~~gone~~", "\\*bold\\* \\_it\\_ \\`code\\` \\~\\~gone\\~\\~"},
	    {"__init__", "\\_\\_init\\_\\_"},
	    {"[text](http://x)", "\\[text\\](http://x)"},
	    {"![i](u)", "!\\[i\\](u)"},
	    {"<b>x</b> <http://x>", "\\<b>x\\</b> \\<http://x>"},
	    {"&lt; &#60; &;", "\\&lt; \\&#60; &;"},
	    {"# head\n## two\n#3", "\\# head\n\\## two\n#3"},
	    {"- a\n+ b\n* c\n  - d", "\\- a\n\\+ b\n\\* c\n  \\- d"},
	    {"1. a\n 23) b\n4.5 c", "1\\. a\n 23\\) b\n4.5 c"},
	    {"> said", "\\> said"},
	    {"---\n===\n***", "\\---\n\\===\n\\*\\*\\*"},
	    {"\\* \\", "\\\\\\* \\\\"},
	    {"a\\\nb", "a\\\\\nb"},
	    {"-", "\\-"},
	};

	(void)state;
	check_rows(escape_card, rows, ARRAY_SIZE(rows));
}

static void data_cannot_call_people(void **state)
{
	static const struct row rows[] = {
	    {"@everyone", "@" ZWSP "everyone"},
	    {"ask @joe, (@ann)", "ask @" ZWSP "joe, (@" ZWSP "ann)"},
	    {"<@123> <@!5> <@&6>", "\\<@" ZWSP "123> \\<@" ZWSP "!5> \\<@" ZWSP "&6>"},
	    {"<at>Joe</at>", "\\<" ZWSP "at>Joe\\<" ZWSP "/at>"},
	    {"<AT id=1>", "\\<" ZWSP "AT id=1>"},
	    {"<attr>", "\\<attr>"},
	    {"a@b @ 5", "a@b @ 5"},
	};

	(void)state;
	check_rows(escape_chat, rows, ARRAY_SIZE(rows));
	check_rows(escape_card, rows, ARRAY_SIZE(rows));
}

static void pipes_are_mark_up_in_chats_and_not_on_cards(void **state)
{
	(void)state;
	check(escape_chat, "||x|| a|b", 9, "\\|\\|x\\|\\| a\\|b");
	check(escape_card, "||x|| a|b", 9, "||x|| a|b");
}

static void json_templates_escape_for_their_target(void **state)
{
	static const struct {
		const char *format, *target, *escaped, *raw;
	} rows[] = {
	    {"json", "teams", "\\\\*a\\\\*\\n<\\\"&", "*a*\\n<\\\"&"},
	    {"json", "discord", "\\\\*a\\\\*\\n<\\\"&", "*a*\\n<\\\"&"},
	    {"json", "mattermost", "\\\\*a\\\\*\\n<\\\"&", "*a*\\n<\\\"&"},
	    {"json", "slack", "*a*\\n&lt;\\\"&amp;", "*a*\\n<\\\"&"},
	    {"json", "webhook", "*a*\\n<\\\"&", "*a*\\n<\\\"&"},
	    {"json", "pagerduty", "*a*\\n<\\\"&", "*a*\\n<\\\"&"},
	    {"json", NULL, "*a*\\n<\\\"&", "*a*\\n<\\\"&"},
	    {"txt", "teams", "*a*\n<\"&", "*a*\n<\"&"},
	    {"html", NULL, "*a*\n&lt;&quot;&amp;", "*a*\n<\"&"},
	    {"slack", NULL, "*a*\n&lt;\"&amp;", "*a*\n<\"&"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct escaping *escaping = escaping_find(rows[i].format, rows[i].target);
		const char *text = "*a*\n<\"&";
		struct buf escaped = {0}, raw = {0};

		escaping->escape(&escaped, text, strlen(text));
		escaping->raw(&raw, text, strlen(text));
		assert_string_equal(escaped.text, rows[i].escaped);
		assert_string_equal(raw.text, rows[i].raw);
		buf_done(&escaped);
		buf_done(&raw);
	}
}

static void unknown_formats_are_not_found(void **state)
{
	(void)state;
	assert_null(escaping_find("jsn", NULL));
	assert_null(escaping_find("", NULL));
	assert_null(escaping_find(NULL, NULL));
	for (const char *const *name = escaping_formats(); *name; name++)
		assert_non_null(escaping_find(*name, NULL));
}

/* Whatever the bytes, a JSON string of it parses; long ones too. */
static void every_json_escaping_makes_a_json_string_of_any_bytes(void **state)
{
	static const char *const targets[] = {NULL, "teams", "discord", "mattermost", "slack"};
	unsigned char bytes[10240];
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i < 512 ? i : (random = random * 1664525 + 1013904223) >> 24);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct buf out = {0};
		struct json *value = NULL;

		buf_add_char(&out, '"');
		escaping_find("json", targets[i])->escape(&out, (const char *)bytes, sizeof(bytes));
		buf_add_char(&out, '"');
		assert_null(json_parse(out.text, out.length, &value));
		json_destroy(value);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(html_replaces_what_could_open_a_tag_or_end_an_attribute),
	    cmocka_unit_test(slack_replaces_only_its_three_characters),
	    cmocka_unit_test(text_loses_control_characters_but_line_breaks_and_tabs),
	    cmocka_unit_test(csv_quotes_when_needed_and_disarms_formulas),
	    cmocka_unit_test(json_escapes_control_characters_and_replaces_what_is_no_utf8),
	    cmocka_unit_test(markdown_leaves_ordinary_text_alone),
	    cmocka_unit_test(markdown_is_escaped_where_it_would_show),
	    cmocka_unit_test(data_cannot_call_people),
	    cmocka_unit_test(pipes_are_mark_up_in_chats_and_not_on_cards),
	    cmocka_unit_test(json_templates_escape_for_their_target),
	    cmocka_unit_test(unknown_formats_are_not_found),
	    cmocka_unit_test(every_json_escaping_makes_a_json_string_of_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
