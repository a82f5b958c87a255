/* SPDX-License-Identifier: MIT */
/* Rendering a message: which template is taken, what becomes of a broken one, what fits a budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "render/fit.h"
#include "render/plain.h"
#include "render/preview.h"
#include "render/render.h"
#include "render/shorten.h"

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Two folders, `first` and `second`, below one that goes away with the test. */
struct bench {
	char root[32];
	char *folders[3];
	struct template_set *set;
	struct json *data, *bmad;
	struct rendered rendered;
};

static struct json *parse(const char *text)
{
	struct json *value;

	assert_null(json_parse(text, strlen(text), &value));
	return value;
}

static int set_up(void **state)
{
	struct bench *bench = mem_alloc(sizeof(*bench));

	strcpy(bench->root, "/tmp/bmad-render-XXXXXX");
	assert_non_null(mkdtemp(bench->root));
	bench->folders[0] = mem_format("%s/first", bench->root);
	bench->folders[1] = mem_format("%s/second", bench->root);
	for (size_t i = 0; i < 2; i++) {
		cleanup(free_text) char *module = mem_format("%s/zone", bench->folders[i]);

		assert_int_equal(mkdir(bench->folders[i], 0700), 0);
		assert_int_equal(mkdir(module, 0700), 0);
	}
	bench->set = template_set_create(
	    (const char *const[]){bench->folders[0], "/nowhere/at/all", bench->folders[1], NULL});
	bench->data = parse(
	    "{\"zone\":\"Z_1 *\",\"made\":41,\"rows\":[{\"st\":\"A\",\"n\":1},{\"st\":\"Long\",\"n\":22}]}");
	bench->bmad = parse("{\"id\":\"m1\",\"job\":\"zone1\",\"slot\":\"2026-11-20T10:05:00Z\"}");
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	cleanup(free_text) char *command = mem_format("rm -rf %s", bench->root);

	rendered_done(&bench->rendered);
	template_set_destroy(bench->set);
	json_destroy(bench->data);
	json_destroy(bench->bmad);
	free(bench->folders[0]);
	free(bench->folders[1]);
	free(bench);
	return system(command);
}

