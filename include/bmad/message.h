/* SPDX-License-Identifier: MIT */
/* A message as a job queues it: what it is about; the text comes from the data object and a template. */
#ifndef BMAD_MESSAGE_H
#define BMAD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <bmad/time.h>

/*
 * A file that goes with a message where the channel can carry one (e-mail). Others leave it out; templates of
 * all see `bmad.attachments` and may say where the file is to be found.
 */
struct attachment {
	const char *name;         /* "slips.csv" */
	const char *content_type; /* "text/csv"; text is UTF-8 */
	const void *bytes;
	size_t length;
	const char *content_id; /* for an image that the HTML shows as `src="cid:chart"`: "chart"; else NULL */
};

enum severity { SEVERITY_NONE, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_CRITICAL };

struct message {
	const char *kind; /* "report", "alert", ...: names the template, unless `stem` does */
	/*
	 * The dedupe key: a second message with the same channel, recipient and key is suppressed. NULL:
	 * one per slot (job, slot and kind).
	 */
	const char *key;
	const char *channel; /* NULL: each of the job's channels */
	const char *to;      /* recipient; NULL: the channel's own */
	const char *lane;    /* messages of one lane go out in order; NULL: no order */
	utc_t expires;       /* useless afterwards; 0: as the job and the channel say */
	int64_t within_ms;   /* useless so long after it was made, by the real clock; 0: as above */
	/*
	 * What may have reached the destination is not sent a second time by itself: an answer that refuses it
	 * ends it whatever its status, and no answer leaves it ambiguous whatever the channel's `on_ambiguous`.
	 */
	bool once;
	/* For run_send(): a message with its key that has ended is no answer; only one under way is waited for. */
	bool anew;
	int64_t key_kept_ms; /* the key is forgotten so long after the message was made; 0: as the store keeps it */
	const char *stem;    /* of its template: "alert", "other_module/alert"; NULL: its kind */
	/* What `--json` shows of it besides: names and values in turn, NULL at the end. NULL: nothing. */
	const char *const *labels;
	enum severity severity;
	/*
	 * What the message is about, the same text for all that raise, repeat or clear it: providers that keep
	 * alerts (PagerDuty) hold them together by it. NULL: the key. CLEAR: it is over; such a provider
	 * resolves the alert, and chats show it as good news.
	 */
	const char *alert;
	bool clear;
	/* Borrowed until run_queue() or run_send() returns. The most important first: a mail that would be too
	 * big leaves out the last. */
	const struct attachment *attachments;
	size_t attachment_count;
};

/* How a message that was waited for ended. */
enum outcome {
	OUTCOME_QUEUED, /* not yet: it stays in the outbox */
	OUTCOME_DELIVERED,
	OUTCOME_AMBIGUOUS, /* perhaps delivered; a person decides */
	OUTCOME_REJECTED,
	OUTCOME_EXPIRED,
	OUTCOME_SUPPRESSED, /* a message with this key is there already */
	OUTCOME_DRY_RUN,
	OUTCOME_NONE, /* nothing was sent */
};

#endif
