/* SPDX-License-Identifier: MIT */
/* Channel types: what they refuse, what they put on the wire, what they write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "send/channels.h"

static const struct conf_channel channel = {.name = "c", .in_flight = 1};

static const struct outgoing note = {
    .id = "0193-aaaa",
    .run = 7,
    .job = "zone1-hourly",
    .channel = "c",
    .lane = "",
    .kind = "report",
    .key = "k",
    .to = "",
    .subject = "",
    .content_type = "application/json",
    .payload = "{\"test\": 2432232314}",
    .payload_length = 20,
    .created_ms = INT64_C(1795215600000),
};

/* Options of a type, filled by the names of its table as the configuration does. */
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

static struct options options_of(const char *type, const char *url, struct arena *arena)
{
	struct options options = {.type = channel_type_find(type)};

	assert_non_null(options.type);
	options.bytes = arena_alloc(arena, options.type->options_size + 1);
	if (url)
		((struct secret *)place(&options, "url"))->hidden = url;
	if (!strcmp(type, "webhook")) {
		*(const char **)place(&options, "method") = "POST";
		*(const char **)place(&options, "idempotency_header") = "Idempotency-Key";
	}
	return options;
}

static struct err *compose(
    struct options *options, const struct outgoing *message, struct arena *arena, struct wire_request *out)
{
	return options->type->compose(&channel, options->bytes, message, 1614265330, arena, out);
}

static const char *header(const struct wire_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (!strcmp(request->headers[i].name, name))
			return request->headers[i].value;
	return NULL;
}

static void assert_refused(struct err *e, const char *words)
{
	assert_non_null(e);
	assert_int_equal(err_kind(e), ERR_CONFIG);
	if (!strstr(err_message(e), words))
		fail_msg("`%s` does not say `%s`", err_message(e), words);
	err_destroy(e);
}

static struct json *parse(const char *text)
{
	struct json *value = NULL;

	assert_null(json_parse(text, strlen(text), &value));
	return value;
}

/* -- URLs ------------------------------------------------------------------------------------------- */

static void urls_are_https_or_go_nowhere_far(void **state)
{
	static const struct {
		const char *url;
		bool allow_http;
		const char *refused; /* NULL: fine */
	} rows[] = {
	    {"https://example.org/hook", false, NULL},
	    {"HTTPS://EXAMPLE.ORG:8443/a%2Fb?sig=x%2B", false, NULL},
	    {"https://[2001:db8::1]:443/x", false, NULL},
	    {"http://localhost:8080/x", false, NULL},
	    {"http://127.0.0.1/x", false, NULL},
	    {"http://127.8.9.10:1", false, NULL},
	    {"http://[::1]:5/x", false, NULL},
	    {"http://example.org/", true, NULL},
	    {"http://example.org/", false, "allow_http"},
	    {"http://127.example.org/", false, "allow_http"},
	    {"http://127.0.0.1.example.org/", false, "allow_http"},
	    {"http://localhost.example.org/", false, "allow_http"},
	    {"http://10.0.0.1/", false, "allow_http"},
	    {"ftp://example.org/", true, "https"},
	    {"file:///etc/passwd", true, "https"},
	    {"example.org/hook", true, "https"},
	    {"", true, "https"},
	    {"https://", false, "host"},
	    {"https:///path", false, "host"},
	    {"https://:443/", false, "host"},
	    {"https://[::1/", false, "host"},
	    {"https://user:secret@example.org/", false, "user"},
	    {"https://user@example.org/", false, "user"},
	    {"https://example.org/@user", false, NULL},
	    {"https://example.org/a b", false, "byte 22"},
	    {"https://example.org/a\r\nX: y", false, "byte 22"},
	    {"https://example.org/\xc3\xa9", false, "byte 21"},
	    {"https://example.org\\@evil.org/", false, "byte 20"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err *e = channel_check_url(rows[i].url, rows[i].allow_http);

		if (rows[i].refused)
			assert_refused(e, rows[i].refused);
		else if (e)
			fail_msg("%s: %s", rows[i].url, err_message(e));
	}
}

static void no_error_shows_the_url(void **state)
{
	struct err *e = channel_check_url("https://example.org/s3cret path", false);

	(void)state;
	assert_non_null(e);
	assert_null(strstr(err_text(e), "s3cret"));
	err_destroy(e);
}

static void retired_teams_hosts_are_refused_at_check(void **state)
{
	static const char *const retired[] = {
	    "https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4",
	    "https://CONTOSO.webhook.OFFICE.com:443/webhookb2/1",
	    "https://outlook.office.com/webhook/1",
	    "https://outlook.office365.com/webhook/1",
	};
	static const char *const fine[] = {
	    "https://prod-01.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=x",
	    "https://x.environment.api.powerplatform.com/powerautomate/1",
	    "https://example.org/webhook.office.com",
	    "${ZONE1_WEBHOOK}",
	};
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(retired); i++) {
		struct options options = options_of("teams", retired[i], &arena);

		assert_refused(options.type->check(&channel, options.bytes), "retired");
	}
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct options options = options_of("teams", fine[i], &arena);

		assert_null(options.type->check(&channel, options.bytes));
	}
}

