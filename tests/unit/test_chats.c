/* SPDX-License-Identifier: MIT */
/* The chats, PagerDuty and texts: what goes on the wire, and what their answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "render/gsm.h"
#include "send/channels.h"
#include "send/phone.h"

static const struct conf_channel channel = {.name = "c", .in_flight = 1, .allow_http = true};

static const struct outgoing note = {
    .id = "0193-aaaa",
    .channel = "c",
    .lane = "",
    .kind = "report",
    .key = "k",
    .to = "",
    .subject = "",
    .content_type = "application/json",
    .payload = "{\"text\":\"x\"}",
    .payload_length = 12,
};

struct options {
	const struct channel_type *type;
	char *bytes;
};

static void *place(struct options *options, const char *name)
{
	for (const struct option *option = options->type->options; option->name; option++)
		if (!strcmp(option->name, name))
			return options->bytes + option->offset;
	fail_msg("no option %s", name);
	return NULL;
}

/* Options as the configuration fills them: defaults, and an address where there is a key for it. */
static struct options options_of(const char *type, struct arena *arena)
{
	struct options options = {.type = channel_type_find(type)};

	assert_non_null(options.type);
	options.bytes = arena_alloc(arena, options.type->options_size);
	for (const struct option *option = options.type->options; option->name; option++) {
		if (option->type == OPT_TEXT)
			*(const char **)(void *)(options.bytes + option->offset) = option->fallback;
		if (option->type == OPT_DURATION)
			*(int64_t *)(void *)(options.bytes + option->offset) = -1;
		if (option->type == OPT_SECRET)
			((struct secret *)(void *)(options.bytes + option->offset))->hidden =
			    "https://example.org/hook";
	}
	return options;
}

static void compose(
    struct options *options, const struct outgoing *message, struct arena *arena, struct wire_request *out)
{
	struct err *e = options->type->compose(&channel, options->bytes, message, 1000, arena, out);

	if (e)
		fail_msg("%s", err_text(e));
}

/* -- answers ------------------------------------------------------------------------------------------ */

static struct classification classify(
    const char *type, long status, const char *body, bool complete, struct arena *arena)
{
	struct options options = options_of(type, arena);
	struct wire_answer answer = {
	    .status = status,
	    .body = body,
	    .body_length = strlen(body),
	    .complete = complete,
	    .request_sent = true,
	    .retry_after_ms = -1,
	    .used_up_ms = -1,
	};
	struct classification judged;

	options.type->classify(&channel, options.bytes, &answer, arena, &judged);
	return judged;
}

