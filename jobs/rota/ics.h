/* SPDX-License-Identifier: MIT */
/* The rota as an iCalendar object (RFC 5545), and as files of that. */
#ifndef JOBS_ROTA_ICS_H
#define JOBS_ROTA_ICS_H

#include <bmad/buf.h>

#include "jobs/rota/event.h"

struct ics_calendar {
	const char *id;
	const struct rota *rota;
	const struct titles *titles;
	utc_t now; /* time of generation */
};

/* Adds `NAME:TEXT` to OUT: escaped if it is text, folded at 75 octets, ended by CR LF. */
void ics_line(struct buf *out, const char *name, const char *value);
void ics_text_line(struct buf *out, const char *name, const char *text);

/* The whole calendar; PERSON: only the days of that one (NULL: all). */
struct err *ics_write(const struct ics_calendar *calendar, const char *person, struct buf *out) MUST_CHECK;

/* The calendar at PATH, and in FOLDER (NULL: none) one file for each of NAMES. */
struct err *ics_publish(const struct ics_calendar *calendar, const char *path, const char *folder,
    const struct texts *names) MUST_CHECK;

#endif
