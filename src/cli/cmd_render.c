/* SPDX-License-Identifier: MIT */
/*
 * `bmad render TEMPLATE [--data FILE] [--partials DIR]`: a template file with data, to standard output.
 * `bmad render JOB [--channel C] [--kind K] [--data FILE]`: what that channel would get of the job.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bmad/job.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "worker/packing.h"
#include "worker/rendering.h"
#include "worker/templates.h"

#define DATA_MAX   (64 << 20)
#define OUTPUT_MAX (256 << 20)

static struct err *read_all(FILE *file, const char *name, struct buf *out)
{
	size_t got;

	do {
		got = fread(buf_room(out, 65536), 1, 65536, file);
		out->length += got;
	} while (got && out->length <= DATA_MAX);
	if (ferror(file))
		return ERR(ERR_CONFIG, "%s: %s", name, strerror(errno));
	if (out->length > DATA_MAX)
		return ERR(ERR_CONFIG, "%s: more than %d bytes of data", name, DATA_MAX);
	return NULL;
}

static struct err *read_text(const char *path, struct buf *out)
{
	if (!strcmp(path, "-"))
		return read_all(stdin, "standard input", out);
	FILE *file = fopen(path, "re");
	if (!file)
		return ERR(ERR_CONFIG, "%s: %s", path, strerror(errno));
	struct err *e = read_all(file, path, out);
	fclose(file);
	return e;
}

/* What the user handed over is wrong, not what a provider sent: the exit status of a bad command line. */
static struct err *data_fault(const char *path, struct err *fault)
{
	struct err *e = ERR(ERR_CONFIG, "%s: %s", path, err_message(fault));

	err_destroy(fault);
	return e;
}

/* The data at PATH, `-` for standard input; without one an empty object. */
static struct err *load_data(const char *path, struct json **out_data)
{
	struct buf text = {0};
	struct err *e;

	if (!path) {
		*out_data = json_object();
		return NULL;
	}
	e = read_text(path, &text);
	if (!e) {
		e = json_parse(buf_text(&text), text.length, out_data);
		if (e)
			e = data_fault(path, e);
	}
	buf_done(&text);
	return e;
}

/* -- a template file ------------------------------------------------------------------------------- */

struct render_wish {
	const char *name; /* of a template file or of a job */
	const char *data, *partials, *channel, *kind;
};

static struct err *render_template_file(const struct render_wish *wish, struct buf *out)
{
	const struct escaping *escaping;
	struct template *template;
	struct json *data = NULL;

	PASS(template_load(wish->name, wish->partials, &template, &escaping));
	struct err *e = load_data(wish->data, &data);
	if (!e) {
		const struct json *root = data;

		e = template_render(template, &root, 1, escaping, OUTPUT_MAX, out);
	}
	json_destroy(data);
	template_destroy(template);
	return e;
}

static int render_file(const struct render_wish *wish)
{
	cleanup(buf_done) struct buf out = {0};
	struct err *e = render_template_file(wish, &out);

	return e ? cli_fail(e) : cli_write(&out);
}

/* -- a job's message for a channel ----------------------------------------------------------------- */

/* The channel named, else the only one of the job. */
static struct err *find_channel(const struct conf *conf, const struct conf_job *job, const char *name,
    const struct conf_channel **out_channel)
{
	if (name)
		return conf_channel_get(conf, name, out_channel);
	if (job->channel_count != 1)
		return ERR(ERR_CONFIG, "job '%s' has %zu channels: say for which with --channel", job->name,
		    job->channel_count);
	*out_channel = job->channels[0];
	return NULL;
}

/* The message as rendered, in its parts, and as the outbox would have them. */
struct shown {
	struct arena arena;
	struct rendered rendered[RENDER_PARTS_MAX];
	struct packed packed[RENDER_PARTS_MAX];
	size_t count;
};

static struct err *pack_parts(const struct rendering *rendering, const struct conf_channel *channel,
    const char *id, struct shown *out)
{
	struct packing packing = {
	    .conf = rendering->conf,
	    .channel = channel,
	    .id = id,
	    .to = "",
	    .own = true,
	    .created_ms = rendering->now * 1000,
	};

	for (size_t i = 0; i < out->count; i++) {
		packing.attachments =
		    rendering_files(rendering, &out->rendered[i], &packing.attachment_count);
		PASS(pack_rendered(&packing, &out->rendered[i], &out->arena, &out->packed[i]));
		const char *safe = pack_shown(&packing, &out->rendered[i], &out->arena);
		if (safe)
			out->packed[i] = (struct packed){.payload = safe, .payload_length = strlen(safe)};
	}
	return NULL;
}

static struct err *render_with(
    struct rendering *rendering, const struct conf_channel *channel, struct shown *out)
{
	char id[UUID_TEXT];
	struct rendering_message message = {.id = uuid_v7(rendering->now * 1000, id), .key = "", .to = ""};

	rendering_begin(rendering);
	out->count = rendering_for(rendering, channel, &message, out->rendered);
	struct err *e = pack_parts(rendering, channel, id, out);
	rendering_done(rendering);
	return e;
}

