/* SPDX-License-Identifier: MIT */
/* What stands wrong, and when it is told. */
#include "daemon/troubles_parts.h"

#include <string.h>

#include "base/text.h"

#define MINUTE_MS  INT64_C(60000)
#define FRAMED_MAX 50 /* troubles whose frames are kept until they are told: a message shows no more */

const char *const trouble_kinds[TROUBLE_KINDS] = {
    [TROUBLE_RUN] = "run",
    [TROUBLE_SLOT] = "slot",
    [TROUBLE_SCHEDULE] = "schedule",
    [TROUBLE_MESSAGE] = "message",
    [TROUBLE_CHANNEL] = "channel",
};

struct troubles *troubles_create(trouble_asker *ask, void *arg)
{
	struct troubles *troubles = mem_alloc(sizeof(*troubles));

	troubles->ask = ask;
	troubles->arg = arg;
	return troubles;
}

void trouble_drop_frames(struct troubles *troubles, struct trouble *trouble)
{
	troubles->framed -= trouble->frames != NULL;
	json_destroy(trouble->frames);
	trouble->frames = NULL;
}

void trouble_forget(struct troubles *troubles, struct trouble *trouble)
{
	HASH_DEL(troubles->all, trouble);
	trouble_drop_frames(troubles, trouble);
	free(trouble->key);
	free(trouble->job);
	free(trouble->channel);
	free(trouble->state);
	free(trouble->text);
	free(trouble->message);
	free(trouble);
}

void troubles_destroy(struct troubles *troubles)
{
	struct trouble *trouble, *next;

	if (!troubles)
		return;
	HASH_ITER(hh, troubles->all, trouble, next)
		trouble_forget(troubles, trouble);
	free(troubles);
}

size_t troubles_count(const struct troubles *troubles)
{
	return HASH_COUNT(troubles->all);
}

/* -- finding --------------------------------------------------------------------------------------- */

static char *key_of(enum trouble_kind kind, const char *job, const char *channel)
{
	return mem_format("%s|%s|%s", trouble_kinds[kind], job ? job : "", channel ? channel : "");
}

struct trouble *trouble_find(
    const struct troubles *troubles, enum trouble_kind kind, const char *job, const char *channel)
{
	cleanup(free_text) char *key = key_of(kind, job, channel);
	struct trouble *found;

	HASH_FIND_STR(troubles->all, key, found);
	return found;
}

struct trouble *trouble_add(
    struct troubles *troubles, enum trouble_kind kind, const char *job, const char *channel, int64_t begun_ms)
{
	struct trouble *trouble = mem_alloc(sizeof(*trouble));

	trouble->key = key_of(kind, job, channel);
	trouble->kind = kind;
	trouble->job = mem_copy(job);
	trouble->channel = mem_copy(channel);
	trouble->begun_ms = begun_ms;
	HASH_ADD_KEYPTR(hh, troubles->all, trouble->key, strlen(trouble->key), trouble);
	return trouble;
}

struct trouble_policy trouble_policy_of(const struct troubles *troubles, const struct trouble *trouble)
{
	struct trouble_policy policy = {0};

	troubles->ask(
	    troubles->arg, &(struct trouble_subject){trouble->kind, trouble->job, trouble->channel}, &policy);
	return policy;
}

/* -- when ------------------------------------------------------------------------------------------ */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t end_of_minute(int64_t at_ms)
{
	return (at_ms / MINUTE_MS + 1) * MINUTE_MS;
}

/*
 * When there is something to say of it. A lost message does not last as other troubles do: it is spoken of
 * again only when more were lost. After the clock was set back, what was told in the future was told now.
 */
int64_t trouble_due(const struct trouble *trouble, int64_t repeat_ms, int64_t now_ms)
{
	int64_t told_ms = trouble->told_ms < now_ms ? trouble->told_ms : now_ms;

	if (trouble->saying)
		return INT64_MAX;
	if (!trouble->told_ms)
		return end_of_minute(later(trouble->begun_ms, trouble->hold_until_ms));
	if (trouble->over_ms)
		return end_of_minute(trouble->over_ms);
	if (trouble->kind == TROUBLE_MESSAGE && trouble->count == trouble->told_count)
		return INT64_MAX;
	return told_ms + repeat_ms;
}

/* A repeat that would come soon after this message goes with it. */
int64_t trouble_slack(const struct trouble *trouble, int64_t repeat_ms)
{
	if (!trouble->told_ms || trouble->over_ms)
		return 0;
	return repeat_ms / 10 < MINUTE_MS ? repeat_ms / 10 : MINUTE_MS;
}

