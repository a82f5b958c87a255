/* SPDX-License-Identifier: MIT */
/*
 * The decisions: for each status a table of steps, taken in order. A step is done if its note is on the
 * ticket.
 */
#include <string.h>

#include "jobs/dispatch/monitor.h"

enum party { CLIENT, TECH };

#define HALF_DAY  720 /* minutes before the start: the first reminder may go */
#define TWO_HOURS 120

struct step {
	/* Whether it is to be taken as things stand; NULL: it has a text, which the fields below describe. */
	bool (*due)(const struct visit *visit, const struct step *step);
	struct err *(*take)(struct visit *visit, const struct step *step);
	const char *note, *mark, *event; /* the note's kind and watermark; the event's word */
	const char *stem;                /* of the note's template */
	/* A text, and the note of it. */
	const char *text, *text_stem, *hours;
	enum party to;
	bool confirms; /* whoever gets it gets no reminder in the same visit */
	bool any_time;
	int64_t over, until; /* minutes before the start: more than OVER, UNTIL at most */
};

/* -- what steps have in common ---------------------------------------------------------------------- */

static bool is_future(const struct visit *visit)
{
	return visit->dispatch->start.at > visit->now;
}

static const char *number_of(const struct visit *visit, enum party party)
{
	return party == CLIENT ? visit->dispatch->client : visit->dispatch->tech;
}

static struct err *tell(struct visit *visit, const char *event, const char *ending, const char *why)
{
	cleanup(free_text) char *word = mem_format("%s%s", event, ending);

	return say_event(visit->monitor, visit->dispatch, word, why);
}

/* EVENT_ok or EVENT_failed. */
static struct err *tell_end(struct visit *visit, const char *event, const char *why)
{
	return tell(visit, event, why ? "_failed" : "_ok", why);
}

static struct err *append(
    struct visit *visit, const struct step *step, const char *number, const char **out_why)
{
	struct note_words words = {
	    .kind = step->note, .stem = step->stem, .mark = step->mark, .number = number};

	return say_note(visit->monitor, visit->dispatch, &words, out_why);
}

/* -- notes without a text --------------------------------------------------------------------------- */

static bool is_missing(const struct visit *visit, const struct step *step)
{
	return !notes_have(&visit->notes, step->mark);
}

static struct err *note_it(struct visit *visit, const struct step *step)
{
	const char *why;

	PASS(append(visit, step, NULL, &why));
	return tell_end(visit, step->event, why);
}

static struct err *confirm(struct visit *visit, const struct step *step)
{
	const char *why;

	visit->noted = true;
	PASS(append(visit, step, NULL, &why));
	visit->over = why != NULL;
	return tell_end(visit, step->event, why);
}

/* -- texts with their note -------------------------------------------------------------------------- */

static bool is_time(const struct visit *visit, const struct step *step)
{
	int64_t minutes = when_minutes(visit->now, visit->dispatch->start.at);

	if (step->any_time)
		return true;
	if (!is_future(visit) || (!step->confirms && visit->ran[step->to]))
		return false;
	return minutes > step->over && minutes <= step->until;
}

static struct text_words words_of(const struct visit *visit, const struct step *step)
{
	return (struct text_words){.kind = step->text,
	    .stem = step->text_stem,
	    .to = number_of(visit, step->to),
	    .hours = step->hours};
}

/* *OUT_SENT: the text went out in an earlier visit, whose note was refused; only the note is left to do. */
static struct err *is_text_due(struct visit *visit, const struct step *step, bool *out_due, bool *out_sent)
{
	struct text_words words = words_of(visit, step);

	*out_due = *out_sent = false;
	if (!is_missing(visit, step))
		return NULL;
	PASS(say_was_sent(visit->monitor, visit->dispatch, &words, out_sent));
	*out_due = *out_sent || is_time(visit, step);
	return NULL;
}

static struct err *take_text(struct visit *visit, const struct step *step, bool sent)
{
	struct text_words words = words_of(visit, step);
	const char *why = NULL;

	if (step->confirms)
		visit->ran[step->to] = true;
	if (!sent)
		PASS(say_text(visit->monitor, visit->dispatch, &words, &why));
	if (!why)
		PASS(append(visit, step, words.to, &why));
	return tell_end(visit, step->event, why);
}

/* -- another engineer ------------------------------------------------------------------------------- */

static bool has_changed(const struct visit *visit, const struct step *step)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *known;

	(void)step;
	if (visit->noted || visit->ran[TECH])
		return false;
	known = notes_engineer(&visit->notes, &arena);
	return known && !same_name(known, visit->dispatch->tech_name);
}

static struct err *text_change(struct visit *visit, const struct text_words *words, const char *event)
{
	const char *why;

	PASS(say_text(visit->monitor, visit->dispatch, words, &why));
	return tell_end(visit, event, why);
}

/* The note first: without it the change would be found, and texted, again in each cycle. */
static struct err *tell_change(struct visit *visit, const struct step *step)
{
	const struct dispatch *d = visit->dispatch;
	const char *why;

	PASS(append(visit, step, NULL, &why));
	PASS(tell_end(visit, step->event, why));
	if (why || !is_future(visit))
		return NULL;
	PASS(text_change(visit,
	    &(struct text_words){.kind = "tech_changed_client",
	        .stem = "text_tech_changed_client",
	        .to = d->client,
	        .anew = true},
	    "tech_changed_sms_client"));
	return text_change(visit,
	    &(struct text_words){
	        .kind = "tech_changed_tech", .stem = "text_tech_changed_tech", .to = d->tech, .anew = true},
	    "tech_changed_sms_tech");
}

