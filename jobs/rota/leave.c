/* SPDX-License-Identifier: MIT */
/*
 * Leave: whoever is away exchanges with somebody of the same block or run, so that nobody's count changes.
 * The nearest position first, at equal distance the later one: the same on every machine.
 */
#include "jobs/rota/rota.h"

#include <string.h>

#include <bmad/buf.h>
#include <bmad/time.h>

static void exchange(const struct line_up *line, size_t a, size_t b)
{
	const char *kept = line->names[a];

	line->names[a] = line->names[b];
	line->names[b] = kept;
}

/* Whether the name at AT differs from its neighbours. */
static bool stands_apart(const struct line_up *line, size_t at)
{
	const char *left = at ? line->names[at - 1] : line->before;
	const char *right = at + 1 < line->count ? line->names[at + 1] : NULL;

	return (!left || strcmp(left, line->names[at]) != 0) &&
	       (!right || strcmp(right, line->names[at]) != 0);
}

static bool is_there(const struct rules *rules, const struct line_up *line, size_t at)
{
	return !rules_away(rules, line->names[at], line->days[at]);
}

/* Exchanges A and B if that helps; leaves them as they are if not. */
static bool try_exchange(const struct rules *rules, const struct line_up *line, size_t a, size_t b)
{
	exchange(line, a, b);
	if (is_there(rules, line, a) && is_there(rules, line, b) &&
	    (!line->is_run || (stands_apart(line, a) && stands_apart(line, b))))
		return true;
	exchange(line, a, b);
	return false;
}

static bool find_exchange(const struct rules *rules, const struct line_up *line, size_t at)
{
	for (size_t distance = 1; distance < line->count; distance++) {
		if (at + distance < line->count && try_exchange(rules, line, at, at + distance))
			return true;
		if (distance <= at && try_exchange(rules, line, at, at - distance))
			return true;
	}
	return false;
}

bool leave_give_way(
    const struct rules *rules, const struct line_up *line, const char *role, struct buf *unresolved)
{
	bool exchanged = false;
	char date[TIME_TEXT];

	for (size_t at = 0; at < line->count; at++) {
		if (is_there(rules, line, at))
			continue;
		if (find_exchange(rules, line, at))
			exchanged = true;
		else
			buf_format(unresolved, "%s%s %s %s", unresolved->length ? ", " : "",
			    date_format(line->days[at], date), line->names[at], role);
	}
	return exchanged;
}
