/* SPDX-License-Identifier: MIT */
/*
 * The worker's part of what `--once --json` prints: data objects, messages, metrics. Main adds what it
 * knows (the job, the error) and the outcomes of delivery.
 */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "send/channel.h"
#include "worker/inside.h"

/* The payload as a value if it is JSON, else as the text it is. */
static struct json *payload_of(const struct new_message *record)
{
	struct json *value = NULL;

	if (strstr(record->content_type, "json")) {
		struct err *e = json_parse(record->payload, record->payload_length, &value);

		if (!e)
			return value;
		err_ignore(e); /* shown as text, it can still be judged */
	}
	return json_string_n(record->payload, record->payload_length);
}

/* NULL for what is empty: the channel's own recipient, no subject. */
static const char *text_or_null(const char *text)
{
	return text_is_empty(text) ? NULL : text;
}

static void add_attachments(struct json *object, const struct run_message *message)
{
	struct json *list = json_set_array(object, "attachments");

	for (size_t i = 0; i < message->attachment_count; i++) {
		struct json *file = json_add_object(list);

		json_set_string(file, "name", message->attachments[i].name);
		json_set_string(file, "content_type", message->attachments[i].content_type);
		json_set_int(file, "bytes", (int64_t)message->attachments[i].length);
	}
}

static void add_message(struct json *messages, const struct run_message *message)
{
	const struct new_message *record = &message->record;
	struct json *object = json_add_object(messages);

	json_set_string(object, "id", record->id);
	json_set_string(object, "channel", record->channel);
	json_set_string(object, "type", message->channel->type->name);
	json_set_string(object, "kind", record->kind);
	json_set_string(object, "key", record->key);
	json_set_string(object, "to", text_or_null(record->to));
	json_set_string(object, "subject", text_or_null(record->subject));
	json_set_string(object, "content_type", record->content_type);
	if (message->shown)
		json_set_string(object, "payload", message->shown);
	else
		json_set(object, "payload", payload_of(record));
	add_attachments(object, message);
	json_set_string(object, "outcome", message->outcome);
	json_set_int(object, "attempts", message->attempts);
	json_set_string(object, "detail", message->detail);
	for (const char *const *label = message->labels; label && label[0] && label[1]; label += 2)
		json_set_string(object, label[0], label[1]);
}

/* -- the front desk -------------------------------------------------------------------------------- */

char *run_report(struct run *run, bool failed)
{
	struct json *report = json_object();
	struct json *messages, *metrics, *shown;
	char *text;

	json_set(report, "data", run->data);
	run->data = NULL;
	messages = json_set_array(report, "messages");
	for (size_t i = 0; i < run->message_count; i++)
		if (!failed || run->messages[i].sent)
			add_message(messages, &run->messages[i]);
	metrics = json_set_object(report, "metrics");
	for (size_t i = 0; i < run->value_count; i++)
		json_set_number(metrics, run->values[i].name, run->values[i].number);
	shown = redact_json(report); /* what is sent stays as it is */
	text = json_print(shown);
	json_destroy(shown);
	json_destroy(report);
	return text;
}
