/* SPDX-License-Identifier: MIT */
/* The options of zone_alert: one table for each rule, under the names that the rule's numbers have. */
#ifndef ZONE_ALERT_OPTIONS_H
#define ZONE_ALERT_OPTIONS_H

#include <bmad/option.h>

#include "jobs/zone/alert_rules.h"

struct zone_alert_options {
	const char *source;
	const char *zone;
	int64_t grace_ms;
	struct rule_settings rules[RULES];
	int64_t repeat_ms, cooldown_ms;
	int64_t max_per_hour;
	bool send_clear;
};

extern const struct option zone_alert_options[];

#endif
