/* SPDX-License-Identifier: MIT */
/*
 * Escapes Markdown where it would show, and only there: a plant's names are full of `_`, `-`, `.` and `#`,
 * and readers see every needless `\` in clients that know less Markdown than others. One small predicate per
 * kind of mark; when in doubt (a value's edge, where the template's text goes on) they escape.
 */
#include "render/markdown.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define BREAK "\xE2\x80\x8B" /* U+200B, zero width space */

/* A place in the text. NUL stands for its edges; text holds none of its own. */
struct place {
	const char *text;
	size_t length;
	size_t at;
	bool line_start; /* only blanks before it on its line */
	bool pipes;
};

static char after(const struct place *p, size_t count)
{
	return p->at + count < p->length ? p->text[p->at + count] : '\0';
}

static char before(const struct place *p)
{
	return p->at ? p->text[p->at - 1] : '\0';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters and digits; bytes of other alphabets count as letters. */
static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool ends_word(char c)
{
	return c == '\0' || is_space(c);
}

/* With blanks on both sides it can neither open nor close emphasis. */
static bool is_emphasis(const struct place *p)
{
	return !(is_space(before(p)) && is_space(after(p, 1))) || p->line_start;
}

static bool is_underscore(const struct place *p)
{
	return is_emphasis(p) && !(is_word(before(p)) && is_word(after(p, 1)));
}

static bool always(const struct place *p)
{
	(void)p;
	return true;
}

static bool is_pipe(const struct place *p)
{
	return p->pipes;
}

/* A tag, a link, or one of a chat's own: <@id>, <#id>, <:emoji:id>. */
static bool is_angle(const struct place *p)
{
	char next = after(p, 1);

	return next == '\0' || strchr("/!?@#:", next) || (is_word(next) && !is_digit(next));
}

static bool is_entity(const struct place *p)
{
	size_t i = 1;

	while (is_word(after(p, i)) || after(p, i) == '#')
		i++;
	return i > 1 && after(p, i) == ';';
}

/* Before anything but punctuation a backslash is one. */
static bool is_escape(const struct place *p)
{
	char next = after(p, 1);

	return !is_word(next) && next != ' ' && next != '\t';
}

static bool is_heading(const struct place *p)
{
	size_t i = 1;

	while (after(p, i) == '#')
		i++;
	return p->line_start && ends_word(after(p, i));
}

static bool is_quote(const struct place *p)
{
	return p->line_start;
}

/* A list's mark, or the first of a rule or underline `---`. */
static bool is_bullet(const struct place *p)
{
	char next = after(p, 1);

	return p->line_start && (ends_word(next) || next == p->text[p->at]);
}

/* Unlike the others, stands behind what makes it a mark: the digits of `1. `. */
static bool is_number_mark(const struct place *p)
{
	size_t i = p->at;

	while (i && is_digit(p->text[i - 1]))
		i--;
	if (i == p->at || p->at - i > 9 || !ends_word(after(p, 1)))
		return false;
	while (i && (p->text[i - 1] == ' ' || p->text[i - 1] == '\t'))
		i--;
	return !i || p->text[i - 1] == '\n';
}

static bool calls_everybody(const struct place *p)
{
	static const char *const words[] = {"all", "channel", "everyone", "here"};
	size_t left = p->length - p->at - 1;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (left >= strlen(words[i]) && !strncasecmp(p->text + p->at + 1, words[i], strlen(words[i])))
			return true;
	return false;
}

/*
 * An @ that begins a word calls somebody; within a word it is an address, but what a chat takes for a word is
 * its own affair: nothing that calls everybody is left to it.
 */
static bool is_mention(const struct place *p)
{
	char next = after(p, 1);

	if (is_word(before(p)))
		return calls_everybody(p);
	return is_word(next) || next == '!' || next == '&';
}

static const struct mark {
	char c;
	bool (*is_mark)(const struct place *p);
} marks[] = {
    {'*', is_emphasis},
    {'`', is_emphasis},
    {'~', is_emphasis},
    {'_', is_underscore},
    {'[', always},
    {']', always},
    {'|', is_pipe},
    {'<', is_angle},
    {'&', is_entity},
    {'\\', is_escape},
    {'#', is_heading},
    {'>', is_quote},
    {'+', is_bullet},
    {'-', is_bullet},
    {'=', is_bullet},
    {'.', is_number_mark},
    {')', is_number_mark},
};

static bool needs_backslash(const struct place *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (marks[i].c == p->text[p->at])
			return marks[i].is_mark(p);
	return false;
}

/* `<at>` and `</at>`: looked for by Teams before it reads Markdown. */
static bool is_at_tag(const struct place *p)
{
	size_t i = p->at + 1;

	if (p->text[p->at] != '<')
		return false;
	if (i < p->length && p->text[i] == '/')
		i++;
	return p->length - i >= 2 && !strncasecmp(p->text + i, "at", 2) &&
	       (p->length - i == 2 || !is_word(p->text[i + 2]));
}

static void add_place(struct buf *out, const struct place *p)
{
	char c = p->text[p->at];

	if (needs_backslash(p))
		buf_add_char(out, '\\');
	buf_add_char(out, c);
	if (is_at_tag(p) || (c == '@' && is_mention(p)))
		buf_add_text(out, BREAK);
}

static bool is_special(char c)
{
	return memchr("*`~_[]|<&\\#>+-=.)@", c, 18);
}

void markdown_add(struct buf *out, const char *text, size_t length, bool pipes)
{
	struct place p = {text, length, 0, true, pipes};

	for (; p.at < length; p.at++) {
		char c = text[p.at];

		if (is_special(c))
			add_place(out, &p);
		else
			buf_add_char(out, c);
		p.line_start = c == '\n' || (p.line_start && (c == ' ' || c == '\t'));
	}
}
