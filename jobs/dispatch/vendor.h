/* SPDX-License-Identifier: MIT */
/*
 * What the monitors know of a dispatch, and how its vendor differs from the other: where the list comes from,
 * how a record is read, what the vendor calls a status.
 */
#ifndef JOBS_DISPATCH_VENDOR_H
#define JOBS_DISPATCH_VENDOR_H

#include <bmad/api.h>
#include <bmad/json.h>
#include <bmad/mem.h>

#include "jobs/dispatch/phone.h"
#include "jobs/dispatch/when.h"

enum status {
	STATUS_REQUESTED,
	STATUS_CONFIRMED,
	STATUS_ON_SITE,
	STATUS_CANCELLED,
	STATUS_COMPLETED,
	STATUS_OTHER
};
#define STATUSES 6

/* Everything in the list's arena; NULL: the vendor does not say. */
struct dispatch {
	const char *number;    /* the vendor's */
	const char *ticket;    /* NULL: another team's */
	const char *reference; /* by which notes name it; NULL: not ours */
	enum status status;
	const char *tech_name;  /* on one line */
	const char *tech_phone; /* as the vendor has it, on one line */
	const char *site, *street;
	const char *planned; /* when, for the confirmed note */
	bool arrived;        /* the vendor has all marks of an arrival */
	bool has_start, has_client, has_tech;
	struct when start;
	char client[PHONE_SIZE], tech[PHONE_SIZE];
};

struct vendor {
	const char *name;                   /* "LIT" */
	const char *key;                    /* "lit", in message keys */
	const char *const *const *statuses; /* by enum status, each a list ending with NULL */
	const char *number_field, *ticket_field, *status_field; /* of a record */
	/* Hands each record of the open dispatches to TAKE; an error means that what was taken is void. */
	struct err *(*list)(
	    struct api *api, struct err *(*take)(void *arg, const struct json *record), void *arg);
	/* The record of NUMBER, to be destroyed; PERMANENT error if there is none. */
	struct err *(*find)(struct api *api, const char *number, struct json **out_record);
	/* The fields that differ; number, ticket and status are read. PERMANENT error: RECORD is malformed.
	 */
	struct err *(*read)(const struct json *record, struct arena *arena, struct dispatch *dispatch);
	bool own_reference; /* which is not the number: the portal's */
};

extern const struct vendor vendor_lit, vendor_cts;

/* Reads RECORD. PERMANENT error, for the log, if it is malformed. */
struct err *dispatch_read(const struct vendor *vendor, const struct json *record, struct arena *arena,
    struct dispatch *out) MUST_CHECK;

/* The same whatever its status: the list's reader leaves out what nobody acts on. */
struct err *dispatch_read_all(const struct vendor *vendor, const struct json *record, struct arena *arena,
    struct dispatch *out) MUST_CHECK;

const char *status_name(enum status status);

/* -- for the vendors -------------------------------------------------------------------------------- */

/* The text of FIELD, NULL if it is missing or null; PERMANENT error naming it if it is something else. */
struct err *field_text(const struct json *record, const char *field, const char **out_text) MUST_CHECK;
/* The same on one line, NULL if nothing is left. */
struct err *field_line(
    const struct json *record, const char *field, struct arena *arena, const char **out_line) MUST_CHECK;

#endif
