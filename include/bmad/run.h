/* SPDX-License-Identifier: MIT */
/*
 * The run: all that a job module may ask for and do.
 *
 * A run has one clock reading and one slot; what it queues and stores becomes real in one commit when its
 * function returns NULL, and never happened when it returns an error or dies.
 */
#ifndef BMAD_RUN_H
#define BMAD_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <bmad/api.h>
#include <bmad/err.h>
#include <bmad/json.h>
#include <bmad/message.h>
#include <bmad/option.h>
#include <bmad/sql.h>
#include <bmad/time.h>

struct run;

/* -- what the run is; texts are borrowed for as long as the run lasts -- */
const void *run_options(const struct run *run); /* the module's options structure, references resolved */
const char *run_job(const struct run *run);
const char *run_node(const struct run *run);  /* this host's name */
const struct tz *run_tz(const struct run *run); /* the job's time zone */
utc_t run_slot(const struct run *run);
utc_t run_now(const struct run *run);         /* read once, when the run began; --at sets it */
utc_t run_clock(const struct run *run);       /* for long runs: read anew; by hand it is run_now() */
int64_t run_id(const struct run *run);        /* its number in the history; 0: a dry run that has none */
bool run_is_dry(const struct run *run);
/*
 * What a run of bmad's own was given to work on, or an object of what the command line said beside
 * `--once JOB` (job_module.by_hand); NULL for a job's own.
 */
const struct json *run_given(const struct run *run);

/* -- where data comes from -- */

/* The connection to source NAME, kept between runs; borrowed until the run ends. */
struct err *run_source(struct run *run, const char *name, struct sql **out_db) MUST_CHECK;

/* The entry NAME of `apis` (bmad/api.h), signed in when it is first called; kept between runs. */
struct err *run_api(struct run *run, const char *name, struct api **out_api) MUST_CHECK;

/* The same for the API that CHANNEL goes by (a channel of tickets); CONFIG error if it is no such channel. */
struct err *run_channel_api(struct run *run, const char *channel, struct api **out_api) MUST_CHECK;

/*
 * Runs a program, without a shell, and waits for it. It gets the variables of ENV (an object of texts; NULL:
 * none) and of the daemon's environment only PATH, HOME, USER, LOGNAME, LANG, LC_*, TZ and TMPDIR. What it
 * writes to standard error is logged. It ends with the run, and what it started with it. PERMANENT error if
 * it does not end with exit status 0.
 */
struct program {
	struct texts argv; /* at least one; a name without a slash is looked for in PATH */
	const struct json *env;
	const char *input; /* for its standard input; NULL: nothing */
};
struct err *run_program(
    struct run *run, const struct program *program, const char **out_text, size_t *out_length) MUST_CHECK;

/* What URL answers to a plain GET, owned by the run. TEMPORARY error if it does not answer 200. */
struct err *run_fetch(
    struct run *run, const char *url, const char **out_text, size_t *out_length) MUST_CHECK;

/* The content of the file PATH, a relative one from the configuration's folder, owned by the run. */
struct err *run_read_file(
    struct run *run, const char *path, const char **out_text, size_t *out_length) MUST_CHECK;

/* The value that this job stored under KEY, owned by the run; NULL if there is none or it has expired. */
struct err *run_state_get(struct run *run, const char *key, const struct json **out_value) MUST_CHECK;
/* The same of another JOB, as its last commit left it. */
struct err *run_state_of(
    struct run *run, const char *job, const char *key, const struct json **out_value) MUST_CHECK;

/* Where this bmad keeps its store: a place for files that belong to it. */
const char *run_folder(struct run *run);

/* For many: reads what is stored under COUNT keys at once, so that run_state_get() of them asks nobody. */
struct err *run_states_load(struct run *run, const char *const *keys, size_t count) MUST_CHECK;

/*
 * For job_module.slots: a slot of this job. KEY (copied) is what is claimed: a slot whose key has a record
 * never runs again, and one whose instant changes has moved. A key that is empty, longer than SLOT_KEY_MAX
 * bytes or named twice, and an instant outside [from, to), are BUG errors of the hook as a whole.
 */
#define SLOT_KEY_MAX 500
void run_name_slot(struct run *run, const char *key, utc_t at);

/* -- what the run leaves behind, with its commit -- */

/* A new empty data object, owned by the run; pass it to run_queue() or run_send(). */
struct json *run_data(struct run *run);

/* Renders DATA for each channel of MESSAGE; it goes out after the commit. */
struct err *run_queue(struct run *run, const struct message *message, struct json *data) MUST_CHECK;

/*
 * Commits the message now, sends it with priority and waits for its outcome until it expires (MESSAGE must
 * have a channel, a key and `expires` or `within_ms`). The key is the ledger: if a message with it exists no second is
 * made and its state is the answer; only a dead one is tried anew. An error means that nothing was
 * committed.
 */
struct err *run_send(struct run *run, const struct message *message, struct json *data,
    enum outcome *out_outcome) MUST_CHECK;

/*
 * What became of COUNT messages, each named by channel, recipient (NULL: the channel's own) and key, that
 * nobody waits for any longer: OUTCOME_QUEUED while one is under way, OUTCOME_NONE if there is none, or a dead
 * one that may be tried anew. One question to the store, however many they are.
 */
struct err *run_sent(struct run *run, const struct message *messages, size_t count,
    enum outcome *out_outcomes) MUST_CHECK;

/* Stores VALUE (taken; NULL deletes) under KEY until EXPIRES (0: for good). */
void run_state_set(struct run *run, const char *key, struct json *value, utc_t expires);
/*
 * What run_state_set() was given so far becomes real now, whatever becomes of the run: for work in another
 * system that cannot be undone, so that the next run knows how far this one came. Messages wait for the
 * commit as ever. A dry run keeps nothing.
 */
struct err *run_state_keep(struct run *run) MUST_CHECK;

/* A number the run reports: in its log line, in the history and as bmad_job_value. */
void run_value(struct run *run, const char *name, double value);

/* -- what the run says -- */

/* The step it stands in: what a killed run is reported with. Costs nothing to speak of. */
void run_step(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A decision, narrated with --debug. */
void run_decide(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What was done, for the log (event job_log). */
void run_tell(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line for the log (event job_log), when the run goes on but something is worth telling. */
void run_warn(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
