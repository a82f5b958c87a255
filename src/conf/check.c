/* SPDX-License-Identifier: MIT */
/* The second half of judging a configuration: references, addresses, templates. */
#include "conf/check.h"

#include <stdio.h>
#include <string.h>

#include "conf/names.h"
#include "send/channel.h"
#include "worker/templates.h"

/* -- references ------------------------------------------------------------------------------------ */

struct err *conf_try_reference(const struct conf *conf, const struct conf_reference *reference)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *value;

	return conf_resolve_text(conf, reference->text, &arena, &value);
}

static void check_references(const struct conf *conf, struct conf_problems *problems)
{
	for (size_t i = 0; i < conf->reference_count; i++) {
		const struct conf_reference *reference = &conf->references[i];
		struct err *e = reference->now ? NULL : conf_try_reference(conf, reference);

		if (!e)
			continue;
		conf_problem(
		    problems, PROBLEM_ERROR, reference->place, "%s: %s", reference->owner, err_message(e));
		err_destroy(e);
	}
}

/* -- what can be judged only once references are resolved ------------------------------------------ */

static void report(struct conf_problems *problems, struct conf_place place, const char *kind,
    const char *name, struct err *e)
{
	if (!e)
		return;
	conf_problem(problems, PROBLEM_ERROR, place, "%s '%s': %s", kind, name, err_message(e));
	err_destroy(e);
}

static struct err *check_channel(
    const struct conf *conf, const struct conf_channel *channel, struct arena *arena)
{
	struct conf_channel resolved;

	PASS(conf_resolve_channel(conf, channel, arena, &resolved));
	return channel->type->check ? channel->type->check(&resolved, resolved.options) : NULL;
}

static void check_resolved(const struct conf *conf, struct conf_problems *problems)
{
	cleanup(arena_done) struct arena arena = {0};
	struct conf_source source;

	for (size_t i = 0; i < conf->channel_count; i++)
		report(problems, conf->channels[i].place, "channel", conf->channels[i].name,
		    check_channel(conf, &conf->channels[i], &arena));
	for (size_t i = 0; i < conf->source_count; i++)
		report(problems, conf->sources[i].place, "source", conf->sources[i].name,
		    conf_resolve_source(conf, &conf->sources[i], &arena, &source));
}

/* -- templates ------------------------------------------------------------------------------------- */

/* `FILE:LINE:COLUMN: text` taken apart; a message of another form stays whole. */
static const char *take_place(const char *message, struct arena *arena, struct conf_place *out_place)
{
	const char *end = strstr(message, ": ");
	int line, column, used = 0;

	if (!end)
		return message;
	char *file = arena_copy_n(arena, message, (size_t)(end - message)), *colon = file + (end - message);
	for (int parts = 0; parts < 2; parts++)
		while (colon > file && *--colon != ':')
			;
	if (sscanf(colon, ":%d:%d%n", &line, &column, &used) != 2 || colon[used])
		return message;
	*colon = '\0';
	*out_place = (struct conf_place){.file = file, .line = line, .column = column};
	return end + 2;
}

static void report_template(void *arg, struct err *e)
{
	struct conf_problems *problems = arg;
	struct conf_place place = {0};
	const char *text = take_place(err_message(e), &problems->arena, &place);

	conf_problem(problems, PROBLEM_ERROR, place, "%s", text);
	err_destroy(e);
}

/* Those of each module that a job runs, once. */
static void check_templates(const struct conf *conf, struct conf_problems *problems)
{
	struct template_set *set = worker_templates(conf);
	struct names seen = {0};

	for (size_t i = 0; i < conf->job_count; i++) {
		const struct job_module *module = conf->jobs[i].module;
		const char *folder = !module ? NULL : module->templates ? module->templates : module->name;

		if (folder && names_add(&seen, folder, i))
			template_set_check(set, folder, report_template, problems);
	}
	template_set_check(set, "alarm", report_template, problems);
	names_done(&seen);
	template_set_destroy(set);
}

/* -- what stays as long as a daemon runs ----------------------------------------------------------- */

static void compare(const struct conf *fresh, struct conf_problems *problems, const char *key,
    const char *is, const char *would_be)
{
	if (strcmp(is, would_be) != 0)
		conf_problem(problems, PROBLEM_ERROR, (struct conf_place){.file = fresh->path},
		    "'%s' cannot change while the daemon runs: it is %s and would be %s; restart the daemon",
		    key, is, would_be);
}

void conf_check_change(const struct conf *running, const struct conf *fresh, struct conf_problems *problems)
{
	const struct conf_daemon *is = &running->daemon, *would_be = &fresh->daemon;

	compare(fresh, problems, "daemon.store", is->store, would_be->store);
	compare(fresh, problems, "daemon.control", is->control, would_be->control);
	compare(fresh, problems, "daemon.log.target", conf_log_targets[is->log_target],
	    conf_log_targets[would_be->log_target]);
	compare(fresh, problems, "daemon.log.facility", is->log_facility, would_be->log_facility);
	conf_problems_sort(problems);
}

/* -- all of it ------------------------------------------------------------------------------------- */

void conf_check(const struct conf *conf, struct conf_problems *problems)
{
	check_references(conf, problems);
	if (!problems->errors)
		check_resolved(conf, problems);
	check_templates(conf, problems);
	conf_problems_sort(problems);
}
