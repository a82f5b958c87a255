/* SPDX-License-Identifier: MIT */
/* Notes: read from a ticket's answer, told apart by reference and watermark. */
#include "jobs/dispatch/note.h"

#include <string.h>
#include <strings.h>

#include <bmad/buf.h>
#include <bmad/text.h>

#include "jobs/dispatch/when.h"

/* -- lines -------------------------------------------------------------------------------------------- */

struct line {
	const char *text;
	size_t length;
};

/* The next line at *AT, which ends with CR, LF or both; false: there is no more text. */
static bool next_line(const char **at, struct line *out)
{
	if (!**at)
		return false;
	*out = (struct line){*at, strcspn(*at, "\r\n")};
	*at += out->length;
	if ((*at)[0] == '\r' && (*at)[1] == '\n')
		*at += 2;
	else if (**at)
		++*at;
	return true;
}

/* Bytes of the blank at TEXT: ASCII's, the one that does not break, and the ones that nobody sees. */
static size_t blank(const char *text)
{
	static const char *const wide[] = {"\xC2\xA0", "\xE2\x80\x8B", "\xEF\xBB\xBF"};

	if (*text && ((unsigned char)*text <= ' ' || *text == 127))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (!strncmp(text, wide[i], strlen(wide[i])))
			return strlen(wide[i]);
	return 0;
}

const char *on_one_line(const char *text, struct arena *arena)
{
	cleanup(buf_done) struct buf out = {0};
	bool gap = false;

	for (; text && *text; text++) {
		size_t bytes = blank(text);

		gap = gap || bytes;
		if (bytes) {
			text += bytes - 1;
			continue;
		}
		if (gap && out.length)
			buf_add_char(&out, ' ');
		gap = false;
		buf_add_char(&out, *text);
	}
	return arena_copy(arena, buf_text(&out));
}

static const char *tidy(const struct line *line, struct arena *arena)
{
	return on_one_line(arena_copy_n(arena, line->text, line->length), arena);
}

bool same_name(const char *a, const char *b)
{
	cleanup(arena_done) struct arena arena = {0};

	return !strcasecmp(on_one_line(a, &arena), on_one_line(b, &arena));
}

const char *after_label(const char *text, const char *label, struct arena *arena)
{
	struct line line;

	while (text && next_line(&text, &line)) {
		const char *found = memmem(line.text, line.length, label, strlen(label));

		if (!found)
			continue;
		found += strlen(label);
		found += strspn(found, " \t");
		const char *end = line.text + line.length;
		return arena_copy_n(arena, found, found < end ? (size_t)(end - found) : 0);
	}
	return NULL;
}

/* -- whose -------------------------------------------------------------------------------------------- */

/* Whether REFERENCE is the first word behind one of the line's watermarks. */
static bool line_belongs(struct line line, const char *reference)
{
	const char *end = line.text + line.length, *found;

	while ((found = memmem(line.text, line.length, MARK_ENGINE, strlen(MARK_ENGINE)))) {
		found += strlen(MARK_ENGINE);
		line = (struct line){found, (size_t)(end - found)};
		while (found < end && strchr(" \t", *found))
			found++;
		size_t length = strcspn(found, " \t\r\n");
		if (length == strlen(reference) && !memcmp(found, reference, length))
			return true;
	}
	return false;
}

bool note_belongs(const char *text, const char *reference)
{
	struct line line;

	while (next_line(&text, &line))
		if (line_belongs(line, reference))
			return true;
	return false;
}

/* Oldest first; what came first stays first. One without a date that can be read is older than all. */
static void insert(struct notes *notes, const char *text, const char *created)
{
	struct note note = {.created = INT64_MIN, .text = text};
	size_t at = notes->count++;

	if (!created || !when_ticks(created, &note.created))
		note.created = INT64_MIN;
	for (; at > 0 && notes->items[at - 1].created > note.created; at--)
		notes->items[at] = notes->items[at - 1];
	notes->items[at] = note;
}

void notes_read(const struct json *details, const char *reference, struct arena *arena, struct notes *out)
{
	const struct json *list = json_get(details, "ticketNotes");

	*out = (struct notes){0};
	if (!json_is(list, JSON_ARRAY))
		return;
	out->items = arena_alloc(arena, (json_length(list) + 1) * sizeof(*out->items));
	json_each(item, list) {
		const char *text = json_text(json_get(item, "noteValue"));

		if (text && note_belongs(text, reference))
			insert(out, text, json_text(json_get(item, "createdDate")));
	}
}

bool notes_have(const struct notes *notes, const char *mark)
{
	for (size_t i = 0; i < notes->count; i++)
		if (strstr(notes->items[i].text, mark))
			return true;
	return false;
}

/* -- the engineer ------------------------------------------------------------------------------------- */

/* The line behind the label, NULL if it is empty or there is no label (somebody edited the note). */
static const char *engineer_of(const char *text, struct arena *arena)
{
	struct line line;

	while (next_line(&text, &line)) {
		const char *label = tidy(&line, arena);

		if (strcmp(label, ENGINEER_LINE) != 0 && strcmp(label, "The " ENGINEER_LINE) != 0)
			continue;
		const char *name = next_line(&text, &line) ? tidy(&line, arena) : "";
		return *name ? name : NULL;
	}
	return NULL;
}

const char *notes_engineer(const struct notes *notes, struct arena *arena)
{
	const char *known = NULL;
	bool confirmed = false;

	for (size_t i = 0; i < notes->count; i++) {
		const char *text = notes->items[i].text;
		bool first = !confirmed && strstr(text, MARK_CONFIRMED);

		confirmed = confirmed || first;
		if (!first && !strstr(text, MARK_CHANGED))
			continue;
		const char *name = engineer_of(text, arena);
		known = name ? name : known;
	}
	return known;
}
