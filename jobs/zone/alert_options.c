/* SPDX-License-Identifier: MIT */
/* The options of zone_alert. */
#include "jobs/zone/alert_options.h"

static const char *const severities[] = {"warning", "critical", NULL};

/* clang-format off */
#define AT(rule, member) .offset = offsetof(struct zone_alert_options, rules[rule].member)
#define NUMBER(rule, key, member, standard, most, words)                                                     \
	{.name = (key), .type = OPT_INT, AT(rule, member), .fallback = (standard), .max = (most), .help = (words)}

/* Minutes for which a condition must hold, and how loud the alert is: the same of every rule. */
#define COMMON(rule, for_min_, severity_)                                                                    \
	NUMBER(rule, "for_min", for_min, for_min_, 1440, "minutes for which it holds before it fires"),      \
	NUMBER(rule, "clear_for_min", clear_for_min, "5", 1440,                                              \
	    "minutes for which it is well before it is over"),                                               \
	{.name = "severity", .type = OPT_CHOICE, AT(rule, severity), .choices = severities,                  \
	    .fallback = (severity_), .help = "of the alert"},                                                \
	OPTION_END

#define QUIET(rule)                                                                                          \
	NUMBER(rule, "quiet_min", quiet_min, "20", 1440, "minutes of a shift before it is looked at")

static const struct option output_below[] = {
    NUMBER(OUTPUT_BELOW, "raise_pct", raise, "80", 1000, "attainment below which it is raised"),
    NUMBER(OUTPUT_BELOW, "clear_pct", clear, "90", 1000, "attainment from which it clears; not below raise_pct"),
    QUIET(OUTPUT_BELOW),
    COMMON(OUTPUT_BELOW, "3", "warning"),
};

static const struct option station_down[] = {
    NUMBER(STATION_DOWN, "raise_min", raise, "10", 1440, "minutes open from which it is raised"),
    NUMBER(STATION_DOWN, "clear_min", clear, "3", 1440, "minutes without an open stop from which it clears"),
    COMMON(STATION_DOWN, "0", "critical"),
};

#define INHERITED(rule)                                                                                      \
	{.name = "raise_min", .type = OPT_INT, AT(rule, raise), .fallback = "10", .min = 1, .max = 30,       \
	    .help = "minutes of the last 30 from which it is raised"},                                       \
	NUMBER(rule, "clear_min", clear, "5", 30, "minutes up to which it clears; not above raise_min"),     \
	COMMON(rule, "3", "warning")

static const struct option starved[] = {INHERITED(STARVED_LONG)};
static const struct option blocked[] = {INHERITED(BLOCKED_LONG)};

static const struct option cycle_slow[] = {
    NUMBER(CYCLE_SLOW, "raise_pct", raise, "115", 10000, "per cent of the ideal cycle above which it is raised"),
    NUMBER(CYCLE_SLOW, "clear_pct", clear, "108", 10000, "per cent up to which it clears; not above raise_pct"),
    {.name = "n", .type = OPT_INT, AT(CYCLE_SLOW, amount), .fallback = "20", .min = 1, .max = 1000,
        .help = "cycles that are averaged"},
    COMMON(CYCLE_SLOW, "3", "warning"),
};

static const struct option fpy_below[] = {
    NUMBER(FPY_BELOW, "raise_pct", raise, "95", 100, "first pass yield below which it is raised"),
    NUMBER(FPY_BELOW, "clear_pct", clear, "97", 100, "first pass yield from which it clears; not below raise_pct"),
    NUMBER(FPY_BELOW, "min_units", amount, "20", 1000000, "first tries that it takes to be raised"),
    QUIET(FPY_BELOW),
    COMMON(FPY_BELOW, "3", "warning"),
};

static const struct option ncm_spike[] = {
    {.name = "raise_qty", .type = OPT_INT, AT(NCM_SPIKE, raise), .fallback = "5", .min = 1, .max = 1000000,
        .help = "quantity of the last hour from which it is raised"},
    NUMBER(NCM_SPIKE, "clear_qty", clear, "2", 1000000, "quantity up to which it clears; below raise_qty"),
    QUIET(NCM_SPIKE),
    COMMON(NCM_SPIKE, "3", "warning"),
};

static const struct option no_data[] = {
    {.name = "raise_min", .type = OPT_INT, AT(NO_DATA, raise), .fallback = "15", .min = 1, .max = 1440,
        .help = "minutes of a scheduled shift without a row from which it is raised"},
    COMMON(NO_DATA, "3", "critical"),
};

static const struct option staffing_short[] = {
    {.name = "raise_heads", .type = OPT_INT, AT(STAFFING_SHORT, raise), .fallback = "2", .min = 1, .max = 1000000,
        .help = "missing heads from which it is raised"},
    COMMON(STAFFING_SHORT, "3", "warning"),
};

#define RULE(rule, table, words)                                                                             \
	{.name = #table, .type = OPT_GROUP, AT(rule, off), .group = (table), .can_be_false = true, .help = (words)}

static const struct option rules[] = {
    RULE(OUTPUT_BELOW, output_below, "output of a line in the last 60 minutes against its target"),
    RULE(STATION_DOWN, station_down, "a stop of a station's own that stays open"),
    RULE(STARVED_LONG, starved, "a station that waits for what is upstream"),
    RULE(BLOCKED_LONG, blocked, "a station that waits for what is downstream"),
    RULE(CYCLE_SLOW, cycle_slow, "the last cycles of a station against its ideal one"),
    RULE(FPY_BELOW, fpy_below, "first pass yield of a line in the last 60 minutes"),
    RULE(NCM_SPIKE, ncm_spike, "nonconforming material of a line in the last 60 minutes"),
    RULE(NO_DATA, no_data, "no row from any station of the zone"),
    RULE(STAFFING_SHORT, staffing_short, "fewer people than planned, from 30 minutes into the shift"),
    OPTION_END,
};

const struct option zone_alert_options[] = {
    OPTION(struct zone_alert_options, source, OPT_NAME, .section = "sources", .required = true,
        .help = "the plant's database"),
    OPTION(struct zone_alert_options, zone, OPT_TEXT, .required = true, .help = "the zone's zone_id"),
    {.name = "grace", .type = OPT_DURATION, .offset = offsetof(struct zone_alert_options, grace_ms),
        .fallback = "30s", .max = INT64_C(3600000), .help = "time that rows get to arrive before they are judged"},
    {.name = "rules", .type = OPT_GROUP, .group = rules, .help = "each rule: its numbers, or false"},
    {.name = "repeat", .type = OPT_DURATION, .offset = offsetof(struct zone_alert_options, repeat_ms),
        .fallback = "60m", .help = "what still fires is told again so often; 0 for never"},
    {.name = "cooldown", .type = OPT_DURATION, .offset = offsetof(struct zone_alert_options, cooldown_ms),
        .fallback = "15m", .help = "no second message about an alert within it, unless to say that it is over"},
    OPTION(struct zone_alert_options, max_per_hour, OPT_INT, .fallback = "6", .min = 1, .max = MESSAGES_MAX,
        .help = "messages about the zone; what is over it is held back, and said to be"),
    OPTION(struct zone_alert_options, send_clear, OPT_BOOL, .fallback = "true",
        .help = "say when an alert is over"),
    OPTION_END,
};
/* clang-format on */
