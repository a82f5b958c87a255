/* SPDX-License-Identifier: MIT */
/*
 * A sheet of paper to draw on, and the PNG that comes of it. All that is known of cairo is in canvas.c; its
 * libraries do nothing before the first canvas is made.
 *
 * Lengths are CSS pixels; the image has twice as many, for the screens of today. What goes wrong while drawing
 * shows only in canvas_png().
 */
#ifndef ZONE_CANVAS_H
#define ZONE_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANVAS_SCALE 2

struct canvas;

/* A white sheet. */
struct canvas *canvas_create(int width, int height);
void canvas_destroy(struct canvas *canvas);

/* Colors are 0xRRGGBB. A box of no or negative size is none. */
void canvas_fill(struct canvas *canvas, uint32_t color, double x, double y, double width, double height);

/* A line through points: move, then any number of to, then stroke. */
void canvas_move(struct canvas *canvas, double x, double y);
void canvas_to(struct canvas *canvas, double x, double y);
void canvas_stroke(struct canvas *canvas, uint32_t color, double width);

void canvas_dot(struct canvas *canvas, uint32_t color, double x, double y, double radius);

enum anchor { ANCHOR_LEFT, ANCHOR_MIDDLE, ANCHOR_RIGHT };

struct lettering {
	double size;
	bool bold;
	bool halo; /* white round the letters, to be read on lines */
	uint32_t color;
	enum anchor anchor;
};

double canvas_text_width(struct canvas *canvas, const struct lettering *how, const char *text);
/* TEXT (UTF-8, on one line whatever it holds) with its base line at Y; of what is wider than MOST the end is
 * left out. */
void canvas_text(struct canvas *canvas, const struct lettering *how, double x, double y, double most,
    const char *text);

/* The image, to be free()d; NULL if something went wrong (there is no memory for it). */
char *canvas_png(struct canvas *canvas, size_t *out_length);

#endif
