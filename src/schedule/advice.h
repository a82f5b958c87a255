/* SPDX-License-Identifier: MIT */
/* Pure: what a schedule does that whoever wrote it may not expect. */
#ifndef SCHEDULE_ADVICE_H
#define SCHEDULE_ADVICE_H

#include "schedule/schedule.h"

/* COLUMN (from 1) is where TEXT's reason stands in the expression; it is the whole expression's if 1. */
typedef void advice_function(void *arg, int column, const char *text);

/*
 * Calls TELL for each step that does not divide its field, for day fields of which either is enough, and for
 * each change of the clocks within 12 months from FROM that swallows or repeats one of its times, with the
 * time and what will happen. Schedules that follow elapsed time through a change are not affected by it.
 */
void schedule_advise(const struct schedule *schedule, utc_t from, advice_function *tell, void *arg);

#endif