static const struct {
	const char *type;
	long status;
	const char *body;
	enum verdict verdict;
	bool for_good;
} answers[] = {
    {"teams", 202, "", VERDICT_DELIVERED, false},
    {"teams", 200, "1", VERDICT_DELIVERED, false},
    {"teams", 200, "{\"id\":1}", VERDICT_DELIVERED, false},
    {"teams", 200,
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with "
        "ContextId x",
        VERDICT_LATER, false},
    {"teams", 200, "... returned HTTP error 413 with ...", VERDICT_REJECTED, false},
    {"teams", 200, "<html>log in</html>", VERDICT_LATER, false},
    {"teams", 400, "{\"error\":{\"code\":\"WorkflowTriggerIsNotEnabled\"}}", VERDICT_GONE, false},
    {"teams", 400, "{\"error\":{\"code\":\"InvalidRequestContent\"}}", VERDICT_REJECTED, false},
    {"teams", 404, "{\"error\":{\"code\":\"WorkflowNotFound\"}}", VERDICT_GONE, false},
    {"slack", 200, "ok", VERDICT_DELIVERED, false},
    {"slack", 200, "ok\n", VERDICT_DELIVERED, false},
    {"slack", 200, "{\"ok\":true}", VERDICT_DELIVERED, false},
    {"slack", 200, "{\"ok\":false,\"error\":\"ratelimited\"}", VERDICT_LATER, false},
    {"slack", 200, "{\"ok\":false,\"error\":\"invalid_blocks\"}", VERDICT_REJECTED, false},
    {"slack", 200, "{\"ok\":false,\"error\":\"channel_not_found\"}", VERDICT_GONE, false},
    {"slack", 200, "<html>", VERDICT_LATER, false},
    {"slack", 400, "invalid_payload", VERDICT_REJECTED, false},
    {"slack", 403, "action_prohibited", VERDICT_GONE, false},
    {"slack", 404, "no_service", VERDICT_GONE, true},
    {"slack", 410, "channel_is_archived", VERDICT_GONE, true},
    {"slack", 500, "rollup_error", VERDICT_LATER, false},
    {"discord", 200, "{\"id\":\"7\"}", VERDICT_DELIVERED, false},
    {"discord", 204, "", VERDICT_DELIVERED, false},
    {"discord", 200, "{\"message\":\"oops\"}", VERDICT_LATER, false},
    {"discord", 404, "{\"code\":10015}", VERDICT_GONE, true},
    {"discord", 401, "{\"code\":50027}", VERDICT_GONE, true},
    {"discord", 400, "{\"code\":50006}", VERDICT_REJECTED, false},
    {"mattermost", 200, "ok", VERDICT_DELIVERED, false},
    {"mattermost", 200, "{\"id\":\"x\",\"status_code\":500}", VERDICT_LATER, false},
    {"mattermost", 200, "{\"id\":\"web.incoming_webhook.invalid.app_error\",\"status_code\":400}",
        VERDICT_GONE, false},
    {"mattermost", 400, "{\"id\":\"web.incoming_webhook.invalid.app_error\"}", VERDICT_GONE, false},
    {"mattermost", 400, "{\"id\":\"web.incoming_webhook.text.app_error\"}", VERDICT_REJECTED, false},
    {"mattermost", 501, "{\"id\":\"x\"}", VERDICT_GONE, false},
    {"pagerduty", 202, "{\"status\":\"success\",\"dedup_key\":\"d\"}", VERDICT_DELIVERED, false},
    {"pagerduty", 202, "{\"status\":\"invalid event\"}", VERDICT_REJECTED, false},
    {"pagerduty", 200, "welcome", VERDICT_LATER, false},
    {"pagerduty", 400, "{\"status\":\"invalid event\"}", VERDICT_REJECTED, false},
    {"sms", 201, "{\"sid\":\"SM1\",\"status\":\"queued\"}", VERDICT_DELIVERED, false},
    {"sms", 201, "{\"sid\":\"SM1\",\"status\":\"failed\",\"error_code\":30006}", VERDICT_REJECTED, false},
    {"sms", 400, "{\"code\":21610}", VERDICT_REJECTED, false},
    {"sms", 200, "{\"code\":21610}", VERDICT_REJECTED, false},
    {"sms", 400, "{\"code\":21606}", VERDICT_GONE, false},
    {"sms", 401, "{\"code\":20003}", VERDICT_GONE, false},
    {"sms", 429, "{\"code\":20429}", VERDICT_LATER, false},
    {"sms", 400, "{\"code\":21611}", VERDICT_LATER, false},
    {"sms", 200, "ERROR: no credit", VERDICT_DELIVERED, false},
};

static void an_answer_means_what_its_body_says(void **state)
{
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct classification judged =
		    classify(answers[i].type, answers[i].status, answers[i].body, true, &arena);

		if (judged.verdict != answers[i].verdict || judged.for_good != answers[i].for_good)
			fail_msg("%s %ld %s: verdict %d, for good %d", answers[i].type, answers[i].status,
			    answers[i].body, (int)judged.verdict, judged.for_good);
	}
}

static void of_a_body_that_was_cut_the_status_decides(void **state)
{
	static const char *const types[] = {"teams", "slack", "discord", "mattermost", "pagerduty", "sms"};
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(
		    classify(types[i], 200, "{\"ok\":fal", false, &arena).verdict, VERDICT_DELIVERED);
}

static void what_the_provider_calls_a_message_is_kept(void **state)
{
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	assert_string_equal(classify("discord", 200, "{\"id\":\"7\"}", true, &arena).provider_id, "7");
	assert_string_equal(classify("sms", 201, "{\"sid\":\"SM1\"}", true, &arena).provider_id, "SM1");
}

static void a_wait_in_the_body_is_obeyed(void **state)
{
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	assert_int_equal(
	    classify("discord", 429, "{\"retry_after\":1.5}", true, &arena).retry_after_ms, 1500);
	assert_int_equal(classify("sms", 400, "{\"code\":21611}", true, &arena).retry_after_ms, 180000);
}

