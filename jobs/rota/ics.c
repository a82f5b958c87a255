/* SPDX-License-Identifier: MIT */
/* RFC 5545: content lines (3.1), text (3.3.11), events of whole days (3.6.1). */
#include "jobs/rota/ics.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bmad/file.h>
#include <bmad/text.h>
#include <bmad/time.h>

#define LINE_OCTETS 75   /* without its end; the blank before a continued line counts */
#define FILE_MODE   0644 /* to be subscribed to */

/* -- lines ------------------------------------------------------------------------------------------ */

static void add_folded(struct buf *out, const char *text, size_t length)
{
	size_t room = LINE_OCTETS;

	while (length > room) {
		size_t taken = utf8_cut(text, length, room);

		buf_add(out, text, taken);
		buf_add_text(out, "\r\n ");
		text += taken;
		length -= taken;
		room = LINE_OCTETS - 1;
	}
	buf_add(out, text, length);
	buf_add_text(out, "\r\n");
}

void ics_line(struct buf *out, const char *name, const char *value)
{
	cleanup(free_text) char *line = mem_format("%s:%s", name, value);

	add_folded(out, line, strlen(line));
}

/* A CR alone or before LF is no character of text; other control characters have no place in it. */
void ics_text_line(struct buf *out, const char *name, const char *text)
{
	cleanup(buf_done) struct buf value = {0};

	for (; *text; text++) {
		if (*text == '\n')
			buf_add_text(&value, "\\n");
		else if (strchr("\\;,", *text))
			buf_format(&value, "\\%c", *text);
		else if ((unsigned char)*text >= ' ' || *text == '\t')
			buf_add_char(&value, *text);
	}
	ics_line(out, name, buf_text(&value));
}

/* -- the calendar ----------------------------------------------------------------------------------- */

static const char *basic_date(int64_t day, char out[TIME_TEXT])
{
	int year, month, date;

	civil_from_days(day, &year, &month, &date);
	snprintf(out, TIME_TEXT, "%04d%02d%02d", year, month, date);
	return out;
}

static const char *basic_time(utc_t at, char out[TIME_TEXT])
{
	struct civil civil;

	civil_from_utc(at, &civil);
	snprintf(out, TIME_TEXT, "%04d%02d%02dT%02d%02d%02dZ", civil.year, civil.month, civil.day, civil.hour,
	    civil.minute, civil.second);
	return out;
}

static struct err *add_event(
    const struct ics_calendar *calendar, const struct rota_day *day, struct arena *arena, struct buf *out)
{
	char text[TIME_TEXT], id[EVENT_ID_TEXT];
	const char *title;

	PASS(titles_make(calendar->titles, day, arena, &title));
	ics_line(out, "BEGIN", "VEVENT");
	ics_line(out, "UID", arena_format(arena, "%s@bmad", event_id(calendar->id, day->day, 0, id)));
	ics_line(out, "DTSTAMP", basic_time(calendar->now, text));
	ics_line(out, "LAST-MODIFIED", text);
	ics_line(out, "SEQUENCE", arena_format(arena, "%lld", (long long)day->sequence));
	ics_line(out, "DTSTART;VALUE=DATE", basic_date(day->day, text));
	ics_line(out, "DTEND;VALUE=DATE", basic_date(day->day + 1, text));
	ics_text_line(out, "SUMMARY", title);
	ics_line(out, "TRANSP", "TRANSPARENT");
	ics_line(out, "END", "VEVENT");
	return NULL;
}

static bool is_of(const struct rota_day *day, const char *person)
{
	return !person || !strcmp(day->lead, person) || !strcmp(day->assist, person);
}

struct err *ics_write(const struct ics_calendar *calendar, const char *person, struct buf *out)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *name = person ? arena_format(&arena, "%s: %s", calendar->id, person) : calendar->id;

	ics_line(out, "BEGIN", "VCALENDAR");
	ics_line(out, "VERSION", "2.0");
	ics_line(out, "PRODID", "-//bmad//rota " BMAD_VERSION "//EN");
	ics_line(out, "METHOD", "PUBLISH");
	ics_text_line(out, "X-WR-CALNAME", name);
	for (size_t i = 0; i < calendar->rota->count; i++)
		if (is_of(&calendar->rota->days[i], person))
			PASS(add_event(calendar, &calendar->rota->days[i], &arena, out));
	ics_line(out, "END", "VCALENDAR");
	return NULL;
}

/* -- files ------------------------------------------------------------------------------------------ */

/* A name that no file system takes for more than one: `/`, `%`, control characters and a first dot are %XX.
 */
static void file_name(struct buf *out, const char *person)
{
	for (const char *at = person; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f || *at == '/' || *at == '%' ||
		    (*at == '.' && at == person))
			buf_format(out, "%%%02X", (unsigned int)(unsigned char)*at);
		else
			buf_add_char(out, *at);
	buf_add_text(out, ".ics");
}

static struct err *write_person(const struct ics_calendar *calendar, int dir, const char *person)
{
	cleanup(buf_done) struct buf name = {0}, text = {0};

	file_name(&name, person);
	PASS(ics_write(calendar, person, &text));
	return file_replace(dir, buf_text(&name), buf_text(&text), text.length, FILE_MODE);
}

static struct err *write_people(
    const struct ics_calendar *calendar, const char *folder, const struct texts *names)
{
	struct err *e = NULL;
	int dir;

	PASS(file_open_folder(folder, &dir));
	for (size_t i = 0; !e && i < names->count; i++)
		e = write_person(calendar, dir, names->items[i]);
	close(dir);
	return ERR_AT(e, "write calendars of people in %s", folder);
}

struct err *ics_publish(
    const struct ics_calendar *calendar, const char *path, const char *folder, const struct texts *names)
{
	cleanup(buf_done) struct buf text = {0};

	PASS(ics_write(calendar, NULL, &text));
	PASS(file_replace_path(path, buf_text(&text), text.length, FILE_MODE));
	return folder ? write_people(calendar, folder, names) : NULL;
}
