/* SPDX-License-Identifier: MIT */
/* Log lines: their text, the level, the sinks, and a syslog that hangs, goes and comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define NOW_MS INT64_C(1795169100123) /* 2026-11-20T10:05:00.123Z */

/* What stands around each test: a folder for the socket, and standard error going to a file in it. */
struct stage {
	char folder[32], socket[64], errors[64];
	int old_stderr;
	int receiver; /* the daemon's end, -1: none */
};

static int64_t fixed_now(void)
{
	return NOW_MS;
}

static int set_up(void **state)
{
	struct stage *stage = mem_alloc(sizeof(*stage));

	snprintf(stage->folder, sizeof(stage->folder), "/tmp/bmad-log-XXXXXX");
	if (!mkdtemp(stage->folder))
		return -1;
	snprintf(stage->socket, sizeof(stage->socket), "%s/log", stage->folder);
	snprintf(stage->errors, sizeof(stage->errors), "%s/stderr", stage->folder);
	stage->receiver = -1;
	stage->old_stderr = dup(STDERR_FILENO);
	int fd = open(stage->errors, O_RDWR | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	close(fd);
	log_set_level(LEVEL_INFO);
	log_to_stderr(FORMAT_KV, fixed_now);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	log_to_stderr(FORMAT_KV, fixed_now);
	dup2(stage->old_stderr, STDERR_FILENO);
	close(stage->old_stderr);
	if (stage->receiver >= 0)
		close(stage->receiver);
	unlink(stage->socket);
	unlink(stage->errors);
	rmdir(stage->folder);
	free(stage);
	return 0;
}

static char *written(const struct stage *stage)
{
	struct buf text = {0};
	int fd = open(stage->errors, O_RDONLY);
	ssize_t got;

	while ((got = read(fd, buf_room(&text, 65536), 65536)) > 0)
		text.length += (size_t)got;
	close(fd);
	return buf_detach(&text);
}

static void assert_written(const struct stage *stage, const char *expected)
{
	cleanup(free_text) char *text = written(stage);

	assert_string_equal(text, expected);
}

/* A syslog daemon that takes what it is sent only when asked. */
static void start_daemon(struct stage *stage)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", stage->socket);
	stage->receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(stage->receiver, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void stop_daemon(struct stage *stage)
{
	close(stage->receiver);
	stage->receiver = -1;
	unlink(stage->socket);
}

static void use_syslog(const struct stage *stage, enum log_format format)
{
	assert_null(log_to_syslog(stage->socket, "daemon", format, fixed_now));
}

/* The next datagram, NULL if there is none. */
static char *received(const struct stage *stage)
{
	struct buf text = {0};
	size_t room = 512 * 1024;
	ssize_t got = recv(stage->receiver, buf_room(&text, room), room, 0);

	if (got < 0) {
		assert_int_equal(errno, EAGAIN);
		buf_done(&text);
		return NULL;
	}
	text.length = (size_t)got;
	return buf_detach(&text);
}

static void assert_received(const struct stage *stage, const char *priority_and_time, const char *body)
{
	cleanup(free_text) char *text = received(stage);
	cleanup(free_text) char *expected =
	    mem_format("%s bmad[%d]: %s", priority_and_time, (int)getpid(), body);

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void log_number(int64_t n)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "job_log");
	log_int(&line, "n", n);
	log_end(&line);
}

/* -- the text of a line ------------------------------------------------------------------------------ */

static void assert_printed(enum log_format format, const struct log_field *field, const char *expected)
{
	cleanup(buf_done) struct buf out = {0};

	log_print(&out, format, LEVEL_INFO, "e", field, 1, -1);
	assert_string_equal(out.text, expected);
}

static void values_are_quoted_when_they_need_it(void **state)
{
	static const struct {
		const char *value, *kv, *json;
	} rows[] = {
	    {"plain", "plain", "\"plain\""},
	    {"2026-11-20T10:05:00Z", "2026-11-20T10:05:00Z", "\"2026-11-20T10:05:00Z\""},
	    {"", "\"\"", "\"\""},
	    {"two words", "\"two words\"", "\"two words\""},
	    {"a=b", "\"a=b\"", "\"a=b\""},
	    {"say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\""},
	    {"C:\\x", "\"C:\\\\x\"", "\"C:\\\\x\""},
	    {"a\nb\r\tc", "\"a\\nb\\r\\tc\"", "\"a\\nb\\r\\tc\""},
	    {"\x1b[31m\x7f", "\"\\u001b[31m\\u007f\"", "\"\\u001b[31m\\u007f\""},
	    {"\xc2\x9b"
	     "31m",
	        "\"\\u009b31m\"", "\"\\u009b31m\""}, /* an escape sequence in one character */
	    {"\xc3\xa9", "\"\xc3\xa9\"", "\"\xc3\xa9\""},
	    {"a\xff", "\"a\xef\xbf\xbd\"", "\"a\xef\xbf\xbd\""},
	    {"\xc3", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct log_field field = {"k", rows[i].value, false};
		cleanup(free_text) char *kv = mem_format("level=info event=e k=%s", rows[i].kv);
		cleanup(free_text) char *json =
		    mem_format("{\"level\":\"info\",\"event\":\"e\",\"k\":%s}", rows[i].json);

		assert_printed(FORMAT_KV, &field, kv);
		assert_printed(FORMAT_JSON, &field, json);
	}
}

static void literals_are_bare_in_json_and_on_one_line(void **state)
{
	(void)state;
	assert_printed(FORMAT_JSON, &(struct log_field){"n", "-12", true},
	    "{\"level\":\"info\",\"event\":\"e\",\"n\":-12}");
	assert_printed(FORMAT_JSON, &(struct log_field){"o", "{\n\"a\": 1}", true},
	    "{\"level\":\"info\",\"event\":\"e\",\"o\":{ \"a\": 1}}");
	assert_printed(FORMAT_JSON, &(struct log_field){"o", "", true},
	    "{\"level\":\"info\",\"event\":\"e\",\"o\":\"\"}");
	assert_printed(
	    FORMAT_KV, &(struct log_field){"o", "{\"a\":1}", true}, "level=info event=e o=\"{\\\"a\\\":1}\"");
	assert_printed(FORMAT_KV, &(struct log_field){"n", "-12", true}, "level=info event=e n=-12");
}

static void a_key_cannot_break_the_line(void **state)
{
	(void)state;
	assert_printed(
	    FORMAT_KV, &(struct log_field){"a b=\"\n.c-1", "v", false}, "level=info event=e a_b___.c-1=v");
}

static void a_line_may_begin_with_its_time(void **state)
{
	const struct log_field fields[] = {{"job", "slips", false}, {"ms", "184", true}};
	cleanup(buf_done) struct buf out = {0};

	(void)state;
	log_print(&out, FORMAT_KV, LEVEL_WARNING, "run_failed", fields, 2, NOW_MS);
	assert_string_equal(
	    out.text, "ts=2026-11-20T10:05:00.123Z level=warning event=run_failed job=slips ms=184");
	buf_truncate(&out, 0);
	log_print(&out, FORMAT_JSON, LEVEL_DEBUG, "decision", fields, 2, NOW_MS);
	assert_string_equal(out.text, "{\"ts\":\"2026-11-20T10:05:00.123Z\",\"level\":\"debug\","
	                              "\"event\":\"decision\",\"job\":\"slips\",\"ms\":184}");
}

static void a_huge_value_is_cut_and_marked(void **state)
{
	cleanup(buf_done) struct buf value = {0}, out = {0};

	(void)state;
	for (int i = 0; i < 65535; i++)
		buf_add_char(&value, 'a');
	buf_add_text(&value, "\xc3\xa9 and more"); /* the cut would fall into this character */
	log_print(&out, FORMAT_KV, LEVEL_INFO, "e", &(struct log_field){"k", value.text, true}, 1, -1);
	assert_int_equal(out.length, strlen("level=info event=e k=\"") + 65535 + strlen("...\""));
	assert_string_equal(out.text + out.length - 5, "a...\"");
	buf_truncate(&out, 0);
	log_print(&out, FORMAT_JSON, LEVEL_INFO, "e", &(struct log_field){"k", value.text, true}, 1, -1);
	assert_string_equal(out.text + out.length - 6, "a...\"}"); /* no literal any more */
}

/* -- building and levels ----------------------------------------------------------------------------- */

static void fields_come_in_the_order_they_were_given(void **state)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "run_succeeded");
	log_text(&line, "job", "zone1-hourly");
	log_text(&line, "absent", NULL);
	log_instant(&line, "slot", NOW_MS / 1000);
	log_int(&line, "ms", -184);
	log_format(&line, "about", "%s %d", "line", 2);
	log_literal(&line, "data", "[1]");
	log_named(&line, "value.", "slips", "3", true);
	log_named(&line, "value.", "absent", NULL, true);
	log_end(&line);
	assert_written(*state, "ts=2026-11-20T10:05:00.123Z level=info event=run_succeeded job=zone1-hourly "
	                       "slot=2026-11-20T10:05:00Z ms=-184 about=\"line 2\" data=[1] value.slips=3\n");
}

