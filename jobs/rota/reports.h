/* SPDX-License-Identifier: MIT */
/* The rota as data: the rota itself, who works how often on which weekdays, what it was made of. Pure. */
#ifndef JOBS_ROTA_REPORTS_H
#define JOBS_ROTA_REPORTS_H

#include <bmad/json.h>

#include "jobs/rota/rota.h"

/* `rota`: [{date, lead, assist}]. */
void put_rota(struct json *data, const struct rota *rota);
/* `days_worked`: people in configured order, then those who are in no group any more. */
void put_days_worked(struct json *data, const struct rota *rota, const struct rules *rules);
/* `config`; CALENDAR is NULL without one. */
void put_config(struct json *data, const struct rota *rota, const struct rules *rules,
    const char *calendar_env, const char *calendar, int64_t seed);

#endif