static void put(const struct bench *bench, const char *path, const char *text)
{
	cleanup(free_text) char *full = mem_format("%s/%s", bench->root, path);
	FILE *file = fopen(full, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct render_request request_for(const struct bench *bench, const char *type)
{
	return (struct render_request){.module = "zone",
	    .kind = "report",
	    .channel_type = type,
	    .data = bench->data,
	    .bmad = bench->bmad};
}

static const char *render(struct bench *bench, const struct render_request *request)
{
	rendered_done(&bench->rendered);
	render_message(bench->set, request, &bench->rendered);
	return bench->rendered.payload;
}

static const char *render_for(struct bench *bench, const char *type)
{
	struct render_request request = request_for(bench, type);

	return render(bench, &request);
}

/* The payload parses; the value is the caller's. */
static struct json *rendered_json(const struct bench *bench)
{
	assert_string_equal(bench->rendered.content_type, "application/json");
	return parse(bench->rendered.payload);
}

/* -- which template ----------------------------------------------------------------------------------- */

static void the_template_of_the_type_comes_before_the_plain_one_from_any_folder(void **state)
{
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "text {{zone}}");
	put(bench, "second/zone/report.teams.json.mustache", "{ \"t\" : \"{{zone}} {{bmad.job}}\" }\n");
	assert_string_equal(render_for(bench, "teams"), "{\"t\":\"Z_1 \\\\* zone1\"}");
	assert_string_equal(bench->rendered.content_type, "application/json");
	assert_false(bench->rendered.degraded);
	assert_null(bench->rendered.why);
	assert_string_equal(render_for(bench, "console"), "text Z_1 *");
	assert_string_equal(bench->rendered.content_type, "text/plain; charset=utf-8");
}

static void the_first_folder_wins(void **state)
{
	struct bench *bench = *state;

	put(bench, "second/zone/report.console.txt.mustache", "second");
	put(bench, "first/zone/report.console.txt.mustache", "first");
	put(bench, "first/zone/report.txt.mustache", "plain");
	assert_string_equal(render_for(bench, "console"), "first");
	assert_string_equal(render_for(bench, "file"), "plain");
}

static void a_job_can_name_another_stem(void **state)
{
	struct bench *bench = *state;
	struct render_request request = request_for(bench, "console");

	put(bench, "first/zone/board.txt.mustache", "board");
	request.stem = "board";
	assert_string_equal(render(bench, &request), "board");
	request.module = "other";
	request.stem = "zone/board";
	assert_string_equal(render(bench, &request), "board");
}

static void partials_come_in_the_format_of_the_template_first(void **state)
{
	struct bench *bench = *state;
	cleanup(free_text) char *shared = mem_format("%s/shared", bench->folders[1]);

	put(bench, "first/zone/report.webhook.json.mustache",
	    "{\"a\":{{>a}},\"b\":{{>b}},\"c\":{{>shared/c}}}");
	put(bench, "first/zone/a.json.mustache", "1");
	put(bench, "first/zone/a.mustache", "2");
	put(bench, "first/zone/b.mustache", "{{made}}");
	assert_int_equal(mkdir(shared, 0700), 0);
	put(bench, "second/shared/c.json.mustache", "\"{{zone}}\"");
	assert_string_equal(render_for(bench, "webhook"), "{\"a\":1,\"b\":41,\"c\":\"Z_1 *\"}");
}

/* -- plain frames ------------------------------------------------------------------------------------- */

static void without_templates_the_data_are_a_table(void **state)
{
	struct bench *bench = *state;

	assert_string_equal(
	    render_for(bench, "console"), "zone: Z_1 *\nmade: 41\nrows:\n  st    n\n  A     1\n  Long  22\n");
	assert_false(bench->rendered.degraded);
}

static void a_table_shows_every_kind_of_value(void **state)
{
	struct json *data = parse(
	    "{\"s\":\"two\\nlines\\u001b\",\"n\":null,\"b\":true,\"t\":95.5,\"e\":[],\"l\":[1,\"x\\ny\",[2]],"
	    "\"o\":{\"in\":{\"deep\":1},\"x\":{}},\"r\":[{\"a\":\"\xC3\xA9\xC3\xA9\"},{\"b\":{\"c\":1},\"a\":"
	    "\"x\"}]}");
	struct buf out = {0};

	(void)state;
	plain_table(data, &out);
	assert_string_equal(out.text,
	    "s: two\n  lines\nn: -\nb: true\nt: 95.5\ne: -\nl: 1, x y, [2]\n"
	    "o:\n  in:\n    deep: 1\n  x: {}\nr:\n  a   b\n  \xC3\xA9\xC3\xA9\n  x   {\"c\":1}\n");
	buf_done(&out);
	json_destroy(data);
}

static void teams_gets_a_card_with_a_block_for_each_line(void **state)
{
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "*{{zone}}*\n\na   b\n");
	render_for(bench, "teams");
	struct json *root = rendered_json(bench);
	const struct json *attachment = json_first(json_get(root, "attachments"));
	const struct json *card = json_get(attachment, "content"),
	                  *block = json_first(json_get(card, "body"));
	assert_string_equal(json_text(json_get(root, "type")), "message");
	assert_string_equal(
	    json_text(json_get(attachment, "contentType")), "application/vnd.microsoft.card.adaptive");
	assert_true(json_is(json_get(attachment, "contentUrl"), JSON_NULL));
	assert_string_equal(json_text(json_get(card, "type")), "AdaptiveCard");
	assert_string_equal(json_text(json_get(block, "text")), "\\*Z_1 \\*\\*");
	json_each(each, json_get(card, "body"))
		assert_true(json_true(json_get(each, "wrap")));
	assert_int_equal(json_length(json_get(card, "body")), 3);
	block = json_next(json_next(block));
	assert_string_equal(json_text(json_get(block, "text")), "a\xC2\xA0\xC2\xA0 b");
	json_destroy(root);
	assert_false(bench->rendered.degraded);
}

static void a_webhook_gets_the_envelope_with_the_text_there_is(void **state)
{
	struct bench *bench = *state;

	assert_string_equal(render_for(bench, "webhook"),
	    "{\"id\":\"m1\",\"type\":\"bmad.report\",\"job\":\"zone1\",\"slot\":\"2026-11-20T10:05:00Z\","
	    "\"data\":{\"zone\":"
	    "\"Z_1 *\",\"made\":41,\"rows\":[{\"st\":\"A\",\"n\":1},{\"st\":\"Long\",\"n\":22}]}}");
	put(bench, "first/zone/alert.txt.mustache", "at {{zone}}");
	struct render_request request = request_for(bench, "webhook");
	request.kind = "alert";
	render(bench, &request);
	struct json *root = rendered_json(bench);
	assert_string_equal(json_text(json_get(root, "text")), "at Z_1 *");
	assert_string_equal(json_text(json_get(root, "type")), "bmad.alert");
	json_destroy(root);
}

