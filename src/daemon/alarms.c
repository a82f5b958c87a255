/* SPDX-License-Identifier: MIT */
/* From what is noticed to runs that tell of it. */
#include "daemon/alarms_parts.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "worker/alarm_job.h"

#define PAUSE_HOLD_MS   60000            /* a channel's pause shorter than this is everyday business */
#define LONGEST_WAIT_MS INT64_C(3600000) /* then the wall clock is looked at again, which may be set */

/* -- who is told ----------------------------------------------------------------------------------- */

static const struct conf_on_failure *rule_for(
    const struct conf *conf, const struct trouble_subject *subject, const struct conf_job *job)
{
	static const struct conf_on_failure nobody = {.off = true};

	if (job)
		return &job->on_failure;
	if (!subject->channel || !conf_channel(conf, subject->channel))
		return &nobody; /* it is no longer in the configuration */
	return &conf->daemon.on_failure;
}

static void ask(void *arg, const struct trouble_subject *subject, struct trouble_policy *out_policy)
{
	const struct alarms *alarms = arg;
	const struct conf *conf = alarms->setup.conf;
	const struct conf_job *job = subject->job ? conf_job(conf, subject->job) : NULL;
	const struct conf_on_failure *rule = rule_for(conf, subject, job);

	*out_policy = (struct trouble_policy){
	    .channels = rule->channels.items,
	    .count = rule->channels.count,
	    .repeat_ms = rule->repeat_ms,
	    .silent = rule->off || !rule->channels.count,
	    .about = job ? job->about : NULL,
	};
	/* All that is told goes to one channel; if that is the one which fails, nobody can be told. */
	if (conf->daemon.redirect_to && text_equal(conf->daemon.redirect_to, subject->channel))
		out_policy->count = 0;
}

static bool is_silent(
    const struct alarms *alarms, enum trouble_kind kind, const char *job, const char *channel)
{
	struct trouble_policy policy;

	ask((void *)(uintptr_t)alarms, &(struct trouble_subject){kind, job, channel}, &policy);
	return policy.silent;
}

bool alarms_anybody_is_told(const struct conf *conf)
{
	bool told = conf->daemon.on_failure.channels.count;

	for (size_t i = 0; !told && i < conf->job_count; i++)
		told = conf->jobs[i].on_failure.channels.count;
	return told;
}

/* -- telling --------------------------------------------------------------------------------------- */

void alarms_arm(struct alarms *alarms)
{
	int64_t now_ms = wall_ms(), due_ms = troubles_due(alarms->troubles, now_ms);

	if (due_ms == INT64_MAX || alarms->stopped)
		event_del(alarms->timer);
	else if (due_ms > now_ms + LONGEST_WAIT_MS)
		timer_set(alarms->timer, LONGEST_WAIT_MS);
	else
		timer_set(alarms->timer, due_ms - now_ms);
}

static void tell_unheard(const struct telling *telling)
{
	struct log_line line;

	if (!telling->unheard)
		return;
	log_begin(&line, LEVEL_ERROR, "alarm_unheard");
	log_int(&line, "troubles", (int64_t)telling->unheard);
	log_text(&line, "trouble", telling->first_unheard);
	log_text(&line, "reason", "on_failure names no channel but the one that fails");
	log_end(&line);
}

static void not_told(struct alarms *alarms, struct err *e)
{
	if (e)
		log_fault(LEVEL_ERROR, "alarm_failed", e);
	troubles_untold(alarms->troubles, wall_ms());
	telling_done(&alarms->telling);
	alarms_arm(alarms);
}

static void on_claimed(void *arg, struct err *e, const void *reply)
{
	struct alarms *alarms = arg;
	const struct claim_reply *answer = reply;
	utc_t now = wall_ms() / 1000;

	if (!e && (answer->count != 1 || answer->slots[0].state != CLAIM_GRANTED))
		e = ERR(ERR_BUG, "the store granted no run to tell of troubles");
	if (e) {
		not_told(alarms, ERR_AT(e, "claim a run to tell of troubles"));
		return;
	}
	json_set_string(alarms->telling.order, "key", alarms->key);
	cleanup(free_text) char *given = json_print(alarms->telling.order);
	dispatcher_add(alarms->setup.dispatcher, &(struct granted){
	                                             .job = &alarms->job,
	                                             .run = answer->slots[0].run,
	                                             .key = alarms->key,
	                                             .slot = now,
	                                             .attempt = 1,
	                                             .trigger = TRIGGER_ALARM,
	                                             .given = given,
	                                         });
}

