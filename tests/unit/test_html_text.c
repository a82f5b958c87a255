/* SPDX-License-Identifier: MIT */
/* Text from HTML, and data as an HTML page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "render/html_text.h"

static void html_becomes_what_it_says(void **state)
{
	static const struct {
		const char *html, *text;
	} rows[] = {
	    {"", ""},
	    {"plain", "plain\n"},
	    {"<p>one</p><p>two\n  words</p>", "one\n\ntwo words\n"},
	    {"a<br>b<BR/>c", "a\nb\nc\n"},
	    {"<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td> 2 </td></tr></table>", "A  B\n1  2\n"},
	    {"<ul><li>x</li><li>y</li></ul>", "- x\n- y\n"},
	    {"<a href=\"https://x.example/?a=1&amp;b\">board</a>", "board (https://x.example/?a=1&b)\n"},
	    {"<a href=\"https://x.example/\">https://x.example/</a>", "https://x.example/\n"},
	    {"<a href=\"#top\">up</a>", "up\n"},
	    {"<img src=\"cid:x\" alt=\"a chart\">", "a chart\n"},
	    {"<img src=\"cid:x\">", ""},
	    {"<html><head><title>t</title><style>p{}</style></head><body>b</body></html>", "b\n"},
	    {"a<script>if (a < b) x('</p>')</script>b", "ab\n"},
	    {"<!-- no --!>x --> y", "y\n"},
	    {"&lt;b&gt; &amp;amp; &#233;&#x1F600;&nbsp;&quot;", "<b> &amp; \xc3\xa9\xf0\x9f\x98\x80 \"\n"},
	    {"AT&T &unknown; &#0; &#xD800; &", "AT&T &unknown; &#0; &#xD800; &\n"},
	    {"<pre>a  b\n  c</pre>d", "a  b\n  c\nd\n"},
	    {"<td title=\"a > b\">x</td>", "x\n"},
	    {"open <b", "open\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(buf_done) struct buf out = {0};

		html_text(rows[i].html, &out);
		if (strcmp(buf_text(&out), rows[i].text) != 0)
			fail_msg("%s\n%s\ninstead of\n%s", rows[i].html, buf_text(&out), rows[i].text);
	}
}

static void data_become_tables_and_no_markup(void **state)
{
	const char *text = "{\"n\": null, \"rows\": [{\"a\": 1, \"b\": \"<x>\"}, {\"c\": [1, 2]}], \"o\": {\"k\": true}}";
	cleanup(buf_done) struct buf html = {0}, back = {0};
	struct json *data;

	(void)state;
	assert_null(json_parse(text, strlen(text), &data));
	plain_html("T & <t>", data, &html);
	json_destroy(data);
	assert_non_null(strstr(buf_text(&html), "T &amp; &lt;t&gt;"));
	assert_null(strstr(buf_text(&html), "<x>"));
	html_text(buf_text(&html), &back);
	assert_non_null(strstr(buf_text(&back), "a  b  c\n1  <x>"));
	assert_non_null(strstr(buf_text(&back), "[1,2]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(html_becomes_what_it_says),
	    cmocka_unit_test(data_become_tables_and_no_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
