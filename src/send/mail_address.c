/* SPDX-License-Identifier: MIT */
/* Addresses by RFC 5322 as far as they are of use: a dot-atom, an @, a host name; no comments, no routes. */
#include "send/mail_address.h"

#include <stdbool.h>
#include <string.h>

#include <idn2.h>

#include "base/buf.h"
#include "base/text.h"

#define LOCAL_MAX  64 /* RFC 5321, section 4.5.3.1 */
#define DOMAIN_MAX 253
#define LABEL_MAX  63
#define SHOWN      80 /* bytes of a wrong address that an error repeats */

static struct err *refuse(const char *text, const char *why)
{
	return ERR(ERR_CONFIG, "`%.*s` is no e-mail address: %s", (int)utf8_cut(text, strlen(text), SHOWN),
	    text, why);
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_atom_character(char c)
{
	return c && (is_letter_or_digit(c) || strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_atom(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool dot = text[i] == '.';

		if (dot && (i == 0 || i + 1 == length || text[i + 1] == '.'))
			return false;
		if (!dot && !is_atom_character(text[i]))
			return false;
	}
	return length > 0;
}

static bool is_label(const char *text, size_t length)
{
	if (!length || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_letter_or_digit(text[i]) && text[i] != '-')
			return false;
	return true;
}

static bool is_host_name(const char *text)
{
	if (!*text || strlen(text) > DOMAIN_MAX)
		return false;
	for (;; text++) {
		size_t length = strcspn(text, ".");

		if (!is_label(text, length))
			return false;
		text += length;
		if (!*text)
			return true;
	}
}

/* The domain as the wire has it, or NULL. */
static const char *ascii_domain(const char *domain, struct arena *arena)
{
	char *ascii = NULL;
	const char *copy = NULL;

	if (!utf8_valid(domain, strlen(domain)))
		return NULL;
	if (idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK &&
	    is_host_name(ascii))
		copy = arena_copy(arena, ascii);
	idn2_free(ascii);
	return copy;
}

/* TEXT is what was written, for the error; SPEC the part of it that should be local@domain. */
static struct err *parse_spec(
    const char *text, const char *spec, struct arena *arena, struct mail_address *out)
{
	const char *at = strrchr(spec, '@');
	const char *domain;

	if (!at)
		return refuse(text, "there is no @");
	if ((size_t)(at - spec) > LOCAL_MAX || !is_dot_atom(spec, (size_t)(at - spec)))
		return refuse(text, "before the @ letters, digits and most marks may stand, no others");
	domain = ascii_domain(at + 1, arena);
	if (!domain)
		return refuse(text, "after the @ a host name is wanted");
	out->address = arena_format(arena, "%.*s@%s", (int)(at - spec), spec, domain);
	out->domain = strrchr(out->address, '@') + 1;
	return NULL;
}

char *mail_one_line(const char *text, struct arena *arena)
{
	cleanup(buf_done) struct buf clean = {0}, line = {0};

	utf8_add(&clean, text, strlen(text));
	for (const char *c = buf_text(&clean); *c; c++) {
		bool blank = (unsigned char)*c <= ' ' || *c == 127;

		if (!blank)
			buf_add_char(&line, *c);
		else if (line.length && line.text[line.length - 1] != ' ')
			buf_add_char(&line, ' ');
	}
	while (line.length && line.text[line.length - 1] == ' ')
		buf_truncate(&line, line.length - 1);
	return arena_copy(arena, buf_text(&line));
}

/* What stands before the `<`: words, or a quoted string without its quotes; NULL: neither. */
static const char *display_name(const char *text, size_t length, struct arena *arena)
{
	const char *name = mail_one_line(arena_copy_n(arena, text, length), arena);
	cleanup(buf_done) struct buf plain = {0};
	const char *c = name;

	if (*name != '"')
		return strpbrk(name, "\"<>@,;:()[]\\") ? NULL : name;
	for (c++; *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		buf_add_char(&plain, *c);
	}
	return *c == '"' && !c[1] ? arena_copy(arena, buf_text(&plain)) : NULL;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			return true;
	return false;
}

struct err *mail_address_parse(const char *text, struct arena *arena, struct mail_address *out)
{
	size_t length = strlen(text);
	const char *open = strrchr(text, '<');
	struct mail_address address = {.name = ""};

	if (has_control(text))
		return refuse(text, "it holds a line break or another control character");
	while (length && text[length - 1] == ' ')
		length--;
	if (open) {
		if (text[length - 1] != '>')
			return refuse(text, "the `<` is not closed at its end");
		address.name = display_name(text, (size_t)(open - text), arena);
		if (!address.name)
			return refuse(text, "a name with such marks must stand in quotes");
		PASS(parse_spec(text, arena_copy_n(arena, open + 1, length - (size_t)(open + 1 - text) - 1),
		    arena, &address));
	} else {
		size_t blanks = strspn(text, " ");

		blanks = blanks < length ? blanks : length;
		PASS(parse_spec(text, arena_copy_n(arena, text + blanks, length - blanks), arena, &address));
	}
	*out = address;
	return NULL;
}
