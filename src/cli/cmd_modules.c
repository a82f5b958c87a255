/* SPDX-License-Identifier: MIT */
/* `bmad modules [NAME]`: what can be configured, printed from the tables by which it is read. */
#include <stdio.h>
#include <string.h>

#include <bmad/api.h>

#include "base/columns.h"
#include "base/text.h"
#include "cli/cli.h"
#include "send/channel.h"
#include "source/source.h"

/* What the sections of bmad.yaml hold themselves. */
static const struct {
	const char *name;
	const char *summary;
	const struct option *options;
	const struct option *more; /* besides them; NULL: none */
} sections[] = {
    {"daemon", "the section 'daemon'", conf_daemon_options, NULL},
    {"defaults", "the section 'defaults': what holds for jobs that say nothing else", conf_defaults_options, NULL},
    {"source", "an entry of 'sources'", conf_source_options, conf_reuse_options},
    {"api", "an entry of 'apis', besides the keys of its type", conf_api_options, conf_reuse_options},
    {"channel", "an entry of 'channels', besides the keys of its type", conf_channel_options, conf_reuse_options},
    {"job", "an entry of 'jobs'", conf_job_options, conf_reuse_options},
};

/* -- the list -------------------------------------------------------------------------------------- */

static void add(struct columns *columns, const char *name, const char *summary)
{
	columns_row(columns, (const char *[]){name, summary ? summary : ""});
}

static void print_list(const char *title, struct columns *columns, struct buf *out)
{
	buf_format(out, "%s%s:\n", out->length ? "\n" : "", title);
	columns_print(columns, out);
	columns_done(columns);
}

#define COLUMNS                                                                                              \
	(struct columns)                                                                                     \
	{                                                                                                    \
		.count = 2, .indent = "  "                                                                   \
	}

static void list_all(struct buf *out)
{
	struct columns columns = COLUMNS;

	for (size_t i = 0; job_modules[i]; i++)
		add(&columns, job_modules[i]->name, job_modules[i]->summary);
	print_list("job modules", &columns, out);
	columns = COLUMNS;
	for (size_t i = 0; channel_types[i]; i++)
		add(&columns, channel_types[i]->name, channel_types[i]->summary);
	print_list("channel types", &columns, out);
	columns = COLUMNS;
	for (size_t i = 0; source_types[i]; i++)
		if (!i || strcmp(source_types[i]->name, source_types[i - 1]->name)) /* two schemes of one type */
			add(&columns, source_types[i]->name, source_types[i]->summary);
	print_list("source types", &columns, out);
	columns = COLUMNS;
	for (size_t i = 0; api_types[i]; i++)
		add(&columns, api_types[i]->name, api_types[i]->summary);
	print_list("API types", &columns, out);
	columns = COLUMNS;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		add(&columns, sections[i].name, sections[i].summary);
	print_list("sections of bmad.yaml", &columns, out);
	buf_add_text(out, "\nbmad modules NAME prints the keys of one of these.\n");
}

/* -- one of them ----------------------------------------------------------------------------------- */

static void print_title(const char *what, const char *name, const char *summary, struct buf *out)
{
	buf_format(out, "%s%s%s%s: %s\n", out->length ? "\n" : "", what, *what ? " " : "", name,
	    summary ? summary : "");
}

static void print_one(
    const char *what, const char *name, const char *summary, const struct option *options, struct buf *out)
{
	print_title(what, name, summary, out);
	if (options && options->name)
		options_print(options, NULL, out);
	else
		buf_add_text(out, "  no keys of its own\n");
}

