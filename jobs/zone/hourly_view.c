/* SPDX-License-Identifier: MIT */
/* What the templates of zone_hourly show beside its data object. */
#include "jobs/zone/hourly_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bmad/mem.h>

#include "base/buf.h"
#include "jobs/zone/grid.h"
#include "jobs/zone/measure.h"

#define BAR_CELLS 10
#define SIGNED    24 /* bytes of a number with its sign */

static int64_t number(const struct json *object, const char *key)
{
	int64_t value = 0;

	json_int64(json_get(object, key), &value);
	return value;
}

static const char *text(const struct json *object, const char *key)
{
	const char *value = json_text(json_get(object, key));

	return value ? value : "";
}

static char *with_sign(int64_t value, char out[SIGNED])
{
	snprintf(out, SIGNED, value > 0 ? "+%lld" : "%lld", (long long)value);
	return out;
}

static void set_signed(struct json *object, const char *key, int64_t value)
{
	char buffer[SIGNED];

	json_set_string(object, key, with_sign(value, buffer));
}

/* -- how it went ----------------------------------------------------------------------------------- */

/* By attainment, the best first; the last stands for "nothing to compare with". */
static const struct grade {
	int64_t at_least; /* tenths of a per cent */
	const char *mark, *style, *color;
	const char *hex; /* for mail and chats: to be read on white and on black */
} grades[] = {
    {950, "\xf0\x9f\x9f\xa2", "good", "Good", "#2a9d5c"},
    {850, "\xf0\x9f\x9f\xa1", "warning", "Warning", "#b8860b"},
    {0, "\xf0\x9f\x94\xb4", "attention", "Attention", "#d64545"},
    {NO_VALUE, "\xe2\x9a\xaa", "default", "Default", "#808080"},
};

static const struct grade *grade(int64_t actual, int64_t target)
{
	const struct grade *grade = grades;
	int64_t attainment = pct_tenths(actual, target);

	while (attainment < grade->at_least)
		grade++;
	return grade;
}

static const struct grade *grade_of(const struct json *object)
{
	return grade(number(object, "actual"), number(object, "target"));
}

/* A missing feed is no bad hour, and must not look like one. */
static const struct grade *grade_of_hour(const struct json *data)
{
	if (strcmp(text(data, "status"), "ok") != 0)
		return grade(0, 0);
	return grade_of(json_get(data, "hour"));
}

static void put_course(struct json *view, const struct json *to_date)
{
	int64_t missing = number(to_date, "shift_target") - number(to_date, "actual");
	const struct json *rate = json_get(to_date, "required_rate");
	bool open = json_is(rate, JSON_NUMBER);

	json_set_bool(view, "on_course", open && missing <= 0);
	json_set_null(view, "recover");
	if (!open || missing <= 0)
		return;
	struct json *recover = json_set_object(view, "recover");
	json_set_int(recover, "missing", missing);
	json_set(recover, "rate", json_copy(rate));
}

/* -- the board ------------------------------------------------------------------------------------- */

/*
 * A label without its abbreviation, which is the same all night but for the hour of a clock change: there
 * it stays, because it tells the two apart.
 */
static char *short_label(const struct json *row)
{
	const char *label = text(row, "label");
	const char *blank = strchr(label, ' ');
	const char *dash = strchr(label, '-');

	if (!blank || !dash || blank < dash)
		return mem_copy(label);
	return mem_copy_n(label, (size_t)(blank - label));
}

static void put_board(struct json *view, const struct json *board)
{
	struct json *list = json_set_array(view, "board");

	json_each(row, board) {
		cleanup(free_text) char *label = short_label(row);
		struct json *object = json_add_object(list);

		json_set_string(object, "hour", label);
		json_set_int(object, "target", number(row, "target"));
		json_set_int(object, "actual", number(row, "actual"));
		set_signed(object, "gap", number(row, "gap"));
		set_signed(object, "cum_gap", number(row, "cum_gap"));
		json_set_string(object, "color", grade_of(row)->color);
		json_set_string(object, "reason", text(row, "reason"));
	}
}

/* The board as the shared partials take a table. */
static void put_grid(struct json *view, const struct json *board)
{
	static const struct grid_column columns[] = {{"Hour", 5, false}, {"Plan", 2, true}, {"Made", 2, true},
	    {"Gap", 2, true}, {"Total", 2, true}, {"Reason", 6, false}, {NULL, 0, false}};
	struct json *grid = grid_begin(view, "grid", columns);

	json_each(row, board) {
		cleanup(free_text) char *label = short_label(row);
		char target[SIGNED], actual[SIGNED], gap[SIGNED], total[SIGNED];

		snprintf(target, sizeof(target), "%lld", (long long)number(row, "target"));
		snprintf(actual, sizeof(actual), "%lld", (long long)number(row, "actual"));
		with_sign(number(row, "gap"), gap);
		with_sign(number(row, "cum_gap"), total);
		grid_row(grid, (const char *const[]){label, target, actual, gap, total, text(row, "reason")}, 3,
		    grade_of(row)->hex, grade_of(row)->color);
	}
	grid_end(grid);
}

