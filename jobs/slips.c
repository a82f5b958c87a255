/* SPDX-License-Identifier: MIT */
/*
 * slips - which promised delivery dates moved since the last report, and which services have no plan.
 *
 * Windows touch and never overlap: each goes from the cutoff up to the run's now, which is the next cutoff.
 */
#include <bmad/job.h>
#include <bmad/mem.h>

#include "jobs/slips/cutoff.h"
#include "jobs/slips/report.h"

#define DAY_S 86400

enum cutoff_store { STORE_TABLE, STORE_STATE };

struct slips_options {
	const char *source;
	int64_t slip_delta, lookback_days, lag_ms;
	int baseline, cutoff_store;
	bool send_empty;
};

static const char *const baselines[] = {
    [BASELINE_LAST_CHANGE] = "last_change", [BASELINE_CUTOFF] = "cutoff", NULL};
static const char *const stores[] = {[STORE_TABLE] = "table", [STORE_STATE] = "state", NULL};

/* clang-format off */
static const struct option options[] = {
    OPTION(struct slips_options, source, OPT_NAME, .section = "sources", .required = true,
        .help = "the database with the table buildables"),
    OPTION(struct slips_options, slip_delta, OPT_INT, .fallback = "30", .max = 36500,
        .help = "the least move in days that is reported; 0: every move"),
    OPTION(struct slips_options, lookback_days, OPT_INT, .fallback = "7", .min = 1, .max = 36500,
        .help = "how far back the first report looks"),
    {.name = "lag", .type = OPT_DURATION, .offset = offsetof(struct slips_options, lag_ms), .fallback = "0s",
        .help = "time that rows get to be committed: the run's now is so much earlier"},
    OPTION(struct slips_options, baseline, OPT_CHOICE, .choices = baselines, .fallback = "last_change",
        .help = "what a date is compared with: before its last change, or as it was at the cutoff"),
    OPTION(struct slips_options, send_empty, OPT_BOOL, .fallback = "true",
        .help = "send a report that has nothing to tell, too"),
    OPTION(struct slips_options, cutoff_store, OPT_CHOICE, .choices = stores, .fallback = "table",
        .help = "where the cutoff stands: in the table (the source must be writable) or with bmad"),
    OPTION_END,
};
/* clang-format on */

static struct cutoff_place place_of(const struct slips_options *own)
{
	return (struct cutoff_place){.source = own->source, .in_table = own->cutoff_store == STORE_TABLE};
}

static struct err *check_writable(struct run *run, const struct slips_options *own)
{
	struct sql *db;

	if (own->cutoff_store != STORE_TABLE)
		return NULL;
	PASS(run_source(run, own->source, &db));
	if (sql_writable(db))
		return NULL;
	return ERR(ERR_CONFIG,
	    "the cutoff stands in the table, so source '%s' must say `writable: true`; or set cutoff_store: "
	    "state",
	    own->source);
}

/* -- metrics ---------------------------------------------------------------------------------------- */

/* Told whether the run ends well or not: so they are set to the worse first. */
static void report_values(struct run *run, bool well, const struct slips_totals *totals)
{
	run_value(run, "message_send_success", well);
	run_value(run, "message_send_failure", !well);
	run_value(run, "slips_count", totals ? (double)totals->slip_services : 0);
	run_value(run, "improvements_count", totals ? (double)totals->improvement_services : 0);
}

/* -- the run ---------------------------------------------------------------------------------------- */

static struct err *find_window(
    struct run *run, const struct slips_options *own, const struct cutoff *cutoff, struct window *out)
{
	char from[TIME_TEXT], until[TIME_TEXT];

	out->until = run_now(run) - own->lag_ms / 1000;
	out->from = cutoff->usable ? cutoff->at : out->until - own->lookback_days * DAY_S;
	utc_format(out->from, from);
	utc_format(out->until, until);
	run_decide(run, "the window is from %s up to %s%s", from, until,
	    cutoff->usable ? "" : " (the first report)");
	if (out->from <= out->until)
		return NULL;
	run_warn(run, "the cutoff %s is later than now, %s: was a clock set back?", from, until);
	return ERR(
	    ERR_PERMANENT, "the cutoff %s is later than now, %s: nothing is sent, and it stays", from, until);
}

static struct err *read_all(
    struct run *run, const struct slips_options *own, const struct window *window, struct gathered *gathered)
{
	struct sql *db;

	PASS(run_source(run, own->source, &db));
	PASS(sql_begin(db));
	TRY(gather(db, window, (enum baseline)own->baseline, gathered), "read buildables");
	return sql_end(db);
}

static struct err *send(struct run *run, const struct cutoff *cutoff, struct json *data)
{
	char at[TIME_TEXT];
	cleanup(free_text) char *key =
	    mem_format("region-slips|%s", cutoff->usable ? utc_format(cutoff->at, at) : "never");

	run_step(run, "queue the report");
	return run_queue(run, &(struct message){.kind = "report", .key = key}, data);
}

static struct err *report(struct run *run, const struct slips_options *own, const struct cutoff *cutoff,
    const struct window *window, struct gathered *gathered)
{
	const struct cutoff_place place = place_of(own);
	struct json *data = run_data(run);
	struct slips_totals totals;

	run_step(run, "compute");
	put_report(data, gathered, window, own->slip_delta, !cutoff->usable, &totals);
	if (own->send_empty || totals.slips || totals.improvements || totals.unplanned)
		PASS(send(run, cutoff, data));
	else
		run_decide(run, "nothing moved and nothing is unplanned: nothing is sent");
	cutoff_promise(run, &place, cutoff, window->until);
	report_values(run, true, &totals);
	return NULL;
}

static struct err *slips_run(struct run *run)
{
	const struct slips_options *own = run_options(run);
	const struct cutoff_place place = place_of(own);
	cleanup(gathered_done) struct gathered gathered = {.run = run};
	struct cutoff cutoff;
	struct window window;

	report_values(run, false, NULL);
	if (!run_is_dry(run))
		PASS(check_writable(run, own));
	run_step(run, "read the cutoff");
	PASS(cutoff_read(run, &place, &gathered.arena, &cutoff));
	PASS(find_window(run, own, &cutoff, &window));
	PASS(read_all(run, own, &window, &gathered));
	return report(run, own, &cutoff, &window, &gathered);
}

static struct err *slips_after_commit(struct run *run)
{
	const struct slips_options *own = run_options(run);
	const struct cutoff_place place = place_of(own);

	return cutoff_move(run, &place);
}

static struct err *slips_connect(struct run *run)
{
	const struct slips_options *own = run_options(run);
	struct sql *db;

	PASS(check_writable(run, own));
	PASS(run_source(run, own->source, &db));
	PASS(sql_begin(db));
	TRY(gather_try(db, (enum baseline)own->baseline), "ask for buildables");
	return sql_end(db);
}

const struct job_module slips_module = {
    .name = "slips",
    .summary = "delivery dates that moved since the last report, and services without a plan",
    .options = options,
    .options_size = sizeof(struct slips_options),
    .restartable = true,
    .connect = slips_connect,
    .run = slips_run,
    .after_commit = slips_after_commit,
};
