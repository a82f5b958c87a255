/* SPDX-License-Identifier: MIT */
/* Notices, mentions and what is always there, by channel type. */
#include "render/dress.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "render/gsm.h"

/* How a provider writes that somebody is addressed. */
typedef void write_mention(struct buf *out, const char *id);

char *dress_notice(const char *meant_for)
{
	return meant_for ? mem_format("[redirected: meant for channel %s]", meant_for) : NULL;
}

static char *mentions(const struct dress *dress, write_mention *write)
{
	struct buf out = {0};

	for (size_t i = 0; i < dress->mention.count; i++) {
		buf_add_text(&out, out.length ? " " : "");
		write(&out, dress->mention.items[i]);
	}
	return out.length ? buf_detach(&out) : NULL;
}

/* Notice and mentions as lines before what stands at KEY. */
static void put_before(struct json *root, const char *key, const struct dress *dress, write_mention *write)
{
	cleanup(free_text) char *told = dress_notice(dress->meant_for), *called = mentions(dress, write);
	const char *text = json_text(json_get(root, key));
	bool more = !text_is_empty(text);

	if (!told && !called)
		return;
	cleanup(free_text) char *longer =
	    mem_format("%s%s%s%s%s", told ? told : "", told && (called || more) ? "\n" : "",
	        called ? called : "", called && more ? "\n" : "", more ? text : "");
	json_set_string(root, key, longer);
}

static void set_default(struct json *object, const char *key, const char *value)
{
	if (!json_get(object, key))
		json_set_string(object, key, value);
}

/* -- teams ---------------------------------------------------------------------------------------------- */

static struct json *text_block(const char *text)
{
	struct json *block = json_object();

	json_set_string(block, "type", "TextBlock");
	json_set_string(block, "text", text);
	json_set_string(block, "weight", "Bolder");
	json_set_bool(block, "wrap", true);
	return block;
}

static void write_at(struct buf *out, const char *id)
{
	buf_format(out, "<at>%s</at>", id);
}

/* Teams shows a name where the text and an entity agree. */
static void add_entities(struct json *card, const struct texts *mention)
{
	struct json *teams = json_is(json_get(card, "msteams"), JSON_OBJECT)
	                         ? json_own(card, json_get(card, "msteams"))
	                         : json_set_object(card, "msteams");
	struct json *entities = json_is(json_get(teams, "entities"), JSON_ARRAY)
	                            ? json_own(card, json_get(teams, "entities"))
	                            : json_set_array(teams, "entities");

	for (size_t i = 0; i < mention->count; i++) {
		cleanup(free_text) char *text = mem_format("<at>%s</at>", mention->items[i]);
		struct json *entity = json_add_object(entities);

		json_set_string(entity, "type", "mention");
		json_set_string(entity, "text", text);
		struct json *mentioned = json_set_object(entity, "mentioned");
		json_set_string(mentioned, "id", mention->items[i]);
		json_set_string(mentioned, "name", mention->items[i]);
	}
}

static void dress_teams(struct json *root, const struct dress *dress)
{
	cleanup(free_text) char *told = dress_notice(dress->meant_for), *called = mentions(dress, write_at);
	const struct json *attached = json_get(json_first(json_get(root, "attachments")), "content");
	struct json *card = json_own(root, attached ? attached : root);
	const struct json *body = json_get(card, "body");

	if (!json_is(body, JSON_ARRAY)) {
		if (told)
			json_set_string(root, "redirected_from", dress->meant_for);
		return;
	}
	if (called) {
		json_add_first(json_own(root, body), text_block(called));
		add_entities(card, &dress->mention);
	}
	if (told)
		json_add_first(json_own(root, body), text_block(told));
}

/* -- slack ---------------------------------------------------------------------------------------------- */

