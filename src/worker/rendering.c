/* SPDX-License-Identifier: MIT */
/* What templates see as `bmad`, and the choice between a template's body and the data object itself. */
#include "worker/rendering.h"

#include <string.h>

#include <bmad/job.h>

#include "conf/options.h"
#include "send/channel.h"

static const char *const severity_names[] = {
    [SEVERITY_NONE] = "none",
    [SEVERITY_INFO] = "info",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_ERROR] = "error",
    [SEVERITY_CRITICAL] = "critical",
};

static void set_local(struct json *object, const char *key, const struct tz *tz, utc_t at)
{
	char text[TIME_TEXT];

	json_set_string(object, key, tz_format(tz, at, text));
}

/* As people write it: "2026-11-20 10:05 PST". */
static void set_text(struct json *object, const char *key, const struct tz *tz, utc_t at)
{
	struct tz_local local;
	char text[TIME_TEXT];

	tz_to_local(tz, at, &local);
	tz_format(tz, at, text);
	cleanup(free_text) char *said = mem_format("%.10s %.5s %s", text, text + 11, local.abbr);
	json_set_string(object, key, said);
}

/* So that the template of a channel that carries none can say where they are. */
static void set_attachments(struct json *context, const struct rendering *rendering)
{
	struct json *list = json_set_array(context, "attachments");

	for (size_t i = 0; i < rendering->attachment_count; i++) {
		const struct attachment *file = &rendering->attachments[i];
		struct json *object = json_add_object(list);

		json_set_string(object, "name", file->name);
		json_set_string(object, "content_type", file->content_type);
		json_set_int(object, "bytes", (int64_t)file->length);
	}
}

/* -- files ----------------------------------------------------------------------------------------- */

#define CHART_ID "chart"

/* The picture, drawn when it is first shown, and the message's own. */
struct rendering_files {
	bool drawn;
	char *chart; /* NULL: there is none */
	struct attachment *list;
	size_t count;
};

static void draw_chart(const struct rendering *rendering)
{
	struct rendering_files *files = rendering->files;
	size_t length;

	files->drawn = true;
	files->chart = rendering->job->module->chart(rendering->data, &length);
	if (!files->chart)
		return;
	files->count = rendering->attachment_count + 1;
	files->list = mem_alloc(files->count * sizeof(*files->list));
	files->list[0] = (struct attachment){.name = CHART_ID ".png", .content_type = "image/png",
	    .bytes = files->chart, .length = length, .content_id = CHART_ID};
	for (size_t i = 1; i < files->count; i++)
		files->list[i] = rendering->attachments[i - 1];
}

const struct attachment *rendering_files(
    const struct rendering *rendering, const struct rendered *rendered, size_t *out_count)
{
	bool shown = rendering->job->module->chart && rendered->html && strstr(rendered->html, "cid:" CHART_ID);

	if (shown && !rendering->files->drawn)
		draw_chart(rendering);
	if (shown && rendering->files->chart) {
		*out_count = rendering->files->count;
		return rendering->files->list;
	}
	*out_count = rendering->attachment_count;
	return rendering->attachments;
}

static void destroy_files(struct rendering_files *files)
{
	if (!files)
		return;
	free(files->list);
	free(files->chart);
	free(files);
}

/* -- the context ----------------------------------------------------------------------------------- */

/* What is the same for every channel. */
void rendering_begin(struct rendering *rendering)
{
	const struct conf_job *job = rendering->job;
	struct json *context = rendering->context = json_object();

	rendering->files = mem_alloc(sizeof(*rendering->files));
	json_set_string(context, "id", ""); /* the first of them, set for each channel */
	json_set_string(context, "job", job->name);
	json_set_string(context, "about", job->about);
	json_set_string(context, "module", job->module->name);
	json_set(context, "run", rendering->run ? json_int(rendering->run) : json_null());
	json_set_string(context, "kind", rendering->kind);
	json_set_string(context, "severity", severity_names[rendering->severity]);
	json_set_bool(context, "clear", rendering->clear);
	json_set_string(context, "node", rendering->node);
	json_set_string(context, "environment", rendering->conf->environment);
	json_set_string(context, "version", BMAD_VERSION);
	json_set_instant(context, "slot", rendering->slot);
	set_local(context, "slot_local", job->tz, rendering->slot);
	set_text(context, "slot_text", job->tz, rendering->slot);
	json_set_instant(context, "now", rendering->now);
	set_local(context, "now_local", job->tz, rendering->now);
	set_text(context, "now_text", job->tz, rendering->now);
	json_set_string(context, "timezone", tz_name(job->tz));
	json_set(context, "vars", rendering->vars ? json_copy(rendering->vars) : json_object());
	set_attachments(context, rendering);
	json_set(context, "view", job->module->view ? job->module->view(rendering->data) : NULL);
}

void rendering_done(struct rendering *rendering)
{
	json_destroy(rendering->context);
	rendering->context = NULL;
	destroy_files(rendering->files);
	rendering->files = NULL;
}

/*
 * Whether the channel's type has an option `body` that says `data`. Read through the type's table: its
 * structure is its own affair.
 */
static bool wants_data(const struct conf_channel *channel)
{
	const struct option *option = channel->type->options;

	for (; option && option->name; option++)
		if (option->type == OPT_CHOICE && !strcmp(option->name, "body")) {
			int choice =
			    *(const int *)(const void *)((const char *)channel->options + option->offset);

			return choice >= 0 && !strcmp(option->choices[choice], "data");
		}
	return false;
}

/* The ids of the channel's option `mention`. One that does not resolve is told: nobody would be called. */
static struct texts mentions_of(const struct rendering *rendering, const struct conf_channel *channel,
    struct arena *arena, struct err **out_fault)
{
	const struct option *option = option_find(channel->type->options, "mention");
	struct texts ids = {0};

	*out_fault = NULL;
	if (option && option->type == OPT_TEXTS)
		*out_fault = conf_resolve_texts(rendering->conf,
		    (const struct texts *)(const void *)((const char *)channel->options + option->offset),
		    arena, &ids);
	return ids;
}

size_t rendering_for(const struct rendering *rendering, const struct conf_channel *channel,
    const struct rendering_message *message, struct rendered out[RENDER_PARTS_MAX])
{
	size_t count = 1;
	const struct conf_job *job = rendering->job;
	const char *own = json_text(json_get(job->templates, rendering->kind));
	struct json *context = rendering->context;
	cleanup(arena_done) struct arena arena = {0};
	struct err *fault;
	struct render_request request = {
	    .module = job->module->templates ? job->module->templates : job->module->name,
	    .kind = rendering->kind,
	    .stem = own ? own : rendering->stem,
	    .channel_type = channel->type->name,
	    .data = rendering->data,
	    .bmad = context,
	    .meant_for =
	        message->meant_for && message->meant_for != channel ? message->meant_for->name : NULL,
	    .mention = mentions_of(rendering, channel, &arena, &fault),
	    .body_data = wants_data(channel),
	};

	json_set_string(context, "id", message->id);
	json_set_string(context, "alert", rendering->alert ? rendering->alert : message->key);
	json_set_string(context, "channel", channel->name);
	json_set_string(context, "to", message->to);
	if (channel->split && !rendering->whole)
		count = render_parts(rendering->templates, &request, out);
	else
		render_message(rendering->templates, &request, out);
	if (fault && !out->why)
		out->why = mem_copy(err_text(fault));
	out->degraded = out->degraded || fault;
	err_destroy(fault);
	return count;
}
