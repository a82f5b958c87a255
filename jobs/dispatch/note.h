/* SPDX-License-Identifier: MIT */
/*
 * The notes on a ticket, which are the memory of the monitors: whose a note is, which step it stands for, and
 * which engineer was last told of. Pure.
 */
#ifndef JOBS_DISPATCH_NOTE_H
#define JOBS_DISPATCH_NOTE_H

#include <stdbool.h>

#include <bmad/json.h>
#include <bmad/mem.h>

#define MARK_ENGINE    "#*Automation Engine*#"
#define MARK_REQUESTED "Dispatch Management - Dispatch Requested"
#define MARK_CANCEL    "Dispatch Management - Dispatch Cancel Requested"
#define MARK_CONFIRMED "Dispatch Management - Dispatch Confirmed"
#define MARK_CHANGED   "The Field Engineer assigned to this dispatch has changed"
#define ENGINEER_LINE  "Field Engineer"

struct note {
	int64_t created; /* for ordering */
	const char *text;
};

/* Of one reference, oldest first. */
struct notes {
	struct note *items;
	size_t count;
};

/* Those of DETAILS (a ticket's answer, which outlives them) that belong to REFERENCE. */
void notes_read(const struct json *details, const char *reference, struct arena *arena, struct notes *out);

/* Whether TEXT is a note of REFERENCE. */
bool note_belongs(const char *text, const char *reference);

/* Whether one of them holds MARK. */
bool notes_have(const struct notes *notes, const char *mark);

/* The engineer's name as the notes have it last, in ARENA; NULL: they do not tell. */
const char *notes_engineer(const struct notes *notes, struct arena *arena);

/* Whether two names are the same but for blanks and the case of letters. */
bool same_name(const char *a, const char *b);

/* TEXT as it may stand on a line of its own: blanks of any kind and control characters are one blank. */
const char *on_one_line(const char *text, struct arena *arena);

/* What follows LABEL and blanks on the first line of TEXT that holds LABEL, up to the line's end; or NULL. */
const char *after_label(const char *text, const char *label, struct arena *arena);

#endif
