/* SPDX-License-Identifier: MIT */
/*
 * What the monitors say: notes on tickets, texts to people, lines to operators.
 *
 * The next step depends on whether a note or a text got through, so both are sent and waited for. A text's
 * key is the ledger: while a message with it was delivered, or may have been, no second one goes out.
 */
#include <string.h>

#include <bmad/text.h>

#include "jobs/dispatch/monitor.h"

#define TEXT_WITHIN_MS  45000 /* one attempt with its timeout, and one repeat if nobody was reached */
#define NOTE_WITHIN_MS  60000
#define WORDS_WITHIN_MS 10000
#define PLACE_MAX       90 /* bytes of a name in a text: it may have 480 characters in all */
#define TEXTS_GIVEN_UP  1
#define NOTES_GIVEN_UP  2

/* -- data ------------------------------------------------------------------------------------------- */

/* TEXT with room for the others beside it. */
static const char *fitted(const char *text, struct arena *arena)
{
	size_t length = text ? strlen(text) : 0;

	if (length <= PLACE_MAX)
		return text;
	return arena_format(arena, "%.*s...", (int)utf8_cut(text, length, PLACE_MAX), text);
}

static const char *operator_of(const struct monitor *monitor)
{
	return monitor->own->operator_name ? monitor->own->operator_name : "the service desk";
}

struct json *say_data(const struct monitor *monitor, const struct dispatch *d)
{
	struct json *data = run_data(monitor->run);

	json_set_string(data, "vendor", monitor->vendor->name);
	json_set_string(data, "operator", operator_of(monitor));
	json_set_string(data, "dispatch", d ? d->number : NULL);
	json_set_string(data, "ticket", d ? d->ticket : NULL);
	if (!d)
		return data;
	json_set_string(data, "reference", d->reference);
	json_set_string(data, "tech_name", d->tech_name);
	json_set_string(data, "tech_phone", d->tech_phone);
	json_set_string(data, "planned", d->planned);
	json_set_string(data, "start", d->has_start ? d->start.text : NULL);
	json_set_string(data, "site", d->site);
	json_set_string(data, "street", d->street);
	return data;
}

/* What --json shows of each message. */
struct labels {
	const char *items[5];
};

static struct labels labels_of(const struct dispatch *d)
{
	return d ? (struct labels){{"ticket", d->ticket, "dispatch", d->number, NULL}}
	         : (struct labels){{NULL}};
}

/* -- outcomes --------------------------------------------------------------------------------------- */

/* Why a message that was waited for did not get through; NULL: it did, or would have. */
static const char *fault_of(enum outcome outcome)
{
	static const char *const faults[] = {
	    [OUTCOME_QUEUED] = "no answer in time",
	    [OUTCOME_AMBIGUOUS] = "it may or may not have arrived, and is not repeated",
	    [OUTCOME_REJECTED] = "it was refused",
	    [OUTCOME_EXPIRED] = "nobody could be reached in time",
	    [OUTCOME_DRY_RUN] = NULL,
	};

	return faults[outcome];
}

static void count_outcome(enum outcome outcome, int *expired)
{
	*expired = outcome == OUTCOME_EXPIRED ? *expired + 1 : 0;
}

/* -- notes ------------------------------------------------------------------------------------------ */

struct err *say_note(
    struct monitor *monitor, const struct dispatch *d, const struct note_words *words, const char **out_why)
{
	cleanup(free_text) char *key =
	    mem_format("dispatch:note:%s:%s:%s", monitor->vendor->key, d->number, words->kind);
	cleanup(free_text) char *lane = mem_format("ticket-%s", d->ticket);
	struct labels labels = labels_of(d);
	struct json *data = say_data(monitor, d);
	enum outcome outcome;

	*out_why = "nobody could be reached before";
	if (monitor->notes_expired >= NOTES_GIVEN_UP)
		return NULL;
	json_set_string(data, "engine", MARK_ENGINE);
	json_set_string(data, "mark", words->mark);
	json_set_string(data, "number", words->number);
	json_set_string(data, "engineer_line", ENGINEER_LINE);
	TRY(run_send(monitor->run,
	        &(struct message){.kind = words->kind,
	            .stem = words->stem,
	            .channel = monitor->own->notes,
	            .key = key,
	            .to = d->ticket,
	            .lane = lane,
	            .within_ms = NOTE_WITHIN_MS,
	            .anew = true, /* the ticket's notes tell whether it is there, not we */
	            .labels = labels.items},
	        data, &outcome),
	    "note %s of dispatch %s", words->kind, d->number);
	count_outcome(outcome, &monitor->notes_expired);
	*out_why = fault_of(outcome);
	return NULL;
}

/* -- texts ------------------------------------------------------------------------------------------ */

static struct message text_of(const struct monitor *monitor, const struct text_words *words, const char *key)
{
	return (struct message){
	    .kind = words->kind,
	    .stem = words->stem,
	    .channel = monitor->own->sms,
	    .key = key,
	    .to = words->to,
	    .within_ms = TEXT_WITHIN_MS,
	    .key_kept_ms = monitor->own->ledger_ttl_ms,
	    .once = true,
	    .anew = words->anew,
	};
}

static const char *ledger_key(const struct monitor *monitor, const struct dispatch *d,
    const struct text_words *words, struct arena *arena)
{
	return arena_format(
	    arena, "dispatch:sent:%s:%s:%s:%s", monitor->vendor->key, d->number, words->kind, words->to);
}

