/* SPDX-License-Identifier: MIT */
/*
 * Doing a plan, one call after the other. A call whose answer was lost is simply made again: the id of an
 * insert makes it safe, and what is gone cannot go twice.
 */
#include "jobs/rota/google.h"

#include <string.h>

#include <bmad/text.h>
#include <bmad/time.h>

#define GENERATIONS 20

static char *event_url(const struct google_wish *wish, const char *id, bool change)
{
	struct buf url = {0};

	buf_add_text(&url, "/calendars/");
	percent_add(&url, wish->calendar);
	buf_add_text(&url, "/events");
	if (id) {
		buf_add_char(&url, '/');
		percent_add(&url, id);
	}
	if (change)
		buf_add_text(&url, "?sendUpdates=none");
	return buf_detach(&url);
}

static struct err *call(const struct google_wish *wish, const char *method, const char *id,
    const struct json *body, struct api_answer *out_answer)
{
	cleanup(free_text) char *url = event_url(wish, id, strcmp(method, "GET"));
	cleanup(free_text) char *text = body ? json_print(body) : NULL;

	return api_call(wish->api,
	    &(struct api_request){
	        .method = method,
	        .url = url,
	        .body = text,
	        .length = text ? strlen(text) : 0,
	        .content_type = text ? "application/json" : NULL,
	    },
	    out_answer);
}

/* -- bodies ----------------------------------------------------------------------------------------- */

/* NULLED: it may have had a time of day, which a patch keeps unless told. */
static void put_day(struct json *body, const char *key, int64_t day, bool nulled)
{
	struct json *moment = json_set_object(body, key);
	char date[TIME_TEXT];

	json_set_string(moment, "date", date_format(day, date));
	if (nulled)
		json_set_null(moment, "dateTime");
}

static struct json *event_body(const struct google_wish *wish, const struct google_step *step, bool nulled)
{
	char pair[EVENT_PAIR_TEXT];
	struct json *body = json_object();

	json_set_string(body, "summary", step->title);
	put_day(body, "start", step->day, nulled);
	put_day(body, "end", step->day + 1, nulled);
	json_set_string(body, "transparency", "transparent");
	struct json *marks = json_set_object(json_set_object(body, "extendedProperties"), "private");
	json_set_string(marks, "bmadRota", wish->rota_id);
	json_set_string(marks, "bmadPair", event_pair(step->wanted->lead, step->wanted->assist, pair));
	return body;
}

/* -- calls ------------------------------------------------------------------------------------------ */

static struct err *patch(const struct google_wish *wish, const struct google_step *step, const char *id,
    bool timed, bool revive, struct api_answer *out_answer)
{
	struct json *body = event_body(wish, step, timed);

	if (revive)
		json_set_string(body, "status", "confirmed");
	struct err *e = call(wish, "PATCH", id, body, out_answer);
	json_destroy(body);
	return e;
}

enum insert_end { INSERTED, TAKEN };

/* What is to become of an event that has our id already, as ITEM shows it. */
static struct err *settle_taken(const struct google_wish *wish, const struct google_plan *plan,
    const struct google_step *step, const char *id, const struct json *item, enum insert_end *out_end)
{
	struct google_event event = google_event_of(item, wish->calendar, wish->rota_id);
	bool cancelled = text_equal(json_text(json_get(item, "status")), "cancelled");
	char pair[EVENT_PAIR_TEXT];
	struct api_answer answer;

	*out_end = INSERTED;
	event_pair(step->wanted->lead, step->wanted->assist, pair);
	if (!cancelled && event.own && google_event_shows(&event, step->day, step->title, pair))
		return NULL;
	*out_end = TAKEN;
	if (!cancelled && (!event.own || event.recurring || event.day < plan->floor))
		return NULL;
	PASS(patch(wish, step, id, event.timed, cancelled, &answer));
	if (answer.status == 200)
		*out_end = INSERTED;
	else if (answer.status != 403 && answer.status != 404 && answer.status != 410)
		return google_fault(wish, &answer);
	return NULL;
}

