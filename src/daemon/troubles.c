/* SPDX-License-Identifier: MIT */
/* What stands wrong, and when it is told. */
#include "daemon/troubles.h"

#include <string.h>
#include <uthash.h>

#include "base/text.h"

#define MINUTE_MS  INT64_C(60000)
#define TEXT_MAX   400
#define FRAMED_MAX 50 /* troubles whose frames are kept until they are told: a message shows no more */

/* What a telling on its way says of a trouble. */
enum saying { SAYS_NOTHING, SAYS_BEGUN, SAYS_LASTING, SAYS_OVER };

static const char *const kind_names[TROUBLE_KINDS] = {
    [TROUBLE_RUN] = "run",
    [TROUBLE_SLOT] = "slot",
    [TROUBLE_SCHEDULE] = "schedule",
    [TROUBLE_MESSAGE] = "message",
    [TROUBLE_CHANNEL] = "channel",
};

struct trouble {
	UT_hash_handle hh;
	char *key; /* "run|JOB|CHANNEL" */
	enum trouble_kind kind;
	char *job, *channel;
	char *state, *text, *message;
	int64_t run;
	utc_t slot;
	int64_t begun_ms;
	int64_t over_ms; /* 0: it lasts */
	int64_t told_ms; /* 0: not yet */
	int64_t hold_until_ms;
	int64_t count, told_count; /* how often it was reported */
	struct json *frames;
	enum saying saying;
};

struct troubles {
	struct trouble *all;
	trouble_asker *ask;
	void *arg;
	size_t framed;
	bool loaded;        /* what an earlier life left is known */
	bool telling;       /* something was taken and is not told yet */
	int64_t telling_ms; /* when it was taken */
	int64_t retry_ms;   /* not before */
	int64_t due_ms;     /* the earliest, or 0: to be worked out */
};

struct troubles *troubles_create(trouble_asker *ask, void *arg)
{
	struct troubles *troubles = mem_alloc(sizeof(*troubles));

	troubles->ask = ask;
	troubles->arg = arg;
	return troubles;
}

static void drop_frames(struct troubles *troubles, struct trouble *trouble)
{
	troubles->framed -= trouble->frames != NULL;
	json_destroy(trouble->frames);
	trouble->frames = NULL;
}

static void forget(struct troubles *troubles, struct trouble *trouble)
{
	HASH_DEL(troubles->all, trouble);
	drop_frames(troubles, trouble);
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
		forget(troubles, trouble);
	free(troubles);
}

size_t troubles_count(const struct troubles *troubles)
{
	return HASH_COUNT(troubles->all);
}

/* -- finding ----------------------------------------------------------------------------------------------
 */

static char *key_of(enum trouble_kind kind, const char *job, const char *channel)
{
	return mem_format("%s|%s|%s", kind_names[kind], job ? job : "", channel ? channel : "");
}

static struct trouble *find(
    const struct troubles *troubles, enum trouble_kind kind, const char *job, const char *channel)
{
	cleanup(free_text) char *key = key_of(kind, job, channel);
	struct trouble *found;

	HASH_FIND_STR(troubles->all, key, found);
	return found;
}

