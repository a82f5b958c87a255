/* SPDX-License-Identifier: MIT */
/* Frames: writing one, and checking one that came in. */
#include "request/frame.h"

#include <string.h>

const struct record_type *frame_record(enum frame_type type, enum request_kind kind)
{
	if (type == FRAME_ERROR)
		return kind == NO_KIND ? &error_record_record : NULL;
	if (kind == NO_KIND || kind >= REQ_KINDS || type > FRAME_ERROR)
		return NULL;
	return type == FRAME_REQUEST ? request_types[kind].request : request_types[kind].reply;
}

const char *frame_name(const struct frame *frame)
{
	return frame->type == FRAME_ERROR ? "error" : request_types[frame->kind].name;
}

struct err *frame_write(
    struct buf *out, enum frame_type type, enum request_kind kind, uint64_t sequence, const void *record)
{
	struct frame frame = {.kind = (uint16_t)kind, .type = (uint16_t)type, .sequence = sequence};
	size_t start = out->length;

	buf_add(out, &frame, sizeof(frame));
	record_write(frame_record(type, kind), record, out);

	size_t length = out->length - start - sizeof(frame);
	if (length > FRAME_MAX) {
		buf_truncate(out, start);
		return ERR(ERR_PERMANENT, "%s of %zu bytes: the limit is %zu", frame_name(&frame), length,
		    FRAME_MAX);
	}
	frame.length = (uint32_t)length;
	memcpy(out->text + start, &frame, sizeof(frame));
	return NULL;
}

struct err *frame_parse(const char *bytes, struct frame *out_frame)
{
	struct frame frame;

	memcpy(&frame, bytes, sizeof(frame));
	if (!frame_record(frame.type, frame.kind))
		return ERR(ERR_BUG, "not a request: kind %u, type %u", frame.kind, frame.type);
	if (frame.length > FRAME_MAX)
		return ERR(
		    ERR_BUG, "%s of %u bytes: the limit is %zu", frame_name(&frame), frame.length, FRAME_MAX);
	*out_frame = frame;
	return NULL;
}

struct err *frame_read(const struct frame *frame, const char *bytes, struct arena *arena, void **out_record)
{
	const struct record_type *type = frame_record(frame->type, frame->kind);
	void *record = arena_alloc(arena, type->size);

	TRY(record_read(type, bytes, frame->length, arena, record), "read %s", frame_name(frame));
	*out_record = record;
	return NULL;
}
