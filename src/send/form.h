/* SPDX-License-Identifier: MIT */
/* Bodies of forms: application/x-www-form-urlencoded. */
#ifndef SEND_FORM_H
#define SEND_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends `name=value`, both encoded, after an `&` if OUT holds something. A blank is `+`, a plus `%2B`. */
void form_add(struct buf *out, const char *name, const char *value, size_t length);
void form_add_int(struct buf *out, const char *name, int64_t value);

#endif
