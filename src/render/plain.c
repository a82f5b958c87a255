/* SPDX-License-Identifier: MIT */
/* The plain frames: a text as each channel type takes one. */
#include "render/plain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/escape.h"

#define NBSP "\xC2\xA0"

/* -- text that a frame can show ----------------------------------------------------------------------- */

static struct json *escaped(escape_function *escape, const char *text)
{
	struct buf out = {0};

	escape(&out, text, strlen(text));
	struct json *string = json_string_n(buf_text(&out), out.length);
	buf_done(&out);
	return string;
}

/* Markdown folds blanks, and aligned columns with them: all but the last of several become unbreakable. */
static void add_columns(struct buf *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool several = i + 1 < length && text[i + 1] == ' ';

		if (text[i] == ' ' && (several || i == 0))
			buf_add_text(out, NBSP);
		else
			buf_add_char(out, text[i]);
	}
}

/* -- frames ------------------------------------------------------------------------------------------- */

static void add_text_block(struct json *body, const char *line, size_t length)
{
	struct json *block = json_add_object(body);
	struct buf columns = {0};

	add_columns(&columns, line, length);
	json_set_string(block, "type", "TextBlock");
	json_set(block, "text", escaped(escape_card, length ? buf_text(&columns) : NBSP));
	json_set_bool(block, "wrap", true);
	json_set_string(block, "fontType", "Monospace");
	json_set_string(block, "spacing", "None");
	buf_done(&columns);
}

/* A line break within a TextBlock is a matter of the client; a block for each line is not. */
static void add_text_blocks(struct json *body, const char *text)
{
	do {
		size_t length = strcspn(text, "\n");

		add_text_block(body, text, length);
		text += length;
	} while (*text && *++text);
}

static struct json *teams_frame(const struct plain_message *message)
{
	struct json *root = json_object();

	json_set_string(root, "type", "message");
	struct json *attachment = json_add_object(json_set_array(root, "attachments"));
	json_set_string(attachment, "contentType", "application/vnd.microsoft.card.adaptive");
	json_set_null(attachment, "contentUrl");
	struct json *card = json_set_object(attachment, "content");
	json_set_string(card, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
	json_set_string(card, "type", "AdaptiveCard");
	json_set_string(card, "version", "1.4");
	json_set_string(json_set_object(card, "msteams"), "width", "Full");
	add_text_blocks(json_set_array(card, "body"), message->text);
	return root;
}

static struct json *slack_frame(const struct plain_message *message)
{
	struct json *root = json_object();

	json_set(root, "text", escaped(escape_slack, message->text));
	return root;
}

static struct json *mattermost_frame(const struct plain_message *message)
{
	struct json *root = json_object();

	json_set(root, "text", escaped(escape_chat, message->text));
	return root;
}

static struct json *discord_frame(const struct plain_message *message)
{
	struct json *root = json_object();

	json_set(root, "content", escaped(escape_chat, message->text));
	return root;
}

/* The first line stands for the whole; all of it is among the details. */
static struct json *pagerduty_frame(const struct plain_message *message)
{
	cleanup(free_text) char *summary = mem_copy_n(message->text, strcspn(message->text, "\n"));
	struct json *root = json_object();
	struct json *payload = json_set_object(root, "payload");

	json_set_string(payload, "summary", summary);
	if (message->text[strlen(summary)])
		json_set_string(json_set_object(payload, "custom_details"), "text", message->text);
	else if (message->data)
		json_set(payload, "custom_details", json_copy(message->data));
	return root;
}

static struct json *webhook_frame(const struct plain_message *message)
{
	static const char *const keys[] = {"job", "slot"};
	cleanup(free_text) char *type = mem_format("bmad.%s", message->kind);
	struct json *root = json_object();

	json_set(root, "id", json_copy(json_get(message->bmad, "id")));
	json_set_string(root, "type", type);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_set(root, keys[i], json_copy(json_get(message->bmad, keys[i])));
	json_set(root, "data", json_copy(message->data));
	if (message->text)
		json_set_string(root, "text", message->text);
	return root;
}

static const struct frame {
	const char *type;
	struct json *(*make)(const struct plain_message *message);
} frames[] = {
    {"teams", teams_frame},
    {"slack", slack_frame},
    {"discord", discord_frame},
    {"mattermost", mattermost_frame},
    {"pagerduty", pagerduty_frame},
    {"webhook", webhook_frame},
};

struct json *plain_body(const struct plain_message *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		if (!strcmp(frames[i].type, message->type))
			return frames[i].make(message);
	return NULL;
}
