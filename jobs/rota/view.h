/* SPDX-License-Identifier: MIT */
/* What the templates of rota and rota_reminder show. Pure. */
#ifndef JOBS_ROTA_VIEW_H
#define JOBS_ROTA_VIEW_H

#include <bmad/json.h>

/* `people`: a row each; `plan`: {line}; `first` and `last` day; `days`. */
struct json *rota_view(const struct json *data);
/* `entities` of people that Teams can address; `lead` and `assist` as texts with `<at>` for these. */
struct json *rota_reminder_view(const struct json *data);

#endif
