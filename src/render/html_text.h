/* SPDX-License-Identifier: MIT */
/* HTML pages of mails as text, and data as such a page. Pure. */
#ifndef RENDER_HTML_TEXT_H
#define RENDER_HTML_TEXT_H

#include <bmad/json.h>

#include "base/buf.h"

/*
 * What HTML says, for readers that show text only: a line for each block and table row, cells side by side,
 * links and what stands for images spelt out. It is meant for what templates make, and reads anything.
 */
void html_text(const char *html, struct buf *out);

/* DATA as a page: members beside their names, lists of objects as tables. TITLE is its heading. */
void plain_html(const char *title, const struct json *data, struct buf *out);

#endif
