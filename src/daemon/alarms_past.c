/* SPDX-License-Identifier: MIT */
/*
 * What the last daemon told of, and what happened after that: it was not told if that daemon was killed. The
 * store has recorded all of it.
 */
#include "daemon/alarms_parts.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "conf/names.h"
#include "daemon/child.h"

#define LOOK_BACK_MS    INT64_C(3600000)
#define LOOK_BACK_LIMIT 1000

/* Jobs whose newest record is known: what is older decides nothing. */
struct judged {
	struct names runs, slots;
};

static void judge_failed(struct alarms *alarms, const struct run_row *row)
{
	struct err *e = row->error ? error_from_record(row->error) : NULL;

	alarms_begin_failed(alarms,
	    &(struct trouble_report){
	        .kind = TROUBLE_RUN,
	        .job = row->job,
	        .state = row->reason ? row->reason : "failed",
	        .run = row->run,
	        .slot = row->slot,
	        .at_ms = row->started_ms ? row->started_ms + row->ms : 0,
	    },
	    e);
	err_destroy(e);
}

static void judge_row(struct alarms *alarms, struct judged *judged, const struct run_row *row)
{
	bool degraded = text_equal(row->reason, "degraded"), ok = text_equal(row->state, "ok") && !degraded;
	bool failed = degraded || text_equal(row->state, "failed");

	if (text_equal(row->job, ALARM_JOB) || text_equal(row->reason, "interrupted"))
		return;
	if (failed && text_equal(row->trigger, "manual"))
		return; /* whoever ran it saw it; most of all with --once */
	if ((ok || failed) && names_add(&judged->runs, row->job, 0)) {
		if (ok)
			alarms_well(alarms, TROUBLE_RUN, row->job, row->run);
		else
			judge_failed(alarms, row);
	}
	if (ok && names_add(&judged->slots, row->job, 0))
		alarms_well(alarms, TROUBLE_SLOT, row->job, 0);
	if (text_equal(row->state, "missed") && names_add(&judged->slots, row->job, 0))
		alarms_begin(alarms, &(struct trouble_report){
		                         .kind = TROUBLE_SLOT,
		                         .job = row->job,
		                         .state = "missed",
		                         .text = row->reason,
		                         .slot = row->slot,
		                     });
}

/* What failed or went well and could not be told before the last life ended. */
static void on_runs(void *arg, struct err *e, const void *reply)
{
	struct alarms *alarms = arg;
	const struct runs_reply *runs = reply;
	struct judged judged = {0};

	if (e) {
		log_fault(LEVEL_WARNING, "alarm_failed", ERR_AT(e, "ask for the runs of the last daemon"));
		return;
	}
	for (size_t i = 0; i < runs->count; i++)
		judge_row(alarms, &judged, &runs->rows[i]);
	names_done(&judged.runs);
	names_done(&judged.slots);
	alarms_arm(alarms);
}

static void on_delivered(void *arg, struct err *e, const void *reply)
{
	struct alarms *alarms = arg;
	const struct messages_reply *messages = reply;

	if (e) {
		log_fault(LEVEL_WARNING, "alarm_failed", ERR_AT(e, "ask what the last daemon delivered"));
		return;
	}
	for (size_t i = 0; i < messages->count; i++)
		troubles_channel_over(alarms->troubles, messages->rows[i].channel, wall_ms());
	alarms_arm(alarms);
}

static void on_dead(void *arg, struct err *e, const void *reply)
{
	struct alarms *alarms = arg;
	const struct messages_reply *messages = reply;

	if (e) {
		log_fault(LEVEL_WARNING, "alarm_failed", ERR_AT(e, "ask what the last daemon gave up"));
		return;
	}
	for (size_t i = messages->count; i-- > 0;) {
		const struct message_row *row = &messages->rows[i];

		alarms_notice(alarms, &(struct notice){
		                          .kind = NOTICE_DEAD,
		                          .channel = row->channel,
		                          .job = row->job,
		                          .message = row->id,
		                          .run = row->run,
		                          .slot = row->slot,
		                          .reason = row->answer ? row->answer : row->reason,
		                      });
	}
	alarms_arm(alarms);
}

/* What happened between SINCE_MS, when people were told last, and the end of that daemon. */
static void look_back(struct alarms *alarms, int64_t since_ms)
{
	struct line *line = alarms->setup.line;

	if (!alarms_anybody_is_told(alarms->setup.conf))
		return;
	/* What decides about a job may have begun long before it ended. */
	line_call(line, REQ_RUNS,
	    &(struct runs_ask){.since_ms = since_ms - LOOK_BACK_MS, .limit = LOOK_BACK_LIMIT}, on_runs,
	    alarms);
	if (troubles_count(alarms->troubles))
		line_call(line, REQ_MESSAGES,
		    &(struct messages_ask){
		        .state = "delivered", .ended_since_ms = since_ms, .limit = LOOK_BACK_LIMIT},
		    on_delivered, alarms);
	line_call(line, REQ_MESSAGES,
	    &(struct messages_ask){.state = "dead", .ended_since_ms = since_ms, .limit = LOOK_BACK_LIMIT},
	    on_dead, alarms);
}

void alarms_on_state(void *arg, struct err *e, const void *reply)
{
	struct alarms *alarms = arg;
	const char *text = e ? NULL : ((const struct state_reply *)reply)->value;
	struct json *state = NULL;
	int64_t since_ms;

	if (text)
		e = json_parse(text, strlen(text), &state);
	if (e)
		log_fault(LEVEL_ERROR, "alarm_failed", ERR_AT(e, "read which troubles were told"));
	troubles_load(alarms->troubles, state, wall_ms() - LOOK_BACK_MS, &since_ms);
	json_destroy(state);
	look_back(alarms, since_ms);
	alarms_arm(alarms);
}
