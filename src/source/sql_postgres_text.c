/* SPDX-License-Identifier: MIT */
/* `:name` to `$1`, as PostgreSQL reads its statements (its manual: "Lexical Structure"). Pure. */
#include "source/sql_postgres.h"

#include <string.h>

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return is_name_start(c) || is_digit(c);
}

static size_t name_length(const char *at)
{
	size_t length = 0;

	if (is_name_start(*at))
		while (is_name_char(at[length]))
			length++;
	return length;
}

/* -- what holds no parameter: each returns where it ends --------------------------------------------- */

/* A doubled quote is one of the text. */
static const char *skip_quoted(const char *at, bool escapes)
{
	char quote = *at++;

	while (*at) {
		if (escapes && *at == '\\' && at[1]) {
			at += 2;
		} else if (*at == quote) {
			if (at[1] != quote)
				return at + 1;
			at += 2;
		} else {
			at++;
		}
	}
	return at;
}

/* They nest. */
static const char *skip_comment(const char *at)
{
	int depth = 1;

	for (at += 2; *at && depth; at++) {
		if (at[0] == '/' && at[1] == '*') {
			depth++;
			at++;
		} else if (at[0] == '*' && at[1] == '/') {
			depth--;
			at++;
		}
	}
	return at;
}

/* $$...$$ and $tag$...$tag$; a `$` that opens neither is passed over alone. */
static const char *skip_dollars(const char *at)
{
	size_t fence = name_length(at + 1) + 2;

	if (at[fence - 1] != '$')
		return at + 1;
	for (const char *end = at + fence; (end = strchr(end, '$')); end++)
		if (!strncmp(end, at, fence))
			return end + fence;
	return at + strlen(at);
}

/* A name or number; e'...' is a string with backslashes. Dollars may be inside a name. */
static const char *skip_word(const char *at)
{
	const char *end = at;

	while (is_name_char(*end) || *end == '$')
		end++;
	if (*end == '\'' && end == at + 1 && (*at == 'e' || *at == 'E'))
		return skip_quoted(end, true);
	return end;
}

static const char *skip_token(const char *at)
{
	if (is_name_char(*at))
		return skip_word(at);
	if (*at == '\'' || *at == '"')
		return skip_quoted(at, false);
	if (*at == '$')
		return skip_dollars(at);
	if (at[0] == '-' && at[1] == '-')
		return at + strcspn(at, "\n");
	if (at[0] == '/' && at[1] == '*')
		return skip_comment(at);
	if (at[0] == ':' && (at[1] == ':' || at[1] == '='))
		return at + 2;
	return at + 1;
}

/* -- parameters -------------------------------------------------------------------------------------- */

static size_t number_of(struct positional *out, const struct sql_param *param)
{
	for (size_t i = 0; i < out->count; i++)
		if (out->params[i] == param)
			return i + 1;
	mem_grow(out->params, out->count, out->capacity);
	out->params[out->count++] = param;
	return out->count;
}

static struct err *add_parameter(struct positional *out, const char *text, const char *at,
    const struct sql_param *params, size_t count, const char **out_end)
{
	size_t length = name_length(at + 1);
	cleanup(free_text) char *name = mem_copy_n(at + 1, length);
	const struct sql_param *param = sql_param_find(params, count, name);

	if (!param)
		return ERR(ERR_PERMANENT, "no value for the parameter :%s", name);
	buf_format(&out->text, "$%zu", number_of(out, param));
	*out_end = at + 1 + length;
	mem_grow(out->marks, out->mark_count, out->mark_capacity);
	out->marks[out->mark_count++] =
	    (struct mark){.written = (size_t)(*out_end - text), .sent = out->text.length};
	return NULL;
}

struct err *positional_make(
    const char *text, const struct sql_param *params, size_t count, struct positional *out)
{
	for (const char *at = text, *end; *at; at = end) {
		if (*at == ':' && is_name_start(at[1])) {
			PASS(add_parameter(out, text, at, params, count, &end));
			continue;
		}
		if (*at == '$' && is_digit(at[1]))
			return ERR(ERR_PERMANENT, "parameter %.*s is not written as :name",
			    1 + (int)strspn(at + 1, "0123456789"), at);
		end = skip_token(at);
		buf_add(&out->text, at, (size_t)(end - at));
	}
	return NULL;
}

void positional_done(struct positional *positional)
{
	buf_done(&positional->text);
	free(positional->params);
	free(positional->marks);
	*positional = (struct positional){0};
}

/* -- places ------------------------------------------------------------------------------------------ */

static bool continues_character(char c)
{
	return (c & 0xC0) == 0x80;
}

static size_t offset_of(const char *text, int character)
{
	const char *at = text;

	for (; *at && character > 1; character--)
		do
			at++;
		while (continues_character(*at));
	return (size_t)(at - text);
}

void positional_place(
    const struct positional *positional, const char *text, int character, int *out_line, int *out_column)
{
	size_t at = offset_of(buf_text(&positional->text), character), length = strlen(text);
	size_t last = positional->mark_count;

	while (last && positional->marks[last - 1].sent > at)
		last--;
	if (last)
		at = at - positional->marks[last - 1].sent + positional->marks[last - 1].written;
	*out_line = *out_column = 1;
	for (size_t i = 0; i < at && i < length; i++) {
		if (text[i] == '\n') {
			++*out_line;
			*out_column = 1;
		} else if (!continues_character(text[i + 1])) {
			++*out_column;
		}
	}
}
