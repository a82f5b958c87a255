/* SPDX-License-Identifier: MIT */
/* Schedules of every kind: cron expressions and the @words. */
#include "schedule/schedule.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "schedule/cron.h"

#define SEARCH_SECONDS (INT64_C(36525) * 86400) /* 100 years */
#define LATEST         INT64_C(253402300799)    /* the end of the year 9999 */

struct schedule {
	enum schedule_kind kind;
	enum dst_rule dst;
	const struct tz *tz;
	union {
		struct cron cron;
		int64_t every; /* seconds */
		utc_t at;
	};
	char text[];
};

/* -- @words ---------------------------------------------------------------------------------------- */

struct text_position {
	const char *text; /* the whole expression */
	const char *at;
	const char *job;
	int *out_column;
};

static const struct word {
	const char *name;
	enum schedule_kind kind;
	const char *cron; /* what it stands for, of SCHEDULE_CRON */
} words[] = {
    {"@yearly", SCHEDULE_CRON, "0 0 1 1 *"},
    {"@annually", SCHEDULE_CRON, "0 0 1 1 *"},
    {"@monthly", SCHEDULE_CRON, "0 0 1 * *"},
    {"@weekly", SCHEDULE_CRON, "0 0 * * 0"},
    {"@daily", SCHEDULE_CRON, "0 0 * * *"},
    {"@midnight", SCHEDULE_CRON, "0 0 * * *"},
    {"@hourly", SCHEDULE_CRON, "0 * * * *"},
    {"@every", SCHEDULE_EVERY, NULL},
    {"@at", SCHEDULE_AT, NULL},
    {"@reboot", SCHEDULE_REBOOT, NULL},
    {"@module", SCHEDULE_MODULE, NULL},
};

#define FAULT(position, ...) fault((position), mem_format(__VA_ARGS__))

static struct err *fault(const struct text_position *position, char *what)
{
	int column = (int)(position->at - position->text) + 1;
	struct err *e = ERR(ERR_CONFIG, "column %d: %s", column, what);

	free(what);
	*position->out_column = column;
	return e;
}

/* The same with the words of an error from below, which is consumed. */
static struct err *fault_from(const struct text_position *position, struct err *e)
{
	struct err *placed = FAULT(position, "%s", err_message(e));

	err_destroy(e);
	return placed;
}

static void skip_blanks(struct text_position *position)
{
	position->at += strspn(position->at, " \t");
}

/* Takes up to the next blank; to be freed. */
static char *take_word(struct text_position *position)
{
	size_t length = strcspn(position->at, " \t");
	char *word = mem_copy_n(position->at, length);

	position->at += length;
	return word;
}

static struct err *unknown_word(const struct text_position *position, const char *word)
{
	const char *names[ARRAY_SIZE(words) + 1] = {NULL};
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		names[i] = words[i].name;
	near = near_name(word, names);
	if (near)
		return FAULT(position, "unknown word '%.20s'; did you mean '%s'?", word, near);
	return FAULT(position, "unknown word '%.20s': expected one like @daily, @hourly or @every 15m", word);
}

/* What stands behind @every and @at: one word. */
static struct err *take_argument(
    struct text_position *position, const char *example, char **out_argument, struct text_position *out_begin)
{
	skip_blanks(position);
	if (!*position->at)
		return FAULT(position, "expected more, as in '%s'", example);
	*out_begin = *position;
	*out_argument = take_word(position);
	return NULL;
}

static struct err *parse_every(struct text_position *position, struct schedule *schedule)
{
	cleanup(free_text) char *argument = NULL;
	struct text_position begin = *position;
	struct err *e;
	int64_t ms = 0;

	PASS(take_argument(position, "@every 15m", &argument, &begin));
	e = duration_parse_ms(argument, &ms);
	if (e)
		return fault_from(&begin, e);
	if (ms < 1000 || ms % 1000 != 0 || ms / 1000 > SEARCH_SECONDS)
		return FAULT(
		    &begin, "'%s' cannot be kept: expected whole seconds, from 1s to 36525d", argument);
	schedule->every = ms / 1000;
	return NULL;
}

static struct err *parse_at(struct text_position *position, struct schedule *schedule)
{
	cleanup(free_text) char *argument = NULL;
	struct text_position begin = *position;
	struct err *e;

	PASS(take_argument(position, "@at 2026-03-08T09:00:00Z", &argument, &begin));
	e = utc_parse(argument, &schedule->at);
	if (e)
		return fault_from(&begin, e);
	return NULL;
}

static struct err *parse_word(struct text_position *position, struct schedule *schedule)
{
	struct text_position begin = *position;
	cleanup(free_text) char *name = take_word(position);
	const struct word *word = words;

	while (word < words + ARRAY_SIZE(words) && strcasecmp(word->name, name) != 0)
		word++;
	if (word == words + ARRAY_SIZE(words))
		return unknown_word(&begin, name);
	schedule->kind = word->kind;
	if (word->cron)
		PASS(cron_parse(word->cron, word->cron, NULL, &schedule->cron, position->out_column));
	if (word->kind == SCHEDULE_EVERY)
		PASS(parse_every(position, schedule));
	if (word->kind == SCHEDULE_AT)
		PASS(parse_at(position, schedule));
	skip_blanks(position);
	if (*position->at)
		return FAULT(position, "unexpected text: expected nothing more after %s", word->name);
	return NULL;
}