/* -- webhook ---------------------------------------------------------------------------------------- */

static void the_signature_is_that_of_standard_webhooks(void **state)
{
	static const char *const secrets[] = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
	cleanup(arena_done) struct arena arena = {0};
	const char *signature;

	(void)state;
	assert_null(webhook_signature(&(struct texts){secrets, 1}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
	    "{\"test\": 2432232314}", 20, &arena, &signature));
	assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void while_keys_change_a_message_has_a_signature_of_each(void **state)
{
	static const char *const secrets[] = {
	    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="};
	cleanup(arena_done) struct arena arena = {0};
	const char *signature;

	(void)state;
	assert_null(webhook_signature(&(struct texts){secrets, 2}, "id", 1, "x", 1, &arena, &signature));
	assert_int_equal(strlen(signature), 2 * 47 + 1);
	assert_int_equal(signature[47], ' ');
	assert_memory_equal(signature + 48, "v1,", 3);
}

static void what_is_no_key_is_refused_without_showing_it(void **state)
{
	static const char *const bad[] = {"whsec_", "", "whsec_c2hvcnQ=", "whsec_not base64 at all!",
	    "whsec_AAECAwQ",
	    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHwAB"};
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *signature = NULL;
		struct err *e =
		    webhook_signature(&(struct texts){&bad[i], 1}, "i", 1, "", 0, &arena, &signature);

		assert_non_null(e);
		assert_true(strlen(bad[i]) < 8 || !strstr(err_text(e), bad[i] + 7));
		assert_refused(e, "whsec_");
	}
}

static void a_webhook_request_carries_the_message_as_it_was_rendered(void **state)
{
	static const char *const secrets[] = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("webhook", "http://127.0.0.1/x", &arena);
	struct json *headers = parse("{\"Authorization\":\"Bearer t\"}");
	struct wire_request request;

	(void)state;
	*(struct texts *)place(&options, "secret") = (struct texts){secrets, 1};
	*(const struct json **)place(&options, "headers") = headers;
	assert_null(compose(&options, &note, &arena, &request));
	assert_string_equal(request.method, "POST");
	assert_string_equal(request.url, "http://127.0.0.1/x");
	assert_int_equal(request.body_length, note.payload_length);
	assert_memory_equal(request.body, note.payload, note.payload_length);
	assert_string_equal(header(&request, "Content-Type"), "application/json");
	assert_string_equal(header(&request, "Idempotency-Key"), "\"0193-aaaa\"");
	assert_string_equal(header(&request, "webhook-id"), "0193-aaaa");
	assert_string_equal(header(&request, "webhook-timestamp"), "1614265330");
	assert_memory_equal(header(&request, "webhook-signature"), "v1,", 3);
	assert_string_equal(header(&request, "Authorization"), "Bearer t");
	json_destroy(headers);
}

static void header_fields_that_could_do_harm_are_refused(void **state)
{
	static const char *const bad[] = {
	    "{\"X\":\"a\\r\\nY: b\"}",
	    "{\"X\":\"a\\nb\"}",
	    "{\"X Y\":\"a\"}",
	    "{\"X:\":\"a\"}",
	    "{\"\":\"a\"}",
	    "{\"Host\":\"x\"}",
	    "{\"content-length\":\"5\"}",
	    "{\"Transfer-Encoding\":\"chunked\"}",
	    "{\"X\":5}",
	    "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\",\"g\":\"\",\"h\":\"\",\"i\":"
	    "\"\","
	    "\"j\":\"\",\"k\":\"\",\"l\":\"\"}",
	};
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct options options = options_of("webhook", "https://example.org/", &arena);
		struct json *headers = parse(bad[i]);

		*(const struct json **)place(&options, "headers") = headers;
		assert_refused(options.type->check(&channel, options.bytes), "headers");
		json_destroy(headers);
	}
}

static void a_url_known_only_when_resolved_is_judged_then(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("webhook", "https://u:p@example.org/", &arena);
	struct wire_request request;

	(void)state;
	assert_refused(compose(&options, &note, &arena, &request), "user");
}

static enum verdict judge(struct options *options, long status, const char *body, const char **out_id)
{
	static struct arena arena;
	struct wire_answer answer = {.status = status,
	    .body = body,
	    .body_length = strlen(body),
	    .complete = true,
	    .retry_after_ms = -1};
	struct classification out;

	options->type->classify(&channel, options->bytes, &answer, &arena, &out);
	assert_non_null(out.reason);
	*out_id = out.provider_id ? strdup(out.provider_id) : NULL;
	arena_done(&arena);
	return out.verdict;
}

static void a_gateway_that_answers_200_to_everything_is_read_by_its_body(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum verdict verdict;
		const char *id;
	} rows[] = {
	    {200, "{\"status\":\"ok\",\"message\":{\"id\":\"m7\"}}", VERDICT_DELIVERED, "m7"},
	    {200, "{\"status\":\"queued\",\"message\":{\"id\":12}}", VERDICT_DELIVERED, "12"},
	    {200, "{\"status\":\"busy\"}", VERDICT_LATER, NULL},
	    {200, "{\"status\":\"bad number\"}", VERDICT_REJECTED, NULL},
	    {500, "{\"status\":\"bad number\"}", VERDICT_REJECTED, NULL},
	    {200, "not json", VERDICT_LATER, NULL},
	    {200, "", VERDICT_LATER, NULL},
	    {500, "{\"status\":\"ok\"}", VERDICT_LATER, NULL},
	};
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("webhook", "https://example.org/", &arena);
	struct json *success = parse("{\"/status\":[\"ok\",\"queued\"]}");
	struct json *fatal = parse("{\"/status\":\"bad number\"}");

	(void)state;
	*(const struct json **)place(&options, "success_json") = success;
	*(const struct json **)place(&options, "fatal_json") = fatal;
	*(const char **)place(&options, "id_json") = "/message/id";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *id;

		assert_int_equal(judge(&options, rows[i].status, rows[i].body, &id), rows[i].verdict);
		if (rows[i].id)
			assert_string_equal(id, rows[i].id);
		else
			assert_null(id);
		free((void *)(uintptr_t)id);
	}
	json_destroy(success);
	json_destroy(fatal);
}

