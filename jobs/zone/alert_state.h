/* SPDX-License-Identifier: MIT */
/*
 * The life of an alert: when it fires, when it is over, and when somebody is to be told. Pure.
 *
 *	alert_step(&alert, &reading, &times, now);          the conditions, at each evaluation
 *	due = alert_due(&alert, &policy, now, silenced);    what is to be said of it now, if anything
 *	alert_tell(&alert, due, now);                       it was said
 *	alert_hold(&alert, due);                            or could not be, for too much was said already
 *
 * ok -> pending while the raise condition holds -> firing once it held for long enough -> clearing while the
 * clear condition holds -> ok once that held for long enough. Between the two thresholds nothing changes.
 */
#ifndef ZONE_ALERT_STATE_H
#define ZONE_ALERT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/time.h>

enum alert_phase { ALERT_OK, ALERT_PENDING, ALERT_FIRING, ALERT_CLEARING, ALERT_PHASES };

extern const char *const alert_phase_names[ALERT_PHASES];

/* What an evaluation found. A value that cannot be computed changes no phase. */
struct alert_reading {
	bool known;
	bool raise, clear;
};

struct alert_times {
	int64_t for_s, clear_for_s;
};

struct alert {
	enum alert_phase phase;
	utc_t since;                /* the raise condition holds; not in ALERT_OK */
	utc_t fired;                /* when it began to fire */
	utc_t clearing;             /* the clear condition holds, in ALERT_CLEARING */
	utc_t was_since, was_fired; /* of the alert that is over, for who is told of its end */
	utc_t told;                 /* the last message about it; 0: none that matters any more */
	bool announced;             /* whoever reads the messages takes it for firing */
	bool held;                  /* it fired, and could not be told of: too many messages */
};

struct alert_policy {
	int64_t repeat_s; /* 0: never */
	int64_t cooldown_s;
	int64_t max_per_hour;
	bool send_clear;
};

enum alert_due { DUE_NOTHING, DUE_RAISE, DUE_REPEAT, DUE_CLEAR };

void alert_step(struct alert *alert, const struct alert_reading *reading, const struct alert_times *times,
    bool send_clear, utc_t now);
/* SILENCED: its cause fires itself, and is told instead. */
enum alert_due alert_due(
    const struct alert *alert, const struct alert_policy *policy, utc_t now, bool silenced);
void alert_tell(struct alert *alert, enum alert_due due, utc_t now);
void alert_hold(struct alert *alert, enum alert_due due);

bool alert_is_on(const struct alert *alert); /* firing, or clearing */
/* True if nothing about it needs to be remembered at NOW. */
bool alert_is_forgettable(const struct alert *alert, const struct alert_policy *policy, utc_t now);

/* -- how much is said about a zone ----------------------------------------------------------------- */

#define MESSAGES_MAX 60 /* an hour */

struct alert_quota {
	utc_t sent[MESSAGES_MAX]; /* the last messages, oldest first */
	size_t count;
	bool told; /* that alerts are held back */
};

/* Forgets messages older than an hour; true if one more is allowed at NOW. */
bool alert_quota_allows(struct alert_quota *quota, const struct alert_policy *policy, utc_t now);
void alert_quota_use(struct alert_quota *quota, utc_t now);

#endif
