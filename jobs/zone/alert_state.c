/* SPDX-License-Identifier: MIT */
/* The life of an alert. */
#include "jobs/zone/alert_state.h"

#include <string.h>

#define HOUR_S 3600

const char *const alert_phase_names[ALERT_PHASES] = {
    [ALERT_OK] = "ok",
    [ALERT_PENDING] = "pending",
    [ALERT_FIRING] = "firing",
    [ALERT_CLEARING] = "clearing",
};

/* -- phases ---------------------------------------------------------------------------------------- */

static void step_quiet(
    struct alert *alert, const struct alert_reading *reading, const struct alert_times *times, utc_t now)
{
	if (!reading->raise) {
		alert->phase = ALERT_OK;
		return;
	}
	if (alert->phase == ALERT_OK) {
		alert->phase = ALERT_PENDING;
		alert->since = now;
	}
	if (now - alert->since >= times->for_s) {
		alert->phase = ALERT_FIRING;
		alert->fired = now;
	}
}

/* What was never told of need not be taken back, unless it was only held back. */
static void end(struct alert *alert, bool send_clear)
{
	alert->phase = ALERT_OK;
	alert->was_since = alert->since;
	alert->was_fired = alert->fired;
	alert->announced &= send_clear;
}

static void step_on(struct alert *alert, const struct alert_reading *reading, const struct alert_times *times,
    bool send_clear, utc_t now)
{
	if (!reading->clear) {
		alert->phase = ALERT_FIRING;
		return;
	}
	if (alert->phase == ALERT_FIRING) {
		alert->phase = ALERT_CLEARING;
		alert->clearing = now;
	}
	if (now - alert->clearing >= times->clear_for_s)
		end(alert, send_clear);
}

void alert_step(struct alert *alert, const struct alert_reading *reading, const struct alert_times *times,
    bool send_clear, utc_t now)
{
	if (!reading->known)
		return;
	if (alert_is_on(alert))
		step_on(alert, reading, times, send_clear, now);
	else
		step_quiet(alert, reading, times, now);
}

bool alert_is_on(const struct alert *alert)
{
	return alert->phase == ALERT_FIRING || alert->phase == ALERT_CLEARING;
}

/* -- what is said ---------------------------------------------------------------------------------- */

static bool waited(const struct alert *alert, int64_t seconds, utc_t now)
{
	return !alert->told || now - alert->told >= seconds;
}

static enum alert_due due_while_firing(
    const struct alert *alert, const struct alert_policy *policy, utc_t now, bool silenced)
{
	if (silenced || !waited(alert, policy->cooldown_s, now))
		return DUE_NOTHING;
	if (!alert->announced)
		return DUE_RAISE;
	return policy->repeat_s && waited(alert, policy->repeat_s, now) ? DUE_REPEAT : DUE_NOTHING;
}

enum alert_due alert_due(
    const struct alert *alert, const struct alert_policy *policy, utc_t now, bool silenced)
{
	if (alert->phase == ALERT_FIRING)
		return due_while_firing(alert, policy, now, silenced);
	if (alert->phase == ALERT_CLEARING)
		return DUE_NOTHING;
	return alert->announced || alert->held ? DUE_CLEAR : DUE_NOTHING;
}

void alert_tell(struct alert *alert, enum alert_due due, utc_t now)
{
	alert->announced = due != DUE_CLEAR;
	alert->held = false;
	alert->told = now;
}

void alert_hold(struct alert *alert, enum alert_due due)
{
	if (due == DUE_RAISE)
		alert->held = true;
}

bool alert_is_forgettable(const struct alert *alert, const struct alert_policy *policy, utc_t now)
{
	return alert->phase == ALERT_OK && !alert->announced && !alert->held &&
	       waited(alert, policy->cooldown_s, now);
}

/* -- how much is said ------------------------------------------------------------------------------ */

bool alert_quota_allows(struct alert_quota *quota, const struct alert_policy *policy, utc_t now)
{
	size_t old = 0;

	while (old < quota->count && now - quota->sent[old] >= HOUR_S)
		old++;
	quota->count -= old;
	memmove(quota->sent, quota->sent + old, quota->count * sizeof(*quota->sent));
	return (int64_t)quota->count < policy->max_per_hour;
}

void alert_quota_use(struct alert_quota *quota, utc_t now)
{
	quota->sent[quota->count++] = now;
	quota->told = false;
}
