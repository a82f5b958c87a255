/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer. The zero value is empty; `text` is NUL-terminated once anything was added
 * (buf_text() always), `length` does not count that NUL.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *text;
	size_t length;
	size_t capacity;
};

void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_add_blanks(struct buf *buf, size_t count);
void buf_format(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vformat(struct buf *buf, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

/*
 * Room for LENGTH more bytes at the end; the caller fills it and adds to `length` itself. He need not write
 * the NUL if the result is read with buf_text() or buf_detach().
 */
char *buf_room(struct buf *buf, size_t length);
void buf_truncate(struct buf *buf, size_t length); /* to at most LENGTH */
void buf_trim_blanks(struct buf *buf);             /* those at the end */
void buf_remove_front(struct buf *buf, size_t length);

const char *buf_text(const struct buf *buf); /* "" when empty */
char *buf_detach(struct buf *buf);           /* the text, to be free()d; BUF is empty then */
void buf_done(struct buf *buf);

#endif