static void success_names_the_statuses_that_count(void **state)
{
	static const char *const wanted[] = {"201", "409"};
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("webhook", "https://example.org/", &arena);
	const char *id;

	(void)state;
	*(struct texts *)place(&options, "success") = (struct texts){wanted, 2};
	assert_int_equal(judge(&options, 201, "", &id), VERDICT_DELIVERED);
	assert_int_equal(judge(&options, 409, "", &id), VERDICT_DELIVERED);
	assert_int_equal(judge(&options, 200, "", &id), VERDICT_REJECTED);
	assert_int_equal(judge(&options, 503, "", &id), VERDICT_LATER);
}

/* -- teams ------------------------------------------------------------------------------------------ */

static void a_card_is_wrapped_or_unwrapped_as_the_workflow_takes_it(void **state)
{
	static const char card[] = "{\"type\":\"AdaptiveCard\",\"version\":\"1.5\",\"body\":[]}";
	static const char message[] =
	    "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/"
	    "vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"type\":"
	    "\"AdaptiveCard\",\"version\":\"1.5\",\"body\":[]}}]}";
	static const struct {
		int payload; /* 0: message, 1: card */
		const char *rendered, *sent;
	} rows[] = {{0, card, message}, {0, message, message}, {1, message, card}, {1, card, card}};
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options options = options_of("teams", "https://example.org/x?sig=%2F", &arena);
		struct outgoing outgoing = note;
		struct wire_request request;

		*(int *)place(&options, "payload") = rows[i].payload;
		outgoing.payload = rows[i].rendered;
		outgoing.payload_length = strlen(rows[i].rendered);
		assert_null(compose(&options, &outgoing, &arena, &request));
		assert_string_equal(request.url, "https://example.org/x?sig=%2F");
		assert_int_equal(request.body_length, strlen(rows[i].sent));
		assert_memory_equal(request.body, rows[i].sent, request.body_length);
	}
}

