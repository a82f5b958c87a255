/* SPDX-License-Identifier: MIT */
/* The rules of alerts: what each looks at, and what it finds in a scene. Pure. */
#ifndef ZONE_ALERT_RULES_H
#define ZONE_ALERT_RULES_H

#include "jobs/zone/alert_scene.h"
#include "jobs/zone/alert_state.h"

enum rule_id {
	OUTPUT_BELOW,
	STATION_DOWN,
	STARVED_LONG,
	BLOCKED_LONG,
	CYCLE_SLOW,
	FPY_BELOW,
	NCM_SPIKE,
	NO_DATA,
	STAFFING_SHORT,
	RULES,
};

enum rule_scope { OF_ZONE, OF_LINE, OF_STATION };
enum rule_unit { UNIT_PCT, UNIT_MIN, UNIT_UNITS, UNIT_HEADS };

extern const char *const rule_unit_names[];

/* What an operator may set, under the names that the rule's own table gives it. */
struct rule_settings {
	bool off;
	int64_t raise, clear;
	int64_t for_min, clear_for_min;
	int64_t quiet_min; /* at a shift's start: rules over the last hour */
	int64_t amount;    /* cycles, or units, that it takes */
	int severity;      /* index in warning, critical */
};

#define NOBODY SIZE_MAX /* no station */

struct rule_reading {
	struct alert_reading reading;
	int64_t value; /* tenths of a per cent or a minute; units or heads; NO_VALUE */
	size_t cause;  /* the station that holds this one up, or NOBODY */
};

struct rule {
	const char *name;
	enum rule_scope scope;
	enum rule_unit unit;
	struct rule_reading (*read)(
	    const struct scene *scene, const struct rule_settings *settings, size_t target);
};

extern const struct rule alert_rules[RULES];

/* How many things there are to watch by RULE, and the name of one of them: a line_id, station_id, zone_id. */
size_t rule_targets(const struct rule *rule, const struct zone *zone);
const char *rule_target_id(const struct rule *rule, const struct zone *zone, size_t target);

#endif
