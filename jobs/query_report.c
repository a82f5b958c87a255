/* SPDX-License-Identifier: MIT */
/*
 * query_report - any query as a report: bound parameters in, a table out. How a plant adds a report without
 * C.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bmad/job.h>
#include <bmad/mem.h>

#include "jobs/query/change.h"
#include "jobs/query/columns.h"
#include "jobs/query/csv.h"
#include "jobs/query/rows.h"
#include "jobs/query/view.h"
#include "jobs/query/window.h"

#define COMPARED_MAX 10000 /* rows that `when: change` keeps in mind */
#define FILE_MAX     65536
#define STATE_KEY    "rows"

enum when { WHEN_ALWAYS, WHEN_ROWS, WHEN_CHANGE };

struct query_options {
	const char *source, *query, *query_file, *window, *zone, *title;
	const struct json *params, *columns;
	int when;
	struct texts key, attach;
	int64_t repeat_ms, max_rows;
};

static const char *const whens[] = {
    [WHEN_ALWAYS] = "always", [WHEN_ROWS] = "rows", [WHEN_CHANGE] = "change", NULL};

/* clang-format off */
static const struct option options[] = {
    OPTION(struct query_options, source, OPT_NAME, .section = "sources", .required = true,
        .help = "the database that is asked"),
    OPTION(struct query_options, query, OPT_TEXT, .help = "the query, with parameters as :name"),
    OPTION(struct query_options, query_file, OPT_PATH, .help = "a file that holds it"),
    OPTION(struct query_options, params, OPT_MAP, .help = "parameters of the query, besides those that bmad gives"),
    OPTION(struct query_options, window, OPT_TEXT, .fallback = "last",
        .help = "from :from up to :to: since the last report, the shift or day that ended last, or a duration"),
    OPTION(struct query_options, zone, OPT_TEXT, .help = "the zone whose shifts are meant, and :zone"),
    OPTION(struct query_options, when, OPT_CHOICE, .choices = whens, .fallback = "always",
        .help = "when it is posted: always, if there are rows, or if rows came or went"),
    OPTION(struct query_options, key, OPT_TEXTS, .help = "the columns that tell rows apart, for `when: change`"),
    {.name = "repeat", .type = OPT_DURATION, .offset = offsetof(struct query_options, repeat_ms), .fallback = "0s",
        .help = "with `when: change`, tell again of rows that are still there after this; 0: never"},
    OPTION(struct query_options, columns, OPT_MAP,
        .help = "how columns are shown: {name: {label, format, total}}, format one of text, integer, number1, percent, time, date"),
    OPTION(struct query_options, attach, OPT_TEXTS,
        .help = "files that go with the report where a channel carries files: csv"),
    OPTION(struct query_options, max_rows, OPT_INT, .fallback = "200", .min = 1, .max = 5000,
        .help = "how many rows are shown at most"),
    OPTION(struct query_options, title, OPT_TEXT, .help = "what the report is called; the job's name"),
    OPTION_END,
};
/* clang-format on */

static struct err *check(const void *values)
{
	const struct query_options *own = values;
	struct window_spec window;

	if (!own->query == !own->query_file)
		return ERR(ERR_CONFIG, "query: expected either query or query_file");
	PASS(window_parse(own->window, &window));
	if (window.kind == WINDOW_SHIFT && !own->zone)
		return ERR(ERR_CONFIG, "window: a shift is some zone's: say which with `zone`");
	if ((own->when == WHEN_CHANGE) != (own->key.count > 0))
		return ERR(
		    ERR_CONFIG, "key: `when: change` needs the columns that tell rows apart, and only it");
	for (size_t i = 0; i < own->attach.count; i++)
		if (strcmp(own->attach.items[i], "csv") != 0)
			return ERR(ERR_CONFIG, "attach: expected csv, found '%s'", own->attach.items[i]);
	PASS(params_check(own->params));
	return columns_check(own->columns);
}

/* -- the query -------------------------------------------------------------------------------------- */

