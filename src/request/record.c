/* SPDX-License-Identifier: MIT */
/*
 * The coder of records.
 *
 * Fields follow each other in the order of their table, without names: both ends are the same binary.
 *
 *	INT, NUMBER  8 bytes, this machine's order
 *	BOOL         1 byte, 0 or 1
 *	TEXT, BYTES  u32 length, the bytes, a NUL; NULL is the length ABSENT alone
 *	LIST         u32 count, the records
 *	ONE          1 byte, 0 or 1; after 1 the record
 *
 * The NUL makes a text usable where it lies, so reading copies nothing.
 */
#include "request/record.h"

#include <string.h>

#define ABSENT     UINT32_MAX
#define MEMORY_MAX ((size_t)256 << 20) /* what one record's lists may take; its texts take nothing */
#define DEPTH_MAX  16                  /* of records within records; tables nest 4 deep at most */

/* The least that a field takes on the wire: bounds a list's count before memory is taken for it. */
static const size_t least[] = {
    [RECORD_INT] = sizeof(int64_t),
    [RECORD_NUMBER] = sizeof(double),
    [RECORD_BOOL] = 1,
    [RECORD_TEXT] = sizeof(uint32_t),
    [RECORD_BYTES] = sizeof(uint32_t),
    [RECORD_LIST] = sizeof(uint32_t),
    [RECORD_ONE] = 1,
};

/* -- writing --------------------------------------------------------------------------------------- */

static void write_count(struct buf *out, size_t count)
{
	/* More than fits is more than a frame holds: the frame's own limit then refuses it. */
	uint32_t wire = count < ABSENT ? (uint32_t)count : ABSENT - 1;

	buf_add(out, &wire, sizeof(wire));
}

static void write_text(struct buf *out, const char *text, size_t length)
{
	uint32_t absent = ABSENT;

	if (!text) {
		buf_add(out, &absent, sizeof(absent));
		return;
	}
	write_count(out, length);
	buf_add(out, text, length);
	buf_add_char(out, '\0');
}

static void write_records(const struct record_type *type, const char *records, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		record_write(type, records + i * type->size, out);
}

/* The member at MEMBER, a pointer of whatever type. */
static const void *pointer_at(const void *member)
{
	const void *pointer;

	memcpy(&pointer, member, sizeof(pointer));
	return pointer;
}

static void write_field(const struct record_field *field, const char *record, struct buf *out)
{
	const void *member = record + field->offset;
	const void *pointer = field->kind >= RECORD_TEXT ? pointer_at(member) : NULL;
	const size_t *count = (const size_t *)(const void *)(record + field->count_offset);

	switch (field->kind) {
	case RECORD_INT:
	case RECORD_NUMBER:
		buf_add(out, member, least[field->kind]);
		break;
	case RECORD_BOOL:
		buf_add_char(out, *(const bool *)member ? 1 : 0);
		break;
	case RECORD_TEXT:
		write_text(out, pointer, pointer ? strlen(pointer) : 0);
		break;
	case RECORD_BYTES:
		write_text(out, pointer, *count);
		break;
	case RECORD_LIST:
		write_count(out, *count);
		write_records(field->item, pointer, *count, out);
		break;
	case RECORD_ONE:
		buf_add_char(out, pointer ? 1 : 0);
		write_records(field->item, pointer, pointer ? 1 : 0, out);
		break;
	}
}

void record_write(const struct record_type *type, const void *record, struct buf *out)
{
	for (size_t i = 0; i < type->count; i++)
		write_field(&type->fields[i], record, out);
}

/* -- reading --------------------------------------------------------------------------------------- */

struct reader {
	const char *at, *end;
	struct arena *arena;
	size_t memory; /* that lists may still take */
	unsigned depth;
};

static size_t left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static struct err *take(struct reader *reader, void *out, size_t length)
{
	if (left(reader) < length)
		return ERR(ERR_BUG, "it ends %zu bytes too early", length - left(reader));
	memcpy(out, reader->at, length);
	reader->at += length;
	return NULL;
}

static struct err *take_flag(struct reader *reader, bool *out_flag)
{
	unsigned char byte = 0;

