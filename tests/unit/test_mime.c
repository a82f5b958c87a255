/* SPDX-License-Identifier: MIT */
/* Mail messages: addresses, fields, encodings, the shape of the whole, and reading it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "send/mime.h"

#define ID "0193-aaaa"

static char *composed(const struct mail *mail)
{
	struct buf out = {0};

	mime_compose(mail, &out);
	return buf_detach(&out);
}

static struct mail plain_mail(void)
{
	static const struct mail_address to[] = {{"", "a@example.com", "example.com"}};

	return (struct mail){
	    .id = ID,
	    .date = 1795215600,
	    .from = {"Plant 7", "bmad@example.com", "example.com"},
	    .to = {to, 1},
	    .subject = "hello",
	    .text = "text\n",
	};
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no `%s` in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("`%s` in:\n%s", part, text);
}

/* -- addresses ------------------------------------------------------------------------------------------- */

static void one_address_is_read_and_anything_else_refused(void **state)
{
	static const struct {
		const char *text, *name, *address; /* NULL: refused */
	} rows[] = {
	    {"a@example.com", "", "a@example.com"},
	    {" a@example.com ", "", "a@example.com"},
	    {"a.b+c@sub.example.com", "", "a.b+c@sub.example.com"},
	    {"root@localhost", "", "root@localhost"},
	    {"Plant 7 <a@example.com>", "Plant 7", "a@example.com"},
	    {"<a@example.com>", "", "a@example.com"},
	    {"\"Plant, \\\"7\\\"\" <a@example.com>", "Plant, \"7\"", "a@example.com"},
	    {"Zo\xc3\xab <z@b\xc3\xbc" "cher.example>", "Zo\xc3\xab", "z@xn--bcher-kva.example"},
	    {"", NULL, NULL},
	    {"a", NULL, NULL},
	    {"@example.com", NULL, NULL},
	    {"a@", NULL, NULL},
	    {"a@b@example.com", NULL, NULL},
	    {"a@example.com, b@example.com", NULL, NULL},
	    {"a@example.com b@example.com", NULL, NULL},
	    {"a@example.com\r\nBcc: b@example.com", NULL, NULL},
	    {"a@example.com\n", NULL, NULL},
	    {"a\x00@example.com", NULL, NULL},
	    {"a@example.com> SIZE=1", NULL, NULL},
	    {"a@example.com>", NULL, NULL},
	    {"Plant, 7 <a@example.com>", NULL, NULL},
	    {"\"open <a@example.com>", NULL, NULL},
	    {"Plant <a@example.com", NULL, NULL},
	    {"\"a b\"@example.com", NULL, NULL},
	    {".a@example.com", NULL, NULL},
	    {"a.@example.com", NULL, NULL},
	    {"a..b@example.com", NULL, NULL},
	    {"z\xc3\xab@example.com", NULL, NULL},
	    {"a@exa_mple.com", NULL, NULL},
	    {"a@-example.com", NULL, NULL},
	    {"a@example..com", NULL, NULL},
	    {"a@\xff.com", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(arena_done) struct arena arena = {0};
		struct mail_address address = {0};
		struct err *e = mail_address_parse(rows[i].text, &arena, &address);

		if (!e != (rows[i].address != NULL))
			fail_msg("`%s`: %s", rows[i].text, e ? err_message(e) : "not refused");
		if (!e) {
			assert_string_equal(address.name, rows[i].name);
			assert_string_equal(address.address, rows[i].address);
			assert_string_equal(address.domain, strchr(rows[i].address, '@') + 1);
		} else {
			assert_int_equal(err_kind(e), ERR_CONFIG);
		}
		err_destroy(e);
	}
}

/* -- fields -------------------------------------------------------------------------------------------------- */

static void no_value_can_end_its_field(void **state)
{
	struct mail mail = plain_mail();

	(void)state;
	mail.subject = "hi\r\nBcc: evil@example.com\r\n\r\nbody\x01";
	cleanup(free_text) char *message = composed(&mail);
	assert_has(message, "\r\nSubject: hi Bcc: evil@example.com body\r\n");
	assert_lacks(message, "\nBcc");
}

static void encoded_words_are_cut_between_characters(void **state)
{
	struct mail mail = plain_mail();

	(void)state;
	mail.subject = "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
	               "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
	               "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2";
	cleanup(free_text) char *message = composed(&mail);
	struct json *read = mime_read(message, strlen(message));

	assert_string_equal(json_text(json_get(read, "subject")), mail.subject);
	assert_has(message, "?=\r\n =?UTF-8?B?");
	json_destroy(read);
}

static void names_are_atoms_or_quoted_or_encoded(void **state)
{
	static const struct {
		const char *name, *field;
	} rows[] = {
	    {"", "To: a@example.com\r\n"},
	    {"Plant 7", "To: Plant 7 <a@example.com>\r\n"},
	    {"Plant, \"7\"", "To: \"Plant, \\\"7\\\"\" <a@example.com>\r\n"},
	    {"Zo\xc3\xab", "To: =?UTF-8?B?Wm/Dqw==?= <a@example.com>\r\n"},
	    {"=?x", "To: =?UTF-8?B?PT94?= <a@example.com>\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mail_address to = {rows[i].name, "a@example.com", "example.com"};
		struct mail mail = plain_mail();

		mail.to = (struct mail_list){&to, 1};
		cleanup(free_text) char *message = composed(&mail);
		assert_has(message, rows[i].field);
	}
}

static void nobody_named_is_said_so(void **state)
{
	struct mail mail = plain_mail();

	(void)state;
	mail.to.count = 0;
	cleanup(free_text) char *message = composed(&mail);
	assert_has(message, "To: undisclosed-recipients:;\r\n");
}

static void the_head_has_each_field_once(void **state)
{
	struct mail mail = plain_mail();

	(void)state;
	cleanup(free_text) char *message = composed(&mail);
	assert_string_equal(message, "Date: Fri, 20 Nov 2026 23:00:00 +0000\r\n"
	                             "From: Plant 7 <bmad@example.com>\r\n"
	                             "To: a@example.com\r\n"
	                             "Subject: hello\r\n"
	                             "Message-ID: <" ID "@example.com>\r\n"
	                             "Auto-Submitted: auto-generated\r\n"
	                             "MIME-Version: 1.0\r\n"
	                             "Content-Type: text/plain; charset=utf-8\r\n"
	                             "Content-Transfer-Encoding: quoted-printable\r\n"
	                             "\r\n"
	                             "text\r\n");
}

/* -- bodies ---------------------------------------------------------------------------------------------------- */

static void quoted_printable_keeps_what_servers_tamper_with(void **state)
{
	static const struct {
		const char *text, *coded;
	} rows[] = {
	    {"a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd\r\n"},
	    {".\n..x", "=2E\r\n=2E.x\r\n"},
	    {"From here\nFriend", "=46rom here\r\nFriend\r\n"},
	    {"end \nend\t", "end=20\r\nend=09\r\n"},
	    {"1 = 1\xc3\xa9", "1 =3D 1=C3=A9\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(buf_done) struct buf out = {0};

		mime_quoted_printable(&out, rows[i].text, strlen(rows[i].text));
		assert_string_equal(buf_text(&out), rows[i].coded);
	}
}

static void no_line_of_a_body_is_longer_than_76(void **state)
{
	cleanup(buf_done) struct buf out = {0}, text = {0};

	(void)state;
	for (int i = 0; i < 500; i++)
		buf_add_text(&text, i % 3 ? "=" : ".");
	mime_quoted_printable(&out, text.text, text.length);
	for (const char *line = out.text; *line; line = strchr(line, '\n') + 1) {
		assert_true(strcspn(line, "\r\n") <= 76);
		assert_true(*line != '.');
	}
}

/* -- the shape --------------------------------------------------------------------------------------------------- */

static void levels_with_one_child_are_left_out(void **state)
{
	static const struct attachment files[] = {
	    {"c.png", "image/png", "png", 3, "chart"},
	    {"d.csv", "text/csv", "a,b\r\n", 5, NULL},
	};
	static const struct {
		const char *html;
		size_t files;
		int mixed, alternative, related;
	} rows[] = {
	    {NULL, 0, 0, 0, 0},
	    {"<p>x</p>", 0, 0, 1, 0},
	    {"<img src=\"cid:chart\">", 1, 0, 1, 1},
	    {"<img src=\"cid:chart\">", 2, 1, 1, 1},
	    {"<p>x</p>", 1, 1, 1, 0}, /* an image that the HTML does not name */
	    {NULL, 2, 1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mail mail = plain_mail();

		mail.html = rows[i].html;
		mail.attachments = files;
		mail.attachment_count = rows[i].files;
		cleanup(free_text) char *message = composed(&mail);
		assert_int_equal(strstr(message, "multipart/mixed") != NULL, rows[i].mixed);
		assert_int_equal(strstr(message, "multipart/alternative") != NULL, rows[i].alternative);
		assert_int_equal(strstr(message, "multipart/related") != NULL, rows[i].related);
		if (rows[i].related) {
			assert_has(message, "Content-ID: <chart." ID "@example.com>\r\n");
			assert_has(message, "src=3D\"cid:chart." ID "@example.com\"");
		}
	}
}

static void file_names_are_one_line_and_no_path(void **state)
{
	static const struct {
		const char *name, *field, *read;
	} rows[] = {
	    {"a.csv", "; filename=\"a.csv\"\r\n", "a.csv"},
	    {"../../etc/pass wd", "; filename=\".._.._etc_pass wd\"\r\n", ".._.._etc_pass wd"},
	    {"a\r\nX: y.csv", "; filename=\"a X: y.csv\"\r\n", "a X: y.csv"},
	    {"\xc3\xa9\".csv", "filename*=UTF-8''%C3%A9%22.csv", "\xc3\xa9\".csv"},
	    {"x; filename*.csv", "filename=\"x_ filename*.csv\"\r\n", "x; filename*.csv"},
	    {"", "; filename=\"attachment\"\r\n", "attachment"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment file = {rows[i].name, "text/csv", "x", 1, NULL};
		struct mail mail = plain_mail();

		mail.attachments = &file;
		mail.attachment_count = 1;
		cleanup(free_text) char *message = composed(&mail);
		struct json *read = mime_read(message, strlen(message));
		const struct json *first = json_first(json_get(read, "attachments"));

		assert_has(message, rows[i].field);
		assert_string_equal(json_text(json_get(first, "name")), rows[i].read);
		json_destroy(read);
	}
}

static void what_was_composed_is_read_back(void **state)
{
	static const struct attachment files[] = {
	    {"c.png", "image/png", "png", 3, "chart"},
	    {"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2.csv", "text/csv", "", 0,
	        NULL},
	};
	struct mail mail = plain_mail();

	(void)state;
	mail.text = "Zo\xc3\xab = 1\n.\nend";
	mail.html = "<img src=\"cid:chart\">";
	mail.attachments = files;
	mail.attachment_count = 2;
	cleanup(free_text) char *message = composed(&mail);
	struct json *read = mime_read(message, strlen(message));
	const struct json *list = json_get(read, "attachments");
	int64_t bytes;

	assert_string_equal(json_text(json_get(read, "text")), "Zo\xc3\xab = 1\n.\nend");
	assert_int_equal(json_length(list), 2);
	assert_string_equal(json_text(json_get(json_first(list), "content_type")), "image/png");
	assert_true(json_int64(json_get(json_first(list), "bytes"), &bytes) && bytes == 3);
	assert_string_equal(json_text(json_get(json_next(json_first(list)), "name")), files[1].name);
	json_destroy(read);
}

static void any_bytes_can_be_read(void **state)
{
	static const char *const rows[] = {"", "\r\n\r\n", "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x",
	    "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\n--x--", "Subject: =?UTF-8?B?\r\n",
	    "Content-Disposition: attachment; filename*\r\n\r\nx", "Subject", "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\n\r\n=", "a: b\r\n c"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		json_destroy(mime_read(rows[i], strlen(rows[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_address_is_read_and_anything_else_refused),
	    cmocka_unit_test(no_value_can_end_its_field),
	    cmocka_unit_test(encoded_words_are_cut_between_characters),
	    cmocka_unit_test(names_are_atoms_or_quoted_or_encoded),
	    cmocka_unit_test(nobody_named_is_said_so),
	    cmocka_unit_test(the_head_has_each_field_once),
	    cmocka_unit_test(quoted_printable_keeps_what_servers_tamper_with),
	    cmocka_unit_test(no_line_of_a_body_is_longer_than_76),
	    cmocka_unit_test(levels_with_one_child_are_left_out),
	    cmocka_unit_test(file_names_are_one_line_and_no_path),
	    cmocka_unit_test(what_was_composed_is_read_back),
	    cmocka_unit_test(any_bytes_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
