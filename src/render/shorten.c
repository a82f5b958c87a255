/* SPDX-License-Identifier: MIT */
/* Where texts can be cut, and what tells that they were. */
#include "render/shorten.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define ENTITY_MAX 8    /* bytes of `&quot;` and the like, and two to spare */
#define LINK_MAX   3000 /* an address that is longer is none */
#define FENCE      "```"

size_t text_units(const char *text, enum unit unit)
{
	size_t units = 0;

	if (unit == UNIT_BYTES)
		return strlen(text);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0; /* beyond the basic plane: two */
	}
	return units;
}

/* -- characters --------------------------------------------------------------------------------------- */

static bool is_joiner(const char *text)
{
	return !strncmp(text, "\xE2\x80\x8D", 3);
}

/* True if the character at TEXT belongs to the one before it: accents, joiners, variants, skin tones. */
static bool continues(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if ((c[0] & 0xc0) == 0x80)
		return true;
	if (c[0] == 0xcc || (c[0] == 0xcd && c[1] < 0xb0)) /* U+0300 to U+036F */
		return true;
	if (c[0] == 0xe2 && c[1] == 0x83 && c[2] >= 0x90) /* U+20D0 to U+20FF: key caps */
		return true;
	if (c[0] == 0xef && c[1] == 0xb8 && c[2] <= 0x8f) /* variants */
		return true;
	return is_joiner(text) || (!strncmp(text, "\xF0\x9F\x8F", 3) && c[3] >= 0xbb);
}

static bool is_flag_letter(const char *text)
{
	return !strncmp(text, "\xF0\x9F\x87", 3);
}

/* A flag is two letters of their own kind: a cut is between pairs. */
static bool splits_flag(const char *text, size_t at)
{
	size_t letters = 0;

	if (!is_flag_letter(text + at))
		return false;
	for (size_t i = at; i >= 4 && is_flag_letter(text + i - 4); i -= 4)
		letters++;
	return letters % 2;
}

static size_t before_character(const char *text, size_t at)
{
	while (at && (continues(text + at) || splits_flag(text, at) || (at >= 3 && is_joiner(text + at - 3))))
		at--;
	return at;
}

/* -- mark-up ------------------------------------------------------------------------------------------ */

static size_t before_escape(const char *text, size_t at)
{
	size_t slashes = 0;

	while (slashes < at && text[at - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 ? at - 1 : at;
}

static size_t before_entity(const char *text, size_t at)
{
	for (size_t back = 1; back <= at && back <= ENTITY_MAX; back++) {
		char c = text[at - back];

		if (c == ';' || c == ' ' || c == '\n')
			return at;
		if (c == '&')
			return at - back;
	}
	return at;
}

/* Slack's <https://...|text>, <@U1>, <!date^...>. */
static size_t before_angle(const char *text, size_t at)
{
	for (size_t back = 1; back <= at && back <= LINK_MAX; back++) {
		char c = text[at - back];

		if (c == '>' || c == '\n')
			return at;
		if (c == '<')
			return strchr("@#!hm", text[at - back + 1]) ? at - back : at;
	}
	return at;
}

/* The `[` of a Markdown link whose address is not complete at AT. */
static size_t before_link(const char *text, size_t at)
{
	size_t i = at, back = 0;

	while (i && back++ < LINK_MAX && text[i - 1] != ')' && text[i - 1] != '\n' &&
	       !(i >= 2 && text[i - 2] == ']' && text[i - 1] == '('))
		i--;
	if (i < 2 || text[i - 1] != '(' || text[i - 2] != ']')
		return at;
	while (i && text[i - 1] != '[')
		i--;
	return i ? i - 1 : at;
}

size_t cut_before(const char *text, size_t at)
{
	size_t (*const steps[])(const char *, size_t) = {
	    before_character, before_link, before_angle, before_entity, before_escape, before_character};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		at = steps[i](text, at);
	while (at && (text[at - 1] == '\n' || text[at - 1] == ' '))
		at--;
	return at;
}

/* -- shortening --------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	while (*text) {
		text += strcspn(text, "\n");
		text += *text == '\n';
		lines++;
	}
	return lines;
}

/* The byte where so many units end. */
static size_t place_of(const char *text, size_t units, enum unit unit)
{
	size_t at = 0, taken = 0;

	if (unit == UNIT_BYTES)
		return strnlen(text, units);
	for (; text[at]; at++) {
		unsigned char c = (unsigned char)text[at];
		size_t cost = ((c & 0xc0) != 0x80) + (size_t)(c >= 0xf0);

		if (taken + cost > units)
			break;
		taken += cost;
	}
	return at;
}

static bool is_in_fence(const char *text, size_t length)
{
	bool inside = false;

	for (size_t i = 0; i + 3 <= length; i++)
		if (!memcmp(text + i, FENCE, 3)) {
			inside = !inside;
			i += 2;
		}
	return inside;
}

/* The end of the last whole line before AT; 0: there is none worth keeping. */
static size_t whole_lines(const char *text, size_t at)
{
	while (at && text[at] != '\n')
		at--;
	return at;
}

char *shorten(const char *text, size_t most, enum unit unit, const char *dots, size_t *out_left_out)
{
	char more[64];
	size_t at, line, room;

	*out_left_out = 0;
	if (text_units(text, unit) <= most)
		return mem_copy(text);
	snprintf(more, sizeof(more), "\n%s and %zu more", dots, count_lines(text));
	room = text_units(more, unit) + strlen("\n" FENCE);
	line = most > room ? whole_lines(text, place_of(text, most - room, unit)) : 0;
	if (line && line >= place_of(text, most, unit) / 4) {
		bool open = is_in_fence(text, line);
		size_t kept = cut_before(text, line);

		*out_left_out = count_lines(text + line + 1);
		if (open && *out_left_out) /* the fence that is closed anyway is no line */
			--*out_left_out;
		return mem_format(
		    "%.*s%s\n%s and %zu more", (int)kept, text, open ? "\n" FENCE : "", dots, *out_left_out);
	}
	room = text_units(dots, unit);
	at = most > room ? cut_before(text, place_of(text, most - room, unit)) : 0;
	*out_left_out = count_lines(text + at);
	return mem_format("%.*s%s", (int)at, text, most >= room ? dots : "");
}
