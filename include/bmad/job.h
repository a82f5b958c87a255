/* SPDX-License-Identifier: MIT */
/*
 * A job module: one file in jobs/, ending in its descriptor, listed in jobs/jobs.c.
 *
 * A module reads from top to bottom and says only what is peculiar to it. There is no clock, no socket, no
 * credential, no transaction and no chat format in it: see run.h for what it asks for instead.
 */
#ifndef BMAD_JOB_H
#define BMAD_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include <bmad/err.h>
#include <bmad/json.h>
#include <bmad/message.h>
#include <bmad/option.h>
#include <bmad/run.h>
#include <bmad/sql.h>
#include <bmad/time.h>

struct job_module {
	const char *name;
	const char *summary;  /* one line for `bmad modules` */
	const char *schedule; /* its own; NULL: only what the job says */
	/*
	 * Its own for keys of the job, as one would write them (`all`, `24h`); NULL and false: none. They stand
	 * between the section `defaults`, which they override, and the job, which overrides them.
	 */
	const char *misfire, *max_late, *timeout;
	bool run_at_start;
	const struct option *options; /* NULL: none */
	size_t options_size;
	/* An interrupted run may run once more: true for modules that only queue messages. */
	bool restartable;
	bool names_channels; /* among its options: its jobs list none */
	const char *templates; /* the folder of its templates; NULL: its name */

	/*
	 * Options of `--once` that are this module's own, ending with NULL: "apply" for `--apply`, and with a
	 * `=` at its end one that takes a value. The run finds them in run_given(). NULL: none.
	 */
	const char *const *by_hand;

	/*
	 * Looks at options that a table cannot judge (two keys that exclude each other). CONFIG error
	 * beginning with the option's name; NULL function: nothing to judge. Reads nothing.
	 */
	struct err *(*check)(const void *options);
	/*
	 * For `bmad check --connect`: looks in its sources and APIs whether the options will do (a query that
	 * the database must understand). Reads only, like a dry run without a message. NULL: nothing to try
	 * beyond that they can be reached.
	 */
	struct err *(*connect)(struct run *run);
	/*
	 * With the schedule `@module`: names the slots of [from, to) with run_name_slot(). It reads sources as
	 * a run does (RUN has no slot of its own, and run_now() is when it was asked), queues and stores
	 * nothing, and answers the same for the same data however often it is asked.
	 */
	struct err *(*slots)(struct run *run, utc_t from, utc_t to);
	/* The run. What it queued is committed if it returns NULL. */
	struct err *(*run)(struct run *run);
	/*
	 * What must follow the commit in another database. Repeatable: a run that died before it is
	 * finished by the next.
	 */
	struct err *(*after_commit)(struct run *run);
	/*
	 * What the module's templates cannot do for themselves (choose a colour, pad a column), worked out
	 * from a data object and shown to them as `bmad.view`. Pure, and from DATA alone, whatever it
	 * lacks: `bmad render --data` shows the same as the run did, and the data object stays free of
	 * looks. NULL: none.
	 */
	struct json *(*view)(const struct json *data);
	/*
	 * A picture of a data object, as PNG, to be free()d; NULL if it has none. Pure like `view`, and drawn
	 * only for a mail whose HTML shows it, as `<img src="cid:chart">`. NULL function: none.
	 */
	char *(*chart)(const struct json *data, size_t *out_length);
};

/* Every module, ending with NULL: jobs/jobs.c. */
extern const struct job_module *const job_modules[];

#endif
