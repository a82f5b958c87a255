/* SPDX-License-Identifier: MIT */
/* Drawing by cairo. An object of cairo that failed takes what follows and does nothing. */
#include "jobs/zone/canvas.h"

#include <string.h>

#include <cairo/cairo.h>

#include <bmad/buf.h>
#include <bmad/mem.h>
#include <bmad/text.h>

#define FONT       "DejaVu Sans" /* another where it is missing; cairo has one of its own where none is */
#define TEXT_BYTES 400           /* more fits nowhere */
#define WHITE      0xffffff

struct canvas {
	cairo_surface_t *surface;
	cairo_t *cr;
};

struct canvas *canvas_create(int width, int height)
{
	struct canvas *canvas = mem_alloc(sizeof(*canvas));

	canvas->surface = cairo_image_surface_create(
	    CAIRO_FORMAT_RGB24, width * CANVAS_SCALE, height * CANVAS_SCALE);
	canvas->cr = cairo_create(canvas->surface);
	cairo_scale(canvas->cr, CANVAS_SCALE, CANVAS_SCALE);
	cairo_set_line_join(canvas->cr, CAIRO_LINE_JOIN_ROUND);
	canvas_fill(canvas, WHITE, 0, 0, width, height);
	return canvas;
}

void canvas_destroy(struct canvas *canvas)
{
	if (!canvas)
		return;
	cairo_destroy(canvas->cr);
	cairo_surface_destroy(canvas->surface);
	free(canvas);
}

static void set_color(struct canvas *canvas, uint32_t color)
{
	cairo_set_source_rgb(canvas->cr, (color >> 16 & 0xff) / 255.0, (color >> 8 & 0xff) / 255.0,
	    (color & 0xff) / 255.0);
}

void canvas_fill(struct canvas *canvas, uint32_t color, double x, double y, double width, double height)
{
	if (width <= 0 || height <= 0)
		return;
	set_color(canvas, color);
	cairo_rectangle(canvas->cr, x, y, width, height);
	cairo_fill(canvas->cr);
}

void canvas_move(struct canvas *canvas, double x, double y)
{
	cairo_move_to(canvas->cr, x, y);
}

void canvas_to(struct canvas *canvas, double x, double y)
{
	cairo_line_to(canvas->cr, x, y);
}

void canvas_stroke(struct canvas *canvas, uint32_t color, double width)
{
	set_color(canvas, color);
	cairo_set_line_width(canvas->cr, width);
	cairo_stroke(canvas->cr);
}

void canvas_dot(struct canvas *canvas, uint32_t color, double x, double y, double radius)
{
	set_color(canvas, color);
	cairo_arc(canvas->cr, x, y, radius, 0, 6.2831853);
	cairo_fill(canvas->cr);
}

/* -- text ------------------------------------------------------------------------------------------ */

static void set_font(struct canvas *canvas, const struct lettering *how)
{
	cairo_select_font_face(canvas->cr, FONT, CAIRO_FONT_SLANT_NORMAL,
	    how->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(canvas->cr, how->size);
}

static double width_of(struct canvas *canvas, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(canvas->cr, text, &extents);
	return extents.x_advance;
}

double canvas_text_width(struct canvas *canvas, const struct lettering *how, const char *text)
{
	set_font(canvas, how);
	return width_of(canvas, text);
}

/* The first LENGTH bytes or less, whole characters of one line. */
static char *line_of(const char *text, size_t length)
{
	char *line = mem_copy_n(text, utf8_cut(text, strlen(text), length));

	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return line;
}

/* What fits of TEXT, to be free()d. */
static char *fitting(struct canvas *canvas, double most, const char *text)
{
	char *line = line_of(text, TEXT_BYTES);
	size_t length = strlen(line);

	while (length && width_of(canvas, line) > most) {
		cleanup(free_text) char *longer = line;

		length = utf8_cut(longer, length, length - 1);
		line = mem_format("%.*s\u2026", (int)length, longer);
	}
	return line;
}

void canvas_text(
    struct canvas *canvas, const struct lettering *how, double x, double y, double most, const char *text)
{
	static const double shift[] = {[ANCHOR_LEFT] = 0, [ANCHOR_MIDDLE] = 0.5, [ANCHOR_RIGHT] = 1};

	set_font(canvas, how);
	cleanup(free_text) char *line = fitting(canvas, most, text);
	x -= shift[how->anchor] * width_of(canvas, line);
	if (how->halo) {
		cairo_move_to(canvas->cr, x, y);
		cairo_text_path(canvas->cr, line);
		canvas_stroke(canvas, WHITE, 3);
	}
	set_color(canvas, how->color);
	cairo_move_to(canvas->cr, x, y);
	cairo_show_text(canvas->cr, line);
	cairo_new_path(canvas->cr);
}

/* -- the image ------------------------------------------------------------------------------------- */

static cairo_status_t add_bytes(void *png, const unsigned char *bytes, unsigned length)
{
	buf_add(png, bytes, length);
	return CAIRO_STATUS_SUCCESS;
}

char *canvas_png(struct canvas *canvas, size_t *out_length)
{
	struct buf png = {0};

	if (cairo_status(canvas->cr) != CAIRO_STATUS_SUCCESS ||
	    cairo_surface_write_to_png_stream(canvas->surface, add_bytes, &png) != CAIRO_STATUS_SUCCESS) {
		buf_done(&png);
		return NULL;
	}
	*out_length = png.length;
	return buf_detach(&png);
}