static struct trouble *add(
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

static struct trouble_policy policy_of(const struct troubles *troubles, const struct trouble *trouble)
{
	struct trouble_policy policy = {0};

	troubles->ask(
	    troubles->arg, &(struct trouble_subject){trouble->kind, trouble->job, trouble->channel}, &policy);
	return policy;
}

/* -- when -------------------------------------------------------------------------------------------------
 */

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
static int64_t due_of(const struct trouble *trouble, int64_t repeat_ms, int64_t now_ms)
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
static int64_t slack_of(const struct trouble *trouble, int64_t repeat_ms)
{
	if (!trouble->told_ms || trouble->over_ms)
		return 0;
	return repeat_ms / 10 < MINUTE_MS ? repeat_ms / 10 : MINUTE_MS;
}

/* TROUBLE has changed: nothing else can have become due earlier. */
static void reconsider(struct troubles *troubles, const struct trouble *trouble, int64_t now_ms)
{
	int64_t due_ms = due_of(trouble, policy_of(troubles, trouble).repeat_ms, now_ms);

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

/* -- beginning and end --------------------------------------------------------------------------------------
 */

static void set_text(char **field, const char *text, size_t most)
{
	size_t length = text ? strlen(text) : 0;

	free(*field);
	*field = !text           ? NULL
	         : length > most ? mem_format("%.*s...", (int)utf8_cut(text, length, most - 3), text)
	                         : mem_copy(text);
}

static void describe(struct troubles *troubles, struct trouble *trouble, const struct trouble_report *report)
{
	set_text(&trouble->state, report->state, TEXT_MAX);
	set_text(&trouble->text, report->text, TEXT_MAX);
	set_text(&trouble->message, report->message, TEXT_MAX);
	trouble->run = report->run;
	trouble->slot = report->slot;
	drop_frames(troubles, trouble);
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
	struct trouble *trouble = find(troubles, report->kind, report->job, report->channel);

	if (!trouble)
		trouble = add(troubles, report->kind, report->job, report->channel, report->at_ms);
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
		forget(troubles, trouble);
	else
		reconsider(troubles, trouble, now_ms);
}

void troubles_over(
    struct troubles *troubles, const struct trouble_subject *subject, int64_t run, int64_t now_ms)
{
	struct trouble *trouble = find(troubles, subject->kind, subject->job, subject->channel);

	if (trouble && (!run || run > trouble->run))
		end(troubles, trouble, now_ms);
	else if (!trouble && !troubles->loaded) /* an earlier life may have told of it */
		add(troubles, subject->kind, subject->job, subject->channel, now_ms)->over_ms = now_ms;
}

void troubles_channel_over(struct troubles *troubles, const char *channel, int64_t now_ms)
{
	struct trouble *trouble, *next;

	HASH_ITER(hh, troubles->all, trouble, next)
		if (text_equal(trouble->channel, channel))
			end(troubles, trouble, now_ms);
}

/* -- telling ------------------------------------------------------------------------------------------------
 */

static enum saying say(const struct trouble *trouble)
{
	if (trouble->over_ms)
		return SAYS_OVER;
	return trouble->told_ms ? SAYS_LASTING : SAYS_BEGUN;
}

static void set_number(struct json *object, const char *key, int64_t number)
{
	if (number)
		json_set_int(object, key, number);
}

static void set_word(struct json *object, const char *key, const char *text)
{
	if (text)
		json_set_string(object, key, text);
}

/* What the next life must know, and most of what a message says. */
static struct json *trouble_json(const struct trouble *trouble)
{
	struct json *item = json_object();

	json_set_string(item, "kind", kind_names[trouble->kind]);
	set_word(item, "job", trouble->job);
	set_word(item, "channel", trouble->channel);
	set_word(item, "state", trouble->state);
	set_word(item, "text", trouble->text);
	set_word(item, "message", trouble->message);
	set_number(item, "run", trouble->run);
	set_number(item, "slot", trouble->slot);
	json_set_int(item, "begun_ms", trouble->begun_ms);
	set_number(item, "over_ms", trouble->over_ms);
	set_number(item, "told_ms", trouble->told_ms);
	set_number(item, "count", trouble->count);
	return item;
}

static struct json *told_json(const struct trouble *trouble, const char *about)
{
	struct json *item = trouble_json(trouble);

	set_word(item, "about", about);
	if (trouble->frames)
		json_set(item, "frames", json_copy(trouble->frames));
	return item;
}

/* One channel's part of what is told. */
struct part {
	const char *channel;
	struct json *shown;
	int64_t more;
};

struct parts {
	struct part *items;
	size_t count, capacity;
};

static struct part *part_for(struct parts *parts, struct arena *arena, const char *channel)
{
	for (size_t i = 0; i < parts->count; i++)
		if (!strcmp(parts->items[i].channel, channel))
			return &parts->items[i];
	mem_grow(parts->items, parts->count, parts->capacity);
	parts->items[parts->count] =
	    (struct part){.channel = arena_copy(arena, channel), .shown = json_array()};
	return &parts->items[parts->count++];
}

/* Never through the channel that is the trouble. */
static size_t add_to_parts(struct parts *parts, struct arena *arena, const struct trouble *trouble,
    const struct trouble_policy *policy)
{
	size_t told = 0;

	for (size_t i = 0; i < policy->count; i++) {
		if (text_equal(policy->channels[i], trouble->channel))
			continue;
		struct part *part = part_for(parts, arena, policy->channels[i]);
		if (json_length(part->shown) < TROUBLES_SHOWN)
			json_add(part->shown, told_json(trouble, policy->about));
		else
			part->more++;
		told++;
	}
	return told;
}

static struct json *parts_json(struct parts *parts)
{
	struct json *messages = json_array();

	for (size_t i = 0; i < parts->count; i++) {
		struct json *message = json_add_object(messages);

		json_set_string(message, "channel", parts->items[i].channel);
		json_set(message, "troubles", parts->items[i].shown);
		json_set_int(message, "more", parts->items[i].more);
	}
	free(parts->items);
	return messages;
}

static void take(struct trouble *trouble, const struct trouble_policy *policy, struct parts *parts,
    struct telling *telling)
{
	size_t *const counters[] = {
	    [SAYS_BEGUN] = &telling->begun, [SAYS_LASTING] = &telling->lasting, [SAYS_OVER] = &telling->over};
	const char *name = trouble->job ? trouble->job : trouble->channel;

	trouble->saying = say(trouble);
	++*counters[trouble->saying];
	if (!telling->first)
		telling->first =
		    arena_format(&telling->arena, "%s %s", name, trouble->state ? trouble->state : "");
	if (!add_to_parts(parts, &telling->arena, trouble, policy) && !telling->unheard++)
		telling->first_unheard = arena_copy(&telling->arena, trouble->key);
}

/* As it will stand when this is told. */
static struct json *state_json(const struct troubles *troubles, int64_t now_ms)
{
	struct json *state = json_object(), *list;
	struct trouble *trouble, *next;

	json_set_int(state, "since_ms", now_ms);
	list = json_set_array(state, "troubles");
	HASH_ITER(hh, troubles->all, trouble, next) {
		if (trouble->saying == SAYS_OVER)
			continue;
		struct json *item = trouble_json(trouble);
		if (trouble->saying)
			json_set_int(item, "told_ms", now_ms);
		json_add(list, item);
	}
	return state;
}

static void take_due(struct troubles *troubles, int64_t now_ms, struct parts *parts, struct telling *telling)
{
	struct trouble *trouble, *next;

	HASH_ITER(hh, troubles->all, trouble, next) {
		struct trouble_policy policy = policy_of(troubles, trouble);

		if (policy.silent)
			forget(troubles, trouble);
		else if (due_of(trouble, policy.repeat_ms, now_ms) <=
		         now_ms + slack_of(trouble, policy.repeat_ms))
			take(trouble, &policy, parts, telling);
	}
}

bool troubles_tell(struct troubles *troubles, int64_t now_ms, struct telling *out_telling)
{
	if (troubles_due(troubles, now_ms) > now_ms)
		return false;
	struct parts parts = {0};
	*out_telling = (struct telling){.order = json_object()};
	take_due(troubles, now_ms, &parts, out_telling);
	json_set(out_telling->order, "messages", parts_json(&parts));
	troubles->due_ms = 0;
	if (!out_telling->begun && !out_telling->lasting && !out_telling->over) {
		telling_done(out_telling);
		return false;
	}
	json_set(out_telling->order, "state", state_json(troubles, now_ms));
	troubles->telling = true;
	troubles->telling_ms = now_ms;
	return true;
}

void telling_done(struct telling *telling)
{
	json_destroy(telling->order);
	arena_done(&telling->arena);
	*telling = (struct telling){0};
}

static void settle(struct troubles *troubles, struct trouble *trouble)
{
	bool said_over = trouble->saying == SAYS_OVER;

	trouble->saying = SAYS_NOTHING;
	if (said_over && trouble->over_ms) {
		forget(troubles, trouble);
		return;
	}
	if (said_over) /* it began anew meanwhile */
		return;
	trouble->told_ms = troubles->telling_ms;
	trouble->told_count = trouble->count;
	drop_frames(troubles, trouble);
}

void troubles_told(struct troubles *troubles)
{
	struct trouble *trouble, *next;

	HASH_ITER(hh, troubles->all, trouble, next)
		if (trouble->saying)
			settle(troubles, trouble);
	troubles->telling = false;
	troubles->due_ms = troubles->retry_ms = 0;
}

void troubles_untold(struct troubles *troubles, int64_t now_ms)
{
	struct trouble *trouble, *next;

	HASH_ITER(hh, troubles->all, trouble, next)
		trouble->saying = SAYS_NOTHING;
	troubles->telling = false;
	troubles->due_ms = 0;
	troubles->retry_ms = now_ms + MINUTE_MS;
}

/* -- the next life
 * -------------------------------------------------------------------------------------------- */

static int64_t number_of(const struct json *object, const char *key)
{
	int64_t number = 0;

	return json_int64(json_get(object, key), &number) ? number : 0;
}

static bool kind_of(const struct json *item, enum trouble_kind *out_kind)
{
	for (int kind = 0; kind < TROUBLE_KINDS; kind++)
		if (text_equal(json_text(json_get(item, "kind")), kind_names[kind])) {
			*out_kind = (enum trouble_kind)kind;
			return true;
		}
	return false;
}

/* What was reported in this life already stays, but what was told is told. */
static void load_one(struct troubles *troubles, const struct json *item)
{
	const char *job = json_text(json_get(item, "job")), *channel = json_text(json_get(item, "channel"));
	int64_t begun_ms = number_of(item, "begun_ms");
	enum trouble_kind kind;

	if (!kind_of(item, &kind))
		return; /* of a later version */
	struct trouble *trouble = find(troubles, kind, job, channel);
	if (!trouble)
		trouble = add(troubles, kind, job, channel, begun_ms);
	if (!trouble->count && !trouble->over_ms)
		trouble->over_ms = number_of(item, "over_ms");
	if (!trouble->count) {
		set_text(&trouble->state, json_text(json_get(item, "state")), TEXT_MAX);
		set_text(&trouble->text, json_text(json_get(item, "text")), TEXT_MAX);
		set_text(&trouble->message, json_text(json_get(item, "message")), TEXT_MAX);
		trouble->run = number_of(item, "run");
		trouble->slot = number_of(item, "slot");
	}
	trouble->begun_ms = begun_ms;
	trouble->told_ms = number_of(item, "told_ms");
	trouble->count += number_of(item, "count");
	trouble->told_count = trouble->told_ms ? number_of(item, "count") : 0;
}

void troubles_load(
    struct troubles *troubles, const struct json *state, int64_t otherwise_ms, int64_t *out_since_ms)
{
	struct trouble *trouble, *next;

	json_each(item, json_get(state, "troubles"))
		load_one(troubles, item);
	HASH_ITER(hh, troubles->all, trouble, next)
		if (!trouble->count) /* an end of what never began */
			forget(troubles, trouble);
	*out_since_ms = state ? number_of(state, "since_ms") : otherwise_ms;
	troubles->loaded = true;
	troubles->due_ms = 0;
}
