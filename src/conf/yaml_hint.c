/* SPDX-License-Identifier: MIT */
/* Hints for the errors that bmad.yaml invites: schedules and references look like signs of YAML. */
#include "conf/yaml_hint.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

struct spot {
	const char *problem;
	char here, before; /* the character where the scanner stopped and the one before; NUL outside */
};

static bool says(const struct spot *spot, const char *part)
{
	return strstr(spot->problem, part) != NULL;
}

static bool is_macro(const struct spot *spot)
{
	return spot->here == '@';
}

static bool is_star(const struct spot *spot)
{
	return says(spot, "alias") || (says(spot, "alphabetic or numeric") && spot->before == '*');
}

static bool is_reference(const struct spot *spot)
{
	return spot->here == '{' && spot->before == '$';
}

static bool is_tab(const struct spot *spot)
{
	return spot->here == '\t';
}

static bool is_reserved(const struct spot *spot)
{
	return spot->here && strchr("%`", spot->here) && says(spot, "cannot start any token");
}

static bool is_colon(const struct spot *spot)
{
	return says(spot, "mapping values are not allowed");
}

static bool is_escape(const struct spot *spot)
{
	return says(spot, "unknown escape character");
}

static bool is_open_quote(const struct spot *spot)
{
	return says(spot, "unexpected end of stream") || says(spot, "unexpected document indicator");
}

static const struct {
	bool (*fits)(const struct spot *spot);
	const char *hint;
} hints[] = {
    {is_macro, "; a text that begins with '@' must be quoted: \"@every 15m\""},
    {is_star, "; a text that begins with '*' must be quoted: \"*/5 * * * *\""},
    {is_reference, "; within { } and [ ] a reference must be quoted: {url: \"${NAME}\"}"},
    {is_tab, "; indent with blanks, not with tabs"},
    {is_reserved, "; a text that begins with this character must be quoted"},
    {is_colon, "; a text with ': ' in it must be quoted, and the keys of one mapping stand in one column"},
    {is_escape, "; within \"...\" a backslash begins an escape: write '...' or double the backslash"},
    {is_open_quote, "; a closing quote is missing"},
};

const char *yaml_hint(const char *problem, const char *text, size_t length, size_t at)
{
	struct spot spot = {
	    .problem = problem,
	    .here = (char)(at < length ? text[at] : '\0'),
	    .before = (char)(at > 0 && at <= length ? text[at - 1] : '\0'),
	};

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (hints[i].fits(&spot))
			return hints[i].hint;
	return "";
}
