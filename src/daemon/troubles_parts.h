/* SPDX-License-Identifier: MIT */
/* The account of troubles from inside: troubles.c keeps it, troubles_tell.c says what it holds. */
#ifndef DAEMON_TROUBLES_PARTS_H
#define DAEMON_TROUBLES_PARTS_H

#include <uthash.h>

#include "daemon/troubles.h"

#define TROUBLE_TEXT_MAX 400

extern const char *const trouble_kinds[TROUBLE_KINDS]; /* "run", ... */

/* What a telling on its way says of a trouble. */
enum saying { SAYS_NOTHING, SAYS_BEGUN, SAYS_LASTING, SAYS_OVER };

struct trouble {
	UT_hash_handle hh;
	char *key; /* "run|JOB|CHANNEL" */
	enum trouble_kind kind;
	char *job, *channel;
	char *state, *text, *message;
	int64_t run;
	utc_t slot;
	int64_t begun_ms;
	int64_t over_ms; /* 0: it lasts */
	int64_t told_ms; /* 0: not yet */
	int64_t hold_until_ms;
	int64_t count, told_count; /* how often it was reported */
	struct json *frames;
	enum saying saying;
};

struct troubles {
	struct trouble *all;
	trouble_asker *ask;
	void *arg;
	size_t framed;
	bool loaded;        /* what an earlier life left is known */
	bool telling;       /* something was taken and is not told yet */
	int64_t telling_ms; /* when it was taken */
	int64_t retry_ms;   /* not before */
	int64_t due_ms;     /* the earliest, or 0: to be worked out */
};

struct trouble *trouble_find(
    const struct troubles *troubles, enum trouble_kind kind, const char *job, const char *channel);
struct trouble *trouble_add(struct troubles *troubles, enum trouble_kind kind, const char *job,
    const char *channel, int64_t begun_ms);
void trouble_forget(struct troubles *troubles, struct trouble *trouble);
void trouble_drop_frames(struct troubles *troubles, struct trouble *trouble);
/* A copy of TEXT (NULL: none), cut to MOST bytes, in place of what FIELD holds. */
void trouble_set_text(char **field, const char *text, size_t most);

struct trouble_policy trouble_policy_of(const struct troubles *troubles, const struct trouble *trouble);
/* When there is something to say of it, and how much earlier it may be said with something else. */
int64_t trouble_due(const struct trouble *trouble, int64_t repeat_ms, int64_t now_ms);
int64_t trouble_slack(const struct trouble *trouble, int64_t repeat_ms);

#endif
