/* SPDX-License-Identifier: MIT */
/*
 * Texts for telephones. A text goes out in 7-bit GSM letters (3GPP TS 23.038), or, if one of its characters
 * has none, as UTF-16, which halves the room. Providers charge, and limit, by segment.
 */
#ifndef RENDER_GSM_H
#define RENDER_GSM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Appends TEXT with the typography that GSM has not (curly quotes, long dashes, ellipsis, odd blanks) in its
 * plain form. Letters stay what they are: a name is not respelt to save a segment.
 */
void gsm_add_plain(struct buf *out, const char *text, size_t length);

/* How many segments TEXT takes; at least 1. */
int64_t gsm_segments(const char *text, size_t length);

#endif
