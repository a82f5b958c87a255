/* SPDX-License-Identifier: MIT */
/*
 * Frames: what carries a record over a socket, the same for peer.h and link.h.
 *
 * A header of 16 bytes, then `length` bytes of record. A reply has the kind and sequence number of its
 * request; an error has its sequence number, no kind, and carries an error_record.
 */
#ifndef REQUEST_FRAME_H
#define REQUEST_FRAME_H

#include "request/request.h"

#define FRAME_MAX ((size_t)64 << 20) /* bytes of record */

enum frame_type { FRAME_REQUEST, FRAME_REPLY, FRAME_ERROR };

struct frame {
	uint32_t length;
	uint16_t kind;
	uint16_t type;
	uint64_t sequence;
};

#define NO_KIND ((enum request_kind)0)

/* Appends the frame that carries RECORD. PERMANENT error, and OUT as before, if it is larger than FRAME_MAX.
 */
struct err *frame_write(struct buf *out, enum frame_type type, enum request_kind kind, uint64_t sequence,
    const void *record) MUST_CHECK;

/* Reads the header at BYTES (sizeof(struct frame) of them). BUG error if it cannot be one. */
struct err *frame_parse(const char *bytes, struct frame *out_frame) MUST_CHECK;

/* The record of FRAME, whose `length` bytes are at BYTES; it and its lists are in ARENA. */
struct err *frame_read(
    const struct frame *frame, const char *bytes, struct arena *arena, void **out_record) MUST_CHECK;

/* What a frame of TYPE and KIND carries; NULL if there is no such frame. */
const struct record_type *frame_record(enum frame_type type, enum request_kind kind);

/* For errors: "commit", "error". */
const char *frame_name(const struct frame *frame);

#endif