static void fields_beyond_the_limit_are_counted(void **state)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "many");
	for (int i = 0; i < LOG_FIELDS_MAX + 7; i++)
		log_int(&line, "n", i);
	log_end(&line);
	cleanup(free_text) char *text = written(*state);
	assert_non_null(strstr(text, " n=47 more=7\n"));
}

static void lines_below_the_level_are_not_written(void **state)
{
	struct log_line line;

	assert_false(log_enabled(LEVEL_DEBUG));
	log_begin(&line, LEVEL_DEBUG, "decision");
	log_text(&line, "k", "v");
	assert_null(line.values.text); /* nor built */
	log_end(&line);
	assert_written(*state, "");
	log_set_level(LEVEL_DEBUG);
	log_begin(&line, LEVEL_DEBUG, "decision");
	log_end(&line);
	log_set_level(LEVEL_ERROR);
	log_begin(&line, LEVEL_WARNING, "unseen");
	log_end(&line);
	assert_written(*state, "ts=2026-11-20T10:05:00.123Z level=debug event=decision\n");
}

static void an_error_is_told_in_three_fields(void **state)
{
	struct log_line line;
	struct err *e = ERR_AT(ERR(ERR_TEMPORARY, "connection refused"), "query plans");

	log_begin(&line, LEVEL_ERROR, "run_failed");
	log_error(&line, e);
	log_end(&line);
	assert_written(*state, "ts=2026-11-20T10:05:00.123Z level=error event=run_failed kind=TEMPORARY "
	                       "error=\"query plans: connection refused\" frames=2\n");
	err_destroy(e);
}