static void a_webhook_may_want_the_data_alone(void **state)
{
	struct bench *bench = *state;
	struct render_request request = request_for(bench, "webhook");
	cleanup(free_text) char *expected = json_print(bench->data);

	put(bench, "first/zone/report.webhook.json.mustache", "{}");
	request.body_data = true;
	assert_string_equal(render(bench, &request), expected);
}

static void each_chat_gets_its_own_frame(void **state)
{
	static const struct {
		const char *type, *expected;
	} rows[] = {
	    {"slack", "{\"text\":\"*a* &lt;b&gt;\",\"unfurl_links\":false,\"unfurl_media\":false}"},
	    {"mattermost", "{\"text\":\"\\\\*a\\\\* \\\\<b>\"}"},
	    {"discord", "{\"content\":\"\\\\*a\\\\* \\\\<b>\",\"allowed_mentions\":{\"parse\":[]}}"},
	    {"sms", "*a* <b>"},
	    {"unheard_of", "*a* <b>"},
	};
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "*a* <b>");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(render_for(bench, rows[i].type), rows[i].expected);
	render_for(bench, "pagerduty");
	struct json *root = rendered_json(bench);
	const struct json *payload = json_get(root, "payload");
	assert_string_equal(json_text(json_get(payload, "summary")), "*a* <b>");
	assert_true(json_equal(json_get(payload, "custom_details"), bench->data));
	json_destroy(root);
}

/* -- broken templates --------------------------------------------------------------------------------- */

static void check_degraded(struct bench *bench, const char *template, const char *why)
{
	put(bench, "first/zone/report.teams.json.mustache", template);
	template_set_destroy(bench->set);
	bench->set = template_set_create((const char *const[]){bench->folders[0], NULL});
	render_for(bench, "teams");
	const char *end = bench->rendered.why;
	assert_true(bench->rendered.degraded);
	assert_non_null(end);
	if (!strstr(end, "first/zone/report.teams.json.mustache") || !strstr(end, why))
		fail_msg("%s", end);
	struct json *root = rendered_json(bench);
	assert_string_equal(json_text(json_get(root, "type")), "message");
	assert_non_null(strstr(bench->rendered.payload, "the text"));
	json_destroy(root);
}

static void a_broken_template_makes_the_message_plain_and_says_why(void **state)
{
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "the text");
	check_degraded(bench, "{\n{{#a}}", ".mustache:2:1: this section is not closed");
	check_degraded(bench, "{{>nowhere}}", "no partial 'nowhere'");
	check_degraded(bench, "{{>../../secret}}", "outside the folder of templates");
	check_degraded(bench, "{\"a\":{{zone}}}", "rendered JSON: ");
	check_degraded(bench, "{\"a\":1,}", "rendered JSON: ");
	check_degraded(bench, "{{#rows}}{{>again}}{{/rows}}", "no partial 'again'");
	put(bench, "first/zone/again.mustache", "{{>again}}");
	check_degraded(bench, "{{>again}}", "partials nest more than 64 deep");
}

static void a_broken_text_template_leaves_the_table(void **state)
{
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "{{/x}}");
	assert_memory_equal(render_for(bench, "console"), "zone: Z_1 *\n", 12);
	assert_true(bench->rendered.degraded);
	assert_non_null(strstr(bench->rendered.why, "report.txt.mustache:1:1: "));
}

static void a_template_that_cannot_be_read_is_told(void **state)
{
	struct bench *bench = *state;
	cleanup(free_text) char *path = mem_format("%s/zone/report.teams.json.mustache", bench->folders[0]);

	assert_int_equal(mkdir(path, 0700), 0);
	render_for(bench, "teams");
	assert_true(bench->rendered.degraded);
	assert_non_null(strstr(bench->rendered.why, "Is a directory"));
}

/* -- budgets ------------------------------------------------------------------------------------------ */

static void add_rows(struct bench *bench, int count)
{
	struct json *rows = json_array();

	for (int i = 0; i < count; i++)
		json_set_string(json_add_object(rows), "name", "Zo\xC3\xAB \"quoted\" <at>x</at>");
	json_set(bench->data, "rows", rows);
}

