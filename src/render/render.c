/* SPDX-License-Identifier: MIT */
/*
 * One message for one channel type: by its template, checked; else as text in the plain frame. The only
 * place that decides between the two.
 */
#include "render/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/dress.h"
#include "render/fit.h"
#include "render/plain.h"
#include "render/render_inside.h"

#define TEXT_MAX (32 << 20) /* what a template may make; white space in JSON does not reach the payload */

/* A body on its way: JSON or text. */
struct body {
	struct json *json;
	char *text;
};

static void body_done(struct body *body)
{
	json_destroy(body->json);
	free(body->text);
	*body = (struct body){0};
}

static bool is_empty(const struct body *body)
{
	return !body->json && !body->text;
}

char *render_stem(const struct render_request *request)
{
	const char *stem = request->stem ? request->stem : request->kind;

	return strchr(stem, '/') ? mem_copy(stem) : mem_format("%s/%s", request->module, stem);
}

/* -- by the template ---------------------------------------------------------------------------------- */

/* The data object's keys hide `bmad` only if they have one of that name. */
struct err *render_template(
    const struct render_request *request, const struct found_template *found, struct buf *out)
{
	struct json *around = json_object();
	const struct json *roots[] = {around, request->data};

	json_set(around, "bmad", json_copy(request->bmad));
	struct err *e = template_render(found->template, roots, 2, found->escaping, TEXT_MAX, out);
	json_destroy(around);
	return e;
}

/* Parses TEXT, which is there to be read by a machine. */
static struct err *read_json(const struct buf *text, const char *path, struct json **out_value)
{
	TRY(json_parse(buf_text(text), text->length, out_value), "%s: rendered JSON", path);
	return NULL;
}

static struct err *render_own(
    const struct render_request *request, const struct found_template *found, struct body *out)
{
	struct buf text = {0};
	struct err *e = render_template(request, found, &text);

	if (!e && !strcmp(found->format, "json"))
		e = read_json(&text, found->path, &out->json);
	else if (!e)
		out->text = buf_detach(&text);
	buf_done(&text);
	return e;
}

/* -- plain -------------------------------------------------------------------------------------------- */

/* The text of the `txt` template; leaves *OUT_TEXT alone if there is none. */
static struct err *render_text(
    struct template_set *set, const struct render_request *request, char **out_text)
{
	cleanup(free_text) char *stem = render_stem(request);
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
    struct template_set *set, const struct render_request *request, struct body *out)
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
	out->json = plain_body(&message);
	if (out->json)
		free(text);
	else
		out->text = text;
	return e;
}

/* -- both --------------------------------------------------------------------------------------------- */

/* Leaves the body empty if the message has no template for this type. */
static struct err *render_exactly(
    struct template_set *set, const struct render_request *request, struct body *out)
{
	cleanup(free_text) char *stem = render_stem(request);
	struct found_template found;

	if (request->body_data) {
		out->json = json_copy(request->data);
		return NULL;
	}
	PASS(template_set_find(set, stem, request->channel_type, &found));
	return found.template && !found.plain ? render_own(request, &found, out) : NULL;
}

/* -- what is sent ------------------------------------------------------------------------------------- */

/* BODY as it goes out, within the provider's limits; false: it cannot be. BODY is used up. */
static bool finish(const struct render_request *request, struct body *body, struct rendered *out)
{
	const struct type_limits *limits = limits_of(request->channel_type);
	struct dress dress = {request->channel_type, request->meant_for, request->mention, request->bmad};
	bool good = true;

	if (body->json) {
		body->json = dress_json(body->json, &dress);
		good = fit_json(body->json, limits, &out->left_out);
		out->payload = good ? json_print(body->json) : NULL;
	} else {
		cleanup(free_text) char *text = dress_text(body->text, &dress);

		out->payload = limits->units
		                   ? shorten(text, limits->units, UNIT_UTF16, limits->dots, &out->left_out)
		                   : mem_copy(text);
	}
	body_done(body);
	return good;
}

/* A template whose body has too much besides lists and texts. */
static struct err *too_large(const struct render_request *request)
{
	return ERR(ERR_PERMANENT,
	    "%s/%s: what its template makes is too much for %s, and nothing in it can be shortened",
	    request->module, request->kind, request->channel_type);
}

void render_degrade(struct rendered *out, struct err *e)
{
	if (e && !out->why)
		out->why = mem_copy(err_text(e));
	out->degraded = out->degraded || e;
	err_destroy(e);
}

static void finish_plain(struct template_set *set, const struct render_request *request, struct rendered *out)
{
	struct body body = {0};

	out->left_out = 0;
	render_degrade(out, render_plain(set, request, &body));
	finish(request, &body, out);
}

static void render_shown(struct template_set *set, const struct render_request *request, struct rendered *out)
{
	if (!strcmp(request->channel_type, "email")) {
		render_mail(set, request, out);
		return;
	}
	bool json = request->body_data || !strcmp(template_format(request->channel_type), "json");
	struct body body = {0};

	*out = (struct rendered){.content_type = json ? "application/json" : "text/plain; charset=utf-8"};
	render_degrade(out, render_exactly(set, request, &body));
	if (is_empty(&body)) {
		finish_plain(set, request, out);
	} else if (!finish(request, &body, out)) {
		render_degrade(out, too_large(request));
		finish_plain(set, request, out);
	}
}

void render_message(struct template_set *set, const struct render_request *request, struct rendered *out)
{
	const struct type_limits *limits = limits_of(request->channel_type);
	struct json *data = fit_data(request->data, limits), *bmad = fit_data(request->bmad, limits);
	struct render_request shown = *request;

	shown.data = data ? data : request->data;
	shown.bmad = bmad ? bmad : request->bmad;
	render_shown(set, &shown, out);
	json_destroy(data);
	json_destroy(bmad);
}

char *render_whole_text(struct template_set *set, const struct render_request *request)
{
	struct buf table = {0};
	char *text = NULL;

	err_ignore(render_text(set, request, &text)); /* its fault was told when the message was rendered */
	if (text)
		return text;
	plain_table(request->data, &table);
	return table.length ? buf_detach(&table) : mem_copy("");
}

void render_text_plain(const struct render_request *request, const char *text, struct rendered *out)
{
	bool json = !strcmp(template_format(request->channel_type), "json");
	struct plain_message message = {
	    .type = request->channel_type, .kind = request->kind, .bmad = request->bmad, .text = text};
	struct body body = {.json = plain_body(&message)};

	*out = (struct rendered){.content_type = json ? "application/json" : "text/plain; charset=utf-8"};
	if (!body.json)
		body.text = mem_copy(text);
	finish(request, &body, out);
}

void rendered_done(struct rendered *rendered)
{
	free(rendered->payload);
	free(rendered->html);
	free(rendered->subject);
	free(rendered->why);
	*rendered = (struct rendered){0};
}
