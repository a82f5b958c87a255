/* SPDX-License-Identifier: MIT */
/*
 * Brings a body within the limits of its provider. Each text and list is first cut to what may stand in its
 * place; while the whole is still too much, what weighs most loses: a list its last rows, of which
 * `… and N more` tells, a text its end. So what comes first, and every small part, stays.
 */
#ifndef RENDER_FIT_H
#define RENDER_FIT_H

#include <stdbool.h>

#include <bmad/json.h>

#include "render/limits.h"

/*
 * A copy of DATA without the ends of texts that are longer than any body with limits can show; NULL: there
 * are none. What a template would repeat of such a text only to lose it again could be more than it may make.
 */
struct json *fit_data(const struct json *data, const struct type_limits *limits);

/* False if it cannot be made to fit. *LEFT_OUT is raised by the rows and lines that were left out. */
bool fit_json(struct json *root, const struct type_limits *limits, size_t *left_out);

/*
 * A finished BODY for a channel of TYPE once more, within MOST bytes: allocated. NULL: it cannot be, or is
 * for machines (a type without limits), to which half of the data would be wrong, not short.
 */
char *fit_again(const char *type, const char *body, size_t length, size_t most, size_t *left_out);

#endif
