/* SPDX-License-Identifier: MIT */
/* Small pure helpers on text: UTF-8, hashes, ids, near names. */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * The well-formed sequences of more than one byte by their first byte. Only the second byte's range
 * varies: it keeps out overlong forms, surrogates and what lies above U+10FFFF (RFC 3629 section 4).
 */
static const struct {
	unsigned char first_from, first_to, second_from, second_to, length;
} utf8_forms[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static size_t long_form(const unsigned char *bytes, size_t available)
{
	for (size_t i = 0; i < ARRAY_SIZE(utf8_forms); i++) {
		size_t length = utf8_forms[i].length;

		if (bytes[0] < utf8_forms[i].first_from || bytes[0] > utf8_forms[i].first_to)
			continue;
		if (available < length)
			return 0;
		if (bytes[1] < utf8_forms[i].second_from || bytes[1] > utf8_forms[i].second_to)
			return 0;
		for (size_t k = 2; k < length; k++)
			if ((bytes[k] & 0xc0) != 0x80)
				return 0;
		return length;
	}
	return 0;
}

size_t utf8_length(const char *text, size_t available)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (!available)
		return 0;
	return bytes[0] < 0x80 ? 1 : long_form(bytes, available);
}

/* Bytes of TEXT up to the first that is invalid. */
static size_t valid_prefix(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t step = utf8_length(text + at, length - at);

		if (!step)
			break;
		at += step;
	}
	return at;
}

bool utf8_valid(const char *text, size_t length)
{
	return valid_prefix(text, length) == length;
}

void utf8_add(struct buf *out, const char *text, size_t length)
{
	for (;;) {
		size_t valid = valid_prefix(text, length);

		buf_add(out, text, valid);
		if (valid == length)
			return;
		buf_add_text(out, REPLACEMENT);
		text += valid + 1;
		length -= valid + 1;
	}
}

size_t utf8_cut(const char *text, size_t length, size_t most)
{
	if (length <= most)
		return length;
	/* No sequence has more than three bytes after its first, so garbage is not searched to its start. */
	for (size_t back = 0; back < 4 && back <= most; back++)
		if (((unsigned char)text[most - back] & 0xc0) != 0x80)
			return most - back;
	return most;
}

size_t utf8_width(const char *text, size_t length)
{
	size_t width = 0;

	for (size_t i = 0; i < length; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

size_t text_width(const char *text)
{
	return utf8_width(text, strlen(text));
}

uint64_t fnv1a(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

void random_bytes(void *out, size_t length)
{
	unsigned char *at = out;

	while (length) {
		ssize_t got = getrandom(at, length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			/* Ids and signatures that can be guessed are worse than a worker that ends. */
			fprintf(stderr, "bmad: no random bytes: %s\n", strerror(errno));
			abort();
		}
		at += got;
		length -= (size_t)got;
	}
}

double random_unit(void)
{
	uint64_t bits;

	random_bytes(&bits, sizeof(bits));
	return (double)(bits >> 11) * 0x1p-53; /* as many bits as a double holds, so never 1 */
}

char *uuid_v7(int64_t at_ms, char out[UUID_TEXT])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)((uint64_t)at_ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f)); /* version */
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f)); /* variant */
	snprintf(out, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
	    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return out;
}

#define NEAR_LONGEST 64 /* names here are keys and identifiers; what is longer is no slip of the pen */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. Both are at most NEAR_LONGEST long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NEAR_LONGEST + 1];

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two_above[j - 2] + 1 < row[j])
				row[j] = two_above[j - 2] + 1;
		}
	}
	return rows[a_length % 3][b_length];
}

const char *near_name(const char *word, const char *const *names)
{
	size_t word_length = strlen(word), best_distance = SIZE_MAX;
	const char *best = NULL;

	for (; word_length <= NEAR_LONGEST && *names; names++) {
		size_t length = strlen(*names);
		size_t longer = length > word_length ? length : word_length;
		size_t allowed = longer / 3 < 3 ? longer / 3 : 3;

		if (longer > NEAR_LONGEST)
			continue;
		size_t d = distance(word, word_length, *names, length);
		if (d <= allowed && d < best_distance) {
			best_distance = d;
			best = *names;
		}
	}
	return best;
}

/* The last group may be short; then it ends with PAD, if that is a character. */
static void add_base64(struct buf *out, const void *bytes, size_t length, const char *last_two, char pad)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const unsigned char *in = bytes;

	for (size_t at = 0; at < length; at += 3) {
		size_t left = length - at < 3 ? length - at : 3;
		uint32_t group = (uint32_t)in[at] << 16 | (left > 1 ? (uint32_t)in[at + 1] << 8 : 0) |
		                 (left > 2 ? (uint32_t)in[at + 2] : 0);

		for (size_t i = 0; i < 4; i++) {
			uint32_t six = group >> (18 - 6 * i) & 63;

			if (i <= left)
				buf_add_char(out, six < 62 ? alphabet[six] : last_two[six - 62]);
			else if (pad)
				buf_add_char(out, pad);
		}
	}
}

void base64_add(struct buf *out, const void *bytes, size_t length)
{
	add_base64(out, bytes, length, "+/", '=');
}

void base64url_add(struct buf *out, const void *bytes, size_t length)
{
	add_base64(out, bytes, length, "-_", 0);
}

bool text_is_empty(const char *text)
{
	return !text || !*text;
}

bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

void percent_add(struct buf *out, const char *text)
{
	static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		if (strchr(kept, *text))
			buf_add_char(out, *text);
		else
			buf_format(out, "%%%02X", (unsigned char)*text);
	}
}
