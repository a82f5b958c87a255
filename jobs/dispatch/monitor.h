/* SPDX-License-Identifier: MIT */
/* The monitor of dispatches, which both vendors' modules share: options, a cycle, what it says and where. */
#ifndef JOBS_DISPATCH_MONITOR_H
#define JOBS_DISPATCH_MONITOR_H

#include <bmad/job.h>
#include <bmad/mem.h>

#include "jobs/dispatch/note.h"
#include "jobs/dispatch/vendor.h"

struct dispatch_options {
	const char *vendor, *bruin, *notes, *sms, *operator_name;
	struct texts chat;
	int64_t concurrency, state_ttl_ms, ledger_ttl_ms;
	const char *cancel_channel, *cancel_to;
};

extern const struct option dispatch_options[];

/* One cycle, or what `bmad dispatch-cancel` asks for. */
struct err *monitor_run(struct run *run, const struct vendor *vendor);

struct monitor {
	struct run *run;
	const struct dispatch_options *own;
	const struct vendor *vendor;
	struct api *vendor_api, *bruin;
	struct arena arena;
	struct dispatch *items; /* in the list's order, each number once */
	size_t count, capacity;
	int64_t actions, failures, ours, malformed, details_failed;
	int texts_expired, notes_expired; /* in a row: the channel stands still */
};

/* -- say.c: notes, texts, events -------------------------------------------------------------------- */

/* A data object with what every template may want of DISPATCH. */
struct json *say_data(const struct monitor *monitor, const struct dispatch *dispatch);

struct note_words {
	const char *kind, *stem;
	const char *mark;
	const char *number; /* that was texted, or NULL */
};

/* Appends a note and waits for it; *OUT_WHY is NULL if it is there. An error ends the cycle. */
struct err *say_note(struct monitor *monitor, const struct dispatch *dispatch, const struct note_words *words,
    const char **out_why) MUST_CHECK;

struct text_words {
	const char *kind, *stem;
	const char *to;    /* E.164 */
	const char *hours; /* "12-hour" */
	bool anew;         /* a text of this kind may have gone to this number before, about something else */
};

#define TEXTS_MAX 8 /* of a dispatch */

/* Whether a text went out, or may have: it is not to go out again. */
struct err *say_was_sent(struct monitor *monitor, const struct dispatch *dispatch,
    const struct text_words *words, bool *out_sent) MUST_CHECK;
/* The same for many dispatches, asked at once. */
struct ledger_question {
	struct message *messages;
	bool **answers; /* where each is to be put */
	size_t count, capacity, answer_capacity;
};
void say_ask(const struct monitor *monitor, const struct dispatch *dispatch, struct arena *arena,
    struct ledger_question *question, bool out_sent[TEXTS_MAX]);
struct err *say_answer(struct monitor *monitor, const struct ledger_question *question) MUST_CHECK;
struct err *say_text(struct monitor *monitor, const struct dispatch *dispatch, const struct text_words *words,
    const char **out_why) MUST_CHECK;

/* A line for the log and one for the chats; WHY NULL: it went well. DISPATCH NULL: it is about none. */
struct err *say_event(
    struct monitor *monitor, const struct dispatch *dispatch, const char *event, const char *why) MUST_CHECK;
/* The same at once, for a run that is about to fail; what hinders it is passed over. */
void say_last_words(struct monitor *monitor, const char *event, const char *why);

/* -- engine.c: the decisions ------------------------------------------------------------------------ */

/* What is known of one dispatch when it is its turn. */
struct visit {
	struct monitor *monitor;
	const struct dispatch *dispatch;
	struct notes notes;
	utc_t now;
	bool noted;  /* the confirmed note was tried in this visit */
	bool ran[2]; /* the confirmation of a party was */
	bool over;
	const bool *sent; /* engine_texts() that went out before, as the ledger had it when the round began */
	struct arena arena;
};

/* The texts of the dispatch's sequence, in the order of its steps; returns how many. */
size_t engine_texts(const struct dispatch *dispatch, struct text_words words[TEXTS_MAX]);

/* Whether there is something to do. */
bool engine_is_due(const struct visit *visit);
/* Does what is to be done. An error ends the cycle. */
struct err *engine_act(struct visit *visit) MUST_CHECK;
/* What is missing for the dispatch's sequence, in words; NULL: nothing. */
const char *engine_missing(const struct dispatch *dispatch);

/* -- details.c: reading tickets --------------------------------------------------------------------- */

#define UNREAD_TOLD 20 /* tickets that could not be read and are told one by one; then their number is */

/* Calls per dispatch and round of ITEMS; no two of them are of one ticket. */
struct err *details_visit(struct monitor *monitor, struct dispatch *const *items, size_t count) MUST_CHECK;
/* The answer of one ticket, to be destroyed. */
struct err *details_read(struct monitor *monitor, const char *ticket, struct json **out_details) MUST_CHECK;

/* -- cancel.c --------------------------------------------------------------------------------------- */

struct err *cancel_run(struct monitor *monitor, const char *number) MUST_CHECK;

#endif