static void a_fault_is_a_line_of_its_own(void **state)
{
	log_fault(LEVEL_WARNING, "store_unavailable", ERR(ERR_TEMPORARY, "locked"));
	assert_written(
	    *state, "ts=2026-11-20T10:05:00.123Z level=warning event=store_unavailable error=locked\n");
}

static void without_a_clock_lines_have_no_time(void **state)
{
	log_to_stderr(FORMAT_JSON, NULL);
	log_number(1);
	log_to_stderr(FORMAT_JSON, fixed_now);
	log_number(2);
	assert_written(*state,
	    "{\"level\":\"info\",\"event\":\"job_log\",\"n\":1}\n"
	    "{\"ts\":\"2026-11-20T10:05:00.123Z\",\"level\":\"info\",\"event\":\"job_log\",\"n\":2}\n");
}

/* -- a function as the sink, and secrets ------------------------------------------------------------- */

static void print_to_buf(
    void *arg, enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	log_print(arg, FORMAT_JSON, level, event, fields, count, -1);
}

static void a_childs_lines_go_to_its_function_and_on_unchanged(void **state)
{
	const struct log_field fields[] = {{"a b", "x", false}, {"n", "1", true}};
	cleanup(buf_done) struct buf out = {0};

	(void)state;
	log_to_function(print_to_buf, &out);
	log_forward(LEVEL_DEBUG, "decision", fields, 2); /* the child decided on the level */
	assert_string_equal(out.text, "{\"level\":\"debug\",\"event\":\"decision\",\"a_b\":\"x\",\"n\":1}");
	buf_truncate(&out, 0);
	log_forward(LEVEL_ERROR, "bare", NULL, 0);
	assert_string_equal(out.text, "{\"level\":\"error\",\"event\":\"bare\"}");
	assert_written(*state, "");
}

static void secrets_are_hidden_and_json_stays_json(void **state)
{
	struct log_line line;
	cleanup(buf_done) struct buf out = {0};

	(void)state;
	redact_add("8675309");
	redact_add("sesame-open");
	log_to_function(print_to_buf, &out);
	log_begin(&line, LEVEL_INFO, "e");
	log_text(&line, "url", "https://x/?k=sesame-open");
	log_int(&line, "n", 8675309);
	log_literal(&line, "data", "{\"password\":\"sesame-open\",\"n\":1}");
	log_text(&line, "rest", "fine");
	log_end(&line);
	assert_string_equal(out.text,
	    "{\"level\":\"info\",\"event\":\"e\",\"url\":\"https://x/?k=***\",\"n\":\"***\","
	    "\"data\":{\"password\":\"***\",\"n\":1},\"rest\":\"fine\"}");
}

