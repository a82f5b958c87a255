/* SPDX-License-Identifier: MIT */
/*
 * Escaping by format (html json txt csv slack) and, inside JSON templates, by the mark-up of the
 * channel type that shows the text (card Markdown, Slack's & < >, none).
 */
#ifndef RENDER_ESCAPE_H
#define RENDER_ESCAPE_H

#include "render/mustache.h"

/*
 * FORMAT is the template's ("json", "txt", ...), TARGET the channel type's name or NULL. NULL if the
 * format is unknown. The answer is static.
 */
const struct escaping *escaping_find(const char *format, const char *target);

escape_function escape_none, escape_html, escape_json;

#endif