/* -- file ------------------------------------------------------------------------------------------- */

static char *make_folder(char path[32])
{
	strcpy(path, "/tmp/bmad-channel-XXXXXX");
	assert_non_null(mkdtemp(path));
	return path;
}

/* The only file in PATH, removed together with the folder. */
static void take_only_file(const char *path, char name[256], char content[256])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int files = 0;
	char full[512];

	while ((entry = readdir(dir))) {
		FILE *file;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		files++;
		snprintf(name, 256, "%s", entry->d_name);
		snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
		file = fopen(full, "r");
		assert_non_null(file);
		content[fread(content, 1, 255, file)] = '\0';
		fclose(file);
		unlink(full);
	}
	closedir(dir);
	rmdir(path);
	assert_int_equal(files, 1);
}

static void a_file_has_its_name_only_when_it_is_whole(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("file", NULL, &arena);
	char path[32], name[256], content[256];

	(void)state;
	*(const char **)place(&options, "dir") = make_folder(path);
	assert_null(options.type->write(&channel, options.bytes, &note));
	assert_null(options.type->write(&channel, options.bytes, &note)); /* again: the same file */
	take_only_file(path, name, content);
	assert_string_equal(name, "20261120T230000Z-zone1-hourly-report-0193-aaaa.json");
	assert_string_equal(content, note.payload);
}

static void no_name_from_data_leaves_the_folder(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("file", NULL, &arena);
	struct outgoing message = note;
	char path[32], name[256], content[256], long_kind[400];

	(void)state;
	memset(long_kind, 'k', sizeof(long_kind) - 1);
	long_kind[sizeof(long_kind) - 1] = '\0';
	message.job = "../../etc/.x y\n\xc3\xa9";
	message.kind = long_kind;
	message.content_type = "text/plain; charset=utf-8";
	*(const char **)place(&options, "dir") = make_folder(path);
	assert_null(options.type->write(&channel, options.bytes, &message));
	take_only_file(path, name, content);
	assert_null(strchr(name, '/'));
	assert_true(strlen(name) < 200);
	assert_string_equal(name + strlen(name) - 4, ".txt");
	assert_memory_equal(name, "20261120T230000Z-_._.._etc_.x_y___-kkk", 38);
}

static void a_missing_folder_is_made(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("file", NULL, &arena);
	char path[32], name[256], content[256];

	(void)state;
	make_folder(path);
	assert_int_equal(rmdir(path), 0);
	*(const char **)place(&options, "dir") = path;
	assert_null(options.type->write(&channel, options.bytes, &note));
	take_only_file(path, name, content);
	assert_string_equal(content, note.payload);
}

static void a_folder_without_its_parent_is_an_error_for_now(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("file", NULL, &arena);
	struct err *e;

	(void)state;
	*(const char **)place(&options, "dir") = "/nonexistent/folder";
	e = options.type->write(&channel, options.bytes, &note);
	assert_non_null(e);
	assert_int_equal(err_kind(e), ERR_TEMPORARY);
	err_destroy(e);
}

/* -- console ---------------------------------------------------------------------------------------- */

static void the_console_ends_each_message_with_one_newline(void **state)
{
	static const struct {
		const char *payload, *printed;
	} rows[] = {{"hello", "hello\n"}, {"hello\n", "hello\n"}, {"", "\n"}};
	const struct channel_type *console = channel_type_find("console");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outgoing message = note;
		char printed[64];
		int pipe_fds[2], saved = dup(STDOUT_FILENO);
		struct err *e;

		assert_int_equal(pipe(pipe_fds), 0);
		message.payload = rows[i].payload;
		message.payload_length = strlen(rows[i].payload);
		dup2(pipe_fds[1], STDOUT_FILENO);
		e = console->write(&channel, NULL, &message);
		dup2(saved, STDOUT_FILENO);
		close(saved);
		close(pipe_fds[1]);
		printed[read(pipe_fds[0], printed, sizeof(printed) - 1)] = '\0';
		close(pipe_fds[0]);
		assert_null(e);
		assert_string_equal(printed, rows[i].printed);
	}
}