static void over_the_budget_the_last_rows_go_and_are_counted(void **state)
{
	struct bench *bench = *state;
	char told[64];

	add_rows(bench, 2000);
	put(bench, "first/zone/report.teams.json.mustache",
	    "{\"type\":\"AdaptiveCard\",\"body\":[{\"type\":\"TextBlock\",\"text\":\"head\"}"
	    "{{#rows}},{\"type\":\"TextBlock\",\"text\":\"{{name}}\"}{{/rows}}]}");
	render_for(bench, "teams");
	assert_false(bench->rendered.degraded);
	assert_in_range(strlen(bench->rendered.payload), 19000, 20000);
	assert_in_range(bench->rendered.left_out, 1000, 2000);
	snprintf(told, sizeof(told), "\xE2\x80\xA6 and %zu more", bench->rendered.left_out);
	assert_non_null(strstr(bench->rendered.payload, told));
	struct json *root = rendered_json(bench);
	assert_string_equal(json_text(json_get(json_first(json_get(root, "body")), "text")), "head");
	assert_int_equal(json_length(json_get(root, "body")), 1 + 2000 - bench->rendered.left_out + 1);
	json_destroy(root);
}

static void a_body_that_is_shortened_again_tells_of_all_that_was_left_out(void **state)
{
	struct bench *bench = *state;
	size_t left_out = 0, length;
	char told[64];

	add_rows(bench, 2000);
	put(bench, "first/zone/report.teams.json.mustache",
	    "{\"type\":\"AdaptiveCard\",\"body\":[{\"type\":\"TextBlock\",\"text\":\"head\"}"
	    "{{#rows}},{\"type\":\"TextBlock\",\"text\":\"{{name}}\"}{{/rows}}]}");
	render_for(bench, "teams");
	length = strlen(bench->rendered.payload);
	cleanup(free_text) char *half =
	    fit_again("teams", bench->rendered.payload, length, length / 2, &left_out);
	assert_in_range(strlen(half), length / 3, length / 2);
	snprintf(told, sizeof(told), "\xE2\x80\xA6 and %zu more", bench->rendered.left_out + left_out);
	assert_non_null(strstr(half, told));
	snprintf(told, sizeof(told), "\xE2\x80\xA6 and %zu more", bench->rendered.left_out);
	assert_null(strstr(half, told));
}

static void what_is_for_machines_or_has_nothing_to_lose_is_not_shortened_again(void **state)
{
	static const char long_text[] =
	    "{\"text\":\"a text that is long enough to be shortened, were it for people to read\"}";
	size_t left_out = 0;

	(void)state;
	assert_null(fit_again("webhook", long_text, strlen(long_text), 40, &left_out));
	assert_null(fit_again("slack", "{\"text\":\"short\"}", 16, 8, &left_out));
	assert_null(fit_again("slack", "no JSON", 7, 3, &left_out));
	cleanup(free_text) char *shorter = fit_again("slack", long_text, strlen(long_text), 60, &left_out);
	assert_in_range(strlen(shorter), 30, 60);
}

static void one_huge_value_does_not_cost_the_others(void **state)
{
	struct bench *bench = *state;
	struct buf huge = {0};

	for (size_t i = 0; i < 1000000; i++)
		buf_add_char(&huge, "\"\\x "[i % 4]);
	json_set_string(bench->data, "zone", huge.text);
	put(bench, "first/zone/report.teams.json.mustache",
	    "{\"type\":\"AdaptiveCard\",\"body\":[{\"type\":\"TextBlock\",\"text\":\"{{zone}}\"},"
	    "{\"type\":\"TextBlock\",\"text\":\"made {{made}}\"}]}");
	render_for(bench, "teams");
	assert_false(bench->rendered.degraded);
	assert_in_range(strlen(bench->rendered.payload), 10000, 20000);
	assert_non_null(strstr(bench->rendered.payload, "made 41"));
	assert_non_null(strstr(bench->rendered.payload, "\xE2\x80\xA6\""));
	json_destroy(rendered_json(bench));
	buf_done(&huge);
}

static void what_nothing_can_shorten_goes_out_as_text(void **state)
{
	struct bench *bench = *state;
	struct buf keys = {0};

	buf_add_text(&keys, "{\"type\":\"AdaptiveCard\"");
	for (size_t i = 0; i < 3000; i++)
		buf_format(&keys, ",\"key%zu\":1", i);
	buf_add_char(&keys, '}');
	put(bench, "first/zone/report.teams.json.mustache", keys.text);
	put(bench, "first/zone/report.txt.mustache", "the text");
	render_for(bench, "teams");
	assert_true(bench->rendered.degraded);
	assert_non_null(strstr(bench->rendered.why, "too much for teams"));
	assert_non_null(strstr(bench->rendered.payload, "the text"));
	buf_done(&keys);
}