/* -- requests ----------------------------------------------------------------------------------------- */

static void discord_is_asked_to_wait_for_the_message_to_be_saved(void **state)
{
	static const char *const rows[][2] = {
	    {"https://d.example/webhooks/1/t", "https://d.example/webhooks/1/t?wait=true"},
	    {"https://d.example/webhooks/1/t?thread_id=2",
	        "https://d.example/webhooks/1/t?thread_id=2&wait=true"},
	    {"https://d.example/webhooks/1/t?wait=true", "https://d.example/webhooks/1/t?wait=true"},
	};
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("discord", &arena);
	struct wire_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		((struct secret *)place(&options, "url"))->hidden = rows[i][0];
		compose(&options, &note, &arena, &request);
		assert_string_equal(request.url, rows[i][1]);
	}
}

static void an_event_gets_its_key_and_source_when_it_is_sent(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("pagerduty", &arena);
	struct outgoing event = note;
	struct wire_request request;

	(void)state;
	((struct secret *)place(&options, "routing_key"))->hidden = "R0";
	*(const char **)place(&options, "source") = "plant";
	event.payload = "{\"payload\":{\"source\":\"host\"}}";
	event.payload_length = strlen(event.payload);
	compose(&options, &event, &arena, &request);
	assert_string_equal(request.url, "https://events.pagerduty.com/v2/enqueue");
	assert_string_equal(request.body, "{\"payload\":{\"source\":\"plant\"},\"routing_key\":\"R0\"}");
	*(const char **)place(&options, "base_url") = "https://events.eu.pagerduty.com/";
	compose(&options, &event, &arena, &request);
	assert_string_equal(request.url, "https://events.eu.pagerduty.com/v2/enqueue");
}

static struct options text_options(struct arena *arena)
{
	struct options options = options_of("sms", arena);

	*(const char **)place(&options, "account_sid") = "AC1";
	((struct secret *)place(&options, "auth_token"))->hidden = "token";
	*(const char **)place(&options, "from") = "+15550100";
	return options;
}

static void a_text_is_a_form_for_the_account(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = text_options(&arena);
	struct outgoing text = note;
	struct wire_request request;

	(void)state;
	text.payload = "a + b & c";
	text.payload_length = strlen(text.payload);
	text.to = "+1 (555) 010-0200";
	text.expires_ms = 1060000;
	compose(&options, &text, &arena, &request);
	assert_string_equal(request.url, "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json");
	assert_string_equal(
	    request.body, "To=%2B15550100200&From=%2B15550100&Body=a+%2B+b+%26+c&ValidityPeriod=60");
	assert_string_equal(request.headers[0].value, "application/x-www-form-urlencoded");
	assert_string_equal(request.headers[1].value, "Basic QUMxOnRva2Vu");
	*(int *)place(&options, "to_format") = 1;
	*(const char **)place(&options, "from") = "MG0123456789abcdef0123456789abcdef";
	*(const char **)place(&options, "url") = "https://gateway.example/v1/Messages.json";
	*(int64_t *)place(&options, "validity") = 30000;
	compose(&options, &text, &arena, &request);
	assert_string_equal(request.url, "https://gateway.example/v1/Messages.json");
	assert_string_equal(request.body,
	    "To=15550100200&MessagingServiceSid=MG0123456789abcdef0123456789abcdef&"
	    "Body=a+%2B+b+%26+c&ValidityPeriod=30");
}

static void a_text_to_nobody_is_refused_without_showing_the_number(void **state)
{
	static const char *const numbers[] = {
	    "", "0015550100200", "+1666", "+1666010020012345", "+1666x0100200"};
	cleanup(arena_done) struct arena arena = {0};
	struct options options = text_options(&arena);
	struct wire_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct outgoing text = note;
		struct err *e;

		text.to = numbers[i];
		e = options.type->compose(&channel, options.bytes, &text, 1000, &arena, &request);
		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_PERMANENT);
		assert_true(!*numbers[i] || !strstr(err_text(e), numbers[i]));
		err_destroy(e);
	}
}

