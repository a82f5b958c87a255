/* SPDX-License-Identifier: MIT */
/* Log lines: building them, and handing them to this process's sink. Their text is log_print.c's. */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bmad/json.h>
#include <bmad/time.h>

#include "base/log_target.h"
#include "base/mask.h"
#include "base/mem.h"

#define STDERR_WAIT_MS 100 /* for a standard error that somebody made non-blocking */

/* The process has one sink: a function, else syslog, else standard error. */
static struct {
	enum log_level level;
	enum log_format format;
	int64_t (*now_ms)(void);
	struct syslog_target *syslog;
	log_function *function;
	void *arg;
	uint64_t dropped, reported;
	void (*on_wait)(void *arg);
	void *on_wait_arg;
} sink = {.level = LEVEL_INFO};

/* -- standard error -------------------------------------------------------------------------------- */

/* Passes over WRITTEN bytes of the parts. */
static void advance(struct iovec *parts, size_t count, size_t written)
{
	for (size_t i = 0; i < count; i++) {
		size_t step = written < parts[i].iov_len ? written : parts[i].iov_len;

		parts[i].iov_base = (char *)parts[i].iov_base + step;
		parts[i].iov_len -= step;
		written -= step;
	}
}

static bool write_parts(struct iovec *parts, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		left += parts[i].iov_len;
	while (left) {
		ssize_t written = writev(STDERR_FILENO, parts, (int)count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN &&
		    poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, STDERR_WAIT_MS) > 0)
			continue;
		if (written < 0)
			return false;
		advance(parts, count, (size_t)written);
		left -= (size_t)written;
	}
	return true;
}

bool stderr_write(enum log_format format, int64_t at_ms, const char *body, size_t length)
{
	char time[TIME_TEXT];
	cleanup(buf_done) struct buf start = {0};
	size_t skipped = format == FORMAT_JSON ? 1 : 0; /* its brace comes before the time */

	if (at_ms < 0)
		skipped = 0;
	else
		buf_format(&start, skipped ? "{\"ts\":\"%s\"," : "ts=%s ", utc_format_ms(at_ms, time));
	struct iovec parts[] = {
	    {(char *)buf_text(&start), start.length},
	    {(char *)body + skipped, length - skipped},
	    {"\n", 1},
	};
	return write_parts(parts, ARRAY_SIZE(parts));
}

/* -- the sink -------------------------------------------------------------------------------------- */

bool log_waits(void)
{
	return sink.syslog && syslog_target_waits(sink.syslog);
}

void log_on_wait(void (*on_wait)(void *arg), void *arg)
{
	sink.on_wait = on_wait;
	sink.on_wait_arg = arg;
}

static void write_line(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	cleanup(buf_done) struct buf body = {0};
	int64_t at_ms = sink.now_ms ? sink.now_ms() : -1;

	log_print(&body, sink.format, level, event, fields, count, -1);
	if (sink.syslog)
		sink.dropped += syslog_target_send(sink.syslog, level, at_ms, body.text, body.length);
	else
		sink.dropped += !stderr_write(sink.format, at_ms, body.text, body.length);
	if (sink.on_wait && log_waits())
		sink.on_wait(sink.on_wait_arg);
}

/* `***` in place of a number would break the JSON form. */
static bool is_json(const struct buf *text)
{
	struct json *value;
	struct err *e = json_parse(buf_text(text), text->length, &value);

	if (e) {
		err_destroy(e);
		return false;
	}
	json_destroy(value);
	return true;
}

/* Hides secrets and telephone numbers in the fields' values; new values are ARENA's. */
static void hide_secrets(struct arena *arena, struct log_field *fields, size_t count)
{
	cleanup(buf_done) struct buf value = {0};

	for (size_t i = 0; i < count; i++) {
		buf_truncate(&value, 0);
		buf_add_text(&value, fields[i].value);
		bool hidden = redact(&value);

		hidden = mask_phones(&value) || hidden;
		if (!hidden)
			continue;
		fields[i].value = arena_copy(arena, value.text);
		fields[i].literal = fields[i].literal && is_json(&value);
	}
}

void log_forward(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	cleanup(arena_done) struct arena arena = {0};
	struct log_field *clean = mem_alloc(count * sizeof(*clean));

	if (count)
		memcpy(clean, fields, count * sizeof(*clean));
	hide_secrets(&arena, clean, count);
	if (sink.function)
		sink.function(sink.arg, level, event, clean, count);
	else
		write_line(level, event, clean, count);
	free(clean);
}

void log_set_level(enum log_level level)
{
	sink.level = level;
}

void log_set_format(enum log_format format)
{
	sink.format = format;
}

bool log_enabled(enum log_level level)
{
	return level >= sink.level;
}

