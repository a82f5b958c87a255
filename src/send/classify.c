/* SPDX-License-Identifier: MIT */
/* What an answer means by itself, before a channel type looks into its body. Pure. */
#include "send/channels.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define EXCERPT_MAX 200 /* bytes of an answer that are worth a reason */

struct status_range {
	long first, last;
	enum verdict verdict;
};

/* The first row that holds a status judges it. */
static const struct status_range ranges[] = {
    {200, 299, VERDICT_DELIVERED},
    {300, 399, VERDICT_GONE}, /* never followed: a 302 turns POST into GET, and a log-in page answers 200 */
    {401, 401, VERDICT_GONE},
    {403, 404, VERDICT_GONE},
    {407, 407, VERDICT_GONE},
    {408, 408, VERDICT_LATER},
    {410, 410, VERDICT_GONE},
    {421, 421, VERDICT_LATER},
    {425, 425, VERDICT_LATER},
    {429, 429, VERDICT_LATER},
    {451, 451, VERDICT_GONE},
    {400, 499, VERDICT_REJECTED},
    {501, 501, VERDICT_REJECTED},
    {505, 505, VERDICT_REJECTED},
    {500, 599, VERDICT_LATER},
};

bool status_listed(const struct texts *statuses, long status)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", status);
	for (size_t i = 0; i < statuses->count; i++)
		if (!strcmp(statuses->items[i], text))
			return true;
	return false;
}

enum verdict status_verdict(const struct conf_channel *channel, long status)
{
	if (status_listed(&channel->retry_on, status))
		return VERDICT_LATER;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (status >= ranges[i].first && status <= ranges[i].last)
			return ranges[i].verdict;
	return VERDICT_UNCERTAIN; /* no HTTP server says 666 or 42 */
}

static bool is_blank(unsigned char c)
{
	return c <= ' ' || c == 127;
}

const char *answer_excerpt(const char *text, size_t length, size_t limit, struct arena *arena)
{
	struct buf clean = {0};
	const char *excerpt;

	for (size_t i = 0; i < length && clean.length < limit;) {
		size_t bytes = utf8_length(text + i, length - i);

		if (bytes && clean.length + bytes > limit)
			break;
		if (!bytes)
			buf_add_char(&clean, '?');
		else if (!is_blank((unsigned char)text[i]))
			buf_add(&clean, text + i, bytes);
		else if (clean.length && clean.text[clean.length - 1] != ' ')
			buf_add_char(&clean, ' ');
		i += bytes ? bytes : 1;
	}
	while (clean.length && clean.text[clean.length - 1] == ' ')
		buf_truncate(&clean, clean.length - 1);
	excerpt = arena_copy(arena, buf_text(&clean));
	buf_done(&clean);
	return excerpt;
}

static const char *status_reason(const struct wire_answer *answer, struct arena *arena)
{
	const char *said = "";

	/* What comes with a redirect may be its target, and that may hold a secret. */
	if (answer->body && (answer->status < 300 || answer->status > 399))
		said = answer_excerpt(answer->body, answer->body_length, EXCERPT_MAX, arena);
	return arena_format(arena, "HTTP %ld%s%s", answer->status, *said ? ": " : "", said);
}

void classify_http(const struct conf_channel *channel, const struct wire_answer *answer, struct arena *arena,
    struct classification *out)
{
	*out = (struct classification){.retry_after_ms = -1};
	if (answer->status) { /* an answer that came is an answer, however its transfer ended */
		out->verdict = status_verdict(channel, answer->status);
		out->reason = status_reason(answer, arena);
		out->too_large = answer->status == 413;
		out->for_good = answer->status == 410;
		return;
	}
	out->verdict = answer->request_sent ? VERDICT_UNCERTAIN : VERDICT_LATER;
	out->reason = answer->fault ? arena_copy(arena, answer->fault) : "no answer";
}

struct json *answer_json(const struct wire_answer *answer)
{
	struct json *value = NULL;

	if (!answer->complete || !answer->body || !answer->body_length)
		return NULL;
	err_ignore(json_parse(answer->body, answer->body_length, &value));
	return value;
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text || !is_word_byte(at[-1])) && !is_word_byte(at[length]))
			return true;
	return false;
}

const struct said *said_in(const struct said *table, const char *text)
{
	for (; text && table->word; table++)
		if (has_word(text, table->word))
			return table;
	return NULL;
}

void judge_as_said(
    const struct conf_channel *channel, long status, const struct said *row, struct classification *out)
{
	if (!row || status_listed(&channel->retry_on, status))
		return;
	out->verdict = row->verdict;
	out->for_good = row->for_good;
}

bool answer_is(const struct wire_answer *answer, const char *text)
{
	const char *body = answer->body ? answer->body : "";
	size_t first = strspn(body, " \t\r\n"), length = answer->body ? answer->body_length : 0;

	while (length > first && strchr(" \t\r\n", body[length - 1]))
		length--;
	return length - first == strlen(text) && !memcmp(body + first, text, length - first);
}

bool is_2xx(const struct wire_answer *answer)
{
	return answer->status >= 200 && answer->status <= 299;
}
