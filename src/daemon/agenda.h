/* SPDX-License-Identifier: MIT */
/*
 * The agenda: which job is due next. A binary heap of 16 bytes a job, apart from the configuration, so that
 * walking it after a fork touches few pages.
 */
#ifndef DAEMON_AGENDA_H
#define DAEMON_AGENDA_H

#include <stdbool.h>
#include <stddef.h>

#include <bmad/time.h>

struct agenda_entry {
	utc_t at;
	uint32_t job; /* index in the configuration */
};

struct agenda {
	struct agenda_entry *heap;
	size_t count, capacity;
};

/* Nothing happens for UTC_NEVER. */
void agenda_add(struct agenda *agenda, uint32_t job, utc_t at);
/* JOB's entry, if it has one, goes; AT is when it is due instead. */
void agenda_move(struct agenda *agenda, uint32_t job, utc_t at);
/* When the earliest is due; UTC_NEVER if there is none. */
utc_t agenda_first(const struct agenda *agenda);
/* Takes the earliest out if it is due at NOW. */
bool agenda_take(struct agenda *agenda, utc_t now, struct agenda_entry *out_entry);
void agenda_done(struct agenda *agenda);

#endif