static void check_shortened(const char *text, size_t most, const char *expected)
{
	size_t left_out;
	cleanup(free_text) char *got = shorten(text, most, UNIT_UTF16, "\xE2\x80\xA6", &left_out);

	if (strcmp(got, expected) != 0)
		fail_msg("%zu: `%s` is not `%s`", most, got, expected);
	assert_true(text_units(got, UNIT_UTF16) <= most);
}

static void a_text_is_cut_between_whole_characters(void **state)
{
	/* e with an accent, a family joined of three, a waving hand with a skin tone, two flags */
	const char *text =
	    "ae\xCC\x81 \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7 "
	    "\xF0\x9F\x91\x8B\xF0\x9F\x8F\xBD "
	    "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7 and so on";
	static const size_t wholes[] = {0, 1, 4, 23, 32, 41, 49};

	(void)state;
	for (size_t most = 1; most < 30; most++) {
		size_t left_out;
		cleanup(free_text) char *got = shorten(text, most, UNIT_UTF16, "\xE2\x80\xA6", &left_out);
		size_t kept = strlen(got) - strlen("\xE2\x80\xA6");
		bool whole = kept > 49;

		assert_true(text_units(got, UNIT_UTF16) <= most);
		assert_true(utf8_valid(got, strlen(got)));
		assert_memory_equal(got, text, kept);
		for (size_t i = 0; i < ARRAY_SIZE(wholes); i++)
			whole = whole || kept == wholes[i];
		if (!whole)
			fail_msg("%zu: cut at %zu", most, kept);
	}
}

static void no_cut_leaves_half_an_escape_or_link(void **state)
{
	(void)state;
	check_shortened("ab\\*cd", 4, "ab\xE2\x80\xA6");
	check_shortened("ab\\\\cd", 5, "ab\\\\\xE2\x80\xA6");
	check_shortened("a &amp; bcd", 6, "a\xE2\x80\xA6");
	check_shortened("a <https://example.org|log> b", 12, "a\xE2\x80\xA6");
	check_shortened("a < b and c", 8, "a < b a\xE2\x80\xA6");
	check_shortened("see [the log](https://example.org/x) now", 25, "see\xE2\x80\xA6");
	check_shortened("exactly", 7, "exactly");
}

static void of_many_lines_whole_ones_are_left_out(void **state)
{
	(void)state;
	check_shortened("one 1\ntwo 2\nthree 3\nfour 4\nfive 5\nsix 6\nseven 7", 40,
	    "one 1\ntwo 2\nthree 3\n\xE2\x80\xA6 and 4 more");
	check_shortened("```\none 1\ntwo 2\nthree 3\nfour 4\nfive 5\nsix 6\n```", 40,
	    "```\none 1\ntwo 2\nthree 3\n```\n\xE2\x80\xA6 and 3 more");
}