/* Like a dry run with this data, at this moment. Secrets in the job's `vars` are not shown. */
static struct err *render_message_of(const struct conf *conf, const struct conf_job *job,
    const struct conf_channel *channel, const struct render_wish *wish, struct shown *out)
{
	cleanup(arena_done) struct arena arena = {0};
	const struct json *vars;
	char node[256] = "";
	struct json *data;

	TRY(conf_resolve_json(conf, job->vars, &arena, &vars), "resolve the variables");
	PASS(load_data(wish->data, &data));
	if (!json_is(data, JSON_OBJECT)) {
		json_destroy(data);
		return ERR(ERR_CONFIG, "%s: a job's data is an object", wish->data);
	}
	gethostname(node, sizeof(node) - 1);
	struct rendering rendering = {
	    .templates = worker_templates(conf),
	    .conf = conf,
	    .job = job,
	    .vars = vars,
	    .node = node,
	    .slot = cli_now(),
	    .now = cli_now(),
	    .kind = wish->kind ? wish->kind : "report",
	    .data = data,
	};
	struct err *e = render_with(&rendering, channel, out);
	template_set_destroy(rendering.templates);
	json_destroy(data);
	return e;
}

/* What a template that failed leaves is shown too: the channel would get it. */
static int show_rendered(const struct rendered *rendered, const struct packed *packed)
{
	cleanup(buf_done) struct buf out = {0};

	buf_add(&out, packed->payload, packed->payload_length);
	redact(&out);
	int status = cli_write(&out);
	if (status || !rendered->degraded)
		return status;
	fflush(stdout);
	return cli_fail(
	    ERR(ERR_PERMANENT, "the template failed, so the message is plain: %s", rendered->why));
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int render_conf(const struct conf *conf, const struct render_wish *wish)
{
	const struct conf_job *job;
	const struct conf_channel *channel;
	struct shown shown = {0};

	struct err *e = conf_job_get(conf, wish->name, &job);
	if (!e)
		e = find_channel(conf, job, wish->channel, &channel);
	if (!e)
		e = render_message_of(conf, job, channel, wish, &shown);
	int status = e ? cli_fail(e) : EXIT_OK;
	for (size_t i = 0; i < shown.count; i++) {
		if (!e)
			status = worse(status, show_rendered(&shown.rendered[i], &shown.packed[i]));
		rendered_done(&shown.rendered[i]);
	}
	arena_done(&shown.arena);
	return status;
}

static int render_job(const struct render_wish *wish)
{
	struct conf *conf = cli_load_conf();

	if (!conf)
		return EXIT_USAGE;
	int status = render_conf(conf, wish);
	conf_destroy(conf);
	return status;
}

/* -- the command line ------------------------------------------------------------------------------ */

struct argument {
	const char *option; /* NULL: the one without */
	const char **value;
};

/* The row that ARGUMENT (`--data`, `--data=FILE`, `zone.html.mustache`) sets, NULL if there is none. */
static const struct argument *find_argument(const struct argument *rows, const char *argument)
{
	if (argument[0] != '-' || !argument[1])
		return rows;
	for (rows++; rows->option; rows++) {
		size_t length = strlen(rows->option);

		if (!strncmp(argument, rows->option, length) &&
		    (!argument[length] || argument[length] == '='))
			return rows;
	}
	return NULL;
}

/* ROWS: the argument without option first, a row without option last. */
static int parse_arguments(int argc, char **argv, const struct argument *rows)
{
	for (int i = 1; i < argc; i++) {
		const struct argument *row = find_argument(rows, argv[i]);

		if (!row)
			return cli_usage("render: unknown option %s", argv[i]);
		const char *equals = row->option ? strchr(argv[i], '=') : NULL;
		if (*row->value)
			return cli_usage("render: one too many: %s", argv[i]);
		if (row->option && !equals && i + 1 == argc)
			return cli_usage("render: %s wants a value", argv[i]);
		*row->value = equals ? equals + 1 : row->option ? argv[++i] : argv[i];
	}
	return EXIT_OK;
}

/* The name of a job has neither. */
static bool is_template_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(TEMPLATE_SUFFIX);

	return strchr(name, '/') || (length > suffix && !strcmp(name + length - suffix, TEMPLATE_SUFFIX));
}

int cmd_render(int argc, char **argv)
{
	struct render_wish wish = {0};
	const struct argument rows[] = {{NULL, &wish.name}, {"--data", &wish.data},
	    {"--partials", &wish.partials}, {"--channel", &wish.channel}, {"--kind", &wish.kind}, {0}};
	int status = parse_arguments(argc, argv, rows);

	if (status)
		return status;
	if (!wish.name)
		return cli_usage("render: which job, or which template (NAME.FORMAT.mustache)?");
	if (!is_template_name(wish.name))
		return wish.partials ? cli_usage("render: --partials goes with a template, not with a job")
		                     : render_job(&wish);
	if (wish.channel || wish.kind)
		return cli_usage("render: --channel and --kind go with a job, not with a template");
	return render_file(&wish);
}
