/* SPDX-License-Identifier: MIT */
/*
 * The slots that a module has named for one of its jobs, as it said last. Pure.
 *
 * A slot is known by its key: one that comes again at another instant has moved, and one that was taken
 * stays taken wherever it moves.
 */
#ifndef DAEMON_SLOT_LIST_H
#define DAEMON_SLOT_LIST_H

#include <bmad/time.h>

#include "base/mem.h"
#include "request/request.h"

struct listed_slot {
	utc_t at;
	const char *key;
	bool taken; /* it was due, and is claimed or recorded */
};

/* The zero value is a list of which nothing is known. */
struct slot_list {
	struct listed_slot *items; /* in the order of time */
	size_t count;
	utc_t until; /* what is due before this is known; 0: nothing is */
	struct arena arena;
};

/* Takes over NAMES (in the order of time, copied), all there are up to UNTIL. */
void slot_list_replace(struct slot_list *list, const struct slot_name *names, size_t count, utc_t until);
/* Every slot up to AT counts as taken. */
void slot_list_take(struct slot_list *list, utc_t at);
void slot_list_done(struct slot_list *list);

/* Of those not taken: the first strictly after AFTER (UTC_NEVER), the last strictly before BEFORE (-1). */
utc_t slot_list_next(const struct slot_list *list, utc_t after);
utc_t slot_list_prev(const struct slot_list *list, utc_t before);
/* The place of the first of those not taken, from PLACE on, that is at AT; `count` if there is none. */
size_t slot_list_find(const struct slot_list *list, utc_t at, size_t place);

#endif