static void limits_hold_where_they_stand(void **state)
{
	struct bench *bench = *state;

	add_rows(bench, 120);
	put(bench, "first/zone/report.slack.json.mustache",
	    "{\"blocks\":[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"{{#rows}}{{name}}"
	    " "
	    "{{/"
	    "rows}}\"}}{{#rows}},{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"{{name}}\"}}{"
	    "{/rows}}]}");
	render_for(bench, "slack");
	struct json *root = rendered_json(bench);
	const struct json *blocks = json_get(root, "blocks"), *header = json_first(blocks);
	assert_int_equal(json_length(blocks), 50);
	assert_true(text_units(json_text(json_get(json_get(header, "text"), "text")), UNIT_UTF16) <= 150);
	assert_non_null(strstr(bench->rendered.payload, "\xE2\x80\xA6 and 72 more"));
	assert_non_null(json_text(json_get(root, "text")));
	json_destroy(root);
}

static void a_text_message_has_its_limit_in_characters(void **state)
{
	struct bench *bench = *state;
	struct buf text = {0};

	for (size_t i = 0; i < 900; i++)
		buf_add_text(&text, "\xE2\x80\x9C\xF0\x9F\x98\x80 "); /* a curly quote, a face of two units */
	put(bench, "first/zone/report.txt.mustache", text.text);
	render_for(bench, "sms");
	assert_in_range(text_units(bench->rendered.payload, UNIT_UTF16), 1595, 1600);
	assert_memory_equal(bench->rendered.payload, "\"\xF0\x9F\x98\x80 \"", 7);
	assert_string_equal(bench->rendered.payload + strlen(bench->rendered.payload) - 3, "...");
	buf_done(&text);
}

static void an_event_gives_up_its_details_before_its_summary(void **state)
{
	struct bench *bench = *state;

	add_rows(bench, 30000);
	render_for(bench, "pagerduty");
	assert_true(strlen(bench->rendered.payload) < 512 * 1024);
	struct json *root = rendered_json(bench);
	assert_null(json_get(json_get(root, "payload"), "custom_details"));
	assert_string_equal(json_text(json_get(json_get(root, "payload"), "summary")), "zone: Z_1 *");
	json_destroy(root);
}

/* -- dressed ------------------------------------------------------------------------------------------ */

static void an_event_is_triggered_or_resolved_by_what_it_is_about(void **state)
{
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "down");
	json_set_string(bench->bmad, "alert", "zone1|down");
	json_set_string(bench->bmad, "severity", "critical");
	json_set_string(bench->bmad, "node", "plant1");
	assert_string_equal(render_for(bench, "pagerduty"),
	    "{\"payload\":{\"summary\":\"down\",\"custom_details\":{\"zone\":\"Z_1 "
	    "*\",\"made\":41,\"rows\":[{\"st\":"
	    "\"A\",\"n\":1},{\"st\":\"Long\",\"n\":22}]},\"source\":\"plant1\",\"severity\":\"critical\"},"
	    "\"event_action\":\"trigger\",\"dedup_key\":\"zone1|down\",\"client\":\"bmad\"}");
	json_set_bool(bench->bmad, "clear", true);
	assert_non_null(strstr(render_for(bench, "pagerduty"), "\"event_action\":\"resolve\""));
}

static void a_long_alert_keeps_what_tells_it_from_others(void **state)
{
	struct bench *bench = *state;
	char name[400];

	memset(name, 'k', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	json_set_string(bench->bmad, "alert", name);
	render_for(bench, "pagerduty");
	struct json *one = rendered_json(bench);
	name[sizeof(name) - 2] = 'x';
	json_set_string(bench->bmad, "alert", name);
	render_for(bench, "pagerduty");
	struct json *other = rendered_json(bench);
	assert_true(strlen(json_text(json_get(one, "dedup_key"))) <= 255);
	assert_string_not_equal(
	    json_text(json_get(one, "dedup_key")), json_text(json_get(other, "dedup_key")));
	json_destroy(one);
	json_destroy(other);
}

static void each_chat_addresses_in_its_own_way(void **state)
{
	static const char *const ids[] = {"U1", "S2", "here"}, *const numbers[] = {"7", "&8", "everyone"},
	                         *const names[] = {"ana@example.com"};
	static const struct {
		const char *type;
		struct texts ids;
		const char *expected;
	} rows[] = {
	    {"slack", {ids, 3}, "\"text\":\"<@U1> <!subteam^S2> <!here>\\nbad\""},
	    {"discord", {numbers, 3}, "\"content\":\"<@7> <@&8> @everyone\\nbad\""},
	    {"discord", {numbers, 3}, "{\"parse\":[\"everyone\"],\"users\":[\"7\"],\"roles\":[\"8\"]}"},
	    {"mattermost", {names, 1}, "\"text\":\"@ana@example.com\\nbad\""},
	    {"teams", {names, 1}, "\"text\":\"<at>ana@example.com</at>\""},
	    {"teams", {names, 1}, "\"mentioned\":{\"id\":\"ana@example.com\",\"name\":\"ana@example.com\"}"},
	};
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "bad");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct render_request request = request_for(bench, rows[i].type);

		request.mention = rows[i].ids;
		if (!strstr(render(bench, &request), rows[i].expected))
			fail_msg("%s: %s", rows[i].type, bench->rendered.payload);
	}
}

static void a_redirected_message_says_where_it_was_to_go(void **state)
{
	static const char *const types[] = {
	    "teams", "slack", "discord", "mattermost", "pagerduty", "sms", "console"};
	struct bench *bench = *state;

	put(bench, "first/zone/report.txt.mustache", "bad");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct render_request request = request_for(bench, types[i]);

		request.meant_for = "lead";
		if (!strstr(render(bench, &request), "[redirected: meant for channel lead]"))
			fail_msg("%s: %s", types[i], bench->rendered.payload);
	}
}

