/* SPDX-License-Identifier: MIT */
/*
 * Reading cron expressions: five fields, six with seconds, seven with years; names, lists, ranges that may
 * wrap, steps, Quartz's L W #, and H and ~ for values that the job's name decides.
 */
#include "schedule/cron.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

enum field_id { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR, FIELDS };

static const char *const month_names[] = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
	const char *title; /* in messages */
	const char *name;  /* in the hash behind H and ~: never to be changed */
	int first, last;
	int highest;              /* value that can be written: 7 is Sunday as well */
	const char *const *names; /* of the values from `first` on */
} fields[FIELDS] = {
    [SECOND] = {"second", "second", 0, 59, 59, NULL},
    [MINUTE] = {"minute", "minute", 0, 59, 59, NULL},
    [HOUR] = {"hour", "hour", 0, 23, 23, NULL},
    [DAY] = {"day of month", "day", 1, 31, 31, NULL},
    [MONTH] = {"month", "month", 1, 12, 12, month_names},
    [WEEKDAY] = {"day of week", "weekday", 0, 6, 7, weekday_names},
    [YEAR] = {"year", "year", CRON_YEAR_FIRST, CRON_YEAR_LAST, CRON_YEAR_LAST, NULL},
};

/* The values of a field: bit 0 is its first one. */
struct values {
	uint64_t words[CRON_YEAR_WORDS];
};

struct parser {
	const char *text; /* the whole expression */
	const char *at;
	const char *end; /* of the field */
	const char *job;
	const struct field *field;
	struct values values[FIELDS];
	bool starred[FIELDS];
	struct cron *cron;
	int *out_column;
};

#define FAULT(parser, where, ...) fault((parser), (where), mem_format(__VA_ARGS__))

static struct err *fault(const struct parser *p, const char *where, char *what)
{
	int column = (int)(where - p->text) + 1;
	struct err *e = ERR(ERR_CONFIG, "column %d: %s", column, what);

	free(what);
	*p->out_column = column;
	return e;
}

/* -- the text -------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_field(const struct parser *p, enum field_id id)
{
	return p->field == &fields[id];
}

/* The character at hand in lower case, 0 at the field's end. */
static char peek(const struct parser *p)
{
	return (char)(p->at < p->end ? tolower((unsigned char)*p->at) : 0);
}

