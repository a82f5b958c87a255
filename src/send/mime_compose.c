/* SPDX-License-Identifier: MIT */
/* Composes a mail message: its head, and its body as nested entities. */
#include "send/mime.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NAME_BYTES_MAX 200 /* of a file name; more than most file systems take */

/* One level of nesting; the number makes its boundary its own. */
enum level { LEVEL_MIXED, LEVEL_ALTERNATIVE, LEVEL_RELATED };
static const char *const level_names[] = {"mixed", "alternative", "related"};

static const char *content_id(const struct mail *mail, const struct attachment *image, struct arena *arena)
{
	return arena_format(arena, "%s.%s@%s", image->content_id, mail->id, mail->from.domain);
}

/* The place after `"cid:NAME"` or `'cid:NAME'` in HTML, whose name begins *OUT_NAME; NULL: nowhere. */
static const char *find_cid(const char *html, const char **out_name, size_t *out_length)
{
	for (const char *at = html; (at = strstr(at, "cid:")); at += 4) {
		if (at == html || (at[-1] != '"' && at[-1] != '\''))
			continue;
		*out_name = at + 4;
		*out_length = strcspn(at + 4, "\"'<> \r\n");
		if (at[4 + *out_length] == at[-1])
			return at + 4 + *out_length;
	}
	return NULL;
}

static bool is_named(const struct attachment *image, const char *name, size_t length)
{
	return image->content_id && strlen(image->content_id) == length &&
	       !memcmp(image->content_id, name, length);
}

/* An image that the HTML names goes beside it, not among the attachments. */
static bool is_inline(const struct mail *mail, const struct attachment *attachment)
{
	const char *name, *at = mail->html;
	size_t length;

	while (at && (at = find_cid(at, &name, &length)))
		if (is_named(attachment, name, length))
			return true;
	return false;
}

static size_t count_inline(const struct mail *mail)
{
	size_t count = 0;

	for (size_t i = 0; i < mail->attachment_count; i++)
		count += is_inline(mail, &mail->attachments[i]);
	return count;
}

/* -- the head ------------------------------------------------------------------------------------------ */

static void add_field(struct buf *out, const char *name, const char *value)
{
	buf_format(out, "%s: %s\r\n", name, value);
}

static void add_addresses(struct buf *out, const char *name, const struct mail_list *list)
{
	struct mime_field field;

	if (!list->count)
		return;
	field = mime_field_begin(out, name);
	for (size_t i = 0; i < list->count; i++)
		mime_field_address(&field, &list->items[i], i + 1 < list->count);
	mime_field_end(&field);
}

/* RFC 5322 wants English names, whatever the locale. */
static void add_date(struct buf *out, utc_t at)
{
	static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char *const months[] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil civil;
	int64_t day;

	civil_from_utc(at, &civil);
	day = days_from_civil(civil.year, civil.month, civil.day) % 7;
	buf_format(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[day < 0 ? day + 7 : day],
	    civil.day, months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
}

static void add_subject(struct buf *out, const char *subject)
{
	cleanup(arena_done) struct arena arena = {0};
	struct mime_field field = mime_field_begin(out, "Subject");

	mime_field_text(&field, mail_one_line(subject ? subject : "", &arena));
	mime_field_end(&field);
}

static void add_head(struct buf *out, const struct mail *mail)
{
	add_date(out, mail->date);
	add_addresses(out, "From", &(struct mail_list){&mail->from, 1});
	add_addresses(out, "Reply-To", &mail->reply_to);
	if (mail->to.count)
		add_addresses(out, "To", &mail->to);
	else
		add_field(out, "To", "undisclosed-recipients:;");
	add_addresses(out, "Cc", &mail->cc);
	add_subject(out, mail->subject);
	buf_format(out, "Message-ID: <%s@%s>\r\n", mail->id, mail->from.domain);
	add_field(out, "Auto-Submitted", "auto-generated"); /* RFC 3834: no out-of-office notes, please */
	add_field(out, "MIME-Version", "1.0");
}

/* -- entities: header, blank line, body ------------------------------------------------------------------ */

/* Text has CRLF at its line ends, in base64 too (RFC 2045, section 6.8). */
static void add_canonical(struct buf *out, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\r\n");

		buf_add(out, text, length);
		text += length;
		if (!*text)
			return;
		text += text[0] == '\r' && text[1] == '\n' ? 2 : 1;
		buf_add_text(out, "\r\n");
	}
}

static void add_text_entity(struct buf *out, const char *subtype, const char *text)
{
	cleanup(buf_done) struct buf clean = {0};

	utf8_add(&clean, text, strlen(text));
	buf_format(out, "Content-Type: text/%s; charset=utf-8\r\n", subtype);
	if (mime_is_mostly_ascii(buf_text(&clean), clean.length)) {
		add_field(out, "Content-Transfer-Encoding", "quoted-printable");
		buf_add_text(out, "\r\n");
		mime_quoted_printable(out, buf_text(&clean), clean.length);
	} else {
		cleanup(buf_done) struct buf lines = {0};

		add_field(out, "Content-Transfer-Encoding", "base64");
		buf_add_text(out, "\r\n");
		add_canonical(&lines, buf_text(&clean));
		mime_base64(out, lines.text, lines.length);
	}
}

