/* SPDX-License-Identifier: MIT */
/* Reads the zones of a report, sums them up, and decides whether and under which key it is posted. */
#include "jobs/zone/report.h"

#include <string.h>

#include <bmad/buf.h>

#include "jobs/zone/object.h"

/* -- which zones ----------------------------------------------------------------------------------- */

struct err *zone_ids_check(struct texts zones)
{
	for (size_t i = 1; i < zones.count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(zones.items[i], zones.items[j]))
				return ERR(ERR_CONFIG, "zones: '%s' is named twice", zones.items[i]);
	return NULL;
}

struct err *zone_choice_check(const struct zone_choice *choice)
{
	struct texts zones = choice->zones;

	if (choice->zone && zones.count)
		return ERR(ERR_CONFIG, "zones: an area is given instead of a zone, not beside it");
	if (!choice->zone && !zones.count)
		return ERR(ERR_CONFIG, "zone: missing; give the zone's zone_id, or several as zones");
	return zone_ids_check(zones);
}

struct texts zone_choice_ids(const struct zone_choice *choice)
{
	return choice->zone ? (struct texts){&choice->zone, 1} : choice->zones;
}

/* -- reading --------------------------------------------------------------------------------------- */

struct reporting {
	struct run *run;
	const struct zone_report *report;
	const struct zone_choice *choice;
	struct texts ids;
	struct arena arena;
	struct zone *zones;
	struct zone_part *parts;
	struct json *data;
};

static void reporting_init(
    struct reporting *r, struct run *run, const struct zone_report *report, const struct zone_choice *choice)
{
	*r = (struct reporting){
	    .run = run, .report = report, .choice = choice, .ids = zone_choice_ids(choice)};
	r->zones = arena_alloc(&r->arena, r->ids.count * sizeof(*r->zones));
	r->parts = arena_alloc(&r->arena, r->ids.count * sizeof(*r->parts));
}

static void reporting_done(struct reporting *r)
{
	arena_done(&r->arena);
}

static struct err *read_zone(struct reporting *r, struct sql *db, size_t i, struct json *data)
{
	struct zone_request request = {
	    .run = r->run,
	    .db = db,
	    .zone = &r->zones[i],
	    .as_of = run_slot(r->run),
	    .grace = r->choice->grace_ms / 1000,
	    .arena = &r->arena,
	};

	run_step(r->run, "read zone %s", r->ids.items[i]);
	PASS(zone_load(db, r->ids.items[i], &r->arena, &r->zones[i]));
	return r->report->make(&request, data, &r->parts[i]);
}

static struct err *read_zones(struct reporting *r, struct json *list)
{
	struct sql *db;

	run_step(r->run, "open the source %s", r->choice->source);
	TRY(run_source(r->run, r->choice->source, &db), "open the source");
	TRY(sql_begin(db), "read the zones");
	for (size_t i = 0; i < r->ids.count; i++)
		TRY(read_zone(r, db, i, list ? json_add_object(list) : r->data), "read zone %s",
		    r->ids.items[i]);
	return sql_end(db);
}

/* -- their sum ------------------------------------------------------------------------------------- */

static struct zone_part sum_up(const struct reporting *r)
{
	struct zone_part sum = {0};

	for (size_t i = 0; i < r->ids.count; i++) {
		sum.scheduled |= r->parts[i].scheduled;
		sum.target += r->parts[i].target;
		tally_add(&sum.tally, &r->parts[i].tally);
	}
	return sum;
}

static struct err *make_data(struct reporting *r)
{
	r->data = run_data(r->run);
	if (r->choice->zone)
		return read_zones(r, NULL);

	cleanup(free_text) char *name = mem_format("area_%s", r->report->name);
	json_set_string(r->data, "report", name);
	json_set_instant(r->data, "as_of", run_slot(r->run));
	PASS(read_zones(r, json_set_array(r->data, "zones")));
	struct zone_part sum = sum_up(r);
	put_total(json_set_object(r->data, "total"), sum.target, &sum.tally);
	return NULL;
}

/* -- posting --------------------------------------------------------------------------------------- */

/*
 * `zone-eos|Z1|2024-11-02|NIGHT`. Of an area: `area-eos|Z1,Z2|2024-11-02|NIGHT`, and so on for those of
 * its zones that are in another shift.
 */
static const char *message_key(struct reporting *r)
{
	cleanup(buf_done) struct buf key = {0};

	buf_format(&key, "%s-%s|%s", r->choice->zone ? "zone" : "area", r->report->name, r->ids.items[0]);
	for (size_t i = 1; i < r->ids.count; i++)
		if (!strcmp(r->parts[i].period, r->parts[i - 1].period))
			buf_format(&key, ",%s", r->ids.items[i]);
		else
			buf_format(&key, "|%s|%s", r->parts[i - 1].period, r->ids.items[i]);
	buf_format(&key, "|%s", r->parts[r->ids.count - 1].period);
	return arena_copy(&r->arena, buf_text(&key));
}

static bool worth_posting(struct run *run, const struct zone_part *sum, bool post_unscheduled)
{
	int64_t actual = sum->tally.n[N_OUTPUT];

	if (sum->scheduled || post_unscheduled)
		return true;
	run_decide(run, "the shift is not scheduled; %lld units were made: %s", (long long)actual,
	    actual > 0 ? "posted" : "nothing to post");
	return actual > 0;
}

static void report_values(struct run *run, const struct zone_part *sum)
{
	int64_t actual = sum->tally.n[N_OUTPUT];

	run_value(run, "actual", (double)actual);
	run_value(run, "target", (double)sum->target);
	run_value(run, "gap", (double)(actual - sum->target));
}

struct err *zone_report_connect(
    struct run *run, const struct zone_report *report, const struct zone_choice *choice)
{
	cleanup(reporting_done) struct reporting r;

	reporting_init(&r, run, report, choice);
	return make_data(&r);
}

struct err *zone_report_run(struct run *run, const struct zone_report *report,
    const struct zone_choice *choice, bool post_unscheduled)
{
	cleanup(reporting_done) struct reporting r;

	reporting_init(&r, run, report, choice);
	PASS(make_data(&r));
	struct zone_part sum = sum_up(&r);
	report_values(run, &sum);
	if (!worth_posting(run, &sum, post_unscheduled))
		return NULL;
	run_step(run, "queue the report");
	return run_queue(run, &(struct message){.kind = "report", .key = message_key(&r)}, r.data);
}
