/* SPDX-License-Identifier: MIT */
/*
 * Reading tickets and visiting their dispatches. Tickets are read side by side, but as soon as one of them
 * needs something no further reading begins: notes are acted upon while they are fresh.
 */
#include <string.h>

#include "jobs/dispatch/monitor.h"

struct waiting {
	const struct dispatch *dispatch;
	struct json *details;
};

/* What the store knows of so many dispatches is asked at once: while it is asked, no ticket is read. */
#define SLICE 1024

struct round {
	struct monitor *monitor;
	struct dispatch *const *items; /* of the calls that are asked for now */
	bool (*sent)[TEXTS_MAX];       /* of each of them: engine_texts() that went out before */
	size_t ended;
	struct waiting *waiting; /* who need something */
	size_t waiting_count;
};

static struct err *read_answer(const struct api_answer *answer, struct json **out_details)
{
	struct json *value;

	if (answer->status < 200 || answer->status >= 300)
		return ERR(answer->status >= 500 ? ERR_TEMPORARY : ERR_PERMANENT, "HTTP %ld", answer->status);
	TRY(json_parse(answer->body, answer->length, &value), "read the answer");
	if (json_is(value, JSON_OBJECT)) {
		*out_details = value;
		return NULL;
	}
	json_destroy(value);
	return ERR(ERR_PERMANENT, "the answer is no object");
}

/* -- the index that the portal looks into ----------------------------------------------------------- */

static struct err *look_for_move(struct monitor *monitor, const struct dispatch *d, const char *start)
{
	const struct json *known;

	PASS(run_state_get(monitor->run, d->number, &known));
	const char *before = json_text(json_get(known, "start"));
	if (before && strcmp(before, start) != 0)
		run_warn(monitor->run,
		    "vendor=%s dispatch=%s ticket=%s: its start was %s and is %s now; reminders that went "
		    "out stay",
		    monitor->vendor->name, d->number, d->ticket, before, start);
	return NULL;
}

static struct err *index_it(struct monitor *monitor, const struct dispatch *d)
{
	struct json *value = json_object();
	char start[TIME_TEXT];
	struct err *e = NULL;

	json_set_string(value, "ticket_id", d->ticket);
	if (monitor->vendor->own_reference)
		json_set_string(value, "igz_dispatch_number", d->reference);
	if (d->has_start) {
		json_set_string(value, "start", utc_format(d->start.at, start));
		e = look_for_move(monitor, d, start);
	}
	run_state_set(
	    monitor->run, d->number, value, run_clock(monitor->run) + monitor->own->state_ttl_ms / 1000);
	return e;
}

/* -- one dispatch ----------------------------------------------------------------------------------- */

static void visit_begin(
    struct visit *visit, struct monitor *monitor, const struct dispatch *d, const struct json *details)
{
	*visit = (struct visit){.monitor = monitor, .dispatch = d, .now = run_clock(monitor->run)};
	notes_read(details, d->reference, &visit->arena, &visit->notes);
}

/* Whether it is one of ours and needs something. */
static struct err *look(const struct round *round, size_t index, const struct json *details, bool *out_due)
{
	struct monitor *monitor = round->monitor;
	const struct dispatch *d = round->items[index];
	struct visit visit;
	struct err *e = NULL;

	*out_due = false;
	visit_begin(&visit, monitor, d, details);
	visit.sent = round->sent[index];
	if (notes_have(&visit.notes, MARK_REQUESTED)) {
		const char *missing = engine_missing(d);

		monitor->ours++;
		e = index_it(monitor, d);
		if (missing)
			run_tell(monitor->run, "vendor=%s dispatch=%s ticket=%s skipped: %s",
			    monitor->vendor->name, d->number, d->ticket, missing);
		else if (!e)
			*out_due = engine_is_due(&visit);
	} else {
		run_decide(
		    monitor->run, "dispatch %s: ticket %s has no request of ours", d->number, d->ticket);
	}
	arena_done(&visit.arena);
	return e;
}

/* What is wrong with bmad itself costs this dispatch; what hinders all (the store) costs the cycle. */
static struct err *act(struct monitor *monitor, const struct dispatch *d, const struct json *details)
{
	struct visit visit;

	run_step(monitor->run, "visit dispatch %s of ticket %s", d->number, d->ticket);
	visit_begin(&visit, monitor, d, details);
	struct err *e = engine_act(&visit);
	arena_done(&visit.arena);
	if (!e || err_kind(e) != ERR_BUG)
		return e;
	run_warn(monitor->run, "dispatch %s: %s", d->number, err_text(e));
	err_destroy(e);
	return say_event(monitor, d, "internal_error", "see the log");
}

