/* SPDX-License-Identifier: MIT */
/* The board of a zone as a picture. */
#include "jobs/zone/chart.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bmad/buf.h>
#include <bmad/mem.h>

#include "jobs/zone/canvas.h"
#include "jobs/zone/view.h"

/* Where things stand: hours from LEFT to RIGHT, bars from TOP down to BASE, the gap between the last two. */
#define LEFT    46.0
#define RIGHT   (CHART_WIDTH - 24.0)
#define TOP     64.0
#define BASE    188.0
#define GAP_TOP 240.0
#define GAP_LOW 274.0

#define INK    0x24292fu
#define SUBTLE 0x57606au
#define GRID   0xe4e7ebu
#define PLAN   0x24292fu
#define GAP    0x2f5fa8u
#define FRAME  0xd0d7deu

struct hour {
	char start[48], end[48]; /* "18:00", and where the zone's abbreviation is new "18:00 PST" */
	double target, actual, cum_gap;
	uint32_t color;
};

struct chart {
	struct canvas *canvas;
	const struct json *data;
	struct hour hours[CHART_HOURS];
	size_t count; /* of hours there are */
	size_t slots; /* of hours there is room for: the whole shift */
	double peak;  /* what reaches up to TOP */
	double low, high; /* of the gap */
};

/* -- what is drawn --------------------------------------------------------------------------------- */

/* The dash between two times; an abbreviation may be "-03". */
static const char *dash_of(const char *label)
{
	for (const char *c = strchr(label, '-'); c; c = strchr(c + 1, '-'))
		if (isdigit((unsigned char)c[1]) && isdigit((unsigned char)c[2]) && c[3] == ':')
			return c;
	return NULL;
}

/* "18:00-19:00 PST" begins at "18:00 PST" and ends at "19:00 PST". */
static void split_label(const char *label, struct hour *hour)
{
	const char *dash = dash_of(label);
	const char *blank = strchr(label, ' ');

	if (!dash)
		return;
	bool shared = !blank || blank > dash;
	snprintf(hour->start, sizeof(hour->start), "%.*s%s", (int)(dash - label), label,
	    shared && blank ? blank : "");
	snprintf(hour->end, sizeof(hour->end), "%s", dash + 1);
}

/* An abbreviation is said where it is new. */
static void drop_known(char *text, const char *before)
{
	char *own = strchr(text, ' ');
	const char *last = strchr(before, ' ');

	if (own && last && !strcmp(own, last))
		*own = '\0';
}

static void read_labels(struct chart *chart, const struct json *board)
{
	char before[48] = "", whole[48];
	struct hour *hour = chart->hours;

	json_each(row, board) {
		split_label(view_text(row, "label"), hour);
		memcpy(whole, hour->start, sizeof(whole));
		drop_known(hour->end, hour->start);
		drop_known(hour->start, before);
		memcpy(before, whole, sizeof(before));
		hour++;
	}
}