/* Attainment as a bar; full from 100 % on. */
static void add_bar(struct buf *line, int64_t actual, int64_t target)
{
	int64_t attainment = pct_tenths(actual, target);

	for (int64_t cell = 0; cell < BAR_CELLS; cell++)
		buf_add_text(line, attainment >= 100 * cell + 50 ? "\xe2\x96\x88" : "\xe2\x96\x91");
}

static void add_line(struct json *table, struct buf *line)
{
	json_add_string(table, buf_text(line));
	buf_truncate(line, 0);
}

static int widest_label(const struct json *board)
{
	size_t widest = strlen("Hour");

	json_each(row, board) {
		cleanup(free_text) char *label = short_label(row);

		if (strlen(label) > widest)
			widest = strlen(label);
	}
	return (int)widest;
}

static void add_row(struct buf *line, const struct json *row, int width)
{
	cleanup(free_text) char *label = short_label(row);
	char gap[SIGNED], cum_gap[SIGNED];
	int64_t actual = number(row, "actual"), target = number(row, "target");

	buf_format(line, "%-*s  ", width, label);
	add_bar(line, actual, target);
	buf_format(line, " %6lld %6lld %6s %6s  %5lld %6.1f  %s", (long long)target, (long long)actual,
	    with_sign(number(row, "gap"), gap), with_sign(number(row, "cum_gap"), cum_gap),
	    (long long)number(row, "scrap"), json_double(json_get(row, "downtime_min")), text(row, "reason"));
	while (line->length && line->text[line->length - 1] == ' ')
		buf_truncate(line, line->length - 1);
}

static void put_table(struct json *view, const struct json *board)
{
	struct json *table = json_set_array(view, "table");
	cleanup(buf_done) struct buf line = {0};
	int width = widest_label(board);

	buf_format(&line, "%-*s  %-*s %6s %6s %6s %6s  %5s %6s  %s", width, "Hour", BAR_CELLS, "", "Plan",
	    "Made", "Gap", "Total", "Scrap", "Down", "Reason");
	add_line(table, &line);
	json_each(row, board) {
		add_row(&line, row, width);
		add_line(table, &line);
	}
}

/* -- lines and notes ------------------------------------------------------------------------------- */

static void put_lines(struct json *view, const struct json *lines)
{
	struct json *list = json_set_array(view, "lines");

	json_each(line, lines) {
		struct json *object = json_add_object(list);

		json_set_string(object, "name", text(line, "name"));
		json_set_int(object, "target", number(line, "target"));
		json_set_int(object, "actual", number(line, "actual"));
		set_signed(object, "gap", number(line, "gap"));
		set_signed(object, "shift_gap", number(line, "shift_gap"));
		json_set_string(object, "color", grade_of(line)->color);
	}
}

static const struct {
	const char *warning; /* what it begins with */
	const char *words;
} warning_words[] = {
    {"no_crew", "the crew calendar has no entry for this shift"},
    {"no_target:", "some hour of this shift has no target for line "},
    {"no_exit:", "no exit station, so no output, for line "},
};

static void add_warning(struct json *notes, const char *warning)
{
	cleanup(buf_done) struct buf note = {0};

	for (size_t i = 0; i < ARRAY_SIZE(warning_words); i++) {
		size_t length = strlen(warning_words[i].warning);

		if (!strncmp(warning, warning_words[i].warning, length)) {
			buf_format(&note, "%s%s", warning_words[i].words, warning + length);
			break;
		}
	}
	json_add_string(notes, note.length ? buf_text(&note) : warning);
}

static void put_notes(struct json *view, const struct json *data)
{
	struct json *notes = json_set_array(view, "notes");
	int64_t late = number(data, "late_units");
	char note[120];

	if (late > 0) {
		snprintf(note, sizeof(note),
		    "%lld %s of this shift came in late: earlier hours may differ from their posts",
		    (long long)late, late == 1 ? "unit" : "units");
		json_add_string(notes, note);
	}
	json_each(warning, json_get(data, "warnings")) {
		if (json_text(warning))
			add_warning(notes, json_text(warning));
	}
}

/* -- the whole ------------------------------------------------------------------------------------- */

struct json *zone_hourly_view(const struct json *data)
{
	const struct json *board = json_get(data, "board");
	struct json *view = json_object();
	const char *status = text(data, "status");

	json_set_string(view, "mark", grade_of_hour(data)->mark);
	json_set_string(view, "style", grade_of_hour(data)->style);
	json_set_string(view, "hex", grade_of_hour(data)->hex);
	json_set_int(view, "rgb", strtol(grade_of_hour(data)->hex + 1, NULL, 16));
	json_set_bool(view, "no_data", !strcmp(status, "no_data"));
	json_set_bool(view, "not_scheduled", !strcmp(status, "not_scheduled"));
	set_signed(view, "gap", number(json_get(data, "hour"), "gap"));
	set_signed(view, "to_date_gap", number(json_get(data, "shift_to_date"), "gap"));
	put_course(view, json_get(data, "shift_to_date"));
	put_board(view, board);
	put_table(view, board);
	put_grid(view, board);
	put_lines(view, json_get(data, "lines"));
	put_notes(view, data);
	return view;
}