struct report {
	struct arena arena;
	const struct query_options *own;
	struct query_window window;
	struct query_result result;
	struct json *rows;
};

static void report_done(struct report *report)
{
	json_destroy(report->rows);
	arena_done(&report->arena);
}

/* The query's text; a file is read anew each time: whoever edits it need not tell bmad. */
static struct err *read_text(struct report *report, const char **out_text)
{
	const char *path = report->own->query_file;

	*out_text = report->own->query;
	if (!path)
		return NULL;
	char *text = arena_alloc(&report->arena, FILE_MAX + 1);
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(text, 1, FILE_MAX + 1, file) : 0;
	bool failed = !file || ferror(file);
	int fault = errno;

	if (file)
		fclose(file);
	if (failed)
		return ERR(ERR_CONFIG, "query_file %s: %s", path, strerror(fault));
	if (length > FILE_MAX || memchr(text, 0, length))
		return ERR(ERR_CONFIG, "query_file %s: expected a text of at most %d bytes", path, FILE_MAX);
	*out_text = text;
	return NULL;
}

static void add_param(struct query_params *all, const char *name, struct sql_value value)
{
	all->items[all->count++] = (struct sql_param){name, value};
}

static void add_own_params(struct run *run, const struct report *report, struct query_params *all)
{
	const struct query_window *window = &report->window;
	const struct {
		const char *name;
		utc_t at;
	} instants[] = {
	    {"from", window->from}, {"to", window->until}, {"slot", run_slot(run)}, {"as_of", run_slot(run)}};

	for (size_t i = 0; i < ARRAY_SIZE(instants); i++)
		add_param(all, instants[i].name,
		    (struct sql_value){.type = SQL_INSTANT, .integer = instants[i].at});
	if (!window->has_shift)
		return;
	add_param(all, "zone", (struct sql_value){.type = SQL_TEXT, .text = report->own->zone});
	add_param(all, "shift_date", (struct sql_value){.type = SQL_DATE, .integer = window->shift_date});
	add_param(all, "shift_type", (struct sql_value){.type = SQL_TEXT, .text = window->shift_type});
	add_param(all, "crew", (struct sql_value){.type = SQL_TEXT, .text = window->crew});
}

/* A source that may be written to would let any statement through: this module is for reading. */
static struct err *check_source(const struct query_options *own, struct sql *db)
{
	if (!sql_writable(db))
		return NULL;
	return ERR(ERR_CONFIG, "source '%s' is writable, and a report only reads: name one that is not",
	    own->source);
}

/* The query as it is asked: its database with an open snapshot, its text and its parameters. */
struct question {
	struct sql *db;
	const char *text;
	struct query_params params;
};

static struct err *prepare(
    struct run *run, struct report *report, const struct window_spec *spec, struct question *out)
{
	const struct query_options *own = report->own;

	PASS(read_text(report, &out->text));
	PASS(run_source(run, own->source, &out->db));
	PASS(check_source(own, out->db));
	PASS(sql_begin(out->db));
	TRY(window_find(run, out->db, spec, own->zone, &report->arena, &report->window), "find the window");
	add_own_params(run, report, &out->params);
	params_add(&out->params, own->params);
	return NULL;
}

static struct err *ask(struct run *run, struct report *report)
{
	const struct query_options *own = report->own;
	struct question question = {.params.count = 0};
	struct window_spec spec;

	PASS(window_parse(own->window, &spec));
	PASS(prepare(run, report, &spec, &question));
	run_step(run, "ask %s", own->source);
	report->rows = json_array();
	TRY(query_rows(question.db, question.text, &question.params,
	        own->when == WHEN_CHANGE ? COMPARED_MAX : (size_t)own->max_rows, &report->arena, report->rows,
	        &report->result),
	    "the query");
	return sql_end(question.db);
}

static struct err *check_columns(const struct report *report)
{
	const struct query_options *own = report->own;
	const char *unknown = columns_unknown(own->columns, report->result.names, report->result.columns);

