/* SPDX-License-Identifier: MIT */
/* Small pure helpers on text: UTF-8, hashes, ids, near names. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes of the valid UTF-8 sequence at TEXT (1-4), 0 if it is none (RFC 3629: no surrogates, shortest). */
size_t utf8_length(const char *text, size_t available);
bool utf8_valid(const char *text, size_t length);
/* Appends TEXT with each invalid byte replaced by U+FFFD. */
void utf8_add(struct buf *out, const char *text, size_t length);

/* Length of the longest start of TEXT, at most MOST bytes, that splits no sequence. */
size_t utf8_cut(const char *text, size_t length, size_t most);

/* Characters, not columns of a terminal: near enough for Latin text. */
size_t utf8_width(const char *text, size_t length);
size_t text_width(const char *text);

/* FNV-1a, 64 bit; start with FNV_START and feed the parts. */
#define FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t fnv1a(uint64_t hash, const void *bytes, size_t length);

/* A UUID of version 7 for AT_MS with random rest (RFC 9562), and any random bytes. */
#define UUID_TEXT 37
char *uuid_v7(int64_t at_ms, char out[UUID_TEXT]);
void random_bytes(void *out, size_t length);
/* Uniform in [0, 1). */
double random_unit(void);

/*
 * The name of NAMES (NULL-terminated) nearest to WORD by edit distance (a swap of neighbours counts 1),
 * or NULL if none is near enough to be a slip of the pen (a third of the longer one, at most 3).
 */
const char *near_name(const char *word, const char *const *names);

/* Base64 of BYTES, and the form for URLs: `-` and `_`, and without the `=` at the end. */
void base64_add(struct buf *out, const void *bytes, size_t length);
void base64url_add(struct buf *out, const void *bytes, size_t length);

/* TEXT as it may stand in a URL or a form: all but letters, digits and -._~ as %XX. */
void percent_add(struct buf *out, const char *text);

bool text_is_empty(const char *text); /* NULL or "" */
bool text_equal(const char *a, const char *b); /* NULLs are equal to each other only */

#endif
