/* SPDX-License-Identifier: MIT */
/*
 * One message of a job for one or more channels, as templates see it: the data object, and `bmad` with what
 * is known of job, run and channel. A run and `bmad render JOB` go this way, so that both show the same.
 *
 *	struct rendering rendering = {.templates = set, .job = job, ..., .data = data};
 *
 *	rendering_begin(&rendering);
 *	count = rendering_for(&rendering, channel, &message, rendered);
 *	files = rendering_files(&rendering, &rendered[0], &file_count);
 *	rendering_done(&rendering);
 */
#ifndef WORKER_RENDERING_H
#define WORKER_RENDERING_H

#include <bmad/json.h>
#include <bmad/message.h>

#include "conf/conf.h"
#include "render/render.h"

struct rendering {
	struct template_set *templates;
	const struct conf *conf;
	const struct conf_job *job;
	const struct json *vars; /* the job's, resolved; NULL: none */
	const char *node;        /* this host */
	int64_t run;             /* 0: it has no number, a dry run's */
	utc_t slot, now;
	const char *kind;
	const char *stem; /* of the template, unless the job names another; NULL: the kind */
	enum severity severity;
	const char *alert; /* NULL: the message's key */
	bool clear;
	bool whole; /* one message per channel, whatever its `split` says */
	const struct json *data;
	const struct attachment *attachments;
	size_t attachment_count;
	struct json *context; /* `bmad`; made by rendering_begin() */
	struct rendering_files *files; /* the same, and the picture once it is shown */
};

/* All but the context is given; everything outlives the rendering. */
void rendering_begin(struct rendering *rendering);
void rendering_done(struct rendering *rendering);

/* What differs from channel to channel, and from recipient to recipient. */
struct rendering_message {
	const char *id;
	const char *key;
	const char *to; /* "": the channel's own */
	const struct conf_channel
	    *meant_for; /* NULL: the channel; else the message says where it should have gone */
};

/* Renders MESSAGE for CHANNEL, in several parts where it wants that; how many. OUT: rendered_done() each. */
size_t rendering_for(const struct rendering *rendering, const struct conf_channel *channel,
    const struct rendering_message *message, struct rendered out[RENDER_PARTS_MAX]);

/*
 * The attachments of what was rendered: the message's own, and before them the module's picture if the HTML
 * shows it. Borrowed until rendering_done().
 */
const struct attachment *rendering_files(
    const struct rendering *rendering, const struct rendered *rendered, size_t *out_count);

#endif
