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

#define BAR_CELLS 6
#define BAR_MOST  8

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

/*
 * Attainment as a bar: BAR_CELLS are the plan, what is missing of it is shaded, what is made beyond it stands
 * out a little. Nothing where there is no plan.
 */
void view_bar(int64_t actual, int64_t target, char out[VIEW_BAR])
{
	static const char *const parts[] = {"", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d", "\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89"};
	int64_t attainment = pct_tenths(actual, target), eighths = 0; /* less than none, or not known: none */
	struct buf bar = {0};

	if (attainment > 1000 * BAR_MOST / BAR_CELLS)
		eighths = BAR_MOST * 8;
	else if (attainment > 0)
		eighths = attainment * BAR_CELLS * 8 / 1000;
	for (int64_t cell = 0; cell < BAR_MOST && target > 0; cell++) {
		int64_t filled = eighths - cell * 8;

		if (filled >= 8)
			buf_add_text(&bar, "\xe2\x96\x88");
		else if (filled > 0)
			buf_add_text(&bar, parts[filled]);
		else if (cell < BAR_CELLS)
			buf_add_text(&bar, "\xe2\x96\x91");
	}
	snprintf(out, VIEW_BAR, "%s", buf_text(&bar));
	buf_done(&bar);
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
		char bar[VIEW_BAR], gap[VIEW_SIGNED], total[VIEW_SIGNED];

		view_signed(view_number(row, "gap"), gap);
		view_signed(view_number(row, "cum_gap"), total);
		grid_row(grid,
		    (const char *const[]){label, target, actual, gap, total, view_text(row, "reason")}, 3,
		    view_grade(row)->hex, view_grade(row)->color);
		view_bar(view_number(row, "actual"), view_number(row, "target"), bar);
		grid_bar(grid, bar, view_grade(row)->color);
	}
	grid_end(grid);
}

/* "18:00", or "01:00 PDT" in the hour of a clock change. */
static char *start_of(const struct json *row)
{
	cleanup(free_text) char *hour = view_hour(row);

	return mem_copy_n(hour, strcspn(hour, "-"));
}

/* The same as narrow as a card on a phone wants it. */
void view_put_card(struct json *view, const struct json *board)
{
	static const struct grid_column columns[] = {{"From", 5, false}, {"Made", 6, true}, {"Gap", 4, true},
	    {"Total", 4, true}, {"Reason", 9, false}, {NULL, 0, false}};
	struct json *grid = grid_begin(view, "card", columns);

	json_each(row, board) {
		int64_t target = view_number(row, "target"), actual = view_number(row, "actual");
		cleanup(free_text) char *start = start_of(row);
		cleanup(free_text) char *made = mem_format("%lld/%lld", (long long)actual, (long long)target);
		char bar[VIEW_BAR], gap[VIEW_SIGNED], total[VIEW_SIGNED];

		view_signed(view_number(row, "gap"), gap);
		view_signed(view_number(row, "cum_gap"), total);
		view_bar(actual, target, bar);
		grid_row(grid, (const char *const[]){start, made, gap, total, view_text(row, "reason")}, 2,
		    view_grade(row)->hex, view_grade(row)->color);
		grid_bar(grid, bar, view_grade(row)->color);
	}
	grid_end(grid);
}

/* The board for the console: numbers first in mind, as narrow as they allow. */
void view_put_table(struct json *view, const struct json *board)
{
	static const struct grid_column columns[] = {{"Hour", 1, false}, {"", 1, false}, {"Plan", 1, true},
	    {"Made", 1, true}, {"Gap", 1, true}, {"Total", 1, true}, {"Scrap", 1, true}, {"Down", 1, true},
	    {"Reason", 1, false}, {NULL, 0, false}};
	struct json *grid = grid_begin(view, "table", columns);

	json_each(row, board) {
		cleanup(free_text) char *label = view_hour(row);
		cleanup(free_text) char *target = view_or_dash(json_get(row, "target"));
		cleanup(free_text) char *actual = view_or_dash(json_get(row, "actual"));
		cleanup(free_text) char *scrap = view_or_dash(json_get(row, "scrap"));
		cleanup(free_text) char *down = view_tenths(json_get(row, "downtime_min"));
		char bar[VIEW_BAR], gap[VIEW_SIGNED], total[VIEW_SIGNED];

		view_bar(view_number(row, "actual"), view_number(row, "target"), bar);
		view_signed(view_number(row, "gap"), gap);
		view_signed(view_number(row, "cum_gap"), total);
		grid_row(grid,
		    (const char *const[]){label, bar, target, actual, gap, total, scrap, down,
		        view_text(row, "reason")},
		    4, view_grade(row)->hex, view_grade(row)->color);
	}
	grid_end(grid);
	json_set(view, "table", json_copy(json_get(grid, "lines")));
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
		    "%lld %s came in late: earlier hours may differ from their posts",
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

char *view_tenths(const struct json *number)
{
	return json_is(number, JSON_NUMBER) ? mem_format("%.1f", json_double(number)) : mem_copy("-");
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