/* The HTML with each `cid:NAME` made the whole content id, which is of this one message. */
static void add_html_entity(struct buf *out, const struct mail *mail)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf html = {0};
	const char *at = mail->html, *next, *name;
	size_t length;

	while ((next = find_cid(at, &name, &length))) {
		const char *id = NULL;

		for (size_t i = 0; i < mail->attachment_count && !id; i++)
			if (is_named(&mail->attachments[i], name, length))
				id = content_id(mail, &mail->attachments[i], &arena);
		buf_add(&html, at, (size_t)(name - at));
		if (id)
			buf_add_text(&html, id);
		else
			buf_add(&html, name, length);
		at = next;
	}
	buf_add_text(&html, at);
	add_text_entity(out, "html", buf_text(&html));
}

/* Only the name's last part, in one line: it is not a way into anybody's folders. */
static const char *file_name(const char *name, struct arena *arena)
{
	char *clean = mail_one_line(name && *name ? name : "attachment", arena);
	size_t length = strlen(clean);

	for (char *c = clean; *c; c++)
		if (*c == '/' || *c == '\\')
			*c = '_';
	if (length > NAME_BYTES_MAX) {
		const char *dot = strrchr(clean, '.');
		const char *ending = dot && strlen(dot) < 10 ? dot : "";

		return arena_format(
		    arena, "%.*s%s", (int)utf8_cut(clean, length, NAME_BYTES_MAX - 10), clean, ending);
	}
	return *clean ? clean : "attachment";
}

static const char *media_type(const char *type)
{
	const char *kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+/";

	return type && strchr(type, '/') && !type[strspn(type, kept)] ? type : "application/octet-stream";
}

static void add_file_entity(
    struct buf *out, const struct mail *mail, const struct attachment *file, bool inlined)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *type = media_type(file->content_type);
	struct mime_field field = mime_field_begin(out, "Content-Type");

	mime_field_word(&field, type);
	if (!strncmp(type, "text/", 5))
		buf_add_text(out, "; charset=utf-8");
	mime_field_end(&field);
	field = mime_field_begin(out, "Content-Disposition");
	mime_field_word(&field, inlined ? "inline" : "attachment");
	mime_field_parameter(&field, "filename", file_name(file->name, &arena));
	mime_field_end(&field);
	if (inlined)
		buf_format(out, "Content-ID: <%s>\r\n", content_id(mail, file, &arena));
	add_field(out, "Content-Transfer-Encoding", "base64");
	buf_add_text(out, "\r\n");
	mime_base64(out, file->bytes, file->length);
}

/* -- levels ---------------------------------------------------------------------------------------- */

/* `=_` is in no line of base64 or quoted-printable, so the boundary is in none of the parts. */
static void add_boundary(struct buf *out, const struct mail *mail, enum level level, const char *end)
{
	buf_format(out, "--=_%d_%s%s\r\n", (int)level, mail->id, end);
}

static void begin_level(struct buf *out, const struct mail *mail, enum level level)
{
	buf_format(out, "Content-Type: multipart/%s;\r\n boundary=\"=_%d_%s\"\r\n\r\n", level_names[level],
	    (int)level, mail->id);
}

static void add_files(struct buf *out, const struct mail *mail, enum level level, bool inlined)
{
	for (size_t i = 0; i < mail->attachment_count; i++) {
		if (is_inline(mail, &mail->attachments[i]) != inlined)
			continue;
		add_boundary(out, mail, level, "");
		add_file_entity(out, mail, &mail->attachments[i], inlined);
	}
	add_boundary(out, mail, level, "--");
}

static void add_related(struct buf *out, const struct mail *mail)
{
	if (!count_inline(mail)) {
		add_html_entity(out, mail);
		return;
	}
	begin_level(out, mail, LEVEL_RELATED);
	add_boundary(out, mail, LEVEL_RELATED, "");
	add_html_entity(out, mail);
	add_files(out, mail, LEVEL_RELATED, true);
}

/* The plain text first: readers take the last form that they can show. */
static void add_alternative(struct buf *out, const struct mail *mail)
{
	if (!mail->html) {
		add_text_entity(out, "plain", mail->text);
		return;
	}
	begin_level(out, mail, LEVEL_ALTERNATIVE);
	add_boundary(out, mail, LEVEL_ALTERNATIVE, "");
	add_text_entity(out, "plain", mail->text);
	add_boundary(out, mail, LEVEL_ALTERNATIVE, "");
	add_related(out, mail);
	add_boundary(out, mail, LEVEL_ALTERNATIVE, "--");
}

void mime_compose(const struct mail *mail, struct buf *out)
{
	add_head(out, mail);
	if (mail->attachment_count == count_inline(mail)) {
		add_alternative(out, mail);
		return;
	}
	begin_level(out, mail, LEVEL_MIXED);
	add_boundary(out, mail, LEVEL_MIXED, "");
	add_alternative(out, mail);
	add_files(out, mail, LEVEL_MIXED, false);
}
