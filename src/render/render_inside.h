/* SPDX-License-Identifier: MIT */
/* What render.c, render_mail.c and split.c share. */
#ifndef RENDER_RENDER_INSIDE_H
#define RENDER_RENDER_INSIDE_H

#include "base/buf.h"
#include "render/render.h"

char *render_stem(const struct render_request *request);
/* The template with the request's data and `bmad`. */
struct err *render_template(
    const struct render_request *request, const struct found_template *found, struct buf *out) MUST_CHECK;
/* Notes the fault E (consumed; NULL: none) of a template; the first is the one that is told. */
void render_degrade(struct rendered *out, struct err *e);

/* Mail: text, HTML and subject, each by its own template as far as there is one. */
void render_mail(struct template_set *set, const struct render_request *request, struct rendered *out);

/* The message as text, whatever template there is for its type: allocated. */
char *render_whole_text(struct template_set *set, const struct render_request *request);
/* TEXT in the plain frame of the type, within its limits. */
void render_text_plain(const struct render_request *request, const char *text, struct rendered *out);

#endif
