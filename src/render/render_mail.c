/* SPDX-License-Identifier: MIT */
/*
 * A message for e-mail. HTML comes from `K.email.html`, the text from `K.email.txt`, else from that HTML,
 * else from `K.txt`; without any the data are shown as tables in both. The subject comes from
 * `K.email.subject.txt`, else it is the first line of `K.txt`, else the job's title and the kind.
 */
#include "render/render_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/dress.h"
#include "render/escape.h"
#include "render/html_text.h"
#include "render/plain.h"

/* Leaves *OUT_TEXT alone if there is no such template, or it fails. */
static struct err *render_part(struct template_set *set, const struct render_request *request, const char *suffix,
    const char *format, char **out_text)
{
	cleanup(free_text) char *stem = render_stem(request);
	cleanup(free_text) char *name = mem_format("%s.%s", stem, suffix);
	struct found_template found;
	struct buf text = {0};

	PASS(template_set_find_part(set, name, format, &found));
	if (!found.template)
		return NULL;
	struct err *e = render_template(request, &found, &text);
	if (!e)
		*out_text = buf_detach(&text);
	buf_done(&text);
	return e;
}

static char *first_line(const char *text)
{
	text += strspn(text, " \t\r\n");
	return mem_copy_n(text, strcspn(text, "\r\n"));
}

static const char *bmad_text(const struct render_request *request, const char *key)
{
	const char *text = json_text(json_get(request->bmad, key));

	return text && *text ? text : NULL;
}

/* `vars.title`, else what the job is about, else its name. */
static char *default_subject(const struct render_request *request)
{
	const char *title = json_text(json_get(json_get(request->bmad, "vars"), "title"));
	const char *about = bmad_text(request, "about"), *job = bmad_text(request, "job");

	return mem_format(
	    "%s: %s", title && *title ? title : about ? about : job ? job : request->module, request->kind);
}

static char *text_of_html(const char *html)
{
	struct buf text = {0};

	html_text(html, &text);
	return buf_detach(&text);
}

static void show_data(const struct render_request *request, struct rendered *out)
{
	cleanup(free_text) char *title = default_subject(request);
	struct buf text = {0}, html = {0};

	plain_table(request->data, &text);
	out->payload = buf_detach(&text);
	plain_html(title, request->data, &html);
	out->html = buf_detach(&html);
}

/* HTML with a line at the top of its body. */
static char *mark_html(const char *html, const char *mark)
{
	const char *body = strstr(html, "<body"), *after = body ? strchr(body, '>') : NULL;
	size_t before = after ? (size_t)(after + 1 - html) : 0;
	struct buf out = {0};

	buf_add(&out, html, before);
	buf_add_text(&out, "<p><b>");
	escape_html(&out, mark, strlen(mark));
	buf_add_text(&out, "</b></p>");
	buf_add_text(&out, html + before);
	return buf_detach(&out);
}

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

/* A redirected message says so wherever people look first. */
static void mark_redirected(const struct render_request *request, struct rendered *out)
{
	struct dress dress = {.type = "email", .meant_for = request->meant_for};
	cleanup(free_text) char *mark = dress_notice(request->meant_for);

	replace(&out->payload, dress_text(out->payload, &dress));
	replace(&out->subject, mem_format("%s %s", mark, out->subject));
	if (out->html)
		replace(&out->html, mark_html(out->html, mark));
}

void render_mail(struct template_set *set, const struct render_request *request, struct rendered *out)
{
	*out = (struct rendered){.content_type = "text/plain; charset=utf-8"};
	render_degrade(out, render_part(set, request, "email.html", "html", &out->html));
	render_degrade(out, render_part(set, request, "email.txt", "txt", &out->payload));
	render_degrade(out, render_part(set, request, "email.subject.txt", "txt", &out->subject));
	if (!out->payload && out->html)
		out->payload = text_of_html(out->html);
	if (!out->payload) {
		render_degrade(out, render_part(set, request, "txt", "txt", &out->payload));
		if (out->payload && !out->subject)
			out->subject = first_line(out->payload);
	}
	if (!out->payload)
		show_data(request, out);
	if (!out->subject || !*out->subject) {
		free(out->subject);
		out->subject = default_subject(request);
	}
	if (request->meant_for)
		mark_redirected(request, out);
}
