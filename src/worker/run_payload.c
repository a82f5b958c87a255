/* SPDX-License-Identifier: MIT */
/* What was rendered becomes the payload of a message; what was wrong with it is told. */
#include "base/log.h"
#include "worker/inside.h"
#include "worker/message.h"
#include "worker/packing.h"

static void report_degraded(const struct run *run, const struct new_message *record, const char *why)
{
	struct log_line line;

	run_log_begin(run, &line, LEVEL_ERROR, "template_failed");
	log_text(&line, "channel", record->channel);
	log_text(&line, "message", record->id);
	log_text(&line, "kind", record->kind);
	log_text(&line, "error", why);
	log_end(&line);
}

static void report_shortened(const struct run *run, const struct new_message *record, size_t left_out)
{
	struct log_line line;

	run_log_begin(run, &line, LEVEL_WARNING, "message_shortened");
	log_text(&line, "channel", record->channel);
	log_text(&line, "message", record->id);
	log_text(&line, "kind", record->kind);
	log_int(&line, "left_out", (int64_t)left_out);
	log_end(&line);
}

/* Names and sizes for `--json`; the bytes are in the payload and need no second home. */
static void note_attachments(
    struct run *run, struct run_message *message, const struct attachment *files, size_t count)
{
	message->attachments = arena_alloc(&run->arena, (count + 1) * sizeof(*message->attachments));
	message->attachment_count = count;
	for (size_t i = 0; i < count; i++)
		message->attachments[i] = (struct attachment){
		    .name = arena_copy(&run->arena, files[i].name),
		    .content_type = arena_copy(&run->arena, files[i].content_type),
		    .length = files[i].length,
		};
}

static struct err *take_payload(struct run *run, struct run_message *message,
    const struct rendering *rendering, const struct rendered *rendered)
{
	struct new_message *record = &message->record;
	struct packed packed;

	struct packing packing = {
	    .conf = run->tools->conf,
	    .channel = message->channel,
	    .id = record->id,
	    .to = record->to,
	    .own = message->own,
	    .created_ms = record->created_ms,
	};

	packing.attachments = rendering_files(rendering, rendered, &packing.attachment_count);
	PASS(pack_rendered(&packing, rendered, &run->arena, &packed));
	message->shown = run->order->report ? pack_shown(&packing, rendered, &run->arena) : NULL;
	record->payload = packed.payload;
	record->payload_length = packed.payload_length;
	record->content_type = packed.content_type;
	record->subject = packed.subject;
	note_attachments(run, message, packing.attachments, packed.attachment_count);
	if (packed.left_out)
		run_warn(run, "%s: %s", message->channel->name, packed.left_out);
	return NULL;
}

static void tell_of(struct run *run, struct run_message *message, const struct rendered *rendered)
{
	if (rendered->degraded) {
		run->degraded = true;
		message->detail = arena_copy(&run->arena, rendered->why);
		report_degraded(run, &message->record, rendered->why);
	}
	if (rendered->left_out)
		report_shortened(run, &message->record, rendered->left_out);
}

struct err *run_message_fill(struct run *run, struct run_message *message, const struct rendering *rendering,
    const struct rendered *rendered)
{
	PASS(take_payload(run, message, rendering, rendered));
	tell_of(run, message, rendered);
	return NULL;
}
