/* SPDX-License-Identifier: MIT */
/*
 * What a body gets beside what its template says: that it was meant for another channel, whom it addresses,
 * and what its provider wants in every body. Templates need not know of any of it.
 */
#ifndef RENDER_DRESS_H
#define RENDER_DRESS_H

#include <bmad/json.h>
#include <bmad/option.h>

struct dress {
	const char *type;        /* of the channel */
	const char *meant_for;   /* the channel that it was redirected from; NULL: it was not */
	struct texts mention;    /* ids */
	const struct json *bmad; /* what templates see by that name; may be NULL */
};

/* ROOT in the form of TYPE; what is no object stays as it is. Returns ROOT, or what is now around it. */
struct json *dress_json(struct json *root, const struct dress *dress) MUST_CHECK;

/* The same for a type whose payload is text: allocated. */
char *dress_text(const char *text, const struct dress *dress);

/* The line that tells where a redirected message should have gone: allocated; NULL: MEANT_FOR is. */
char *dress_notice(const char *meant_for);

#endif