/* -- syslog ------------------------------------------------------------------------------------------ */

static void a_line_is_one_datagram_with_facility_severity_and_time(void **state)
{
	struct stage *stage = *state;
	struct log_line line;

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	log_begin(&line, LEVEL_ERROR, "run_failed");
	log_text(&line, "error", "two\nlines");
	log_end(&line);
	assert_received(stage, "<27>Nov 20 10:05:00", "level=error event=run_failed error=\"two\\nlines\"");
	assert_null(log_to_syslog(stage->socket, "local3", FORMAT_JSON, fixed_now));
	log_number(7);
	assert_received(stage, "<158>Nov 20 10:05:00", "{\"level\":\"info\",\"event\":\"job_log\",\"n\":7}");
	assert_null(received(stage));
	assert_written(stage, "");
}

static int64_t early_in_march(void)
{
	return INT64_C(1772349303000); /* 2026-03-01T07:15:03Z */
}

static void a_day_of_one_digit_is_padded_by_a_blank(void **state)
{
	struct stage *stage = *state;

	start_daemon(stage);
	assert_null(log_to_syslog(stage->socket, "user", FORMAT_KV, early_in_march));
	log_number(1);
	assert_received(stage, "<14>Mar  1 07:15:03", "level=info event=job_log n=1");
}

static void an_unknown_facility_or_a_bad_path_is_refused(void **state)
{
	static const struct {
		const char *facility, *message;
	} rows[] = {
	    {"deamon", "unknown syslog facility 'deamon'; did you mean daemon"},
	    {"plant", "unknown syslog facility 'plant'; expected daemon, user or local0 to local7"},
	};
	char path[200] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err *e = log_to_syslog("/dev/log", rows[i].facility, FORMAT_KV, fixed_now);

		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_string_equal(err_message(e), rows[i].message);
		err_destroy(e);
	}
	memset(path, 'x', sizeof(path) - 1);
	struct err *e = log_to_syslog(path, "daemon", FORMAT_KV, fixed_now);
	assert_non_null(strstr(err_message(e), "expected a path of 1 to 107 bytes"));
	err_destroy(e);
	log_number(1); /* the sink is the one from before */
	assert_written(*state, "ts=2026-11-20T10:05:00.123Z level=info event=job_log n=1\n");
}

static void while_there_is_no_daemon_lines_go_to_standard_error(void **state)
{
	struct stage *stage = *state;

	use_syslog(stage, FORMAT_KV);
	log_number(1);
	use_syslog(stage, FORMAT_JSON);
	log_number(2);
	assert_written(stage,
	    "ts=2026-11-20T10:05:00.123Z level=info event=job_log n=1\n"
	    "{\"ts\":\"2026-11-20T10:05:00.123Z\",\"level\":\"info\",\"event\":\"job_log\",\"n\":2}\n");
}

static void a_daemon_that_comes_back_gets_the_lines_again(void **state)
{
	struct stage *stage = *state;

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	log_number(1);
	stop_daemon(stage);
	log_number(2);
	start_daemon(stage);
	log_number(3);
	stop_daemon(stage);
	start_daemon(stage); /* restarted between two lines: nothing is lost */
	log_number(4);
	assert_received(stage, "<30>Nov 20 10:05:00", "level=info event=job_log n=4");
	assert_written(stage, "ts=2026-11-20T10:05:00.123Z level=info event=job_log n=2\n");
}

static void a_daemon_that_hangs_blocks_nobody_and_gets_the_rest_in_order(void **state)
{
	struct stage *stage = *state;
	int64_t expected = 0;
	cleanup(free_text) char *text = NULL;

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	uint64_t dropped = log_dropped();
	for (int64_t n = 0; n < 1000; n++) /* more than the socket takes, less than the queue holds */
		log_number(n);
	assert_true(log_dropped() == dropped);
	for (int round = 0; round < 1000 && expected < 1000; round++) {
		while ((text = received(stage))) {
			cleanup(free_text) char *end = mem_format(" n=%lld", (long long)expected++);

			assert_string_equal(text + strlen(text) - strlen(end), end);
			free(text);
		}
		log_flush();
	}
	assert_int_equal(expected, 1000);
	assert_null(received(stage));
	assert_written(stage, "");
}

