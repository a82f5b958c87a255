/* SPDX-License-Identifier: MIT */
/* The table of API types. */
#include "jobs/vendor/vendors.h"

const struct api_type *const api_types[] = {
    &bruin_api,
    &google_calendar_api,
    &salesforce_api,
    NULL,
};
