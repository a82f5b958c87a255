/* SPDX-License-Identifier: MIT */
/* Overall equipment effectiveness of a line, at the station that limits it by design. Pure. */
#ifndef ZONE_OEE_H
#define ZONE_OEE_H

#include <bmad/json.h>

#include "jobs/zone/count.h"

struct oee {
	int64_t availability, performance, quality, oee; /* tenths of a per cent, or NO_VALUE */
};

/* Of STATION over a whole shift that was counted to its end. */
struct oee oee_of(const struct count *count, size_t station);

/* Sets `oee` of line LINE: the object, or null for a line without a constraint. */
void put_oee(struct json *object, const struct count *count, size_t line);

#endif