static void read_hours(struct chart *chart, const struct json *board)
{
	bool ok = !strcmp(view_text(chart->data, "status"), "ok") || json_get(chart->data, "hour");

	json_each(row, board) {
		struct hour *hour = &chart->hours[chart->count++];
		const struct grade *grade = ok ? view_grade(row) : view_no_grade();

		hour->target = (double)view_number(row, "target");
		hour->actual = (double)view_number(row, "actual");
		hour->cum_gap = (double)view_number(row, "cum_gap");
		hour->color = (uint32_t)strtoul(grade->hex + 1, NULL, 16);
	}
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static void measure(struct chart *chart)
{
	for (size_t i = 0; i < chart->count; i++) {
		const struct hour *hour = &chart->hours[i];

		chart->peak = larger(chart->peak, larger(hour->target, hour->actual));
		chart->low = smaller(chart->low, hour->cum_gap);
		chart->high = larger(chart->high, hour->cum_gap);
	}
	chart->peak = larger(chart->peak * 1.08, 4);
	if (chart->high - chart->low < 1)
		chart->high = chart->low + 1;
}

static size_t hours_of(const struct json *data)
{
	size_t count = json_length(json_get(data, "board"));
	int64_t whole = view_number(json_get(data, "shift"), "hours");

	return whole > (int64_t)count && whole <= CHART_HOURS ? (size_t)whole : count;
}

static bool is_drawn(const struct json *data)
{
	const struct json *board = json_get(data, "board");

	return json_is(board, JSON_ARRAY) && json_length(board) && json_length(board) <= CHART_HOURS;
}

static void read_chart(struct chart *chart)
{
	const struct json *board = json_get(chart->data, "board");

	chart->slots = hours_of(chart->data);
	read_labels(chart, board);
	read_hours(chart, board);
	measure(chart);
}

/* -- places ---------------------------------------------------------------------------------------- */

static double slot_width(const struct chart *chart)
{
	return (RIGHT - LEFT) / (double)chart->slots;
}

static double x_of(const struct chart *chart, size_t slot)
{
	return LEFT + (double)slot * slot_width(chart);
}

static double middle_of(const struct chart *chart, size_t slot)
{
	return x_of(chart, slot) + slot_width(chart) / 2;
}

static double y_of(const struct chart *chart, double units)
{
	return BASE - larger(units, 0) / chart->peak * (BASE - TOP);
}

static double gap_y(const struct chart *chart, double gap)
{
	return GAP_LOW - (gap - chart->low) / (chart->high - chart->low) * (GAP_LOW - GAP_TOP);
}

/* -- the frame ------------------------------------------------------------------------------------- */

static void draw_frame(struct chart *chart)
{
	struct canvas *c = chart->canvas;

	canvas_move(c, 0.5, 0.5);
	canvas_to(c, CHART_WIDTH - 0.5, 0.5);
	canvas_to(c, CHART_WIDTH - 0.5, CHART_HEIGHT - 0.5);
	canvas_to(c, 0.5, CHART_HEIGHT - 0.5);
	canvas_to(c, 0.5, 0.5);
	canvas_stroke(c, FRAME, 1);
}

static void draw_title(struct chart *chart)
{
	static const struct lettering title = {.size = 14, .bold = true, .color = INK};
	const struct json *shift = json_get(chart->data, "shift");
	const char *crew = view_text(shift, "crew"), *zone = view_text(json_get(chart->data, "zone"), "name");
	cleanup(free_text) char *when = mem_format("%.40s of %.20s%s%.40s", view_text(shift, "type"),
	    view_text(shift, "date"), *crew ? ", crew " : "", crew);
	double room = RIGHT - 16 - canvas_text_width(chart->canvas, &title, when) - 12;

	canvas_text(chart->canvas, &title, 16, 26, room, zone);
	canvas_text(chart->canvas, &(struct lettering){14, false, false, SUBTLE, ANCHOR_RIGHT}, RIGHT, 26,
	    RIGHT - 16, when);
}

static double draw_key_text(struct chart *chart, double x, const char *text)
{
	static const struct lettering key = {.size = 11, .color = SUBTLE};

	canvas_text(chart->canvas, &key, x, 46, RIGHT - x, text);
	return x + canvas_text_width(chart->canvas, &key, text) + 18;
}

static void draw_key(struct chart *chart)
{
	struct canvas *c = chart->canvas;
	double x = 16;

	canvas_move(c, x, 42);
	canvas_to(c, x + 16, 42);
	canvas_stroke(c, PLAN, 2);
	x = draw_key_text(chart, x + 22, "plan, units an hour");
	for (int i = 0; i < 3; i++)
		canvas_fill(c, (uint32_t[]){0x2a9d5c, 0xb8860b, 0xd64545}[i], x + 6 * i, 37, 5, 10);
	x = draw_key_text(chart, x + 23, "made: 95 % and more, 85 %, less");
	canvas_move(c, x, 42);
	canvas_to(c, x + 16, 42);
	canvas_stroke(c, GAP, 1.5);
	canvas_dot(c, GAP, x + 8, 42, 2.5);
	draw_key_text(chart, x + 22, "gap of the shift so far");
}

/* 1, 2 or 5 times a power of ten, so that there are at most four lines. */
static double step_of(double peak)
{
	static const double factors[] = {2, 2.5, 2};
	double step = 1;

	for (size_t i = 0; peak / step > 4; i++)
		step *= factors[i % ARRAY_SIZE(factors)];
	return step;
}

static void draw_grid(struct chart *chart)
{
	static const struct lettering scale = {10, false, false, SUBTLE, ANCHOR_RIGHT};
	double step = step_of(chart->peak);
	char text[32];

	for (int line = 0; line * step <= chart->peak; line++) {
		double units = line * step, y = y_of(chart, units);

		canvas_fill(chart->canvas, units > 0 ? GRID : SUBTLE, LEFT, y - 0.5, RIGHT - LEFT, 1);
		snprintf(text, sizeof(text), "%.7g", units);
		canvas_text(chart->canvas, &scale, LEFT - 6, y + 3.5, LEFT - 8, text);
	}
}

/* -- times ----------------------------------------------------------------------------------------- */

/* "18:00", and the abbreviation below it. */
static void draw_time(struct chart *chart, size_t slot, const char *text)
{
	static const struct lettering time = {10, false, false, SUBTLE, ANCHOR_MIDDLE};
	const char *blank = strchr(text, ' ');
	cleanup(free_text) char *clock = mem_copy_n(text, blank ? (size_t)(blank - text) : strlen(text));
	double x = x_of(chart, slot);

	canvas_fill(chart->canvas, SUBTLE, x - 0.5, BASE, 1, 4);
	canvas_text(chart->canvas, &time, x, BASE + 15, 60, clock);
	if (blank)
		canvas_text(chart->canvas, &time, x, BASE + 27, 60, blank + 1);
}

/* As many as have room, but always one whose abbreviation is new. */
static void draw_times(struct chart *chart)
{
	size_t every = (size_t)(36 / slot_width(chart)) + 1;

	for (size_t i = 0; i < chart->count; i++)
		if (i % every == 0)
			draw_time(chart, i, chart->hours[i].start);
	if (chart->count % every == 0)
		draw_time(chart, chart->count, chart->hours[chart->count - 1].end);
}

/* -- hours ----------------------------------------------------------------------------------------- */

static void draw_bar(struct chart *chart, size_t i)
{
	static const struct lettering inside = {10, true, false, 0xffffff, ANCHOR_MIDDLE},
	                              above = {10, true, true, INK, ANCHOR_MIDDLE};
	const struct hour *hour = &chart->hours[i];
	double width = slot_width(chart), y = y_of(chart, hour->actual);
	bool tall = BASE - y > 16;
	char text[32];

	canvas_fill(chart->canvas, hour->color, x_of(chart, i) + width * 0.14, y, width * 0.72, BASE - y);
	snprintf(text, sizeof(text), "%.0f", hour->actual);
	if (canvas_text_width(chart->canvas, &inside, text) < width * 0.72)
		canvas_text(chart->canvas, tall ? &inside : &above, middle_of(chart, i),
		    tall ? BASE - 5 : y - 4, width, text);
}

/* Up and down where the plan changes; nothing where there is none. */
static void draw_plan(struct chart *chart)
{
	for (size_t i = 0; i < chart->count; i++) {
		double y = y_of(chart, chart->hours[i].target);

		if (chart->hours[i].target <= 0)
			continue;
		if (i && chart->hours[i - 1].target > 0)
			canvas_to(chart->canvas, x_of(chart, i), y);
		else
			canvas_move(chart->canvas, x_of(chart, i), y);
		canvas_to(chart->canvas, x_of(chart, i + 1), y);
	}
	canvas_stroke(chart->canvas, PLAN, 2);
}

static void draw_gap_value(struct chart *chart, size_t i)
{
	static const struct lettering value = {10, false, true, GAP, ANCHOR_MIDDLE};
	double y = gap_y(chart, chart->hours[i].cum_gap);
	bool below = chart->hours[i].cum_gap < 0; /* away from the line of zero */
	char text[VIEW_SIGNED];

	view_signed((int64_t)chart->hours[i].cum_gap, text);
	double width = canvas_text_width(chart->canvas, &value, text);
	if (width + 4 < slot_width(chart) || i + 1 == chart->count)
		canvas_text(chart->canvas, &value, smaller(middle_of(chart, i), RIGHT + 16 - width / 2),
		    below ? y + 13 : y - 6, CHART_WIDTH, text);
}

static void draw_gap(struct chart *chart)
{
	struct canvas *c = chart->canvas;

	canvas_fill(c, SUBTLE, LEFT, gap_y(chart, 0) - 0.5, RIGHT - LEFT, 1);
	canvas_text(c, &(struct lettering){10, false, false, SUBTLE, ANCHOR_RIGHT}, LEFT - 6,
	    gap_y(chart, 0) + 3.5, LEFT - 8, "0");
	canvas_move(c, middle_of(chart, 0), gap_y(chart, chart->hours[0].cum_gap));
	for (size_t i = 1; i < chart->count; i++)
		canvas_to(c, middle_of(chart, i), gap_y(chart, chart->hours[i].cum_gap));
	canvas_stroke(c, GAP, 1.5);
	for (size_t i = 0; i < chart->count; i++)
		canvas_dot(c, GAP, middle_of(chart, i), gap_y(chart, chart->hours[i].cum_gap), 2.5);
	for (size_t i = 0; i < chart->count; i++)
		draw_gap_value(chart, i);
}

/* A missing feed is no bad hour, and must not look like one. */
static void draw_no_data(struct chart *chart)
{
	static const struct lettering how = {12, true, true, SUBTLE, ANCHOR_MIDDLE};
	double x = json_get(chart->data, "hour") ? middle_of(chart, chart->count - 1)
	                                         : middle_of(chart, 0) / 2 + middle_of(chart, chart->count - 1) / 2;

	if (strcmp(view_text(chart->data, "status"), "no_data") != 0)
		return;
	x = smaller(larger(x, LEFT + 26), RIGHT - 26);
	canvas_text(chart->canvas, &how, x, (TOP + BASE) / 2, RIGHT - LEFT, "no data");
}

static void draw_chart(struct chart *chart)
{
	draw_frame(chart);
	draw_title(chart);
	draw_key(chart);
	draw_grid(chart);
	draw_times(chart);
	for (size_t i = 0; i < chart->count; i++)
		draw_bar(chart, i);
	draw_plan(chart);
	draw_gap(chart);
	draw_no_data(chart);
}

/* -- the front desk -------------------------------------------------------------------------------- */

char *zone_chart(const struct json *data, size_t *out_length)
{
	struct chart chart = {.data = data};

	if (!is_drawn(data))
		return NULL;
	chart.canvas = canvas_create(CHART_WIDTH, CHART_HEIGHT);
	read_chart(&chart);
	draw_chart(&chart);
	char *png = canvas_png(chart.canvas, out_length);
	canvas_destroy(chart.canvas);
	return png;
}

/* "Units made and planned, hour by hour: 18:00 PST 120 of 128, 19:00 97 of 128; together -39." */
static char *alt_of(const struct json *data)
{
	struct chart chart = {.data = data};
	cleanup(buf_done) struct buf alt = {0};
	char gap[VIEW_SIGNED];

	read_chart(&chart);
	buf_add_text(&alt, "Units made and planned, hour by hour:");
	for (size_t i = 0; i < chart.count; i++)
		buf_format(&alt, "%s %s %.0f of %.0f", i ? "," : "", chart.hours[i].start,
		    chart.hours[i].actual, chart.hours[i].target);
	buf_format(&alt, "; together %s.", view_signed((int64_t)chart.hours[chart.count - 1].cum_gap, gap));
	return buf_detach(&alt);
}

void view_put_chart(struct json *view, const struct json *data)
{
	if (!is_drawn(data)) {
		json_set_null(view, "chart");
		return;
	}
	struct json *chart = json_set_object(view, "chart");
	cleanup(free_text) char *alt = alt_of(data);
	json_set_string(chart, "alt", alt);
	json_set_int(chart, "width", CHART_WIDTH);
	json_set_int(chart, "height", CHART_HEIGHT);
}
