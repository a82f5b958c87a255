/* SPDX-License-Identifier: MIT */
/*
 * Log lines: one event per line, as key=value pairs or as a JSON object.
 *
 *	struct log_line line;
 *
 *	log_begin(&line, LEVEL_INFO, "run_succeeded");
 *	log_text(&line, "job", job->name);
 *	log_int(&line, "ms", 184);
 *	log_end(&line);
 *
 * A line goes to the process's sink: the target itself in main, a request to main in its children
 * (log_to_function), so that one process writes. Lines below the level are dropped before they are
 * built. Every value passes the redactor (secrets never reach a log). Events, keys and their order:
 * INTERFACE "Log lines", as bmad(8) tells them.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>

#include "base/buf.h"

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR };

struct log_field {
	const char *key;
	const char *value;
	bool literal; /* a number, true, false or a JSON text: not quoted in the JSON form */
};

#define LOG_FIELDS_MAX 48

struct log_line {
	enum log_level level;
	bool enabled;
	const char *event;
	size_t count;
	struct {
		const char *key; /* the caller's; NULL for a copied one, which is at `name` */
		size_t name;     /* offsets into `values` */
		size_t value;
		bool literal;
	} fields[LOG_FIELDS_MAX]; /* what does not fit is left out, and the line says so: `more=N` */
	size_t left_out;
	struct buf values; /* the texts, each with its NUL */
};

void log_begin(struct log_line *line, enum log_level level, const char *event);
/* KEY outlives the line, or is copied by log_named(). A NULL value leaves the field out. */
void log_text(struct log_line *line, const char *key, const char *value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_instant(struct log_line *line, const char *key, int64_t utc); /* 2026-11-20T10:05:00Z */
void log_literal(struct log_line *line, const char *key, const char *json);
void log_format(struct log_line *line, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_named(struct log_line *line, const char *prefix, const char *name, const char *value, bool literal);
void log_end(struct log_line *line);

/* `kind= error= frames=` of E, which is not consumed, on LINE, an event such as run_failed. */
void log_error(struct log_line *line, struct err *e);
/* The line EVENT at LEVEL with one `error` field. Consumes E. */
void log_fault(enum log_level level, const char *event, struct err *e);

enum log_format { FORMAT_KV, FORMAT_JSON };

/*
 * Pure: appends the line's text to OUT, without newline. Values are quoted when they hold anything but
 * printable ASCII without `"`, `=`, `\` and blank, or are empty; control characters are escaped, invalid
 * UTF-8 becomes U+FFFD, values are cut at 64 KiB and then end in `...`. What no key may hold (all but
 * letters, digits, `_`, `.`, `-`) is `_` in keys. With AT_MS >= 0 it begins with `ts=` (RFC 3339, ms).
 */
void log_print(struct buf *out, enum log_format format, enum log_level level, const char *event,
    const struct log_field *fields, size_t count, int64_t at_ms);

/* -- where lines go -------------------------------------------------------------------------------- */

void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
bool log_enabled(enum log_level level);

/* Standard error (the default), each line with ts=. NOW_MS reads the wall clock; NULL: no ts=. */
void log_to_stderr(enum log_format format, int64_t (*now_ms)(void));

/*
 * Syslog datagrams (RFC 3164 as local daemons take them) to the socket PATH, "/dev/log" as a rule, with
 * FACILITY ("daemon", "local0", ...; CONFIG error otherwise). Never blocks: what the socket does not take
 * waits in a bounded queue (256 KiB) that log_flush() drains, then is dropped and counted; a socket
 * that is gone is opened again; while there is none lines go to standard error. When the queue is drained
 * after a loss, a line log_dropped says how many `lines` are missing.
 */
struct err *log_to_syslog(
    const char *path, const char *facility, enum log_format format, int64_t (*now_ms)(void)) MUST_CHECK;
void log_flush(void); /* tries to send what waits; called from the loop */
uint64_t log_dropped(void);
bool log_waits(void); /* something does */
/* ON_WAIT is called at each line that finds or leaves something waiting: time to plan a log_flush(). */
void log_on_wait(void (*on_wait)(void *arg), void *arg);

/* A child's sink. What waits for syslog is forgotten: it is the parent's to send. */
typedef void log_function(
    void *arg, enum log_level level, const char *event, const struct log_field *fields, size_t count);
void log_to_function(log_function *function, void *arg);

/*
 * A line made elsewhere (a child), to this process's sink, whatever this process's level, unchanged but
 * for the redactor.
 */
void log_forward(enum log_level level, const char *event, const struct log_field *fields, size_t count);

/* -- secrets --------------------------------------------------------------------------------------- */

/*
 * Registers a secret of this process: wherever its value (or its base64, percent, form or JSON-escaped
 * form) occurs in a log value or a text given to redact(), `***` stands instead. Values shorter than 4
 * bytes are not searched for: they would blot out the log and hide nothing.
 */
void redact_add(const char *secret);
/* Replaces in place; true if there was anything to replace. */
bool redact(struct buf *text);
/* A copy of VALUE with that done to each of its texts: in printed JSON a secret might be a number. */
struct json *redact_json(const struct json *value);

#endif
