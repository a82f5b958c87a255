/* SPDX-License-Identifier: MIT */
/* Texts for telephones: plain typography, and the counting of segments. */
#include "render/gsm.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define GSM_ALONE  160 /* septets of a text of one segment */
#define GSM_PART   153 /* of each of several: the rest is the header that joins them */
#define UCS2_ALONE 70  /* UTF-16 units */
#define UCS2_PART  67

/* -- plain typography --------------------------------------------------------------------------------- */

/* Blanks but the usual one, and marks that show nothing, have ranges of their own below. */
static const struct {
	const char *from, *to;
} plain_forms[] = {
    {"\xE2\x80\x9C", "\""}, {"\xE2\x80\x9D", "\""}, {"\xE2\x80\x9E", "\""}, {"\xE2\x80\x9F", "\""},
    {"\xC2\xAB", "\""}, {"\xC2\xBB", "\""}, {"\xE2\x80\xB3", "\""}, /* curly, low, angled, double prime */
    {"\xE2\x80\x98", "'"}, {"\xE2\x80\x99", "'"}, {"\xE2\x80\x9A", "'"}, {"\xE2\x80\x9B", "'"},
    {"\xE2\x80\xB9", "'"}, {"\xE2\x80\xBA", "'"}, {"\xE2\x80\xB2", "'"}, {"\xC2\xB4", "'"}, {"`", "'"},
    {"\xE2\x80\x90", "-"}, {"\xE2\x80\x91", "-"}, {"\xE2\x80\x92", "-"}, {"\xE2\x80\x93", "-"},
    {"\xE2\x80\x94", "-"}, {"\xE2\x80\x95", "-"}, {"\xE2\x88\x92", "-"}, {"\xE2\x80\xA2", "-"},
    {"\xE2\x80\xA6", "..."}, {"\xC2\xB7", "-"}, {"\xC3\x97", "x"}, {"\xE2\x86\x92", "->"}, {"\xC2\xA0", " "},
    {"\xE2\x80\xAF", " "}, {"\xE3\x80\x80", " "}, {"\t", " "}, {"\xC2\xAD", ""}, {"\xEF\xBB\xBF", ""},
    {"\xE2\x81\xA0", ""}, /* soft hyphen, BOM, word joiner */
    {"\xE2\x80\x8B", ""}, /* zero width space */
};

static const char *plain_form(const char *c, size_t length)
{
	/* U+2000 to U+200A: blanks of every width. */
	if (length == 3 && !memcmp(c, "\xE2\x80", 2) && (unsigned char)c[2] <= 0x8a)
		return " ";
	for (size_t i = 0; i < ARRAY_SIZE(plain_forms); i++)
		if (strlen(plain_forms[i].from) == length && !memcmp(plain_forms[i].from, c, length))
			return plain_forms[i].to;
	return NULL;
}

void gsm_add_plain(struct buf *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t bytes = utf8_length(text + i, length - i);
		const char *plain = bytes ? plain_form(text + i, bytes) : "?";

		if (plain)
			buf_add_text(out, plain);
		else
			buf_add(out, text + i, bytes);
		i += bytes ? bytes : 1;
	}
}

/* -- counting ----------------------------------------------------------------------------------------- */

static bool is_in(const char *set, const char *c, size_t length)
{
	for (; *set; set += utf8_length(set, strlen(set)))
		if (utf8_length(set, strlen(set)) == length && !memcmp(set, c, length))
			return true;
	return false;
}

/* Septets of one character: 1, 2 for one that needs the escape, 0 for one that GSM has not. */
static int64_t septets_of(const char *c, size_t length)
{
	static const char basic[] = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";

	if (length == 1 && memchr("^{}\\[~]|\f", *c, 9))
		return 2;
	if (length == 1)
		return *c == '\n' || *c == '\r' || (*c >= ' ' && *c != '`' && *c != 127);
	if (!memcmp(c, "€", length))
		return 2;
	return is_in(basic, c, length);
}

/* UTF-16 units: characters beyond the basic plane take two. */
static int64_t units_of(const char *c, size_t length)
{
	(void)c;
	return length == 4 ? 2 : 1;
}

static size_t length_at(const char *text, size_t length, size_t at)
{
	size_t bytes = utf8_length(text + at, length - at);

	return bytes ? bytes : 1;
}

static bool is_gsm(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i += length_at(text, length, i))
		if (!septets_of(text + i, length_at(text, length, i)))
			return false;
	return true;
}

/* A character of two is not split over parts, so a part may end one short. */
static int64_t segments_of(
    const char *text, size_t length, int64_t (*size_of)(const char *, size_t), int64_t alone, int64_t part)
{
	int64_t total = 0, filled = 0, parts = 1;

	for (size_t i = 0; i < length; i += length_at(text, length, i)) {
		int64_t size = size_of(text + i, length_at(text, length, i));

		total += size;
		if (filled + size > part) {
			parts++;
			filled = 0;
		}
		filled += size;
	}
	return total <= alone ? 1 : parts;
}

int64_t gsm_segments(const char *text, size_t length)
{
	if (is_gsm(text, length))
		return segments_of(text, length, septets_of, GSM_ALONE, GSM_PART);
	return segments_of(text, length, units_of, UCS2_ALONE, UCS2_PART);
}
