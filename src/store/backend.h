/* SPDX-License-Identifier: MIT */
/*
 * What a store's backend provides, and what it may ask of the part that all backends share: which
 * instances live, what becomes of uncertain messages, and the news of the batch.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/store.h"

/* A verb: REQUEST and REPLY are of its kind. Runs within a mark, which is undone if it fails. */
typedef struct err *store_verb(struct store *store, const void *request, struct arena *arena, void *reply);

struct store_backend {
	const char *scheme; /* "sqlite:": URLs beginning so are this backend's */
	/* WHERE is the URL without the scheme. Sets store->data; leaves nothing open when it fails. */
	struct err *(*open)(struct store *store, const char *where, enum store_mode mode, int64_t now_ms);
	void (*close)(struct store *store);
	struct err *(*copy)(const char *where, const char *copy);

	struct err *(*begin)(struct store *store);
	struct err *(*commit)(struct store *store); /* rolls back when it fails */
	void (*abandon)(struct store *store);       /* the batch */
	struct err *(*mark)(struct store *store);
	struct err *(*keep)(struct store *store); /* what was done since the mark */
	bool (*undo)(struct store *store);        /* the same; false: the whole batch is lost */

	store_verb *verbs[REQ_KINDS]; /* NULL: not the store's */

	struct err *(*expire)(struct store *store, int64_t now_ms, int64_t *out_next_ms);
	/* Channels with messages that wait. */
	struct err *(*waiting_channels)(
	    struct store *store, struct arena *arena, struct id_record **out, size_t *count);
	/* Messages that wait for CHANNEL, which is no more, become dead: a slice of them. */
	struct err *(*bury)(struct store *store, const char *channel, int64_t now_ms, bool *out_more);
	struct err *(*sweep)(
	    struct store *store, const struct store_retention *keep, int64_t now_ms, bool *out_more);
	/* Settles what is open in the name of an instance that is gone. */
	struct err *(*interrupt_runs)(
	    struct store *store, const char *instance, int64_t now_ms, int64_t *count);
	struct err *(*recover_messages)(
	    struct store *store, const char *instance, int64_t now_ms, int64_t *count);
	/* Instances with open runs; with messages in `sending`. */
	struct err *(*run_holders)(
	    struct store *store, struct arena *arena, struct id_record **out, size_t *count);
	struct err *(*message_holders)(
	    struct store *store, struct arena *arena, struct id_record **out, size_t *count);
};

extern const struct store_backend store_sqlite;

/*
 * An instance that said HELLO. Without connections it is dead: to be settled, and forgotten when that is
 * committed.
 */
struct living {
	char *instance;
	enum role role;
	size_t connections;
	bool settled; /* in this batch */
};

/* What is told after the batch, in an arena of its own so that store_news() can hand it out whole. */
struct pending_news {
	struct arena arena;
	const char **channels;
	size_t channel_count, channel_capacity;
	struct message_row *expired;
	size_t expired_count, expired_capacity;
	struct message_row *recovered;
	size_t recovered_count, recovered_capacity;
	bool messages_ended;
};

struct store {
	const struct store_backend *backend;
	void *data; /* the backend's own */
	enum store_mode mode;
	struct store_policy policy;
	struct living *living;
	size_t living_count, living_capacity;
	struct pending_news news, told;
	char *lost; /* why the batch cannot be committed any more */
};

/* What verbs report. Texts are copied. */
void note_channel(struct store *store, const char *channel);
void note_ended(struct store *store);
void note_expired(struct store *store, const struct message_row *row);
void note_recovered(struct store *store, const struct message_row *row);

/* What was noted since a mark can be forgotten again, as what was done since is undone. */
struct news_mark {
	size_t channels, expired, recovered;
	bool messages_ended;
};
struct news_mark news_mark(const struct store *store);
void news_undo(struct store *store, struct news_mark mark);
void news_done(struct store *store);

bool store_holds(const struct store *store, const char *channel);
bool store_serves(const struct store *store, const char *channel);

#endif