static struct err *look_at_taken(const struct google_wish *wish, const struct google_plan *plan,
    const struct google_step *step, const char *id, enum insert_end *out_end)
{
	struct api_answer answer;
	struct json *item;

	PASS(call(wish, "GET", id, NULL, &answer));
	*out_end = TAKEN;
	if (answer.status == 404 || answer.status == 410)
		return NULL;
	if (answer.status != 200)
		return google_fault(wish, &answer);
	TRY(json_parse(answer.body, answer.length, &item), "read event %s", id);
	struct err *e = settle_taken(wish, plan, step, id, item, out_end);
	json_destroy(item);
	return e;
}

static struct err *insert_as(const struct google_wish *wish, const struct google_plan *plan,
    const struct google_step *step, const char *id, enum insert_end *out_end)
{
	struct json *body = event_body(wish, step, false);
	struct api_answer answer;

	json_set_string(body, "id", id);
	struct err *e = call(wish, "POST", NULL, body, &answer);
	json_destroy(body);
	if (e)
		return e;
	*out_end = INSERTED;
	if (answer.status == 409)
		return look_at_taken(wish, plan, step, id, out_end);
	return answer.status == 200 ? NULL : google_fault(wish, &answer);
}

static struct err *do_insert(
    const struct google_wish *wish, const struct google_plan *plan, const struct google_step *step)
{
	char id[EVENT_ID_TEXT];
	enum insert_end end = TAKEN;

	for (int generation = 0; end == TAKEN && generation < GENERATIONS; generation++)
		PASS(insert_as(wish, plan, step, event_id(wish->rota_id, step->day, generation, id), &end));
	if (end == INSERTED)
		return NULL;
	return ERR(
	    ERR_PERMANENT, "%d ids for this day are taken by events that cannot be changed", GENERATIONS);
}

/* Somebody deleted it since it was read: then it is one to insert. */
static struct err *do_patch(
    const struct google_wish *wish, const struct google_plan *plan, const struct google_step *step)
{
	struct api_answer answer;

	PASS(patch(wish, step, step->event->id, step->event->timed, false, &answer));
	if (answer.status == 404 || answer.status == 410)
		return do_insert(wish, plan, step);
	return answer.status == 200 ? NULL : google_fault(wish, &answer);
}

static struct err *do_delete(
    const struct google_wish *wish, const struct google_plan *plan, const struct google_step *step)
{
	struct api_answer answer;

	(void)plan;
	PASS(call(wish, "DELETE", step->event->id, NULL, &answer));
	if (answer.status == 204 || answer.status == 200 || answer.status == 404 || answer.status == 410)
		return NULL;
	return google_fault(wish, &answer);
}

/* -- the plan --------------------------------------------------------------------------------------- */

static const struct {
	char op;
	const char *words;
	struct err *(*act)(
	    const struct google_wish *wish, const struct google_plan *plan, const struct google_step *step);
} acts[] = {
    {'+', "insert", do_insert},
    {'~', "change", do_patch},
    {'-', "delete", do_delete},
};

static struct err *do_step(
    const struct google_wish *wish, const struct google_plan *plan, const struct google_step *step)
{
	char date[TIME_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (acts[i].op == step->op)
			return ERR_AT(acts[i].act(wish, plan, step), "%s the event of %s", acts[i].words,
			    date_format(step->day, date));
	return NULL;
}

struct err *google_apply(const struct google_wish *wish, struct google_plan *plan,
    struct err *(*mark)(void *arg, const struct google_plan *plan), void *arg)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct google_step *step = &plan->steps[i];

		if (step->op == '!')
			continue;
		PASS(do_step(wish, plan, step));
		step->done = true;
		PASS(mark(arg, plan));
	}
	return NULL;
}