static void write_slack(struct buf *out, const char *id)
{
	static const char *const everybody[] = {"here", "channel", "everyone"};
	bool all = false;

	for (size_t i = 0; i < ARRAY_SIZE(everybody); i++)
		all = all || !strcmp(id, everybody[i]);
	buf_format(out, all ? "<!%s>" : *id == 'S' ? "<!subteam^%s>" : "<@%s>", id);
}

static void add_section(struct json *blocks, const char *text)
{
	struct json *block = json_object();

	json_set_string(block, "type", "section");
	struct json *object = json_set_object(block, "text");
	json_set_string(object, "type", "mrkdwn");
	json_set_string(object, "text", text);
	json_add_first(blocks, block);
}

/* Beside blocks the text is what notifications show: calls and notices must be in both. */
static void dress_slack(struct json *root, const struct dress *dress)
{
	cleanup(free_text) char *told = dress_notice(dress->meant_for),
	                        *called = mentions(dress, write_slack);
	const struct json *blocks = json_get(root, "blocks");

	if (json_is(blocks, JSON_ARRAY)) {
		const struct json *heading = json_get(json_get(json_first(blocks), "text"), "text");

		set_default(root, "text",
		    json_text(heading) ? json_text(heading) : json_text(json_get(dress->bmad, "job")));
		if (called)
			add_section(json_own(root, blocks), called);
		if (told)
			add_section(json_own(root, blocks), told);
	}
	put_before(root, "text", dress, write_slack);
	if (!json_get(root, "unfurl_links"))
		json_set_bool(root, "unfurl_links", false);
	if (!json_get(root, "unfurl_media"))
		json_set_bool(root, "unfurl_media", false);
}

/* -- discord -------------------------------------------------------------------------------------------- */

static bool is_everybody(const char *id)
{
	return !strcmp(id, "here") || !strcmp(id, "everyone");
}

static void write_discord(struct buf *out, const char *id)
{
	buf_format(out, is_everybody(id) ? "@%s" : "<@%s>", id); /* a role's id begins with & */
}

/* Nobody is called but whom the channel names: not by data, nor by a template that forgot to say so. */
static void dress_discord(struct json *root, const struct dress *dress)
{
	struct json *allowed = json_object(), *parse = json_set_array(allowed, "parse"), *users = NULL,
	            *roles = NULL;

	const char *content;

	put_before(root, "content", dress, write_discord);
	content = json_text(json_get(root, "content"));
	if (!json_length(json_get(root, "embeds")) && (!content || !content[strspn(content, " \t\r\n")]))
		json_set_string(root, "content", "-"); /* a message of nothing is refused */
	for (size_t i = 0; i < dress->mention.count; i++) {
		const char *id = dress->mention.items[i];

		if (is_everybody(id) && !json_length(parse))
			json_add_string(parse, "everyone");
		else if (*id == '&')
			json_add_string(roles = roles ? roles : json_set_array(allowed, "roles"), id + 1);
		else if (!is_everybody(id))
			json_add_string(users = users ? users : json_set_array(allowed, "users"), id);
	}
	if (dress->mention.count || !json_get(root, "allowed_mentions"))
		json_set(root, "allowed_mentions", allowed);
	else
		json_destroy(allowed);
}

/* -- mattermost ----------------------------------------------------------------------------------------- */

static void write_name(struct buf *out, const char *id)
{
	buf_format(out, "@%s", *id == '@' ? id + 1 : id);
}

static void dress_mattermost(struct json *root, const struct dress *dress)
{
	const char *text;

	put_before(root, "text", dress, write_name);
	text = json_text(json_get(root, "text"));
	if (!json_length(json_get(root, "attachments")) && (!text || !text[strspn(text, " \t\r\n")]))
		json_set_string(root, "text", "-");
	json_each(attachment, json_get(root, "attachments")) {
		const char *title = json_text(json_get(attachment, "title"));

		if (json_is(attachment, JSON_OBJECT))
			set_default(json_own(root, attachment), "fallback",
			    title ? title : json_text(json_get(dress->bmad, "job")));
	}
}

