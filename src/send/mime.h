/* SPDX-License-Identifier: MIT */
/*
 * Mail messages (RFC 5322, MIME), composed and read back. Pure.
 *
 * A message is mixed(alternative(text, related(html, inline images)), attachments), without the levels that
 * would have one child. All that comes from data is encoded or cleaned here, so that no value can end the
 * field it stands in. The result has CRLF line ends and nothing but ASCII: no server needs to change it.
 */
#ifndef SEND_MIME_H
#define SEND_MIME_H

#include <stdbool.h>

#include <bmad/json.h>
#include <bmad/message.h>

#include "base/buf.h"
#include "send/mail_address.h"

#define MIME_TYPE "message/rfc822"

struct mail_list {
	const struct mail_address *items;
	size_t count;
};

struct mail {
	const char *id; /* of the message: what Message-ID begins with */
	utc_t date;
	struct mail_address from;
	struct mail_list reply_to, to, cc; /* empty: the field is left out, To says that nobody is named */
	const char *subject;
	const char *text;
	const char *html; /* NULL: none. `cid:NAME` in quotes shows the attachment with that content_id */
	const struct attachment *attachments;
	size_t attachment_count;
};

void mime_compose(const struct mail *mail, struct buf *out);

/*
 * What people want to see of a composed message: {from, to, cc, subject, date, text, attachments: [{name,
 * content_type, bytes}]}. What cannot be read is left out.
 */
struct json *mime_read(const char *message, size_t length);

/* -- mime_encode.c: the encodings of bodies and of header fields ----------------------------------------- */

/* In lines of 76 characters, the last one ended too. */
void mime_base64(struct buf *out, const void *bytes, size_t length);
/* Text, whose line ends (CR LF, LF, CR) become CRLF. */
void mime_quoted_printable(struct buf *out, const char *text, size_t length);
/* True if quoted-printable is the shorter way and people can read it. */
bool mime_is_mostly_ascii(const char *text, size_t length);

/* A header field on its way: COLUMN is where the current line ends. */
struct mime_field {
	struct buf *out;
	size_t column;
};

struct mime_field mime_field_begin(struct buf *out, const char *name);
void mime_field_end(struct mime_field *field);
/* A word after a blank, on a line of its own if this one would grow beyond 78 characters. */
void mime_field_word(struct mime_field *field, const char *word);
/* One line of UTF-8 as unstructured text, in encoded words (RFC 2047) where it must be. */
void mime_field_text(struct mime_field *field, const char *text);
/* `Name <address>` with COMMA behind it. */
void mime_field_address(struct mime_field *field, const struct mail_address *address, bool comma);
/* `; NAME=VALUE` (RFC 2231). */
void mime_field_parameter(struct mime_field *field, const char *name, const char *value);

#endif
