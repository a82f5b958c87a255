/* SPDX-License-Identifier: MIT */
/* Telephone numbers as logs may show them: the last four digits. Pure. */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include <stdbool.h>

#include "base/buf.h"

/* `+` and 8 to 15 digits become `*******0150`, in place; true if there was one. */
bool mask_phones(struct buf *text);

/* The same for NUMBER's digits, with or without its `+`, where they stand in TEXT. */
bool mask_number(struct buf *text, const char *number);

#endif