/* -- previews ----------------------------------------------------------------------------------------- */

static void a_preview_shows_what_the_reader_of_a_chat_sees(void **state)
{
	static const struct {
		const char *type, *body, *expected;
	} rows[] = {
	    {"teams",
	        "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"x\",\"content\":{\"type\":"
	        "\"AdaptiveCard\",\"body\":["
	        "{\"type\":\"TextBlock\",\"text\":\"a "
	        "\\\\*b\\\\*\"},{\"type\":\"FactSet\",\"facts\":[{\"title\":\"Host\",\"value\":"
	        "\"db1\"}]},{\"type\":\"Table\",\"rows\":[{\"type\":\"TableRow\",\"cells\":[{\"items\":[{"
	        "\"text\":\"1\"}]},"
	        "{\"items\":[{\"text\":\"2\"}]}]}]}]}}]}",
	        "a *b*\nHost: db1\n1  2\n"},
	    {"slack",
	        "{\"text\":\"all\",\"blocks\":[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\","
	        "\"text\":\"a &lt; b\"}}]}",
	        "a < b\n"},
	    {"discord",
	        "{\"content\":\"c\",\"embeds\":[{\"title\":\"t\",\"color\":1,\"fields\":[{\"name\":\"n\","
	        "\"value\":\"v\"}]}]}",
	        "c\nt\nn: v\n"},
	    {"pagerduty",
	        "{\"event_action\":\"trigger\",\"payload\":{\"summary\":\"s\",\"custom_details\":{\"k\":[1]}}"
	        "}",
	        "trigger\ns\nk: [1]\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *body = parse(rows[i].body);
		struct buf out = {0};

		assert_true(preview_add(&out, rows[i].type, body));
		assert_string_equal(buf_text(&out), rows[i].expected);
		assert_false(preview_add(&out, "webhook", body));
		buf_done(&out);
		json_destroy(body);
	}
}

/* -- hostile values ----------------------------------------------------------------------------------- */

static void any_value_comes_through_a_json_template_as_it_is(void **state)
{
	static const char *const values[] = {
	    "\"},{\"x\":\"",
	    "a\r\nb\\",
	    "\xF0\x9F\x98\x80\xE2\x80\xAE txet",
	    "{{zone}}{{#rows}}",
	    "\x01\x7f",
	    "' <!channel> &amp;",
	};
	struct bench *bench = *state;
	struct buf huge = {0};

	put(bench, "first/zone/report.webhook.json.mustache", "{\"v\":\"{{zone}}\",\"raw\":\"{{{zone}}}\"}");
	for (size_t i = 0; i < 10240; i++)
		buf_add_char(&huge, "\"\\\n x"[i % 5]);
	for (size_t i = 0; i <= ARRAY_SIZE(values); i++) {
		const char *value = i < ARRAY_SIZE(values) ? values[i] : huge.text;

		json_set_string(bench->data, "zone", value);
		render_for(bench, "webhook");
		assert_false(bench->rendered.degraded);
		struct json *root = rendered_json(bench);
		assert_string_equal(json_text(json_get(root, "v")), value);
		assert_string_equal(json_text(json_get(root, "raw")), value);
		json_destroy(root);
		json_destroy((render_for(bench, "teams"), rendered_json(bench)));
		json_destroy((render_for(bench, "discord"), rendered_json(bench)));
	}
	buf_done(&huge);
}

/* -- check, and a file alone -------------------------------------------------------------------------- */

static void collect(void *arg, struct err *e)
{
	buf_format(arg, "%s\n", err_text(e));
	err_destroy(e);
}

static void check_tells_every_fault_of_a_module(void **state)
{
	struct bench *bench = *state;
	struct buf faults = {0};

	put(bench, "first/zone/a.txt.mustache", "{{#x}}");
	put(bench, "first/zone/b.teams.jsn.mustache", "{}");
	put(bench, "first/zone/board.row.mustache", "fine");
	put(bench, "first/zone/c.txt.mustache", "{{>board.row}}");
	put(bench, "first/zone/notes", "{{#no template");
	put(bench, "second/zone/d.json.mustache", "{{>x}}");
	assert_int_equal(template_set_check(bench->set, "zone", collect, &faults), 5);
	assert_non_null(
	    strstr(faults.text, "first/zone/a.txt.mustache:1:1: this section is not closed: 'x'\n"));
	assert_non_null(
	    strstr(faults.text, "b.teams.jsn.mustache: unknown format 'jsn'; expected html, json"));
	assert_non_null(strstr(faults.text, "no partial 'x': neither x.json.mustache nor x.mustache in "));
	size_t lines = 0;
	for (size_t i = 0; i < faults.length; i++)
		lines += faults.text[i] == '\n';
	assert_int_equal(lines, 3);
	assert_int_equal(template_set_check(bench->set, "nowhere", collect, &faults), 0);
	buf_done(&faults);
}

static void check_load_fault(const struct bench *bench, const char *name, const char *expected)
{
	cleanup(free_text) char *path = mem_format("%s/%s", bench->root, name);
	const struct escaping *escaping;
	struct template *template;
	struct err *e = template_load(path, NULL, &template, &escaping);

	assert_non_null(e);
	assert_int_equal(err_kind(e), ERR_CONFIG);
	if (!strstr(err_text(e), expected))
		fail_msg("%s", err_text(e));
	err_destroy(e);
}

static void a_file_alone_takes_its_format_from_its_name(void **state)
{
	struct bench *bench = *state;
	cleanup(free_text) char *path = mem_format("%s/x.slack.json.mustache", bench->folders[0]);
	const struct escaping *escaping;
	struct template *template;
	struct buf out = {0};

	put(bench, "first/x.slack.json.mustache", "\"{{zone}}{{>gone}}{{>p}}\"");
	put(bench, "second/p.json.mustache", "!");
	assert_null(template_load(path, bench->folders[1], &template, &escaping));
	json_set_string(bench->data, "zone", "<&\"");
	const struct json *root = bench->data;
	assert_null(template_render(template, &root, 1, escaping, 1000, &out));
	assert_string_equal(out.text, "\"&lt;&amp;\\\"!\"");
	buf_done(&out);
	template_destroy(template);
	check_load_fault(bench, "none.html.mustache", "none.html.mustache: no such file");
	check_load_fault(bench, "x.mustache", "expected a name like report.html.mustache");
	check_load_fault(bench, "x.html", "expected a name like report.html.mustache");
	check_load_fault(
	    bench, "x.pdf.mustache", "unknown format 'pdf'; expected html, json, txt, slack or csv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_template_of_the_type_comes_before_the_plain_one_from_any_folder),
	    CASE(the_first_folder_wins),
	    CASE(a_job_can_name_another_stem),
	    CASE(partials_come_in_the_format_of_the_template_first),
	    CASE(without_templates_the_data_are_a_table),
	    CASE(a_table_shows_every_kind_of_value),
	    CASE(teams_gets_a_card_with_a_block_for_each_line),
	    CASE(a_webhook_gets_the_envelope_with_the_text_there_is),
	    CASE(a_webhook_may_want_the_data_alone),
	    CASE(each_chat_gets_its_own_frame),
	    CASE(a_broken_template_makes_the_message_plain_and_says_why),
	    CASE(a_broken_text_template_leaves_the_table),
	    CASE(a_template_that_cannot_be_read_is_told),
	    CASE(over_the_budget_the_last_rows_go_and_are_counted),
	    CASE(a_body_that_is_shortened_again_tells_of_all_that_was_left_out),
	    CASE(what_is_for_machines_or_has_nothing_to_lose_is_not_shortened_again),
	    CASE(one_huge_value_does_not_cost_the_others),
	    CASE(what_nothing_can_shorten_goes_out_as_text),
	    CASE(a_text_is_cut_between_whole_characters),
	    CASE(no_cut_leaves_half_an_escape_or_link),
	    CASE(of_many_lines_whole_ones_are_left_out),
	    CASE(limits_hold_where_they_stand),
	    CASE(a_text_message_has_its_limit_in_characters),
	    CASE(an_event_gives_up_its_details_before_its_summary),
	    CASE(an_event_is_triggered_or_resolved_by_what_it_is_about),
	    CASE(a_long_alert_keeps_what_tells_it_from_others),
	    CASE(each_chat_addresses_in_its_own_way),
	    CASE(a_redirected_message_says_where_it_was_to_go),
	    CASE(a_preview_shows_what_the_reader_of_a_chat_sees),
	    CASE(any_value_comes_through_a_json_template_as_it_is),
	    CASE(check_tells_every_fault_of_a_module),
	    CASE(a_file_alone_takes_its_format_from_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
