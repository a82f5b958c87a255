/* SPDX-License-Identifier: MIT */
/*
 * A report of one zone, or of several with their sum: what zone_hourly and zone_eos have in common.
 *
 * Both read one state of the database, make an object for each zone, and post once for each shift or hour,
 * unless nobody was scheduled and nothing was made.
 */
#ifndef ZONE_REPORT_H
#define ZONE_REPORT_H

#include <bmad/option.h>
#include <bmad/run.h>

#include "jobs/zone/count.h"

/* The options of each such module, in its structure. */
struct zone_choice {
	const char *source;
	const char *zone;   /* or */
	struct texts zones; /* an area */
	int64_t grace_ms;
};

#define ZONE_OPTION(structure, member, name_, ...)                                                           \
	{                                                                                                    \
		.name = (name_), .offset = offsetof(structure, choice.member), __VA_ARGS__                   \
	}
#define ZONE_CHOICE_OPTIONS(structure)                                                                       \
	ZONE_OPTION(structure, source, "source", .type = OPT_NAME, .section = "sources", .required = true,   \
	    .help = "the plant's database"),                                                                 \
	    ZONE_OPTION(structure, zone, "zone", .type = OPT_TEXT, .help = "the zone's zone_id"),            \
	    ZONE_OPTION(structure, zones, "zones", .type = OPT_TEXTS,                                        \
	        .help = "instead of zone: an area, whose zones are reported together with their sum"),       \
	    ZONE_OPTION(structure, grace_ms, "grace", .type = OPT_DURATION, .fallback = "120s", .min = 0,    \
	        .max = INT64_C(86400000), .help = "time that rows get to arrive before they are reported")

/* No zone twice. */
struct err *zone_ids_check(struct texts zones) MUST_CHECK;
/* Exactly one of `zone` and `zones`, and no zone twice. */
struct err *zone_choice_check(const struct zone_choice *choice) MUST_CHECK;
/* The zones of the choice: one or several. Borrows from CHOICE. */
struct texts zone_choice_ids(const struct zone_choice *choice);

/* What a report is made from, and to be put into. */
struct zone_request {
	struct run *run;
	struct sql *db;
	const struct zone *zone;
	utc_t as_of;
	int64_t grace; /* seconds */
	struct arena *arena;
};

/* What the sum of an area and the decision to post need of a zone's report. */
struct zone_part {
	const char *period; /* what is posted once: "2024-11-02|NIGHT", or that with "|9" */
	bool scheduled;
	int64_t target;
	struct tally tally; /* of the reported window */
};

struct zone_report {
	const char *name; /* "hourly": of keys "zone-hourly|...", "area-hourly|...", of the area's object
	                     "area_hourly" */
	struct err *(*make)(
	    const struct zone_request *request, struct json *data, struct zone_part *out_part);
};

/* For `check --connect`: makes the report as it would be now, and posts nothing. */
struct err *zone_report_connect(
    struct run *run, const struct zone_report *report, const struct zone_choice *choice) MUST_CHECK;
struct err *zone_report_run(struct run *run, const struct zone_report *report,
    const struct zone_choice *choice, bool post_unscheduled) MUST_CHECK;

#endif
