/* SPDX-License-Identifier: MIT */
/* The picture of the board: looked at pixel by pixel, by its colours alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cairo/cairo.h>
#include <fontconfig/fontconfig.h>

#include <bmad/mem.h>

#include "base/buf.h"
#include "jobs/zone/canvas.h"
#include "jobs/zone/chart.h"
#include "jobs/zone/hourly_view.h"

#define GREEN   0x2a9d5cu
#define RED     0xd64545u
#define GREY    0x808080u
#define INK     0x24292fu
#define BLUE    0x2f5fa8u
#define KEY_END (56 * CANVAS_SCALE) /* below the title and the key, which has the same colours */

struct hour {
	int target, actual, cum_gap;
};

/* -- pictures -------------------------------------------------------------------------------------- */

struct picture {
	struct buf png;
	size_t read;
	cairo_surface_t *surface;
	const unsigned char *pixels;
	int width, height, stride;
};

static struct json *parse(const char *text)
{
	struct json *data;

	assert_null(json_parse(text, strlen(text), &data));
	return data;
}

static struct json *data_of(const struct hour *hours, size_t count, int of)
{
	struct buf text = {0};

	buf_format(&text,
	    "{\"status\": \"ok\", \"hour\": {}, \"zone\": {\"name\": \"Z\"}, \"shift\": {\"type\": \"DAY\", "
	    "\"date\": \"2026-11-20\", \"hours\": %d}, \"board\": [",
	    of);
	for (size_t i = 0; i < count; i++)
		buf_format(&text,
		    "%s{\"label\": \"%02zu:00-%02zu:00 PST\", \"target\": %d, \"actual\": %d, \"cum_gap\": "
		    "%d}",
		    i ? ", " : "", i, i + 1, hours[i].target, hours[i].actual, hours[i].cum_gap);
	buf_add_text(&text, "]}");
	struct json *data = parse(buf_text(&text));
	buf_done(&text);
	return data;
}

static cairo_status_t next_bytes(void *picture_, unsigned char *bytes, unsigned length)
{
	struct picture *picture = picture_;

	if (length > picture->png.length - picture->read)
		return CAIRO_STATUS_READ_ERROR;
	memcpy(bytes, picture->png.text + picture->read, length);
	picture->read += length;
	return CAIRO_STATUS_SUCCESS;
}

static struct picture picture_of(struct json *data)
{
	struct picture picture = {0};

	picture.png.text = zone_chart(data, &picture.png.length);
	json_destroy(data);
	assert_non_null(picture.png.text);
	picture.surface = cairo_image_surface_create_from_png_stream(next_bytes, &picture);
	assert_int_equal(cairo_surface_status(picture.surface), CAIRO_STATUS_SUCCESS);
	assert_int_equal(picture.read, picture.png.length);
	picture.pixels = cairo_image_surface_get_data(picture.surface);
	picture.width = cairo_image_surface_get_width(picture.surface);
	picture.height = cairo_image_surface_get_height(picture.surface);
	picture.stride = cairo_image_surface_get_stride(picture.surface);
	return picture;
}

static void picture_done(struct picture *picture)
{
	cairo_surface_destroy(picture->surface);
	free(picture->png.text);
}

static uint32_t pixel(const struct picture *picture, int x, int y)
{
	uint32_t color;

	memcpy(&color, picture->pixels + (size_t)y * (size_t)picture->stride + (size_t)x * 4, sizeof(color));
	return color & 0xffffff;
}

/* How many pixels of COLOR the column has below the key; FIRST: the uppermost. */
static int column(const struct picture *picture, int x, uint32_t color, int *first)
{
	int count = 0;

	for (int y = KEY_END; y < picture->height; y++)
		if (pixel(picture, x, y) == color) {
			if (!count && first)
				*first = y;
			count++;
		}
	return count;
}

struct bar {
	int x, height;
};

/* The bars of COLOR from the left, each measured at its left side, beside the number in it. */
static size_t find_bars(const struct picture *picture, uint32_t color, struct bar *out, size_t most)
{
	size_t count = 0;
	int run = 0;

	for (int x = 0; x < picture->width; x++) {
		run = column(picture, x, color, NULL) ? run + 1 : 0;
		if (run == 4 && count < most)
			out[count++] = (struct bar){x, column(picture, x, color, NULL)};
	}
	return count;
}

/* -- what it shows --------------------------------------------------------------------------------- */