/* -- parsing --------------------------------------------------------------------------------------- */

struct err *dst_rule_parse(const char *name, enum dst_rule *out_rule)
{
	static const char *const names[] = {
	    [DST_VIXIE] = "vixie", [DST_RFC5545] = "rfc5545", [DST_SKIP] = "skip", [DST_BOTH] = "both", NULL};
	const char *near;

	for (int i = 0; names[i]; i++)
		if (!strcmp(name, names[i])) {
			*out_rule = (enum dst_rule)i;
			return NULL;
		}
	near = near_name(name, names);
	if (near)
		return ERR(ERR_CONFIG, "unknown DST rule '%.20s'; did you mean '%s'?", name, near);
	return ERR(ERR_CONFIG, "unknown DST rule '%.20s': expected vixie, rfc5545, skip or both", name);
}

/* `CRON_TZ=Zone ` */
static struct err *parse_prefix(struct text_position *position, const struct tz **tz)
{
	static const char prefix[] = "CRON_TZ=";
	struct text_position begin;
	struct err *e;

	skip_blanks(position);
	if (strncmp(position->at, prefix, strlen(prefix)) != 0)
		return NULL;
	position->at += strlen(prefix);
	begin = *position;
	cleanup(free_text) char *name = take_word(position);
	e = tz_get(name, tz);
	if (e)
		return fault_from(&begin, e);
	skip_blanks(position);
	return NULL;
}

static struct err *parse(struct text_position *position, struct schedule *schedule)
{
	PASS(parse_prefix(position, &schedule->tz));
	if (!*position->at)
		return FAULT(position, "empty: expected a cron expression or a word like @daily");
	if (*position->at == '@')
		return parse_word(position, schedule);
	return cron_parse(position->text, position->at, position->job, &schedule->cron, position->out_column);
}

struct err *schedule_parse(const char *text, const struct tz *tz, const char *job, enum dst_rule dst,
    struct schedule **out_schedule, int *out_column)
{
	struct schedule *schedule = mem_alloc(sizeof(*schedule) + strlen(text) + 1);
	int column;
	struct text_position position = {text, text, job, out_column ? out_column : &column};

	schedule->tz = tz;
	schedule->dst = dst;
	memcpy(schedule->text, text, strlen(text));
	struct err *e = parse(&position, schedule);
	if (e) {
		schedule_destroy(schedule);
		return e;
	}
	*out_schedule = schedule;
	return NULL;
}

void schedule_destroy(struct schedule *schedule)
{
	free(schedule);
}

enum schedule_kind schedule_kind(const struct schedule *schedule)
{
	return schedule->kind;
}

const struct cron *schedule_cron(const struct schedule *schedule)
{
	return schedule->kind == SCHEDULE_CRON ? &schedule->cron : NULL;
}

enum dst_rule schedule_dst(const struct schedule *schedule)
{
	return schedule->dst;
}

const char *schedule_text(const struct schedule *schedule)
{
	return schedule->text;
}

const struct tz *schedule_tz(const struct schedule *schedule)
{
	return schedule->tz;
}

/* -- computing ------------------------------------------------------------------------------------- */

/* The first fire at or after FROM; FROM is in [0, LATEST]. */
static utc_t fire_from(const struct schedule *s, utc_t from, utc_t limit)
{
	switch (s->kind) {
	case SCHEDULE_CRON:
		return cron_fire_from(&s->cron, s->tz, s->dst, from, limit);
	case SCHEDULE_EVERY:
		return (from + s->every - 1) / s->every * s->every;
	case SCHEDULE_AT:
		return s->at >= from ? s->at : UTC_NEVER;
	case SCHEDULE_REBOOT:
	case SCHEDULE_MODULE:
		break;
	}
	return UTC_NEVER;
}

static utc_t fire_upto(const struct schedule *s, utc_t upto, utc_t limit)
{
	switch (s->kind) {
	case SCHEDULE_CRON:
		return cron_fire_upto(&s->cron, s->tz, s->dst, upto, limit);
	case SCHEDULE_EVERY:
		return upto / s->every * s->every;
	case SCHEDULE_AT:
		return s->at <= upto ? s->at : -1;
	case SCHEDULE_REBOOT:
	case SCHEDULE_MODULE:
		break;
	}
	return -1;
}

/* A fire that is not after AFTER would make its caller spin: whatever is wrong, it must not come out. */
utc_t schedule_next(const struct schedule *schedule, utc_t after)
{
	if (after >= LATEST)
		return UTC_NEVER;
	utc_t from = after < 0 ? 0 : after + 1;
	utc_t limit = from + SEARCH_SECONDS;
	utc_t fire = fire_from(schedule, from, limit);
	return fire >= from && fire <= limit ? fire : UTC_NEVER;
}

utc_t schedule_prev(const struct schedule *schedule, utc_t before)
{
	if (before <= 0)
		return -1;
	utc_t upto = before > LATEST ? LATEST : before - 1;
	utc_t limit = upto > SEARCH_SECONDS ? upto - SEARCH_SECONDS : 0;
	utc_t fire = fire_upto(schedule, upto, limit);
	return fire >= limit && fire <= upto ? fire : -1;
}
