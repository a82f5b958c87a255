/* SPDX-License-Identifier: MIT */
/* The plain frames: a text as each channel type takes one, shortened to what it takes. */
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

/* -- cutting ------------------------------------------------------------------------------------------ */

/* True if the character at TEXT belongs to the one before it: accents, joiners, variants, skin tones. */
static bool continues(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if ((c[0] & 0xc0) == 0x80)
		return true;
	if (c[0] == 0xcc || (c[0] == 0xcd && c[1] < 0xb0))
		return true;
	return !strncmp(text, "\xE2\x80\x8D", 3) || !strncmp(text, "\xEF\xB8\x8F", 3) ||
	       (!strncmp(text, "\xF0\x9F\x8F", 3) && c[3] >= 0xbb);
}

/* The nearest place at or before AT where a reader sees whole characters on both sides. */
static size_t cut_before(const char *text, size_t at)
{
	while (at && (continues(text + at) || (at >= 3 && !strncmp(text + at - 3, "\xE2\x80\x8D", 3))))
		at--;
	while (at && (text[at - 1] == '\n' || text[at - 1] == ' '))
		at--;
	return at;
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
	json_set_array(json_set_object(root, "allowed_mentions"), "parse");
	return root;
}

#define SUMMARY_MAX 1024

/* The summary is one line. The key that names the destination is the sender's to add. */
static struct json *pagerduty_frame(const struct plain_message *message)
{
	size_t line = strcspn(message->text, "\n");
	cleanup(free_text) char *summary =
	    mem_copy_n(message->text, line > SUMMARY_MAX ? cut_before(message->text, SUMMARY_MAX) : line);
	const char *job = json_text(json_get(message->bmad, "job"));
	struct json *root = json_object();

	json_set_string(root, "event_action", "trigger");
	struct json *payload = json_set_object(root, "payload");
	json_set_string(payload, "summary", summary);
	json_set_string(payload, "source", job ? job : "bmad");
	json_set_string(payload, "severity", "warning");
	if (message->data)
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
	size_t max; /* of the payload in bytes; 0: none. Where a provider counts characters that is on the
	               safe side */
} frames[] = {
    {"teams", teams_frame, 20000},
    {"slack", slack_frame, 4000},
    {"discord", discord_frame, 2000},
    {"mattermost", mattermost_frame, 16000},
    {"pagerduty", pagerduty_frame, 512000},
    {"webhook", webhook_frame, 0},
};

static const struct frame *find_frame(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		if (!strcmp(frames[i].type, type))
			return &frames[i];
	return NULL;
}

static char *make_payload(const struct plain_message *message)
{
	const struct frame *frame = find_frame(message->type);

	if (!frame)
		return mem_copy(message->text);
	struct json *root = frame->make(message);
	char *payload = json_print(root);
	json_destroy(root);
	return payload;
}

/* -- shortening --------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	while (*text) {
		text += strcspn(text, "\n");
		text += *text == '\n';
		lines++;
	}
	return lines;
}

static char *shorten(const char *text, size_t at, size_t *out_left_out)
{
	at = cut_before(text, at);
	*out_left_out = count_lines(text + at + (text[at] == '\n'));
	return mem_format("%.*s…\n(shortened: %zu line%s left out)\n", (int)at, text, *out_left_out,
	    *out_left_out == 1 ? "" : "s");
}

static char *make_shortened(struct plain_message message, size_t at, size_t *out_left_out)
{
	cleanup(free_text) char *text = shorten(message.text, at, out_left_out);

	message.text = text;
	return make_payload(&message);
}

/*
 * The longest beginning of the text that fits, by halving: escapes make the payload grow unevenly. If nothing
 * fits at all it is the shortest: there is no less.
 */
static char *make_fit(const struct plain_message *message, size_t budget, size_t *out_left_out)
{
	size_t fitting = 0, too_long = strlen(message->text), left_out;
	char *best = make_shortened(*message, 0, out_left_out);

	while (too_long > fitting + 1) {
		size_t middle = fitting + (too_long - fitting) / 2;
		char *payload = make_shortened(*message, middle, &left_out);

		if (strlen(payload) > budget) {
			free(payload);
			too_long = middle;
			continue;
		}
		free(best);
		best = payload;
		*out_left_out = left_out;
		fitting = middle;
	}
	return best;
}

size_t plain_budget(const char *type)
{
	const struct frame *frame = find_frame(type);

	return frame ? frame->max : 0;
}

char *plain_payload(const struct plain_message *message, size_t budget, size_t *out_left_out)
{
	struct plain_message less = *message;
	struct buf text = {0};

	*out_left_out = 0;
	char *payload = make_payload(&less);
	if (!budget || strlen(payload) <= budget)
		return payload;
	free(payload);
	if (!less.text) {
		plain_table(less.data, &text);
		less.text = buf_text(&text);
	}
	less.data = NULL;
	payload = make_payload(&less);
	if (strlen(payload) > budget) {
		free(payload);
		payload = make_fit(&less, budget, out_left_out);
	}
	buf_done(&text);
	return payload;
}