/* -- definitions ------------------------------------------------------------------------------------- */

static void a_definition_differs_when_any_key_does(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	struct options options = options_of("webhook", "https://example.org/", &arena);
	struct options same = options_of("webhook", "https://example.org/", &arena);
	struct options other = options_of("webhook", "https://example.org/x", &arena);
	struct rate rate = {4, 1000};
	struct conf_channel a = {.name = "a", .type = options.type, .options = options.bytes, .in_flight = 1};
	struct conf_channel variants[] = {a, a, a, a, a, a};

	(void)state;
	variants[0].options = other.bytes;
	variants[1].in_flight = 2;
	variants[2].rate = (struct rates){&rate, 1};
	variants[3].proxy = "http://proxy";
	variants[4].on_ambiguous = AMBIGUOUS_HOLD;
	variants[5].type = channel_type_find("console");
	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
		assert_true(channel_definition(&variants[i]) != channel_definition(&a));
	variants[0] = a;
	variants[0].name = "b"; /* nor does it matter where the same texts stand */
	variants[0].options = same.bytes;
	assert_int_equal(channel_definition(&variants[0]), channel_definition(&a));
}

static void every_option_of_a_type_counts_in_its_definition(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	static const char *const items[] = {"1"};
	const struct texts list = {items, 1};
	struct options plain = options_of("webhook", "https://example.org/", &arena);
	struct conf_channel channel_of_plain = {.type = plain.type, .options = plain.bytes};
	int64_t before = channel_definition(&channel_of_plain);

	(void)state;
	*(struct texts *)place(&plain, "secret") = list;
	int64_t with_secret = channel_definition(&channel_of_plain);
	*(struct texts *)place(&plain, "success") = list;
	int64_t with_success = channel_definition(&channel_of_plain);
	*(int *)place(&plain, "body") = 1;
	int64_t with_body = channel_definition(&channel_of_plain);
	*(const struct json **)place(&plain, "headers") = json_object();
	int64_t with_headers = channel_definition(&channel_of_plain);
	json_destroy(*(struct json **)place(&plain, "headers"));
	assert_true(before != with_secret && with_secret != with_success);
	assert_true(with_success != with_body && with_body != with_headers);
}

static void every_type_says_what_it_is_and_can_be_found(void **state)
{
	(void)state;
	for (size_t i = 0; channel_types[i]; i++) {
		const struct channel_type *type = channel_types[i];

		assert_ptr_equal(channel_type_find(type->name), type);
		assert_non_null(type->summary);
		assert_non_null(type->content_type);
		assert_true(!strcmp(type->format, "json") || !strcmp(type->format, "txt"));
		assert_true((type->write != NULL) != (type->compose && type->classify));
	}
	assert_null(channel_type_find("fax"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(urls_are_https_or_go_nowhere_far),
	    cmocka_unit_test(no_error_shows_the_url),
	    cmocka_unit_test(retired_teams_hosts_are_refused_at_check),
	    cmocka_unit_test(the_signature_is_that_of_standard_webhooks),
	    cmocka_unit_test(while_keys_change_a_message_has_a_signature_of_each),
	    cmocka_unit_test(what_is_no_key_is_refused_without_showing_it),
	    cmocka_unit_test(a_webhook_request_carries_the_message_as_it_was_rendered),
	    cmocka_unit_test(header_fields_that_could_do_harm_are_refused),
	    cmocka_unit_test(a_url_known_only_when_resolved_is_judged_then),
	    cmocka_unit_test(a_gateway_that_answers_200_to_everything_is_read_by_its_body),
	    cmocka_unit_test(success_names_the_statuses_that_count),
	    cmocka_unit_test(a_card_is_wrapped_or_unwrapped_as_the_workflow_takes_it),
	    cmocka_unit_test(a_file_has_its_name_only_when_it_is_whole),
	    cmocka_unit_test(no_name_from_data_leaves_the_folder),
	    cmocka_unit_test(a_missing_folder_is_made),
	    cmocka_unit_test(a_folder_without_its_parent_is_an_error_for_now),
	    cmocka_unit_test(the_console_ends_each_message_with_one_newline),
	    cmocka_unit_test(a_definition_differs_when_any_key_does),
	    cmocka_unit_test(every_option_of_a_type_counts_in_its_definition),
	    cmocka_unit_test(every_type_says_what_it_is_and_can_be_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