	PASS(take(reader, &byte, 1));
	if (byte > 1)
		return ERR(ERR_BUG, "%u is neither true nor false", byte);
	*out_flag = byte;
	return NULL;
}

static struct err *take_text(struct reader *reader, const char **out_text, size_t *out_length)
{
	uint32_t length = 0;

	PASS(take(reader, &length, sizeof(length)));
	*out_text = NULL;
	*out_length = 0;
	if (length == ABSENT)
		return NULL;
	if (length >= left(reader))
		return ERR(ERR_BUG, "%u bytes of text where %zu are left", length, left(reader));
	if (reader->at[length])
		return ERR(ERR_BUG, "no NUL after a text of %u bytes", length);
	*out_text = reader->at;
	*out_length = length;
	reader->at += length + 1;
	return NULL;
}

static size_t least_size(const struct record_type *type)
{
	size_t size = 0;

	for (size_t i = 0; i < type->count; i++)
		size += least[type->fields[i].kind];
	return size;
}

static struct err *read_record(const struct record_type *type, struct reader *reader, char *record);

/* COUNT records in one piece of the arena, the pointer to it at MEMBER; NULL for none. */
static struct err *take_records(
    const struct record_type *type, struct reader *reader, size_t count, void *member)
{
	char *records;

	if (!count)
		return NULL;
	if (count > left(reader) / least_size(type))
		return ERR(ERR_BUG, "%zu items in %zu bytes", count, left(reader));
	if (count > reader->memory / type->size)
		return ERR(ERR_BUG, "%zu items take more than %zu MiB", count, MEMORY_MAX >> 20);
	if (reader->depth == DEPTH_MAX)
		return ERR(ERR_BUG, "records within records deeper than %d", DEPTH_MAX);
	reader->memory -= count * type->size;
	records = arena_alloc(reader->arena, count * type->size);
	memcpy(member, &records, sizeof(records));
	reader->depth++;
	for (size_t i = 0; i < count; i++)
		PASS(read_record(type, reader, records + i * type->size));
	reader->depth--;
	return NULL;
}

static struct err *read_text(struct reader *reader, const char **out_text)
{
	size_t length;

	PASS(take_text(reader, out_text, &length));
	if (*out_text && memchr(*out_text, '\0', length))
		return ERR(ERR_BUG, "a NUL within a text");
	return NULL;
}

static struct err *read_list(
    const struct record_type *item, struct reader *reader, void *member, size_t *out_count)
{
	uint32_t count = 0;

	PASS(take(reader, &count, sizeof(count)));
	*out_count = count;
	return take_records(item, reader, count, member);
}

static struct err *read_one(const struct record_type *item, struct reader *reader, void *member)
{
	bool present = false;

	PASS(take_flag(reader, &present));
	return take_records(item, reader, present, member);
}

static struct err *read_field(const struct record_field *field, struct reader *reader, char *record)
{
	void *member = record + field->offset;
	size_t *count = (size_t *)(void *)(record + field->count_offset);

	switch (field->kind) {
	case RECORD_INT:
	case RECORD_NUMBER:
		return take(reader, member, least[field->kind]);
	case RECORD_BOOL:
		return take_flag(reader, member);
	case RECORD_TEXT:
		return read_text(reader, member);
	case RECORD_BYTES:
		return take_text(reader, member, count);
	case RECORD_LIST:
		return read_list(field->item, reader, member, count);
	case RECORD_ONE:
		return read_one(field->item, reader, member);
	}
	return ERR(ERR_BUG, "a field of no known kind");
}

static struct err *read_record(const struct record_type *type, struct reader *reader, char *record)
{
	for (size_t i = 0; i < type->count; i++)
		TRY(read_field(&type->fields[i], reader, record), "read %s of %s", type->fields[i].name,
		    type->name);
	return NULL;
}

struct err *record_read(
    const struct record_type *type, const char *bytes, size_t length, struct arena *arena, void *out_record)
{
	struct reader reader = {.at = bytes, .end = bytes + length, .arena = arena, .memory = MEMORY_MAX};

	memset(out_record, 0, type->size);
	PASS(read_record(type, &reader, out_record));
	if (left(&reader))
		return ERR(ERR_BUG, "%zu bytes after the end of %s", left(&reader), type->name);
	return NULL;
}