	if (unknown)
		return ERR(ERR_CONFIG, "columns.%s: the query has no column of that name", unknown);
	for (size_t i = 0, j; i < own->key.count; i++) {
		for (j = 0; j < report->result.columns; j++)
			if (!strcmp(report->result.names[j], own->key.items[i]))
				break;
		if (j == report->result.columns)
			return ERR(ERR_CONFIG, "key: the query has no column '%s'", own->key.items[i]);
	}
	return NULL;
}

static struct err *check_count(const struct report *report)
{
	if (report->own->when == WHEN_CHANGE && report->result.truncated)
		return ERR(
		    ERR_PERMANENT, "the query has more than %d rows, too many to compare", COMPARED_MAX);
	return NULL;
}

/* -- posting it ------------------------------------------------------------------------------------- */

/* With the rows of LIST as files, if they are wanted. */
static struct err *post(
    struct run *run, const struct report *report, const struct json *list, struct json *data)
{
	cleanup(buf_done) struct buf csv = {0};
	cleanup(free_text) char *name = mem_format("%s.csv", run_job(run));
	struct attachment attachment = {.name = name, .content_type = "text/csv"};
	struct message message = {.kind = "report"};

	if (report->own->attach.count) {
		query_csv(json_get(data, "columns"), list, &csv);
		attachment.bytes = buf_text(&csv);
		attachment.length = csv.length;
		message.attachments = &attachment;
		message.attachment_count = 1;
	}
	run_step(run, "queue the report");
	return run_queue(run, &message, data);
}

/* -- the data object -------------------------------------------------------------------------------- */