static bool was_sent(enum outcome outcome)
{
	return outcome == OUTCOME_DELIVERED || outcome == OUTCOME_AMBIGUOUS;
}

struct err *say_was_sent(
    struct monitor *monitor, const struct dispatch *d, const struct text_words *words, bool *out_sent)
{
	cleanup(arena_done) struct arena arena = {0};
	struct message message = text_of(monitor, words, ledger_key(monitor, d, words, &arena));
	enum outcome outcome = OUTCOME_NONE;

	TRY(run_sent(monitor->run, &message, 1, &outcome), "look for texts of dispatch %s", d->number);
	*out_sent = was_sent(outcome);
	return NULL;
}

void say_ask(const struct monitor *monitor, const struct dispatch *d, struct arena *arena,
    struct ledger_question *question, bool out_sent[TEXTS_MAX])
{
	struct text_words words[TEXTS_MAX];
	size_t count = engine_texts(d, words);

	for (size_t i = 0; i < count; i++) {
		mem_grow(question->messages, question->count, question->capacity);
		mem_grow(question->answers, question->count, question->answer_capacity);
		question->messages[question->count] =
		    text_of(monitor, &words[i], ledger_key(monitor, d, &words[i], arena));
		question->answers[question->count++] = &out_sent[i];
	}
}

struct err *say_answer(struct monitor *monitor, const struct ledger_question *question)
{
	enum outcome *outcomes = mem_alloc((question->count + 1) * sizeof(*outcomes));
	struct err *e = run_sent(monitor->run, question->messages, question->count, outcomes);

	for (size_t i = 0; i < question->count && !e; i++)
		*question->answers[i] = was_sent(outcomes[i]);
	free(outcomes);
	return ERR_AT(e, "look for texts that went out");
}

struct err *say_text(
    struct monitor *monitor, const struct dispatch *d, const struct text_words *words, const char **out_why)
{
	cleanup(arena_done) struct arena arena = {0};
	struct message message = text_of(monitor, words, ledger_key(monitor, d, words, &arena));
	struct labels labels = labels_of(d);
	struct json *data = say_data(monitor, d);
	enum outcome outcome;

	*out_why = "nobody could be reached before";
	if (monitor->texts_expired >= TEXTS_GIVEN_UP)
		return NULL;
	json_set_string(data, "operator", fitted(operator_of(monitor), &arena));
	json_set_string(data, "tech_name", fitted(d->tech_name, &arena));
	json_set_string(data, "site", fitted(d->site, &arena));
	json_set_string(data, "street", fitted(d->street, &arena));
	json_set_string(data, "hours", words->hours);
	message.labels = labels.items;
	TRY(run_send(monitor->run, &message, data, &outcome), "text %s of dispatch %s", words->kind,
	    d->number);
	count_outcome(outcome, &monitor->texts_expired);
	*out_why = fault_of(outcome);
	return NULL;
}

/* -- events ----------------------------------------------------------------------------------------- */

static struct json *event_data(
    const struct monitor *monitor, const struct dispatch *d, const char *event, const char *why)
{
	struct json *data = say_data(monitor, d);

	json_set_string(data, "event", event);
	json_set_string(data, "text", why ? why : run_is_dry(monitor->run) ? "would be done" : "done");
	return data;
}

/* One line a run and event: an event that comes again in the next cycle is told again. */
static char *event_key(const struct monitor *monitor, const struct dispatch *d, const char *event)
{
	return mem_format("dispatch:chat:%s:%s:%s:%lld", monitor->vendor->key, d ? d->number : "-", event,
	    (long long)run_id(monitor->run));
}

static void log_event(
    const struct monitor *monitor, const struct dispatch *d, const char *event, const char *why)
{
	run_tell(monitor->run, "vendor=%s%s%s%s%s step=%s outcome=%s%s%s", monitor->vendor->name,
	    d ? " dispatch=" : "", d ? d->number : "", d ? " ticket=" : "", d ? d->ticket : "", event,
	    why                        ? "failed"
	    : run_is_dry(monitor->run) ? "dry_run"
	                               : "ok",
	    why ? ": " : "", why ? why : "");
}

struct err *say_event(struct monitor *monitor, const struct dispatch *d, const char *event, const char *why)
{
	cleanup(free_text) char *key = event_key(monitor, d, event);
	struct json *data = event_data(monitor, d, event, why);
	struct labels labels = labels_of(d);

	monitor->actions++;
	monitor->failures += why != NULL;
	log_event(monitor, d, event, why);
	for (size_t i = 0; i < monitor->own->chat.count; i++)
		PASS(run_queue(monitor->run,
		    &(struct message){.kind = event,
		        .stem = "event",
		        .channel = monitor->own->chat.items[i],
		        .key = key,
		        .severity = why ? SEVERITY_WARNING : SEVERITY_INFO,
		        .labels = labels.items},
		    data));
	return NULL;
}

void say_last_words(struct monitor *monitor, const char *event, const char *why)
{
	cleanup(free_text) char *key = event_key(monitor, NULL, event);
	struct json *data = event_data(monitor, NULL, event, why);
	enum outcome outcome;

	monitor->failures++;
	log_event(monitor, NULL, event, why);
	for (size_t i = 0; i < monitor->own->chat.count; i++)
		err_ignore(run_send(monitor->run,
		    &(struct message){.kind = event,
		        .stem = "event",
		        .channel = monitor->own->chat.items[i],
		        .key = key,
		        .severity = SEVERITY_ERROR,
		        .within_ms = WORDS_WITHIN_MS},
		    data, &outcome));
}