/* TROUBLE has changed: nothing else can have become due earlier. */
static void reconsider(struct troubles *troubles, const struct trouble *trouble, int64_t now_ms)
{
	int64_t due_ms = trouble_due(trouble, trouble_policy_of(troubles, trouble).repeat_ms, now_ms);

	if (troubles->due_ms && due_ms < troubles->due_ms)
		troubles->due_ms = due_ms;
}

int64_t troubles_due(struct troubles *troubles, int64_t now_ms)
{
	struct trouble *trouble, *next;

	if (!troubles->loaded || troubles->telling)
		return INT64_MAX;
	if (!troubles->due_ms) {
		troubles->due_ms = INT64_MAX;
		HASH_ITER(hh, troubles->all, trouble, next)
			reconsider(troubles, trouble, now_ms);
	}
	return troubles->due_ms == INT64_MAX ? INT64_MAX : later(troubles->due_ms, troubles->retry_ms);
}

/* -- beginning and end ----------------------------------------------------------------------------- */

void trouble_set_text(char **field, const char *text, size_t most)
{
	size_t length = text ? strlen(text) : 0;

	free(*field);
	*field = !text           ? NULL
	         : length > most ? mem_format("%.*s...", (int)utf8_cut(text, length, most - 3), text)
	                         : mem_copy(text);
}

static void describe(struct troubles *troubles, struct trouble *trouble, const struct trouble_report *report)
{
	trouble_set_text(&trouble->state, report->state, TROUBLE_TEXT_MAX);
	trouble_set_text(&trouble->text, report->text, TROUBLE_TEXT_MAX);
	trouble_set_text(&trouble->message, report->message, TROUBLE_TEXT_MAX);
	trouble->run = report->run;
	trouble->slot = report->slot;
	trouble_drop_frames(troubles, trouble);
	if (!report->frames || troubles->framed >= FRAMED_MAX)
		return;
	trouble->frames = json_copy(report->frames);
	troubles->framed++;
}

/* The store tells of it again after a restart, or a lane after one of the sender. */
static bool is_known(const struct trouble *trouble, const struct trouble_report *report)
{
	if (trouble->kind == TROUBLE_CHANNEL)
		return !trouble->over_ms && text_equal(trouble->state, report->state);
	if (trouble->kind == TROUBLE_MESSAGE)
		return text_equal(trouble->message, report->message);
	return trouble->run == report->run && trouble->slot == report->slot;
}

void troubles_begin(struct troubles *troubles, const struct trouble_report *report)
{
	struct trouble *trouble = trouble_find(troubles, report->kind, report->job, report->channel);

	if (!trouble)
		trouble = trouble_add(troubles, report->kind, report->job, report->channel, report->at_ms);
	else if (is_known(trouble, report))
		return;
	if (trouble->over_ms && trouble->saying == SAYS_OVER) { /* that is being said: this is another one */
		trouble->told_ms = 0;
		trouble->begun_ms = report->at_ms;
	}
	trouble->hold_until_ms = trouble->told_ms ? 0 : trouble->begun_ms + report->hold_ms;
	trouble->over_ms = 0;
	trouble->count++;
	describe(troubles, trouble, report);
	reconsider(troubles, trouble, report->at_ms);
}

static void end(struct troubles *troubles, struct trouble *trouble, int64_t now_ms)
{
	if (trouble->over_ms)
		return;
	trouble->over_ms = now_ms;
	if (!trouble->told_ms && !trouble->saying && now_ms < trouble->hold_until_ms)
		trouble_forget(troubles, trouble);
	else
		reconsider(troubles, trouble, now_ms);
}

void troubles_over(
    struct troubles *troubles, const struct trouble_subject *subject, int64_t run, int64_t now_ms)
{
	struct trouble *trouble = trouble_find(troubles, subject->kind, subject->job, subject->channel);

	if (trouble && (!run || run > trouble->run))
		end(troubles, trouble, now_ms);
	else if (!trouble && !troubles->loaded) /* an earlier life may have told of it */
		trouble_add(troubles, subject->kind, subject->job, subject->channel, now_ms)->over_ms =
		    now_ms;
}

void troubles_channel_over(struct troubles *troubles, const char *channel, int64_t now_ms)
{
	struct trouble *trouble, *next;

	HASH_ITER(hh, troubles->all, trouble, next)
		if (text_equal(trouble->channel, channel))
			end(troubles, trouble, now_ms);
}