static void what_the_queue_does_not_hold_is_dropped_counted_and_told(void **state)
{
	struct stage *stage = *state;
	cleanup(free_text) char *last = NULL;
	int64_t lines = 20000, got = 0;

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	uint64_t before = log_dropped();
	for (int64_t n = 0; n < lines; n++)
		log_number(n);
	int64_t dropped = (int64_t)(log_dropped() - before);
	assert_in_range(dropped, 10000, 19000);
	for (char *text = received(stage); text; text = received(stage)) {
		free(last);
		last = text;
		got++;
		log_flush();
	}
	assert_int_equal(got, lines - dropped + 1);
	cleanup(free_text) char *told =
	    mem_format("level=warning event=log_dropped lines=%lld", (long long)dropped);
	assert_non_null(strstr(last, told));
	log_flush(); /* once */
	assert_null(received(stage));
	assert_written(stage, "");
}

static void what_waits_for_a_daemon_that_dies_goes_to_standard_error(void **state)
{
	struct stage *stage = *state;

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	for (int64_t n = 0; n < 1000; n++)
		log_number(n);
	stop_daemon(stage);
	log_flush();
	cleanup(free_text) char *text = written(stage);
	assert_non_null(strstr(text, "ts=2026-11-20T10:05:00.123Z level=info event=job_log n=999\n"));
}

static void giving_syslog_up_loses_nothing_that_waits(void **state)
{
	struct stage *stage = *state;

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	for (int64_t n = 0; n < 1000; n++)
		log_number(n);
	log_to_stderr(FORMAT_KV, fixed_now);
	cleanup(free_text) char *text = written(stage);
	assert_non_null(strstr(text, "ts=2026-11-20T10:05:00.123Z level=info event=job_log n=999\n"));
}

static void a_child_leaves_what_waits_to_its_parent(void **state)
{
	struct stage *stage = *state;
	cleanup(buf_done) struct buf out = {0};

	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	for (int64_t n = 0; n < 1000; n++)
		log_number(n);
	log_to_function(print_to_buf, &out);
	log_flush();
	assert_written(stage, "");
	assert_int_equal(out.length, 0);
}

static void a_line_too_long_for_a_datagram_is_cut_and_marked(void **state)
{
	struct stage *stage = *state;
	cleanup(buf_done) struct buf value = {0};
	struct log_line line;

	for (int i = 0; i < 60000; i++)
		buf_add_char(&value, 'a');
	start_daemon(stage);
	use_syslog(stage, FORMAT_KV);
	log_begin(&line, LEVEL_INFO, "long");
	for (int i = 0; i < 10; i++)
		log_text(&line, "k", value.text);
	log_end(&line);
	cleanup(free_text) char *text = received(stage);
	assert_non_null(text);
	assert_in_range(strlen(text), 8192, 599999);
	assert_string_equal(text + strlen(text) - strlen(" ...[cut]"), " ...[cut]");
	assert_written(stage, "");
}

static void a_socket_of_another_kind_is_as_good_as_none(void **state)
{
	struct stage *stage = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", stage->socket);
	stage->receiver = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(stage->receiver, (struct sockaddr *)&address, sizeof(address)), 0);
	use_syslog(stage, FORMAT_KV);
	log_number(1);
	assert_written(stage, "ts=2026-11-20T10:05:00.123Z level=info event=job_log n=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(values_are_quoted_when_they_need_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(literals_are_bare_in_json_and_on_one_line, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_key_cannot_break_the_line, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_line_may_begin_with_its_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_huge_value_is_cut_and_marked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(fields_come_in_the_order_they_were_given, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(fields_beyond_the_limit_are_counted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(lines_below_the_level_are_not_written, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_error_is_told_in_three_fields, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_fault_is_a_line_of_its_own, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_a_clock_lines_have_no_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_childs_lines_go_to_its_function_and_on_unchanged, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(secrets_are_hidden_and_json_stays_json, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_line_is_one_datagram_with_facility_severity_and_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_day_of_one_digit_is_padded_by_a_blank, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_unknown_facility_or_a_bad_path_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        while_there_is_no_daemon_lines_go_to_standard_error, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_daemon_that_comes_back_gets_the_lines_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_daemon_that_hangs_blocks_nobody_and_gets_the_rest_in_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_the_queue_does_not_hold_is_dropped_counted_and_told, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_waits_for_a_daemon_that_dies_goes_to_standard_error, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(giving_syslog_up_loses_nothing_that_waits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_child_leaves_what_waits_to_its_parent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_line_too_long_for_a_datagram_is_cut_and_marked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_socket_of_another_kind_is_as_good_as_none, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
