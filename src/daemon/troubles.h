/* SPDX-License-Identifier: MIT */
/*
 * Troubles: what stands wrong, since when, and what has been told of it. Pure bookkeeping: time comes in,
 *names stand for jobs and channels, and who is told what is asked of a policy.
 *
 *	troubles_begin(troubles, &report);               a run failed
 *	troubles_over(troubles, &subject, run, now_ms);  the next one was ok
 *	due = troubles_due(troubles, now_ms);            set a timer
 *	telling = troubles_tell(troubles, now_ms);       what is to be told now, to whom
 *	troubles_told(troubles);                         it is in the outbox
 *
 * A trouble is told once when it begins, again every `repeat` while it lasts, and once when it is over. What
 * begins or ends in one minute of the clock is told at its end, together.
 */
#ifndef DAEMON_TROUBLES_H
#define DAEMON_TROUBLES_H

#include <bmad/json.h>
#include <bmad/time.h>

#include "base/mem.h"

#define TROUBLES_SHOWN 10 /* in one message; more are counted */

enum trouble_kind {
	TROUBLE_RUN,      /* a job's last run failed or was degraded */
	TROUBLE_SLOT,     /* a job missed a slot, and none has run well since */
	TROUBLE_SCHEDULE, /* a job cannot name its slots */
	TROUBLE_MESSAGE,  /* messages of a job through a channel are dead or ambiguous */
	TROUBLE_CHANNEL,  /* a channel stands still */
	TROUBLE_KINDS
};

/* What somebody noticed. Texts are copied. */
struct trouble_report {
	enum trouble_kind kind;
	const char *job;     /* NULL: no job's */
	const char *channel; /* NULL: no channel's */
	const char *state;   /* "failed", "crashed", "missed", "dead", "suspended", ... */
	const char *text;    /* what is known, for people; NULL: nothing */
	const char *message; /* id of the last one; NULL */
	int64_t run;         /* the last one; 0 */
	utc_t slot;          /* 0: none */
	int64_t at_ms;
	int64_t hold_ms;           /* what is over sooner than this is not worth a word */
	const struct json *frames; /* of a traceback; NULL: none */
};

/* What is to be done with a trouble. */
struct trouble_policy {
	const char *const *channels; /* that are told; none: there is nobody */
	size_t count;
	int64_t repeat_ms;
	bool silent;       /* nobody wants to know: the trouble is forgotten */
	const char *about; /* what the job is for; NULL */
};

struct trouble_subject {
	enum trouble_kind kind;
	const char *job, *channel;
};

/* CHANNELS live until the next call. */
typedef void trouble_asker(
    void *arg, const struct trouble_subject *subject, struct trouble_policy *out_policy);

struct troubles;

struct troubles *troubles_create(trouble_asker *ask, void *arg);
void troubles_destroy(struct troubles *troubles);

void troubles_begin(struct troubles *troubles, const struct trouble_report *report);
/* RUN: the one that went well; what a later run began is not over. 0: whatever it was. */
void troubles_over(
    struct troubles *troubles, const struct trouble_subject *subject, int64_t run, int64_t now_ms);
/* The channel delivers again: neither it nor what was lost by it is a trouble any more. */
void troubles_channel_over(struct troubles *troubles, const char *channel, int64_t now_ms);

/* When something is to be told; INT64_MAX: nothing is. */
int64_t troubles_due(struct troubles *troubles, int64_t now_ms);

/* What is to be told. */
struct telling {
	/*
	 * {"messages": [{"channel", "troubles": [...], "more"}], "state": ...}, for the run that tells; the
	 * state is to be kept also when there are no messages.
	 */
	struct json *order;
	size_t begun, lasting,
	    over;          /* troubles in it, and told for the first time, again, for the last time */
	const char *first; /* of them, in few words */
	size_t unheard;    /* of them: nobody can be told but through the very channel that fails */
	const char *first_unheard;
	struct arena arena; /* of these texts */
};
/* False: nothing is due, or what was taken before is not told yet. */
bool troubles_tell(struct troubles *troubles, int64_t now_ms, struct telling *out_telling);
void telling_done(struct telling *telling);
/* What was taken is told; or was not, and is tried again a minute later. */
void troubles_told(struct troubles *troubles);
void troubles_untold(struct troubles *troubles, int64_t now_ms);

/*
 * The state of an earlier life (NULL: there was none), read once, before anything is told. *OUT_SINCE_MS: up
 * to then it knew everything; without one OTHERWISE_MS.
 */
void troubles_load(
    struct troubles *troubles, const struct json *state, int64_t otherwise_ms, int64_t *out_since_ms);

size_t troubles_count(const struct troubles *troubles);

#endif
