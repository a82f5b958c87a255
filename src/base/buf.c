/* SPDX-License-Identifier: MIT */
/* A growing byte buffer. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A sum that does not fit becomes one that no memory can meet, so that it ends like any other exhaustion. */
static size_t room_for(size_t used, size_t more)
{
	return more < SIZE_MAX / 2 - used ? used + more + 1 : SIZE_MAX / 2;
}

char *buf_room(struct buf *buf, size_t length)
{
	size_t wanted = room_for(buf->length, length);

	if (wanted > buf->capacity) {
		size_t capacity = buf->capacity ? buf->capacity : 64;

		while (capacity < wanted)
			capacity *= 2;
		buf->text = mem_resize(buf->text, capacity);
		buf->capacity = capacity;
	}
	return buf->text + buf->length;
}

void buf_add(struct buf *buf, const void *bytes, size_t length)
{
	char *room = buf_room(buf, length);

	if (length)
		memcpy(room, bytes, length);
	buf->length += length;
	buf->text[buf->length] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_add_blanks(struct buf *buf, size_t count)
{
	memset(buf_room(buf, count), ' ', count);
	buf->length += count;
	buf->text[buf->length] = '\0';
}

void buf_vformat(struct buf *buf, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	int length = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (length < 0)
		return;
	vsnprintf(buf_room(buf, (size_t)length), (size_t)length + 1, fmt, args);
	buf->length += (size_t)length;
}

void buf_format(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vformat(buf, fmt, args);
	va_end(args);
}

void buf_truncate(struct buf *buf, size_t length)
{
	if (length >= buf->length)
		return;
	buf->length = length;
	buf->text[length] = '\0';
}

void buf_trim_blanks(struct buf *buf)
{
	size_t length = buf->length;

	while (length && buf->text[length - 1] == ' ')
		length--;
	buf_truncate(buf, length);
}

void buf_remove_front(struct buf *buf, size_t length)
{
	if (length > buf->length)
		length = buf->length;
	if (!length)
		return;
	buf->length -= length;
	memmove(buf->text, buf->text + length, buf->length + 1);
}

const char *buf_text(const struct buf *buf)
{
	if (!buf->text)
		return "";
	buf->text[buf->length] = '\0'; /* who filled buf_room() need not have done it */
	return buf->text;
}

char *buf_detach(struct buf *buf)
{
	char *text = buf->text ? buf->text : mem_copy("");

	text[buf->length] = '\0';
	*buf = (struct buf){0};
	return text;
}

void buf_done(struct buf *buf)
{
	free(buf->text);
	*buf = (struct buf){0};
}