static void claim_run(struct alarms *alarms, int64_t now_ms)
{
	char text[TIME_TEXT];

	snprintf(alarms->key, sizeof(alarms->key), "alarm:%s", utc_format_ms(now_ms, text));
	line_call(alarms->setup.line, REQ_CLAIM,
	    &(struct claim){
	        .instance = alarms->setup.instance,
	        .now_ms = now_ms,
	        .slots =
	            &(struct claim_slot){
	                .job = ALARM_JOB,
	                .key = alarms->key,
	                .due = now_ms / 1000,
	                .action = CLAIM_RUN,
	                .trigger = TRIGGER_ALARM,
	                .overlap = OVERLAP_ALLOW,
	            },
	        .count = 1,
	    },
	    on_claimed, alarms);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct alarms *alarms = arg;
	int64_t now_ms = wall_ms();

	(void)fd, (void)what;
	if (troubles_tell(alarms->troubles, now_ms, &alarms->telling)) {
		tell_unheard(&alarms->telling);
		claim_run(alarms, now_ms);
	}
	alarms_arm(alarms);
}

bool alarms_own(const struct granted *granted)
{
	return granted->trigger == TRIGGER_ALARM;
}

static void tell_sent(const struct telling *telling, const struct run_end *end)
{
	struct log_line line;

	if (telling->begun + telling->lasting + telling->over == telling->unheard)
		return;
	log_begin(&line, LEVEL_INFO, "alarm_sent");
	log_text(&line, "job", ALARM_JOB);
	log_int(&line, "run", end->granted->run);
	log_int(&line, "begun", (int64_t)telling->begun);
	log_int(&line, "lasting", (int64_t)telling->lasting);
	log_int(&line, "over", (int64_t)telling->over);
	log_text(&line, "trouble", telling->first);
	log_end(&line);
}

static void own_run_ended(struct alarms *alarms, const struct run_end *end)
{
	if (end->ending != ENDED_OK && end->ending != ENDED_DEGRADED) {
		not_told(alarms, NULL); /* its own line says why */
		return;
	}
	tell_sent(&alarms->telling, end);
	troubles_told(alarms->troubles);
	telling_done(&alarms->telling);
	alarms_arm(alarms);
}

/* -- what is noticed ------------------------------------------------------------------------------- */

void alarms_begin(struct alarms *alarms, struct trouble_report *report)
{
	if (is_silent(alarms, report->kind, report->job, report->channel))
		return;
	if (!report->at_ms)
		report->at_ms = wall_ms();
	troubles_begin(alarms->troubles, report);
}

void alarms_trouble(struct alarms *alarms, const struct trouble_report *report)
{
	struct trouble_report dated = *report;

	if (!alarms)
		return;
	dated.at_ms = wall_ms();
	alarms_begin(alarms, &dated);
	alarms_arm(alarms);
}

void alarms_well(struct alarms *alarms, enum trouble_kind kind, const char *job, int64_t run)
{
	if (!is_silent(alarms, kind, job, NULL))
		troubles_over(alarms->troubles, &(struct trouble_subject){kind, job, NULL}, run, wall_ms());
}

void alarms_over(struct alarms *alarms, enum trouble_kind kind, const char *job)
{
	if (!alarms)
		return;
	alarms_well(alarms, kind, job, 0);
	alarms_arm(alarms);
}

static struct json *frames_json(const struct err *e)
{
	struct json *frames = json_array();

	for (size_t i = 0; i < err_frames(e); i++) {
		const struct err_frame *frame = err_frame(e, i);
		struct json *item = json_add_object(frames);

		json_set_string(item, "function", frame->function);
		json_set_string(item, "file", frame->file);
		json_set_int(item, "line", frame->line);
		if (!text_is_empty(frame->note) &&
		    !text_equal(frame->note, err_message(e))) /* that is told anyway */
			json_set_string(item, "note", frame->note);
	}
	return frames;
}

/* REPORT with what is known of the error behind it. */
void alarms_begin_failed(struct alarms *alarms, struct trouble_report *report, struct err *e)
{
	struct json *frames = e ? frames_json(e) : NULL;

	report->frames = frames;
	report->text = e ? err_text(e) : "a template failed, or the step after the commit: the log says what";
	alarms_begin(alarms, report);
	json_destroy(frames);
}

static const char *const states[] = {
    [ENDED_OK] = "ok",
    [ENDED_DEGRADED] = "degraded",
    [ENDED_FAILED] = "failed",
    [ENDED_TIMEOUT] = "timeout",
    [ENDED_CRASHED] = "crashed",
    [ENDED_INTERRUPTED] = "interrupted",
};

void alarms_run_ended(struct alarms *alarms, const struct run_end *end)
{
	const struct granted *granted = end->granted;

	if (!alarms || granted->slots_to)
		return;
	if (alarms_own(granted)) {
		own_run_ended(alarms, end);
		return;
	}
	if (end->ending == ENDED_OK) {
		alarms_well(alarms, TROUBLE_RUN, granted->job->name, granted->run);
		alarms_well(alarms, TROUBLE_SLOT, granted->job->name, 0);
	} else if (end->ending != ENDED_INTERRUPTED || !end->again) { /* else the slot runs once more */
		alarms_begin_failed(alarms,
		    &(struct trouble_report){
		        .kind = TROUBLE_RUN,
		        .job = granted->job->name,
		        .state = states[end->ending],
		        .run = granted->run,
		        .slot = granted->slot,
		    },
		    end->error);
	}
	alarms_arm(alarms);
}

