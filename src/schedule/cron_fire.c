/* SPDX-License-Identifier: MIT */
/*
 * The fires of a cron expression in a zone.
 *
 * Between two changes of the clocks, fires are the slots less the offset. What happens to the slots in
 * the stretch of wall time that a change makes disappear (a gap) or come twice (an overlap) depends on
 * what the expression means there: one with slots in the hour before the stretch and in the hour after
 * it is interval-like and follows elapsed time; any other is clock-time and follows the DST rule.
 *
 * The search walks from change to change and keeps what it knows about slots on the way: a sparse
 * expression costs one search for its slot and no look at the years between.
 */
#include "schedule/cron.h"

#include "schedule/tz.h"

/* There is no slot in [asked, found) when walking forward, in (found, asked] when walking back. */
struct walk {
	const struct cron *cron;
	enum dst_rule dst;
	int64_t asked, found;
};

/* The clocks were set by that many seconds at the interval's start: forward if positive. */
static int64_t shift_of(const struct tz_interval *interval)
{
	return interval->offset - interval->before;
}

bool cron_is_clock_time(const struct cron *cron, const struct tz_interval *interval)
{
	int64_t left = interval->start + interval->before;
	int64_t entered = interval->start + interval->offset;
	int64_t from = left < entered ? left : entered;
	int64_t to = left < entered ? entered : left;

	return !(cron_has_time_in_hour(cron, from - 3600) && cron_has_time_in_hour(cron, to));
}

/* Whether the interval begins with a second pass that WALK must not fire in. */
static bool has_silent_pass(const struct walk *walk, const struct tz_interval *interval)
{
	return shift_of(interval) < 0 && walk->dst != DST_BOTH && cron_is_clock_time(walk->cron, interval);
}

static bool has_gap_to_fill(const struct walk *walk, const struct tz_interval *interval)
{
	return shift_of(interval) > 0 && walk->dst != DST_SKIP && cron_is_clock_time(walk->cron, interval);
}

/* -- forward --------------------------------------------------------------------------------------- */

static int64_t slot_from(struct walk *walk, int64_t wall)
{
	if (wall < walk->asked || wall > walk->found) {
		walk->asked = wall;
		walk->found = cron_slot_from(walk->cron, wall);
	}
	return walk->found;
}

/* The first fire at or after FROM for a slot in the gap at the interval's start. */
static utc_t gap_fire_from(struct walk *walk, const struct tz_interval *interval, utc_t from)
{
	int64_t slot = slot_from(walk, from + interval->before);

	if (slot >= interval->start + interval->offset)
		return UTC_NEVER;
	if (walk->dst == DST_RFC5545)
		return slot - interval->before;
	return from == interval->start ? from : UTC_NEVER;
}

/* The first fire at or after FROM by this interval's offset; it may lie beyond its end. */
static utc_t fire_in_from(struct walk *walk, const struct tz_interval *interval, utc_t from)
{
	int64_t shift = shift_of(interval);
	utc_t gap_fire = UTC_NEVER;

	if (shift > 0 && from < interval->start + shift && has_gap_to_fill(walk, interval))
		gap_fire = gap_fire_from(walk, interval, from);
	if (shift < 0 && from < interval->start - shift && has_silent_pass(walk, interval))
		from = interval->start - shift;
	int64_t slot = slot_from(walk, from + interval->offset);
	utc_t fire = slot == CRON_NONE_AFTER ? UTC_NEVER : slot - interval->offset;
	return gap_fire < fire ? gap_fire : fire;
}

/* Where to go on after an interval without fires: at its end, or close before the slot if that is far. */
static utc_t go_on_from(const struct walk *walk, const struct tz_interval *interval)
{
	if (walk->asked <= interval->end - TZ_OFFSET_MAX && walk->found - TZ_OFFSET_MAX > interval->end)
		return walk->found - TZ_OFFSET_MAX;
	return interval->end;
}

utc_t cron_fire_from(const struct cron *cron, const struct tz *tz, enum dst_rule dst, utc_t from, utc_t limit)
{
	struct walk walk = {cron, dst, INT64_MAX, INT64_MIN};
	struct tz_interval interval;

	tz_interval_at(tz, from, &interval);
	while (from <= limit) {
		utc_t fire = fire_in_from(&walk, &interval, from);

		if (fire < interval.end)
			return fire <= limit ? fire : UTC_NEVER;
		from = go_on_from(&walk, &interval);
		if (from == interval.end && from != UTC_NEVER)
			tz_interval_next(tz, &interval);
		else
			tz_interval_at(tz, from, &interval);
	}
	return UTC_NEVER;
}

/* -- back ------------------------------------------------------------------------------------------ */

static int64_t slot_upto(struct walk *walk, int64_t wall)
{
	if (wall > walk->asked || wall < walk->found) {
		walk->asked = wall;
		walk->found = cron_slot_upto(walk->cron, wall);
	}
	return walk->found;
}

static utc_t gap_fire_upto(struct walk *walk, const struct tz_interval *interval, utc_t upto)
{
	utc_t last = interval->start + shift_of(interval) - 1; /* of the gap, by the offset before it */
	bool keeps_time = walk->dst == DST_RFC5545;
	int64_t slot = slot_upto(walk, (keeps_time && upto < last ? upto : last) + interval->before);

	if (slot < interval->start + interval->before)
		return CRON_NONE_BEFORE;
	return keeps_time ? slot - interval->before : interval->start;
}

/* The last fire at or before UPTO by this interval's offset; it may lie before its start. */
static utc_t fire_in_upto(struct walk *walk, const struct tz_interval *interval, utc_t upto)
{
	int64_t shift = shift_of(interval);
	int64_t slot = slot_upto(walk, upto + interval->offset);
	utc_t fire = slot == CRON_NONE_BEFORE ? CRON_NONE_BEFORE : slot - interval->offset;

	if (shift < 0 && fire >= interval->start && fire < interval->start - shift &&
	    has_silent_pass(walk, interval))
		return CRON_NONE_BEFORE;
	if (shift > 0 && fire < interval->start + shift && has_gap_to_fill(walk, interval)) {
		utc_t gap_fire = gap_fire_upto(walk, interval, upto);

		return gap_fire > fire ? gap_fire : fire;
	}
	return fire;
}

static utc_t go_on_upto(const struct walk *walk, const struct tz_interval *interval)
{
	if (walk->asked >= interval->start + TZ_OFFSET_MAX && walk->found + TZ_OFFSET_MAX < interval->start)
		return walk->found + TZ_OFFSET_MAX;
	return interval->start - 1;
}

utc_t cron_fire_upto(const struct cron *cron, const struct tz *tz, enum dst_rule dst, utc_t upto, utc_t limit)
{
	struct walk walk = {cron, dst, INT64_MIN, INT64_MAX};
	struct tz_interval interval;

	tz_interval_at(tz, upto, &interval);
	while (upto >= limit) {
		utc_t fire = fire_in_upto(&walk, &interval, upto);

		if (fire != CRON_NONE_BEFORE && fire >= interval.start)
			return fire >= limit ? fire : -1;
		if (interval.start <= limit)
			return -1;
		upto = go_on_upto(&walk, &interval);
		tz_interval_at(tz, upto, &interval);
	}
	return -1;
}
