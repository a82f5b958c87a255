/* SPDX-License-Identifier: MIT */
/* The mark of redirected messages, put in by the form of the payload: templates need not know of it. */
#include "worker/redirect.h"

#include <string.h>

#include <bmad/json.h>

#include "base/mem.h"

static struct json *mark_block(const char *mark)
{
	struct json *block = json_object();

	json_set_string(block, "type", "TextBlock");
	json_set_string(block, "text", mark);
	json_set_string(block, "weight", "Bolder");
	json_set_bool(block, "wrap", true);
	return block;
}

/* The root with MARK before the blocks of its first card; NULL if there is no card. */
static struct json *mark_card(const struct json *root, const char *mark)
{
	const struct json *attachment = json_first(json_get(root, "attachments"));
	const struct json *card = json_get(attachment, "content"), *body = json_get(card, "body");

	if (!json_is(body, JSON_ARRAY))
		return NULL;
	struct json *blocks = json_array();
	json_add(blocks, mark_block(mark));
	json_each(block, body)
		json_add(blocks, json_copy(block));

	struct json *marked = json_copy(root);
	struct json *marked_card = json_copy(card), *marked_attachment = json_copy(attachment);
	json_set(marked_card, "body", blocks);
	json_set(marked_attachment, "content", marked_card);
	struct json *attachments = json_set_array(marked, "attachments");
	json_add(attachments, marked_attachment);
	json_each(other, json_get(root, "attachments"))
		if (other != attachment)
			json_add(attachments, json_copy(other));
	return marked;
}

/* Chats that show one text. */
static struct json *mark_text(const struct json *root, const char *mark)
{
	const char *text = json_text(json_get(root, "text"));

	if (!text)
		return NULL;
	cleanup(free_text) char *longer = mem_format("%s\n%s", mark, text);
	struct json *marked = json_copy(root);
	json_set_string(marked, "text", longer);
	return marked;
}

static const struct {
	const char *type;
	struct json *(*mark)(const struct json *root, const char *mark);
} marks[] = {
    {"teams", mark_card},
    {"slack", mark_text},
    {"mattermost", mark_text},
};

/* For machines: an object gets a key, anything else is put into one. */
static struct json *mark_key(const struct json *root, const char *meant_for)
{
	struct json *marked = json_is(root, JSON_OBJECT) ? json_copy(root) : json_object();

	if (!json_is(root, JSON_OBJECT))
		json_set(marked, "payload", json_copy(root));
	json_set_string(marked, "redirected_from", meant_for);
	return marked;
}

static struct json *mark_json(
    const char *type, const struct json *root, const char *mark, const char *meant_for)
{
	struct json *marked = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (!strcmp(type, marks[i].type))
			marked = marks[i].mark(root, mark);
	return marked ? marked : mark_key(root, meant_for);
}

char *redirect_mark(const char *type, const char *content_type, const char *payload, const char *meant_for)
{
	cleanup(free_text) char *mark = mem_format("[redirected: meant for channel %s]", meant_for);
	struct json *root = NULL;

	if (strncmp(content_type, "application/json", strlen("application/json")) != 0)
		return mem_format("%s\n%s", mark, payload);
	struct err *e = json_parse(payload, strlen(payload), &root);
	if (e) { /* rendered payloads were parsed before; should one be wrong, it is shown as it is */
		err_destroy(e);
		return mem_copy(payload);
	}
	struct json *marked = mark_json(type, root, mark, meant_for);
	char *text = json_print(marked);
	json_destroy(marked);
	json_destroy(root);
	return text;
}
