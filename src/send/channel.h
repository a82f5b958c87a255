/* SPDX-License-Identifier: MIT */
/*
 * Channel types: one file (channel_NAME.c) and one row of the table each.
 *
 * A type composes a request from a message and classifies the answer; both are pure. The sender does the
 * rest: lanes, rates, the wire, retries, the store. Types that need no network (console, file) write for
 * themselves in `write`.
 */
#ifndef SEND_CHANNEL_H
#define SEND_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bmad/err.h>
#include <bmad/message.h>
#include <bmad/option.h>

#include "base/mem.h"
#include "conf/conf.h"

/* A message as it stands in the outbox and comes to the sender. */
struct outgoing {
	const char *id; /* UUIDv7, the same for every attempt */
	int64_t run;
	const char *job;
	const char *channel;
	const char *lane; /* "" : no order */
	const char *kind;
	const char *key;
	const char *to; /* "" : the channel's own */
	const char *subject;
	const char *content_type;
	const char *payload; /* as rendered; NUL-terminated, may hold NULs */
	size_t payload_length;
	int64_t slot;       /* utc_t */
	int64_t created_ms; /* wall clock */
	int64_t expires_ms;
	int64_t attempts; /* made before this one */
	int64_t severity; /* enum severity */
	bool urgent;
	bool once;        /* never again by itself what may have arrived */
	/* Of channels that go by an API: its entry, resolved, and what signing in there gave; else NULL. */
	const struct conf_api *api;
	const char *token;
};

/* A message as it was rendered, for types that make more of it than its text. */
struct draft {
	const char *id;
	const char *to; /* the one this copy is for; "": the channel's own */
	bool own;       /* TO is one of the channel's own, who all see each other */
	int64_t created_ms;
	const char *subject; /* NULL: none */
	const char *text;
	const char *html; /* NULL: none */
	const struct attachment *attachments;
	size_t attachment_count;
};

/* What goes to the outbox of it. */
struct packed {
	const char *payload;
	size_t payload_length;
	const char *content_type;
	const char *subject;
	size_t attachment_count; /* of the draft's, the first ones, that are in it */
	const char *left_out;    /* what was too big, for people; NULL: nothing */
};

struct header {
	const char *name, *value;
};

/* What goes on the wire; everything in it lives in the attempt's arena. */
struct wire_request {
	const char *method; /* "POST" */
	const char *url;    /* byte for byte as configured; a secret */
	struct header headers[16];
	size_t header_count;
	const char *body;
	size_t body_length;
	/* Mail (smtp:// or smtps://) has an envelope in place of method and headers. */
	const char *mail_from;
	struct texts mail_to;
	const char *username; /* NULL: no log-in */
	const char *password;
	bool starttls; /* TLS or nothing; smtps:// has it from the start */
};

/* What came back, as far as it came. */
struct wire_answer {
	long status;      /* of HTTP or SMTP, 0: none came */
	const char *body; /* at most 64 KiB, NUL-terminated */
	size_t body_length;
	bool complete;     /* the body ended where the answer said it would */
	bool request_sent; /* the request may have reached the other side (transport faults) */
	const char *fault; /* what the transport said when it failed, else NULL; holds no secret */
	bool certificate;  /* the fault: certificate or host name wrong, unknown CA, no TLS */
	bool greeted;      /* mail: the server took us, log-in included; what it said is of the message */
	int64_t retry_after_ms; /* as the answer asked, both forms; -1: it did not */
	int64_t used_up_ms; /* its X-RateLimit fields: nothing is left for so long; -1: they do not say so */
};

enum verdict {
	VERDICT_DELIVERED,
	VERDICT_LATER,     /* surely not delivered: try again */
	VERDICT_UNCERTAIN, /* perhaps delivered: as the channel's on_ambiguous says */
	VERDICT_REJECTED,  /* this message never: dead */
	VERDICT_GONE,      /* the destination refuses for good: dead, and the channel is suspended */
};

struct classification {
	enum verdict verdict;
	const char *reason;     /* for people: "HTTP 503: overloaded"; in the attempt's arena or a constant */
	int64_t retry_after_ms; /* a lower bound from the body; -1: none */
	int64_t wait_ms;        /* the same for this message alone, others may go; 0: none */
	const char *provider_id; /* or NULL */
	bool too_large;          /* REJECTED: a shorter one may be taken */
	bool for_good;           /* GONE: only a person's word may bring the destination back, no probe */
};

/* What can be tried of a channel without sending anything. */
struct probe {
	const char *url;                 /* to be connected to; NULL: nothing is */
	const char *username, *password; /* mail */
	bool starttls;
	const char *tried; /* what was, for people */
};

