/* SPDX-License-Identifier: MIT */
/* Calls to an organisation of Salesforce: Apex REST and SOQL. */
#ifndef JOBS_VENDOR_SALESFORCE_H
#define JOBS_VENDOR_SALESFORCE_H

#include <bmad/api.h>
#include <bmad/json.h>
#include <bmad/mem.h>

/* GET of PATH; the answer, to be destroyed, is what a status below 300 came with, and an object. */
struct err *salesforce_get(
    struct api *api, const char *path, const struct api_header *headers, struct json **out_answer) MUST_CHECK;

/* Hears of each record; what it returns ends the query. RECORD lives until it returns. */
typedef struct err *salesforce_record(void *arg, const struct json *record);

/*
 * All pages of what SOQL asks for, joined. One page is in memory at a time; who acts on records before this
 * has returned acts on half an answer.
 */
struct err *salesforce_query(
    struct api *api, const char *soql, salesforce_record *record, void *arg) MUST_CHECK;

/* The origin of an instance: scheme, host and port of URL, `-api` left out of the host. NULL: it is none. */
const char *salesforce_origin(const char *url, struct arena *arena);

#endif
