/* SPDX-License-Identifier: MIT */
/* The API types, one file each. */
#ifndef JOBS_VENDOR_VENDORS_H
#define JOBS_VENDOR_VENDORS_H

#include <bmad/api.h>

extern const struct api_type bruin_api, google_calendar_api, salesforce_api;

#endif