/* How a channel signs in to an entry of `apis`: before its first attempt, and when an answer is 401. Pure. */
struct channel_session {
	const char *(*api)(const void *options); /* the entry's name, as OPTIONS say */
	struct err *(*sign_in)(
	    const struct conf_api *api, struct arena *arena, struct wire_request *out_request);
	/* TEMPORARY or PERMANENT error if ANSWER brings no session. */
	struct err *(*token)(const struct wire_answer *answer, struct arena *arena, const char **out_token);
};

struct channel_type {
	const char *name;
	const char *summary; /* for `bmad modules` */
	const char *format;  /* of its templates: "json" or "txt" */
	const char *content_type;
	const struct option *options;
	size_t options_size;
	/* Defaults of the keys that every channel has. */
	const char *rate; /* "4/s, 60/30s"; NULL: none */
	const char *retry_initial, *retry_max, *max_age;
	enum on_ambiguous on_ambiguous;
	int tries; /* attempts at one message, at most; 0: until it expires */
	/* NULL: needs no API. With one, an attempt ends with its message's life, and tries wait as the API says. */
	const struct channel_session *session;
	/*
	 * Judges what the table cannot: CONFIG error beginning with the key's name. URLs that hold references
	 * are not yet known here; compose refuses what is wrong with them.
	 */
	struct err *(*check)(const struct conf_channel *channel, const void *options);
	/* Tells ADD what OPTIONS hold that must never be shown and is not of type OPT_SECRET; NULL: nothing.
	 */
	void (*secrets)(const void *options, void (*add)(const char *secret));
	/* What is allowed and may yet surprise: a warning of `bmad check`, a constant; NULL: nothing. */
	const char *(*advise)(const struct conf_channel *channel, const void *options);
	/*
	 * In the worker, where CHANNEL's options are not resolved: the channel's own recipients, each of whom
	 * gets a message of his own (NULL, or none of them: it has no such), and the payload made of what was
	 * rendered (NULL: it is that).
	 */
	struct err *(*recipients)(const struct conf *conf, const struct conf_channel *channel,
	    struct arena *arena, struct texts *out_recipients);
	struct err *(*pack)(const struct conf *conf, const struct conf_channel *channel,
	    const struct draft *draft, struct arena *arena, struct packed *out_packed);
	/* OPTIONS with references resolved. NOW is the attempt's Unix second (signatures). */
	struct err *(*compose)(const struct conf_channel *channel, const void *options,
	    const struct outgoing *message, int64_t now, struct arena *arena,
	    struct wire_request *out_request);
	/*
	 * What `bmad check --connect` is to try; OPTIONS are resolved. NULL: to connect to the option `url`
	 * or `base_url`, if the type has one.
	 */
	struct err *(*probe)(const void *options, struct probe *out_probe);
	/* Pure. */
	void (*classify)(const struct conf_channel *channel, const void *options,
	    const struct wire_answer *answer, struct arena *arena, struct classification *out);
	/* How much of the rate MESSAGE uses up, at least 1; NULL: 1. Pure. */
	int64_t (*cost)(const struct outgoing *message);
	/* Instead of compose and classify for types without a network. Durable when it returns NULL. */
	struct err *(*write)(
	    const struct conf_channel *channel, const void *options, const struct outgoing *message);
};

/*
 * Tries CHANNEL (resolved) without sending anything, blocking, within TIMEOUT_MS: probe.c. *OUT_TRIED (in
 * ARENA or constant) says what was well, NULL: there was nothing to try.
 */
struct err *channel_probe(const struct conf_channel *channel, int64_t timeout_ms, struct arena *arena,
    const char **out_tried) MUST_CHECK;

/* Every type, ending with NULL: channel.c. */
extern const struct channel_type *const channel_types[];
/* The type NAME, or NULL. Here, so that a test's own table needs nothing of channel.c. */
static inline const struct channel_type *channel_type_find(const char *name)
{
	for (size_t i = 0; channel_types[i]; i++)
		if (!strcmp(channel_types[i]->name, name))
			return channel_types[i];
	return NULL;
}

int64_t channel_cost(const struct conf_channel *channel, const struct outgoing *message);

/* The table of delivery's section 1.2: what a status or a transport fault means by itself. */
void classify_http(const struct conf_channel *channel, const struct wire_answer *answer, struct arena *arena,
    struct classification *out);

/*
 * A number that is the same for the same definition, references unresolved, and never 0; what differs in
 * any key differs in it.
 */
int64_t channel_definition(const struct conf_channel *channel);

/* The same for where it leads: TYPE and OPTIONS with references resolved. 32 bits, so that it tells nothing
 * of the secrets in them. */
int64_t channel_destination(const struct conf_channel *channel, const void *options);
/* A mail server: smtp://HOST[:PORT][/NAME] or smtps://, NAME being what we call ourselves there. */
struct err *channel_check_mail_url(const char *url) MUST_CHECK;

/* A URL that may be used: https (or loopback or allow_http), no user:password, no CR LF NUL space. CONFIG
 * error else. */
struct err *channel_check_url(const char *url, bool allow_http) MUST_CHECK;

#endif
