/* SPDX-License-Identifier: MIT */
/*
 * What vendors and people write: no text may crash the readers of numbers, starts and notes, or of the XML of
 * a login; and what they find must hold what their callers rely on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "jobs/dispatch/note.h"
#include "jobs/dispatch/phone.h"
#include "jobs/dispatch/when.h"
#include "jobs/vendor/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void read_phone(const char *text)
{
	char number[PHONE_SIZE];

	if (!phone_read(text, number))
		return;
	size_t digits = strlen(number) - 1;
	require(number[0] == '+' && strspn(number + 1, "0123456789") == digits);
	require(digits >= 8 && digits <= 15 && number[1] != '0');
}

static void read_when(const char *text)
{
	struct when when;

	if (when_instant(text, &when))
		require(strlen(when.text) < WHEN_TEXT && strstr(when.text, " @ "));
	when_local(text, "9AM", "ET", &when);
	when_local("2024-06-18", text, "ET", &when);
	when_local("2024-06-18", "9AM", text, &when);
}

static void read_note(const char *text)
{
	cleanup(arena_done) struct arena arena = {0};
	struct note item = {.text = text};
	const char *name = notes_engineer(&(struct notes){&item, 1}, &arena);

	require(!name || (*name && !strpbrk(name, "\r\n")));
	note_belongs(text, "DIS1");
	after_label(text, "IGZ Dispatch Number:", &arena);
	require(same_name(text, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *text = arena_copy_n(&arena, (const char *)data, size);

	read_phone(text);
	read_when(text);
	read_note(text);
	xml_text((const char *)data, size, "sessionId", &arena);
	xml_escape(text, &arena);
	return 0;
}
