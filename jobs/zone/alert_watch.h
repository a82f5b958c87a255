/* SPDX-License-Identifier: MIT */
/*
 * All that is watched in a zone, evaluated once: every rule of every line, station or the zone itself, with
 * its state from the evaluation before.
 */
#ifndef ZONE_ALERT_WATCH_H
#define ZONE_ALERT_WATCH_H

#include <bmad/json.h>

#include "jobs/zone/alert_rules.h"
#include "jobs/zone/alert_scene.h"

struct watched {
	const char *key; /* `station_down|Z1|Z1L1S2` */
	enum rule_id rule;
	size_t target; /* of the rule; NOBODY: what was watched is not there any more, or its rule is off */
	struct alert alert;
	struct rule_reading reading;
	enum alert_due due;
	bool silenced;
};

struct watch {
	const struct scene *scene;
	const struct rule_settings *settings; /* [RULES] */
	struct alert_policy policy;
	struct watched *items;
	size_t count;
	struct alert_quota quota;
};

/* What is to be watched, in the states that STATE (may be NULL: none yet) has. Lives in ARENA. */
struct err *watch_init(struct watch *watch, const struct json *state, struct arena *arena) MUST_CHECK;

/* Steps every alert, and says of each what is due. */
void watch_evaluate(struct watch *watch);

/* How many are due, firing, and firing unsaid because their cause is told instead. */
size_t watch_due(const struct watch *watch);
size_t watch_firing(const struct watch *watch);
size_t watch_silenced(const struct watch *watch);

/* True if whoever is told what is due takes nothing for firing any more. */
bool watch_is_over(const struct watch *watch);

/* Takes what is due for told, or for held back; then all are settled. */
void watch_tell(struct watch *watch);
void watch_hold(struct watch *watch);

/* What the next evaluation needs; the time of this one as `at`. */
struct json *watch_state(const struct watch *watch);
/* The time of the evaluation that STATE is of; 0: none. */
struct err *watch_state_time(const struct json *state, utc_t *out_at) MUST_CHECK;

#endif
