/* SPDX-License-Identifier: MIT */
/* What an operator asks for with `bmad dispatch-cancel`: mail to the vendor, then a line and a note that say
 * so. */
#include <string.h>

#include <bmad/text.h>

#include "jobs/dispatch/monitor.h"

#define MAIL_WITHIN_MS 60000

static struct err *check(const struct monitor *monitor, const char *number)
{
	if (text_is_empty(monitor->own->cancel_channel) || text_is_empty(monitor->own->cancel_to))
		return ERR(ERR_CONFIG, "cancel: the job says no `channel` or no `to` for requests to cancel");
	if (!*number ||
	    number[strspn(number, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
		return ERR(
		    ERR_CONFIG, "'%.100s' is no dispatch: letters, digits, - and _ are expected", number);
	return NULL;
}

/* Whatever its status, all of it is read. */
static struct err *find(struct monitor *monitor, const char *number, struct dispatch *out)
{
	const struct vendor *vendor = monitor->vendor;
	struct json *record;

	run_step(monitor->run, "read dispatch %s", number);
	TRY(vendor->find(monitor->vendor_api, number, &record), "read dispatch %s", number);
	struct err *e = dispatch_read_all(vendor, record, &monitor->arena, out);
	json_destroy(record);
	if (e)
		return e;
	if (!out->ticket || !out->reference)
		return ERR(ERR_PERMANENT, "dispatch %s has no %s of ours", number,
		    out->ticket ? "reference" : "ticket");
	return NULL;
}

static struct err *check_unasked(struct monitor *monitor, const struct dispatch *d)
{
	struct notes notes;
	struct json *details;

	PASS(details_read(monitor, d->ticket, &details));
	notes_read(details, d->reference, &monitor->arena, &notes);
	bool asked = notes_have(&notes, MARK_CANCEL);
	json_destroy(details);
	return asked ? ERR(ERR_PERMANENT, "ticket %s says that this was asked for already: nothing is sent",
	                   d->ticket)
	             : NULL;
}

static struct err *mail(struct monitor *monitor, const struct dispatch *d)
{
	cleanup(free_text) char *key = mem_format(
	    "dispatch:cancel:%s:%s:%lld", monitor->vendor->key, d->number, (long long)run_id(monitor->run));
	const char *labels[] = {"ticket", d->ticket, "dispatch", d->number, NULL};
	enum outcome outcome;

	TRY(run_send(monitor->run,
	        &(struct message){.kind = "cancel_request",
	            .channel = monitor->own->cancel_channel,
	            .to = monitor->own->cancel_to,
	            .key = key,
	            .within_ms = MAIL_WITHIN_MS,
	            .labels = labels},
	        say_data(monitor, d), &outcome),
	    "mail the request");
	if (outcome == OUTCOME_DELIVERED || outcome == OUTCOME_DRY_RUN || outcome == OUTCOME_SUPPRESSED)
		return NULL;
	return ERR(
	    ERR_TEMPORARY, "the request to cancel was not accepted by the mail server: nothing is noted");
}

struct err *cancel_run(struct monitor *monitor, const char *number)
{
	struct note_words words = {
	    .kind = "cancel_requested", .stem = "note_cancel_requested", .mark = MARK_CANCEL};
	struct dispatch dispatch;
	const char *why;

	PASS(check(monitor, number));
	PASS(find(monitor, number, &dispatch));
	PASS(check_unasked(monitor, &dispatch));
	PASS(mail(monitor, &dispatch));
	PASS(say_event(monitor, &dispatch, "cancel_requested_ok", NULL));
	PASS(say_note(monitor, &dispatch, &words, &why));
	if (why)
		run_warn(
		    monitor->run, "dispatch %s: the request went out, but its note failed: %s", number, why);
	return why ? say_event(monitor, &dispatch, "cancel_requested_note_failed", why) : NULL;
}
