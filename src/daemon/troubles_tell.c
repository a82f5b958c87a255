/* SPDX-License-Identifier: MIT */
/* What is told of troubles, to whom, what becomes of them then, and what the next life must know. */
#include "daemon/troubles_parts.h"

#include <string.h>

#include "base/text.h"

#define RETRY_MS INT64_C(60000)

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

	json_set_string(item, "kind", trouble_kinds[trouble->kind]);
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
		struct trouble_policy policy = trouble_policy_of(troubles, trouble);

		if (policy.silent)
			trouble_forget(troubles, trouble);
		else if (trouble_due(trouble, policy.repeat_ms, now_ms) <=
		         now_ms + trouble_slack(trouble, policy.repeat_ms))
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
		trouble_forget(troubles, trouble);
		return;
	}
	if (said_over) /* it began anew meanwhile */
		return;
	trouble->told_ms = troubles->telling_ms;
	trouble->told_count = trouble->count;
	trouble_drop_frames(troubles, trouble);
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
	troubles->retry_ms = now_ms + RETRY_MS;
}

/* -- the next life --------------------------------------------------------------------------------- */

static bool kind_of(const struct json *item, enum trouble_kind *out_kind)
{
	for (int kind = 0; kind < TROUBLE_KINDS; kind++)
		if (text_equal(json_text(json_get(item, "kind")), trouble_kinds[kind])) {
			*out_kind = (enum trouble_kind)kind;
			return true;
		}
	return false;
}

/* What was reported in this life already stays, but what was told is told. */
static void load_one(struct troubles *troubles, const struct json *item)
{
	const char *job = json_text(json_get(item, "job")), *channel = json_text(json_get(item, "channel"));
	int64_t begun_ms = json_get_int(item, "begun_ms");
	enum trouble_kind kind;

	if (!kind_of(item, &kind))
		return; /* of a later version */
	struct trouble *trouble = trouble_find(troubles, kind, job, channel);
	if (!trouble)
		trouble = trouble_add(troubles, kind, job, channel, begun_ms);
	if (!trouble->count && !trouble->over_ms)
		trouble->over_ms = json_get_int(item, "over_ms");
	if (!trouble->count) {
		trouble_set_text(&trouble->state, json_text(json_get(item, "state")), TROUBLE_TEXT_MAX);
		trouble_set_text(&trouble->text, json_text(json_get(item, "text")), TROUBLE_TEXT_MAX);
		trouble_set_text(&trouble->message, json_text(json_get(item, "message")), TROUBLE_TEXT_MAX);
		trouble->run = json_get_int(item, "run");
		trouble->slot = json_get_int(item, "slot");
	}
	trouble->begun_ms = begun_ms;
	trouble->told_ms = json_get_int(item, "told_ms");
	trouble->count += json_get_int(item, "count");
	trouble->told_count = trouble->told_ms ? json_get_int(item, "count") : 0;
}

void troubles_load(
    struct troubles *troubles, const struct json *state, int64_t otherwise_ms, int64_t *out_since_ms)
{
	struct trouble *trouble, *next;

	json_each(item, json_get(state, "troubles"))
		load_one(troubles, item);
	HASH_ITER(hh, troubles->all, trouble, next)
		if (!trouble->count) /* an end of what never began */
			trouble_forget(troubles, trouble);
	*out_since_ms = state ? json_get_int(state, "since_ms") : otherwise_ms;
	troubles->loaded = true;
	troubles->due_ms = 0;
}
