/* SPDX-License-Identifier: MIT */
/* Bruin's ticket API: signing in, for the API type and for the channel that writes notes. Pure. */
#ifndef JOBS_VENDOR_BRUIN_H
#define JOBS_VENDOR_BRUIN_H

#include <bmad/api.h>
#include <bmad/mem.h>

#define BRUIN_TOKEN_PATH "/identity/connect/token"
#define BRUIN_TOKEN_TYPE "application/x-www-form-urlencoded"
#define BRUIN_TOKEN_FORM "grant_type=client_credentials&scope=public_api"
#define BRUIN_BODY_TYPE  "application/json-patch+json"
#define BRUIN_CACHE      "no-cache, no-store, no-transform, max-age=0, only-if-cached"
#define BRUIN_NOTE_MAX   1500 /* characters */

struct bruin_options {
	const char *base_url, *login_url;
	struct secret client_id, client_secret;
};

/* `Basic` and who signs in. */
const char *bruin_authorization(const struct bruin_options *own, struct arena *arena);

/* The token of an answer to signing in; TEMPORARY error if it may come later, PERMANENT if it was refused. */
struct err *bruin_token(
    long status, const char *body, size_t length, struct arena *arena, const char **out_token) MUST_CHECK;

#endif