/* -- the sequences ---------------------------------------------------------------------------------- */

#define REMINDER(party_, name_, mark_, hours_, over_, until_)                                                \
	{                                                                                                    \
		.note = "reminder_" name_, .mark = mark_, .event = "reminder_" name_,                        \
		.stem = "note_reminder", .text = "reminder_" name_, .hours = hours_, .to = (party_),         \
		.over = (over_), .until = (until_),                                                          \
		.text_stem = (party_) == CLIENT ? "text_reminder_client" : "text_reminder_tech"              \
	}

static const struct step confirmed_steps[] = {
    {.due = is_missing,
        .take = confirm,
        .note = "confirmed",
        .mark = MARK_CONFIRMED,
        .event = "confirmed_note",
        .stem = "note_confirmed"},
    {.note = "confirmed_sms_client",
        .mark = "Dispatch confirmation SMS sent to",
        .event = "confirmed_sms_client",
        .stem = "note_sms",
        .text = "confirmed_client",
        .text_stem = "text_confirmed_client",
        .to = CLIENT,
        .confirms = true,
        .over = -1,
        .until = INT64_MAX},
    {.note = "confirmed_sms_tech",
        .mark = "Dispatch confirmation SMS tech sent to",
        .event = "confirmed_sms_tech",
        .stem = "note_sms",
        .text = "confirmed_tech",
        .text_stem = "text_confirmed_tech",
        .to = TECH,
        .confirms = true,
        .over = -1,
        .until = INT64_MAX},
    {.due = has_changed,
        .take = tell_change,
        .note = "tech_changed",
        .mark = MARK_CHANGED,
        .event = "tech_changed_note",
        .stem = "note_tech_changed"},
    REMINDER(CLIENT, "12h_client", "Dispatch 12h prior reminder SMS", "12-hour", TWO_HOURS, HALF_DAY),
    REMINDER(TECH, "12h_tech", "Dispatch 12h prior reminder tech SMS", "12-hour", TWO_HOURS, HALF_DAY),
    REMINDER(CLIENT, "2h_client", "Dispatch 2h prior reminder SMS", "2-hour", -1, TWO_HOURS),
    REMINDER(TECH, "2h_tech", "Dispatch 2h prior reminder tech SMS", "2-hour", -1, TWO_HOURS),
};

static const struct step on_site_steps[] = {
    {.note = "on_site",
        .mark = "Dispatch Management - Field Engineer On Site",
        .event = "on_site",
        .stem = "note_on_site",
        .text = "on_site_client",
        .text_stem = "text_on_site_client",
        .to = CLIENT,
        .any_time = true},
};

static const struct step cancelled_steps[] = {
    {.due = is_missing,
        .take = note_it,
        .note = "cancelled",
        .mark = "Dispatch Management - Dispatch Cancelled",
        .event = "cancelled",
        .stem = "note_cancelled"},
};

static const struct sequence {
	const struct step *steps;
	size_t count;
} sequences[STATUSES] = {
    [STATUS_CONFIRMED] = {confirmed_steps, ARRAY_SIZE(confirmed_steps)},
    [STATUS_ON_SITE] = {on_site_steps, ARRAY_SIZE(on_site_steps)},
    [STATUS_CANCELLED] = {cancelled_steps, ARRAY_SIZE(cancelled_steps)},
};

/* -- the front desk --------------------------------------------------------------------------------- */

const char *engine_missing(const struct dispatch *d)
{
	bool people = d->status != STATUS_CANCELLED, both = d->status == STATUS_CONFIRMED;

	if (both && (!d->tech_name || !d->tech_phone))
		return "no engineer";
	if (d->status == STATUS_ON_SITE && !d->arrived)
		return "no check-in";
	if (!d->has_start)
		return "no start";
	if (people && !d->has_client)
		return "no number of the client";
	return both && !d->has_tech ? "no number of the engineer" : NULL;
}

size_t engine_texts(const struct dispatch *d, struct text_words words[TEXTS_MAX])
{
	const struct sequence *sequence = &sequences[d->status];
	const struct visit visit = {.dispatch = d};
	size_t count = 0;

	for (size_t i = 0; i < sequence->count; i++)
		if (!sequence->steps[i].due)
			words[count++] = words_of(&visit, &sequence->steps[i]);
	return count;
}

bool engine_is_due(const struct visit *visit)
{
	const struct sequence *sequence = &sequences[visit->dispatch->status];
	const bool *sent = visit->sent;

	for (size_t i = 0; i < sequence->count; i++) {
		const struct step *step = &sequence->steps[i];
		bool noted = step->due ? !step->due(visit, step) : !is_missing(visit, step);
		bool went_out = !step->due && *sent++;

		if (!noted && (step->due || went_out || is_time(visit, step)))
			return true;
	}
	return false;
}

struct err *engine_act(struct visit *visit)
{
	const struct sequence *sequence = &sequences[visit->dispatch->status];
	bool due, sent = false;

	for (size_t i = 0; i < sequence->count && !visit->over; i++) {
		const struct step *step = &sequence->steps[i];

		if (step->due) {
			if (step->due(visit, step))
				PASS(step->take(visit, step));
			continue;
		}
		PASS(is_text_due(visit, step, &due, &sent));
		if (due)
			PASS(take_text(visit, step, sent));
	}
	return NULL;
}
