/* SPDX-License-Identifier: MIT */
/* What callers of the Google Calendar API must know besides calling it. */
#ifndef JOBS_VENDOR_GOOGLE_CALENDAR_H
#define JOBS_VENDOR_GOOGLE_CALENDAR_H

#include <bmad/api.h>
#include <bmad/mem.h>

/* The address of the account that signs in, in ARENA; NULL if the configuration does not tell (a refresh
 * token). */
struct err *google_calendar_account(
    struct api *api, struct arena *arena, const char **out_address) MUST_CHECK;

/* The reason that a refusal gives ("rateLimitExceeded"), to be free()d; "" if it gives none. */
char *google_calendar_reason(const struct api_answer *answer);

#endif
