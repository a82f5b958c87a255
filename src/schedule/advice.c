/* SPDX-License-Identifier: MIT */
/* Advice on cron expressions: from their text what regards steps, from their slots what regards clocks. */
#include "schedule/advice.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "schedule/cron.h"
#include "schedule/tz.h"

#define YEAR_SECONDS (INT64_C(366) * 86400)

struct adviser {
	const struct schedule *schedule;
	const struct cron *cron;
	advice_function *tell;
	void *arg;
};

static void tell(const struct adviser *adviser, int column, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(const struct adviser *adviser, int column, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	adviser->tell(adviser->arg, column, text);
}

/* -- steps ----------------------------------------------------------------------------------------- */

/* The fields in which a step may fail to come out even; years never begin anew. */
static const struct cycle {
	const char *title;
	long first, size;
} cycles[] = {
    {"second", 0, 60},
    {"minute", 0, 60},
    {"hour", 0, 24},
    {"day of month", 1, 31},
    {"month", 1, 12},
    {"day of week", 0, 7},
};

/* A step from a number or from `*` on; false for all else, ranges with their wanted ends among it. */
static bool parse_step(const char *item, const struct cycle *cycle, long *out_from, long *out_step)
{
	size_t length = *item == '*' ? 1 : strspn(item, "0123456789");

	if (!length || item[length] != '/' || !isdigit((unsigned char)item[length + 1]))
		return false;
	*out_from = *item == '*' ? cycle->first : strtol(item, NULL, 10);
	*out_step = strtol(item + length + 1, NULL, 10);
	return true;
}

static void advise_item(
    const struct adviser *adviser, const struct cycle *cycle, const char *item, int length, int column)
{
	long from, step;

	if (!parse_step(item, cycle, &from, &step))
		return;
	long last = from + (cycle->first + cycle->size - 1 - from) / step * step;
	long wrap = from + cycle->size - last;
	if (last == from)
		return;
	if (cycle->size == 31)
		tell(adviser, column,
		    "'%.*s' begins anew at day %ld of each month, however long the month is", length, item,
		    from);
	else if (wrap != step)
		tell(adviser, column,
		    "'%.*s' is uneven: after %s %ld it begins anew at %ld, which is %ld later, not %ld",
		    length, item, cycle->title, last, from, wrap, step);
}

/* FIELD, which ends at a blank, item by item. */
static void advise_field(
    const struct adviser *adviser, const struct cycle *cycle, const char *field, const char *text)
{
	for (;;) {
		size_t length = strcspn(field, ", \t");

		advise_item(adviser, cycle, field, (int)length, (int)(field - text) + 1);
		if (field[length] != ',')
			return;
		field += length + 1;
	}
}

#define FIELDS_MAX 7

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

static const char *skip_word(const char *at)
{
	return skip_blanks(at + strcspn(at, " \t"));
}

static void advise_steps(const struct adviser *adviser)
{
	const char *text = schedule_text(adviser->schedule), *at = skip_blanks(text);
	const char *fields[FIELDS_MAX];
	size_t count = 0;

	if (!strncmp(at, "CRON_TZ=", 8))
		at = skip_word(at);
	for (; *at && *at != '@' && count < FIELDS_MAX; at = skip_word(at))
		fields[count++] = at;
	size_t first = count == 5; /* five fields begin with the minute */
	for (size_t i = 0; i < count && first + i < ARRAY_SIZE(cycles); i++)
		advise_field(adviser, &cycles[first + i], fields[i], text);
}

/* -- days ------------------------------------------------------------------------------------------ */

static void advise_days(const struct adviser *adviser)
{
	if (!adviser->cron->any_day && !adviser->cron->any_weekday)
		tell(adviser, 1,
		    "day of month and day of week are both restricted: it fires on days that match either");
}

/* -- clocks ---------------------------------------------------------------------------------------- */

static const char *const rule_names[] = {
    [DST_VIXIE] = "vixie", [DST_RFC5545] = "rfc5545", [DST_SKIP] = "skip", [DST_BOTH] = "both"};

/* Wall time to the minute: "2027-03-14T02:30". */
static char *wall_text(int64_t wall)
{
	char text[TIME_TEXT];

	return mem_format("%.16s", utc_format(wall, text));
}

/* What becomes of the slot at WALL, which the clocks jump over at INTERVAL's start. */
static char *gap_outcome(const struct adviser *adviser, const struct tz_interval *interval, int64_t wall)
{
	const struct tz *tz = schedule_tz(adviser->schedule);
	enum dst_rule rule = schedule_dst(adviser->schedule);
	char text[TIME_TEXT];

	if (rule == DST_SKIP)
		return mem_copy("it does not fire");
	if (rule == DST_RFC5545)
		return mem_format("it fires at %s", tz_format(tz, wall - interval->before, text));
	return mem_format("it fires once, at %s", tz_format(tz, interval->start, text));
}

static void tell_gap(const struct adviser *adviser, const struct tz_interval *interval, int64_t wall)
{
	cleanup(free_text) char *time = wall_text(wall);
	cleanup(free_text) char *outcome = gap_outcome(adviser, interval, wall);

	tell(adviser, 1, "%s does not exist in %s, where the clocks are set forward: %s (dst: %s)", time,
	    tz_name(schedule_tz(adviser->schedule)), outcome, rule_names[schedule_dst(adviser->schedule)]);
}

static void tell_overlap(const struct adviser *adviser, int64_t wall)
{
	enum dst_rule rule = schedule_dst(adviser->schedule);
	cleanup(free_text) char *time = wall_text(wall);

	tell(adviser, 1, "%s comes twice in %s, where the clocks are set back: it fires %s (dst: %s)", time,
	    tz_name(schedule_tz(adviser->schedule)), rule == DST_BOTH ? "both times" : "the first time only",
	    rule_names[rule]);
}

static void advise_change(const struct adviser *adviser, const struct tz_interval *interval)
{
	bool forward = interval->offset > interval->before;
	int64_t left = interval->start + interval->before, entered = interval->start + interval->offset;
	int64_t from = forward ? left : entered, to = forward ? entered : left;
	int64_t wall = cron_slot_from(adviser->cron, from);

	if (wall >= to || !cron_is_clock_time(adviser->cron, interval))
		return;
	if (forward)
		tell_gap(adviser, interval, wall);
	else
		tell_overlap(adviser, wall);
}

static void advise_clocks(const struct adviser *adviser, utc_t from)
{
	const struct tz *tz = schedule_tz(adviser->schedule);
	struct tz_interval interval;

	tz_interval_at(tz, from, &interval);
	while (interval.end < from + YEAR_SECONDS) {
		tz_interval_next(tz, &interval);
		advise_change(adviser, &interval);
	}
}

void schedule_advise(const struct schedule *schedule, utc_t from, advice_function *told, void *arg)
{
	struct adviser adviser = {schedule, schedule_cron(schedule), told, arg};

	if (!adviser.cron)
		return;
	advise_steps(&adviser);
	advise_days(&adviser);
	advise_clocks(&adviser, from);
}
