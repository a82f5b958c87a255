/* SPDX-License-Identifier: MIT */
/*
 * One message for one channel type: by its template, checked; else as text in the plain frame. The only
 * place that decides between the two.
 */
#include "render/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/plain.h"

#define TEXT_MAX (8 << 20) /* what a template may make; white space in JSON does not reach the payload */

static size_t budget_of(const struct render_request *request)
{
	return request->budget ? request->budget : plain_budget(request->channel_type);
}

static char *stem_of(const struct render_request *request)
{
	const char *stem = request->stem ? request->stem : request->kind;

	return strchr(stem, '/') ? mem_copy(stem) : mem_format("%s/%s", request->module, stem);
}

/* -- by the template ---------------------------------------------------------------------------------- */

/* The data object's keys hide `bmad` only if they have one of that name. */
static struct err *render_template(
    const struct render_request *request, const struct found_template *found, struct buf *out)
{
	struct json *around = json_object();
	const struct json *roots[] = {around, request->data};

	json_set(around, "bmad", json_copy(request->bmad));
	struct err *e = template_render(found->template, roots, 2, found->escaping, TEXT_MAX, out);
	json_destroy(around);
	return e;
}

/* Parses TEXT, which is there to be read by a machine, and prints it without the template's white space. */
static struct err *check_json(const struct buf *text, const char *path, char **out_payload)
{
	struct json *value;

	TRY(json_parse(buf_text(text), text->length, &value), "%s: rendered JSON", path);
	*out_payload = json_print(value);
	json_destroy(value);
	return NULL;
}

static struct err *check_budget(const struct render_request *request, const char *path, const char *payload)
{
	size_t budget = budget_of(request), length = strlen(payload);

	if (!budget || length <= budget)
		return NULL;
	return ERR(ERR_PERMANENT, "%s: %zu bytes, %s takes at most %zu", path, length, request->channel_type,
	    budget);
}

static struct err *render_own(
    const struct render_request *request, const struct found_template *found, char **out_payload)
{
	struct buf text = {0};
	char *payload = NULL;
	struct err *e = render_template(request, found, &text);

	if (!e && !strcmp(found->format, "json"))
		e = check_json(&text, found->path, &payload);
	else if (!e)
		payload = buf_detach(&text);
	buf_done(&text);
	if (payload)
		e = check_budget(request, found->path, payload);
	if (e) {
		free(payload);
		return e;
	}
	*out_payload = payload;
	return NULL;
}

/* -- plain -------------------------------------------------------------------------------------------- */

/* The text of the `txt` template; leaves *OUT_TEXT alone if there is none. */
static struct err *render_text(
    struct template_set *set, const struct render_request *request, char **out_text)
{
	cleanup(free_text) char *stem = stem_of(request);
	struct found_template found;
	struct buf text = {0};

	PASS(template_set_find_text(set, stem, &found));
	if (!found.template)
		return NULL;
	struct err *e = render_template(request, &found, &text);
	if (e) {
		buf_done(&text);
		return e;
	}
	*out_text = buf_detach(&text);
	return NULL;
}

/* An envelope holds the data itself; everything else needs some text. */
static char *text_of_data(const struct render_request *request)
{
	struct buf text = {0};

	if (!strcmp(request->channel_type, "webhook"))
		return NULL;
	plain_table(request->data, &text);
	return buf_detach(&text);
}

/* Cannot fail: the fault of a `txt` template is told, and the data stand for its text. */
static struct err *render_plain(
    struct template_set *set, const struct render_request *request, struct rendered *out)
{
	char *text = NULL;
	struct err *e = render_text(set, request, &text);

	if (!text)
		text = text_of_data(request);
	struct plain_message message = {.type = request->channel_type,
	    .kind = request->kind,
	    .data = request->data,
	    .bmad = request->bmad,
	    .text = text};
	out->payload = plain_payload(&message, budget_of(request), &out->left_out);
	free(text);
	return e;
}

/* -- both --------------------------------------------------------------------------------------------- */

static struct err *render_data(const struct render_request *request, char **out_payload)
{
	char *payload = json_print(request->data);
	struct err *e = check_budget(request, "the data object", payload);

	if (e) {
		free(payload);
		return e;
	}
	*out_payload = payload;
	return NULL;
}

/* Leaves the payload NULL if the message has no template for this type. */
static struct err *render_exactly(
    struct template_set *set, const struct render_request *request, struct rendered *out)
{
	cleanup(free_text) char *stem = stem_of(request);
	struct found_template found;

	if (request->body_data)
		return render_data(request, &out->payload);
	PASS(template_set_find(set, stem, request->channel_type, &found));
	return found.template && !found.plain ? render_own(request, &found, &out->payload) : NULL;
}

static void degrade(struct rendered *out, struct err *e)
{
	if (e && !out->why)
		out->why = mem_copy(err_text(e));
	out->degraded = out->degraded || e;
	err_destroy(e);
}

void render_message(struct template_set *set, const struct render_request *request, struct rendered *out)
{
	bool json = request->body_data || !strcmp(template_format(request->channel_type), "json");

	*out = (struct rendered){.content_type = json ? "application/json" : "text/plain; charset=utf-8"};
	degrade(out, render_exactly(set, request, out));
	if (!out->payload)
		degrade(out, render_plain(set, request, out));
}

void rendered_done(struct rendered *rendered)
{
	free(rendered->payload);
	free(rendered->why);
	*rendered = (struct rendered){0};
}
