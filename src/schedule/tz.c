/* SPDX-License-Identifier: MIT */
/* Looking up what the clocks of a loaded zone show, and when. Pure. */
#include "schedule/tz.h"

#include <stdio.h>
#include <string.h>

#include "schedule/tz_data.h"

struct tz *tz_create(const char *name, int offset, const char *abbr)
{
	struct tz *tz = mem_alloc(sizeof(*tz));

	tz->name = arena_copy(&tz->arena, name);
	tz->types[tz->type_count++] =
	    (struct tz_type){.offset = offset, .abbr = arena_copy(&tz->arena, abbr)};
	tz->folded_from = UTC_NEVER;
	tz_add_span(tz, INT64_MIN, 0);
	return tz;
}

void tz_destroy(struct tz *tz)
{
	if (!tz)
		return;
	arena_done(&tz->arena);
	free(tz->spans);
	free(tz);
}

void tz_add_span(struct tz *tz, utc_t start, int type)
{
	if (tz->count && tz->spans[tz->count - 1].start == start)
		tz->count--;
	if (tz->count && tz->spans[tz->count - 1].type == type)
		return;
	mem_grow(tz->spans, tz->count, tz->capacity);
	tz->spans[tz->count++] = (struct tz_span){start, tz->types[type].offset, type};
}

const char *tz_name(const struct tz *tz)
{
	return tz->name;
}

/* How far AT has to be moved back to stand in the part of the calendar that is written out. */
static int64_t fold(const struct tz *tz, utc_t at)
{
	if (at < tz->folded_from)
		return 0;
	return ((at - tz->folded_from) / TZ_PERIOD + 1) * TZ_PERIOD;
}

static size_t span_index(const struct tz *tz, utc_t at)
{
	size_t from = 0, count = tz->count;

	while (count > 1) {
		size_t half = count / 2;

		if (tz->spans[from + half].start <= at)
			from += half;
		count -= half;
	}
	return from;
}

/* The interval of span INDEX, FOLDED seconds later. */
static struct tz_interval interval_of(const struct tz *tz, size_t index, int64_t folded)
{
	const struct tz_span *span = &tz->spans[index];
	struct tz_interval interval = {INT64_MIN, UTC_NEVER, span->offset, span->offset, index};

	if (index > 0) {
		interval.start = span->start + folded;
		interval.before = span[-1].offset;
	}
	if (index + 1 < tz->count && __builtin_add_overflow(span[1].start, folded, &interval.end))
		interval.end = UTC_NEVER;
	return interval;
}

void tz_interval_at(const struct tz *tz, utc_t at, struct tz_interval *out_interval)
{
	int64_t folded = fold(tz, at);

	*out_interval = interval_of(tz, span_index(tz, at - folded), folded);
}

/* An interval that ends before the fold has its own span; one beyond has that of a period before. */
void tz_interval_next(const struct tz *tz, struct tz_interval *interval)
{
	if (interval->end < tz->folded_from)
		*interval = interval_of(tz, interval->index + 1, 0);
	else
		tz_interval_at(tz, interval->end, interval);
}

void tz_interval_previous(const struct tz *tz, struct tz_interval *interval)
{
	if (interval->end <= tz->folded_from)
		*interval = interval_of(tz, interval->index - 1, 0);
	else
		tz_interval_at(tz, interval->start - 1, interval);
}

/* Sums stay in range: such times are shown as the last year that can be shown. */
static utc_t add_offset(utc_t at, int offset)
{
	utc_t sum;

	if (__builtin_add_overflow(at, offset, &sum))
		return at;
	return sum;
}

void tz_to_local(const struct tz *tz, utc_t at, struct tz_local *out_local)
{
	const struct tz_span *span = &tz->spans[span_index(tz, at - fold(tz, at))];
	const struct tz_type *type = &tz->types[span->type];

	civil_from_utc(add_offset(at, type->offset), &out_local->civil);
	out_local->offset = type->offset;
	out_local->abbr = type->abbr;
	out_local->dst = type->dst;
}

utc_t tz_to_utc(const struct tz *tz, const struct civil *civil)
{
	utc_t wall = utc_from_civil(civil);
	struct tz_interval interval;

	/* So early that the wall time has not come yet: the first interval to show it is the answer. */
	tz_interval_at(tz, wall - 2 * TZ_OFFSET_MAX, &interval);
	while (wall - interval.offset >= interval.end)
		tz_interval_next(tz, &interval);
	if (wall - interval.offset < interval.start)
		return wall - interval.before;
	return wall - interval.offset;
}

/* RFC 3339 has no offsets with seconds; such a one (before 1972) is cut, and the time is shown by the cut
 * one. */
char *tz_format(const struct tz *tz, utc_t at, char out[TIME_TEXT])
{
	struct tz_local local;
	struct civil *c = &local.civil;

	if (at == UTC_NEVER)
		return utc_format(at, out);
	tz_to_local(tz, at, &local);
	int minutes = local.offset / 60;
	if (local.offset % 60)
		civil_from_utc(add_offset(at, minutes * 60), c);
	int size = minutes < 0 ? -minutes : minutes;
	snprintf(out, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", c->year, c->month, c->day,
	    c->hour, c->minute, c->second, minutes < 0 ? '-' : '+', size / 60 % 100, size % 60);
	return out;
}