static void numbers_and_senders_are_judged_by_their_form(void **state)
{
	static const char *const senders[] = {
	    "+15550100200", "12345", "Plant 7", "MG0123456789abcdef0123456789abcdef"};
	static const char *const none[] = {"", "12", "123456789", "way too long a name", "Zo\xC3\xAB"};
	char number[PHONE_TEXT];

	(void)state;
	assert_true(phone_e164("+44 20 7946.0018", number));
	assert_string_equal(number, "+442079460018");
	assert_false(phone_e164("+0123456789", number));
	assert_false(phone_e164("+1555\xD9\xA0"
	                        "100200",
	    number)); /* an Arabic zero */
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
		assert_true(phone_is_sender(senders[i]));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(phone_is_sender(none[i]));
}

/* -- segments ----------------------------------------------------------------------------------------- */

static int64_t segments(const char *unit, size_t count, const char *end)
{
	struct buf text = {0};
	int64_t result;

	while (count--)
		buf_add_text(&text, unit);
	buf_add_text(&text, end);
	result = gsm_segments(buf_text(&text), text.length);
	buf_done(&text);
	return result;
}

static void segments_are_counted_as_the_provider_does(void **state)
{
	static const struct {
		const char *unit;
		size_t count;
		const char *end;
		int64_t segments;
	} rows[] = {
	    {"a", 0, "", 1}, {"a", 160, "", 1}, {"a", 161, "", 2}, {"a", 306, "", 2}, {"a", 307, "", 3},
	    {"a", 159, "\xE2\x82\xAC", 2}, /* the euro takes two septets */
	    {"a", 152, "{aaaaaaa", 2},     /* 161 septets, and the pair goes to the second part */
	    {"\xC3\xA9", 160, "", 1},      /* e acute has a letter of its own */
	    {"\xC3\xA7", 70, "", 1},       /* c cedilla has not: UTF-16 */
	    {"\xC3\xA7", 71, "", 2}, {"\xF0\x9F\x98\x80", 35, "", 1}, /* a face: two units */
	    {"\xF0\x9F\x98\x80", 36, "", 2},
	    {"\xF0\x9F\x98\x80", 67, "", 3}, /* 33 a part: a pair is not split over 67 units */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t got = segments(rows[i].unit, rows[i].count, rows[i].end);

		if (got != rows[i].segments)
			fail_msg("row %zu: %lld segments", i, (long long)got);
	}
}

static void a_text_costs_its_segments_of_the_rate(void **state)
{
	struct conf_channel texts = {.name = "s", .type = channel_type_find("sms")};
	struct conf_channel chat = {.name = "s", .type = channel_type_find("slack")};
	struct outgoing text = note;
	char body[400];

	(void)state;
	memset(body, 'a', sizeof(body));
	text.payload = body;
	text.payload_length = sizeof(body);
	assert_int_equal(channel_cost(&texts, &text), 3);
	assert_int_equal(channel_cost(&chat, &text), 1);
}

static void typography_becomes_plain_and_letters_stay(void **state)
{
	struct buf out = {0};
	const char *text = "\xE2\x80\x9CZo\xC3\xAB\xE2\x80\x9D \xE2\x80\x93 "
	                   "it\xE2\x80\x99s\xC2\xA0on\xE2\x80\xA6\t\xE2\x80\x8B";

	(void)state;
	gsm_add_plain(&out, text, strlen(text));
	assert_string_equal(out.text, "\"Zo\xC3\xAB\" - it's on... ");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_means_what_its_body_says),
	    cmocka_unit_test(of_a_body_that_was_cut_the_status_decides),
	    cmocka_unit_test(what_the_provider_calls_a_message_is_kept),
	    cmocka_unit_test(a_wait_in_the_body_is_obeyed),
	    cmocka_unit_test(discord_is_asked_to_wait_for_the_message_to_be_saved),
	    cmocka_unit_test(an_event_gets_its_key_and_source_when_it_is_sent),
	    cmocka_unit_test(a_text_is_a_form_for_the_account),
	    cmocka_unit_test(a_text_to_nobody_is_refused_without_showing_the_number),
	    cmocka_unit_test(numbers_and_senders_are_judged_by_their_form),
	    cmocka_unit_test(segments_are_counted_as_the_provider_does),
	    cmocka_unit_test(a_text_costs_its_segments_of_the_rate),
	    cmocka_unit_test(typography_becomes_plain_and_letters_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