/* First: in a process that has not looked for fonts yet. */
static void a_machine_without_fonts_draws_it_too(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (!child) {
		size_t length = 0;
		struct json *data = data_of(&(struct hour){100, 90, -10}, 1, 12);

		setenv("FONTCONFIG_FILE", "/dev/null", 1);
		char *png = zone_chart(data, &length);
		/* Not _exit(): what cairo loses where it finds no font is not what is tested. */
		const char *answer = png && length > 1000 ? "true" : "false";
		execlp(answer, answer, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void it_is_twice_as_large_as_it_is_shown(void **state)
{
	struct picture picture = picture_of(data_of(&(struct hour){100, 90, -10}, 1, 12));

	(void)state;
	assert_int_equal(picture.width, 2 * CHART_WIDTH);
	assert_int_equal(picture.height, 2 * CHART_HEIGHT);
	assert_true(pixel(&picture, 20, picture.height - 20) == 0xffffff);
	picture_done(&picture);
}

static void every_hour_has_a_bar_as_high_as_its_output(void **state)
{
	static const struct hour hours[] = {{100, 100, 0}, {100, 50, -50}, {100, 97, -53}, {100, 25, -128},
	    {0, 0, -128}, {0, 75, -53}};
	struct picture picture = picture_of(data_of(hours, ARRAY_SIZE(hours), 12));
	struct bar green[4], red[4], grey[4];

	(void)state;
	assert_int_equal(find_bars(&picture, GREEN, green, 4), 2);
	assert_int_equal(find_bars(&picture, RED, red, 4), 2);
	assert_int_equal(find_bars(&picture, GREY, grey, 4), 1);
	assert_in_range(green[0].height, 200, 250);
	assert_in_range(2 * red[0].height, green[0].height - 6, green[0].height + 6);
	assert_in_range(4 * red[1].height, green[0].height - 12, green[0].height + 12);
	assert_in_range(100 * green[1].height, 97 * green[0].height - 500, 97 * green[0].height + 500);
	assert_in_range(4 * grey[0].height, 3 * green[0].height - 12, 3 * green[0].height + 12);
	assert_true(green[0].x < red[0].x && red[0].x < green[1].x && green[1].x < red[1].x);
	assert_in_range(grey[0].x - red[1].x, 2 * (red[0].x - green[0].x) - 4,
	    2 * (red[0].x - green[0].x) + 4);
	picture_done(&picture);
}

static void the_plan_is_a_step_above_what_is_missing(void **state)
{
	static const struct hour hours[] = {{100, 20, -80}, {50, 20, -110}};
	struct picture picture = picture_of(data_of(hours, 2, 2));
	struct bar red[2];
	int plan[2] = {0}, top = 0, base;

	(void)state;
	assert_int_equal(find_bars(&picture, RED, red, 2), 2);
	for (size_t i = 0; i < 2; i++)
		assert_in_range(column(&picture, red[i].x, INK, &plan[i]), 2, 6);
	column(&picture, red[0].x, RED, &top);
	base = top + red[0].height;
	assert_in_range(base - plan[0], 2 * (base - plan[1]) - 8, 2 * (base - plan[1]) + 8);
	assert_in_range(base - plan[0], 5 * red[0].height - 12, 5 * red[0].height + 12);
	picture_done(&picture);
}

static void the_line_of_the_gap_falls_with_it(void **state)
{
	static const struct hour hours[] = {{10, 20, 10}, {10, 0, 0}, {10, 0, -10}};
	struct picture picture = picture_of(data_of(hours, 3, 3));
	int first = 0, last = 0;

	(void)state;
	assert_true(column(&picture, 300, BLUE, &first) > 0);
	assert_true(column(&picture, 900, BLUE, &last) > 0);
	assert_true(last > first + 30);
	picture_done(&picture);
}

static void the_same_data_give_the_same_bytes(void **state)
{
	static const struct hour hours[] = {{100, 97, -3}, {100, 80, -23}};
	struct picture a = picture_of(data_of(hours, 2, 12)), b = picture_of(data_of(hours, 2, 12));

	(void)state;
	assert_int_equal(a.png.length, b.png.length);
	assert_memory_equal(a.png.text, b.png.text, a.png.length);
	picture_done(&a);
	picture_done(&b);
}

/* -- what it is made of ---------------------------------------------------------------------------- */

static struct json *chart_of_view(struct json *data)
{
	struct json *view = zone_hourly_view(data);
	struct json *chart = json_copy(json_get(view, "chart"));

	json_destroy(view);
	json_destroy(data);
	return chart;
}

static void there_is_none_without_hours_and_none_is_shown(void **state)
{
	static const struct hour many[CHART_HOURS + 1] = {{1, 1, 0}};
	static const char *const texts[] = {"{}", "[]", "null", "{\"board\": 5}", "{\"board\": []}",
	    "{\"board\": {\"a\": 1}}"};
	size_t length = 7;

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		struct json *data = i < ARRAY_SIZE(texts) ? parse(texts[i]) : data_of(many, CHART_HOURS + 1, 12);
		struct json *shown = chart_of_view(json_copy(data));

		assert_null(zone_chart(data, &length));
		assert_false(json_is(shown, JSON_OBJECT));
		json_destroy(shown);
		json_destroy(data);
	}
	assert_int_equal(length, 7);
}

static void it_can_be_made_of_anything_that_has_hours(void **state)
{
	static const char *const texts[] = {
	    "{\"board\": [null, 7, {}, {\"label\": 5}, {\"label\": \"-\"}, {\"label\": \" - \"}]}",
	    "{\"board\": [{\"target\": -5, \"actual\": -9223372036854775808, \"cum_gap\": 9223372036854775807}]}",
	    "{\"board\": [{\"target\": 1e300, \"actual\": 0.5}], \"shift\": {\"hours\": -3}, \"zone\": []}",
	    ("{\"board\": [{\"label\": \"18:00 -03-18:00 -02\"}], \"status\": \"no_data\", "
	     "\"shift\": {\"type\": \"\\u202e\\ud83d\\ude00\\n\\u0001\", \"hours\": 9999999}}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct picture picture = picture_of(parse(texts[i]));

		picture_done(&picture);
	}
}

static void a_name_too_long_costs_its_own_end_only(void **state)
{
	struct json *data = data_of(&(struct hour){100, 100, 0}, 1, 12);
	struct buf name = {0};
	struct bar bar;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_add_text(&name, "\xc3\x84");
	json_set_string(json_set_object(data, "zone"), "name", buf_text(&name));
	buf_done(&name);
	struct picture picture = picture_of(data);
	assert_int_equal(find_bars(&picture, GREEN, &bar, 1), 1);
	for (int y = 20; y < 60; y++) /* nothing runs over the edge */
		assert_true(pixel(&picture, picture.width - 8, y) == 0xffffff);
	picture_done(&picture);
}

static void its_text_tells_what_it_shows(void **state)
{
	static const struct hour hours[] = {{128, 140, 12}, {128, 97, -19}};
	struct json *chart = chart_of_view(data_of(hours, 2, 12));

	(void)state;
	assert_string_equal(json_text(json_get(chart, "alt")),
	    "Units made and planned, hour by hour: 00:00 PST 140 of 128, 01:00 97 of 128; together -19.");
	json_destroy(chart);
}

static void a_change_of_the_clock_is_named_where_it_is(void **state)
{
	struct json *chart = chart_of_view(parse(
	    "{\"board\": [{\"label\": \"00:00-01:00 PDT\"}, {\"label\": \"01:00 PDT-01:00 PST\"}, {\"label\": "
	    "\"01:00-02:00 PST\"}, {\"label\": \"02:00-03:00 PST\"}]}"));

	(void)state;
	assert_string_equal(json_text(json_get(chart, "alt")),
	    "Units made and planned, hour by hour: 00:00 PDT 0 of 0, 01:00 0 of 0, 01:00 PST 0 of 0, 02:00 0 of "
	    "0; together 0.");
	json_destroy(chart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_machine_without_fonts_draws_it_too),
	    cmocka_unit_test(it_is_twice_as_large_as_it_is_shown),
	    cmocka_unit_test(every_hour_has_a_bar_as_high_as_its_output),
	    cmocka_unit_test(the_plan_is_a_step_above_what_is_missing),
	    cmocka_unit_test(the_line_of_the_gap_falls_with_it),
	    cmocka_unit_test(the_same_data_give_the_same_bytes),
	    cmocka_unit_test(there_is_none_without_hours_and_none_is_shown),
	    cmocka_unit_test(it_can_be_made_of_anything_that_has_hours),
	    cmocka_unit_test(a_name_too_long_costs_its_own_end_only),
	    cmocka_unit_test(its_text_tells_what_it_shows),
	    cmocka_unit_test(a_change_of_the_clock_is_named_where_it_is),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	/* What they keep for the life of a process. */
	cairo_debug_reset_static_data();
	FcFini();
	return failed;
}