/* -- many of them ----------------------------------------------------------------------------------- */

static struct err *tell_unread(struct monitor *monitor, const struct dispatch *d, struct err *why)
{
	struct err *e = NULL;

	if (monitor->details_failed++ < UNREAD_TOLD)
		e = say_event(monitor, d, "ticket_details_failed", err_text(why));
	else
		monitor->failures++;
	err_destroy(why);
	return e;
}

static struct err *on_details(void *arg, size_t index, const struct api_answer *answer, struct err *why)
{
	struct round *round = arg;
	struct monitor *monitor = round->monitor;
	const struct dispatch *d = round->items[index];
	struct json *details = NULL;
	bool due;

	round->ended++;
	if (!why)
		why = read_answer(answer, &details);
	if (why)
		return tell_unread(monitor, d, why);
	struct err *e = look(round, index, details, &due);
	if (e || !due) {
		json_destroy(details);
		return e;
	}
	round->waiting[round->waiting_count++] = (struct waiting){d, details};
	api_stop(monitor->bruin);
	return NULL;
}

/* What waits is forgotten in any case; it is acted upon unless there was an error before. */
static struct err *act_on_waiting(struct round *round, struct err *e)
{
	for (size_t i = 0; i < round->waiting_count; i++) {
		if (!e)
			e = act(round->monitor, round->waiting[i].dispatch, round->waiting[i].details);
		json_destroy(round->waiting[i].details);
	}
	round->waiting_count = 0;
	return e;
}

/* The starts that were known before. */
static struct err *load_index(struct monitor *monitor, struct dispatch *const *items, size_t count)
{
	const char *keys[SLICE];

	for (size_t i = 0; i < count; i++)
		keys[i] = items[i]->number;
	return run_states_load(monitor->run, keys, count);
}

/* The texts that went out before. */
static struct err *load_ledger(const struct round *round, size_t count)
{
	cleanup(arena_done) struct arena arena = {0};
	struct ledger_question question = {0};

	for (size_t i = 0; i < count; i++)
		if (!engine_missing(round->items[i]))
			say_ask(round->monitor, round->items[i], &arena, &question, round->sent[i]);
	struct err *e = say_answer(round->monitor, &question);
	free(question.messages);
	free(question.answers);
	return e;
}

/* Dispatches of one slice; a call for each. */
static struct err *visit_slice(
    struct round *round, struct dispatch *const *items, const struct api_request *requests, size_t count)
{
	struct monitor *monitor = round->monitor;
	size_t limit = (size_t)monitor->own->concurrency;

	round->items = items;
	run_step(monitor->run, "ask the store for what is known");
	PASS(load_index(monitor, items, count));
	PASS(load_ledger(round, count));
	for (size_t done = 0; done < count; done += round->ended) {
		round->ended = 0;
		round->items = items + done;
		run_step(monitor->run, "read tickets");
		PASS(act_on_waiting(round,
		    api_call_all(monitor->bruin, requests + done, count - done, limit, on_details, round)));
		round->sent += round->ended;
	}
	return NULL;
}

struct err *details_visit(struct monitor *monitor, struct dispatch *const *items, size_t count)
{
	cleanup(arena_done) struct arena arena = {0};
	struct api_request *requests = arena_alloc(&arena, (count + 1) * sizeof(*requests));
	struct round round = {.monitor = monitor};

	round.sent = arena_alloc(&arena, (count + 1) * sizeof(*round.sent));
	round.waiting = arena_alloc(&arena, (size_t)monitor->own->concurrency * sizeof(*round.waiting));
	for (size_t i = 0; i < count; i++)
		requests[i] = (struct api_request){
		    .method = "GET", .url = arena_format(&arena, "/api/Ticket/%s/details", items[i]->ticket)};
	for (size_t done = 0; done < count; done += SLICE) {
		size_t left = count - done;

		PASS(visit_slice(&round, items + done, requests + done, left < SLICE ? left : SLICE));
	}
	return NULL;
}

struct err *details_read(struct monitor *monitor, const char *ticket, struct json **out_details)
{
	cleanup(free_text) char *path = mem_format("/api/Ticket/%s/details", ticket);
	struct api_request request = {.method = "GET", .url = path};
	struct api_answer answer;

	TRY(api_call(monitor->bruin, &request, &answer), "read ticket %s", ticket);
	TRY(read_answer(&answer, out_details), "read ticket %s", ticket);
	return NULL;
}