static bool take(struct parser *p, char c)
{
	if (peek(p) != c)
		return false;
	p->at++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int letters_ahead(const struct parser *p)
{
	const char *at = p->at;

	while (at < p->end && isalpha((unsigned char)*at))
		at++;
	return (int)(at - p->at);
}

static bool at_item_end(const struct parser *p)
{
	return p->at == p->end || *p->at == ',';
}

/* `expected ...`, telling what stands there instead. */
static struct err *unexpected(const struct parser *p, const char *expected)
{
	if (p->at == p->end)
		return FAULT(p, p->at, "%s ends too early: expected %s", p->field->title, expected);
	if (isprint((unsigned char)*p->at))
		return FAULT(
		    p, p->at, "unexpected '%c' in %s: expected %s", *p->at, p->field->title, expected);
	return FAULT(p, p->at, "unexpected byte %d in %s: expected %s", (unsigned char)*p->at,
	    p->field->title, expected);
}

/* -- values ---------------------------------------------------------------------------------------- */

/* Digits; leading zeros mean nothing. What is too large stays just too large. */
static struct err *take_number(struct parser *p, int lowest, int highest, const char *what, int *out_number)
{
	const char *begin = p->at;
	int number = 0;

	while (is_digit(peek(p))) {
		number = number * 10 + (*p->at++ - '0');
		if (number > highest)
			number = highest + 1;
	}
	if (number < lowest || number > highest)
		return FAULT(p, begin, "%s %.*s is out of range: expected %d to %d", what,
		    (int)(p->at - begin < 20 ? p->at - begin : 20), begin, lowest, highest);
	*out_number = number;
	return NULL;
}

/* The index in NAMES of the name that the text begins with, -1 if there is none. */
static int find_name(const struct parser *p, const char *const *names)
{
	for (int i = 0; p->end - p->at >= 3 && names[i]; i++)
		if (!strncasecmp(p->at, names[i], 3))
			return i;
	return -1;
}

static struct err *unknown_name(const struct parser *p, int found)
{
	cleanup(free_text) char *word = mem_copy_n(p->at, (size_t)letters_ahead(p));
	const char *near = found >= 0 ? p->field->names[found] : NULL;

	for (char *c = word; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!near)
		near = near_name(word, p->field->names);
	if (near)
		return FAULT(p, p->at, "unknown %s '%.20s'; did you mean '%s'?", p->field->title, word, near);
	return FAULT(p, p->at, "unknown %s '%.20s': expected a number or a name from %s to %s",
	    p->field->title, word, p->field->names[0], p->field->names[p->field->last - p->field->first]);
}

/* `mon`; also in `monL`, whose L is left. */
static struct err *take_name(struct parser *p, int *out_value)
{
	int found = find_name(p, p->field->names);
	int letters = letters_ahead(p);
	bool last = letters == 4 && is_field(p, WEEKDAY) && tolower((unsigned char)p->at[3]) == 'l';

	if (found < 0 || (letters != 3 && !last))
		return unknown_name(p, found);
	p->at += 3;
	*out_value = p->field->first + found;
	return NULL;
}

static struct err *take_value(struct parser *p, int *out_value)
{
	if (is_digit(peek(p)))
		return take_number(p, p->field->first, p->field->highest, p->field->title, out_value);
	if (p->field->names && letters_ahead(p))
		return take_name(p, out_value);
	return unexpected(p, p->field->names ? "a number or a name" : "a number");
}

/* -- ranges ---------------------------------------------------------------------------------------- */

static int field_size(const struct field *field)
{
	return field->last - field->first + 1;
}

/* A range of values, in the order of the clock: 22-2 has 5 values, fri-7 has 3. */
struct range {
	int from, count, step;
};

static struct range whole_field(const struct field *field)
{
	return (struct range){field->first, field_size(field), 1};
}

/* From FROM to TO, over the field's end if TO is the smaller. Sunday may be 7 at either side. */
static struct range range_between(const struct field *field, int from, int to)
{
	int size = field_size(field);
	int count = from <= to ? to - from + 1 : (to - from + size) % size + 1;

	return (struct range){from, count, 1};
}

static int value_in_range(const struct field *field, const struct range *range, int index)
{
	return field->first + (range->from - field->first + index) % field_size(field);
}

static void add_value(struct parser *p, int value)
{
	int bit = value - p->field->first;

	p->values[p->field - fields].words[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void add_range(struct parser *p, const struct range *range)
{
	for (int i = 0; i < range->count; i += range->step)
		add_value(p, value_in_range(p->field, range, i));
}

/* `/15` if it is there. */
static struct err *take_step(struct parser *p, struct range *range)
{
	if (!take(p, '/'))
		return NULL;
	if (!is_digit(peek(p)))
		return unexpected(p, "a step, like */5");
	return take_number(p, 1, field_size(p->field), "step", &range->step);
}

static struct err *end_item(const struct parser *p, const char *expected)
{
	return at_item_end(p) ? NULL : unexpected(p, expected);
}

static struct err *add_stepped(struct parser *p, struct range range)
{
	PASS(take_step(p, &range));
	PASS(end_item(p, "',' or the end of the field"));
	add_range(p, &range);
	return NULL;
}

/* One value of RANGE, always the same for this job and field. */
static struct err *add_stable(struct parser *p, const char *begin, struct range range)
{
	uint64_t hash = FNV_START;

	PASS(end_item(p, "',' or the end of the field"));
	if (!p->job)
		return FAULT(
		    p, begin, "H and ~ take their value from the job's name, and there is none here");
	hash = fnv1a(hash, p->job, strlen(p->job) + 1);
	hash = fnv1a(hash, p->field->name, strlen(p->field->name));
	add_value(p, value_in_range(p->field, &range, (int)(hash % (uint64_t)range.count)));
	return NULL;
}

/* After `a~` or a bare `~`: up to a value, or to the field's end. */
static struct err *add_stable_from(struct parser *p, const char *begin, int from)
{
	int to = p->field->last;

	if (!at_item_end(p))
		PASS(take_value(p, &to));
	return add_stable(p, begin, range_between(p->field, from, to));
}

/* -- Quartz's special days ------------------------------------------------------------------------- */

/* `L`, `L-3`, `LW`; the L is taken. */
static struct err *add_last_day(struct parser *p)
{
	int left = 0;

	if (take(p, 'w')) {
		p->cron->last_workday = true;
		return end_item(p, "',' or the end of the field after LW");
	}
	if (take(p, '-')) {
		if (!is_digit(peek(p)))
			return unexpected(p, "a number of days before the month's last");
		PASS(take_number(p, 1, 30, "number of days before the last", &left));
	}
	p->cron->days_left |= UINT32_C(1) << left;
	return end_item(p, "',' or the end of the field (L, L-3 or LW)");
}

/* `15W`; the W is taken. */
static struct err *add_workday(struct parser *p, int day)
{
	p->cron->workdays |= UINT32_C(1) << day;
	return end_item(p, "',' or the end of the field after W");
}

/* `5L`, `friL`; the L is taken. */
static struct err *add_last_weekday(struct parser *p, int weekday)
{
	p->cron->last_weekdays |= (uint8_t)(1 << weekday % 7);
	return end_item(p, "',' or the end of the field after L");
}

/* `fri#2`; the # is taken. */
static struct err *add_nth_weekday(struct parser *p, int weekday)
{
	int n = 1;

	if (!is_digit(peek(p)))
		return unexpected(p, "a number from 1 to 5 after #");
	PASS(take_number(p, 1, 5, "week", &n));
	p->cron->nth_weekdays |= UINT64_C(1) << (7 * (n - 1) + weekday % 7);
	return end_item(p, "',' or the end of the field after #n");
}

/* -- items, fields, the expression ----------------------------------------------------------------- */

static struct err *parse_value_item(struct parser *p)
{
	const char *begin = p->at;
	int from = 0, to = 0;

	PASS(take_value(p, &from));
	if (take(p, '~'))
		return add_stable_from(p, begin, from);
	if (is_field(p, DAY) && take(p, 'w'))
		return add_workday(p, from);
	if (is_field(p, WEEKDAY) && take(p, 'l'))
		return add_last_weekday(p, from);
	if (is_field(p, WEEKDAY) && take(p, '#'))
		return add_nth_weekday(p, from);
	if (!take(p, '-')) {
		/* a/n runs to the field's end, a alone is itself. */
		from = from > p->field->last ? p->field->first : from;
		return add_stepped(p, range_between(p->field, from, peek(p) == '/' ? p->field->last : from));
	}
	const char *second = p->at;
	PASS(take_value(p, &to));
	if (is_field(p, YEAR) && to < from)
		return FAULT(p, second, "year %d comes before %d: years do not wrap", to, from);
	return add_stepped(p, range_between(p->field, from, to));
}

static struct err *parse_item(struct parser *p)
{
	const char *begin = p->at;
	bool lone_letter = letters_ahead(p) == 1;

	if (at_item_end(p))
		return FAULT(p, p->at, "empty item in %s: expected a value before and after each ','",
		    p->field->title);
	if (take(p, '*'))
		return add_stepped(p, whole_field(p->field));
	if (take(p, '~'))
		return add_stable_from(p, begin, p->field->first);
	if (lone_letter && take(p, 'h'))
		return add_stable(p, begin, whole_field(p->field));
	if (is_field(p, DAY) && take(p, 'l'))
		return add_last_day(p);
	if (is_field(p, WEEKDAY) && lone_letter && peek(p) == 'l')
		return FAULT(p, begin,
		    "L alone is ambiguous in day of week: expected friL for the month's last "
		    "Friday, or sat");
	return parse_value_item(p);
}

/* `?`: nothing is asked of this day field. */
static struct err *parse_question(struct parser *p)
{
	struct range whole = whole_field(p->field);

	if (!is_field(p, DAY) && !is_field(p, WEEKDAY))
		return FAULT(p, p->at, "'?' is for day of month and day of week only: expected '*'");
	p->at++;
	if (p->at < p->end)
		return unexpected(p, "nothing after '?'");
	add_range(p, &whole);
	return NULL;
}

static struct err *parse_items(struct parser *p)
{
	if (peek(p) == '?')
		return parse_question(p);
	do
		PASS(parse_item(p));
	while (take(p, ','));
	return NULL;
}

static struct err *parse_field(struct parser *p, enum field_id id, const char *begin)
{
	p->field = &fields[id];
	p->at = begin;
	p->end = begin + strcspn(begin, " \t");
	p->starred[id] = *begin == '*' || *begin == '?';
	return parse_items(p);
}

/* What the fields say goes where cron_wall.c wants it; the special days are there already. */
static void store_values(const struct parser *p, struct cron *cron)
{
	cron->seconds = p->values[SECOND].words[0];
	cron->minutes = p->values[MINUTE].words[0];
	cron->hours = (uint32_t)p->values[HOUR].words[0];
	cron->days = (uint32_t)(p->values[DAY].words[0] << 1);
	cron->months = (uint16_t)(p->values[MONTH].words[0] << 1);
	cron->weekdays = (uint8_t)p->values[WEEKDAY].words[0];
	memcpy(cron->years, p->values[YEAR].words, sizeof(cron->years));
	cron->any_day = p->starred[DAY];
	cron->any_weekday = p->starred[WEEKDAY];
}

/* The beginnings of at most MAX fields; OUT_END: what follows them. */
static int split(const char *at, int max, const char **out_begins, const char **out_end)
{
	int count = 0;

	for (;;) {
		while (is_blank(*at))
			at++;
		*out_end = at;
		if (!*at || count == max)
			return count;
		out_begins[count++] = at;
		while (*at && !is_blank(*at))
			at++;
	}
}

/* Years without limit, unlike 1970-2199, if the field is just `*`. */
static bool is_star(const char *begin)
{
	return begin[0] == '*' && (!begin[1] || is_blank(begin[1]));
}

static struct err *parse_fields(struct parser *p, const char *at, const char **out_day)
{
	const char *begins[FIELDS], *end;
	int count = split(at, FIELDS, begins, &end);
	int first = count == 5 ? MINUTE : SECOND;

	if (*end)
		return FAULT(p, end, "too many fields: expected 5, 6 (with seconds) or 7 (with years too)");
	if (count < 5)
		return FAULT(p, end,
		    "%d field%s: expected 5 (minute hour day month weekday), 6 (with seconds "
		    "first) or 7 (with years last)",
		    count, count == 1 ? "" : "s");
	p->cron->any_year = count < 7 || is_star(begins[YEAR]);
	p->values[SECOND].words[0] = first != SECOND; /* second 0, where there is no such field */
	for (int i = 0; i < count; i++)
		PASS(parse_field(p, (enum field_id)(first + i), begins[i]));
	*out_day = begins[DAY - first];
	return NULL;
}

struct err *cron_parse(
    const char *text, const char *at, const char *job, struct cron *out_cron, int *out_column)
{
	struct cron cron = {0};
	struct parser parser = {.text = text, .job = job, .cron = &cron, .out_column = out_column};
	const char *day = at;

	PASS(parse_fields(&parser, at, &day));
	store_values(&parser, &cron);
	if (cron_slot_from(&cron, 0) == CRON_NONE_AFTER)
		return FAULT(&parser, day, "this can never fire: no month it names ever has such a day");
	*out_cron = cron;
	return NULL;
}