void alarms_slots_failed(struct alarms *alarms, const struct run_end *end)
{
	if (!alarms)
		return;
	alarms_begin_failed(alarms,
	    &(struct trouble_report){.kind = TROUBLE_SCHEDULE, .job = end->granted->job->name}, end->error);
	alarms_arm(alarms);
}

void alarms_slot_missed(struct alarms *alarms, const char *job, utc_t slot, const char *reason)
{
	alarms_trouble(alarms, &(struct trouble_report){
	                           .kind = TROUBLE_SLOT,
	                           .job = job,
	                           .state = "missed",
	                           .text = reason,
	                           .slot = slot,
	                       });
}

/* -- notices of sender and store ------------------------------------------------------------------- */

static const struct {
	enum trouble_kind kind;
	const char *state; /* NULL: the channel works */
	int64_t hold_ms;
} notice_rules[] = {
    [NOTICE_DELIVERED] = {TROUBLE_CHANNEL, NULL, 0},
    [NOTICE_DEAD] = {TROUBLE_MESSAGE, "dead", 0},
    [NOTICE_AMBIGUOUS] = {TROUBLE_MESSAGE, "ambiguous", 0},
    [NOTICE_PAUSED] = {TROUBLE_CHANNEL, "paused", PAUSE_HOLD_MS},
    [NOTICE_SUSPENDED] = {TROUBLE_CHANNEL, "suspended", 0},
    [NOTICE_RESUMED] = {TROUBLE_CHANNEL, NULL, 0},
};

/* It may deliver again; what was lost by it is another matter. */
static void channel_open(struct alarms *alarms, const char *channel)
{
	if (!is_silent(alarms, TROUBLE_CHANNEL, NULL, channel))
		troubles_over(alarms->troubles, &(struct trouble_subject){TROUBLE_CHANNEL, NULL, channel}, 0,
		    wall_ms());
}

void alarms_notice(struct alarms *alarms, const struct notice *notice)
{
	if (notice->kind < 0 || notice->kind >= (int64_t)ARRAY_SIZE(notice_rules) || !notice->channel)
		return;
	if (notice->kind == NOTICE_DELIVERED)
		troubles_channel_over(alarms->troubles, notice->channel, wall_ms());
	else if (notice->kind == NOTICE_RESUMED)
		channel_open(alarms, notice->channel);
	if (!notice_rules[notice->kind].state)
		return;
	if (text_equal(notice->job, ALARM_JOB))
		return; /* logged by whoever noticed it, and no more */
	alarms_begin(alarms, &(struct trouble_report){
	                         .kind = notice_rules[notice->kind].kind,
	                         .job = notice->job,
	                         .channel = notice->channel,
	                         .state = notice_rules[notice->kind].state,
	                         .text = notice->reason,
	                         .message = notice->message,
	                         .run = notice->run,
	                         .slot = notice->slot,
	                         .hold_ms = notice_rules[notice->kind].hold_ms,
	                     });
}

void alarms_notices(struct alarms *alarms, const struct notices *notices)
{
	if (!alarms)
		return;
	for (size_t i = 0; i < notices->count; i++)
		alarms_notice(alarms, &notices->items[i]);
	alarms_arm(alarms);
}

/* -- front desk ------------------------------------------------------------------------------------ */

struct alarms *alarms_create(const struct alarms_setup *setup)
{
	struct alarms *alarms = mem_alloc(sizeof(*alarms));

	alarms->setup = *setup;
	alarm_job(setup->conf, &alarms->job);
	alarms->troubles = troubles_create(ask, alarms);
	alarms->timer = evtimer_new(setup->base, on_timer, alarms);
	line_call(setup->line, REQ_STATE,
	    &(struct state_ask){.job = ALARM_JOB, .key = ALARM_STATE, .now = wall_ms() / 1000},
	    alarms_on_state, alarms);
	return alarms;
}

void alarms_configure(struct alarms *alarms, const struct conf *conf)
{
	alarms->setup.conf = conf;
	alarm_job(conf, &alarms->job);
	alarms_arm(alarms);
}

void alarms_stop(struct alarms *alarms)
{
	if (!alarms)
		return;
	alarms->stopped = true;
	event_del(alarms->timer);
}

void alarms_destroy(struct alarms *alarms)
{
	if (!alarms)
		return;
	event_free(alarms->timer);
	telling_done(&alarms->telling);
	troubles_destroy(alarms->troubles);
	free(alarms);
}