/* -- pagerduty ------------------------------------------------------------------------------------------ */

#define DEDUP_KEY_MAX 255

/* Two long keys that begin alike must not become one. */
static void set_dedup_key(struct json *event, const char *key)
{
	if (strlen(key) <= DEDUP_KEY_MAX) {
		json_set_string(event, "dedup_key", key);
		return;
	}
	cleanup(free_text) char *shorter =
	    mem_format("%.*s-%016llx", (int)utf8_cut(key, strlen(key), DEDUP_KEY_MAX - 17), key,
	        (unsigned long long)fnv1a(FNV_START, key, strlen(key)));
	json_set_string(event, "dedup_key", shorter);
}

/* It takes four severities only. */
static const char *severity_of(const struct json *bmad)
{
	static const char *const taken[] = {"info", "warning", "error", "critical"};
	const char *severity = json_text(json_get(bmad, "severity"));

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (text_equal(severity, taken[i]))
			return taken[i];
	return "info";
}

static const char *text_of(const struct json *object, const char *key, const char *otherwise)
{
	const char *text = json_text(json_get(object, key));

	return text_is_empty(text) ? otherwise : text;
}

static void dress_payload(struct json *payload, const struct dress *dress)
{
	cleanup(free_text) char *told = dress_notice(dress->meant_for);
	const char *summary = text_of(payload, "summary", text_of(dress->bmad, "job", "bmad"));
	cleanup(free_text) char *whole = told ? mem_format("%s %s", told, summary) : mem_copy(summary);

	json_set_string(payload, "summary", whole);
	set_default(payload, "source", text_of(dress->bmad, "node", "bmad"));
	set_default(payload, "severity", severity_of(dress->bmad));
}

static void dress_pagerduty(struct json *root, const struct dress *dress)
{
	const char *key = text_of(root, "dedup_key", text_of(dress->bmad, "alert", NULL));
	bool clear = json_true(json_get(dress->bmad, "clear"));

	set_default(root, "event_action", clear ? "resolve" : "trigger");
	if (key)
		set_dedup_key(root, key);
	if (!json_is(json_get(root, "payload"), JSON_OBJECT))
		json_set_object(root, "payload");
	dress_payload(json_own(root, json_get(root, "payload")), dress);
	set_default(root, "client", "bmad");
}

/* -- the table ------------------------------------------------------------------------------------------ */

static const struct {
	const char *type;
	void (*dress)(struct json *root, const struct dress *dress);
} dresses[] = {
    {"teams", dress_teams},
    {"slack", dress_slack},
    {"discord", dress_discord},
    {"mattermost", dress_mattermost},
    {"pagerduty", dress_pagerduty},
};

/* For machines: an object gets a key, anything else is put into one. */
static struct json *mark_key(struct json *root, const struct dress *dress)
{
	struct json *marked = root;

	if (!dress->meant_for)
		return root;
	if (!json_is(root, JSON_OBJECT)) {
		marked = json_object();
		json_set(marked, "payload", root);
	}
	json_set_string(marked, "redirected_from", dress->meant_for);
	return marked;
}

struct json *dress_json(struct json *root, const struct dress *dress)
{
	for (size_t i = 0; json_is(root, JSON_OBJECT) && i < ARRAY_SIZE(dresses); i++)
		if (!strcmp(dresses[i].type, dress->type)) {
			dresses[i].dress(root, dress);
			return root;
		}
	return mark_key(root, dress);
}

char *dress_text(const char *text, const struct dress *dress)
{
	cleanup(free_text) char *told = dress_notice(dress->meant_for);
	cleanup(free_text) char *whole = mem_format("%s%s%s", told ? told : "", told ? "\n" : "", text);
	struct buf plain = {0};

	if (strcmp(dress->type, "sms") != 0)
		return mem_copy(whole);
	gsm_add_plain(&plain, whole, strlen(whole));
	return plain.length ? buf_detach(&plain) : mem_copy("");
}
