/* SPDX-License-Identifier: MIT */
/*
 * Mail from one input, split at NULs: an address, a name, a subject, text, HTML, a file name. Besides not
 * crashing: what is composed is ASCII in lines that every server takes, its fields are those that were meant,
 * and it is read back as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "render/html_text.h"
#include "send/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

enum { ADDRESS, NAME, SUBJECT, TEXT, HTML, FILE_NAME, PARTS };

#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			abort();                                                                             \
	} while (0)

static void check_address(const char *text, struct arena *arena)
{
	struct mail_address address;
	struct err *e = mail_address_parse(text, arena, &address);

	if (!e) {
		CHECK(!address.address[strspn(address.address,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.@")]);
		CHECK(strchr(address.address, '@') == strrchr(address.address, '@'));
		CHECK(!strpbrk(address.name, "\r\n"));
	}
	err_destroy(e);
}

static void check_lines(const char *message, size_t length)
{
	size_t column = 0;

	CHECK(strlen(message) == length);
	for (size_t i = 0; i < length; i++) {
		CHECK((unsigned char)message[i] < 127);
		CHECK((message[i] == '\n') == (i && message[i - 1] == '\r'));
		CHECK(message[i] != '.' || column);
		column = message[i] == '\n' ? 0 : column + 1;
		CHECK(column <= 998);
	}
}

/* Date, From, To, Subject, Message-ID, Auto-Submitted, MIME-Version and those of the content. */
static void check_head(const char *message)
{
	static const char *const known[] = {"Date:", "From:", "To:", "Subject:", "Message-ID:", "Auto-Submitted:",
	    "MIME-Version:", "Content-Type:", "Content-Transfer-Encoding:"};

	while (*message && *message != '\r') {
		bool found = *message == ' ';

		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			found = found || !strncmp(message, known[i], strlen(known[i]));
		CHECK(found);
		message = strchr(message, '\n') + 1;
	}
}

static void check_mail(char *const parts[PARTS], struct arena *arena)
{
	struct mail_address to = {mail_one_line(parts[NAME], arena), "a@example.com", "example.com"};
	struct attachment files[] = {{parts[FILE_NAME], parts[NAME], parts[TEXT], strlen(parts[TEXT]), "chart"},
	    {parts[NAME], "text/csv", parts[HTML], strlen(parts[HTML]), NULL}};
	struct mail mail = {
	    .id = "0193",
	    .from = to,
	    .to = {&to, 1},
	    .subject = parts[SUBJECT],
	    .text = parts[TEXT],
	    .html = *parts[HTML] ? parts[HTML] : NULL,
	    .attachments = files,
	    .attachment_count = *parts[FILE_NAME] ? 2 : 0,
	};
	struct buf out = {0};

	mime_compose(&mail, &out);
	check_lines(buf_text(&out), out.length);
	check_head(buf_text(&out));
	struct json *read = mime_read(buf_text(&out), out.length);
	const char *subject = json_text(json_get(read, "subject"));
	CHECK(!strcmp(subject ? subject : "", mail_one_line(parts[SUBJECT], arena)));
	CHECK(json_length(json_get(read, "attachments")) == mail.attachment_count);
	json_destroy(read);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct arena arena = {0};
	char *whole = arena_copy_n(&arena, (const char *)input, size), *parts[PARTS], *at = whole;
	struct buf text = {0};

	for (int i = 0; i < PARTS; i++) {
		parts[i] = at;
		at += strlen(at);
		at += at < whole + size;
	}
	check_address(parts[ADDRESS], &arena);
	check_mail(parts, &arena);
	html_text(parts[HTML], &text);
	buf_done(&text);
	json_destroy(mime_read(whole, size));
	arena_done(&arena);
	return 0;
}