/* The keys of a job for which the module has defaults of its own. */
static void print_brought(const struct job_module *module, struct buf *out)
{
	const struct {
		const char *key, *value;
	} brought[] = {
	    {"misfire", module->misfire},
	    {"max_late", module->max_late},
	    {"timeout", module->timeout},
	    {"run_at_start", module->run_at_start ? "true" : NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(brought); i++)
		if (brought[i].value)
			buf_format(out, "  own %s: %s\n", brought[i].key, brought[i].value);
}

static void print_module(const struct job_module *module, struct buf *out)
{
	print_one("job module", module->name, module->summary, module->options, out);
	buf_format(out, "  own schedule: %s\n", module->schedule ? module->schedule : "none");
	print_brought(module, out);
}

/* The defaults of common keys that the type brings itself. */
static void print_channel_type(const struct channel_type *type, struct buf *out)
{
	print_one("channel type", type->name, type->summary, type->options, out);
	buf_format(out,
	    "  by type: rate %s, retry.initial %s, retry.max %s, retry.max_age %s, on_ambiguous %s\n",
	    type->rate ? type->rate : "none",
	    type->retry_initial ? type->retry_initial : CHANNEL_RETRY_INITIAL,
	    type->retry_max ? type->retry_max : CHANNEL_RETRY_MAX,
	    type->max_age ? type->max_age : CHANNEL_MAX_AGE,
	    type->on_ambiguous == AMBIGUOUS_HOLD ? "hold" : "retry");
	buf_add_text(out, "  and the keys of every channel: bmad modules channel\n");
}

static void print_source_type(const struct source_type *type, struct buf *out)
{
	print_one("source type", type->name, type->summary, NULL, out);
	buf_format(out, "  a url that begins with %s, and the keys of every source: bmad modules source\n",
	    type->scheme);
}

static void print_api_type(const struct api_type *type, struct buf *out)
{
	print_one("API type", type->name, type->summary, type->options, out);
	buf_format(out, "  by type: request_timeout %s, retry_wait %s\n", type->request_timeout, type->retry_wait);
	buf_add_text(out, "  and the keys of every API: bmad modules api\n");
}

static void print_section(size_t number, struct buf *out)
{
	print_title("", sections[number].name, sections[number].summary, out);
	options_print(sections[number].options, sections[number].more, out);
}

/* All that is called NAME: a module and a channel type may share a name. */
static void print_named(const char *name, struct buf *out)
{
	for (size_t i = 0; job_modules[i]; i++)
		if (!strcmp(job_modules[i]->name, name))
			print_module(job_modules[i], out);
	for (size_t i = 0; channel_types[i]; i++)
		if (!strcmp(channel_types[i]->name, name))
			print_channel_type(channel_types[i], out);
	for (size_t i = 0; source_types[i]; i++)
		if (!strcmp(source_types[i]->name, name))
			print_source_type(source_types[i], out);
	for (size_t i = 0; api_types[i]; i++)
		if (!strcmp(api_types[i]->name, name))
			print_api_type(api_types[i], out);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i].name, name))
			print_section(i, out);
}

static int refuse(const char *name)
{
	const char *names[256] = {0};
	size_t count = 0, most = ARRAY_SIZE(names) - 1;

	for (size_t i = 0; job_modules[i] && count < most; i++)
		names[count++] = job_modules[i]->name;
	for (size_t i = 0; channel_types[i] && count < most; i++)
		names[count++] = channel_types[i]->name;
	for (size_t i = 0; source_types[i] && count < most; i++)
		names[count++] = source_types[i]->name;
	for (size_t i = 0; api_types[i] && count < most; i++)
		names[count++] = api_types[i]->name;
	for (size_t i = 0; i < ARRAY_SIZE(sections) && count < most; i++)
		names[count++] = sections[i].name;
	const char *near = near_name(name, names);
	return cli_usage("there is no module or type '%s'%s%s%s", name, near ? "; did you mean '" : "",
	    near ? near : "", near ? "'?" : "");
}

int cmd_modules(int argc, char **argv)
{
	cleanup(buf_done) struct buf out = {0};

	if (argc > 2)
		return cli_usage("modules: one name at most");
	if (argc == 2)
		print_named(argv[1], &out);
	else
		list_all(&out);
	return out.length ? cli_write(&out) : refuse(argv[1]);
}
