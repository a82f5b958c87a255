/* SPDX-License-Identifier: MIT */
/*
 * The rendering of one message for one channel type. It never fails: what is wrong with a template makes the
 * message plain, not lost.
 *
 *	struct rendered rendered;
 *
 *	render_message(templates, &request, &rendered);
 *	... rendered.payload, rendered.degraded, rendered.why ...
 *	rendered_done(&rendered);
 */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include <bmad/json.h>
#include <bmad/option.h>

#include "render/templates.h"

struct render_request {
	const char *module;
	const char *kind; /* "report", ... */
	const char *stem; /* of the template, if the job names one: "board" or "other/board"; else NULL */
	const char *channel_type; /* "teams", ... */
	const struct json *data;  /* templates see its keys at the root */
	const struct json *bmad;  /* and this as `bmad`: id, job, slot, ...; may be NULL */
	const char *meant_for;    /* the channel that it was redirected from; NULL: it was not */
	struct texts mention;     /* ids whom the message addresses */
	bool body_data;           /* the data object itself is the body, whatever templates there are */
};

struct rendered {
	char *payload; /* JSON payloads are compact */
	const char *content_type;
	char *html;      /* e-mail: beside the text; NULL: none */
	char *subject;   /* e-mail; else NULL */
	bool degraded;   /* the template failed: the payload is plain */
	char *why;       /* what was wrong, with file, line and column; NULL if nothing */
	size_t left_out; /* rows and lines that were left out to make it fit */
};

void render_message(struct template_set *set, const struct render_request *request, struct rendered *out);
void rendered_done(struct rendered *rendered);

/*
 * As render_message(); what would have to be shortened goes out as text in several, numbered, of which only
 * the last may be shortened. Returns how many; each has its rendered_done().
 */
#define RENDER_PARTS_MAX 5
size_t render_parts(
    struct template_set *set, const struct render_request *request, struct rendered out[RENDER_PARTS_MAX]);

#endif