static void put_window(struct run *run, struct json *data, const struct query_window *window)
{
	const struct {
		const char *key;
		utc_t at;
	} ends[] = {{"from", window->from}, {"to", window->until}};
	char text[TIME_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		json_set_instant(data, ends[i].key, ends[i].at);
	json_set_string(data, "from_local", tz_format(run_tz(run), window->from, text));
	json_set_string(data, "to_local", tz_format(run_tz(run), window->until, text));
	json_set_string(data, "timezone", tz_name(run_tz(run)));
	if (!window->has_shift)
		return;
	struct json *shift = json_set_object(data, "shift");
	json_set_string(shift, "date", date_format(window->shift_date, text));
	json_set_string(shift, "type", window->shift_type);
	json_set_string(shift, "crew", window->crew);
}

static void put_totals(struct json *data, const struct json *rows)
{
	struct json *totals = json_set_object(data, "totals");
	const struct json *columns = json_get(data, "columns");

	for (const struct json *column = json_first(columns); column; column = json_next(column)) {
		const char *name = json_text(json_get(column, "name"));
		double sum = 0;

		for (const struct json *row = json_first(rows); row; row = json_next(row))
			sum += json_double(json_get(row, name));
		if (column_has_total(column))
			json_set_number(totals, name, sum);
	}
}

static struct json *put_report(struct run *run, const struct report *report)
{
	const struct query_options *own = report->own;
	struct json *data = run_data(run);

	json_set_string(data, "report", "query");
	json_set_string(data, "name", run_job(run));
	json_set_string(data, "title", own->title ? own->title : run_job(run));
	if (own->zone)
		json_set_string(data, "zone", own->zone);
	put_window(run, data, &report->window);
	json_set(data, "params", json_copy(own->params));
	json_set(
	    data, "columns", columns_describe(own->columns, report->result.names, report->result.columns));
	return data;
}

static struct err *post_rows(struct run *run, const struct report *report)
{
	struct json *data;

	if (report->own->when == WHEN_ROWS && !report->result.count) {
		run_decide(run, "the query has no rows: nothing is posted");
		return NULL;
	}
	data = put_report(run, report);
	json_set(data, "rows", json_copy(report->rows));
	json_set_int(data, "row_count", (int64_t)report->result.count);
	json_set_bool(data, "truncated", report->result.truncated);
	put_totals(data, report->rows);
	return post(run, report, report->rows, data);
}

/* -- what changed ----------------------------------------------------------------------------------- */

/* At most MOST of LIST, the first; true if some were left out. */
static bool put_some(struct json *data, const char *key, struct json *list, int64_t most)
{
	struct json *shown = json_set_array(data, key);
	int64_t count = 0;

	for (const struct json *row = json_first(list); row && count < most; row = json_next(row), count++)
		json_add(shown, json_copy(row));
	bool left_out = (int64_t)json_length(list) > most;
	json_destroy(list);
	return left_out;
}

static struct err *post_change(struct run *run, const struct report *report, const struct json *before,
    const struct json *now, bool repeat)
{
	int64_t most = report->own->max_rows;
	struct json *data = put_report(run, report);
	bool truncated = put_some(data, "raised", rows_apart(now, before, false), most);

	truncated = put_some(data, "still", rows_apart(now, before, true), most) || truncated;
	truncated = put_some(data, "cleared", rows_apart(before, now, false), most) || truncated;
	json_set_int(data, "row_count", (int64_t)report->result.count);
	json_set_bool(data, "truncated", truncated);
	json_set_bool(data, "repeat", repeat);
	return post(run, report, report->rows, data);
}

static void keep_rows(struct run *run, struct json *now, const struct json *sent)
{
	struct json *state = json_object();
	char at[TIME_TEXT];

	json_set(state, "rows", now);
	if (sent)
		json_set(state, "sent", json_copy(sent));
	else
		json_set_string(state, "sent", utc_format(run_slot(run), at));
	run_state_set(run, STATE_KEY, state, 0);
}

static struct err *compare(struct run *run, const struct report *report)
{
	const struct json *state;

	PASS(run_state_get(run, STATE_KEY, &state));
	const struct json *before = json_get(state, "rows"), *sent = json_get(state, "sent");
	struct json *now = rows_by_key(report->rows, &report->own->key);
	struct json *raised = rows_apart(now, before, false), *cleared = rows_apart(before, now, false);
	bool changed = json_first(raised) || json_first(cleared);
	bool repeat =
	    !changed && json_first(now) && repeat_is_due(state, run_slot(run), report->own->repeat_ms / 1000);

	json_destroy(raised);
	json_destroy(cleared);
	struct err *e = NULL;
	if (changed || repeat)
		e = post_change(run, report, before, now, repeat);
	else
		run_decide(run, "no row came or went: nothing is posted");
	keep_rows(run, now, changed || repeat ? NULL : sent);
	return e;
}

/* -- check --connect -------------------------------------------------------------------------------- */

/* The query is understood and not run, whatever it costs: a window without the job's state will do. */
static struct err *query_report_connect(struct run *run)
{
	cleanup(report_done) struct report report = {.own = run_options(run)};
	struct question question = {.params.count = 0};
	struct window_spec spec;

	PASS(window_parse(report.own->window, &spec));
	if (spec.kind == WINDOW_LAST)
		spec.kind = WINDOW_DURATION;
	PASS(prepare(run, &report, &spec, &question));
	TRY(query_try(question.db, question.text, &question.params, &report.arena, &report.result),
	    "the query");
	PASS(check_columns(&report));
	return sql_end(question.db);
}

/* -- the run ---------------------------------------------------------------------------------------- */

static struct err *query_report_run(struct run *run)
{
	cleanup(report_done) struct report report = {.own = run_options(run)};

	PASS(ask(run, &report));
	PASS(check_columns(&report));
	PASS(check_count(&report));
	run_value(run, "rows", (double)report.result.count);
	window_keep(run, &report.window);
	return report.own->when == WHEN_CHANGE ? compare(run, &report) : post_rows(run, &report);
}

const struct job_module query_report_module = {
    .name = "query_report",
    .summary = "any query as a report: bound parameters in, a table out",
    .options = options,
    .options_size = sizeof(struct query_options),
    .restartable = true,
    .check = check,
    .connect = query_report_connect,
    .run = query_report_run,
    .view = query_view,
};
