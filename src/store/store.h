/* SPDX-License-Identifier: MIT */
/*
 * The store: schedules' accounts, slots, runs, messages, job state. One interface, a file per backend.
 *
 * Each verb takes the request of its kind (request.h says what it means) and fills the reply, whose texts
 * and lists are in ARENA. Verbs run inside a batch: store_begin(), verbs, store_commit(); nothing of a
 * batch is answered before its commit has returned. A verb that fails leaves nothing of itself behind
 * and does not spoil the batch. Nothing here reads the clock.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "request/request.h"

struct store;

enum store_mode { STORE_WRITE, STORE_READ };

/*
 * Opens URL ("sqlite:/path"), creating or migrating it in STORE_WRITE. CONFIG error: not there (STORE_READ),
 * newer than this bmad, not a database, on NFS. PERMANENT: damaged, full, not writable. Nothing is touched
 * then.
 */
struct err *store_open(
    const char *url, enum store_mode mode, int64_t now_ms, struct store **out_store) MUST_CHECK;
void store_close(struct store *store);

/*
 * Copies the store of URL as it is at one moment, whoever works with it meanwhile, into the empty file COPY.
 * Errors as those of store_open(); a store of an older bmad is copied too.
 */
struct err *store_copy(const char *url, const char *copy) MUST_CHECK;

struct err *store_begin(struct store *store) MUST_CHECK;
struct err *store_commit(struct store *store) MUST_CHECK; /* an error: the whole batch did not happen */

/* One request, by its kind. BUG error for a kind that is not the store's. */
struct err *store_do(struct store *store, enum request_kind kind, const void *request, struct arena *arena,
    void *reply) MUST_CHECK;

/* What the configuration says of channels. */
struct store_policy {
	/* Messages that may or may not have gone out wait for a person; else they are sent again. NULL: all wait. */
	bool (*holds)(void *arg, const char *channel);
	/* The channel is there; else what is to go out by it is dead (store_bury). NULL: all are. */
	bool (*serves)(void *arg, const char *channel);
	void *arg;
};
void store_set_policy(struct store *store, const struct store_policy *policy);

/* What a batch changed that somebody waits for; empties the list. Texts are borrowed until the next call. */
struct store_news {
	const char *const *channels; /* have new rows to take */
	size_t channel_count;
	bool messages_ended;         /* some message came to its end: look at the waits */
	struct message_row *expired; /* these died of age, or with their channel; to be logged */
	size_t expired_count;
	struct message_row *recovered; /* their sender died while it had them, or they go another way; to be logged */
	size_t recovered_count;
};
void store_news(struct store *store, struct store_news *out_news);

/* Rows past their expiry become dead; *OUT_NEXT_MS is when to call again, 0: nothing waits to expire. */
struct err *store_expire(struct store *store, int64_t now_ms, int64_t *out_next_ms) MUST_CHECK;
/*
 * Messages that wait for a channel which is not served become dead: on channels that this batch changed, or
 * (EVERYWHERE) on all. *OUT_MORE: there are more, call it again with EVERYWHERE.
 */
struct err *store_bury(struct store *store, bool everywhere, int64_t now_ms, bool *out_more) MUST_CHECK;
/* How long what has ended is kept. Runs also go by their number, keys and state by times of their own. */
struct store_retention {
	int64_t runs_ms, messages_ms;
};

/*
 * A bite of the janitor's work, small enough that nobody is held up by it; *OUT_MORE: the round goes on with
 * the next call.
 */
struct err *store_sweep(
    struct store *store, const struct store_retention *keep, int64_t now_ms, bool *out_more) MUST_CHECK;
/*
 * A connection that said HELLO closed: with an instance's last one its open runs (by hand) and taken
 * messages are settled.
 */
struct err *store_gone(struct store *store, enum role role, const char *instance, int64_t now_ms) MUST_CHECK;

#endif
