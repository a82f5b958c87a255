/* SPDX-License-Identifier: MIT */
/* What the looks of the zone reports have in common. */
#include "jobs/zone/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>

#include "jobs/zone/grid.h"
#include "jobs/zone/measure.h"

#define BAR_CELLS 10

int64_t view_number(const struct json *object, const char *key)
{
	return json_get_int(object, key);
}

const char *view_text(const struct json *object, const char *key)
{
	const char *value = json_text(json_get(object, key));

	return value ? value : "";
}

char *view_signed(int64_t value, char out[VIEW_SIGNED])
{
	snprintf(out, VIEW_SIGNED, value > 0 ? "+%lld" : "%lld", (long long)value);
	return out;
}

void view_set_look(struct json *view, const struct grade *grade)
{
	json_set_string(view, "mark", grade->mark);
	json_set_string(view, "style", grade->style);
	json_set_string(view, "hex", grade->hex);
	json_set_int(view, "rgb", strtol(grade->hex + 1, NULL, 16));
}

void view_set_signed(struct json *object, const char *key, int64_t value)
{
	char buffer[VIEW_SIGNED];

	json_set_string(object, key, view_signed(value, buffer));
}

/* -- how it went ----------------------------------------------------------------------------------- */

/* By attainment, the best first; the last stands for "nothing to compare with". */
static const struct grade grades[] = {
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

const struct grade *view_no_grade(void)
{
	return grade(0, 0);
}

const struct grade *view_grade(const struct json *object)
{
	return grade(view_number(object, "actual"), view_number(object, "target"));
}

/* -- the board ------------------------------------------------------------------------------------- */

/*
 * A label without its abbreviation, which is the same all night but for the hour of a clock change: there
 * it stays, because it tells the two apart.
 */
char *view_hour(const struct json *row)
{
	const char *label = view_text(row, "label");
	const char *blank = strchr(label, ' ');
	const char *dash = strchr(label, '-');

	if (!blank || !dash || blank < dash)
		return mem_copy(label);
	return mem_copy_n(label, (size_t)(blank - label));
}

void view_put_board(struct json *view, const struct json *board)
{
	struct json *list = json_set_array(view, "board");

	json_each(row, board) {
		cleanup(free_text) char *label = view_hour(row);
		struct json *object = json_add_object(list);

		json_set_string(object, "hour", label);
		json_set_int(object, "target", view_number(row, "target"));
		json_set_int(object, "actual", view_number(row, "actual"));
		view_set_signed(object, "gap", view_number(row, "gap"));
		view_set_signed(object, "cum_gap", view_number(row, "cum_gap"));
		json_set_string(object, "color", view_grade(row)->color);
		json_set_string(object, "reason", view_text(row, "reason"));
	}
}

/* The board as the shared partials take a table. */
void view_put_grid(struct json *view, const struct json *board)
{
	static const struct grid_column columns[] = {{"Hour", 5, false}, {"Plan", 2, true}, {"Made", 2, true},
	    {"Gap", 2, true}, {"Total", 2, true}, {"Reason", 6, false}, {NULL, 0, false}};
	struct json *grid = grid_begin(view, "grid", columns);

	json_each(row, board) {
		cleanup(free_text) char *label = view_hour(row);
		cleanup(free_text) char *target = view_or_dash(json_get(row, "target"));
		cleanup(free_text) char *actual = view_or_dash(json_get(row, "actual"));
		char gap[VIEW_SIGNED], total[VIEW_SIGNED];

		view_signed(view_number(row, "gap"), gap);
		view_signed(view_number(row, "cum_gap"), total);
		grid_row(grid,
		    (const char *const[]){label, target, actual, gap, total, view_text(row, "reason")}, 3,
		    view_grade(row)->hex, view_grade(row)->color);
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
		cleanup(free_text) char *label = view_hour(row);

		if (strlen(label) > widest)
			widest = strlen(label);
	}
	return (int)widest;
}

static void add_row(struct buf *line, const struct json *row, int width)
{
	cleanup(free_text) char *label = view_hour(row);
	char gap[VIEW_SIGNED], cum_gap[VIEW_SIGNED];
	int64_t actual = view_number(row, "actual"), target = view_number(row, "target");

	buf_format(line, "%-*s  ", width, label);
	add_bar(line, actual, target);
	buf_format(line, " %6lld %6lld %6s %6s  %5lld %6.1f  %s", (long long)target, (long long)actual,
	    view_signed(view_number(row, "gap"), gap), view_signed(view_number(row, "cum_gap"), cum_gap),
	    (long long)view_number(row, "scrap"), json_double(json_get(row, "downtime_min")),
	    view_text(row, "reason"));
	buf_trim_blanks(line);
}

void view_put_table(struct json *view, const struct json *board)
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

/* -- notes ------------------------------------------------------------------------------------------ */

static const struct {
	const char *warning; /* what it begins with */
	const char *words;
} warning_words[] = {
    {"no_crew", "the crew calendar has no entry for this shift"},
    {"no_target:", "some hour of this shift has no target for line "},
    {"no_exit:", "no exit station, so no output, for line "},
};

static void add_note(struct json *notes, const char *of, const char *words, const char *rest)
{
	cleanup(free_text) char *note = mem_format("%s%s%s%s", of ? of : "", of ? ": " : "", words, rest);

	json_add_string(notes, note);
}

static void add_warning(struct json *notes, const char *of, const char *warning)
{
	for (size_t i = 0; i < ARRAY_SIZE(warning_words); i++) {
		size_t length = strlen(warning_words[i].warning);

		if (!strncmp(warning, warning_words[i].warning, length)) {
			add_note(notes, of, warning_words[i].words, warning + length);
			return;
		}
	}
	add_note(notes, of, warning, "");
}

void view_add_notes(struct json *notes, const char *of, const struct json *data)
{
	int64_t late = view_number(data, "late_units");
	char note[120];

	if (late > 0) {
		snprintf(note, sizeof(note),
		    "%lld %s of this shift came in late: earlier hours may differ from their posts",
		    (long long)late, late == 1 ? "unit" : "units");
		add_note(notes, of, note, "");
	}
	json_each(warning, json_get(data, "warnings"))
		if (json_text(warning))
			add_warning(notes, of, json_text(warning));
}

void view_put_notes(struct json *view, const struct json *data)
{
	view_add_notes(json_set_array(view, "notes"), NULL, data);
}

/* -- numbers ---------------------------------------------------------------------------------------- */

char *view_or_dash(const struct json *number)
{
	return json_is(number, JSON_NUMBER) ? json_print(number) : mem_copy("-");
}

char *view_heads(const struct json *staffing)
{
	int64_t planned = view_number(staffing, "planned"), actual;
	char gap[VIEW_SIGNED];

	if (!json_int64(json_get(staffing, "actual"), &actual))
		return mem_format("? of %lld", (long long)planned);
	if (actual == planned)
		return mem_format("%lld of %lld", (long long)actual, (long long)planned);
	return mem_format(
	    "%lld of %lld (%s)", (long long)actual, (long long)planned, view_signed(actual - planned, gap));
}