static void replace_sink(struct syslog_target *syslog, log_function *function, void *arg)
{
	syslog_target_destroy(sink.syslog);
	sink.syslog = syslog;
	sink.function = function;
	sink.arg = arg;
}

static void end_syslog(void)
{
	if (!sink.syslog)
		return;
	sink.dropped += syslog_target_flush(sink.syslog);
	sink.dropped += syslog_target_give_up(sink.syslog);
}

void log_to_stderr(enum log_format format, int64_t (*now_ms)(void))
{
	end_syslog();
	replace_sink(NULL, NULL, NULL);
	sink.format = format;
	sink.now_ms = now_ms;
}

struct err *log_to_syslog(
    const char *path, const char *facility, enum log_format format, int64_t (*now_ms)(void))
{
	struct syslog_target *target;

	PASS(syslog_target_create(path, facility, format, &target));
	end_syslog();
	replace_sink(target, NULL, NULL);
	sink.format = format;
	sink.now_ms = now_ms;
	return NULL;
}

void log_to_function(log_function *function, void *arg)
{
	replace_sink(NULL, function, arg);
}

/* A gap in the log must show in the log. */
static void tell_dropped(void)
{
	struct log_line line;
	uint64_t lines = sink.dropped - sink.reported;

	if (!lines || syslog_target_waits(sink.syslog))
		return;
	sink.reported = sink.dropped;
	log_begin(&line, LEVEL_WARNING, "log_dropped");
	log_int(&line, "lines", (int64_t)lines);
	log_end(&line);
}

void log_flush(void)
{
	if (!sink.syslog)
		return;
	sink.dropped += syslog_target_flush(sink.syslog);
	tell_dropped();
}

uint64_t log_dropped(void)
{
	return sink.dropped;
}

/* -- building a line ------------------------------------------------------------------------------- */

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
	line->level = level;
	line->enabled = log_enabled(level);
	line->event = event;
	line->count = 0;
	line->left_out = 0;
	line->values = (struct buf){0};
}

/* True if there is room for a field, whose value is to be added to `values` then. */
static bool add_field(struct log_line *line, const char *key, bool literal)
{
	if (!line->enabled)
		return false;
	if (line->count == LOG_FIELDS_MAX) {
		line->left_out++;
		return false;
	}
	line->fields[line->count].key = key;
	line->fields[line->count].value = line->values.length;
	line->fields[line->count].literal = literal;
	line->count++;
	return true;
}

static void add_text(struct log_line *line, const char *text)
{
	buf_add(&line->values, text, strlen(text) + 1);
}

static void add_value(struct log_line *line, const char *key, const char *value, bool literal)
{
	if (value && add_field(line, key, literal))
		add_text(line, value);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	add_value(line, key, value, false);
}

void log_literal(struct log_line *line, const char *key, const char *json)
{
	add_value(line, key, json, true);
}

void log_format(struct log_line *line, const char *key, const char *fmt, ...)
{
	va_list args;

	if (!add_field(line, key, false))
		return;
	va_start(args, fmt);
	buf_vformat(&line->values, fmt, args);
	va_end(args);
	buf_add_char(&line->values, '\0');
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
	if (!add_field(line, key, true))
		return;
	buf_format(&line->values, "%lld", (long long)value);
	buf_add_char(&line->values, '\0');
}

void log_instant(struct log_line *line, const char *key, int64_t utc)
{
	char text[TIME_TEXT];

	log_text(line, key, utc_format(utc, text));
}

void log_named(struct log_line *line, const char *prefix, const char *name, const char *value, bool literal)
{
	if (!value || !add_field(line, NULL, literal))
		return;
	add_text(line, value);
	line->fields[line->count - 1].name = line->values.length;
	buf_add_text(&line->values, prefix);
	add_text(line, name);
}

void log_end(struct log_line *line)
{
	struct log_field fields[LOG_FIELDS_MAX + 1];
	char left_out[24];
	size_t count = 0;

	if (!line->enabled)
		return;
	for (; count < line->count; count++)
		fields[count] = (struct log_field){
		    .key = line->fields[count].key ? line->fields[count].key
		                                   : line->values.text + line->fields[count].name,
		    .value = line->values.text + line->fields[count].value,
		    .literal = line->fields[count].literal,
		};
	if (line->left_out) {
		snprintf(left_out, sizeof(left_out), "%zu", line->left_out);
		fields[count++] = (struct log_field){"more", left_out, true};
	}
	log_forward(line->level, line->event, fields, count);
	buf_done(&line->values);
}

void log_error(struct log_line *line, struct err *e)
{
	log_text(line, "kind", err_kind_name(err_kind(e)));
	log_text(line, "error", err_text(e));
	log_int(line, "frames", (int64_t)err_frames(e));
}

void log_fault(enum log_level level, const char *event, struct err *e)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_text(&line, "error", err_text(e));
	log_end(&line);
	err_destroy(e);
}
